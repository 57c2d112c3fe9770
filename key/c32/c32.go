// Package c32 writes and reads c32check addresses (SIP-005): a version and a 20-byte hash in Crockford's base 32. It
// depends on nothing.
package c32

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// ErrAddress says that a text is no c32check address.
var ErrAddress = errors.New("not a c32check address")

const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// MaxLen bounds what is read as an address: "S", the version, and at most 39 digits for 24 bytes.
const MaxLen = 41

// Address writes a version, 0 to 31, and a hash: "S", the version, then hash and checksum in Crockford's base 32.
func Address(version byte, hash [20]byte) string {
	sum := checksum(version, hash[:])
	return "S" + string(digits[version&31]) + encode(append(hash[:], sum[:]...))
}

// Parse reads an address. As Crockford's base 32 has it, letters may be of either case, and O, I and L stand for 0, 1 and 1.
func Parse(s string) (version byte, hash [20]byte, err error) {
	if len(s) < 5 || len(s) > MaxLen {
		return 0, hash, fmt.Errorf("%w: %.100q has %d characters, not 5 to %d", ErrAddress, s, len(s), MaxLen)
	}
	n := Normalize(s)
	if n[0] != 'S' {
		return 0, hash, fmt.Errorf("%w: %q does not begin with S", ErrAddress, s)
	}
	v := strings.IndexByte(digits, n[1])
	b, ok := decode(n[2:])
	if v < 0 || !ok || len(b) != len(hash)+4 {
		return 0, hash, fmt.Errorf("%w: %q does not hold 24 bytes", ErrAddress, s)
	}
	if sum := checksum(byte(v), b[:20]); [4]byte(b[20:]) != sum {
		return 0, hash, fmt.Errorf("%w: %q has a wrong checksum", ErrAddress, s)
	}
	return byte(v), [20]byte(b[:20]), nil
}

func checksum(version byte, b []byte) (sum [4]byte) {
	first := sha256.Sum256(append([]byte{version}, b...))
	second := sha256.Sum256(first[:])
	copy(sum[:], second[:])
	return sum
}

// encode writes bytes as one number, with a '0' for every leading zero byte.
func encode(b []byte) string {
	var out []byte
	n, base, digit := new(big.Int).SetBytes(b), big.NewInt(32), new(big.Int)
	for n.Sign() > 0 {
		n.DivMod(n, base, digit)
		out = append(out, digits[digit.Int64()])
	}
	for i := 0; i < len(b) && b[i] == 0; i++ {
		out = append(out, digits[0])
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}

func decode(s string) ([]byte, bool) {
	n, zeros := new(big.Int), 0
	for zeros < len(s) && s[zeros] == digits[0] {
		zeros++
	}
	for i := range len(s) {
		d := strings.IndexByte(digits, s[i])
		if d < 0 {
			return nil, false
		}
		n.Lsh(n, 5).Or(n, big.NewInt(int64(d)))
	}
	return append(make([]byte, zeros), n.Bytes()...), true
}

// Normalize writes letters in upper case and maps those that Crockford's alphabet reads as digits. It goes by bytes:
// Unicode knows letters beyond ASCII whose upper case is in the alphabet.
func Normalize(s string) string {
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
