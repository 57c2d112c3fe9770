package noderpc

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2/bech32"
)

// TestMistakesInAddressesAreFound has bitcoind 29's answers to these.
func TestMistakesInAddressesAreFound(t *testing.T) {
	for _, c := range []struct {
		address string
		at      []int
	}{
		{"bcrt1q", []int{4}},
		{"bcrt1", []int{4}},
		{"bcrt", []int{}},
		{"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", []int{}},
		{"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt08q", []int{43}},
		{"bcrt1pw508d6qejxtdg4y5r3zarvary0c5xw7kygt08q", []int{5, 43}},
		{"bcrt1qw508d6qejxtdg4y5r3zbrvary0c5xw7kygt080", []int{25}},
		{"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt0 0", []int{42}},
		{"bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", []int{}},
		{"BCRT1qw508D", []int{5, 6}},
		{"bcrt1" + strings.Repeat("q", 87), []int{90, 91}},
	} {
		if at := locate(c.address); !slices.Equal(at, c.at) {
			t.Errorf("%s: %v, want %v", c.address, at, c.at)
		}
	}
}

// TestAnyTwoWrongLettersAreFound spoils good texts of all lengths. Two wrong letters of bech32m may be as many away from
// bech32, which then is what it is taken for.
func TestAnyTwoWrongLettersAreFound(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		encode, wrong := bech32.Encode, 1+r.IntN(2)
		if wrong == 1 && r.IntN(2) == 0 {
			encode = bech32.EncodeM
		}
		data := make([]byte, 1+r.IntN(70))
		for i := range data {
			data[i] = byte(r.IntN(32))
		}
		good, err := encode("fai", data)
		if err != nil {
			t.Fatal(err)
		}
		bad, want := []byte(good), []int{}
		for len(want) < wrong {
			i := len("fai1") + r.IntN(len(good)-len("fai1"))
			if other := bech32Letters[r.IntN(32)]; !slices.Contains(want, i) && other != good[i] {
				bad[i] = other
				want = append(want, i)
			}
		}
		slices.Sort(want)
		if at := locate(string(bad)); !slices.Equal(at, want) {
			t.Errorf("%s spoilt to %s: %v, want %v", good, bad, at, want)
		}
	}
}

func FuzzLocate(f *testing.F) {
	f.Add("bcrt1pw508d6qejxtdg4y5r3zarvary0c5xw7kygt08q")
	f.Add("1")
	f.Fuzz(func(t *testing.T, s string) {
		for _, i := range locate(s) {
			if i < 0 || i >= len(s) {
				t.Errorf("%q: %d is not in it", s, i)
			}
		}
	})
}
