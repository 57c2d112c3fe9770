package value

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

var two128 = new(big.Int).Lsh(big.NewInt(1), 128)

func (u Uint128) big() *big.Int {
	b := u.Bytes()
	return new(big.Int).SetBytes(b[:])
}

func (i Int128) big() *big.Int {
	b := Uint128(i).big()
	if i.Sign() < 0 {
		b.Sub(b, two128)
	}
	return b
}

// fromBig says whether b is an integer of 128 bits, with a sign or without one, and which.
func fromBig(b *big.Int, sign bool) (Uint128, bool) {
	limit, low := two128, new(big.Int)
	if sign {
		limit = new(big.Int).Rsh(two128, 1)
		low.Neg(limit)
	}
	if b.Cmp(low) < 0 || b.Cmp(limit) >= 0 {
		return Uint128{}, false
	}
	var bytes [16]byte
	new(big.Int).And(b, new(big.Int).Sub(two128, big.NewInt(1))).FillBytes(bytes[:])
	return Uint128FromBytes(bytes), true
}

// same holds a result, and whether there is one, to the one of math/big, which is nil if there is none.
func same(t *rapid.T, what string, got Uint128, ok bool, want *big.Int, sign bool) {
	t.Helper()
	if want == nil {
		if ok {
			t.Fatalf("%s: %v, where there is no result", what, got)
		}
		return
	}
	w, fits := fromBig(want, sign)
	if ok != fits || ok && got != w {
		t.Fatalf("%s: %v (%v), math/big has %v", what, got, ok, want)
	}
}

func TestUint128IsAsMathBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := uints.Draw(t, "a"), uints.Draw(t, "b")
		x, y := a.big(), b.big()
		r, ok := a.Add(b)
		same(t, "+", r, ok, new(big.Int).Add(x, y), false)
		r, ok = a.Sub(b)
		same(t, "-", r, ok, new(big.Int).Sub(x, y), false)
		r, ok = a.Mul(b)
		same(t, "*", r, ok, new(big.Int).Mul(x, y), false)
		var quo, rem *big.Int
		if y.Sign() != 0 {
			quo, rem = new(big.Int).QuoRem(x, y, new(big.Int))
		}
		r, ok = a.Div(b)
		same(t, "/", r, ok, quo, false)
		r, ok = a.Mod(b)
		same(t, "mod", r, ok, rem, false)
		same(t, "sqrti", a.Sqrt(), true, new(big.Int).Sqrt(x), false)
		var log *big.Int
		if x.Sign() != 0 {
			log = big.NewInt(int64(x.BitLen() - 1))
		}
		r, ok = a.Log2()
		same(t, "log2", r, ok, log, false)
		if a.Cmp(b) != x.Cmp(y) || a.Less(b) != (x.Cmp(y) < 0) {
			t.Fatalf("%v and %v are in the wrong order", a, b)
		}
		same(t, "and", a.And(b), true, new(big.Int).And(x, y), false)
		same(t, "or", a.Or(b), true, new(big.Int).Or(x, y), false)
		same(t, "xor", a.Xor(b), true, new(big.Int).Xor(x, y), false)
		same(t, "not", a.Not(), true, new(big.Int).Sub(new(big.Int).Sub(two128, big.NewInt(1)), x), false)
		n := uint(b.Lo % 128)
		same(t, "shl", a.Shl(b), true, new(big.Int).Mod(new(big.Int).Lsh(x, n), two128), false)
		same(t, "shr", a.Shr(b), true, new(big.Int).Rsh(x, n), false)
	})
}

func TestInt128IsAsMathBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := ints.Draw(t, "a"), ints.Draw(t, "b")
		x, y := a.big(), b.big()
		check := func(what string, i Int128, ok bool, want *big.Int) {
			t.Helper()
			same(t, what, Uint128(i), ok, want, true)
		}
		r, ok := a.Add(b)
		check("+", r, ok, new(big.Int).Add(x, y))
		r, ok = a.Sub(b)
		check("-", r, ok, new(big.Int).Sub(x, y))
		r, ok = a.Mul(b)
		check("*", r, ok, new(big.Int).Mul(x, y))
		r, ok = a.Neg()
		check("neg", r, ok, new(big.Int).Neg(x))
		var quo, rem *big.Int
		if y.Sign() != 0 {
			quo, rem = new(big.Int).QuoRem(x, y, new(big.Int))
		}
		r, ok = a.Div(b)
		check("/", r, ok, quo)
		if a == MinInt128 && b == I64(-1) {
			rem = nil // the quotient overflows
		}
		r, ok = a.Mod(b)
		check("mod", r, ok, rem)
		var root, log *big.Int
		if x.Sign() >= 0 {
			root = new(big.Int).Sqrt(x)
		}
		if x.Sign() > 0 {
			log = big.NewInt(int64(x.BitLen() - 1))
		}
		r, ok = a.Sqrt()
		check("sqrti", r, ok, root)
		r, ok = a.Log2()
		check("log2", r, ok, log)
		if a.Cmp(b) != x.Cmp(y) || a.Less(b) != (x.Cmp(y) < 0) || a.Sign() != x.Sign() {
			t.Fatalf("%v and %v are in the wrong order", a, b)
		}
		check("and", a.And(b), true, new(big.Int).And(x, y))
		check("or", a.Or(b), true, new(big.Int).Or(x, y))
		check("xor", a.Xor(b), true, new(big.Int).Xor(x, y))
		check("not", a.Not(), true, new(big.Int).Not(x))
		n := Uint128(b)
		check("shr", a.Shr(n), true, new(big.Int).Rsh(x, uint(n.Lo%128)))
		if got, want := a.Shl(n), Uint128(a).Shl(n); Uint128(got) != want {
			t.Fatalf("shl: %v, want the bits of %v", got, want)
		}
	})
}

func TestPowIsAsMathBig(t *testing.T) {
	small := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-12, 12))
	rapid.Check(t, func(t *rapid.T) {
		base, e := small.Draw(t, "base"), rapid.OneOf(rapid.Uint32(), rapid.Uint32Range(0, 130)).Draw(t, "e")
		want := func(b *big.Int) *big.Int {
			if b.CmpAbs(big.NewInt(1)) > 0 && e > 200 {
				return nil
			}
			return new(big.Int).Exp(b, big.NewInt(int64(e)), nil)
		}
		i, ok := I64(base).Pow(e)
		same(t, "pow", Uint128(i), ok, want(big.NewInt(base)), true)
		u, ok := U64(uint64(base)).Pow(e)
		same(t, "pow", u, ok, want(new(big.Int).SetUint64(uint64(base))), false)
	})
}

func TestDecimalIsAsMathBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u, i := uints.Draw(t, "u"), ints.Draw(t, "i")
		if u.String() != u.big().String() || i.String() != i.big().String() {
			t.Fatalf("%v is %v, %v is %v", u, u.big(), i, i.big())
		}
		if r, err := ParseUint128(u.String()); err != nil || r != u {
			t.Fatalf("%v reads as %v: %v", u, r, err)
		}
		if r, err := ParseInt128(i.String()); err != nil || r != i {
			t.Fatalf("%v reads as %v: %v", i, r, err)
		}
	})
	for _, s := range []string{"", "-", "+1", "1.", " 1", "1 ", "0x1", "--1", "1_0", "٣", "340282366920938463463374607431768211456", "99999999999999999999999999999999999999999"} {
		if u, err := ParseUint128(s); err == nil {
			t.Errorf("%q reads as %v", s, u)
		}
		if i, err := ParseInt128(s); err == nil {
			t.Errorf("%q reads as %v", s, i)
		}
	}
	for _, s := range []string{"170141183460469231731687303715884105728", "-170141183460469231731687303715884105729"} {
		if i, err := ParseInt128(s); err == nil {
			t.Errorf("%q reads as %v", s, i)
		}
	}
}

func TestIntegersConvertWhereTheyFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := ints.Draw(t, "i")
		if n, ok := i.Int64(); ok != i.big().IsInt64() || ok && I64(n) != i {
			t.Fatalf("%v is %d (%v) in 64 bits", i, n, ok)
		}
		if u, ok := i.Uint128(); ok != (i.Sign() >= 0) || ok && u.big().Cmp(i.big()) != 0 {
			t.Fatalf("%v is %v (%v) without sign", i, u, ok)
		}
		u := Uint128(i)
		if n, ok := u.Uint64(); ok != u.big().IsUint64() || ok && U64(n) != u {
			t.Fatalf("%v is %d (%v) in 64 bits", u, n, ok)
		}
		if s, ok := u.Int128(); ok != (u.big().BitLen() < 128) || ok && s.big().Cmp(u.big()) != 0 {
			t.Fatalf("%v is %v (%v) with sign", u, s, ok)
		}
		b := i.Bytes()
		if Int128FromBytes(b) != i || Uint128FromBytes(b) != u {
			t.Fatalf("%x reads as something else", b)
		}
		for j, k := 0, 15; j < k; j, k = j+1, k-1 {
			b[j], b[k] = b[k], b[j]
		}
		if Int128FromLittleEndian(b) != i || Uint128FromLittleEndian(b) != u {
			t.Fatalf("%x reads as something else from its low end", b)
		}
	})
}
