package chain_test

import (
	"reflect"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

// extend processes n blocks on a block, the first of them with txs, and returns the last.
func extend(t testing.TB, c *chain.Chain, on chain.Index, n int, salt uint64, txs ...*wire.MsgTx) chain.Index {
	t.Helper()
	for range n {
		b := chaintest.BlockOn(t, c, on, anyone, salt, txs...)
		if _, err := c.ProcessBlock(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		on, txs = chain.Index{Height: on.Height + 1, Hash: b.BlockHash()}, nil
	}
	return on
}

func TestReorgAndBackLeavesTheSameCoins(t *testing.T) {
	fs := vfs.NewMem()
	c, k := chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs}), chaintest.Key(t, 1)
	coins := chaintest.MineN(t, c, chaintest.Script(k), 15)
	base := c.Tip()
	pay := func(i int, v int64) *wire.MsgTx {
		return chaintest.Spend(t, k, coins[i], reward, &wire.TxOut{Value: v, PkScript: chaintest.Script(k)}, &wire.TxOut{Value: 5, PkScript: nobody})
	}
	one := pay(0, reward-105)
	again := chaintest.Spend(t, k, wire.OutPoint{Hash: one.TxHash()}, reward-105, &wire.TxOut{Value: 1, PkScript: anyone})
	both := pay(2, reward-5) // on both forks; spent at once on the other one
	spent := wire.OutPoint{Hash: both.TxHash()}
	left := extend(t, c, base, 3, 1, one, again, pay(1, reward-5), both)
	before, totals := audit(t, c), c.Totals()

	// The fork spends one of these coins otherwise and leaves the other.
	right := extend(t, c, base, 4, 2, pay(0, 7), both, chaintest.Spend(t, k, spent, reward-5, &wire.TxOut{Value: 8, PkScript: anyone}))
	if c.Tip() != right {
		t.Fatalf("tip %+v, want %+v", c.Tip(), right)
	}
	audit(t, c)
	if coin, err := c.Coin(coins[1]); coin == nil || err != nil {
		t.Error("the coin spent on the other fork alone is not back:", err)
	}
	if coin, _ := c.Coin(wire.OutPoint{Hash: one.TxHash()}); coin != nil {
		t.Error("an output of the other fork is left over")
	}
	if coin, _ := c.Coin(spent); coin != nil {
		t.Error("an output of both forks that is spent on this one is left over")
	}
	if _, err := c.Block(left.Hash); err != nil {
		t.Error("the block left behind is gone:", err)
	}

	// Back again, and two blocks further; and then by themselves on a fresh chain.
	end := extend(t, c, left, 2, 1)
	if c.Tip() != end {
		t.Fatalf("tip %+v, want %+v", c.Tip(), end)
	}
	after := audit(t, c)
	for o, coin := range before {
		if !reflect.DeepEqual(after[o], coin) {
			t.Errorf("coin %v was %+v and is %+v", o, coin, after[o])
		}
	}
	if len(after) != len(before)+2 || c.Totals().Burned != totals.Burned || c.Totals().Held != totals.Held+2*consensus.BaseSubsidy {
		t.Errorf("%d coins and %+v, then %d and %+v", len(before), totals, len(after), c.Totals())
	}
	replay(t, c)

	// And so they are for the next process.
	want := c.Totals()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs})
	if c.Tip() != end || c.BestHeader() != end || c.Totals() != want || !reflect.DeepEqual(audit(t, c), after) {
		t.Errorf("after a restart: tip %+v, totals %+v", c.Tip(), c.Totals())
	}
}

func TestUpdatesSinceAForkRevertsNewestFirstAndAppliesOldestFirst(t *testing.T) {
	c := chaintest.New(t)
	chaintest.MineN(t, c, anyone, 5)
	base := c.Tip()
	left := extend(t, c, base, 3, 1)
	right := extend(t, c, base, 5, 2)
	heights := func(us []chain.Update) (hs []int32) {
		for _, u := range us {
			hs = append(hs, u.Height)
		}
		return hs
	}
	for _, x := range []struct {
		at                chain.Index
		max               int
		reverted, applied []int32
	}{
		{left, 100, []int32{8, 7, 6}, []int32{6, 7, 8, 9, 10}},
		{left, 5, []int32{8, 7, 6}, []int32{6, 7}},
		{left, 3, []int32{8, 7, 6}, nil},
		{left, 2, []int32{8, 7}, nil},
		{left, 0, nil, nil},
		{base, 100, nil, []int32{6, 7, 8, 9, 10}},
		{right, 100, nil, nil},
		{chain.Index{}, 3, nil, []int32{0, 1, 2}},
		{chain.Index{Hash: *c.Params().GenesisHash}, 2, nil, []int32{1, 2}},
	} {
		reverted, applied, err := c.UpdatesSince(x.at, x.max)
		if err != nil || !reflect.DeepEqual(heights(reverted), x.reverted) || !reflect.DeepEqual(heights(applied), x.applied) {
			t.Errorf("since %d, %d at most: %v, %v, %v; want %v, %v", x.at.Height, x.max, heights(reverted), heights(applied), err, x.reverted, x.applied)
		}
	}
}
