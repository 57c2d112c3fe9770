package interop

import (
	"slices"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
)

// TestPoolsRelayBothWays: what one side's pool takes in is in the other's soon, children and replacements too, and mined by
// it.
func TestPoolsRelayBothWays(t *testing.T) {
	t.Parallel()
	b, n, coins := pair(t, 4)
	mine, theirs := pay(t, p2wpkh(2), coins[:1], []lock{payment(1)}), pay(t, p2wpkh(2), coins[1:2], []lock{payment(1)})
	n.send(mine)
	b.send(theirs)
	child := pay(t, p2wpkh(1), []coin{{wire.OutPoint{Hash: theirs.TxHash()}, theirs.TxOut[0]}}, []lock{payment(2)})
	until(t, "bitcoind's transaction here", func() bool { return n.has(theirs) })
	n.send(child)
	until(t, "ours there", func() bool { return holds(b, mine, theirs, child) })

	// Replaced there, and then here (BIP125).
	flexible := payment(1)
	flexible.sequence = final - 2
	first := pay(t, p2wpkh(2), coins[2:3], []lock{flexible})
	n.send(first)
	until(t, "what can be replaced, there", func() bool { return holds(b, first) })
	for i, send := range []func(*wire.MsgTx){b.send, n.send} {
		dearer := first.Copy()
		dearer.TxIn = nil
		dearer.TxOut[0].Value -= int64(i+1) * fee
		sign(t, dearer, coins[2:3], []lock{flexible})
		send(dearer)
		until(t, "a replacement on both sides", func() bool { return n.has(dearer) && holds(b, dearer) })
		if n.has(first) || holds(b, first) {
			t.Error("what was replaced is still in a pool")
		}
		first = dearer
	}

	if b.mine(1, addressOf(t, p2wpkh(3))); len(b.pool()) != 0 {
		t.Errorf("bitcoind left %v", b.pool())
	}
	agree(n, b)
	if left := n.pool.Info().Count; left != 0 {
		t.Errorf("our pool holds %d transactions that are in a block", left)
	}
	last := pay(t, p2wpkh(2), coins[3:4], []lock{payment(1)})
	b.send(last)
	until(t, "bitcoind's transaction here", func() bool { return n.has(last) })
	if block := n.mine(1, p2wpkh(3))[0]; len(block.Transactions) != 2 {
		t.Errorf("our block holds %d transactions", len(block.Transactions))
	}
	agree(n, b)
	if left := b.pool(); len(left) != 0 {
		t.Errorf("bitcoind's pool holds %v, which is in a block", left)
	}
}

// pair is a bitcoind and a node of ours, connected, at one tip, where key 1 has so many coins of P2WPKH that can be spent.
func pair(t *testing.T, count int) (b *bitcoind, n *node, coins []coin) {
	b = startBitcoind(t)
	n = startNode(t)
	for _, block := range n.mine(count, p2wpkh(1)) {
		coins = append(coins, coinbase(block))
	}
	n.mine(100, p2wpkh(3))
	b.connect(n.addr)
	agree(n, b)
	until(t, "bitcoind to have caught up", func() bool {
		return !ask[struct {
			IBD bool `json:"initialblockdownload"`
		}](t, b.client, "getblockchaininfo").IBD
	})
	return b, n, coins
}

// holds says whether bitcoind's pool has all of these.
func holds(b *bitcoind, txs ...*wire.MsgTx) bool {
	pool := b.pool()
	for _, tx := range txs {
		if !slices.Contains(pool, tx.TxHash().String()) {
			return false
		}
	}
	return true
}
