package chain

import (
	"cmp"
	"math/big"
	"math/bits"

	"github.com/btcsuite/btcd/blockchain"
)

// work is a number of hashes, least significant word first. A fixed size takes a third of what a big.Int does.
type work [4]uint64

// workOf is the number of hashes that a block of this difficulty takes on average.
func workOf(compact uint32) work { return workFrom(blockchain.CalcWork(compact)) }

// workFrom takes a number below 2^256; a larger one, which no chain reaches, counts as the largest there is.
func workFrom(x *big.Int) (w work) {
	if x.BitLen() > 256 {
		return work{1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1}
	}
	word, mask := new(big.Int), new(big.Int).SetUint64(1<<64-1)
	for i := range w {
		w[i] = word.And(word.Rsh(x, uint(64*i)), mask).Uint64()
	}
	return w
}

func (w work) big() *big.Int {
	x := new(big.Int)
	for i := len(w) - 1; i >= 0; i-- {
		x.Or(x.Lsh(x, 64), new(big.Int).SetUint64(w[i]))
	}
	return x
}

// add cannot overflow for sums of real headers' work: each costs its maker as many hashes.
func (w work) add(o work) (sum work) {
	var carry uint64
	for i := range w {
		sum[i], carry = bits.Add64(w[i], o[i], carry)
	}
	return sum
}

// sub is the difference from a number that is no larger.
func (w work) sub(o work) (rest work) {
	var borrow uint64
	for i := range w {
		rest[i], borrow = bits.Sub64(w[i], o[i], borrow)
	}
	return rest
}

func (w work) cmp(o work) int {
	for i := len(w) - 1; i >= 0; i-- {
		if c := cmp.Compare(w[i], o[i]); c != 0 {
			return c
		}
	}
	return 0
}
