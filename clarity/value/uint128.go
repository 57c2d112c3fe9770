package value

import (
	"encoding/binary"
	"math/bits"
)

// Uint128 is an unsigned integer of 128 bits. Operations whose last result is ok say false where the result does not fit.
type Uint128 struct{ Hi, Lo uint64 }

// MaxUint128 is the greatest Uint128.
var MaxUint128 = Uint128{1<<64 - 1, 1<<64 - 1}

// U64 returns u as 128 bits.
func U64(u uint64) Uint128 { return Uint128{Lo: u} }

// IsZero says whether u is 0.
func (u Uint128) IsZero() bool { return u.Hi|u.Lo == 0 }

// Uint64 returns u; ok is false if it does not fit.
func (u Uint128) Uint64() (n uint64, ok bool) { return u.Lo, u.Hi == 0 }

// Int128 returns u as a signed integer; ok is false if it does not fit.
func (u Uint128) Int128() (i Int128, ok bool) { return Int128(u), u.Hi>>63 == 0 }

// Cmp is -1, 0 or 1 as u is less than, the same as or more than v.
func (u Uint128) Cmp(v Uint128) int {
	switch {
	case u == v:
		return 0
	case u.Less(v):
		return -1
	}
	return 1
}

// Less says whether u < v.
func (u Uint128) Less(v Uint128) bool { return u.Hi < v.Hi || u.Hi == v.Hi && u.Lo < v.Lo }

// Add returns u + v.
func (u Uint128) Add(v Uint128) (sum Uint128, ok bool) {
	lo, c := bits.Add64(u.Lo, v.Lo, 0)
	hi, c := bits.Add64(u.Hi, v.Hi, c)
	return Uint128{hi, lo}, c == 0
}

// Sub returns u - v.
func (u Uint128) Sub(v Uint128) (diff Uint128, ok bool) {
	lo, b := bits.Sub64(u.Lo, v.Lo, 0)
	hi, b := bits.Sub64(u.Hi, v.Hi, b)
	return Uint128{hi, lo}, b == 0
}

// Mul returns u * v.
func (u Uint128) Mul(v Uint128) (product Uint128, ok bool) {
	hi, lo := bits.Mul64(u.Lo, v.Lo)
	if u.Hi|v.Hi == 0 {
		return Uint128{hi, lo}, true
	}
	h1, l1 := bits.Mul64(u.Hi, v.Lo)
	h2, l2 := bits.Mul64(u.Lo, v.Hi)
	cross, c1 := bits.Add64(l1, l2, 0)
	hi, c2 := bits.Add64(hi, cross, 0)
	return Uint128{hi, lo}, (u.Hi == 0 || v.Hi == 0) && h1|h2|c1|c2 == 0
}

// DivMod returns u / v and u mod v; ok is false if v is 0.
func (u Uint128) DivMod(v Uint128) (quo, rem Uint128, ok bool) {
	switch {
	case v.IsZero():
		return quo, rem, false
	case u.Hi|v.Hi == 0:
		return Uint128{Lo: u.Lo / v.Lo}, Uint128{Lo: u.Lo % v.Lo}, true
	case v.Hi == 0:
		hi, r := u.Hi/v.Lo, u.Hi%v.Lo
		lo, r := bits.Div64(r, u.Lo, v.Lo)
		return Uint128{hi, lo}, Uint128{Lo: r}, true
	case u.Less(v):
		return quo, u, true
	}
	// The divisor has more than 64 bits, so the quotient has at most 64: estimate it from the high words, which is at
	// most one too great after the decrement (Hacker's Delight, divlu applied to 128 by 128 bits).
	s := uint(bits.LeadingZeros64(v.Hi))
	top := v.shl(s).Hi
	half := u.shr(1)
	q, _ := bits.Div64(half.Hi, half.Lo, top)
	if q >>= 63 - s; q != 0 {
		q--
	}
	quo = Uint128{Lo: q}
	product, _ := quo.Mul(v)
	rem, _ = u.Sub(product)
	if !rem.Less(v) {
		quo.Lo++ // cannot overflow: quo was decremented or is 0
		rem, _ = rem.Sub(v)
	}
	return quo, rem, true
}

// Div returns u / v; ok is false if v is 0.
func (u Uint128) Div(v Uint128) (quo Uint128, ok bool) {
	quo, _, ok = u.DivMod(v)
	return quo, ok
}

// Mod returns u mod v; ok is false if v is 0.
func (u Uint128) Mod(v Uint128) (rem Uint128, ok bool) {
	_, rem, ok = u.DivMod(v)
	return rem, ok
}

// Pow returns u to the power of e.
func (u Uint128) Pow(e uint32) (p Uint128, ok bool) {
	p, ok = Uint128{Lo: 1}, true
	for ; ; u, ok = u.Mul(u) {
		// A square that overflowed matters only if it is used, and the highest bit of e always uses it.
		if !ok {
			return Uint128{}, false
		}
		if e&1 != 0 {
			if p, ok = p.Mul(u); !ok {
				return Uint128{}, false
			}
		}
		if e >>= 1; e == 0 {
			return p, true
		}
	}
}

// Sqrt returns the greatest integer whose square is at most u.
func (u Uint128) Sqrt() Uint128 {
	if u.IsZero() {
		return u
	}
	// Newton's iteration from a power of 2 that is not below the root falls until it reaches it.
	x := Uint128{Lo: 1}.shl((u.bitLen() + 1) / 2)
	for {
		q, _ := u.Div(x)
		sum, _ := x.Add(q)
		next := sum.shr(1)
		if !next.Less(x) {
			return x
		}
		x = next
	}
}

// Log2 returns the greatest n with 2^n at most u; ok is false if u is 0.
func (u Uint128) Log2() (n Uint128, ok bool) {
	if u.IsZero() {
		return u, false
	}
	return Uint128{Lo: uint64(u.bitLen() - 1)}, true
}

func (u Uint128) bitLen() uint {
	if u.Hi != 0 {
		return 64 + uint(bits.Len64(u.Hi))
	}
	return uint(bits.Len64(u.Lo))
}

// And returns u & v.
func (u Uint128) And(v Uint128) Uint128 { return Uint128{u.Hi & v.Hi, u.Lo & v.Lo} }

// Or returns u | v.
func (u Uint128) Or(v Uint128) Uint128 { return Uint128{u.Hi | v.Hi, u.Lo | v.Lo} }

// Xor returns u ^ v.
func (u Uint128) Xor(v Uint128) Uint128 { return Uint128{u.Hi ^ v.Hi, u.Lo ^ v.Lo} }

// Not returns u with every bit changed.
func (u Uint128) Not() Uint128 { return Uint128{^u.Hi, ^u.Lo} }

// Shl returns u with its bits moved up by n mod 128, as bit-shift-left does; those that leave are lost.
func (u Uint128) Shl(n Uint128) Uint128 { return u.shl(uint(n.Lo % 128)) }

// Shr returns u with its bits moved down by n mod 128, as bit-shift-right does.
func (u Uint128) Shr(n Uint128) Uint128 { return u.shr(uint(n.Lo % 128)) }

func (u Uint128) shl(n uint) Uint128 {
	if n >= 64 {
		return Uint128{Hi: u.Lo << (n - 64)}
	}
	return Uint128{u.Hi<<n | u.Lo>>(64-n), u.Lo << n}
}

func (u Uint128) shr(n uint) Uint128 {
	if n >= 64 {
		return Uint128{Lo: u.Hi >> (n - 64)}
	}
	return Uint128{u.Hi >> n, u.Lo>>n | u.Hi<<(64-n)}
}

// Bytes returns u as 16 bytes, the most significant first.
func (u Uint128) Bytes() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], u.Hi)
	binary.BigEndian.PutUint64(b[8:], u.Lo)
	return b
}

// Uint128FromBytes reads 16 bytes, the most significant first.
func Uint128FromBytes(b [16]byte) Uint128 {
	return Uint128{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// Uint128FromLittleEndian reads 16 bytes, the least significant first.
func Uint128FromLittleEndian(b [16]byte) Uint128 {
	return Uint128{binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[:8])}
}
