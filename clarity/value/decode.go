package value

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"funai/clarity/types"
)

// What can be wrong with an encoding, besides the rules of types. A DecodeError wraps one of them.
var (
	ErrShort      = errors.New("encoding ends early")
	ErrTrailing   = errors.New("encoding is followed by other bytes")
	ErrTag        = errors.New("unknown first byte of a value")
	ErrTooLong    = errors.New("encoding is too long")
	ErrCharacters = errors.New("string has characters that it may not have")
	ErrName       = errors.New("not a name")
)

// DecodeError is what is wrong with an encoding, and where.
type DecodeError struct {
	Offset int // bytes read before it was found
	Err    error
}

func (e *DecodeError) Error() string { return fmt.Sprintf("value at byte %d: %v", e.Offset, e.Err) }

func (e *DecodeError) Unwrap() error { return e.Err }

// Decode reads the consensus encoding of one value (SIP-005), all of b, of which the value keeps parts. It takes a tuple's
// fields in any order, as wallets and the reference implementation do; Encode has one order alone. Lists and tuples get the
// least types that fit. The error is a *DecodeError.
func Decode(b []byte) (Value, error) { return decode(&decoder{b: b}, nil) }

// DecodeTyped reads a value that must be of a type, and gives the lists and tuples in it the types that it says: as values
// come from storage and from from-consensus-buff?. Sanitize is set since epoch 2.4: fields that a tuple's type does not know
// are then left out, where else they are an error. The value keeps parts of b. The error is a *DecodeError.
func DecodeTyped(b []byte, t *types.Type, sanitize bool) (Value, error) {
	// Integers are the most that storage holds.
	switch {
	case len(b) != 17:
	case b[0] == tagUInt && t == types.UInt:
		return UInt(Uint128FromBytes([16]byte(b[1:]))), nil
	case b[0] == tagInt && t == types.Int:
		return Int(Int128FromBytes([16]byte(b[1:]))), nil
	}
	return decode(&decoder{b: b, sanitize: sanitize}, t)
}

// DecodePrefix is Decode for a value at the beginning of b, and returns how many bytes it takes.
func DecodePrefix(b []byte) (v Value, n int, err error) {
	d := &decoder{b: b[:min(len(b), MaxEncoded)]}
	if v, err = d.first(nil); err != nil {
		return None, 0, &DecodeError{d.at, err}
	}
	return v, d.at, nil
}

func decode(d *decoder, t *types.Type) (v Value, err error) {
	if len(d.b) > MaxEncoded {
		err = fmt.Errorf("%w: %d bytes exceed %d", ErrTooLong, len(d.b), MaxEncoded)
	} else if v, err = d.first(t); err == nil && d.at != len(d.b) {
		err = fmt.Errorf("%w: %d", ErrTrailing, len(d.b)-d.at)
	}
	if err != nil {
		return None, &DecodeError{d.at, err}
	}
	return v, nil
}

type decoder struct {
	b        []byte
	at       int
	sanitize bool
	record   *types.Type // of the last tuple that was read without a type: the next is likely to be of the same
}

// first reads a value that is in no other, and so is held to the bounds of values.
func (d *decoder) first(t *types.Type) (Value, error) {
	v, err := d.value(t, 1)
	if err != nil {
		return None, err
	}
	return v, Check(v)
}

// take returns the next n bytes.
func (d *decoder) take(n int) ([]byte, error) {
	if n > len(d.b)-d.at {
		return nil, fmt.Errorf("%w: %d of %d bytes are there", ErrShort, len(d.b)-d.at, n)
	}
	b := d.b[d.at : d.at+n]
	d.at += n
	return b, nil
}

func (d *decoder) byte() (byte, error) {
	b, err := d.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// length reads the length of a sequence, of which every element has at least one byte.
func (d *decoder) length() (int, error) {
	b, err := d.take(4)
	if err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint32(b)
	if n > types.MaxValueSize {
		return 0, fmt.Errorf("%w: length %d exceeds %d", types.ErrTooBig, n, types.MaxValueSize)
	}
	return int(n), nil
}

func (d *decoder) sequence() ([]byte, error) {
	n, err := d.length()
	if err != nil {
		return nil, err
	}
	return d.take(n)
}

func (d *decoder) name(valid func(string) bool) (string, error) {
	n, err := d.byte()
	if err != nil {
		return "", err
	}
	b, err := d.take(int(n))
	if err != nil {
		return "", err
	}
	if s := string(b); valid(s) {
		return s, nil
	}
	return "", fmt.Errorf("%w: %.130q", ErrName, b)
}

// expect says whether a value of a kind can be of type t, which is nil if nothing is expected.
func expect(t *types.Type, k types.Kind) error {
	if t != nil && t.Kind() != k {
		return &unfit{want: t}
	}
	return nil
}

// unfit is an ErrNotAdmitted that is put into words only when somebody asks: types may be long, and a contract that tries what
// bytes are need not pay for the words.
type unfit struct {
	want *types.Type
	got  string // or ""
}

func (e *unfit) Error() string {
	if e.got == "" {
		return fmt.Sprintf("%v: %v", ErrNotAdmitted, e.want)
	}
	return fmt.Sprintf("%v: %s; it is %v", ErrNotAdmitted, e.got, e.want)
}

func (*unfit) Unwrap() error { return ErrNotAdmitted }

// value reads one value of type t, or of any if t is nil.
func (d *decoder) value(t *types.Type, depth int) (Value, error) {
	if depth > types.MaxDepth {
		return None, fmt.Errorf("%w: %d exceeds %d", types.ErrTooDeep, depth, types.MaxDepth)
	}
	if d.at >= len(d.b) {
		_, err := d.take(1)
		return None, err
	}
	tag := d.b[d.at]
	d.at++
	switch tag {
	case tagInt:
		return d.number(t, types.KindInt, KindInt)
	case tagUInt:
		return d.number(t, types.KindUInt, KindUInt)
	case tagTrue, tagFalse:
		return Bool(tag == tagTrue), expect(t, types.KindBool)
	case tagBuffer, tagASCII, tagUTF8:
		return d.text(t, tag)
	case tagStandard, tagContract:
		return d.principal(t, tag == tagContract)
	case tagNone:
		return None, expect(t, types.KindOptional)
	case tagSome, tagOk, tagErr:
		return d.wrapped(t, tag, depth)
	case tagList:
		return d.list(t, depth)
	case tagTuple:
		return d.tuple(t, depth)
	}
	return None, fmt.Errorf("%w: %#02x", ErrTag, tag)
}

func (d *decoder) number(t *types.Type, want types.Kind, k Kind) (Value, error) {
	if err := expect(t, want); err != nil {
		return None, err
	}
	if d.at+16 > len(d.b) { // not by take: this is the path that most values go
		_, err := d.take(16)
		return None, err
	}
	b := d.b[d.at : d.at+16]
	d.at += 16
	return Value{kind: k, num: Uint128{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}}, nil
}

// wrapped reads what is inside of a some, an ok or an err.
func (d *decoder) wrapped(t *types.Type, tag byte, depth int) (Value, error) {
	want, k := types.KindOptional, KindSome
	switch tag {
	case tagOk:
		want, k = types.KindResponse, KindOk
	case tagErr:
		want, k = types.KindResponse, KindErr
	}
	if err := expect(t, want); err != nil {
		return None, err
	}
	var inside *types.Type
	switch {
	case t == nil:
	case tag == tagErr:
		inside = t.Err()
	default:
		inside = t.Elem()
	}
	v, err := d.value(inside, depth+1)
	if err != nil {
		return None, err
	}
	return Value{kind: k, ref: &v}, nil
}

func (d *decoder) text(t *types.Type, tag byte) (Value, error) {
	b, err := d.sequence()
	if err != nil {
		return None, err
	}
	var v Value
	want := types.KindBuffer
	switch tag {
	case tagBuffer:
		v = Buffer(b[:len(b):len(b)])
	case tagASCII:
		want = types.KindASCII
		for _, c := range b {
			if !ValidASCII(c) {
				return None, fmt.Errorf("%w: %#02x", ErrCharacters, c)
			}
		}
		v = ASCIIBytes(b[:len(b):len(b)])
	default:
		want = types.KindUTF8
		if !utf8.Valid(b) {
			return None, fmt.Errorf("%w: it is not UTF-8", ErrCharacters)
		}
		v = UTF8(string(b))
	}
	if err := expect(t, want); err != nil {
		return None, err
	}
	if t != nil && v.Len() > int(t.Len()) {
		return None, &unfit{t, fmt.Sprintf("length %d", v.Len())}
	}
	return v, Check(v)
}

// ValidASCII says whether a string-ascii may have a character: what prints, and white space.
func ValidASCII(c byte) bool {
	return c >= ' ' && c <= '~' || c == '\t' || c == '\n' || c == '\f' || c == '\r'
}

func (d *decoder) principal(t *types.Type, contract bool) (Value, error) {
	if err := expect(t, types.KindPrincipal); err != nil {
		return None, err
	}
	b, err := d.take(1 + len(Principal{}.Hash))
	if err != nil {
		return None, err
	}
	p := Principal{Version: b[0], Hash: [20]byte(b[1:])}
	if p.Version > 31 {
		return None, fmt.Errorf("%w: version %d exceeds 31", ErrPrincipal, p.Version)
	}
	if contract {
		if p.Contract, err = d.name(ValidContractName); err != nil {
			return None, err
		}
	}
	return OfPrincipal(p), nil
}
