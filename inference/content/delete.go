package content

import (
	"errors"
	"fmt"
	"os"
)

// DeleteTask forgets a task, and deletes every content that no other task needs. The file system gives the blocks back;
// nothing of them stays in the directory. An unknown task is no error.
func (s *Store) DeleteTask(task [32]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	var pairs []pair
	for hash := range s.needs[task] {
		pairs = append(pairs, pair{task, hash})
	}
	return s.remove(pairs)
}

// Delete deletes a content, whoever needs it. An unknown one is no error.
func (s *Store) Delete(hash [32]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	var pairs []pair
	for task := range s.owners[hash] {
		pairs = append(pairs, pair{task, hash})
	}
	return s.remove(pairs)
}

type pair struct{ task, hash [32]byte }

// remove ends needs, contents first: a process killed in between leaves needs without a content, which Open forgets.
func (s *Store) remove(pairs []pair) error {
	if len(pairs) == 0 {
		return nil
	}
	var errs []error
	ending := make(map[[32]byte]int)
	for _, p := range pairs {
		ending[p.hash]++
	}
	for hash, n := range ending {
		if n < len(s.owners[hash]) {
			continue
		}
		if err := unlink(s.dataFile(hash)); err != nil {
			errs = append(errs, err)
			ending[hash] = 0 // its needs stay, so that deleting can be tried again
			continue
		}
		s.bytes -= s.sizes[hash]
		delete(s.sizes, hash)
	}
	errs = append(errs, s.sync(dataDir))
	for _, p := range pairs {
		if ending[p.hash] == 0 {
			continue
		}
		if err := unlink(s.taskFile(p)); err != nil {
			errs = append(errs, err)
		}
		drop(s.owners, p.hash, p.task)
		drop(s.needs, p.task, p.hash)
		s.items--
	}
	if err := errors.Join(append(errs, s.sync(taskDir))...); err != nil {
		return fmt.Errorf("delete content: %w", err)
	}
	return nil
}

func unlink(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func drop(m map[[32]byte]map[[32]byte]struct{}, k, v [32]byte) {
	if delete(m[k], v); len(m[k]) == 0 {
		delete(m, k)
	}
}
