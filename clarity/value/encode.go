package value

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"funai/clarity/types"
)

// What a value's first byte says of it in the consensus encoding (SIP-005).
const (
	tagInt byte = iota
	tagUInt
	tagBuffer
	tagTrue
	tagFalse
	tagStandard
	tagContract
	tagOk
	tagErr
	tagNone
	tagSome
	tagList
	tagTuple
	tagASCII
	tagUTF8
)

// MaxEncoded is the most bytes that a value's encoding may have.
const MaxEncoded = 2 * types.MaxValueSize

// ErrEncoding says that a value has no encoding.
var ErrEncoding = errors.New("value cannot be encoded")

// Encode returns the consensus encoding of a value (SIP-005). The error is an ErrEncoding or one of types, and comes of values
// alone that Check does not pass or that hold names longer than MaxNameLen.
func Encode(v Value) ([]byte, error) { return AppendEncode(nil, v) }

// AppendEncode appends what Encode returns to b.
func AppendEncode(b []byte, v Value) ([]byte, error) {
	if v.kind == KindInt || v.kind == KindUInt { // the most there is
		return appendNumber(append(b, byte(v.kind-KindInt)), v.num), nil
	}
	if err := Check(v); err != nil {
		return b, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	n := v.EncodedLen()
	if n > MaxEncoded {
		return b, fmt.Errorf("%w: %d bytes exceed %d", ErrEncoding, n, MaxEncoded)
	}
	if cap(b)-len(b) < n {
		b = append(make([]byte, 0, len(b)+n), b...)
	}
	return encode(b, v)
}

func encode(b []byte, v Value) ([]byte, error) {
	switch v.kind {
	case KindNone:
		return append(b, tagNone), nil
	case KindSome:
		return encode(append(b, tagSome), v.Inner())
	case KindOk:
		return encode(append(b, tagOk), v.Inner())
	case KindErr:
		return encode(append(b, tagErr), v.Inner())
	case KindInt:
		return appendNumber(append(b, tagInt), v.num), nil
	case KindUInt:
		return appendNumber(append(b, tagUInt), v.num), nil
	case KindBool:
		if v.IsTrue() {
			return append(b, tagTrue), nil
		}
		return append(b, tagFalse), nil
	case KindPrincipal, KindCallable:
		return encodePrincipal(b, v.AsPrincipal())
	case KindBuffer:
		return append(appendLength(b, tagBuffer, v.Len()), v.Octets()...), nil
	case KindASCII:
		return append(appendLength(b, tagASCII, v.Len()), v.Octets()...), nil
	case KindUTF8:
		at := len(b) + 1
		b = appendLength(b, tagUTF8, 0)
		for _, r := range v.Runes() {
			b = utf8.AppendRune(b, r)
		}
		binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
		return b, nil
	default:
		return encodeMany(b, v)
	}
}

func encodeMany(b []byte, v Value) (_ []byte, err error) {
	switch r := v.ref.(type) {
	case *list:
		b = appendLength(b, tagList, len(r.elems))
		for _, e := range r.elems {
			if b, err = encode(b, e); err != nil {
				return b, err
			}
		}
	case *tuple:
		b = appendLength(b, tagTuple, len(r.values))
		for i, f := range r.typ.Fields() {
			if b, err = appendName(b, f.Name); err != nil {
				return b, err
			}
			if b, err = encode(b, r.values[i]); err != nil {
				return b, err
			}
		}
	default:
		return b, fmt.Errorf("%w: kind %d", ErrEncoding, v.kind)
	}
	return b, nil
}

func encodePrincipal(b []byte, p Principal) ([]byte, error) {
	tag := tagStandard
	if p.Contract != "" {
		tag = tagContract
	}
	b = append(append(b, tag, p.Version), p.Hash[:]...)
	if p.Contract == "" {
		return b, nil
	}
	return appendName(b, p.Contract)
}

func appendName(b []byte, name string) ([]byte, error) {
	if len(name) > MaxNameLen {
		return b, fmt.Errorf("%w: name of %d bytes exceeds %d", ErrEncoding, len(name), MaxNameLen)
	}
	return append(append(b, byte(len(name))), name...), nil
}

func appendLength(b []byte, tag byte, n int) []byte {
	return binary.BigEndian.AppendUint32(append(b, tag), uint32(n))
}

func appendNumber(b []byte, u Uint128) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, u.Hi), u.Lo)
}

// EncodedLen is how many bytes the consensus encoding of the value has.
func (v Value) EncodedLen() int {
	n := 0
	for v.kind == KindSome || v.kind == KindOk || v.kind == KindErr {
		n, v = n+1, v.Inner()
	}
	switch v.kind {
	case KindInt, KindUInt:
		return n + 17
	case KindNone, KindBool:
		return n + 1
	default:
		n += 5 // tag and length
	}
	switch r := v.ref.(type) {
	case *Principal:
		return n + principalSize(*r)
	case *Callable:
		return n + principalSize(r.Principal)
	case *octets:
		return n + len(r.b)
	case *runes:
		for _, c := range r.r {
			n += max(utf8.RuneLen(c), 0)
		}
	case *list:
		for _, e := range r.elems {
			n += e.EncodedLen()
		}
	case *tuple:
		for i, f := range r.typ.Fields() {
			n += 1 + len(f.Name) + r.values[i].EncodedLen()
		}
	}
	return n
}

// principalSize is less the five bytes that sequences begin with.
func principalSize(p Principal) int {
	n := 1 + 1 + len(p.Hash) - 5
	if p.Contract != "" {
		n += 1 + len(p.Contract)
	}
	return n
}
