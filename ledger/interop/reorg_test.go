package interop

import (
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
)

// deep is how many blocks the losing side takes back.
const deep = 20

// TestReorgOfTwentyBlocks: parted, each side mines with transactions that the other does not have, one more than the other
// side in blocks; together again, both are on the longer branch, with the same coins, and what the shorter one had alone
// waits in the pools again.
func TestReorgOfTwentyBlocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		ours, theirs int
	}{{"ours is taken back", deep, deep + 1}, {"bitcoind's is taken back", deep + 1, deep}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, n, coins := pair(t, 3)
			b.part()
			until(t, "our node to be alone", func() bool { return len(n.s.Peers()) == 0 })

			one := []lock{payment(1)}
			onlyOurs, onlyTheirs := pay(t, p2wpkh(2), coins[:1], one), pay(t, p2wpkh(2), coins[1:2], one)
			rivalOurs, rivalTheirs := pay(t, p2wpkh(2), coins[2:], one), pay(t, p2wpkh(3), coins[2:], one)
			n.send(onlyOurs)
			n.send(rivalOurs)
			b.send(onlyTheirs)
			b.send(rivalTheirs)
			n.mine(c.ours, p2wpkh(4))
			b.mine(c.theirs, addressOf(t, p2wpkh(5)))
			if n.pool.Info().Count+len(b.pool()) != 0 {
				t.Errorf("pools hold %d and %v", n.pool.Info().Count, b.pool())
			}
			tip := n.c.Tip().Hash.String()
			kept, undone, lost := onlyOurs, onlyTheirs, rivalTheirs
			if c.theirs > c.ours {
				tip = b.tip()
				kept, undone, lost = onlyTheirs, onlyOurs, rivalOurs
			}

			b.join(n.addr)
			agree(n, b)
			if b.tip() != tip {
				t.Errorf("both are at %s, not at the longer branch's %s", b.tip(), tip)
			}
			// Neither side need tell of what waits again: the other has it from whoever sent it, or from a block.
			if c.theirs > c.ours {
				until(t, "what was undone to wait here", func() bool { return n.has(undone) }, n.poolState)
			} else {
				until(t, "what was undone to wait there", func() bool { return holds(b, undone) }, b.poolState)
			}
			for _, gone := range []*wire.MsgTx{kept, lost} {
				if n.has(gone) || holds(b, gone) {
					t.Errorf("%v, which is in a block or spends what one has spent, waits", gone.TxHash())
				}
			}
			if c.theirs > c.ours {
				n.mine(1, p2wpkh(4))
			} else {
				b.mine(1, addressOf(t, p2wpkh(5)))
			}
			agree(n, b)
			if n.pool.Info().Count+len(b.pool()) != 0 {
				t.Errorf("pools hold %s and %s after the last block", n.poolState(), b.poolState())
			}
		})
	}
}
