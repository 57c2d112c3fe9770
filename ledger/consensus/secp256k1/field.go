package secp256k1

import (
	"encoding/binary"
	"math/bits"
)

// fe is an element of the field of integers modulo p = 2^256 - fold, least significant word first. Any four words are
// one: values from p up stand for themselves less p. All arithmetic is free of branches on values but is not meant to
// keep secrets.
type fe [4]uint64

// fold is 2^256 modulo p.
const fold = 0x1000003d1

// feFromBytes reads a big-endian number; false if it is not below p.
func feFromBytes(b []byte) (x fe, ok bool) {
	for i := range x {
		x[i] = binary.BigEndian.Uint64(b[24-8*i:])
	}
	return x, x.canonical() == x
}

// canonical is the same element below p.
func (z *fe) canonical() fe {
	var t fe
	var c uint64
	t[0], c = bits.Add64(z[0], fold, 0)
	t[1], c = bits.Add64(z[1], 0, c)
	t[2], c = bits.Add64(z[2], 0, c)
	t[3], c = bits.Add64(z[3], 0, c)
	if c != 0 { // z + fold reaches 2^256, so z reaches p
		return t
	}
	return *z
}

func (z *fe) isZero() bool {
	return z[0]|z[1]|z[2]|z[3] == 0 || z[0] == 1<<64-fold && z[1]&z[2]&z[3] == 1<<64-1
}

func (z *fe) isOdd() bool {
	c := z.canonical()
	return c[0]&1 == 1
}

func equal(x, y *fe) bool {
	var d fe
	d.sub(x, y)
	return d.isZero()
}

// add sets z = x + y.
func (z *fe) add(x, y *fe) {
	var c uint64
	t0, c := bits.Add64(x[0], y[0], 0)
	t1, c := bits.Add64(x[1], y[1], c)
	t2, c := bits.Add64(x[2], y[2], c)
	t3, c := bits.Add64(x[3], y[3], c)
	t0, c = bits.Add64(t0, -c&fold, 0)
	t1, c = bits.Add64(t1, 0, c)
	t2, c = bits.Add64(t2, 0, c)
	t3, c = bits.Add64(t3, 0, c)
	z[0], z[1], z[2], z[3] = t0+(-c&fold), t1, t2, t3 // a second carry leaves less than fold
}

// sub sets z = x - y.
func (z *fe) sub(x, y *fe) {
	var b uint64
	t0, b := bits.Sub64(x[0], y[0], 0)
	t1, b := bits.Sub64(x[1], y[1], b)
	t2, b := bits.Sub64(x[2], y[2], b)
	t3, b := bits.Sub64(x[3], y[3], b)
	t0, b = bits.Sub64(t0, -b&fold, 0)
	t1, b = bits.Sub64(t1, 0, b)
	t2, b = bits.Sub64(t2, 0, b)
	t3, b = bits.Sub64(t3, 0, b)
	z[0], z[1], z[2], z[3] = t0-(-b&fold), t1, t2, t3 // a second borrow leaves more than 2^256 - fold
}

func (z *fe) neg(x *fe) { z.sub(&fe{}, x) }

// half sets z = x / 2.
func (z *fe) half(x *fe) {
	odd := x[0] & 1
	// x + p is x - fold + 2^256.
	t0, b := bits.Sub64(x[0], -odd&fold, 0)
	t1, b := bits.Sub64(x[1], 0, b)
	t2, b := bits.Sub64(x[2], 0, b)
	t3, b := bits.Sub64(x[3], 0, b)
	top := odd - b
	z[0], z[1], z[2], z[3] = t0>>1|t1<<63, t1>>1|t2<<63, t2>>1|t3<<63, t3>>1|top<<63
}

// mul sets z = x * y.
func (z *fe) mul(x, y *fe) {
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	var c uint64

	yi := y[0]
	h0, t0 := bits.Mul64(x0, yi)
	h1, t1 := bits.Mul64(x1, yi)
	h2, t2 := bits.Mul64(x2, yi)
	t4, t3 := bits.Mul64(x3, yi)
	t1, c = bits.Add64(t1, h0, 0)
	t2, c = bits.Add64(t2, h1, c)
	t3, c = bits.Add64(t3, h2, c)
	t4 += c

	yi = y[1]
	h0, l0 := bits.Mul64(x0, yi)
	h1, l1 := bits.Mul64(x1, yi)
	h2, l2 := bits.Mul64(x2, yi)
	h3, l3 := bits.Mul64(x3, yi)
	t1, c = bits.Add64(t1, l0, 0)
	t2, c = bits.Add64(t2, l1, c)
	t3, c = bits.Add64(t3, l2, c)
	t4, c = bits.Add64(t4, l3, c)
	t5 := h3 + c
	t2, c = bits.Add64(t2, h0, 0)
	t3, c = bits.Add64(t3, h1, c)
	t4, c = bits.Add64(t4, h2, c)
	t5 += c

	yi = y[2]
	h0, l0 = bits.Mul64(x0, yi)
	h1, l1 = bits.Mul64(x1, yi)
	h2, l2 = bits.Mul64(x2, yi)
	h3, l3 = bits.Mul64(x3, yi)
	t2, c = bits.Add64(t2, l0, 0)
	t3, c = bits.Add64(t3, l1, c)
	t4, c = bits.Add64(t4, l2, c)
	t5, c = bits.Add64(t5, l3, c)
	t6 := h3 + c
	t3, c = bits.Add64(t3, h0, 0)
	t4, c = bits.Add64(t4, h1, c)
	t5, c = bits.Add64(t5, h2, c)
	t6 += c

	yi = y[3]
	h0, l0 = bits.Mul64(x0, yi)
	h1, l1 = bits.Mul64(x1, yi)
	h2, l2 = bits.Mul64(x2, yi)
	h3, l3 = bits.Mul64(x3, yi)
	t3, c = bits.Add64(t3, l0, 0)
	t4, c = bits.Add64(t4, l1, c)
	t5, c = bits.Add64(t5, l2, c)
	t6, c = bits.Add64(t6, l3, c)
	t7 := h3 + c
	t4, c = bits.Add64(t4, h0, 0)
	t5, c = bits.Add64(t5, h1, c)
	t6, c = bits.Add64(t6, h2, c)
	t7 += c

	z.reduce(t0, t1, t2, t3, t4, t5, t6, t7)
}

// square sets z = x * x.
func (z *fe) square(x *fe) {
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	var c uint64

	// The products of different words, once.
	t2, t1 := bits.Mul64(x0, x1)
	h, l := bits.Mul64(x0, x2)
	t2, c = bits.Add64(t2, l, 0)
	t3 := h + c
	h, l = bits.Mul64(x0, x3)
	t3, c = bits.Add64(t3, l, 0)
	t4 := h + c
	h, l = bits.Mul64(x1, x2)
	t3, c = bits.Add64(t3, l, 0)
	t4, c = bits.Add64(t4, h, c)
	t5 := c
	h, l = bits.Mul64(x1, x3)
	t4, c = bits.Add64(t4, l, 0)
	t5, c = bits.Add64(t5, h, c)
	h, l = bits.Mul64(x2, x3)
	t6 := h + c
	t5, c = bits.Add64(t5, l, 0)
	t6 += c

	// Twice.
	t7 := t6 >> 63
	t6 = t6<<1 | t5>>63
	t5 = t5<<1 | t4>>63
	t4 = t4<<1 | t3>>63
	t3 = t3<<1 | t2>>63
	t2 = t2<<1 | t1>>63
	t1 <<= 1

	// And the squares.
	h0, t0 := bits.Mul64(x0, x0)
	h1, l1 := bits.Mul64(x1, x1)
	h2, l2 := bits.Mul64(x2, x2)
	h3, l3 := bits.Mul64(x3, x3)
	t1, c = bits.Add64(t1, h0, 0)
	t2, c = bits.Add64(t2, l1, c)
	t3, c = bits.Add64(t3, h1, c)
	t4, c = bits.Add64(t4, l2, c)
	t5, c = bits.Add64(t5, h2, c)
	t6, c = bits.Add64(t6, l3, c)
	t7 += h3 + c

	z.reduce(t0, t1, t2, t3, t4, t5, t6, t7)
}

// reduce sets z to a product of eight words.
func (z *fe) reduce(t0, t1, t2, t3, t4, t5, t6, t7 uint64) {
	var c uint64
	h4, l4 := bits.Mul64(t4, fold)
	h5, l5 := bits.Mul64(t5, fold)
	h6, l6 := bits.Mul64(t6, fold)
	h7, l7 := bits.Mul64(t7, fold)
	t0, c = bits.Add64(t0, l4, 0)
	t1, c = bits.Add64(t1, l5, c)
	t2, c = bits.Add64(t2, l6, c)
	t3, c = bits.Add64(t3, l7, c)
	over := h7 + c // below 2^34
	t1, c = bits.Add64(t1, h4, 0)
	t2, c = bits.Add64(t2, h5, c)
	t3, c = bits.Add64(t3, h6, c)
	over += c

	h, l := bits.Mul64(over, fold)
	t0, c = bits.Add64(t0, l, 0)
	t1, c = bits.Add64(t1, h, c)
	t2, c = bits.Add64(t2, 0, c)
	t3, c = bits.Add64(t3, 0, c)
	// A carry leaves less than 2^68, which fold does not bring near 2^128.
	t0, c = bits.Add64(t0, -c&fold, 0)
	z[0], z[1], z[2], z[3] = t0, t1+c, t2, t3
}

// squares sets z = x^(2^n).
func (z *fe) squares(x *fe, n int) {
	*z = *x
	for range n {
		z.square(z)
	}
}

// ladder is x to the powers 2^2-1, 2^22-1 and 2^223-1, on the way to its inverse and root.
func ladder(x *fe) (x2, x22, x223 fe) {
	step := func(a *fe, n int, b *fe) (z fe) { // a^(2^n) * b
		z.squares(a, n)
		z.mul(&z, b)
		return z
	}
	x2 = step(x, 1, x)
	x3 := step(&x2, 1, x)
	x6 := step(&x3, 3, &x3)
	x9 := step(&x6, 3, &x3)
	x11 := step(&x9, 2, &x2)
	x22 = step(&x11, 11, &x11)
	x44 := step(&x22, 22, &x22)
	x88 := step(&x44, 44, &x44)
	x176 := step(&x88, 88, &x88)
	x220 := step(&x176, 44, &x44)
	x223 = step(&x220, 3, &x3)
	return x2, x22, x223
}

// inverse sets z = 1/x, 0 for 0: x^(p-2).
func (z *fe) inverse(x *fe) {
	base := *x
	x2, x22, t := ladder(&base)
	t.squares(&t, 23)
	t.mul(&t, &x22)
	t.squares(&t, 5)
	t.mul(&t, &base)
	t.squares(&t, 3)
	t.mul(&t, &x2)
	t.squares(&t, 2)
	z.mul(&t, &base)
}

// root sets z to a square root of x, x^((p+1)/4), and says whether x has one.
func (z *fe) root(x *fe) bool {
	of := *x
	x2, x22, t := ladder(&of)
	t.squares(&t, 23)
	t.mul(&t, &x22)
	t.squares(&t, 6)
	t.mul(&t, &x2)
	t.squares(&t, 2)
	var back fe
	back.square(&t)
	*z = t
	return equal(&back, &of)
}
