// Package coinselect chooses the coins that a transaction spends: branch and bound for a set that needs no change, by the
// waste metric (Mark Erhardt, "An Evaluation of Coin Selection Strategies", 2016, as Bitcoin Core has it), then largest
// first. It also knows what inputs and outputs weigh (BIP-141) and which outputs are dust. It is pure, and imports amount
// and nothing else of the project.
package coinselect

import (
	"math/bits"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
)

const scale = blockchain.WitnessScaleFactor

// Weights of inputs that spend with a key, in weight units, signature included. An input outside the witness is an
// outpoint (36 bytes), an empty script's length and a sequence number (4).
const (
	inputBase = 41 * scale
	// WeightP2WPKH has a witness of a DER signature with low S (72 bytes at most, with its hash type) and a compressed
	// key. Every other signature is a byte shorter: a transaction pays at most a quarter of a virtual byte too much for
	// each such input.
	WeightP2WPKH = inputBase + 1 + 1 + 72 + 1 + 33
	// WeightP2TR has a witness of a Schnorr signature of the default hash type (BIP-341), always 64 bytes.
	WeightP2TR = inputBase + 1 + 1 + 64
	// WeightP2PKH is that of an input outside segregated witness, whose empty witness takes a byte beside others'.
	WeightP2PKH = inputBase + (1+72+1+33)*scale + 1
)

// head is what a transaction weighs besides inputs, outputs and the number of each: version, lock time, segwit's marker
// and flag.
const head = 8*scale + 2

// BaseWeight is the weight of a transaction with these outputs before any input, the number of inputs included as one byte.
func BaseWeight(outs []*wire.TxOut) int64 {
	w := head + int64(1+wire.VarIntSerializeSize(uint64(len(outs))))*scale
	for _, out := range outs {
		w += OutputWeight(out)
	}
	return w
}

// OutputWeight is the weight of one output.
func OutputWeight(out *wire.TxOut) int64 { return int64(out.SerializeSize()) * scale }

// countWeight is what a number of inputs weighs beyond the one byte that BaseWeight has for it.
func countWeight(inputs int) int64 {
	return int64(wire.VarIntSerializeSize(uint64(inputs))-1) * scale
}

// VSize is the virtual size of a weight (BIP-141), rounded up.
func VSize(weight int64) int64 { return (weight + scale - 1) / scale }

// FeeFor is the fee of a virtual size at a rate per 1,000 virtual bytes, rounded up.
func FeeFor(vsize int64, rate amount.Amount) amount.Amount {
	return mulDivUp(uint64(vsize), rate, 1000)
}

// feeUp is at least what a part of this weight adds to the fee of a whole: parts are summed and only the whole is rounded
// to virtual bytes.
func feeUp(weight int64, rate amount.Amount) amount.Amount {
	return mulDivUp(uint64(weight), rate, 1000*scale)
}

// mulDivUp is n*rate/by rounded up; amount.Max where that is beyond all money.
func mulDivUp(n uint64, rate amount.Amount, by uint64) amount.Amount {
	hi, lo := bits.Mul64(n, uint64(rate))
	if hi >= by {
		return amount.Max
	}
	q, rest := bits.Div64(hi, lo, by)
	if rest > 0 {
		q++
	}
	return min(amount.Amount(q), amount.Max)
}

// DustRate is the fee rate, per 1,000 virtual bytes, at which an output is dust that costs more to spend than it is worth
// (Bitcoin Core's dustrelayfee).
const DustRate amount.Amount = 3000

// Dust is the least value of an output that is relayed: what it and the input that spends it cost at DustRate (Bitcoin
// Core's GetDustThreshold). An output that cannot be spent has none.
func Dust(script []byte) amount.Amount {
	if txscript.IsUnspendable(script) {
		return 0
	}
	size := int64(wire.NewTxOut(0, script).SerializeSize())
	if txscript.IsWitnessProgram(script) {
		size += 32 + 4 + 1 + 107/scale + 4
	} else {
		size += 32 + 4 + 1 + 107 + 4
	}
	return FeeFor(size, DustRate)
}
