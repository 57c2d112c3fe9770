// Package store keeps what contracts write: in memory, in a Pebble database, or on top of anything that can be read. Each
// kind is a vm.Store; a chain with a state of its own needs none of them but Overlay, for calls that write nothing.
package store

import (
	"iter"
	"maps"
	"slices"

	"funai/clarity/vm"
)

// Overlay is a vm.Store that holds what changed and leaves the rest to its base. What base reads must not change while the
// overlay is in use. It is as big as what was put into it, which the cost limit of those who write bounds.
type Overlay struct {
	base    vm.Reader
	values  map[string][]byte // nil is deleted
	journal []change          // newest last
}

var _ vm.Store = (*Overlay)(nil)

// change is what the overlay held for a key before a write.
type change struct {
	key    string
	before []byte
	held   bool
}

// NewOverlay returns an empty overlay; a nil base reads as empty.
func NewOverlay(base vm.Reader) *Overlay {
	if base == nil {
		base = empty{}
	}
	return &Overlay{base: base, values: make(map[string][]byte)}
}

type empty struct{}

func (empty) Get([]byte) ([]byte, error) { return nil, nil }

// Get returns a key's value, or nil if there is none. The value must not be modified.
func (o *Overlay) Get(key []byte) ([]byte, error) {
	if v, ok := o.values[string(key)]; ok {
		return v, nil
	}
	return o.base.Get(key)
}

// Put sets a key's value, which the overlay keeps and nobody may modify; nil counts as empty.
func (o *Overlay) Put(key, value []byte) {
	if value == nil {
		value = []byte{}
	}
	o.set(key, value)
}

// Delete removes a key, present or not.
func (o *Overlay) Delete(key []byte) { o.set(key, nil) }

func (o *Overlay) set(key, value []byte) {
	before, held := o.values[string(key)]
	k := string(key)
	o.journal = append(o.journal, change{k, before, held})
	o.values[k] = value
}

// Mark names the present moment for Rollback. Marks nest.
func (o *Overlay) Mark() int { return len(o.journal) }

// Rollback undoes every write since a mark, and voids the marks taken after it.
func (o *Overlay) Rollback(mark int) {
	for i := len(o.journal) - 1; i >= mark; i-- {
		if c := o.journal[i]; c.held {
			o.values[c.key] = c.before
		} else {
			delete(o.values, c.key)
		}
	}
	clear(o.journal[mark:])
	o.journal = o.journal[:mark]
}

// Changes are the keys written since the base, in ascending order, with their values; nil for those deleted.
func (o *Overlay) Changes() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for _, k := range slices.Sorted(maps.Keys(o.values)) {
			if !yield([]byte(k), o.values[k]) {
				return
			}
		}
	}
}

// settle voids all marks: what was written can be undone no more.
func (o *Overlay) settle() {
	clear(o.journal)
	o.journal = o.journal[:0]
}
