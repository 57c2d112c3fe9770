package catalogue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// blob is bytes known before they are here. An empty sum is not known (small files of hubs that publish none).
type blob struct {
	name string
	size int64
	sum  string // SHA-256, lower-case hex
}

// Identity returns the SHA-256 of a file. It is remembered beside the file, where the directory lets us, for as long as
// the file's size and time of change stay as they are.
func Identity(ctx context.Context, path string) ([32]byte, error) {
	var h [32]byte
	text, err := sumOf(ctx, path)
	if err == nil {
		_, err = hex.Decode(h[:], []byte(text))
	}
	return h, err
}

func recordPath(path string) string { return path + ".sha256" }

// sumOf is Identity in hex.
func sumOf(ctx context.Context, path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if b, err := os.ReadFile(recordPath(path)); err == nil && len(b) > 64 && string(b[64:]) == stamp(info) {
		if _, err := hex.DecodeString(string(b[:64])); err == nil {
			return string(b[:64]), nil
		}
	}
	sum, err := hashFile(ctx, path)
	if err != nil {
		return "", err
	}
	record(path, sum)
	return sum, nil
}

// record remembers the hash of a file just read or written. A record that can't be written only costs time.
func record(path, sum string) {
	if info, err := os.Stat(path); err == nil {
		_ = os.WriteFile(recordPath(path), []byte(sum+stamp(info)), 0o644)
	}
}

// stamp is what a record says besides the sum: size, and time of change in nanoseconds.
func stamp(info os.FileInfo) string {
	return fmt.Sprintf(" %d %d\n", info.Size(), info.ModTime().UnixNano())
}

func hashFile(ctx context.Context, path string) (string, error) {
	r, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.CopyBuffer(h, reader{ctx, r}, make([]byte, 1<<20)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// verify says whether a file is here and is the blob.
func verify(ctx context.Context, path string, want blob) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil || want.size >= 0 && info.Size() != want.size {
		return false, err
	}
	sum, err := sumOf(ctx, path)
	return err == nil && (want.sum == "" || sum == want.sum), err
}

// write makes a file whole or not at all: a temporary one is filled, checked, synced and renamed. The caller holds the
// asset's lock.
func (f *Fetcher) write(ctx context.Context, path string, want blob, fill func(io.Writer) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := f.room(filepath.Dir(path), want.size); err != nil {
		return err
	}
	temporary := path + ".tmp"
	w, err := os.Create(temporary)
	if err != nil {
		return err
	}
	defer func() {
		w.Close()
		if err != nil {
			err = errors.Join(full(err), remove(temporary))
		}
	}()
	h := sha256.New()
	if err := fill(io.MultiWriter(writer{ctx, w}, h)); err != nil {
		return err
	}
	got := hex.EncodeToString(h.Sum(nil))
	if want.sum != "" && got != want.sum {
		return fmt.Errorf("%w: %s is %s, pinned is %s", ErrChecksum, want.name, got, want.sum)
	}
	if err := errors.Join(w.Sync(), w.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	syncDir(filepath.Dir(path))
	record(path, got)
	return nil
}

// syncDir makes a rename last through a power cut where the system can; elsewhere the file is fetched again.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// reserve is what the cache leaves of a disk: a machine whose disk is full to the last byte does nothing right.
const reserve = 64 << 20

// room fails early if a disk surely has too little left, or the cache would exceed its limit.
func (f *Fetcher) room(dir string, need int64) error {
	if need <= 0 {
		return nil
	}
	if left, err := f.free(dir); err == nil && left-reserve < need {
		return fmt.Errorf("%w: %s has %d bytes left, of which %d stay free, and %d are needed", ErrDiskFull, dir, left, reserve, need)
	}
	if has := f.used(); f.limit > 0 && has+need > f.limit {
		return fmt.Errorf("%w: %s has %d bytes, %d more are needed, and %d is its limit", ErrDiskFull, f.dir, has, need, f.limit)
	}
	return nil
}

// used is what the cache takes, if it has a limit.
func (f *Fetcher) used() int64 {
	if f.limit <= 0 {
		return 0
	}
	return treeBytes(f.dir)
}

// treeBytes is the size of the files in a folder; what can't be read counts nothing.
func treeBytes(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// full gives the error of a disk that filled up meanwhile its name.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}

// reader and writer stop when their context is done.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}

type writer struct {
	ctx context.Context
	w   io.Writer
}

func (w writer) Write(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.w.Write(b)
}
