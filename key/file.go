package key

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxFile bounds what is read as a key file, in bytes.
const maxFile = 1024

// Load reads a key file: 64 hexadecimal digits. The error wraps os.ErrNotExist if there is none, ErrKey if it holds
// something else.
func Load(path string) (*Private, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: not hexadecimal", path, ErrKey)
	}
	k, err := FromBytes(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// Save writes a key file that only its owner can read. It never overwrites one: the error then wraps os.ErrExist. The
// file appears whole or not at all, whenever the process is killed.
func (p *Private) Save(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".key-*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(hex.EncodeToString(p.Bytes()) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil { // unlike a rename it fails where a file is
		return err
	}
	return syncDir(dir)
}

// syncDir makes a new name in a directory outlast a loss of power.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// LoadOrCreate reads the key file at path, making a new key there first if there is none. Of two processes that do so at
// once, both get the one key that was written.
func LoadOrCreate(path string) (*Private, error) {
	k, err := Load(path)
	if !errors.Is(err, os.ErrNotExist) {
		return k, err
	}
	if k, err = Generate(); err != nil {
		return nil, err
	}
	if err = k.Save(path); errors.Is(err, os.ErrExist) {
		return Load(path)
	} else if err != nil {
		return nil, err
	}
	return k, nil
}
