package chain_test

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

// fingerprint tells one set of coins from another: the sum of a hash of each.
type fingerprint [32]byte

func (p *fingerprint) toggle(o wire.OutPoint, out *wire.TxOut) {
	b := binary.BigEndian.AppendUint32(o.Hash[:], o.Index)
	b = binary.BigEndian.AppendUint64(b, uint64(out.Value))
	h := sha256.Sum256(append(b, out.PkScript...))
	for i := range p {
		p[i] ^= h[i]
	}
}

func printOf(t testing.TB, c *chain.Chain) (p fingerprint) {
	for o, coin := range audit(t, c) {
		p.toggle(o, &coin.Out)
	}
	return p
}

// history is a chain's blocks and the coins after each, found by adding up what the blocks say.
type history struct {
	blocks []*wire.MsgBlock
	prints []fingerprint
}

// busyChain is a chain whose blocks make coins, spend those of the block before, and spend some where they are made.
func busyChain(t testing.TB, n int) (h history) {
	c := chaintest.New(t)
	for range n {
		var txs []*wire.MsgTx
		if i, ok := c.IndexAt(c.Tip().Height - 10); ok && i.Height > 0 {
			b, err := c.Block(i.Hash)
			if err != nil {
				t.Fatal(err)
			}
			fan := free(wire.OutPoint{Hash: b.Transactions[0].TxHash()}, reward, 4)
			txs = append(txs, fan, free(wire.OutPoint{Hash: fan.TxHash(), Index: 1}, reward/4, 1))
			if last := h.blocks[len(h.blocks)-1]; len(last.Transactions) > 1 {
				txs = append(txs, free(wire.OutPoint{Hash: last.Transactions[1].TxHash()}, reward/4, 2))
			}
		}
		h.blocks = append(h.blocks, chaintest.Mine(t, c, anyone, txs...))
	}
	var p fingerprint
	_, applied, err := c.UpdatesSince(chain.Index{}, n+1)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range applied {
		for i, tx := range u.Block.Transactions {
			for j, out := range u.Spent[i] {
				p.toggle(tx.TxIn[j].PreviousOutPoint, out)
			}
			for j, out := range tx.TxOut {
				if len(out.PkScript) == 1 && out.PkScript[0] == anyone[0] {
					p.toggle(wire.OutPoint{Hash: tx.TxHash(), Index: uint32(j)}, out)
				}
			}
		}
		h.prints = append(h.prints, p)
	}
	return h
}

// free spends a coin that anyone may spend to n such coins.
func free(from wire.OutPoint, value int64, n int) *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&from, nil, nil))
	for range n {
		tx.AddTxOut(&wire.TxOut{Value: value / int64(n), PkScript: anyone})
	}
	return tx
}

func TestDownloadLeavesTheCoinsThatBlocksOneByOneLeave(t *testing.T) {
	h := busyChain(t, 400)
	for _, cache := range []int{3 * 4_000, 3 * 100_000, 0} { // written every few blocks, now and then, at the end
		fs := vfs.NewMem()
		c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs, CoinCacheBytes: cache})
		if err := c.ProcessHeaders(headersOf(h.blocks...)); err != nil {
			t.Fatal(err)
		}
		for i, b := range h.blocks {
			if o, err := c.ProcessBlock(t.Context(), b); err != nil || !o.MainChain {
				t.Fatal(o, err)
			}
			if coin, err := c.Coin(wire.OutPoint{Hash: b.Transactions[0].TxHash()}); coin == nil || err != nil {
				t.Fatalf("height %d: the coin just made: %v, %v", i+1, coin, err)
			}
			if i >= 11 {
				if coin, err := c.Coin(b.Transactions[1].TxIn[0].PreviousOutPoint); coin != nil || err != nil {
					t.Fatalf("height %d: the coin just spent: %v, %v", i+1, coin, err)
				}
			}
			if i%97 == 5 && printOf(t, c) != h.prints[i+1] {
				t.Fatalf("height %d: other coins", i+1)
			}
			if i == 200 { // in the middle of a download
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
				c = chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs, CoinCacheBytes: cache})
			}
		}
		if printOf(t, c) != h.prints[len(h.blocks)] {
			t.Error("other coins at the end")
		}
		replay(t, c)
	}
}

// A reorganization in the middle of a download finds the coins as they are, and takes all of them with it.
func TestReorgDuringADownload(t *testing.T) {
	h := busyChain(t, 400)
	c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: vfs.NewMem()})
	if err := c.ProcessHeaders(headersOf(h.blocks...)); err != nil {
		t.Fatal(err)
	}
	for _, b := range h.blocks[:100] {
		if _, err := c.ProcessBlock(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	base, _ := c.IndexAt(90)
	extend(t, c, base, 12, 3)
	if c.Tip().Height != 102 {
		t.Fatal(c.Tip())
	}
	replay(t, c)
	for _, b := range h.blocks[100:] {
		if _, err := c.ProcessBlock(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if c.Tip().Height != 400 || printOf(t, c) != h.prints[400] {
		t.Error(c.Tip())
	}
}

// TestCrashAtAnyWriteOfADownload takes the power away before a write to the file system, of ever another one, and looks at
// what is left: a tip that was announced, not older than one that a consumer was told of, or the block after it, and its
// coins.
func TestCrashAtAnyWriteOfADownload(t *testing.T) {
	h := busyChain(t, 400)
	for seed := range uint64(2) {
		var (
			rng   = rand.New(rand.NewPCG(seed, 9)) // held by mu
			when  = rand.New(rand.NewPCG(seed, 10))
			fs    = vfs.NewCrashableMem()
			mu    sync.Mutex
			told  = int32(0) // height that a consumer was told of
			shown = int32(0) // height announced
			left  []func()
		)
		crash := func(op errorfs.Op) error {
			mu.Lock()
			defer mu.Unlock()
			if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || shown < 1 || rng.IntN(6) != 0 {
				return nil
			}
			low, high := told, shown+1
			clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(2) * rng.IntN(101), RNG: rng})
			left = append(left, func() {
				c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: clone})
				tip := c.Tip()
				if tip.Height < low || tip.Height > high {
					t.Fatalf("%v: came back at height %d, not %d to %d", op.Kind, tip.Height, low, high)
				}
				if tip.Height > 0 && tip.Hash != h.blocks[tip.Height-1].BlockHash() || printOf(t, c) != h.prints[tip.Height] {
					t.Fatalf("%v: came back at %+v with other coins", op.Kind, tip)
				}
			})
			return nil
		}
		c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: errorfs.Wrap(fs, errorfs.InjectorFunc(crash)), CoinCacheBytes: 3 * 15_000})
		if err := c.ProcessHeaders(headersOf(h.blocks...)); err != nil {
			t.Fatal(err)
		}
		follower := chain.Index{}
		for _, b := range h.blocks {
			if _, err := c.ProcessBlock(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			tip := c.Tip()
			mu.Lock()
			if shown = tip.Height; tip.Height > 400-144 {
				told = tip.Height // caught up: every tip lasts
			}
			mu.Unlock()
			if when.IntN(10) == 0 {
				_, applied, err := c.UpdatesSince(follower, 1000)
				if err != nil {
					t.Fatal(err)
				}
				if len(applied) > 0 {
					follower = applied[len(applied)-1].Index
				}
				mu.Lock()
				told = max(told, follower.Height)
				mu.Unlock()
			}
		}
		if len(left) < 20 {
			t.Errorf("%d crashes", len(left))
		}
		t.Logf("%d crashes", len(left))
		for _, look := range left {
			look()
		}
	}
}

// A block that spends many coins that only the database has reads them on all cores; the verdict is the same.
func TestBlockOfManyColdCoins(t *testing.T) {
	fs := vfs.NewMem()
	c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs})
	coins := chaintest.MineN(t, c, anyone, 11)
	fan := free(coins[0], reward, 500)
	chaintest.Mine(t, c, anyone, fan)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs})
	all := wire.NewMsgTx(2)
	for i := range fan.TxOut {
		all.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: fan.TxHash(), Index: uint32(i)}, nil, nil))
	}
	all.AddTxOut(&wire.TxOut{Value: reward / 500 * 500, PkScript: anyone})
	lacking := all.Copy()
	lacking.TxIn[333].PreviousOutPoint.Index = 500 // one too far
	b := chaintest.BlockOn(t, c, c.Tip(), anyone, 0, lacking)
	if _, err := c.ProcessBlock(t.Context(), b); !consensus.Is(err, blockchain.ErrMissingTxOut) {
		t.Error(err)
	}
	chaintest.Mine(t, c, anyone, all)
	if coin, err := c.Coin(wire.OutPoint{Hash: fan.TxHash(), Index: 7}); coin != nil || err != nil {
		t.Error(coin, err)
	}
	replay(t, c)
}
