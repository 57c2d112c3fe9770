package state

import "fmt"

// Layer is a writable overlay on a Reader: it holds what changed and leaves the rest to its base. A layer whose base is a
// layer is a fork's next step. Any number of goroutines may read a layer that nobody writes.
//
// A layer is as big as what was put into it, which its user bounds (a block's gas).
type Layer struct {
	base    Reader
	values  map[string][]byte // nil is deleted
	journal []change          // newest last
	rooted  []int             // where the journal stood at the end of each Root, ascending
	err     error
}

// change is what a key held before a write.
type change struct {
	key    string
	before []byte
	held   bool // by this layer, not by its base
}

// NewLayer returns an empty overlay. What base reads must not change while the layer is in use.
func NewLayer(base Reader) *Layer {
	return &Layer{base: base, values: make(map[string][]byte)}
}

// Get returns a key's value, or nil if there is none. The value must not be modified.
func (l *Layer) Get(key []byte) ([]byte, error) {
	for {
		if v, ok := l.values[string(key)]; ok {
			return v, nil
		}
		next, ok := l.base.(*Layer)
		if !ok {
			return l.base.Get(key)
		}
		l = next
	}
}

// Put sets a key's value, which the layer keeps and nobody may modify; nil counts as empty. Writing a reserved key makes
// Root fail.
func (l *Layer) Put(key, value []byte) {
	if value == nil {
		value = []byte{}
	}
	l.write(key, value)
}

// Delete removes a key, present or not.
func (l *Layer) Delete(key []byte) { l.write(key, nil) }

func (l *Layer) write(key, value []byte) {
	if reserved(key) {
		l.err = fmt.Errorf("%w: %x", ErrReserved, key)
		return
	}
	l.set(string(key), value)
}

func (l *Layer) set(key string, value []byte) {
	before, held := l.values[key]
	l.journal = append(l.journal, change{key, before, held})
	l.values[key] = value
}

// Apply writes a difference from what the layer reads now, the trie included, so that one layer can stand for many blocks
// or for blocks undone.
func (l *Layer) Apply(d Diff) {
	for _, e := range d {
		l.set(string(e.Key), e.Value)
	}
}

// Mark names the present moment for Rollback. Marks nest.
func (l *Layer) Mark() int { return len(l.journal) }

// Rollback undoes every write since a mark, the trie's included. It voids the marks taken after that one.
func (l *Layer) Rollback(mark int) {
	for i := len(l.journal) - 1; i >= mark; i-- {
		if c := l.journal[i]; c.held {
			l.values[c.key] = c.before
		} else {
			delete(l.values, c.key)
		}
	}
	clear(l.journal[mark:])
	l.journal = l.journal[:mark]
	for len(l.rooted) > 0 && l.rooted[len(l.rooted)-1] > mark {
		l.rooted = l.rooted[:len(l.rooted)-1]
	}
}
