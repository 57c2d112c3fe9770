package catalogue

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"funai/model/gguf/header"
)

// Stored is a model of the hub that is in the cache.
type Stored struct {
	Name string // hf:owner/repo:file
	Path string
	Size int64
	Hash [32]byte // as the hub published it
}

// Stored lists the models of the hub that are here, by name.
func (f *Fetcher) Stored() ([]Stored, error) {
	pins, err := filepath.Glob(filepath.Join(f.dir, "models", "hf-*.pin"))
	if err != nil {
		return nil, err
	}
	var out []Stored
	for _, p := range pins {
		path := strings.TrimSuffix(p, ".pin")
		pin, err := readPin(path)
		if err != nil || pin.name == "" || fileSize(path) == 0 {
			continue // removed, or half written
		}
		s := Stored{Name: pin.name, Path: path, Size: fileSize(path)}
		if n, err := hex.Decode(s.Hash[:], []byte(pin.sum)); err != nil || n != len(s.Hash) {
			continue
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Stored) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Details are what is known of a model by its name: of one of the catalogue always, of others if they are here.
type Details struct {
	Name   string
	Model  *Model // of the catalogue; nil if it is none
	Path   string // empty: it isn't here
	Size   int64
	Hash   [32]byte
	Header *header.Header // of the file; nil if it isn't here
}

// Show returns what is known of a model. Nothing is fetched, but a file that is here is read to check its hash.
func (f *Fetcher) Show(ctx context.Context, name string) (Details, error) {
	d := Details{Name: name}
	m, err := Lookup(name)
	switch ref, isRef := hubRef(name); {
	case err == nil:
		d.Model, d.Size, d.Hash = &m, m.Size, m.Hash
		if path, ok := f.Cached(ctx, name); ok {
			d.Path = path
		}
	case isRef:
		path, _ := f.hubPath(ref)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return d, nil
		}
		d.Path = path
	default:
		if d.Path, err = f.Ensure(ctx, name, nil); err != nil {
			return d, err
		}
	}
	if d.Path == "" {
		return d, nil
	}
	if d.Header, err = header.Open(d.Path); err != nil {
		return d, err
	}
	d.Size = d.Header.Size
	d.Hash, err = Identity(ctx, d.Path)
	return d, err
}
