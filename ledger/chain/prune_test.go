package chain_test

import (
	"errors"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

func TestPruningDeletesTheOldestBlocksAndKeepsTheLast288(t *testing.T) {
	fs := vfs.NewMem()
	open := func(limit int64) *chain.Chain {
		return chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs, NoSync: true, PruneBytes: limit})
	}
	c := open(1) // a limit that cannot be kept
	chaintest.MineN(t, c, anyone, 288)
	if first, on := c.Pruned(); first != 0 || !on {
		t.Error(first, on)
	}
	base := c.Tip()
	side := extend(t, c, base, 2, 1) // to be left
	extend(t, c, base, 40, 2)
	for range 2 {
		if first, on := c.Pruned(); first != 328-288+1 || !on {
			t.Fatal(first, on)
		}
		for h := range c.Tip().Height + 1 {
			at, _ := c.IndexAt(h)
			_, err := c.Block(at.Hash)
			_, uerr := c.BlockUndo(at.Hash)
			i, ierr := c.Info(at.Hash)
			if gone := h > 0 && h <= 40; gone != errors.Is(err, chain.ErrPruned) || gone != errors.Is(uerr, chain.ErrPruned) ||
				gone != errors.Is(err, chain.ErrMissing) || gone == i.Stored || gone == c.HaveBlock(at.Hash) || ierr != nil || i.Txs != 1 || i.ChainTxs != int64(h)+1 {
				t.Fatal(h, err, uerr, i, ierr)
			}
		}
		audit(t, c)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		c = open(1)
	}
	// Consumers that stand where nothing is deleted go on; others are told.
	if _, _, err := c.UpdatesSince(chain.Index{}, 5); !errors.Is(err, chain.ErrPruned) {
		t.Error(err)
	}
	at, _ := c.IndexAt(40)
	if _, applied, err := c.UpdatesSince(at, 5); err != nil || len(applied) != 5 {
		t.Error(len(applied), err)
	}
	if back, _, err := c.UpdatesSince(side, 2); err != nil || len(back) != 2 {
		t.Error(len(back), err)
	}
	// Without a limit nothing more goes, and what is gone stays gone.
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = open(0)
	chaintest.MineN(t, c, anyone, 5)
	if first, on := c.Pruned(); first != 41 || !on {
		t.Error(first, on)
	}
	if h, err := c.PruneTo(10); h != 40 || err != nil {
		t.Error(h, err)
	}
	if h, err := c.PruneTo(1000); h != 45 || err != nil {
		t.Error(h, err)
	}
}

func TestChainsThatForkOffWhereBlocksWereDeletedAreRefused(t *testing.T) {
	fs := vfs.NewMem()
	c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs, NoSync: true})
	chaintest.MineN(t, c, anyone, 5)
	low := c.Tip()
	side := extend(t, c, low, 3, 9)
	extend(t, c, low, 300, 1)
	if h, err := c.PruneTo(10); h != 10 || err != nil {
		t.Fatal(h, err)
	}
	tip := c.Tip()
	for range 2 {
		// As a block, neither on a known side chain nor on a new one.
		for _, on := range []chain.Index{side, low} {
			b := chaintest.Block(t, c.Params(), head(t, c, on), on.Height, anyone, 0, 77)
			if o, err := c.ProcessBlock(t.Context(), b); !errors.Is(err, chain.ErrPruned) || o.MainChain || c.HaveBlock(b.BlockHash()) {
				t.Error(o, err)
			}
		}
		// As headers they are followed, but their blocks are not asked for.
		parent, height := head(t, c, side), side.Height
		for height <= tip.Height {
			b := chaintest.Block(t, c.Params(), parent, height, anyone, 0, 5)
			if err := c.ProcessHeaders(headersOf(b)); err != nil {
				t.Fatal(err)
			}
			parent, height = b.Header, height+1
		}
		if c.BestHeader().Height <= tip.Height || len(c.Missing(1000)) != 0 || c.Tip() != tip {
			t.Error(c.BestHeader(), len(c.Missing(1000)), c.Tip())
		}
		// And no block that was deleted can be declared invalid: what spent it could not be taken back.
		at, _ := c.IndexAt(10)
		if err := c.InvalidateBlock(t.Context(), at.Hash); !errors.Is(err, chain.ErrPruned) || c.Tip() != tip {
			t.Error(err, c.Tip())
		}
		at, _ = c.IndexAt(3)
		b := chaintest.Block(t, c.Params(), head(t, c, at), 3, anyone, 0, 0)
		if _, err := c.ProcessBlock(t.Context(), b); err == nil || !errors.Is(err, chain.ErrPruned) && !consensus.Is(err, blockchain.ErrDuplicateBlock) {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		c = chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs, NoSync: true})
	}
	at, _ := c.IndexAt(11)
	if err := c.InvalidateBlock(t.Context(), at.Hash); err != nil || c.Tip().Height != 10 {
		t.Error(err, c.Tip())
	}
	if err := c.ReconsiderBlock(t.Context(), at.Hash); err != nil || c.Tip() != tip {
		t.Error(err, c.Tip())
	}
}
