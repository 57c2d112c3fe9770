package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"funai/amount"
)

// Amount is a sum in base units that JSON writes in coins with exactly 8 decimals, as Bitcoin does: 1.50000000. It may be
// negative, as what a wallet pays is. Reading takes a number or a string, without ever rounding.
type Amount int64

// String is the sum in coins.
func (a Amount) String() string {
	sign, u := "", uint64(a)
	if a < 0 {
		sign, u = "-", -u
	}
	return fmt.Sprintf("%s%d.%08d", sign, u/uint64(amount.FAI), u%uint64(amount.FAI))
}

// MarshalJSON writes the sum in coins.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalJSON reads a sum in coins; what has more than 8 decimals or exceeds all the money there can be, either way, is an
// *Error with CodeType.
func (a *Amount) UnmarshalJSON(b []byte) error {
	s := string(bytes.TrimSpace(b))
	switch {
	case s == "null":
		return nil
	case strings.HasPrefix(s, `"`):
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
	case s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9'):
		return Errorf(CodeType, "Amount is not a number or string")
	}
	v, ok := parseFixed(s)
	if !ok {
		return Errorf(CodeType, "Invalid amount")
	}
	if v < -int64(amount.Max) || v > int64(amount.Max) {
		return Errorf(CodeType, "Amount out of range")
	}
	*a = Amount(v)
	return nil
}

// NonNegative is an Amount in a request, where less than nothing has no meaning.
type NonNegative Amount

// MarshalJSON writes the sum in coins.
func (n NonNegative) MarshalJSON() ([]byte, error) { return Amount(n).MarshalJSON() }

// UnmarshalJSON reads a sum in coins as Amount does; what is negative is an *Error with CodeType, too.
func (n *NonNegative) UnmarshalJSON(b []byte) error {
	a := Amount(*n)
	if err := a.UnmarshalJSON(b); err != nil {
		return err
	}
	if a < 0 {
		return Errorf(CodeType, "Amount out of range")
	}
	*n = NonNegative(a)
	return nil
}

// parseFixed reads a decimal number, which may have an exponent, as a count of 1e-8. Nothing may be left behind those
// decimals.
func parseFixed(s string) (int64, bool) {
	const longest = 64 // more digits are no amount
	if len(s) > longest {
		return 0, false
	}
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	mantissa, exponent, scientific := cutExponent(s)
	shift := 8
	if scientific {
		e, err := strconv.ParseInt(exponent, 10, 8) // takes a sign
		if err != nil {
			return 0, false
		}
		shift += int(e)
	}
	whole, fraction, dot := strings.Cut(mantissa, ".")
	if whole == "" || dot && fraction == "" || len(whole) > 1 && whole[0] == '0' || strings.ContainsAny(whole+fraction, "+-_") {
		return 0, false
	}
	digits := whole + fraction
	shift -= len(fraction)
	for ; shift < 0; shift++ {
		if !strings.HasSuffix(digits, "0") {
			return 0, strings.Trim(digits, "0") == ""
		}
		digits = digits[:len(digits)-1]
	}
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return 0, whole[0] == '0'
	}
	if shift > longest {
		return 0, false
	}
	v, err := strconv.ParseInt(digits+strings.Repeat("0", shift), 10, 64)
	if negative {
		v = -v
	}
	return v, err == nil
}

func cutExponent(s string) (mantissa, exponent string, found bool) {
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}
