package chain

import (
	"bytes"
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// BlockInfo is what is known of a block without reading it.
type BlockInfo struct {
	Index
	Header     wire.BlockHeader
	Work       *big.Int       // hashes that the chain up to the block took to make, on average
	MedianTime time.Time      // of the block and the ten before it (BIP113)
	Txs        int            // in the block; 0 until the block has come
	ChainTxs   int64          // up to and with the block; 0 until all these blocks have come
	OnMain     bool           // it is on the best chain
	Next       chainhash.Hash // the block after it on the best chain; zero if it is the tip or not on it
	Stored     bool           // its body is here: it has come, and pruning has not deleted it
	Invalid    bool           // it or an ancestor broke a rule or was declared invalid
}

// Info is what is known of a block: ErrUnknown if its header is not.
func (c *Chain) Info(hash chainhash.Hash) (BlockInfo, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	n := c.nodes[hash]
	if n == nil {
		return BlockInfo{}, fmt.Errorf("%w: %v", ErrUnknown, hash)
	}
	i := BlockInfo{
		Index: n.index(), Header: n.header(), Work: n.work.big(), MedianTime: blockchain.CalcPastMedianTime(n),
		Txs: int(n.txs), ChainTxs: n.chainTxs, OnMain: c.onMain(n), Stored: c.have(n), Invalid: n.invalid(),
	}
	if i.OnMain && n != c.tip {
		i.Next = c.main[n.height+1].hash
	}
	return i, nil
}

// Undo is a block with the coins that it spent. Spent[i][j] is that of input j of transaction i; Spent[0], the coinbase's,
// is empty.
type Undo struct {
	Index
	Block *wire.MsgBlock
	Spent [][]Coin
}

// BlockUndo is a block with the coins that it spent: ErrUnknown if there is no such header, ErrMissing if the block is
// not stored or was never on the best chain.
func (c *Chain) BlockUndo(hash chainhash.Hash) (Undo, error) {
	if err := c.enter(); err != nil {
		return Undo{}, err
	}
	defer c.leave()
	n := c.node(hash)
	if n == nil {
		return Undo{}, fmt.Errorf("%w: %v", ErrUnknown, hash)
	}
	b, coins, err := c.undone(n)
	if err != nil {
		return Undo{}, err
	}
	return Undo{n.index(), b, split(b, coins, coinOf)}, nil
}

// TipInfo is the end of a branch of the tree of headers.
type TipInfo struct {
	Index
	// BranchLen is the number of blocks that the branch does not share with the best chain; 0 for the tip.
	BranchLen int32
	// Status is that of Bitcoin Core's getchaintips: "active" (the tip), "valid-fork" (was the tip once),
	// "valid-headers" (its blocks are here, but never had to be checked whole), "headers-only" (some are not), "invalid".
	Status string
}

// Tips are the ends of all branches of the tree of headers, the highest first.
func (c *Chain) Tips() (tips []TipInfo) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	inner := map[*node]bool{} // side nodes that have children; a side node's children are side nodes
	for _, n := range c.nodes {
		if n.parent != nil && !c.onMain(n) && !c.onMain(n.parent) {
			inner[n.parent] = true
		}
	}
	for _, n := range c.nodes {
		if n == c.tip || !c.onMain(n) && !inner[n] {
			tips = append(tips, TipInfo{n.index(), n.height - fork(n, c.tip).height, c.tipStatus(n)})
		}
	}
	slices.SortFunc(tips, func(a, b TipInfo) int {
		return cmp.Or(cmp.Compare(b.Height, a.Height), bytes.Compare(a.Hash[:], b.Hash[:]))
	})
	return tips
}

func (c *Chain) tipStatus(n *node) string {
	switch {
	case n == c.tip:
		return "active"
	case n.invalid():
		return "invalid"
	case !n.linked:
		return "headers-only"
	case n.connected:
		return "valid-fork"
	default:
		return "valid-headers"
	}
}

// SizeOnDisk is the number of bytes that the database takes, journals included.
func (c *Chain) SizeOnDisk() int64 {
	if c.enter() != nil {
		return 0
	}
	defer c.leave()
	return int64(c.db.db.Metrics().DiskSpaceUsage())
}

// maxTipAge is the age of the tip's time beyond which the chain is taken to be still downloading, Bitcoin Core's
// DEFAULT_MAX_TIP_AGE.
const maxTipAge = 24 * time.Hour

// InitialDownload says whether the chain is still catching up: its tip is older than 24 hours, or has less work than
// Params.MinimumChainWork. Once it has caught up it is said to have until it is opened again, as in Bitcoin Core.
func (c *Chain) InitialDownload() bool {
	if c.synced.Load() {
		return false
	}
	c.mu.RLock()
	tip := c.tip
	c.mu.RUnlock()
	if c.now().Sub(time.Unix(int64(tip.time), 0)) > maxTipAge || tip.work.cmp(c.minWork()) < 0 {
		return true
	}
	c.synced.Store(true)
	return false
}

// minWork is Params.MinimumChainWork.
func (c *Chain) minWork() work {
	if c.p.MinimumChainWork == nil {
		return work{}
	}
	return workFrom(c.p.MinimumChainWork)
}
