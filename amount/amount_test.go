package amount

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestParseReadsWhatStringPrints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Amount(rapid.Uint64Range(0, uint64(Max)).Draw(t, "a"))
		b, err := Parse(a.String())
		if err != nil || a != b {
			t.Fatalf("%d printed as %q read back as %d, %v", a, a, b, err)
		}
	})
}

func TestParseRejects(t *testing.T) {
	for _, s := range []string{"", ".", "1.", ".5", "-1", "+1", "1e8", "0.123456789", "1,5", " 1", "21000000.00000001", "99999999999999999999"} {
		if a, err := Parse(s); err == nil {
			t.Errorf("%q was read as %v", s, a)
		} else if !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrOverflow) {
			t.Errorf("%q: untyped error %v", s, err)
		}
	}
}

func TestArithmeticAgreesWithBigIntegersOrSaysOverflow(t *testing.T) {
	limit := new(big.Int).SetUint64(math.MaxUint64)
	check := func(t *rapid.T, op string, got Amount, err error, want *big.Int) {
		fits := want.Sign() >= 0 && want.Cmp(limit) <= 0
		if fits != (err == nil) || fits && want.Cmp(new(big.Int).SetUint64(uint64(got))) != 0 {
			t.Fatalf("%s: %d, %v; want %v", op, got, err, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		x, y, d := rapid.Uint64().Draw(t, "x"), rapid.Uint64().Draw(t, "y"), rapid.Uint64Min(1).Draw(t, "d")
		a, b := new(big.Int).SetUint64(x), new(big.Int).SetUint64(y)
		sum, err := Amount(x).Add(Amount(y))
		check(t, "add", sum, err, new(big.Int).Add(a, b))
		dif, err := Amount(x).Sub(Amount(y))
		check(t, "sub", dif, err, new(big.Int).Sub(a, b))
		mul, err := Amount(x).Mul(y)
		check(t, "mul", mul, err, new(big.Int).Mul(a, b))
		quo, err := Amount(x).MulDiv(y, d)
		check(t, "muldiv", quo, err, new(big.Int).Quo(new(big.Int).Mul(a, b), new(big.Int).SetUint64(d)))
	})
	if _, err := FAI.MulDiv(1, 0); !errors.Is(err, ErrOverflow) {
		t.Error("division by zero:", err)
	}
}
