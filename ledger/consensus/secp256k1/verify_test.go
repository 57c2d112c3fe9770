package secp256k1

import (
	"bytes"
	"crypto/sha256"
	"math/big"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"pgregory.net/rapid"
)

var prime = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(fold))

func (z *fe) big() *big.Int {
	n := new(big.Int)
	for i := 3; i >= 0; i-- {
		n.Or(n.Lsh(n, 64), new(big.Int).SetUint64(z[i]))
	}
	return n
}

// anyWord draws words that carries break on more often than others.
var anyWord = rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, 1<<64 - 1, 1<<64 - 2, 1<<64 - fold, fold, 1 << 63}))

var anyElement = rapid.Custom(func(rt *rapid.T) (x fe) {
	for i := range x {
		x[i] = anyWord.Draw(rt, "word")
	}
	return x
})

func TestFieldComputesAsBigNumbersDo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x, y := anyElement.Draw(rt, "x"), anyElement.Draw(rt, "y")
		mod := func(n *big.Int) *big.Int { return n.Mod(n, prime) }
		inverseOfTwo := new(big.Int).ModInverse(big.NewInt(2), prime)
		for name, c := range map[string]struct {
			do   func(z *fe)
			want *big.Int
		}{
			"add":    {func(z *fe) { z.add(&x, &y) }, new(big.Int).Add(x.big(), y.big())},
			"sub":    {func(z *fe) { z.sub(&x, &y) }, new(big.Int).Sub(x.big(), y.big())},
			"neg":    {func(z *fe) { z.neg(&x) }, new(big.Int).Neg(x.big())},
			"half":   {func(z *fe) { z.half(&x) }, new(big.Int).Mul(x.big(), inverseOfTwo)},
			"mul":    {func(z *fe) { z.mul(&x, &y) }, new(big.Int).Mul(x.big(), y.big())},
			"square": {func(z *fe) { z.square(&x) }, new(big.Int).Mul(x.big(), x.big())},
			"in place": {func(z *fe) {
				*z = x
				z.mul(z, z)
				z.add(z, z)
				z.sub(z, &y)
			}, new(big.Int).Sub(new(big.Int).Mul(big.NewInt(2), new(big.Int).Mul(x.big(), x.big())), y.big())},
			"inverse": {func(z *fe) { z.inverse(&x) }, new(big.Int).Exp(x.big(), new(big.Int).Sub(prime, big.NewInt(2)), prime)},
		} {
			var z fe
			c.do(&z)
			if got := z.canonical(); got.big().Cmp(mod(c.want)) != 0 {
				rt.Fatalf("%s of %x and %x: %x, want %x", name, x.big(), y.big(), got.big(), c.want)
			}
			if z.isZero() != (c.want.Sign() == 0) || z.isOdd() != (c.want.Bit(0) == 1) {
				rt.Fatalf("%s of %x and %x: zero %v, odd %v", name, x.big(), y.big(), z.isZero(), z.isOdd())
			}
		}
		var root fe
		has := root.root(&x)
		if want := new(big.Int).ModSqrt(mod(x.big()), prime); has != (want != nil) {
			rt.Fatalf("root of %x: %v", x.big(), has)
		}
		if has {
			root.square(&root)
			if !equal(&root, &x) {
				rt.Fatalf("root of %x", x.big())
			}
		}
	})
}

var anyScalar = rapid.Custom(func(rt *rapid.T) (k btcec.ModNScalar) {
	var b [32]byte
	x := anyElement.Draw(rt, "scalar")
	x.big().FillBytes(b[:])
	k.SetBytes(&b)
	return k
})

func TestSplitScalarsAreShortAndAddUp(t *testing.T) {
	lambda := negLambda
	lambda.Negate()
	value := func(s short) (k btcec.ModNScalar) {
		var b [32]byte
		(&fe{s.abs[0], s.abs[1]}).big().FillBytes(b[:])
		k.SetBytes(&b)
		if s.neg {
			k.Negate()
		}
		return k
	}
	rapid.Check(t, func(rt *rapid.T) {
		k := anyScalar.Draw(rt, "k")
		k1, k2, ok := split(&k)
		first, second := value(k1), value(k2)
		second.Mul(&lambda).Add(&first)
		if !ok || !second.Equals(&k) {
			rt.Fatalf("%v: %v, %v, %v", k, k1, k2, ok)
		}
		for _, w := range []int{keyWidth, baseWidth} {
			var digits [nafLen]int16
			n := naf(&digits, k1.abs, w)
			sum, last := new(big.Int), -w
			for i, d := range digits {
				if d == 0 {
					continue
				}
				if d%2 == 0 || i-last < w || int(d) >= 1<<(w-1) || int(d) <= -1<<(w-1) || i >= n {
					rt.Fatalf("width %d: %v", w, digits)
				}
				last = i
				sum.Add(sum, new(big.Int).Lsh(big.NewInt(int64(d)), uint(i)))
			}
			if sum.Cmp((&fe{k1.abs[0], k1.abs[1]}).big()) != 0 {
				rt.Fatalf("width %d: %v is %v", w, k1, sum)
			}
		}
	})
}

// point is k times the generator, by btcec.
func point(k *btcec.ModNScalar) (p affine, inf bool) {
	var g btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(k, &g)
	if k.IsZero() {
		return p, true
	}
	g.ToAffine()
	p.x, _ = feFromBytes(g.X.Bytes()[:])
	p.y, _ = feFromBytes(g.Y.Bytes()[:])
	return p, false
}

func TestCombinationsAreThoseOfBtcec(t *testing.T) {
	check := func(rt *rapid.T, a, b, k btcec.ModNScalar) {
		if k.IsZero() {
			return
		}
		p, _ := point(&k)
		got, ok := combine(&a, &b, &p)
		sum := b
		sum.Mul(&k).Add(&a)
		want, inf := point(&sum)
		if !ok || got.inf != inf {
			rt.Fatalf("%v G + %v %v G: %v, infinite %v, want %v", a, b, k, ok, got.inf, inf)
		}
		if inf {
			return
		}
		var flat [1]affine
		flatten(flat[:], []jacobian{got})
		if !equal(&flat[0].x, &want.x) || !equal(&flat[0].y, &want.y) {
			rt.Fatalf("%v G + %v %v G", a, b, k)
		}
	}
	small := rapid.Custom(func(rt *rapid.T) (k btcec.ModNScalar) {
		k.SetInt(rapid.Uint32Range(0, 20).Draw(rt, "small"))
		if rapid.Bool().Draw(rt, "negative") {
			k.Negate()
		}
		return k
	})
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.OneOf(anyScalar, small)
		check(rt, s.Draw(rt, "a"), s.Draw(rt, "b"), s.Draw(rt, "k"))
	})
}

// sample is a signature of a key of ours, with a fault or without.
func sample(rt *rapid.T) (k *btcec.PrivateKey, hash []byte) {
	seed := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, "key")
	k, _ = btcec.PrivKeyFromBytes(seed)
	if k.Key.IsZero() {
		k.Key.SetInt(1)
	}
	sum := sha256.Sum256(rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(rt, "message"))
	return k, sum[:]
}

// damage changes a byte, now and then.
func damage(rt *rapid.T, b []byte) []byte {
	b = bytes.Clone(b)
	if rapid.IntRange(0, 3).Draw(rt, "damage") == 0 {
		b[rapid.IntRange(0, len(b)-1).Draw(rt, "at")] ^= rapid.ByteRange(1, 255).Draw(rt, "by")
	}
	return b
}

func TestVerdictsAreThoseOfBtcec(t *testing.T) {
	good := map[bool]int{}
	rapid.Check(t, func(rt *rapid.T) {
		k, hash := sample(rt)
		if k.Key.IsZero() {
			return
		}
		pub := damage(rt, k.PubKey().SerializeCompressed())
		sig := damage(rt, ecdsa.Sign(k, hash).Serialize())
		msg := damage(rt, hash)
		want := false
		if key, err := btcec.ParsePubKey(pub); err == nil {
			if s, err := ecdsa.ParseDERSignature(sig); err == nil {
				want = s.Verify(msg, key)
			}
		}
		if got := VerifyECDSA(pub, sig, msg); got != want {
			rt.Fatalf("ECDSA: key %x, signature %x, hash %x: %v, want %v", pub, sig, msg, got, want)
		}
		good[want]++

		s, err := schnorr.Sign(k, hash)
		if err != nil {
			rt.Fatal(err)
		}
		x := damage(rt, schnorr.SerializePubKey(k.PubKey()))
		sig = damage(rt, s.Serialize())
		want = false
		if key, err := schnorr.ParsePubKey(x); err == nil {
			if s, err := schnorr.ParseSignature(sig); err == nil {
				want = s.Verify(msg, key)
			}
		}
		if got := VerifySchnorr(x, sig, msg); got != want {
			rt.Fatalf("BIP340: key %x, signature %x, hash %x: %v, want %v", x, sig, msg, got, want)
		}
		good[want]++
	})
	if good[true] < 20 || good[false] < 20 {
		t.Error(good)
	}
}

// What btcec and this package say of any bytes. Where btcec alone says yes nothing is lost; the other way must never be.
func FuzzNothingIsGoodThatBtcecRefuses(f *testing.F) {
	k, _ := btcec.PrivKeyFromBytes([]byte{1, 2, 3})
	hash := sha256.Sum256(nil)
	s, err := schnorr.Sign(k, hash[:])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(k.PubKey().SerializeCompressed(), ecdsa.Sign(k, hash[:]).Serialize(), hash[:])
	f.Add(schnorr.SerializePubKey(k.PubKey()), s.Serialize(), hash[:])
	f.Fuzz(func(t *testing.T, key, sig, hash []byte) {
		if VerifyECDSA(key, sig, hash) {
			pub, err := btcec.ParsePubKey(key)
			if err != nil {
				t.Fatal(err)
			}
			if s, err := ecdsa.ParseDERSignature(sig); err != nil || !s.Verify(hash, pub) {
				t.Fatal(err)
			}
		}
		if VerifySchnorr(key, sig, hash) {
			pub, err := schnorr.ParsePubKey(key)
			if err != nil {
				t.Fatal(err)
			}
			if s, err := schnorr.ParseSignature(sig); err != nil || !s.Verify(hash, pub) {
				t.Fatal(err)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	k, _ := btcec.PrivKeyFromBytes([]byte{1, 2, 3})
	hash := sha256.Sum256(nil)
	key, x := k.PubKey().SerializeCompressed(), schnorr.SerializePubKey(k.PubKey())
	der := ecdsa.Sign(k, hash[:]).Serialize()
	signed, err := schnorr.Sign(k, hash[:])
	if err != nil {
		b.Fatal(err)
	}
	raw := signed.Serialize()
	for name, verify := range map[string]func() bool{
		"ECDSA/ours":  func() bool { return VerifyECDSA(key, der, hash[:]) },
		"BIP340/ours": func() bool { return VerifySchnorr(x, raw, hash[:]) },
		"ECDSA/btcec": func() bool {
			pub, err1 := btcec.ParsePubKey(key)
			s, err2 := ecdsa.ParseDERSignature(der)
			return err1 == nil && err2 == nil && s.Verify(hash[:], pub)
		},
		"BIP340/btcec": func() bool {
			pub, err1 := schnorr.ParsePubKey(x)
			s, err2 := schnorr.ParseSignature(raw)
			return err1 == nil && err2 == nil && s.Verify(hash[:], pub)
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if !verify() {
					b.Fatal("refused")
				}
			}
		})
	}
}

func BenchmarkField(b *testing.B) {
	x, y := fe{1, 2, 3, 4}, fe{5, 6, 7, 8}
	b.Run("mul", func(b *testing.B) {
		for b.Loop() {
			x.mul(&x, &y)
		}
	})
	b.Run("square", func(b *testing.B) {
		for b.Loop() {
			x.square(&x)
		}
	})
}
