package state

import (
	"crypto/sha256"
	"fmt"
)

// Proof shows a key's value, or its absence, to someone who knows the root only.
type Proof struct {
	// Siblings are the hashes beside the key's path, from the root down; at most 256.
	Siblings [][32]byte
	// Other is the leaf of another key that stands where an absent key's would, if there is one.
	Other *Leaf
}

// Leaf names a key and its value by their SHA-256.
type Leaf struct{ Key, Value [32]byte }

// Prove makes the proof for a key as of the last Root.
func Prove(r Reader, key []byte) (Proof, error) {
	var proof Proof
	path := sha256.Sum256(key)
	s, err := rootSlot(r)
	for depth := 0; err == nil && s.kind == kindInner; depth++ {
		var p page
		if depth == 2*len(path) {
			return Proof{}, fmt.Errorf("%w: trie deeper than %d pages", ErrCorrupt, depth)
		}
		if err = loadPage(r, pageKey(&path, depth), &p); err != nil {
			break
		}
		n := nibble(&path, depth)
		for part := p[:]; s.kind == kindInner && len(part) > 1; s = fold(part) {
			half := len(part) / 2
			near, far := part[:half], part[half:]
			if n&half != 0 {
				near, far = far, near
			}
			beside := fold(far)
			proof.Siblings = append(proof.Siblings, beside.hash())
			part = near
		}
	}
	if err != nil {
		return Proof{}, err
	}
	if s.kind == kindLeaf && s.key != path {
		proof.Other = &Leaf{s.key, s.sum}
	}
	return proof, nil
}

// Verify says whether the proof shows, under a root, that key has value, or with a nil value that the key is absent. If
// not, the error is ErrProof. It holds for the roots that Root makes: in those a leaf stands on its own path only, so one
// that stands on the key's path leaves no room for the key.
func (p Proof) Verify(root [32]byte, key, value []byte) error {
	path := sha256.Sum256(key)
	if len(p.Siblings) > 8*len(path) {
		return fmt.Errorf("%w: %d siblings exceed %d", ErrProof, len(p.Siblings), 8*len(path))
	}
	var end slot
	switch {
	case value != nil:
		end = slot{kindLeaf, path, sha256.Sum256(value)}
	case p.Other != nil:
		end = slot{kindLeaf, p.Other.Key, p.Other.Value}
		if end.key == path {
			return fmt.Errorf("%w: the other leaf is the key's own", ErrProof)
		}
	}
	got := end.hash()
	for i := len(p.Siblings) - 1; i >= 0; i-- {
		if bit(&path, i) == 0 {
			got = sum2(0x01, &got, &p.Siblings[i])
		} else {
			got = sum2(0x01, &p.Siblings[i], &got)
		}
	}
	if got != root {
		return fmt.Errorf("%w: leads to root %x, not %x", ErrProof, got, root)
	}
	return nil
}

func bit(path *hash, i int) byte { return path[i/8] >> (7 - i%8) & 1 }
