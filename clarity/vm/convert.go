package vm

import (
	"encoding/hex"
	"slices"

	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// convertBuiltins turn integers, strings and buffers into one another.
var convertBuiltins = map[string]builtin{
	"to-int":          {since: types.Clarity1, compile: strict1(cost.IntCast, nil, toInt)},
	"to-uint":         {since: types.Clarity1, compile: strict1(cost.IntCast, nil, toUInt)},
	"int-to-ascii":    {since: types.Clarity2, compile: strict1(cost.IntToASCII, nil, intToASCII)},
	"int-to-utf8":     {since: types.Clarity2, compile: strict1(cost.IntToUTF8, nil, intToUTF8)},
	"string-to-int?":  {since: types.Clarity2, compile: strict1(cost.StringToInt, nil, stringToInt)},
	"string-to-uint?": {since: types.Clarity2, compile: strict1(cost.StringToUInt, nil, stringToUInt)},
	"buff-to-int-le":  {since: types.Clarity2, compile: strict1(cost.BuffToIntLe, nil, fromBuffer(true, true))},
	"buff-to-uint-le": {since: types.Clarity2, compile: strict1(cost.BuffToUIntLe, nil, fromBuffer(false, true))},
	"buff-to-int-be":  {since: types.Clarity2, compile: strict1(cost.BuffToIntBe, nil, fromBuffer(true, false))},
	"buff-to-uint-be": {since: types.Clarity2, compile: strict1(cost.BuffToUIntBe, nil, fromBuffer(false, false))},
	"to-ascii?":       {since: types.Clarity4, compile: compileToASCII},
}

func toInt(_ *frame, a value.Value) (value.Value, error) {
	i, ok := a.AsUInt().Int128()
	if !ok {
		return value.None, fault(ArithmeticOverflow, "%v exceeds what a signed integer holds", a)
	}
	return value.Int(i), nil
}

func toUInt(_ *frame, a value.Value) (value.Value, error) {
	u, ok := a.AsInt().Uint128()
	if !ok {
		return value.None, fault(ArithmeticUnderflow, "%v is negative, which an unsigned integer is not", a)
	}
	return value.UInt(u), nil
}

// decimal is an integer in decimal digits, without the u of unsigned ones.
func decimal(a value.Value) []byte {
	b := make([]byte, 0, 40)
	if a.Kind() == value.KindInt {
		b, _ = a.AsInt().AppendText(b) // never fails
	} else {
		b, _ = a.AsUInt().AppendText(b) // never fails
	}
	return b
}

func intToASCII(_ *frame, a value.Value) (value.Value, error) {
	return value.ASCIIBytes(decimal(a)), nil
}

func intToUTF8(_ *frame, a value.Value) (value.Value, error) {
	return value.UTF8(string(decimal(a))), nil
}

// manyDigits is more characters than a number of 128 bits has, unless it begins with zeros.
const manyDigits = 64

// digits is a string without the plus sign that may precede a number. Of a long one it leaves out the zeros before the digits
// too, and gives nothing if it is long even so, as no number is.
func (f *frame) digits(a value.Value) (string, error) {
	var s string
	switch {
	case a.Len() > manyDigits:
		if err := f.toil(a.Len()); err != nil {
			return "", err
		}
		if a.Kind() == value.KindUTF8 {
			s = shortDigits(a.Runes())
		} else {
			s = shortDigits(a.Octets())
		}
	case a.Kind() == value.KindUTF8:
		s = string(a.Runes())
	default:
		s = string(a.Octets())
	}
	if len(s) > 1 && s[0] == '+' && s[1] != '-' {
		return s[1:], nil
	}
	return s, nil
}

func shortDigits[T byte | rune](s []T) string {
	sign, rest := s[:0], s
	if s[0] == '+' || s[0] == '-' {
		sign, rest = s[:1], s[1:]
	}
	for len(rest) > 1 && rest[0] == '0' {
		rest = rest[1:]
	}
	if len(rest) > manyDigits {
		return ""
	}
	b := make([]byte, 0, 1+manyDigits)
	for _, part := range [][]T{sign, rest} {
		for _, c := range part {
			if c > '9' {
				return "" // is in no number
			}
			b = append(b, byte(c))
		}
	}
	return string(b)
}

func stringToInt(f *frame, a value.Value) (value.Value, error) {
	s, err := f.digits(a)
	if err != nil {
		return value.None, err
	}
	if i, err := value.ParseInt128(s); err == nil {
		return value.Some(value.Int(i)), nil
	}
	return value.None, nil
}

func stringToUInt(f *frame, a value.Value) (value.Value, error) {
	s, err := f.digits(a)
	if err != nil {
		return value.None, err
	}
	if u, err := value.ParseUint128(s); err == nil {
		return value.Some(value.UInt(u)), nil
	}
	return value.None, nil
}

// fromBuffer reads up to 16 bytes as an integer. Bytes that are missing are zeros, on the side of the most significant.
func fromBuffer(signed, littleEndian bool) func(*frame, value.Value) (value.Value, error) {
	return func(_ *frame, a value.Value) (value.Value, error) {
		b := a.Octets()
		if len(b) > 16 {
			return value.None, fault(Unchecked, "a number of %d bytes exceeds 16", len(b))
		}
		var padded [16]byte
		copy(padded[16-len(b):], b)
		if littleEndian {
			slices.Reverse(padded[16-len(b):])
		}
		if signed {
			return value.Int(value.Int128FromBytes(padded)), nil
		}
		return value.UInt(value.Uint128FromBytes(padded)), nil
	}
}

// compileToASCII compiles to-ascii?, which costs by the argument's size.
func compileToASCII(c *compiler, call *syntax.Expr) (code, error) {
	lead := c.takeLead()
	if len(args(call)) != 1 {
		return nil, bug("to-ascii? of %d arguments", len(args(call)))
	}
	x, _, err := c.borrow(call.List[1])
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		v, err := x(f)
		if err != nil {
			return value.None, err
		}
		if err := f.charge(cost.ToASCII, uint64(v.Size())); err != nil {
			return value.None, err
		}
		return toASCII(v)
	}, nil
}

// toASCII is the text of a value that has one: err u1 if a string has other characters.
func toASCII(v value.Value) (value.Value, error) {
	var b []byte
	switch v.Kind() {
	case value.KindInt:
		b = decimal(v)
	case value.KindUInt:
		b = append([]byte{'u'}, decimal(v)...)
	case value.KindBool:
		b = []byte("false")
		if v.IsTrue() {
			b = []byte("true")
		}
	case value.KindPrincipal, value.KindCallable:
		b = []byte(v.AsPrincipal().String())
	case value.KindBuffer:
		b = hex.AppendEncode([]byte("0x"), v.Octets())
	case value.KindUTF8:
		b = make([]byte, v.Len())
		for i, r := range v.Runes() {
			if r > 0x7f || !value.ValidASCII(byte(r)) {
				return value.Err(value.UInt64(1)), nil
			}
			b[i] = byte(r)
		}
	default:
		return value.None, bug("to-ascii? of kind %d", v.Kind())
	}
	s, err := bounded(value.ASCIIBytes(b))
	if err != nil {
		return value.None, err
	}
	return value.Ok(s), nil
}
