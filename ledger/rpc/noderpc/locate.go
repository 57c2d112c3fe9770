package noderpc

import (
	"slices"
	"strings"
)

// Where the mistakes in an address are. The checksum of bech32 (BIP-173) and bech32m (BIP-350) is a code that tells any
// one or two wrong letters of up to 90 apart from all others. It is linear: what a wrong letter does to the checksum depends
// on its place and on its difference from the right one alone, and two add up.

const (
	bech32Letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	checksumSize  = 6  // letters
	maxBech32     = 90 // letters
	// bech32Final and bech32mFinal are what the checksums of good texts come to.
	bech32Final, bech32mFinal = 1, 0x2bc830a3
)

// bech32Steps are the generator of the code, as BIP-173 lists it.
var bech32Steps = [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3}

// polymod carries a checksum on over one more letter's value.
func polymod(sum uint32, value byte) uint32 {
	top := sum >> 25
	sum = sum&0x1ffffff<<5 ^ uint32(value)
	for i, step := range bech32Steps {
		if top>>i&1 == 1 {
			sum ^= step
		}
	}
	return sum
}

// locate tells where in a text, meant as an address in bech32 or bech32m, the mistakes are, by the index of the letter: as
// validateaddress does, those that it can tell for sure, or none.
func locate(s string) []int {
	if len(s) > maxBech32 {
		at := []int{}
		for i := maxBech32; i < len(s); i++ {
			at = append(at, i)
		}
		return at
	}
	if at := strange(s); len(at) > 0 {
		return at
	}
	s = strings.ToLower(s)
	prefix := strings.LastIndexByte(s, '1')
	switch {
	case prefix < 0:
		return []int{}
	case prefix == 0 || prefix+checksumSize >= len(s):
		return []int{prefix}
	}
	var sum uint32 = 1
	for i := range prefix {
		sum = polymod(sum, s[i]>>5)
	}
	sum = polymod(sum, 0)
	for i := range prefix {
		sum = polymod(sum, s[i]&31)
	}
	for i := prefix + 1; i < len(s); i++ {
		value := strings.IndexByte(bech32Letters, s[i])
		if value < 0 {
			return []int{i}
		}
		sum = polymod(sum, byte(value))
	}
	best := []int{}
	for _, final := range []uint32{bech32Final, bech32mFinal} {
		if sum == final {
			return []int{}
		}
		at := wrongLetters(sum^final, len(s)-prefix-1)
		if len(at) > 0 && (len(best) == 0 || len(at) < len(best)) {
			best = at
		}
	}
	for i := range best {
		best[i] += prefix + 1
	}
	return best
}

// strange lists what no bech32 has: letters that cannot be printed, and those in the other case than the first.
func strange(s string) (at []int) {
	var lower, upper bool
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z' && !upper:
			lower = true
		case c >= 'A' && c <= 'Z' && !lower:
			upper = true
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c < '!', c > '~':
			at = append(at, i)
		}
	}
	return at
}

// wrongLetters are the one or two of n letters that make a checksum wrong by so much; none if it takes more.
func wrongLetters(fault uint32, n int) []int {
	places := map[uint32]int{} // by what one wrong letter there does
	for value := byte(1); value < 32; value++ {
		does := polymod(0, value)
		for i := n - 1; i >= 0; i-- {
			places[does] = i
			does = polymod(does, 0)
		}
	}
	if i, ok := places[fault]; ok {
		return []int{i}
	}
	for does, i := range places {
		if j, ok := places[fault^does]; ok && i != j {
			at := []int{i, j}
			slices.Sort(at)
			return at
		}
	}
	return nil
}
