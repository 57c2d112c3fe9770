package sortition

import "encoding/binary"

// Integers are big-endian throughout.

func put16(b []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(b, v) }
func put32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }
func put64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// reader takes bytes apart. After its first failure all that it returns is zero.
type reader struct {
	b   []byte
	bad bool
}

// fill copies the next bytes into dst.
func (r *reader) fill(dst []byte) {
	if len(r.b) < len(dst) {
		r.require(false)
	}
	r.b = r.b[copy(dst, r.b):]
}

// require fails the reader if ok is false.
func (r *reader) require(ok bool) {
	if !ok {
		r.b, r.bad = nil, true
	}
}

// done says that nothing failed and nothing is left.
func (r *reader) done() bool { return !r.bad && len(r.b) == 0 }

func (r *reader) u8() uint8 {
	var b [1]byte
	r.fill(b[:])
	return b[0]
}

func (r *reader) u16() uint16 {
	var b [2]byte
	r.fill(b[:])
	return binary.BigEndian.Uint16(b[:])
}

func (r *reader) u32() uint32 {
	var b [4]byte
	r.fill(b[:])
	return binary.BigEndian.Uint32(b[:])
}

func (r *reader) u64() uint64 {
	var b [8]byte
	r.fill(b[:])
	return binary.BigEndian.Uint64(b[:])
}

// flag reads a byte that is 0 or 1.
func (r *reader) flag() bool {
	v := r.u8()
	r.require(v <= 1)
	return v == 1
}

// items reads a count and so many items of size bytes each, nil if none. A count that the bytes left can't hold fails
// before anything is allocated.
func items[T any](r *reader, size int, read func() T) (out []T) {
	n := int64(r.u32())
	if n*int64(size) > int64(len(r.b)) {
		r.require(false)
	}
	for ; n > 0 && !r.bad; n-- {
		out = append(out, read())
	}
	return out
}

// list reads items that begin with their transaction's index, each greater than the one before.
func list[T any](r *reader, size int, read func(index uint16) T) []T {
	last := -1
	return items(r, size, func() T {
		i := r.u16()
		r.require(int(i) > last)
		last = int(i)
		return read(i)
	})
}
