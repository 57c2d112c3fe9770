// Package txbytes looks at the bytes of a transaction before they are decoded. btcd's decoder makes room for as many inputs
// and outputs as the first bytes claim, some 80 MB for a handful of bytes; here every claim is held against what is there.
// It is pure, and imports nothing else of the project.
package txbytes

import "encoding/binary"

const (
	inputLen  = 36 + 1 + 4 // least bytes of an input: what it spends, an empty script, a sequence number
	outputLen = 8 + 1      // and of an output
)

// Whole says whether bytes hold a transaction as far as lengths and counts go: in the form that may have witnesses (BIP-144),
// or in the older one that has none. Bytes after it do not matter. It also counts the inputs.
func Whole(b []byte, witness bool) (inputs int, ok bool) {
	r := reader{b: b}
	r.skip(4) // version
	n := r.count(0)
	flagged := witness && n == 0
	if flagged {
		r.skip(1)
		n = r.count(inputLen)
	} else if n > uint64(len(r.b)/inputLen) {
		r.bad = true
	}
	for i := uint64(0); i < n && !r.bad; i++ {
		r.skip(36)
		r.text()
		r.skip(4)
	}
	for range r.count(outputLen) {
		r.skip(8)
		r.text()
	}
	for i := uint64(0); flagged && i < n && !r.bad; i++ {
		for range r.count(1) {
			r.text()
		}
	}
	r.skip(4) // lock time
	return int(n), !r.bad
}

// Number reads a number of Bitcoin's variable length and returns what follows it.
func Number(b []byte) (n uint64, rest []byte, ok bool) {
	r := reader{b: b}
	n = r.number()
	return n, r.b, !r.bad
}

// reader takes bytes apart. Once they have run out it is bad, and every number is 0.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) skip(n uint64) {
	if r.bad || n > uint64(len(r.b)) {
		r.b, r.bad = nil, true
		return
	}
	r.b = r.b[n:]
}

func (r *reader) number() (n uint64) {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	first := r.b[0]
	r.b = r.b[1:]
	if first < 0xfd {
		return uint64(first)
	}
	var wide [8]byte
	size := 1 << (first - 0xfc) // 2, 4, 8
	copy(wide[:size], r.b)
	if r.skip(uint64(size)); r.bad {
		return 0
	}
	return binary.LittleEndian.Uint64(wide[:])
}

// count reads how many things of at least so many bytes follow; 0 for least leaves that to the caller.
func (r *reader) count(least int) uint64 {
	n := r.number()
	if least > 0 && n > uint64(len(r.b)/least) {
		r.b, r.bad = nil, true
		return 0
	}
	return n
}

// text skips bytes with their length before them.
func (r *reader) text() { r.skip(r.number()) }
