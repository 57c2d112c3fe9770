// Package amount holds sums of FAI in base units with checked arithmetic. It imports nothing of the project. The number
// of decimals and the cap are those of the FUN AI whitepaper, section 6, with the halving interval that makes the cap
// true (docs/money.md).
package amount

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Amount is a sum in base units, 1e-8 FAI each.
type Amount uint64

const (
	// FAI is one coin in base units.
	FAI Amount = 100_000_000
	// Max is the cap on the coins of both layers together.
	Max = 21_000_000 * FAI

	decimals = 8
)

// ErrOverflow says that a sum left the range of Amount; ErrSyntax that a text is no amount.
var (
	ErrOverflow = errors.New("amount out of range")
	ErrSyntax   = errors.New("not an amount of FAI")
)

// Add returns a + b.
func (a Amount) Add(b Amount) (Amount, error) {
	sum, carry := bits.Add64(uint64(a), uint64(b), 0)
	if carry != 0 {
		return 0, fmt.Errorf("%w: %v + %v", ErrOverflow, a, b)
	}
	return Amount(sum), nil
}

// Sub returns a - b.
func (a Amount) Sub(b Amount) (Amount, error) {
	if b > a {
		return 0, fmt.Errorf("%w: %v - %v", ErrOverflow, a, b)
	}
	return a - b, nil
}

// Mul returns a * n.
func (a Amount) Mul(n uint64) (Amount, error) {
	hi, lo := bits.Mul64(uint64(a), n)
	if hi != 0 {
		return 0, fmt.Errorf("%w: %v * %d", ErrOverflow, a, n)
	}
	return Amount(lo), nil
}

// MulDiv returns a * num / den, rounded down, without overflow in between.
func (a Amount) MulDiv(num, den uint64) (Amount, error) {
	hi, lo := bits.Mul64(uint64(a), num)
	if den == 0 || hi >= den {
		return 0, fmt.Errorf("%w: %v * %d / %d", ErrOverflow, a, num, den)
	}
	q, _ := bits.Div64(hi, lo, den)
	return Amount(q), nil
}

// Sum adds all of them up.
func Sum(as ...Amount) (total Amount, err error) {
	for _, a := range as {
		if total, err = total.Add(a); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// String prints the sum in FAI, without trailing zeros: "1.5".
func (a Amount) String() string {
	whole, frac := a/FAI, a%FAI
	if frac == 0 {
		return strconv.FormatUint(uint64(whole), 10)
	}
	return fmt.Sprintf("%d.%s", whole, strings.TrimRight(fmt.Sprintf("%08d", frac), "0"))
}

// Parse reads a sum written in FAI, such as "1.5"; more than 8 decimals or more than Max is an error.
func Parse(s string) (Amount, error) {
	whole, frac, dot := strings.Cut(s, ".")
	if dot && frac == "" || len(frac) > decimals || !digits(whole) || dot && !digits(frac) {
		return 0, fmt.Errorf("%w: %q", ErrSyntax, s)
	}
	w, err := strconv.ParseUint(whole, 10, 64)
	if err != nil || w > uint64(Max/FAI) {
		return 0, fmt.Errorf("%w: %q exceeds %v", ErrOverflow, s, Max)
	}
	f, err := strconv.ParseUint(frac+strings.Repeat("0", decimals-len(frac)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %q", ErrSyntax, s)
	}
	if a := Amount(w)*FAI + Amount(f); a <= Max {
		return a, nil
	}
	return 0, fmt.Errorf("%w: %q exceeds %v", ErrOverflow, s, Max)
}

func digits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
