package chain

import (
	"errors"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/consensus"
)

// Params is the network.
func (c *Chain) Params() *consensus.Params { return c.p }

// SigCache remembers signatures found good. A memory pool that shares it saves blocks from checking them again.
func (c *Chain) SigCache() *txscript.SigCache { return c.sigs }

// Tip is the last block of the best chain. A crash in the middle of a long download may take tips back that UpdatesSince has
// told nobody of; no other does.
func (c *Chain) Tip() Index {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.tip.index()
}

// Changed is closed at the next change of tip.
func (c *Chain) Changed() <-chan struct{} {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.changed
}

// Totals are the sums at the tip.
func (c *Chain) Totals() Totals {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.totals
}

// IndexAt is the block of the best chain at a height; false if there is none.
func (c *Chain) IndexAt(height int32) (Index, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if height < 0 || int(height) >= len(c.main) {
		return Index{}, false
	}
	return c.main[height].index(), true
}

// MedianTime is the median time of the tip and the ten blocks before it, which the next block must exceed.
func (c *Chain) MedianTime() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return blockchain.CalcPastMedianTime(c.tip)
}

// NextBits is the difficulty due of a child of parent, any known block; 0, which no block may have, if parent is not
// known. No network's difficulty depends on the child's time.
func (c *Chain) NextBits(parent Index, _ time.Time) uint32 {
	n := c.node(parent.Hash)
	if n == nil {
		return 0
	}
	return consensus.NextBits(c.p, n)
}

// node is a header of the tree, nil if not known.
func (c *Chain) node(hash chainhash.Hash) *node {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.nodes[hash]
}

// Header is a known header, on the best chain or not, and its height.
func (c *Chain) Header(hash chainhash.Hash) (wire.BlockHeader, int32, bool) {
	n := c.node(hash)
	if n == nil {
		return wire.BlockHeader{}, 0, false
	}
	return n.header(), n.height, true
}

// HaveBlock says whether a block is stored.
func (c *Chain) HaveBlock(hash chainhash.Hash) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	n := c.nodes[hash]
	return n != nil && c.have(n)
}

// Block is a stored block, on the best chain or not: ErrUnknown if there is no such header, ErrMissing if its block has
// not come, ErrPruned if it was deleted.
func (c *Chain) Block(hash chainhash.Hash) (*wire.MsgBlock, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.leave()
	n := c.node(hash)
	if n == nil {
		return nil, fmt.Errorf("%w: %v", ErrUnknown, hash)
	}
	b, err := c.db.block(n)
	return b, c.gone(n, err)
}

// gone passes on why something of a block could not be read; if that is missing, it says whether pruning deleted it.
func (c *Chain) gone(n *node, err error) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if errors.Is(err, ErrMissing) && n.stored && !c.have(n) {
		return fmt.Errorf("block %v at height %d: %w", n.hash, n.height, ErrPruned)
	}
	return err
}

// Coin is an unspent output of the best chain, nil if there is none.
func (c *Chain) Coin(o wire.OutPoint) (*Coin, error) {
	es, err := c.entries(o)
	if err != nil || es[0] == nil {
		return nil, err
	}
	coin := coinOf(es[0])
	return &coin, nil
}

// entries are the coins of these outputs at one tip, nil for those that are not unspent.
func (c *Chain) entries(os ...wire.OutPoint) ([]*blockchain.UtxoEntry, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.leave()
	c.mu.RLock()
	defer c.mu.RUnlock()
	es := make([]*blockchain.UtxoEntry, len(os))
	for i, o := range os {
		var err error
		if es[i], err = c.db.coin(o); err != nil {
			return nil, err
		}
	}
	return es, nil
}

// View is the coins that tx spends and those it makes, nil entries for what is not unspent at the tip: what btcd's memory
// pool asks for as FetchUtxoView.
func (c *Chain) View(tx *btcutil.Tx) (*blockchain.UtxoViewpoint, error) {
	var os []wire.OutPoint
	for i := range tx.MsgTx().TxOut {
		os = append(os, wire.OutPoint{Hash: *tx.Hash(), Index: uint32(i)})
	}
	if !blockchain.IsCoinBase(tx) {
		for _, in := range tx.MsgTx().TxIn {
			os = append(os, in.PreviousOutPoint)
		}
	}
	es, err := c.entries(os...)
	if err != nil {
		return nil, err
	}
	view := blockchain.NewUtxoViewpoint()
	for i, o := range os {
		view.Entries()[o] = es[i].Clone() // nil of nil
	}
	return view, nil
}

// SequenceLock is when tx may follow the coins in view (BIP68), as seen from the tip: btcd's CalcSequenceLock.
func (c *Chain) SequenceLock(tx *btcutil.Tx, view *blockchain.UtxoViewpoint) (*blockchain.SequenceLock, error) {
	c.mu.RLock()
	tip := c.tip
	c.mu.RUnlock()
	return consensus.SequenceLock(tx.MsgTx(), view, tip)
}
