package value

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
)

// ErrInteger says that a text is no integer of 128 bits.
var ErrInteger = errors.New("not an integer of 128 bits")

// ten19 is the greatest power of ten in 64 bits.
const ten19 = 1e19

// AppendText appends u in decimal; it does not fail.
func (u Uint128) AppendText(b []byte) ([]byte, error) { return u.append(b), nil }

func (u Uint128) append(b []byte) []byte {
	if u.Hi == 0 {
		return strconv.AppendUint(b, u.Lo, 10)
	}
	hi, r := u.Hi/ten19, u.Hi%ten19
	lo, low := bits.Div64(r, u.Lo, ten19)
	b = Uint128{hi, lo}.append(b)
	var digits [19]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + low%10)
		low /= 10
	}
	return append(b, digits[:]...)
}

// String writes u in decimal, without the u of a literal.
func (u Uint128) String() string { return string(u.append(make([]byte, 0, 39))) }

// AppendText appends i in decimal; it does not fail.
func (i Int128) AppendText(b []byte) ([]byte, error) { return i.append(b), nil }

func (i Int128) append(b []byte) []byte {
	if i.Sign() < 0 {
		b = append(b, '-')
	}
	return i.abs().append(b)
}

// String writes i in decimal.
func (i Int128) String() string { return string(i.append(make([]byte, 0, 40))) }

// ParseUint128 reads digits, as many as are needed and nothing else. The error is an ErrInteger.
func ParseUint128(s string) (Uint128, error) {
	u, ok := parseDigits(s)
	if !ok {
		return u, fmt.Errorf("%w: %.60q", ErrInteger, s)
	}
	return u, nil
}

// ParseInt128 reads digits that a minus sign may precede. The error is an ErrInteger.
func ParseInt128(s string) (Int128, error) {
	digits, negative := s, len(s) > 0 && s[0] == '-'
	if negative {
		digits = s[1:]
	}
	u, ok := parseDigits(digits)
	i, fits := signed(u, negative)
	if !ok || !fits {
		return Int128{}, fmt.Errorf("%w: %.60q", ErrInteger, s)
	}
	return i, nil
}

func parseDigits(s string) (u Uint128, ok bool) {
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return Uint128{}, false
		}
		if u, ok = u.Mul(Uint128{Lo: 10}); !ok {
			return Uint128{}, false
		}
		if u, ok = u.Add(Uint128{Lo: uint64(d)}); !ok {
			return Uint128{}, false
		}
	}
	return u, len(s) > 0
}
