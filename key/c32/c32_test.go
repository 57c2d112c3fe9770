package c32

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// The first is SIP-005's example of an address, the other the null address of test networks.
func TestAddressesOfSIP005(t *testing.T) {
	for address, want := range map[string]struct {
		version byte
		hash    string
	}{
		"SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7": {22, "a46ff88886c2ef9762d970b4d2c63678835bd39d"},
		"ST000000000000000000002AMW42H":             {26, strings.Repeat("00", 20)},
	} {
		version, hash, err := Parse(address)
		if err != nil || version != want.version || hex.EncodeToString(hash[:]) != want.hash {
			t.Errorf("%s reads as %d, %x: %v", address, version, hash, err)
		}
		if got := Address(version, hash); got != address {
			t.Errorf("%s is written as %s", address, got)
		}
		if _, _, err := Parse(address[:len(address)-1] + "Z"); !errors.Is(err, ErrAddress) {
			t.Errorf("%s with another last digit: %v", address, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7")
	f.Add("S0")
	f.Fuzz(func(t *testing.T, s string) {
		version, hash, err := Parse(s)
		if err != nil {
			return
		}
		if got := Address(version, hash); got != Normalize(s) {
			t.Errorf("%q is written again as %q", s, got)
		}
	})
}
