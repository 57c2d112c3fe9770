// Package embedded keeps a gateway's API keys in a Pebble database of this process. Everything is synced before a method
// returns, many at once in one sync, so that kill -9 at any moment loses nothing. It may import account.
package embedded

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/gateway/account"
)

// ErrFormat says that a database is of another version, or no database of ours.
var ErrFormat = errors.New("not a store of API keys that this version reads")

// ErrDisk says that the disk didn't take a write. The store has to be opened anew.
var ErrDisk = errors.New("the store of API keys can't be written")

// Spaces of the database's keys.
const (
	spaceFormat = 'f'
	spaceKey    = 'k' // id: account.Key
	spaceHash   = 'h' // hash of a secret: id
	spaceHold   = 'o' // id of the key, of the hold: account.Hold
	spaceUse    = 'u' // id of the key, number: account.Usage

	format = "funai gateway keys 1"

	memTable = 4 << 20 // bytes
)

// Store is an account.Store in a folder. One process opens it at a time.
type Store struct {
	db  *pebble.DB
	now func() time.Time

	mu     sync.Mutex            // held from reading a key's record to applying its change
	failed atomic.Pointer[error] // of the write that the disk didn't take
}

var _ account.Store = (*Store)(nil)

// Options say how a store works.
type Options struct {
	Now func() time.Time // nil: time.Now
	FS  vfs.FS           // nil: the disk
}

// Open opens a store, and makes it if there is none.
func Open(dir string, o Options) (*Store, error) {
	s := &Store{now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	disk := o.FS
	if disk == nil {
		disk = vfs.Default
	}
	reserve, err := ballast(disk, dir)
	if err != nil {
		return nil, fmt.Errorf("API keys in %s: %w", dir, err)
	}
	full := vfs.OnDiskFull(disk, func() { // what didn't fit is tried again then
		_ = s.fail(errors.Join(syscall.ENOSPC, disk.Remove(reserve))) // whoever changes something next is told
	})
	s.db, err = pebble.Open(dir, &pebble.Options{Logger: quiet{}, MemTableSize: memTable, FS: full})
	if err != nil {
		return nil, fmt.Errorf("API keys in %s: %w", dir, err)
	}
	if err := s.check(); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

// check reads the format, or writes it into an empty database.
func (s *Store) check() error {
	raw, err := s.get([]byte{spaceFormat})
	switch {
	case err == nil && string(raw) == format:
		return nil
	case err == nil:
		return fmt.Errorf("%w: it says %q, not %q", ErrFormat, raw, format)
	case !errors.Is(err, pebble.ErrNotFound):
		return err
	}
	return s.db.Set([]byte{spaceFormat}, []byte(format), pebble.Sync)
}

// Close implements account.Store.
func (s *Store) Close() error { return s.db.Close() }

func (s *Store) get(key []byte) ([]byte, error) {
	raw, done, err := s.db.Get(key)
	if err != nil {
		return nil, err
	}
	return append([]byte(nil), raw...), done.Close()
}

func keyOf(space byte, parts ...string) []byte {
	b := []byte{space}
	for i, p := range parts {
		if i > 0 {
			b = append(b, '/')
		}
		b = append(b, p...)
	}
	return b
}

func useKey(id string, number uint64) []byte {
	return binary.BigEndian.AppendUint64(append(keyOf(spaceUse, id), '/'), number)
}

// Get implements account.Store.
func (s *Store) Get(_ context.Context, id string) (account.Key, error) { return s.key(id) }

func (s *Store) key(id string) (k account.Key, err error) {
	raw, err := s.get(keyOf(spaceKey, id))
	if errors.Is(err, pebble.ErrNotFound) {
		return k, fmt.Errorf("%w: %q", account.ErrUnknown, id)
	}
	if err != nil {
		return k, err
	}
	return k, read(raw, &k)
}

func read(raw []byte, to any) error {
	if err := json.Unmarshal(raw, to); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return nil
}

// Find implements account.Store.
func (s *Store) Find(_ context.Context, hash [32]byte) (account.Key, error) {
	id, err := s.get(keyOf(spaceHash, string(hash[:])))
	if errors.Is(err, pebble.ErrNotFound) {
		return account.Key{}, account.ErrUnknown
	}
	if err != nil {
		return account.Key{}, err
	}
	return s.key(string(id))
}

// Create implements account.Store.
func (s *Store) Create(_ context.Context, k account.Key, hash [32]byte) error {
	return s.change(func(b *pebble.Batch) error {
		return errors.Join(put(b, keyOf(spaceKey, k.ID), k), b.Set(keyOf(spaceHash, string(hash[:])), []byte(k.ID), nil))
	})
}

// List implements account.Store.
func (s *Store) List(_ context.Context, after string, limit int) (out []account.Key, err error) {
	lower := keyOf(spaceKey)
	if after != "" {
		lower = append(keyOf(spaceKey, after), 0)
	}
	err = s.each(lower, []byte{spaceKey + 1}, func(raw []byte) (bool, error) {
		var k account.Key
		if err := read(raw, &k); err != nil {
			return false, err
		}
		out = append(out, k)
		return len(out) < limit, nil
	})
	return out, err
}

// each calls f for every value between two keys, until it says false.
func (s *Store) each(lower, upper []byte, f func(raw []byte) (bool, error)) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		more, err := f(it.Value())
		if err != nil {
			return errors.Join(err, it.Close())
		}
		if !more {
			break
		}
	}
	return errors.Join(it.Error(), it.Close())
}

// Usage implements account.Store.
func (s *Store) Usage(_ context.Context, key string, before uint64, limit int) (out []account.Usage, err error) {
	upper := append(keyOf(spaceUse, key), '/'+1)
	if before > 0 {
		upper = useKey(key, before)
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: append(keyOf(spaceUse, key), '/'), UpperBound: upper})
	if err != nil {
		return nil, err
	}
	for ok := it.Last(); ok && len(out) < limit; ok = it.Prev() {
		var u account.Usage
		if err := read(it.Value(), &u); err != nil {
			return nil, errors.Join(err, it.Close())
		}
		out = append(out, u)
	}
	return out, errors.Join(it.Error(), it.Close())
}

func put(b *pebble.Batch, key []byte, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.Set(key, raw, nil)
}

// fatal is what Pebble can't go on from, such as a log of writes that can't be written.
type fatal string

func (f fatal) Error() string { return string(f) }

// quiet keeps Pebble's own log out of the node's.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(f string, args ...any) {
	panic(fatal(fmt.Sprintf(f, args...))) // Pebble calls it where it can't go on, and must not return
}
