package vrf

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"filippo.io/edwards25519"
	"pgregory.net/rapid"
)

// Examples 16, 17 and 18 of RFC 9381, appendix B.3.
var rfc9381 = []struct{ sk, pk, alpha, h, pi, beta string }{
	{
		sk:    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		pk:    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
		alpha: "",
		h:     "91bbed02a99461df1ad4c6564a5f5d829d0b90cfc7903e7a5797bd658abf3318",
		pi: "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f" +
			"26f8a57ccaed74ee1b190bed1f479d9727d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805",
		beta: "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff" +
			"66b71dda49d2de59d03450451af026798e8f81cd2e333de5cdf4f3e140fdd8ae",
	},
	{
		sk:    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		pk:    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
		alpha: "72",
		h:     "5b659fc3d4e9263fd9a4ed1d022d75eaacc20df5e09f9ea937502396598dc551",
		pi: "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed593" +
			"3bf0864a62558b3ed7f2fea45c92a465301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02",
		beta: "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb" +
			"5e33821bc613efb94db5e5b54c70a848a0bef4553a41befc57663b56373a5031",
	},
	{
		sk:    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		pk:    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
		alpha: "af82",
		h:     "bf4339376f5542811de615e3313d2b36f6f53c0acfebb482159711201192576a",
		pi: "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf80" +
			"96bb474e53895c362d8628ee9f9ea3c0e52c7a5c691b6c18c9979866568add7a2d41b00b05081ed0f58ee5e31b3a970e",
		beta: "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c45" +
			"2118fec1219202a0edcf038bb6373241578be7217ba85a2687f7a0310b2df19f",
	},
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRFC9381Vectors(t *testing.T) {
	for i, v := range rfc9381 {
		t.Run(fmt.Sprintf("example %d", 16+i), func(t *testing.T) {
			k, alpha := NewKey([32]byte(unhex(t, v.sk))), unhex(t, v.alpha)
			if got := k.Public().String(); got != v.pk {
				t.Errorf("public key %s, want %s", got, v.pk)
			}
			if got := hex.EncodeToString(hashToCurve(k.Public(), alpha).Bytes()); got != v.h {
				t.Errorf("H %s, want %s", got, v.h)
			}
			pi := k.Prove(alpha)
			if pi.String() != v.pi {
				t.Errorf("proof %s, want %s", pi, v.pi)
			}
			verified, err := Verify(k.Public(), alpha, pi)
			if err != nil || verified.String() != v.beta {
				t.Errorf("output %s (%v), want %s", verified, err, v.beta)
			}
			if hashed, err := ProofHash(pi); err != nil || hashed != verified {
				t.Errorf("ProofHash gives %s (%v), want %s", hashed, err, v.beta)
			}
		})
	}
}

func seeds() *rapid.Generator[[32]byte] {
	return rapid.Custom(func(t *rapid.T) [32]byte {
		return [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
	})
}

func TestPublicKeyIsEd25519s(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := seeds().Draw(t, "seed")
		want := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
		if got := NewKey(seed).Public(); !bytes.Equal(got[:], want) {
			t.Fatalf("public key %v, want %x", got, want)
		}
	})
}

func TestOnlyTheRightKeyInputAndProofVerify(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := NewKey(seeds().Draw(t, "key"))
		alpha := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "alpha")
		pi := k.Prove(alpha)
		if _, err := Verify(k.Public(), alpha, pi); err != nil {
			t.Fatal(err)
		}
		bad := pi
		bad[rapid.IntRange(0, len(pi)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := Verify(k.Public(), alpha, bad); !errors.Is(err, ErrProof) {
			t.Fatalf("altered proof: %v", err)
		}
		if _, err := Verify(k.Public(), append(slices.Clone(alpha), 0), pi); !errors.Is(err, ErrProof) {
			t.Fatalf("another input: %v", err)
		}
		seed := seeds().Draw(t, "other")
		other := NewKey(seed)
		if other.Public() == k.Public() {
			t.Skip()
		}
		if _, err := Verify(other.Public(), alpha, pi); !errors.Is(err, ErrProof) {
			t.Fatalf("another key: %v", err)
		}
	})
}

// smallOrder lists the canonical encodings of the curve's eight points of small order.
func smallOrder(t *testing.T) (list [][]byte) {
	// A point of order 8, as in RFC 9381's note on key validation.
	p, err := new(edwards25519.Point).SetBytes(unhex(t, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"))
	if err != nil {
		t.Fatal(err)
	}
	sum := edwards25519.NewIdentityPoint()
	for range 8 {
		list = append(list, sum.Bytes())
		sum.Add(sum, p)
	}
	if !isIdentity(sum) {
		t.Fatal("the point hasn't order 8")
	}
	return list
}

func TestSmallOrderKeysAreRefused(t *testing.T) {
	for _, b := range smallOrder(t) {
		if err := PublicKey(b).Validate(); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), "small order") {
			t.Errorf("%x: %v", b, err)
		}
	}
}

func TestOtherEncodingsOfAPointAreRefused(t *testing.T) {
	prime := unhex(t, "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f") // 2^255-19, little-endian
	refused := 0
	for low := range 19 { // y = p + low encodes the same point as y = low
		for _, sign := range []byte{0, 0x80} {
			b := slices.Clone(prime)
			b[0] += byte(low)
			b[31] |= sign
			if _, err := new(edwards25519.Point).SetBytes(b); err != nil {
				continue
			}
			refused++
			if err := PublicKey(b).Validate(); !errors.Is(err, ErrKey) {
				t.Errorf("key %x: %v", b, err)
			}
			var pi Proof
			copy(pi[:], b)
			if _, err := ProofHash(pi); !errors.Is(err, ErrProof) {
				t.Errorf("gamma %x: %v", b, err)
			}
		}
	}
	if refused == 0 {
		t.Error("the library no longer reads such encodings: this test proves nothing")
	}
	minusZero := make([]byte, 32) // y = 1, x = "-0"
	minusZero[0], minusZero[31] = 1, 0x80
	if decodePoint(minusZero) != nil {
		t.Errorf("%x is read as a point", minusZero)
	}
}

func TestScalarAtTheOrderIsRefused(t *testing.T) {
	k := NewKey([32]byte{1})
	pi := k.Prove(nil)
	order := unhex(t, "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	carry := 0 // s + order stands for the same scalar
	for i := range order {
		sum := int(pi[48+i]) + int(order[i]) + carry
		pi[48+i], carry = byte(sum), sum>>8
	}
	if _, err := Verify(k.Public(), nil, pi); !errors.Is(err, ErrProof) {
		t.Errorf("s + order: %v", err)
	}
	if _, err := ProofHash(pi); !errors.Is(err, ErrProof) {
		t.Errorf("s + order: %v", err)
	}
}

func TestSecretStaysOutOfLogs(t *testing.T) {
	k := NewKey([32]byte{7})
	for _, s := range []string{fmt.Sprint(k), fmt.Sprintf("%+v %#v %s", k, k, k)} {
		if strings.Contains(s, hex.EncodeToString(k.x.Bytes())) || strings.Contains(s, fmt.Sprint(k.prefix)) {
			t.Errorf("secret in %q", s)
		}
	}
}

func FuzzVerify(f *testing.F) {
	for _, v := range rfc9381 {
		f.Add(unhex(f, v.pk), unhex(f, v.alpha), unhex(f, v.pi))
	}
	f.Add(make([]byte, 32), []byte(nil), make([]byte, 80))
	k := NewKey([32]byte{3})
	f.Fuzz(func(t *testing.T, pub, alpha, proof []byte) {
		if len(pub) != 32 || len(proof) != 80 || len(alpha) > 1024 {
			return
		}
		out, err := Verify(PublicKey(pub), alpha, Proof(proof))
		if err != nil && !errors.Is(err, ErrKey) && !errors.Is(err, ErrProof) {
			t.Fatalf("untyped error %v", err)
		}
		if err == nil {
			if hashed, err := ProofHash(Proof(proof)); err != nil || hashed != out {
				t.Fatalf("ProofHash differs from Verify: %v", err)
			}
		}
		if _, err := Verify(k.Public(), alpha, Proof(proof)); err == nil && k.Prove(alpha) != Proof(proof) {
			t.Fatal("a proof that its owner didn't make")
		}
	})
}

func BenchmarkProve(b *testing.B) {
	k, alpha := NewKey([32]byte{1}), make([]byte, 32)
	for b.Loop() {
		k.Prove(alpha)
	}
}

func BenchmarkVerify(b *testing.B) {
	k, alpha := NewKey([32]byte{1}), make([]byte, 32)
	pi := k.Prove(alpha)
	for b.Loop() {
		if _, err := Verify(k.Public(), alpha, pi); err != nil {
			b.Fatal(err)
		}
	}
}
