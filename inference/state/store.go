package state

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// Store is the state of one block as flat values in a Pebble database.
type Store struct {
	db     pebble.Reader
	prefix byte
}

// NewStore reads the keys of a database that begin with prefix. On a *pebble.DB the store moves with what is committed; on
// a *pebble.Snapshot it stays.
func NewStore(db pebble.Reader, prefix byte) *Store { return &Store{db, prefix} }

// Get returns a key's value, or nil if there is none.
func (s *Store) Get(key []byte) ([]byte, error) {
	v, c, err := s.db.Get(s.key(key))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v = append(make([]byte, 0, len(v)), v...)
	return v, c.Close()
}

// Apply writes a difference into a batch, which the caller commits together with whatever must move at the same moment.
func (s *Store) Apply(batch *pebble.Batch, d Diff) error {
	for _, e := range d {
		var err error
		if e.Value == nil {
			err = batch.Delete(s.key(e.Key), nil)
		} else {
			err = batch.Set(s.key(e.Key), e.Value, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Each calls f with every key that begins with prefix and its value, in order, without the trie, until f fails. Neither
// slice outlives the call. It is for audits: a rule that walks the state costs more the more people use it.
func (s *Store) Each(prefix []byte, f func(key, value []byte) error) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: s.key(prefix), UpperBound: after(s.key(prefix))})
	if err != nil {
		return err
	}
	for it.First(); it.Valid() && err == nil; it.Next() {
		var v []byte
		if v, err = it.ValueAndErr(); err == nil && !reserved(it.Key()[1:]) {
			err = f(it.Key()[1:], v)
		}
	}
	return errors.Join(err, it.Error(), it.Close())
}

func (s *Store) key(k []byte) []byte {
	return append(append(make([]byte, 0, 1+len(k)), s.prefix), k...)
}

// after is the least key greater than every key that begins with prefix, or nil if there is none.
func after(prefix []byte) []byte {
	for n := len(prefix); n > 0; n-- {
		if last := prefix[n-1]; last != 0xff {
			return append(bytes.Clone(prefix[:n-1]), last+1)
		}
	}
	return nil
}
