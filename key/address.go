package key

import (
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/address/v2/bech32"

	"funai/key/c32"
)

// ErrAddress says that a text is no address of the layer or network wanted.
var ErrAddress = errors.New("bad address")

// Address versions of the inference layer (SIP-005): single-signature, main and test networks.
const (
	VersionMain = 22
	VersionTest = 26
)

// LedgerAddress is the bech32 P2WPKH address on the ledger network with the given prefix (BIP-173).
func (h Hash160) LedgerAddress(hrp string) string {
	five, err := bech32.ConvertBits(h[:], 8, 5, true)
	if err != nil {
		return "" // 20 bytes always convert
	}
	s, err := bech32.Encode(hrp, append([]byte{0}, five...))
	if err != nil {
		return ""
	}
	return s
}

// ParseLedgerAddress reads a bech32 P2WPKH address of the network with the given prefix.
func ParseLedgerAddress(s, hrp string) (h Hash160, err error) {
	got, five, form, err := bech32.DecodeGeneric(s)
	if err != nil {
		return h, fmt.Errorf("%w: %.100q: %v", ErrAddress, s, err)
	}
	if form != bech32.Version0 {
		return h, fmt.Errorf("%w: %q has the checksum of a later witness version (BIP-350)", ErrAddress, s)
	}
	if got != hrp {
		return h, fmt.Errorf("%w: %q is of network %q, not %q", ErrAddress, s, got, hrp)
	}
	if len(five) == 0 || five[0] != 0 {
		return h, fmt.Errorf("%w: %q is not a P2WPKH address", ErrAddress, s)
	}
	b, err := bech32.ConvertBits(five[1:], 5, 8, false)
	if err != nil || len(b) != len(h) {
		return h, fmt.Errorf("%w: %q is not a P2WPKH address", ErrAddress, s)
	}
	copy(h[:], b)
	return h, nil
}

// InferenceAddress is the c32check address of SIP-005: "S", the version, then hash and checksum in Crockford's base 32.
func (h Hash160) InferenceAddress(version byte) string { return c32.Address(version, h) }

// ParseInferenceAddress reads a c32check address of the given version. As Crockford's base 32 has it, letters may be of
// either case, and O, I and L stand for 0, 1 and 1.
func ParseInferenceAddress(s string, version byte) (h Hash160, err error) {
	v, h, err := c32.Parse(s)
	if err != nil {
		return Hash160{}, fmt.Errorf("%w: %v", ErrAddress, err)
	}
	if v != version {
		return Hash160{}, fmt.Errorf("%w: %q has version %d, not %d", ErrAddress, s, v, version)
	}
	return h, nil
}
