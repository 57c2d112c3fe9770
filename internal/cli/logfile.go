package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// MaxLog is how long a log file gets, in bytes, before it becomes FILE.old, in place of the one before.
const MaxLog = 16 << 20

// LogFile is a file that is appended to and bounded: with its predecessor it never takes more than twice its limit. Each
// write goes to the file at once, whole. It may be used by many goroutines.
type LogFile struct {
	mu    sync.Mutex
	path  string
	limit int64
	size  int64
	f     *os.File
}

// OpenLog opens or makes a log file and the folder it is in.
func OpenLog(path string, limit int64) (*LogFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("log file: %w", err)
	}
	l := &LogFile{path: path, limit: limit}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("log file: %w", err)
	}
	return l, nil
}

func (l *LogFile) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.f, l.size = f, info.Size()
	return nil
}

// Write appends, after making room.
func (l *LogFile) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return 0, os.ErrClosed
	}
	if l.size > 0 && l.size+int64(len(b)) > l.limit {
		if err := l.turn(); err != nil {
			return 0, err
		}
	}
	n, err := l.f.Write(b)
	l.size += int64(n)
	return n, err
}

func (l *LogFile) turn() error {
	err := errors.Join(l.f.Close(), os.Rename(l.path, l.path+".old"))
	l.f = nil
	return errors.Join(err, l.open())
}

// Close closes the file; later writes fail.
func (l *LogFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	l.f = nil
	return err
}
