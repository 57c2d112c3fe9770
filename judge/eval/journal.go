package eval

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrFile says that a file is not what this package wrote, or was made for something else.
var ErrFile = errors.New("eval: bad file")

// Bounds of a file.
const (
	maxLine  = 1 << 20
	maxLines = 100_000
)

// header is the first line of a file.
type header struct {
	Format string `json:"format"` // which kind of file, and its version
	Model  string `json:"model"`  // catalogue name
	Of     string `json:"of"`     // what else the lines depend on, such as the hash of the weights
}

// journal is a file of one JSON object a line, written as results come, so that work that is stopped goes on where it was.
type journal[T any] struct {
	f    *os.File
	size int
}

// openJournal opens or makes a file and returns what stands in it. A last line without its end, which a killed process leaves,
// is cut off. A first line that differs is ErrFile: its results are of another model.
func openJournal[T any](path string, h header) (*journal[T], []T, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, err
	}
	j := &journal[T]{f: f}
	items, err := j.load(path, h)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return j, items, nil
}

func (j *journal[T]) load(path string, h header) ([]T, error) {
	got, items, whole, err := readLines[T](j.f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if whole > 0 && got != h {
		return nil, fmt.Errorf("%s: %w: it is %+v, wanted is %+v; name another file or remove it", path, ErrFile, got, h)
	}
	if err := j.f.Truncate(whole); err != nil {
		return nil, err
	}
	if _, err := j.f.Seek(whole, io.SeekStart); err != nil {
		return nil, err
	}
	j.size = len(items)
	if whole == 0 {
		return nil, j.line(h)
	}
	return items, nil
}

// readLines reads a header and items, and says how many bytes the whole lines have.
func readLines[T any](r io.Reader) (h header, items []T, whole int64, err error) {
	b := bufio.NewReaderSize(r, maxLine)
	for n := 0; ; n++ {
		line, err := b.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return h, items, whole, nil
		case errors.Is(err, bufio.ErrBufferFull):
			return h, nil, 0, fmt.Errorf("%w: line %d exceeds %d bytes", ErrFile, n+1, maxLine)
		case err != nil:
			return h, nil, 0, err
		case n > maxLines:
			return h, nil, 0, fmt.Errorf("%w: more than %d lines", ErrFile, maxLines)
		}
		if n == 0 {
			err = strictly(line, &h)
		} else {
			var item T
			err = strictly(line, &item)
			items = append(items, item)
		}
		if err != nil {
			return h, nil, 0, fmt.Errorf("%w: line %d: %w", ErrFile, n+1, err)
		}
		whole += int64(len(line))
	}
}

func strictly(line []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return nil
}

// add writes one item.
func (j *journal[T]) add(item T) error {
	if j.size >= maxLines {
		return fmt.Errorf("%w: more than %d lines", ErrFile, maxLines)
	}
	j.size++
	return j.line(item)
}

func (j *journal[T]) line(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = j.f.Write(append(b, '\n'))
	return err
}

func (j *journal[T]) close() error { return j.f.Close() }
