package state

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
)

// Root returns the root of everything r reads, as of the last time the trie was brought up to date.
func Root(r Reader) ([32]byte, error) {
	s, err := rootSlot(r)
	return s.hash(), err
}

// Root brings the trie up to date for the keys written since the last time and returns its root, which depends on nothing
// but the keys and values there are. It costs one descent for all those keys together.
func (l *Layer) Root() ([32]byte, error) {
	if l.err != nil {
		return hash{}, l.err
	}
	root, err := rootSlot(l)
	if err != nil {
		return hash{}, err
	}
	mark := l.Mark()
	root, err = l.subtree(0, root, l.unrooted())
	if err != nil {
		l.Rollback(mark)
		return hash{}, err
	}
	var top []byte
	if root.kind != kindEmpty {
		top = (&page{root}).encode() // the root alone, in the form of a page
	}
	l.set(rootKey, top)
	l.rooted = append(l.rooted, len(l.journal))
	return root.hash(), nil
}

// rootSlot reads the whole trie as one subtree.
func rootSlot(r Reader) (slot, error) {
	b, err := r.Get([]byte(rootKey))
	if b == nil || err != nil {
		return slot{}, err
	}
	var top page
	err = top.decode(b)
	return top[0], err
}

// leaf is a slot that a key shall have: a leaf, or an empty slot to remove it.
type leaf struct {
	key  hash
	slot slot
}

// unrooted returns the leaves of the keys written since the last Root, in the order of the trie.
func (l *Layer) unrooted() []leaf {
	from := 0
	if n := len(l.rooted); n > 0 {
		from = l.rooted[n-1]
	}
	seen := make(map[string]struct{}, len(l.journal)-from)
	leaves := make([]leaf, 0, len(l.journal)-from)
	for _, c := range l.journal[from:] {
		if _, dup := seen[c.key]; dup || c.key[0] == trieByte {
			continue
		}
		seen[c.key] = struct{}{}
		f := leaf{key: sha256.Sum256([]byte(c.key))}
		if v := l.values[c.key]; v != nil {
			f.slot = slot{kindLeaf, f.key, sha256.Sum256(v)}
		}
		leaves = append(leaves, f)
	}
	slices.SortFunc(leaves, func(a, b leaf) int { return bytes.Compare(a.key[:], b.key[:]) })
	return leaves
}

// subtree returns what becomes of a subtree at a depth (in half-bytes) when the leaves, which all lie in it and are
// sorted, are set. It writes the pages that change.
func (l *Layer) subtree(depth int, s slot, leaves []leaf) (slot, error) {
	if len(leaves) == 0 {
		return s, nil
	}
	if s.kind != kindInner {
		leaves = present(s, leaves)
		if len(leaves) == 0 {
			return slot{}, nil
		}
		if len(leaves) == 1 {
			return leaves[0].slot, nil
		}
	}
	at := pageKey(&leaves[0].key, depth)
	var p page
	if s.kind == kindInner {
		if err := loadPage(l, at, &p); err != nil {
			return slot{}, err
		}
	}
	for i := 0; i < len(leaves); {
		n := nibble(&leaves[i].key, depth)
		j := i + 1
		for j < len(leaves) && nibble(&leaves[j].key, depth) == n {
			j++
		}
		var err error
		if p[n], err = l.subtree(depth+1, p[n], leaves[i:j]); err != nil {
			return slot{}, err
		}
		i = j
	}
	whole := fold(p[:])
	switch {
	case whole.kind == kindInner:
		l.set(string(at), p.encode())
	case s.kind == kindInner:
		l.set(string(at), nil)
	}
	return whole, nil
}

// present returns the leaves that will be there: those to set, and the one that was there unless it is among the changed.
func present(s slot, leaves []leaf) []leaf {
	kept := make([]leaf, 0, len(leaves)+1)
	for _, f := range leaves {
		if s.kind == kindLeaf && bytes.Compare(s.key[:], f.key[:]) <= 0 {
			if s.key != f.key {
				kept = append(kept, leaf{s.key, s})
			}
			s = slot{}
		}
		if f.slot.kind == kindLeaf {
			kept = append(kept, f)
		}
	}
	if s.kind == kindLeaf {
		kept = append(kept, leaf{s.key, s})
	}
	return kept
}

func loadPage(r Reader, at []byte, p *page) error {
	b, err := r.Get(at)
	if err != nil {
		return err
	}
	if b == nil {
		return fmt.Errorf("%w: no trie page at %x", ErrCorrupt, at)
	}
	return p.decode(b)
}
