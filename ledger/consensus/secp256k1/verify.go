// Package secp256k1 checks signatures, the ledger's most frequent work by far, two to three times as fast as btcec does, from
// words of 64 bits. It is made for public values only: nothing here signs, and nothing takes the same time for all.
//
// What it finds good is good: an ECDSA signature over secp256k1 (SEC 1, in the strict DER of BIP66) or one of BIP340. What it
// does not may still be good by some other encoding, so callers ask btcec, by way of txscript, before they refuse
// anything; a test holds the two together. It imports btcec for arithmetic modulo the group's order, and nothing of the
// project.
package secp256k1

import (
	"sync"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
)

const (
	// keyWidth is the width of the forms that multiply a public key, for which a table of 2^(5-2) points is made each time.
	keyWidth = 5
	// baseWidth is that of those that multiply the generator, whose two tables of 2^(12-2) points, 64 KiB each, are made once.
	baseWidth = 12
)

// bases are the odd multiples of the generator, and of the generator times 2^128.
var bases = sync.OnceValue(func() *[2][1 << (baseWidth - 2)]affine {
	var g btcec.JacobianPoint
	btcec.GeneratorJacobian(&g)
	x, _ := feFromBytes(g.X.Bytes()[:])
	y, _ := feFromBytes(g.Y.Bytes()[:])
	p := (&affine{x, y}).jacobian()
	tables := new([2][1 << (baseWidth - 2)]affine)
	room := make([]jacobian, len(tables[0]))
	odds(tables[0][:], room, &p)
	for range 128 {
		p.double(&p)
	}
	odds(tables[1][:], room, &p)
	return tables
})

// combine is a times the generator plus b times p; false if b cannot be split.
func combine(a, b *btcec.ModNScalar, p *affine) (r jacobian, ok bool) {
	b1, b2, ok := split(b)
	if !ok {
		return r, false
	}
	var table, turned [1 << (keyWidth - 2)]affine
	var room [len(table)]jacobian
	start := p.jacobian()
	odds(table[:], room[:], &start)
	for i := range table {
		turned[i].x.mul(&table[i].x, &beta)
		turned[i].y = table[i].y
	}
	if b1.neg {
		negate(table[:])
	}
	if b2.neg {
		negate(turned[:])
	}
	gs := bases()
	w := words(a)
	var d [4][nafLen]int16
	n := max(
		naf(&d[0], b1.abs, keyWidth), naf(&d[1], b2.abs, keyWidth),
		naf(&d[2], [2]uint64{w[0], w[1]}, baseWidth), naf(&d[3], [2]uint64{w[2], w[3]}, baseWidth),
	)
	r.inf = true
	for i := n - 1; i >= 0; i-- {
		r.double(&r)
		r.addDigit(table[:], d[0][i])
		r.addDigit(turned[:], d[1][i])
		r.addDigit(gs[0][:], d[2][i])
		r.addDigit(gs[1][:], d[3][i])
	}
	return r, true
}

func negate(table []affine) {
	for i := range table {
		table[i].y.neg(&table[i].y)
	}
}

// addDigit adds an odd multiple, or its negative, or nothing.
func (r *jacobian) addDigit(odd []affine, digit int16) {
	switch {
	case digit > 0:
		r.addAffine(r, &odd[digit>>1])
	case digit < 0:
		p := odd[-digit>>1]
		p.y.neg(&p.y)
		r.addAffine(r, &p)
	}
}

// VerifyECDSA says whether sig, in strict DER without a hash type, is one of the compressed key over the hash of 32 bytes.
func VerifyECDSA(key, sig, hash []byte) bool {
	if len(key) != 33 || key[0] != 2 && key[0] != 3 || len(hash) != 32 {
		return false
	}
	x, ok := feFromBytes(key[1:])
	if !ok {
		return false
	}
	p, ok := lift(x, key[0] == 3)
	if !ok {
		return false
	}
	rBytes, sBytes, ok := parseDER(sig)
	if !ok {
		return false
	}
	var r, s, z, a, b btcec.ModNScalar
	if r.SetBytes(&rBytes) != 0 || s.SetBytes(&sBytes) != 0 || r.IsZero() || s.IsZero() {
		return false
	}
	z.SetByteSlice(hash)
	s.InverseNonConst()
	a.Mul2(&z, &s)
	b.Mul2(&r, &s)
	sum, ok := combine(&a, &b, &p)
	if !ok || sum.inf {
		return false
	}
	// The x-coordinate is r modulo the order n: r itself or, if that is below p, r + n, which is so rare that btcec may
	// look at it.
	want, _ := feFromBytes(rBytes[:])
	var z2 fe
	z2.square(&sum.z)
	want.mul(&want, &z2)
	return equal(&want, &sum.x)
}

// VerifySchnorr says whether sig, of 64 bytes, is one of the key of 32 bytes over the hash of 32 bytes (BIP340).
func VerifySchnorr(key, sig, hash []byte) bool {
	if len(key) != 32 || len(sig) != 64 || len(hash) != 32 {
		return false
	}
	x, ok := feFromBytes(key)
	if !ok {
		return false
	}
	p, ok := lift(x, false)
	if !ok {
		return false
	}
	want, ok := feFromBytes(sig[:32])
	if !ok {
		return false
	}
	var s, e btcec.ModNScalar
	if s.SetByteSlice(sig[32:]) {
		return false
	}
	e.SetBytes((*[32]byte)(chainhash.TaggedHash(chainhash.TagBIP0340Challenge, sig[:32], key, hash)))
	e.Negate()
	sum, ok := combine(&s, &e, &p)
	if !ok || sum.inf {
		return false
	}
	var flat [1]affine
	flatten(flat[:], []jacobian{sum})
	return !flat[0].y.isOdd() && equal(&flat[0].x, &want)
}

// parseDER reads the two numbers of a signature in the strict DER of BIP66; false if it is none, or if a number has more than
// 256 bits.
func parseDER(sig []byte) (r, s [32]byte, ok bool) {
	if len(sig) < 8 || len(sig) > 72 || sig[0] != 0x30 || int(sig[1]) != len(sig)-2 {
		return r, s, false
	}
	rest, ok1 := takeInteger(sig[2:], &r)
	rest, ok2 := takeInteger(rest, &s)
	return r, s, ok1 && ok2 && len(rest) == 0
}

func takeInteger(b []byte, x *[32]byte) (rest []byte, ok bool) {
	if len(b) < 3 || b[0] != 2 || int(b[1]) > len(b)-2 || b[1] == 0 {
		return nil, false
	}
	num, rest := b[2:2+b[1]], b[2+b[1]:]
	if num[0] >= 0x80 || len(num) > 1 && num[0] == 0 && num[1] < 0x80 { // negative, or longer than it need be
		return nil, false
	}
	if num[0] == 0 {
		num = num[1:]
	}
	if len(num) > len(x) {
		return nil, false
	}
	copy(x[len(x)-len(num):], num)
	return rest, true
}
