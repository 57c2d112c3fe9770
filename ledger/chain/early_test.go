package chain

import (
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

func TestEarlyBlocksKeepTheirBound(t *testing.T) {
	var e early
	nodes := make([]*node, 100)
	for i := range nodes {
		nodes[i] = newNode(&wire.BlockHeader{Nonce: uint32(i), Bits: 0x207fffff}, nil)
		nodes[i].bytes = 1 << 20
		e.put(nodes[i], btcutil.NewBlock(&wire.MsgBlock{}))
		sum := 0
		for n := range e.blocks {
			sum += int(n.bytes)
		}
		if sum != e.bytes || sum > maxEarly || e.blocks[nodes[i]] == nil {
			t.Fatalf("%d blocks of %d bytes, %d counted, after %d", len(e.blocks), sum, e.bytes, i+1)
		}
	}
	if e.take(nodes[0]) != nil || e.take(nodes[99]) == nil || e.take(nodes[99]) != nil {
		t.Error("an old block is there, or the last is not, or twice")
	}
}
