package catalogue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// attempts is how often in a row a download may fail without gaining a byte.
const attempts = 3

// errStatus says that a server answered, but not with the file.
var errStatus = errors.New("catalogue: server refused")

// download brings a blob of known size to path. What an earlier attempt left in path+".partial", of this process or one that
// was killed, is continued by a range request; the whole is hashed before it gets its name.
func (f *Fetcher) download(ctx context.Context, url, path string, want blob, p Progress) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	partial := path + ".partial"
	resumed := false
	for {
		had := fileSize(partial)
		resumed = resumed || had > 0
		if err := f.room(filepath.Dir(path), want.size-had); err != nil {
			return err
		}
		if err := f.complete(ctx, url, partial, want, p); err != nil {
			return full(err)
		}
		sum, err := hashFile(ctx, partial)
		if err != nil {
			return err
		}
		if want.sum == "" || sum == want.sum {
			return keep(partial, path, sum)
		}
		if err := os.Remove(partial); err != nil {
			return err
		}
		if !resumed {
			return fmt.Errorf("%w: %s from %s is %s, pinned is %s", ErrChecksum, want.name, url, sum, want.sum)
		}
		resumed = false // the earlier part may have been the wrong one: once more from the start
	}
}

func keep(partial, path, sum string) error {
	w, err := os.OpenFile(partial, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(w.Sync(), w.Close(), os.Rename(partial, path)); err != nil {
		return full(err)
	}
	syncDir(filepath.Dir(path))
	record(path, sum)
	return nil
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// complete asks until the partial file has its full size. A server that can't be reached fails at once, so that the next
// source gets its turn; a connection that breaks, stalls or is told to come later is tried again.
func (f *Fetcher) complete(ctx context.Context, url, partial string, want blob, p Progress) error {
	wait := f.wait
	for failures := 0; ; {
		had := fileSize(partial)
		if had == want.size {
			return nil
		}
		if had > want.size {
			if err := os.Truncate(partial, 0); err != nil {
				return err
			}
			had = 0
		}
		err := f.attempt(ctx, url, partial, had, want, p)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if failures++; fileSize(partial) > had {
			failures, wait = 0, f.wait
		}
		var dial *net.OpError
		if failures >= attempts || errors.Is(full(err), ErrDiskFull) || errors.Is(err, errStatus) || errors.As(err, &dial) && dial.Op == "dial" {
			return err
		}
		select {
		case <-time.After(wait):
			wait *= 2
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// attempt makes one request for what is missing and appends what comes.
func (f *Fetcher) attempt(ctx context.Context, url, partial string, had int64, want blob, p Progress) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(f.stall, func() { cancel(fmt.Errorf("catalogue: %s sent nothing for %v", url, f.stall)) })
	defer watch.Stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errStatus, err)
	}
	if had > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", had))
	}
	f.authorise(r)
	answer, err := f.client.Do(r)
	if err != nil {
		return stalled(ctx, err)
	}
	defer answer.Body.Close()
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	switch code := answer.StatusCode; {
	case code == http.StatusPartialContent && startOf(answer) == had:
	case code == http.StatusOK:
		flags, had = os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0 // the server doesn't do ranges
	case code == http.StatusTooManyRequests || code >= 500:
		return fmt.Errorf("catalogue: %s: %s", url, answer.Status)
	default:
		return fmt.Errorf("%w: %s: %s", errStatus, url, answer.Status)
	}
	if l := answer.ContentLength; l >= 0 && had+l != want.size {
		return fmt.Errorf("%w: %s has %d bytes, pinned are %d", errStatus, url, had+l, want.size)
	}
	w, err := os.OpenFile(partial, flags, 0o644)
	if err != nil {
		return err
	}
	defer w.Close()
	buffer := make([]byte, 256<<10)
	body := io.LimitReader(answer.Body, want.size-had+1) // one more, to notice a body without end
	for {
		n, err := body.Read(buffer)
		watch.Reset(f.stall)
		if _, err := w.Write(buffer[:n]); err != nil {
			return err
		}
		if had += int64(n); had <= want.size {
			report(p, want.name, had, want.size)
		}
		switch {
		case had > want.size:
			return fmt.Errorf("%w: %s goes on after %d bytes", errStatus, url, want.size)
		case err == io.EOF && had < want.size:
			return io.ErrUnexpectedEOF
		case err == io.EOF:
			return w.Close()
		case err != nil:
			return stalled(ctx, err)
		}
	}
}

// stalled replaces the error of a connection that we cut by the reason.
func stalled(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// startOf reads where a partial answer begins; -1 if it doesn't say.
func startOf(r *http.Response) int64 {
	var start int64
	if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-", &start); err != nil {
		return -1
	}
	return start
}
