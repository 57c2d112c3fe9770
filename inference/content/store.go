// Package content keeps the inputs and outputs of tasks on disk, each under its SHA-256, for as long as a task needs
// them: blocks hold hashes only, and when a task is settled every node must forget what it was about. It imports nothing
// of the project. What is kept and forgotten, and when, is the caller's rule.
package content

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

var (
	// ErrNotFound says that a content is not held.
	ErrNotFound = errors.New("content not found")
	// ErrHash says that bytes do not have the hash they were given under, or were read back under.
	ErrHash = errors.New("content does not match its hash")
	// ErrTooLarge says that one content exceeds MaxContent.
	ErrTooLarge = errors.New("content too large")
	// ErrFull says that the store's bound would be exceeded.
	ErrFull = errors.New("content store full")
	// ErrClosed says that the store is closed.
	ErrClosed = errors.New("content store closed")
)

// MaxContent is the longest content, in bytes.
const MaxContent = 1 << 20

// Options bound a store. At a bound Put fails and changes nothing.
type Options struct {
	MaxBytes int64 // of all contents together; 0 for 4 GiB
	MaxItems int   // pairs of task and content; 0 for 262,144, which take about 100 MB of memory
	NoSync   bool  // leave writing back to the system: a killed process loses nothing, a power cut may
}

// Store holds contents in a directory:
//
//	data/<hash>          one content
//	tasks/<task>.<hash>  empty, says that a task needs a content
//
// A file comes into being whole, by a rename. A process killed between the two leaves one without the other, which Open
// clears away; what Put had reported as kept has both. A store may be used by several goroutines, a directory by one store.
type Store struct {
	dir string
	o   Options

	mu     sync.RWMutex
	closed bool
	bytes  int64
	items  int
	sizes  map[[32]byte]int64                 // by hash
	owners map[[32]byte]map[[32]byte]struct{} // tasks by hash
	needs  map[[32]byte]map[[32]byte]struct{} // hashes by task
}

// Open opens the store in dir, making it if there is none.
func Open(dir string, o Options) (*Store, error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = 4 << 30
	}
	if o.MaxItems == 0 {
		o.MaxItems = 1 << 18
	}
	s := &Store{
		dir: dir, o: o, sizes: make(map[[32]byte]int64),
		owners: make(map[[32]byte]map[[32]byte]struct{}), needs: make(map[[32]byte]map[[32]byte]struct{}),
	}
	for _, sub := range []string{dataDir, taskDir} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("open content store: %w", err)
		}
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("open content store: %w", err)
	}
	return s, nil
}

// Close ends the store's use. Everything is on disk already.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// Hash is the name of a content.
func Hash(b []byte) [32]byte { return sha256.Sum256(b) }

// Put keeps b, whose SHA-256 must be hash, for a task. It is on disk when Put returns. Putting it again, for the same task
// or another, writes no second copy.
func (s *Store) Put(ctx context.Context, task, hash [32]byte, b []byte) error {
	if len(b) > MaxContent {
		return fmt.Errorf("%w: %d bytes exceed %d", ErrTooLarge, len(b), MaxContent)
	}
	if got := Hash(b); got != hash {
		return fmt.Errorf("%w: %x, not %x", ErrHash, got, hash)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed {
		return ErrClosed
	}
	if _, ok := s.owners[hash][task]; ok {
		return nil
	}
	if s.items >= s.o.MaxItems {
		return fmt.Errorf("%w: one item more than %d", ErrFull, s.o.MaxItems)
	}
	_, held := s.sizes[hash]
	if size := int64(len(b)); !held && s.bytes+size > s.o.MaxBytes {
		return fmt.Errorf("%w: %d bytes held and %d more exceed %d", ErrFull, s.bytes, size, s.o.MaxBytes)
	}
	if err := s.write(task, hash, b, held); err != nil {
		return fmt.Errorf("put content %x: %w", hash, err)
	}
	if !held {
		s.bytes += int64(len(b))
		s.sizes[hash] = int64(len(b))
	}
	s.own(task, hash)
	return nil
}

// Get returns a content. One that the disk has changed is deleted, and gives ErrHash.
func (s *Store) Get(hash [32]byte) ([]byte, error) {
	s.mu.RLock()
	_, held := s.sizes[hash]
	closed := s.closed
	s.mu.RUnlock()
	if closed {
		return nil, ErrClosed
	}
	if !held {
		return nil, fmt.Errorf("%w: %x", ErrNotFound, hash)
	}
	f, err := os.Open(s.dataFile(hash))
	if errors.Is(err, os.ErrNotExist) { // deleted since
		return nil, fmt.Errorf("%w: %x", ErrNotFound, hash)
	}
	if err != nil {
		return nil, fmt.Errorf("get content: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxContent+1))
	if err != nil {
		return nil, fmt.Errorf("get content: %w", err)
	}
	if got := Hash(b); got != hash {
		return nil, errors.Join(fmt.Errorf("%w: file of %x has %x", ErrHash, hash, got), s.Delete(hash))
	}
	return b, nil
}

// Has says whether a content is held.
func (s *Store) Has(hash [32]byte) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.sizes[hash]
	return ok
}

// Tasks lists the tasks that need a content, in no order.
func (s *Store) Tasks() [][32]byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return keys(s.needs)
}

// Hashes lists the contents that a task needs, in no order.
func (s *Store) Hashes(task [32]byte) [][32]byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return keys(s.needs[task])
}

// Size returns the bytes and number of the contents held.
func (s *Store) Size() (bytes int64, contents int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.bytes, len(s.sizes)
}

// own notes that a task needs a content.
func (s *Store) own(task, hash [32]byte) {
	add(s.owners, hash, task)
	add(s.needs, task, hash)
	s.items++
}

func add(m map[[32]byte]map[[32]byte]struct{}, k, v [32]byte) {
	if m[k] == nil {
		m[k] = make(map[[32]byte]struct{})
	}
	m[k][v] = struct{}{}
}

func keys[V any](m map[[32]byte]V) [][32]byte {
	all := make([][32]byte, 0, len(m))
	for k := range m {
		all = append(all, k)
	}
	return all
}
