package hdkey

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// The character sets of descriptor checksums (BIP-380).
const (
	descriptorInput    = "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
	descriptorChecksum = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
)

// Checksum is the 8-character checksum of a descriptor, without "#" (BIP-380). Characters outside a descriptor's set give
// the empty text.
func Checksum(descriptor string) string {
	c := uint64(1)
	class, count := 0, 0
	for _, r := range descriptor {
		pos := strings.IndexRune(descriptorInput, r)
		if pos < 0 {
			return ""
		}
		c = polymod(c, pos&31)
		class = class*3 + pos>>5
		if count++; count == 3 {
			c, class, count = polymod(c, class), 0, 0
		}
	}
	if count > 0 {
		c = polymod(c, class)
	}
	for range 8 {
		c = polymod(c, 0)
	}
	c ^= 1
	var sum [8]byte
	for i := range sum {
		sum[i] = descriptorChecksum[c>>(5*(7-i))&31]
	}
	return string(sum[:])
}

func polymod(c uint64, value int) uint64 {
	top := c >> 35
	c = c&0x7ffffffff<<5 ^ uint64(value)
	for i, generator := range [...]uint64{0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd} {
		if top>>i&1 == 1 {
			c ^= generator
		}
	}
	return c
}

// FormatFingerprint writes a master key's fingerprint as descriptors and PSBT tools show it.
func FormatFingerprint(f uint32) string {
	return hex.EncodeToString([]byte{byte(f), byte(f >> 8), byte(f >> 16), byte(f >> 24)})
}

// Range is the descriptor of all addresses of one chain, with its checksum. It holds the accounts' own key: private
// if they are.
func (a *Accounts) Range(t Type, c Chain) string {
	return withChecksum(t, fmt.Sprintf("%s%s/%d/*", a.origin(Path{Type: t}, 3), a.keys[t].String(), c))
}

// Descriptor is the descriptor of one address, with its checksum.
func (a *Accounts) Descriptor(k Key) string {
	pub := k.PubKey.SerializeCompressed()
	if k.Type == P2TR {
		pub = pub[1:] // x-only
	}
	return withChecksum(k.Type, a.origin(k.Path, 5)+hex.EncodeToString(pub))
}

// ParentDescriptor is the public descriptor of the chain that an address is of.
func (a *Accounts) ParentDescriptor(p Path) string { return a.parents[p.Type][p.Chain] }

// origin is the key origin (BIP-380): the master's fingerprint and the first levels of the path.
func (a *Accounts) origin(p Path, levels int) string {
	return "[" + FormatFingerprint(a.Fingerprint) + strings.TrimPrefix(FormatPath(p.Indices(CoinType(a.net))[:levels]), "m") + "]"
}

func withChecksum(t Type, key string) string {
	d := "wpkh(" + key + ")"
	if t == P2TR {
		d = "tr(" + key + ")"
	}
	return d + "#" + Checksum(d)
}
