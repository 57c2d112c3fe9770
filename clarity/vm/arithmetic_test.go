package vm

import (
	"errors"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"funai/clarity/value"
)

// wide draws 128 bits, often near the bounds of integers.
func wide() *rapid.Generator[value.Uint128] {
	return rapid.Custom(func(t *rapid.T) value.Uint128 {
		u := value.Uint128{Hi: rapid.Uint64().Draw(t, "high"), Lo: rapid.Uint64().Draw(t, "low")}
		switch rapid.IntRange(0, 5).Draw(t, "shape") {
		case 0:
			return value.Uint128{Lo: u.Lo % 8}
		case 1:
			return value.Uint128{Hi: ^uint64(0), Lo: ^(u.Lo % 8)}
		case 2:
			return value.Uint128{Hi: 1 << 63, Lo: u.Lo % 8}
		case 3:
			return value.Uint128{Hi: 1<<63 - 1, Lo: ^(u.Lo % 8)}
		case 4:
			return u.Shr(value.U64(uint64(rapid.IntRange(0, 127).Draw(t, "shift"))))
		}
		return u
	})
}

func bigOf(v value.Value) *big.Int {
	b := v.AsUInt().Bytes()
	n := new(big.Int).SetBytes(b[:])
	if v.Kind() == value.KindInt && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), 128))
	}
	return n
}

// fits says whether a number is an integer of the kind.
func fits(n *big.Int, k value.Kind) bool {
	least, most := new(big.Int), new(big.Int).Lsh(big.NewInt(1), 128)
	if k == value.KindInt {
		most.Rsh(most, 1)
		least.Neg(most)
	}
	return n.Cmp(least) >= 0 && n.Cmp(most) < 0
}

func TestArithmeticIsThatOfNumbersWithoutBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := value.UInt(wide().Draw(t, "a")), value.UInt(wide().Draw(t, "b"))
		if rapid.Bool().Draw(t, "signed") {
			a, b = value.Int(value.Int128(a.AsUInt())), value.Int(value.Int128(b.AsUInt()))
		}
		x, y := bigOf(a), bigOf(b)
		for _, op := range []operation{opAdd, opSub, opMul, opDiv, opMod, opAnd, opOr, opXor} {
			want, wrong := new(big.Int), ArithmeticOverflow
			switch op {
			case opAdd:
				want.Add(x, y)
			case opSub:
				want.Sub(x, y)
				wrong = ArithmeticUnderflow
			case opMul:
				want.Mul(x, y)
			case opDiv, opMod:
				wrong = DivisionByZero
				if y.Sign() == 0 {
					want = nil
				} else if quo, rem := new(big.Int).QuoRem(x, y, new(big.Int)); op == opDiv || !fits(quo, a.Kind()) {
					want = quo // a remainder whose quotient does not fit is refused as the quotient is
				} else {
					want = rem
				}
			case opAnd:
				want.And(x, y)
			case opOr:
				want.Or(x, y)
			default:
				want.Xor(x, y)
			}
			got, err := op.of(&a, &b)
			if want == nil || !fits(want, a.Kind()) {
				var fault *RuntimeError
				if !errors.As(err, &fault) || fault.Fault != wrong {
					t.Fatalf("(%v %v %v) is %v, %v, want %v", op, a, b, got, err, wrong)
				}
			} else if err != nil || got.Kind() != a.Kind() || bigOf(got).Cmp(want) != 0 {
				t.Fatalf("(%v %v %v) is %v, %v, want %v", op, a, b, got, err, want)
			}
		}
	})
}

func TestPowersAreThoseOfNumbersWithoutBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := value.UInt(wide().Draw(t, "a"))
		e := rapid.Uint64Range(0, 200).Draw(t, "exponent")
		b := value.UInt64(e)
		if rapid.Bool().Draw(t, "signed") {
			a, b = value.Int(value.Int128(a.AsUInt())), value.Int64(int64(e))
		}
		want := new(big.Int).Exp(bigOf(a), new(big.Int).SetUint64(e), nil)
		got, err := opPow.of(&a, &b)
		if fits(want, a.Kind()) != (err == nil) || err == nil && bigOf(got).Cmp(want) != 0 {
			t.Fatalf("(pow %v %v) is %v, %v, want %v", a, b, got, err, want)
		}
	})
}

func TestOrderIsThatOfNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u, v := wide().Draw(t, "a"), wide().Draw(t, "b")
		for _, pair := range [][2]value.Value{
			{value.UInt(u), value.UInt(v)},
			{value.Int(value.Int128(u)), value.Int(value.Int128(v))},
		} {
			a, b := pair[0], pair[1]
			if got, want := order(a, b), bigOf(a).Cmp(bigOf(b)); got != want {
				t.Fatalf("%v to %v is %d, want %d", a, b, got, want)
			}
		}
	})
}
