package vault

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var cheap = KDF{Time: 1, Memory: 8, Threads: 1}

var seed = bytes.Repeat([]byte("seed"), 16)

func public() Public {
	return Public{Network: "dev", Fingerprint: 7, XPubs: [2]string{"tpubA", "tpubB"}, Birthday: 1_700_000_000}
}

func sealed(t testing.TB, passphrase string) *File {
	t.Helper()
	f, err := New(rand.Reader, public(), Meta{Gap: 20}, seed, passphrase, passphrase == "", cheap)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func encode(t testing.TB, f *File) []byte {
	t.Helper()
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOnlyThePassphraseOpensTheFile(t *testing.T) {
	f := sealed(t, "Pässword")
	if bytes.Contains(encode(t, f), seed[:8]) {
		t.Fatal("the seed is in the file")
	}
	f, err := Decode(encode(t, f))
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", "password", "Pässword "} {
		if _, err := f.Open(wrong); !errors.Is(err, ErrPassphrase) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if got, err := f.Open("Pa\u0308ssword"); err != nil || !bytes.Equal(got, seed) { // as another keyboard types it
		t.Errorf("%x, %v", got, err)
	}
}

func TestPublicHalfIsAuthenticated(t *testing.T) {
	for name, change := range map[string]func(*File){
		"address keys": func(f *File) { f.Public.XPubs[0] = "tpubC" },
		"network":      func(f *File) { f.Public.Network = "main" },
		"birthday":     func(f *File) { f.Public.Birthday++ },
		"fingerprint":  func(f *File) { f.Public.Fingerprint++ },
		"cost":         func(f *File) { f.seal.kdf.Time++ },
		"salt":         func(f *File) { f.seal.salt[0] ^= 1 },
		"nonce":        func(f *File) { f.seal.nonce[0] ^= 1 },
		"seed":         func(f *File) { f.seal.box[0] ^= 1 },
	} {
		f := sealed(t, "x")
		change(f)
		f, err := Decode(encode(t, f)) // with a right checksum
		if err != nil {
			t.Fatal(name, err)
		}
		if _, err := f.Open("x"); !errors.Is(err, ErrPassphrase) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPassphraseChanges(t *testing.T) {
	f := sealed(t, "old")
	if err := f.Reseal(rand.Reader, "wrong", "new", KDF{}); !errors.Is(err, ErrPassphrase) {
		t.Error(err)
	}
	if err := f.Reseal(rand.Reader, "old", "", KDF{}); !errors.Is(err, ErrPassphrase) {
		t.Error(err)
	}
	salt := f.seal.salt
	if err := f.Reseal(rand.Reader, "old", "new", KDF{}); err != nil || f.seal.kdf != cheap || f.seal.salt == salt {
		t.Fatal(err)
	}
	if _, err := f.Open("old"); !errors.Is(err, ErrPassphrase) {
		t.Error(err)
	}
	if got, err := f.Open("new"); err != nil || !bytes.Equal(got, seed) {
		t.Error(err)
	}
}

func TestNoPassphraseOnlyWhenAskedFor(t *testing.T) {
	for _, plain := range []bool{true, false} {
		pass := map[bool]string{true: "x", false: ""}[plain]
		if _, err := New(rand.Reader, public(), Meta{Gap: 20}, seed, pass, plain, cheap); err == nil {
			t.Errorf("passphrase %q with plain %v", pass, plain)
		}
	}
	f := sealed(t, "")
	if f.Encrypted() {
		t.Fatal("encrypted")
	}
	if got, err := f.Open(""); err != nil || !bytes.Equal(got, seed) {
		t.Error(err)
	}
	f.seal.box[0] ^= 1
	if _, err := f.Open(""); !errors.Is(err, ErrFile) {
		t.Error(err)
	}
	f.seal.box[0] ^= 1
	if err := f.Reseal(rand.Reader, "", "now", cheap); err != nil || !f.Encrypted() {
		t.Error(err)
	}
}

func TestForgedCostsAreRefused(t *testing.T) {
	for _, k := range []KDF{{1, 1 << 31, 1}, {1 << 30, 8, 1}, {1, 8, 200}, {0, 8, 1}, {1, 0, 1}, {1, 7, 1}} {
		f := sealed(t, "x")
		f.seal.kdf = k
		if _, err := Decode(encode(t, f)); !errors.Is(err, ErrFile) {
			t.Errorf("%+v: %v", k, err)
		}
		if _, err := New(rand.Reader, public(), Meta{Gap: 20}, seed, "x", false, k); !errors.Is(err, ErrFile) {
			t.Errorf("%+v: %v", k, err)
		}
	}
}

func TestEveryDamagedByteIsFound(t *testing.T) {
	b := encode(t, sealed(t, "x"))
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 0x40
		if _, err := Decode(bad); !errors.Is(err, ErrFile) && !errors.Is(err, ErrVersion) {
			t.Fatalf("byte %d: %v", i, err)
		}
		if _, err := Decode(b[:i]); !errors.Is(err, ErrFile) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	later := bytes.Clone(b)
	later[len(magic)+1] = 2
	if _, err := Decode(later); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
}

func TestBoundsOfMeta(t *testing.T) {
	for name, m := range map[string]Meta{
		"no gap": {}, "gap": {Gap: MaxGap + 1}, "index": {Gap: 1, Next: [2][2]uint32{{0, 1 << 31}}},
		"label": {Gap: 1, Labels: map[string]Label{"a": {Name: string(make([]byte, MaxLabel+1))}}}, "address": {Gap: 1, Labels: map[string]Label{string(make([]byte, 101)): {}}},
	} {
		if _, err := New(rand.Reader, public(), m, seed, "x", false, cheap); !errors.Is(err, ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFilesReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	rapid.Check(t, func(rt *rapid.T) {
		f := sealed(t, "x")
		f = f.With(Meta{Gap: rapid.Uint32Range(1, MaxGap).Draw(rt, "gap"), Next: [2][2]uint32{{rapid.Uint32Range(0, 1<<31-1).Draw(rt, "next")}},
			Labels: rapid.MapOfN(rapid.StringN(0, 20, 90), rapid.Custom(func(t *rapid.T) Label {
				return Label{rapid.StringN(0, 40, MaxLabel).Draw(t, "name"), rapid.Bool().Draw(t, "send")}
			}), 0, 5).Draw(rt, "labels")})
		if err := f.Save(path); err != nil {
			rt.Fatal(err)
		}
		got, err := Load(path)
		if err != nil || got.Public != f.Public || got.Meta.Gap != f.Meta.Gap || got.Meta.Next != f.Meta.Next || len(got.Meta.Labels) != len(f.Meta.Labels) {
			rt.Fatalf("%+v, %v", got, err)
		}
		for a, l := range f.Meta.Labels {
			if got.Meta.Labels[a] != l {
				rt.Fatalf("%q: %+v, not %+v", a, got.Meta.Labels[a], l)
			}
		}
		if s, err := got.Open("x"); err != nil || !bytes.Equal(s, seed) {
			rt.Fatal(err)
		}
	})
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Error(i.Mode(), err)
	}
	if _, err := Load(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// Guessing a passphrase must cost something; so must opening the wallet not take for ever.
func TestDefaultCost(t *testing.T) {
	if DefaultKDF.Memory < 19<<10 || DefaultKDF.Time < 2 { // OWASP's least for argon2id
		t.Error(DefaultKDF)
	}
	began := time.Now()
	(&seal{kdf: DefaultKDF}).key("x")
	if d := time.Since(began); d > 20*time.Second {
		t.Error(d)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(f, sealed(f, "x")))
	f.Add(encode(f, sealed(f, "")))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > sha256.Size { // let the fuzzer get past the checksum
			sum := sha256.Sum256(b[:len(b)-sha256.Size])
			b = append(bytes.Clone(b[:len(b)-sha256.Size]), sum[:]...)
		}
		g, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrFile) && !errors.Is(err, ErrVersion) {
				t.Fatal(err)
			}
			return
		}
		again, err := Decode(encode(t, g))
		if err != nil || again.Public != g.Public || again.seal.kdf != g.seal.kdf || again.Meta.Next != g.Meta.Next {
			t.Fatalf("does not read back: %v", err)
		}
	})
}

func BenchmarkDefaultKDF(b *testing.B) {
	for b.Loop() {
		(&seal{kdf: DefaultKDF}).key("correct horse")
	}
}
