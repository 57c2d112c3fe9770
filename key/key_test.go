package key

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"pgregory.net/rapid"
)

func fromHex(t testing.TB, s string) *Private {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	k, err := FromBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func privates() *rapid.Generator[*Private] {
	return rapid.Custom(func(t *rapid.T) *Private {
		b := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "secret")
		b[0], b[31] = b[0]&0x7f, b[31]|1 // below the order, above zero
		k, err := FromBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		return k
	})
}

func digests() *rapid.Generator[[32]byte] {
	return rapid.Custom(func(t *rapid.T) [32]byte {
		return [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	})
}

// BIP-173's example key is the generator, whose secret is 1.
func TestKnownKey(t *testing.T) {
	k := fromHex(t, strings.Repeat("0", 63)+"1")
	if got, want := k.Public().String(), "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"; got != want {
		t.Errorf("public key %s, want %s", got, want)
	}
	if got, want := k.Public().Hash160().String(), "751e76e8199196d454941c45d1b3a323f1433bd6"; got != want {
		t.Errorf("hash160 %s, want %s", got, want)
	}
}

func TestSecretsOutOfRangeAreRefused(t *testing.T) {
	order := secp256k1.Params().N.Bytes()
	for name, b := range map[string][]byte{
		"none": nil, "zero": make([]byte, 32), "the order": order, "all ones": bytes.Repeat([]byte{0xff}, 32),
		"31 bytes": make([]byte, 31), "33 bytes": append([]byte{0}, bytes.Repeat([]byte{1}, 32)...),
	} {
		if _, err := FromBytes(b); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSignaturesRecoverAndVerify(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, other, hash := privates().Draw(t, "key"), privates().Draw(t, "other"), digests().Draw(t, "hash")
		sig := k.Sign(hash)
		if sig != k.Sign(hash) {
			t.Fatal("signing isn't deterministic")
		}
		if got, err := Recover(hash, sig); err != nil || got != k.Public() {
			t.Fatalf("recovered %v (%v), want %v", got, err, k.Public())
		}
		if err := k.Public().Verify(hash, sig); err != nil {
			t.Fatal(err)
		}
		if err := other.Public().Verify(hash, sig); other.Public() != k.Public() && !errors.Is(err, ErrSignature) {
			t.Fatalf("another key: %v", err)
		}
		hash[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if err := k.Public().Verify(hash, sig); !errors.Is(err, ErrSignature) {
			t.Fatalf("another hash: %v", err)
		}
	})
}

func TestNobodyCanAlterASignature(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, hash := privates().Draw(t, "key"), digests().Draw(t, "hash")
		sig := k.Sign(hash)
		high := sig // (r, -s) with the other parity recovers the same key
		var s secp256k1.ModNScalar
		s.SetByteSlice(sig[33:])
		s.Negate()
		s.PutBytesUnchecked(high[33:])
		high[0] ^= 1
		if _, err := Recover(hash, high); !errors.Is(err, ErrSignature) {
			t.Fatalf("high S: %v", err)
		}
		bad := sig
		bad[rapid.IntRange(0, 64).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if err := k.Public().Verify(hash, bad); !errors.Is(err, ErrSignature) {
			t.Fatalf("altered: %v", err)
		}
	})
}

func TestMalformedSignaturesAreRefused(t *testing.T) {
	good := fromHex(t, strings.Repeat("07", 32)).Sign([32]byte{1})
	order := secp256k1.Params().N.FillBytes(make([]byte, 32))
	with := func(change func(s *Signature)) Signature {
		s := good
		change(&s)
		return s
	}
	for name, sig := range map[string]Signature{
		"zeros":           {},
		"recovery id 4":   with(func(s *Signature) { s[0] = 4 }),
		"recovery id 27":  with(func(s *Signature) { s[0] = 27 }),
		"recovery id 255": with(func(s *Signature) { s[0] = 255 }),
		"R zero":          with(func(s *Signature) { clear(s[1:33]) }),
		"R the order":     with(func(s *Signature) { copy(s[1:], order) }),
		"S zero":          with(func(s *Signature) { clear(s[33:]) }),
		"S the order":     with(func(s *Signature) { copy(s[33:], order) }),
	} {
		if _, err := Recover([32]byte{1}, sig); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPublicKeysAreCompressedPoints(t *testing.T) {
	k := fromHex(t, strings.Repeat("07", 32))
	pub := k.Public()
	if got, err := ParsePublic(pub[:]); err != nil || got != pub {
		t.Errorf("read %v as %v (%v)", pub, got, err)
	}
	offCurve := append([]byte{2}, make([]byte, 32)...) // 0 + 7 has no square root
	for name, b := range map[string][]byte{
		"none": nil, "uncompressed": k.Secp256k1().PubKey().SerializeUncompressed(), "off the curve": offCurve,
		"another first byte": append([]byte{5}, pub[1:]...), "x alone": pub[1:],
		"x beyond the field": append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...),
	} {
		if _, err := ParsePublic(b); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLedgerScripts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := hashes().Draw(t, "hash")
		s := h.LedgerScript()
		if got, ok := FromLedgerScript(s); !ok || got != h {
			t.Fatalf("%x is read as %v (%v)", s, got, ok)
		}
		if _, ok := FromLedgerScript(append(s, 0)); ok {
			t.Fatal("a longer script is read")
		}
		s[rapid.IntRange(0, 1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, ok := FromLedgerScript(s); ok {
			t.Fatalf("%x is read", s)
		}
	})
}

func TestDerivedSecretsDifferByPurposeAndKey(t *testing.T) {
	a, b := fromHex(t, strings.Repeat("07", 32)), fromHex(t, strings.Repeat("08", 32))
	if first, again := a.Derive("vrf"), a.Derive("vrf"); first != again {
		t.Error("deriving isn't deterministic")
	}
	if a.Derive("vrf") == a.Derive("noise") || a.Derive("vrf") == b.Derive("vrf") {
		t.Error("two purposes or keys share a secret")
	}
}

func TestSecretStaysOutOfLogs(t *testing.T) {
	k := fromHex(t, strings.Repeat("5a", 32))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(verb, k); s != "private key of "+k.Public().String() {
			t.Errorf("%s prints %q", verb, s)
		}
	}
}

func FuzzRecover(f *testing.F) {
	k := fromHex(f, strings.Repeat("07", 32))
	sig := k.Sign([32]byte{1})
	f.Add(make([]byte, 32), sig[:])
	f.Add(append([]byte{1}, make([]byte, 31)...), sig[:])
	f.Fuzz(func(t *testing.T, hash, sig []byte) {
		if len(hash) != 32 || len(sig) != 65 {
			return
		}
		pub, err := Recover([32]byte(hash), Signature(sig))
		if err != nil {
			if !errors.Is(err, ErrSignature) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if _, err := ParsePublic(pub[:]); err != nil {
			t.Fatalf("recovered no key: %v", err)
		}
	})
}

func FuzzParsePublic(f *testing.F) {
	pub := fromHex(f, strings.Repeat("07", 32)).Public()
	f.Add(pub[:])
	f.Add(make([]byte, 33))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 200 {
			return
		}
		p, err := ParsePublic(b)
		if err != nil && !errors.Is(err, ErrKey) {
			t.Fatalf("untyped error %v", err)
		}
		if err == nil && !bytes.Equal(p[:], b) {
			t.Fatalf("%x is read as %v", b, p)
		}
	})
}
