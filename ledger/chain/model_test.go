package chain_test

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

var (
	anyone = []byte{txscript.OP_TRUE}   // spendable by an empty script
	nobody = []byte{txscript.OP_RETURN} // by none
)

// world is what a test believes: every block made, whether it is valid with all its ancestors, and the coins after it.
type world struct {
	p      *consensus.Params
	fs     *vfs.MemFS
	c      *chain.Chain
	blocks []*block
	best   *block
	salt   uint64
	seen   int
}

type block struct {
	index    chain.Index
	msg      *wire.MsgBlock
	from     *block
	valid    bool // it and its ancestors keep the rules
	seen     int  // in which order this process came to know it; 0 for the best chain that it began with
	declared bool // invalid, by InvalidateBlock
	coins    map[wire.OutPoint]chain.Coin
}

// out says whether a block or an ancestor of its is declared invalid.
func (b *block) out() bool {
	for ; b != nil; b = b.from {
		if b.declared {
			return true
		}
	}
	return false
}

// descends says whether b is o or a descendant of it.
func (b *block) descends(o *block) bool {
	for ; b != nil; b = b.from {
		if b == o {
			return true
		}
	}
	return false
}

func newWorld(t testing.TB) *world {
	w := &world{p: consensus.Dev(), fs: vfs.NewMem()}
	w.p.CoinbaseMaturity = 3
	g := w.p.GenesisBlock
	w.best = &block{index: chain.Index{Hash: g.BlockHash()}, msg: g, valid: true, coins: map[wire.OutPoint]chain.Coin{}}
	w.blocks = []*block{w.best}
	w.open(t)
	return w
}

func (w *world) open(t testing.TB) {
	var err error
	if w.c, err = chain.Open(w.p, chain.Options{FS: w.fs, NoSync: true}); err != nil {
		t.Fatal(err)
	}
	// A new process knows what was best, and of the others the hashes.
	rest := slices.Clone(w.blocks)
	slices.SortFunc(rest, func(a, b *block) int { return bytes.Compare(a.index.Hash[:], b.index.Hash[:]) })
	for _, b := range rest {
		w.seen++
		b.seen = w.seen
		if w.best.descends(b) {
			b.seen = 0
		}
	}
}

// grow makes a block on one made before, of random transactions, and hands it in.
func (w *world) grow(t *testing.T, rt *rapid.T) {
	back := rapid.SampledFrom([]int{0, 0, 0, 0, 1, 1, 2, 3, 5, 8}).Draw(rt, "back")
	from := w.blocks[max(0, len(w.blocks)-1-back)]
	height := from.index.Height + 1
	coins := maps.Clone(from.coins)
	spendable := func() (os []wire.OutPoint) {
		for o, c := range coins {
			if !c.Coinbase || height-c.Height >= int32(w.p.CoinbaseMaturity) {
				os = append(os, o)
			}
		}
		return os
	}
	var txs []*wire.MsgTx
	var fees int64
	for range rapid.IntRange(0, 3).Draw(rt, "transactions") {
		tx, in := wire.NewMsgTx(2), int64(0)
		for _, o := range first(rapid.Permutation(sorted(spendable())).Draw(rt, "coins"), 2) {
			tx.AddTxIn(wire.NewTxIn(&o, nil, nil))
			in += coins[o].Out.Value
			delete(coins, o)
		}
		if len(tx.TxIn) == 0 {
			break
		}
		out := in
		for range rapid.IntRange(1, 3).Draw(rt, "outputs") {
			v := rapid.Int64Range(0, out).Draw(rt, "value")
			script := rapid.SampledFrom([][]byte{anyone, anyone, nobody}).Draw(rt, "script")
			tx.AddTxOut(&wire.TxOut{Value: v, PkScript: script})
			out -= v
		}
		fees += out
		put(coins, tx, height, false)
		txs = append(txs, tx)
	}
	valid := true
	claim := fees - rapid.SampledFrom([]int64{0, 0, fees / 2, fees, fees + 1000}).Draw(rt, "unclaimed")
	switch rapid.IntRange(0, 20).Draw(rt, "fault") {
	case 0:
		claim, valid = fees+1, false
	case 1:
		if len(txs) > 0 {
			txs, valid = append(txs, doubled(txs[0])), false
		}
	}
	w.salt++
	msg := chaintest.Block(t, w.p, from.msg.Header, from.index.Height, anyone, claim, w.salt, txs...)
	put(coins, msg.Transactions[0], height, true)
	b := &block{index: chain.Index{Height: height, Hash: msg.BlockHash()}, msg: msg, from: from, valid: valid && from.valid, coins: coins}
	o, err := w.c.ProcessBlock(t.Context(), msg)
	if _, broken := consensus.Broken(err); err != nil && !broken || err != nil && b.valid && !b.out() || err == nil && b.out() || o.MainChain && !b.valid {
		rt.Fatalf("block %+v (valid %v): %+v, %v", b.index, b.valid, o, err)
	}
	if err != nil {
		return // it and its children are refused from now on
	}
	w.seen++
	b.seen = w.seen
	w.blocks = append(w.blocks, b)
	w.choose()
}

// choose makes the longest valid chain the best, of equal ones the first seen.
func (w *world) choose() {
	w.best = w.blocks[0]
	for _, b := range w.blocks {
		if b.valid && !b.out() && (b.index.Height > w.best.index.Height || b.index.Height == w.best.index.Height && b.seen < w.best.seen) {
			w.best = b
		}
	}
}

// doubled spends what tx spends once more.
func doubled(tx *wire.MsgTx) *wire.MsgTx {
	twin := tx.Copy()
	twin.LockTime, twin.TxIn[0].Sequence = 1, 0
	return twin
}

func put(coins map[wire.OutPoint]chain.Coin, tx *wire.MsgTx, height int32, coinbase bool) {
	for i, out := range tx.TxOut {
		if out.PkScript[0] != txscript.OP_RETURN {
			coins[wire.OutPoint{Hash: tx.TxHash(), Index: uint32(i)}] = chain.Coin{Out: *out, Height: height, Coinbase: coinbase}
		}
	}
}

// declare declares a block invalid, or takes that back for it and all it stands or falls with.
func (w *world) declare(t *testing.T, rt *rapid.T, invalid bool) {
	b := rapid.SampledFrom(w.blocks).Draw(rt, "declared")
	if invalid {
		err := w.c.InvalidateBlock(t.Context(), b.index.Hash)
		if b.from == nil && errors.Is(err, chain.ErrGenesis) {
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		b.declared = true
	} else {
		if err := w.c.ReconsiderBlock(t.Context(), b.index.Hash); err != nil {
			rt.Fatal(err)
		}
		for _, o := range w.blocks {
			if o.descends(b) || b.descends(o) {
				o.declared = false
			}
		}
	}
	w.choose()
}

func (w *world) check(t *testing.T, rt *rapid.T) {
	if w.c.Tip() != w.best.index {
		rt.Fatalf("tip %+v, want %+v", w.c.Tip(), w.best.index)
	}
	if coins := audit(t, w.c); !reflect.DeepEqual(coins, w.best.coins) {
		rt.Fatalf("at %+v: coins %v, want %v", w.c.Tip(), coins, w.best.coins)
	}
}

// follower keeps the coins by what UpdatesSince tells it alone.
type follower struct {
	at    chain.Index
	coins map[wire.OutPoint]chain.Coin
}

// follow takes one helping of updates, and says whether there was any.
func (f *follower) follow(rt *rapid.T, c *chain.Chain, limit int) bool {
	reverted, applied, err := c.UpdatesSince(f.at, limit)
	if err != nil {
		rt.Fatal(err)
	}
	if len(reverted)+len(applied) > limit {
		rt.Fatalf("%d and %d updates exceed %d", len(reverted), len(applied), limit)
	}
	for _, u := range reverted {
		if u.Index != f.at || len(u.Spent) != len(u.Block.Transactions) || len(u.Spent[0]) != 0 {
			rt.Fatalf("revert %+v at %+v", u.Index, f.at)
		}
		for i := len(u.Block.Transactions) - 1; i >= 0; i-- {
			tx := u.Block.Transactions[i]
			for j := range tx.TxOut {
				delete(f.coins, wire.OutPoint{Hash: tx.TxHash(), Index: uint32(j)})
			}
			for j, out := range u.Spent[i] {
				f.coins[tx.TxIn[j].PreviousOutPoint] = chain.Coin{Out: *out}
			}
		}
		f.at = chain.Index{Height: u.Height - 1, Hash: u.Block.Header.PrevBlock}
	}
	for _, u := range applied {
		if u.Block.BlockHash() != u.Hash || u.Block.Header.PrevBlock != f.at.Hash || u.Height > 0 && u.Height != f.at.Height+1 {
			rt.Fatalf("apply %+v after %+v", u.Index, f.at)
		}
		for i, tx := range u.Block.Transactions {
			for j, out := range u.Spent[i] {
				had, ok := f.coins[tx.TxIn[j].PreviousOutPoint]
				if !ok || !reflect.DeepEqual(had.Out, *out) {
					rt.Fatalf("%+v spends %+v, not %+v", u.Index, *out, had)
				}
				delete(f.coins, tx.TxIn[j].PreviousOutPoint)
			}
			put(f.coins, tx, 0, false)
		}
		f.at = u.Index
	}
	return len(reverted)+len(applied) > 0
}

// TestAnyTreeOfBlocksLeavesTheCoinsOfItsBestChain grows random trees, valid blocks and invalid ones, declares some invalid
// and takes it back, with restarts in between, and holds the coins, the totals and what followers are told against a simple model at every step.
func TestAnyTreeOfBlocksLeavesTheCoinsOfItsBestChain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		f := &follower{coins: map[wire.OutPoint]chain.Coin{}}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0:
				if err := w.c.Close(); err != nil {
					rt.Fatal(err)
				}
				w.open(t)
			case 1:
				w.declare(t, rt, rapid.Bool().Draw(rt, "invalid"))
			case 2, 3:
				f.follow(rt, w.c, rapid.IntRange(1, 4).Draw(rt, "max"))
			default:
				w.grow(t, rt)
			}
			w.check(t, rt)
		}
		for f.follow(rt, w.c, 3) {
		}
		if f.at != w.best.index || len(f.coins) != len(w.best.coins) {
			rt.Fatalf("follower at %+v with %d coins, want %+v with %d", f.at, len(f.coins), w.best.index, len(w.best.coins))
		}
		fresh := newWorld(t)
		var path []*block
		for b := w.best; b.from != nil; b = b.from {
			path = append(path, b)
		}
		for i := len(path) - 1; i >= 0; i-- {
			if _, err := fresh.c.ProcessBlock(t.Context(), path[i].msg); err != nil {
				rt.Fatal(err)
			}
		}
		if fresh.c.Totals() != w.c.Totals() || !reflect.DeepEqual(audit(t, fresh.c), audit(t, w.c)) {
			rt.Fatalf("a fresh chain has %+v, this one %+v", fresh.c.Totals(), w.c.Totals())
		}
		if err := fresh.c.Close(); err != nil {
			rt.Fatal(err)
		}
		if err := w.c.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

func first[T any](s []T, n int) []T { return s[:min(n, len(s))] }

// sorted puts outputs in an order that repeats.
func sorted(os []wire.OutPoint) []wire.OutPoint {
	slices.SortFunc(os, func(a, b wire.OutPoint) int {
		return cmp.Or(bytes.Compare(a.Hash[:], b.Hash[:]), cmp.Compare(a.Index, b.Index))
	})
	return os
}
