package noderpc

import (
	"fmt"
	"math"
	"math/big"
	"strconv"

	"github.com/btcsuite/btcd/blockchain"
)

// difficulty is a target as a multiple of the easiest one of Bitcoin's main network, which all the Bitcoin world measures
// in.
func difficulty(bits uint32) float {
	const mantissa, exponent = 0x00ffff, 29
	d := float64(mantissa) / float64(bits&0xffffff)
	for shift := bits >> 24; shift < exponent; shift++ {
		d *= 256
	}
	for shift := bits >> 24; shift > exponent; shift-- {
		d /= 256
	}
	return float(d)
}

// float is a number that JSON writes with 16 significant digits, as Bitcoin Core does.
type float float64

// MarshalJSON writes the number; there is none for what is no number.
func (f float) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(f), 'g', 16, 64), nil
}

func bitsHex(bits uint32) string { return fmt.Sprintf("%08x", bits) }

// targetHex is the number that a block's hash must not exceed.
func targetHex(bits uint32) string { return workHex(blockchain.CompactToBig(bits)) }

// workHex is a number of 256 bits.
func workHex(work *big.Int) string { return fmt.Sprintf("%064x", work) }
