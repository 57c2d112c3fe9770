package state

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// The trie is binary, but kept in pages of four levels, so that a path is few reads: a page is the sixteen subtrees that
// hang four bits below one point of the trie. Hashes do not depend on the pages.

// slot is a subtree as a page keeps it: nothing, one leaf (which stands for the whole subtree, at its shallowest unique
// depth), or the hash of more, whose page is kept at its path. The zero slot is empty.
type slot struct {
	kind byte
	key  hash // of a leaf: sha256(key)
	sum  hash // of a leaf: sha256(value); of an inner node: its hash
}

type hash = [32]byte

const (
	kindEmpty byte = iota
	kindLeaf
	kindInner
)

const slots = 16

// slotBytes is how many bytes a slot of each kind takes in a page.
var slotBytes = [...]int{kindEmpty: 0, kindLeaf: 64, kindInner: 32}

type page [slots]slot

// hash is the subtree's: zeros when empty, sha256(0x00 ‖ sha256(key) ‖ sha256(value)) for a leaf.
func (s *slot) hash() hash {
	switch s.kind {
	case kindLeaf:
		return sum2(0x00, &s.key, &s.sum)
	case kindInner:
		return s.sum
	}
	return hash{}
}

// join makes one subtree of two halves: sha256(0x01 ‖ left ‖ right), but a lone leaf moves up.
func join(left, right slot) slot {
	switch {
	case right.kind == kindEmpty && left.kind != kindInner:
		return left
	case left.kind == kindEmpty && right.kind != kindInner:
		return right
	}
	l, r := left.hash(), right.hash()
	return slot{kind: kindInner, sum: sum2(0x01, &l, &r)}
}

// fold makes one subtree of neighbouring slots; their number is a power of two.
func fold(s []slot) slot {
	if len(s) == 1 {
		return s[0]
	}
	half := len(s) / 2
	return join(fold(s[:half]), fold(s[half:]))
}

func sum2(domain byte, a, b *hash) hash {
	var buf [65]byte
	buf[0] = domain
	copy(buf[1:], a[:])
	copy(buf[33:], b[:])
	return sha256.Sum256(buf[:])
}

// encode writes two bits of kind for each slot, then sum, and for a leaf its key, of each slot that is not empty.
func (p *page) encode() []byte {
	var kinds uint32
	size := 4
	for i := range p {
		size += slotBytes[p[i].kind]
	}
	b := make([]byte, 4, size)
	for i := range p {
		s := &p[i]
		kinds |= uint32(s.kind) << (2 * i)
		if s.kind != kindEmpty {
			b = append(b, s.sum[:]...)
		}
		if s.kind == kindLeaf {
			b = append(b, s.key[:]...)
		}
	}
	binary.BigEndian.PutUint32(b, kinds)
	return b
}

func (p *page) decode(b []byte) error {
	if len(b) < 4 {
		return fmt.Errorf("%w: trie page of %d bytes", ErrCorrupt, len(b))
	}
	kinds, rest := binary.BigEndian.Uint32(b), b[4:]
	for i := range p {
		s := &p[i]
		*s = slot{kind: byte(kinds >> (2 * i) & 3)}
		if s.kind > kindInner || len(rest) < slotBytes[s.kind] {
			return fmt.Errorf("%w: trie page of %d bytes, kinds %08x", ErrCorrupt, len(b), kinds)
		}
		need := slotBytes[s.kind]
		copy(s.sum[:], rest[:min(need, 32)])
		copy(s.key[:], rest[min(need, 32):need])
		rest = rest[need:]
	}
	if len(rest) != 0 {
		return fmt.Errorf("%w: %d bytes follow a trie page", ErrCorrupt, len(rest))
	}
	return nil
}

// pageKey is where the page of a path's first depth half-bytes is kept; the root's slot is kept at rootKey, before them.
func pageKey(path *hash, depth int) []byte {
	k := make([]byte, 0, 2+len(path))
	k = append(k, trieByte, byte(depth))
	k = append(k, path[:(depth+1)/2]...)
	if depth%2 == 1 {
		k[len(k)-1] &= 0xf0
	}
	return k
}

var rootKey = string([]byte{trieByte})

func nibble(path *hash, depth int) int { return int(path[depth/2]>>(4*(1-depth%2))) & 15 }
