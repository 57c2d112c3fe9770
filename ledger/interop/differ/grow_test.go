package differ

import (
	"slices"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/consensus"
)

// grower makes blocks on branches of a tree.
type grower struct {
	*gen
	// One for each block, with all blocks from genesis to it. Those of dead are likely to hold an invalid one.
	branches, dead []*base
	best           *base // ends at the tip
}

// choose is the branch to go on from.
func (g *grower) choose() *base {
	on := g.branches[max(0, len(g.branches)-1-g.IntN(6))]
	switch {
	case g.chance(10) && len(g.dead) > 0:
		on = g.dead[max(0, len(g.dead)-1-g.IntN(4))]
	case g.chance(5):
		on = g.best
	}
	return on
}

// grow makes a block on a branch, which may be invalid. The branch goes on from end.
func (g *grower) grow(on *base) (blk *wire.MsgBlock, end *base) {
	h := &gen{Rand: g.Rand, base: on}
	var txs []*wire.MsgTx
	for range g.IntN(3) {
		c := pick(h, h.coins...)
		tx := h.spending([]coin{c})
		h.unlock(tx, []coin{c}, g.chance(12))
		txs = append(txs, tx)
	}
	blk = h.uncommitted(time.Unix(on.tip().Timestamp.Unix()+1+g.Int64N(60), 0), txs...)
	cb := blk.Transactions[0]
	cb.TxIn[0].SignatureScript = append(cb.TxIn[0].SignatureScript, push(g.bytes(8))...) // rivals differ
	if g.chance(12) {
		cb.TxOut[0].Value += pick[int64](h, 1, fee+1)
	}
	if g.chance(20) {
		cb.TxIn[0].SignatureScript = push(g.bytes(8))
	}
	consensus.CommitWitnesses(blk)
	root(blk)
	if g.chance(20) {
		blk.Header.MerkleRoot[0] ^= 1
	}
	unsolved := g.chance(20)
	for consensus.Solved(&blk.Header) == unsolved {
		blk.Header.Nonce++
	}
	next := *on
	next.blocks = append(slices.Clip(on.blocks), blk)
	return blk, &next
}

// enter remembers a branch, by what bitcoind said of its last block.
func (g *grower) enter(end *base, reason string) {
	if reason == "" || reason == "inconclusive" {
		g.branches = append(g.branches, end)
	} else {
		g.dead = append(g.dead, end)
	}
}

// follow remembers the branch that ends at the tip.
func (g *grower) follow(tip chainhash.Hash) {
	for _, branch := range slices.Concat(g.branches, g.dead) {
		if branch.tip().BlockHash() == tip {
			g.best = branch
		}
	}
}

// twin is a block with another body under the same hash, which must not condemn the block.
func (g *gen) twin(blk *wire.MsgBlock) *wire.MsgBlock {
	t := *blk
	t.Transactions = slices.Clone(blk.Transactions)
	last := len(t.Transactions) - 1
	switch g.IntN(5) {
	case 0: // three transactions have the merkle root of four
		t.Transactions = append(t.Transactions, t.Transactions[last])
	case 1: // the reserved value of the commitment is not part of the hash
		t.Transactions[0] = t.Transactions[0].Copy()
		t.Transactions[0].TxIn[0].Witness = pick(g, wire.TxWitness{make([]byte, 33)}, wire.TxWitness{g.bytes(32)}, wire.TxWitness{make([]byte, 32), nil})
	case 2:
		t.Transactions = t.Transactions[:last]
	case 3: // neither are other witnesses
		t.Transactions[last] = t.Transactions[last].Copy()
		in := t.Transactions[last].TxIn[0]
		in.Witness = append(in.Witness, g.bytes(g.IntN(3)))
	case 4:
		t.Transactions = slices.Insert(t.Transactions, g.IntN(last+1), t.Transactions[last])
	}
	return &t
}
