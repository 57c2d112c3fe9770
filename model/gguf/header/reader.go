package header

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Types of values.
const (
	typeUint8, typeInt8, typeUint16, typeInt16, typeUint32, typeInt32, typeFloat32, typeBool = 0, 1, 2, 3, 4, 5, 6, 7
	typeString, typeArray, typeUint64, typeInt64, typeFloat64                                = 8, 9, 10, 11, 12
)

// reader reads little-endian values; after the first error everything is zero.
type reader struct {
	r    *bufio.Reader
	read int64
	err  error
}

func (r *reader) spoil(format string, values ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{ErrFormat}, values...)...)
	}
}

// fail is the first error; an end in the middle is a cut file.
func (r *reader) fail() error {
	if errors.Is(r.err, io.EOF) || errors.Is(r.err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: within its header, after %d bytes", ErrCut, r.read)
	}
	return r.err
}

func (r *reader) bytes(n int) []byte {
	b := make([]byte, n)
	if r.err != nil {
		return b
	}
	got, err := io.ReadFull(r.r, b)
	r.read += int64(got)
	if err != nil {
		r.err = err
		clear(b)
	}
	return b
}

func (r *reader) u32() uint32 { return binary.LittleEndian.Uint32(r.bytes(4)) }
func (r *reader) u64() uint64 { return binary.LittleEndian.Uint64(r.bytes(8)) }

// text reads a string of at most so many bytes. The room is made as the bytes come, so that a length alone takes none.
func (r *reader) text(most uint64) string {
	n := r.u64()
	if n > most {
		r.spoil("a string of %d bytes, %d are allowed", n, most)
		return ""
	}
	var out []byte
	for n > 0 && r.err == nil {
		part := min(n, 1<<16)
		out, n = append(out, r.bytes(int(part))...), n-part
	}
	return string(out)
}

func (r *reader) skip(n, most uint64) {
	if n > most {
		r.spoil("a string of %d bytes, %d are allowed", n, most)
	}
	if r.err != nil {
		return
	}
	got, err := r.r.Discard(int(n))
	r.read, r.err = r.read+int64(got), err
}

// number reads a value that is no string and no array.
func (r *reader) number(t uint32) float64 {
	switch t {
	case typeUint8, typeBool:
		return float64(r.bytes(1)[0])
	case typeInt8:
		return float64(int8(r.bytes(1)[0]))
	case typeUint16:
		return float64(binary.LittleEndian.Uint16(r.bytes(2)))
	case typeInt16:
		return float64(int16(binary.LittleEndian.Uint16(r.bytes(2))))
	case typeUint32:
		return float64(r.u32())
	case typeInt32:
		return float64(int32(r.u32()))
	case typeFloat32:
		return float64(math.Float32frombits(r.u32()))
	case typeUint64:
		return float64(r.u64())
	case typeInt64:
		return float64(int64(r.u64()))
	case typeFloat64:
		return math.Float64frombits(r.u64())
	}
	r.spoil("a value of type %d", t)
	return 0
}
