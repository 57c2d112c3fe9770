package secp256k1

import (
	"encoding/binary"
	"math/bits"

	"github.com/btcsuite/btcd/btcec/v2"
)

// Gallant, Lambert and Vanstone's endomorphism: for any point, lambda (x, y) = (beta x, y), with beta^3 = 1 modulo p and
// lambda^3 = 1 modulo the group's order n. A scalar k is split into k1 + k2 lambda with both parts of half the length, by
// the nearest point of the lattice of pairs for which that is 0. b1 and b2 belong to its short vectors, and g1 and g2 are
// 2^384 b2/n and -2^384 b1/n, rounded. (Guide to Elliptic Curve Cryptography, algorithm 3.74.)
var (
	beta      = fe{0xc1396c28719501ee, 0x9cf0497512f58995, 0x6e64479eac3434e9, 0x7ae96a2b657c0710}
	negLambda = constant("ac9c52b33fa3cf1f5ad9e3fd77ed9ba4a880b9fc8ec739c2e0cfc810b51283cf")
	negB1     = constant("00000000000000000000000000000000e4437ed6010e88286f547fa90abfe4c3")
	negB2     = constant("fffffffffffffffffffffffffffffffe8a280ac50774346dd765cda83db1562c")
	g1        = [4]uint64{0xe893209a45dbb031, 0x3daa8a1471e8ca7f, 0xe86c90e49284eb15, 0x3086d221a7d46bcd}
	g2        = [4]uint64{0x1571b4ae8ac47f71, 0x221208ac9df506c6, 0x6f547fa90abfe4c4, 0xe4437ed6010e8828}
)

// short is a scalar of at most 128 bits and its sign.
type short struct {
	abs [2]uint64
	neg bool
}

// words are a scalar's, least significant first.
func words(k *btcec.ModNScalar) (w [4]uint64) {
	b := k.Bytes()
	for i := range w {
		w[i] = binary.BigEndian.Uint64(b[24-8*i:])
	}
	return w
}

// split finds the halves of k; false, which does not happen, if one is longer than 128 bits.
func split(k *btcec.ModNScalar) (k1, k2 short, ok bool) {
	w := words(k)
	c1, c2 := mulShift(&w, &g1), mulShift(&w, &g2)
	var second, first btcec.ModNScalar
	second.Mul2(&c1, &negB1)
	c2.Mul(&negB2)
	second.Add(&c2)
	first.Mul2(&second, &negLambda).Add(k)
	k1, ok1 := shorten(&first)
	k2, ok2 := shorten(&second)
	return k1, k2, ok1 && ok2
}

func shorten(k *btcec.ModNScalar) (s short, ok bool) {
	if s.neg = k.IsOverHalfOrder(); s.neg {
		k.Negate()
	}
	w := words(k)
	s.abs = [2]uint64{w[0], w[1]}
	return s, w[2]|w[3] == 0
}

// mulShift is x*y / 2^384, rounded.
func mulShift(x, y *[4]uint64) (k btcec.ModNScalar) {
	var t [8]uint64
	for i, yi := range y {
		var carry uint64
		for j, xj := range x {
			hi, lo := bits.Mul64(xj, yi)
			var c uint64
			lo, c = bits.Add64(lo, t[i+j], 0)
			hi += c
			lo, c = bits.Add64(lo, carry, 0)
			t[i+j], carry = lo, hi+c
		}
		t[i+4] = carry
	}
	lo, c := bits.Add64(t[6], t[5]>>63, 0)
	var b [32]byte
	binary.BigEndian.PutUint64(b[24:], lo)
	binary.BigEndian.PutUint64(b[16:], t[7]+c)
	k.SetBytes(&b)
	return k
}

// nafLen is the number of digits of a scalar of 128 bits.
const nafLen = 129

// naf writes a scalar of 128 bits as a sum of digit[i] 2^i, where of any w digits in a row at most one is not 0, and that is
// odd and below 2^(w-1) (width-w non-adjacent form). It returns the number of digits up to the last that is not 0.
func naf(digits *[nafLen]int16, abs [2]uint64, w int) (n int) {
	carry := uint64(0)
	for i := 0; i < nafLen; {
		if bit(&abs, i) == carry {
			i++
			continue
		}
		width := min(w, nafLen-i)
		word := field(&abs, i, width) + carry
		carry = word >> (w - 1) & 1
		digits[i] = int16(int64(word) - int64(carry)<<w)
		n = i + 1
		i += width
	}
	return n
}

func bit(x *[2]uint64, i int) uint64 { return field(x, i, 1) }

// field is n bits from the i-th on; those from 128 on are 0.
func field(x *[2]uint64, i, n int) uint64 {
	var v uint64
	switch {
	case i >= 128:
	case i >= 64:
		v = x[1] >> (i - 64)
	case i == 0:
		v = x[0]
	default:
		v = x[0]>>i | x[1]<<(64-i)
	}
	return v & (1<<n - 1)
}

// constant reads a scalar in hexadecimal.
func constant(hex string) (k btcec.ModNScalar) {
	var b [32]byte
	for i := range b {
		b[i] = nibble(hex[2*i])<<4 | nibble(hex[2*i+1])
	}
	k.SetBytes(&b)
	return k
}

func nibble(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}
