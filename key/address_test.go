package key

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2/bech32"
	"pgregory.net/rapid"

	"funai/key/c32"
)

func hash160(t testing.TB, s string) Hash160 {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 20 {
		t.Fatalf("%q is no hash160: %v", s, err)
	}
	return Hash160(b)
}

func hashes() *rapid.Generator[Hash160] {
	return rapid.Custom(func(t *rapid.T) Hash160 {
		h := Hash160(rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "hash"))
		clear(h[:rapid.IntRange(0, 20).Draw(t, "leading zeros")]) // the hard part of c32
		return h
	})
}

// The first is SIP-005's example; the rest are test vectors of Stacks' c32check library.
func TestC32CheckVectors(t *testing.T) {
	for _, c := range []struct {
		hash    string
		version byte
		want    string
	}{
		{"a46ff88886c2ef9762d970b4d2c63678835bd39d", 22, "SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7"},
		{"a46ff88886c2ef9762d970b4d2c63678835bd39d", 0, "S02J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKPVKG2CE"},
		{"a46ff88886c2ef9762d970b4d2c63678835bd39d", 31, "SZ2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKQ9H6DPR"},
		{"0000000000000000000000000000000000000000", 22, "SP000000000000000000002Q6VF78"},
		{"0000000000000000000000000000000000000001", 22, "SP00000000000000000005JA84HQ"},
		{"0000000000000000000000000000000000000000", 26, "ST000000000000000000002AMW42H"},
	} {
		h := hash160(t, c.hash)
		if got := h.InferenceAddress(c.version); got != c.want {
			t.Errorf("%s, version %d: %s, want %s", c.hash, c.version, got, c.want)
		}
		if got, err := ParseInferenceAddress(c.want, c.version); err != nil || got != h {
			t.Errorf("%s: read as %v (%v), want %s", c.want, got, err, c.hash)
		}
	}
}

func TestBIP173Vectors(t *testing.T) {
	h := hash160(t, "751e76e8199196d454941c45d1b3a323f1433bd6")
	for hrp, want := range map[string]string{
		"bc": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
		"tb": "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
	} {
		if got := h.LedgerAddress(hrp); got != want {
			t.Errorf("%s: %s, want %s", hrp, got, want)
		}
		for _, s := range []string{want, strings.ToUpper(want)} {
			if got, err := ParseLedgerAddress(s, hrp); err != nil || got != h {
				t.Errorf("%s: read as %v (%v)", s, got, err)
			}
		}
	}
}

func TestLedgerAddressesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, hrp := hashes().Draw(t, "hash"), rapid.SampledFrom([]string{"fai", "fait", "faid", "bcrt"}).Draw(t, "hrp")
		s := h.LedgerAddress(hrp)
		if got, err := ParseLedgerAddress(s, hrp); err != nil || got != h {
			t.Fatalf("%s: read as %v (%v), want %v", s, got, err, h)
		}
		if _, err := ParseLedgerAddress(s, hrp+"x"); !errors.Is(err, ErrAddress) {
			t.Fatalf("%s as another network's: %v", s, err)
		}
		i := rapid.IntRange(0, len(s)-1).Draw(t, "character")
		c := rapid.SampledFrom([]byte("023456789acdefghjklmnpqrstuvwxyz")).Draw(t, "typo")
		if c == s[i] {
			return
		}
		if _, err := ParseLedgerAddress(s[:i]+string(c)+s[i+1:], hrp); !errors.Is(err, ErrAddress) {
			t.Fatalf("%s with %c at %d: %v", s, c, i, err)
		}
	})
}

func TestInferenceAddressesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, version := hashes().Draw(t, "hash"), rapid.Uint8Range(0, 31).Draw(t, "version")
		s := h.InferenceAddress(version)
		for _, v := range []string{
			s, strings.ToLower(s), strings.NewReplacer("0", "O", "1", "l").Replace(s), strings.ReplaceAll(s, "1", "i"),
		} {
			if got, err := ParseInferenceAddress(v, version); err != nil || got != h {
				t.Fatalf("%s: read as %v (%v), want %v", v, got, err, h)
			}
		}
		if len(s) > c32.MaxLen {
			t.Fatalf("%s has %d characters, more than %d", s, len(s), c32.MaxLen)
		}
		if _, err := ParseInferenceAddress(s, (version+1)%32); !errors.Is(err, ErrAddress) {
			t.Fatalf("%s as another version's: %v", s, err)
		}
	})
}

func TestWhatIsNoLedgerAddress(t *testing.T) {
	later, err := bech32.EncodeM("fai", append([]byte{0}, make([]byte, 32)...))
	if err != nil {
		t.Fatal(err)
	}
	encode := func(version byte, n int) string {
		five, err := bech32.ConvertBits(make([]byte, n), 8, 5, true)
		if err != nil {
			t.Fatal(err)
		}
		s, err := bech32.Encode("fai", append([]byte{version}, five...))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, s := range map[string]string{
		"empty":                       "",
		"bech32m's checksum":          later,
		"witness version 1":           encode(1, 20),
		"a script's hash, 32 bytes":   encode(0, 32),
		"19 bytes":                    encode(0, 19),
		"no data":                     "fai1" + encode(0, 0)[4:],
		"mixed case":                  "F" + Hash160{}.LedgerAddress("fai")[1:],
		"far too long":                strings.Repeat("q", 1<<20),
		"an inference-layer address":  Hash160{}.InferenceAddress(VersionMain),
		"a letter outside the ASCIIs": "faı" + Hash160{}.LedgerAddress("fai")[3:],
	} {
		_, err := ParseLedgerAddress(s, "fai")
		if !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %v", name, err)
		} else if len(err.Error()) > 1000 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
}

func TestWhatIsNoInferenceAddress(t *testing.T) {
	good := hash160(t, "a46ff88886c2ef9762d970b4d2c63678835bd39d").InferenceAddress(VersionMain)
	for name, s := range map[string]string{
		"empty":                  "",
		"S alone":                "SP",
		"no S":                   "T" + good[1:],
		"a long s, of Unicode":   "ſ" + good[1:],
		"U, not in the alphabet": good[:5] + "U" + good[6:],
		"a typo":                 good[:5] + "7" + good[6:],
		"a digit less":           good[:len(good)-1],
		"a digit more":           good + "0",
		"a zero too many":        good[:2] + "0" + good[2:],
		"a space":                good + " ",
		"far too long":           strings.Repeat("S", 1<<20),
		"a ledger address":       Hash160{}.LedgerAddress("fai"),
	} {
		_, err := ParseInferenceAddress(s, VersionMain)
		if !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %v", name, err)
		} else if len(err.Error()) > 1000 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
}

func FuzzParseLedgerAddress(f *testing.F) {
	f.Add("fai1", "fai")
	f.Add(Hash160{1}.LedgerAddress("fai"), "fai")
	f.Add(strings.ToUpper(Hash160{}.LedgerAddress("faid")), "faid")
	f.Fuzz(func(t *testing.T, s, hrp string) {
		if len(s) > 200 || len(hrp) > 200 {
			return
		}
		h, err := ParseLedgerAddress(s, hrp)
		if err != nil {
			if !errors.Is(err, ErrAddress) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if got := h.LedgerAddress(hrp); got != strings.ToLower(s) {
			t.Fatalf("%q is written as %q", s, got)
		}
	})
}

func FuzzParseInferenceAddress(f *testing.F) {
	f.Add("SP", byte(VersionMain))
	f.Add(Hash160{}.InferenceAddress(VersionMain), byte(VersionMain))
	f.Add(strings.ToLower(Hash160{9, 9}.InferenceAddress(VersionTest)), byte(VersionTest))
	f.Fuzz(func(t *testing.T, s string, version byte) {
		if len(s) > 200 {
			return
		}
		h, err := ParseInferenceAddress(s, version)
		if err != nil {
			if !errors.Is(err, ErrAddress) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if got := h.InferenceAddress(version); got != c32.Normalize(s) {
			t.Fatalf("%q is written as %q", s, got)
		}
	})
}
