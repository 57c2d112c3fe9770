// Package atomicfile replaces a file so that a crash at any moment leaves the old content or the new one, whole.
package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// unfinished begins the names of files that are being written.
const unfinished = ".new-"

// Sweep removes what writes that a crash cut short left in a folder. Nobody may write there meanwhile.
func Sweep(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), unfinished) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, f.Name())))
		}
	}
	return err
}

// Write replaces the file at path, which only its owner may read. It returns once the content is on the disk.
func Write(path string, content []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, unfinished+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close()) // the new name, too, is on the disk only now
}

// File is one file written by Write.
type File struct{ Path string }

// Save replaces the content.
func (f File) Save(content []byte) error { return Write(f.Path, content) }

// Load returns the content; nil if there is no file.
func (f File) Load() ([]byte, error) {
	b, err := os.ReadFile(f.Path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}
