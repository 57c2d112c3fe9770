package key

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/btcsuite/btcd/address/v2/bech32"
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

const c32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// InferenceAddress is the c32check address of SIP-005: "S", the version, then hash and checksum in Crockford's base 32.
func (h Hash160) InferenceAddress(version byte) string {
	sum := c32Checksum(version, h[:])
	return "S" + string(c32[version&31]) + c32Encode(append(h[:], sum[:]...))
}

// maxC32 bounds what is read as a c32check address: "S", the version, and at most 39 digits for 24 bytes.
const maxC32 = 41

// ParseInferenceAddress reads a c32check address of the given version. As Crockford's base 32 has it, letters may be of
// either case, and O, I and L stand for 0, 1 and 1.
func ParseInferenceAddress(s string, version byte) (h Hash160, err error) {
	if len(s) < 5 || len(s) > maxC32 {
		return h, fmt.Errorf("%w: %.100q has %d characters, not 5 to %d", ErrAddress, s, len(s), maxC32)
	}
	n := c32Normalize(s)
	if n[0] != 'S' {
		return h, fmt.Errorf("%w: %q is not a c32check address", ErrAddress, s)
	}
	v := strings.IndexByte(c32, n[1])
	b, ok := c32Decode(n[2:])
	if v < 0 || !ok || len(b) != len(h)+4 {
		return h, fmt.Errorf("%w: %q is not a c32check address", ErrAddress, s)
	}
	if sum := c32Checksum(byte(v), b[:20]); [4]byte(b[20:]) != sum {
		return h, fmt.Errorf("%w: %q has a wrong checksum", ErrAddress, s)
	}
	if byte(v) != version {
		return h, fmt.Errorf("%w: %q has version %d, not %d", ErrAddress, s, v, version)
	}
	copy(h[:], b)
	return h, nil
}

func c32Checksum(version byte, b []byte) (sum [4]byte) {
	first := sha256.Sum256(append([]byte{version}, b...))
	second := sha256.Sum256(first[:])
	copy(sum[:], second[:])
	return sum
}

// c32Encode writes bytes as one number, with a '0' for every leading zero byte.
func c32Encode(b []byte) string {
	var out []byte
	n, base, digit := new(big.Int).SetBytes(b), big.NewInt(32), new(big.Int)
	for n.Sign() > 0 {
		n.DivMod(n, base, digit)
		out = append(out, c32[digit.Int64()])
	}
	for i := 0; i < len(b) && b[i] == 0; i++ {
		out = append(out, c32[0])
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}

func c32Decode(s string) ([]byte, bool) {
	n, zeros := new(big.Int), 0
	for zeros < len(s) && s[zeros] == c32[0] {
		zeros++
	}
	for i := range len(s) {
		d := strings.IndexByte(c32, s[i])
		if d < 0 {
			return nil, false
		}
		n.Lsh(n, 5).Or(n, big.NewInt(int64(d)))
	}
	return append(make([]byte, zeros), n.Bytes()...), true
}

// c32Normalize writes letters in upper case and maps those that Crockford's alphabet reads as digits. It goes by bytes:
// Unicode knows letters beyond ASCII whose upper case is in the alphabet.
func c32Normalize(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		switch c {
		case 'O':
			c = '0'
		case 'I', 'L':
			c = '1'
		}
		b[i] = c
	}
	return string(b)
}
