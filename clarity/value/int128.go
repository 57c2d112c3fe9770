package value

// Int128 is a signed integer of 128 bits in two's complement. Operations whose last result is ok say false where the
// result does not fit.
type Int128 struct{ Hi, Lo uint64 }

// The bounds of Int128.
var (
	MinInt128 = Int128{1 << 63, 0}
	MaxInt128 = Int128{1<<63 - 1, 1<<64 - 1}
)

// I64 returns i as 128 bits.
func I64(i int64) Int128 { return Int128{uint64(i >> 63), uint64(i)} }

// Sign is -1, 0 or 1.
func (i Int128) Sign() int {
	switch {
	case i.Hi>>63 != 0:
		return -1
	case i.Hi|i.Lo == 0:
		return 0
	}
	return 1
}

// Int64 returns i; ok is false if it does not fit.
func (i Int128) Int64() (n int64, ok bool) { return int64(i.Lo), I64(int64(i.Lo)) == i }

// Uint128 returns i as an unsigned integer; ok is false if i is negative.
func (i Int128) Uint128() (u Uint128, ok bool) { return Uint128(i), i.Hi>>63 == 0 }

// Cmp is -1, 0 or 1 as i is less than, the same as or more than j.
func (i Int128) Cmp(j Int128) int { return i.biased().Cmp(j.biased()) }

// Less says whether i < j.
func (i Int128) Less(j Int128) bool { return i.biased().Less(j.biased()) }

// biased maps signed to unsigned integers in the same order.
func (i Int128) biased() Uint128 { return Uint128{i.Hi ^ 1<<63, i.Lo} }

// abs is the magnitude, which always fits.
func (i Int128) abs() Uint128 {
	if i.Hi>>63 != 0 {
		return i.neg()
	}
	return Uint128(i)
}

func (i Int128) neg() Uint128 {
	n, _ := Uint128{}.Sub(Uint128(i))
	return n
}

// signed makes an integer of a magnitude and a sign.
func signed(abs Uint128, negative bool) (i Int128, ok bool) {
	if negative {
		i = Int128(Int128(abs).neg())
		return i, abs.Hi>>63 == 0 || i == MinInt128
	}
	return Int128(abs), abs.Hi>>63 == 0
}

// Neg returns -i.
func (i Int128) Neg() (n Int128, ok bool) { return Int128(i.neg()), i != MinInt128 }

// Add returns i + j.
func (i Int128) Add(j Int128) (sum Int128, ok bool) {
	s, _ := Uint128(i).Add(Uint128(j))
	// It overflowed if both have the same sign and the sum has the other.
	return Int128(s), (i.Hi^s.Hi)&(j.Hi^s.Hi)>>63 == 0
}

// Sub returns i - j.
func (i Int128) Sub(j Int128) (diff Int128, ok bool) {
	d, _ := Uint128(i).Sub(Uint128(j))
	return Int128(d), (i.Hi^j.Hi)&(i.Hi^d.Hi)>>63 == 0
}

// Mul returns i * j.
func (i Int128) Mul(j Int128) (product Int128, ok bool) {
	p, ok := i.abs().Mul(j.abs())
	product, fits := signed(p, (i.Hi^j.Hi)>>63 != 0)
	return product, ok && fits
}

// DivMod returns i / j, rounded toward 0, and the remainder, which has the sign of i; ok is false if j is 0 or the quotient
// does not fit.
func (i Int128) DivMod(j Int128) (quo, rem Int128, ok bool) {
	q, r, ok := i.abs().DivMod(j.abs())
	rem, _ = signed(r, i.Hi>>63 != 0)
	quo, fits := signed(q, (i.Hi^j.Hi)>>63 != 0)
	return quo, rem, ok && fits
}

// Div returns i / j, rounded toward 0.
func (i Int128) Div(j Int128) (quo Int128, ok bool) {
	quo, _, ok = i.DivMod(j)
	return quo, ok
}

// Mod returns the remainder of i / j, which has the sign of i.
func (i Int128) Mod(j Int128) (rem Int128, ok bool) {
	_, rem, ok = i.DivMod(j)
	return rem, ok
}

// Pow returns i to the power of e.
func (i Int128) Pow(e uint32) (p Int128, ok bool) {
	abs, ok := i.abs().Pow(e)
	p, fits := signed(abs, i.Hi>>63 != 0 && e&1 != 0)
	return p, ok && fits
}

// Sqrt returns the greatest integer whose square is at most i; ok is false if i is negative.
func (i Int128) Sqrt() (root Int128, ok bool) {
	if i.Sign() < 0 {
		return root, false
	}
	return Int128(Uint128(i).Sqrt()), true
}

// Log2 returns the greatest n with 2^n at most i; ok is false if i is not positive.
func (i Int128) Log2() (n Int128, ok bool) {
	if i.Sign() <= 0 {
		return n, false
	}
	u, ok := Uint128(i).Log2()
	return Int128(u), ok
}

// And returns i & j.
func (i Int128) And(j Int128) Int128 { return Int128(Uint128(i).And(Uint128(j))) }

// Or returns i | j.
func (i Int128) Or(j Int128) Int128 { return Int128(Uint128(i).Or(Uint128(j))) }

// Xor returns i ^ j.
func (i Int128) Xor(j Int128) Int128 { return Int128(Uint128(i).Xor(Uint128(j))) }

// Not returns i with every bit changed.
func (i Int128) Not() Int128 { return Int128(Uint128(i).Not()) }

// Shl returns i with its bits moved up by n mod 128, as bit-shift-left does; those that leave are lost.
func (i Int128) Shl(n Uint128) Int128 { return Int128(Uint128(i).Shl(n)) }

// Shr returns i with its bits moved down by n mod 128, as bit-shift-right does; the sign moves in.
func (i Int128) Shr(n Uint128) Int128 {
	s := uint(n.Lo % 128)
	sign := uint64(int64(i.Hi) >> 63)
	switch {
	case s == 0:
		return i
	case s >= 64:
		return Int128{sign, uint64(int64(i.Hi) >> (s - 64))}
	}
	return Int128{uint64(int64(i.Hi) >> s), i.Lo>>s | i.Hi<<(64-s)}
}

// Bytes returns i as 16 bytes in two's complement, the most significant first.
func (i Int128) Bytes() [16]byte { return Uint128(i).Bytes() }

// Int128FromBytes reads 16 bytes in two's complement, the most significant first.
func Int128FromBytes(b [16]byte) Int128 { return Int128(Uint128FromBytes(b)) }

// Int128FromLittleEndian reads 16 bytes in two's complement, the least significant first.
func Int128FromLittleEndian(b [16]byte) Int128 { return Int128(Uint128FromLittleEndian(b)) }
