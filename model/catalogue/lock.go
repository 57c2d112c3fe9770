package catalogue

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// errLocked says that somebody else holds a lock.
var errLocked = errors.New("catalogue: locked")

// lockPoll is how often a held lock is asked for again; the system call that waits couldn't be cancelled.
const lockPoll = 100 * time.Millisecond

// lock keeps other processes and goroutines from fetching the same asset. It ends with its process, however that ends.
func (f *Fetcher) lock(ctx context.Context, asset string) (unlock func(), err error) {
	dir := filepath.Join(f.dir, "locks")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, asset), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	told := false
	for {
		err := tryLock(file)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if !errors.Is(err, errLocked) {
			file.Close()
			return nil, err
		}
		if !told {
			told = true
			f.log.Info("another process is fetching; waiting for it", "asset", asset)
		}
		select {
		case <-time.After(lockPoll):
		case <-ctx.Done():
			file.Close()
			return nil, ctx.Err()
		}
	}
}
