package vm

import (
	"crypto/sha256"
	"math/bits"

	"funai/clarity/value"
)

// ledgerTx is a transaction as contracts see it. Its scripts are parts of the bytes that were parsed.
type ledgerTx struct {
	id      [32]byte // the double SHA-256 without witnesses, in the order in which it is hashed
	size    int      // bytes without witnesses
	outputs []TxOut
}

// txReader reads a transaction; once something is wrong it reads nothing any more.
type txReader struct {
	b   []byte
	at  int
	bad bool
}

func (r *txReader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)-r.at) {
		r.bad = true
		return nil
	}
	out := r.b[r.at : r.at+int(n) : r.at+int(n)]
	r.at += int(n)
	return out
}

// number reads n bytes, little-endian.
func (r *txReader) number(n uint64) (out uint64) {
	for i, c := range r.take(n) {
		out |= uint64(c) << (8 * i)
	}
	return out
}

// compact reads a CompactSize, which must be the shortest that says its number.
func (r *txReader) compact() uint64 {
	first := r.number(1)
	if first < 0xfd {
		return first
	}
	width := uint64(2) << (first - 0xfd)
	n := r.number(width)
	if least := [...]uint64{0xfd, 1 << 16, 1 << 32}[first-0xfd]; n < least {
		r.bad = true
	}
	return n
}

// count is a CompactSize of things that take at least so many bytes each, so that no promise of many costs memory.
func (r *txReader) count(least int) uint64 {
	n := r.compact()
	if n > uint64(len(r.b)-r.at)/uint64(least) {
		r.bad = true
		return 0
	}
	return n
}

// The fewest bytes of an input, an output, and an element of a witness.
const (
	leastInput   = 32 + 4 + 1 + 4
	leastOutput  = 8 + 1
	leastElement = 1
)

// parseTx reads all of b as one transaction of Bitcoin's format, with witnesses (BIP 144) or without; ok is false if it is
// none.
//
// Where the format can be read in two ways it is read as the reference implementation does: no inputs and no outputs is a
// transaction, and one with witnesses may have no inputs.
func parseTx(b []byte) (tx ledgerTx, ok bool) {
	r := &txReader{b: b}
	r.take(4) // version
	witness := len(b) > 5 && b[4] == 0 && b[5] != 0
	if witness {
		if mark := r.take(2); mark[1] != 1 {
			return tx, false
		}
	}
	body := r.at
	inputs := r.count(leastInput)
	for range inputs {
		r.take(32 + 4)
		r.take(r.compact())
		r.take(4)
	}
	n := r.count(leastOutput)
	if inputs == 0 && !witness && n != 0 {
		return tx, false // the zero is the marker of witnesses
	}
	tx.outputs = make([]TxOut, 0, n)
	for range n {
		v := r.number(8)
		tx.outputs = append(tx.outputs, TxOut{Value: v, Script: r.take(r.compact())})
	}
	end := r.at
	if witness && !r.witnesses(inputs) {
		return tx, false
	}
	lock := r.take(4)
	if r.bad || r.at != len(b) {
		return tx, false
	}
	h := sha256.New()
	h.Write(b[:4])
	h.Write(b[body:end])
	h.Write(lock)
	tx.id = sha256.Sum256(h.Sum(nil))
	tx.size = 4 + end - body + 4
	return tx, true
}

// witnesses reads what stands after the outputs for each input; at least one must be there, or the transaction should have
// been written without.
func (r *txReader) witnesses(inputs uint64) bool {
	some := inputs == 0
	for range inputs {
		n := r.count(leastElement)
		some = some || n > 0
		for range n {
			r.take(r.compact())
		}
	}
	return some && !r.bad
}

// merkleDepth is how many levels lie above the leaves of a Merkle tree, of which there is at least one.
func merkleDepth(leaves uint64) int { return bits.Len64(leaves - 1) }

// merkleRoot is the root of the Merkle tree in which a leaf lies at an index, beside the siblings from the leaf upwards.
// Who calls it has held the index and the number of siblings to the number of leaves: without that, a node within the tree
// passes for a leaf.
func merkleRoot(leaf [32]byte, index uint64, siblings [][32]byte) [32]byte {
	var pair [64]byte
	for _, s := range siblings {
		if index&1 == 0 {
			copy(pair[:], leaf[:])
			copy(pair[32:], s[:])
		} else {
			copy(pair[:], s[:])
			copy(pair[32:], leaf[:])
		}
		first := sha256.Sum256(pair[:])
		leaf = sha256.Sum256(first[:])
		index >>= 1
	}
	return leaf
}

// inTree says whether a Merkle tree with a root has a leaf at an index among so many, by the siblings on the way up. All
// hashes are in the order in which they are hashed.
func inTree(leaf, root [32]byte, index, leaves value.Uint128, siblings []value.Value) bool {
	count, ok := leaves.Uint64()
	if !ok || !index.Less(leaves) || len(siblings) != merkleDepth(count) {
		return false
	}
	path := make([][32]byte, len(siblings))
	for i, s := range siblings {
		if s.Len() != len(path[i]) {
			return false
		}
		path[i] = [32]byte(s.Octets())
	}
	return merkleRoot(leaf, index.Lo, path) == root
}
