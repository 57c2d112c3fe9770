package chain

import (
	"math/big"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"
)

func anyWork(rt *rapid.T, name string) *big.Int {
	return new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 31).Draw(rt, name))
}

func TestWorkAddsUpAsBigNumbersDo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x, y := anyWork(rt, "x"), anyWork(rt, "y")
		sum := workFrom(x).add(workFrom(y))
		if want := new(big.Int).Add(x, y); sum.big().Cmp(want) != 0 {
			rt.Fatalf("%v + %v = %v", x, y, sum.big())
		}
		if got := sum.sub(workFrom(y)); got != workFrom(x) || got.big().Cmp(x) != 0 {
			rt.Fatalf("%v + %v - %v = %v", x, y, y, got.big())
		}
		if workFrom(x).cmp(workFrom(y)) != x.Cmp(y) {
			rt.Fatalf("comparing %v and %v", x, y)
		}
	})
	if most := workFrom(new(big.Int).Lsh(big.NewInt(1), 300)); most.big().BitLen() != 256 || workFrom(big.NewInt(1)).cmp(most) >= 0 {
		t.Error(most)
	}
}

func TestNodesHaveTheWorkOfTheirChains(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var n *node
		sum := new(big.Int)
		for range rapid.IntRange(1, 20).Draw(rt, "length") {
			bits := rapid.SampledFrom([]uint32{0x207fffff, 0x1d00ffff, 0x1b0404cb}).Draw(rt, "bits")
			n = newNode(&wire.BlockHeader{Bits: bits}, n)
			if sum.Add(sum, blockchain.CalcWork(bits)); n.work.big().Cmp(sum) != 0 {
				rt.Fatalf("height %d: work %v, want %v", n.height, n.work.big(), sum)
			}
		}
	})
}
