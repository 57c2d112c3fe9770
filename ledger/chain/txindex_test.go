package chain_test

import (
	"errors"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

// indexed holds the index against the best chain's blocks, and returns its transactions.
func indexed(t *testing.T, c *chain.Chain) map[chainhash.Hash]bool {
	t.Helper()
	all := map[chainhash.Hash]bool{}
	for h := range c.Tip().Height + 1 {
		at, _ := c.IndexAt(h)
		b, err := c.Block(at.Hash)
		if err != nil {
			t.Fatal(err)
		}
		for _, tx := range b.Transactions {
			got, i, err := c.Tx(tx.TxHash())
			if err != nil || i != at || got.WitnessHash() != tx.WitnessHash() {
				t.Errorf("transaction %v of %+v: %+v, %v", tx.TxHash(), at, i, err)
			}
			all[tx.TxHash()] = true
		}
	}
	return all
}

func TestTxIndexFollowsTheBestChain(t *testing.T) {
	fs, k := vfs.NewMem(), chaintest.Key(t, 1)
	open := func(index bool) *chain.Chain {
		return chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs, TxIndex: index})
	}
	c := open(true)
	coins := chaintest.MineN(t, c, chaintest.Script(k), 12)
	base := c.Tip()
	pay := func(i int) *wire.MsgTx {
		return chaintest.Spend(t, k, coins[i], reward, &wire.TxOut{Value: reward, PkScript: anyone})
	}
	left := extend(t, c, base, 2, 1, pay(0), pay(1))
	was := indexed(t, c)
	extend(t, c, base, 3, 2, pay(1))
	is := indexed(t, c)
	if _, _, err := c.Tx(pay(0).TxHash()); !errors.Is(err, chain.ErrUnknown) || is[pay(0).TxHash()] || !was[pay(0).TxHash()] {
		t.Error("a transaction of the chain left:", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Tx(pay(1).TxHash()); !errors.Is(err, chain.ErrClosed) {
		t.Error(err)
	}
	// Turned off it is gone; turned on again it is built from the blocks.
	c = open(false)
	if _, _, err := c.Tx(pay(1).TxHash()); !errors.Is(err, chain.ErrNoTxIndex) {
		t.Error(err)
	}
	extend(t, c, left, 3, 1)
	want := c.Tip()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = open(true)
	if indexed(t, c); c.Tip() != want {
		t.Error(c.Tip())
	}
	if _, _, err := c.Tx(chainHash{1}); !errors.Is(err, chain.ErrUnknown) {
		t.Error(err)
	}
	chaintest.Mine(t, c, anyone)
	indexed(t, c)
}

func TestIndexAndPruningExcludeOneAnother(t *testing.T) {
	fs := vfs.NewMem()
	if _, err := chain.Open(consensus.Dev(), chain.Options{FS: fs, TxIndex: true, PruneBytes: 1}); !errors.Is(err, chain.ErrPruneIndex) {
		t.Error(err)
	}
	c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs, TxIndex: true, NoSync: true})
	chaintest.MineN(t, c, anyone, 300)
	if _, err := c.PruneTo(5); !errors.Is(err, chain.ErrPruneIndex) {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs, NoSync: true})
	if h, err := c.PruneTo(5); h != 5 || err != nil {
		t.Error(h, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := chain.Open(consensus.Dev(), chain.Options{FS: fs, TxIndex: true}); !errors.Is(err, chain.ErrPruneIndex) {
		t.Error(err)
	}
}

// A build that was killed goes on where its last batch ended: what is above the height noted is entered again.
func TestInterruptedTxIndexBuildGoesOn(t *testing.T) {
	fs := vfs.NewMem()
	c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs, TxIndex: true, NoSync: true})
	chaintest.MineN(t, c, anyone, 20)
	above := map[chainhash.Hash]bool{}
	for h := int32(7); h <= 20; h++ {
		i, _ := c.IndexAt(h)
		b, err := c.Block(i.Hash)
		if err != nil {
			t.Fatal(err)
		}
		above[b.Transactions[0].TxHash()] = true
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	var left []record
	for _, r := range recordsOf(t, fs) {
		switch {
		case r.key[0] == 'x' && above[chainhash.Hash(r.key[1:])]:
			continue
		case r.key[0] == 'i':
			r.value = []byte{7} // the first height that is not entered
		}
		left = append(left, r)
	}
	if len(left) > 21*6+10 {
		t.Fatal(len(left))
	}
	c = chaintest.Open(t, consensus.Dev(), chain.Options{FS: written(t, left), TxIndex: true, NoSync: true})
	if all := indexed(t, c); len(all) != 21 {
		t.Error(len(all))
	}
}
