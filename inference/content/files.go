package content

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

const (
	dataDir = "data"
	taskDir = "tasks"
	newFile = "new-" // prefix of a content being written
)

func (s *Store) dataFile(hash [32]byte) string {
	return filepath.Join(s.dir, dataDir, hex.EncodeToString(hash[:]))
}

func (s *Store) taskFile(p pair) string {
	return filepath.Join(s.dir, taskDir, hex.EncodeToString(p.task[:])+"."+hex.EncodeToString(p.hash[:]))
}

// write puts a content and a task's need of it on disk.
func (s *Store) write(task, hash [32]byte, b []byte, held bool) error {
	if !held {
		if err := s.writeData(hash, b); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(s.taskFile(pair{task, hash}), os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		err = errors.Join(f.Close(), s.sync(taskDir))
	}
	if err != nil && !held {
		err = errors.Join(err, unlink(s.dataFile(hash)))
	}
	return err
}

func (s *Store) writeData(hash [32]byte, b []byte) error {
	f, err := os.CreateTemp(filepath.Join(s.dir, dataDir), newFile) // readable by its owner only
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil && !s.o.NoSync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), s.dataFile(hash))
	}
	if err != nil {
		return errors.Join(err, unlink(f.Name()))
	}
	return s.sync(dataDir)
}

// sync makes what was created, renamed and removed in a directory outlast a power cut.
func (s *Store) sync(sub string) error {
	if s.o.NoSync {
		return nil
	}
	d, err := os.Open(filepath.Join(s.dir, sub))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// load reads the directory, and clears away what a killed process left half done. Files of other names are left alone.
func (s *Store) load() error {
	data, err := os.ReadDir(filepath.Join(s.dir, dataDir))
	if err != nil {
		return err
	}
	var stray []string
	for _, e := range data {
		if strings.HasPrefix(e.Name(), newFile) {
			stray = append(stray, filepath.Join(s.dir, dataDir, e.Name()))
		} else if hash, ok := parse(e.Name()); ok && e.Type().IsRegular() {
			info, err := e.Info()
			if err != nil {
				return err
			}
			s.sizes[hash] = info.Size()
			s.bytes += info.Size()
		}
	}
	tasks, err := os.ReadDir(filepath.Join(s.dir, taskDir))
	if err != nil {
		return err
	}
	for _, e := range tasks {
		t, h, _ := strings.Cut(e.Name(), ".")
		task, isTask := parse(t)
		hash, isHash := parse(h)
		if _, held := s.sizes[hash]; isTask && isHash && held {
			s.own(task, hash)
		} else if isTask && isHash {
			stray = append(stray, s.taskFile(pair{task, hash}))
		}
	}
	for hash, size := range s.sizes {
		if len(s.owners[hash]) == 0 {
			stray = append(stray, s.dataFile(hash))
			s.bytes -= size
			delete(s.sizes, hash)
		}
	}
	var errs []error
	for _, path := range stray {
		errs = append(errs, unlink(path))
	}
	return errors.Join(errs...)
}

// parse reads a hash as dataFile and taskFile write it.
func parse(name string) (hash [32]byte, ok bool) {
	if len(name) != 2*len(hash) || strings.ToLower(name) != name {
		return hash, false
	}
	_, err := hex.Decode(hash[:], []byte(name))
	return hash, err == nil
}
