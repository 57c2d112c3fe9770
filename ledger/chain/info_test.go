package chain_test

import (
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

func headersOf(bs ...*wire.MsgBlock) (hs []*wire.BlockHeader) {
	for _, b := range bs {
		hs = append(hs, &b.Header)
	}
	return hs
}

func TestInfoSaysWhatIsKnownOfABlock(t *testing.T) {
	fs := vfs.NewMem()
	c, k := chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs}), chaintest.Key(t, 1)
	coins := chaintest.MineN(t, c, chaintest.Script(k), 12)
	pay := chaintest.Spend(t, k, coins[0], reward, &wire.TxOut{Value: reward - 9, PkScript: anyone})
	b := chaintest.Mine(t, c, anyone, pay)
	last := chaintest.Mine(t, c, anyone)
	side := chaintest.BlockOn(t, c, chain.Index{Hash: *c.Params().GenesisHash}, anyone, 4)
	if _, err := c.ProcessBlock(t.Context(), side); err != nil {
		t.Fatal(err)
	}
	next := chaintest.BlockOn(t, c, c.Tip(), anyone, 5)
	if err := c.ProcessHeaders(headersOf(next)); err != nil {
		t.Fatal(err)
	}
	per := blockchain.CalcWork(c.Params().PowLimitBits)
	for range 2 {
		for _, x := range []struct {
			b    *wire.MsgBlock
			want chain.BlockInfo
		}{
			{b, chain.BlockInfo{Index: chain.Index{Height: 13}, Txs: 2, ChainTxs: 15, OnMain: true, Next: last.BlockHash(), Stored: true}},
			{last, chain.BlockInfo{Index: chain.Index{Height: 14}, Txs: 1, ChainTxs: 16, OnMain: true, Stored: true}},
			{side, chain.BlockInfo{Index: chain.Index{Height: 1}, Txs: 1, ChainTxs: 2, Stored: true}},
			{next, chain.BlockInfo{Index: chain.Index{Height: 15}}},
			{c.Params().GenesisBlock, chain.BlockInfo{Txs: 1, ChainTxs: 1, OnMain: true, Stored: true, Next: c.HeadersAfter([]chainHash{{}}, chainHash{}, 1)[0].BlockHash()}},
		} {
			got, err := c.Info(x.b.BlockHash())
			work := new(big.Int).Mul(per, big.NewInt(int64(x.want.Height)+1))
			if err != nil || got.Work.Cmp(work) != 0 || got.Hash != x.b.BlockHash() || got.Header.BlockHash() != got.Hash {
				t.Errorf("height %d: %+v, %v", x.want.Height, got, err)
			}
			median := x.b.Header.Timestamp.Add(-time.Duration(min(x.want.Height, 10)/2) * time.Second)
			if !got.MedianTime.Equal(median) {
				t.Errorf("height %d: median time %v, want %v", x.want.Height, got.MedianTime, median)
			}
			got.Work, got.Hash, got.Header, got.MedianTime = nil, chainHash{}, wire.BlockHeader{}, time.Time{}
			if got != x.want {
				t.Errorf("%+v, want %+v", got, x.want)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		c = chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs})
	}
	if _, err := c.Info(chainHash{1}); !errors.Is(err, chain.ErrUnknown) {
		t.Error(err)
	}
	u, err := c.BlockUndo(b.BlockHash())
	if err != nil || u.Height != 13 || len(u.Spent) != 2 || u.Spent[1][0].Out.Value != reward || u.Spent[1][0].Height != 1 || !u.Spent[1][0].Coinbase {
		t.Error(u, err)
	}
	if _, err := c.BlockUndo(side.BlockHash()); !errors.Is(err, chain.ErrMissing) {
		t.Error(err)
	}
	if _, err := c.BlockUndo(chainHash{1}); !errors.Is(err, chain.ErrUnknown) {
		t.Error(err)
	}
	if c.SizeOnDisk() <= 0 {
		t.Error(c.SizeOnDisk())
	}
}

func TestTipsHaveTheirStatusAndBranchLength(t *testing.T) {
	c := chaintest.New(t)
	chaintest.MineN(t, c, anyone, 4)
	base := c.Tip()
	extend(t, c, base, 2, 1) // left again
	extend(t, c, base, 3, 2)
	low, _ := c.IndexAt(1)
	extend(t, c, low, 2, 3) // never the best
	header := chaintest.BlockOn(t, c, c.Tip(), anyone, 4)
	bad := chaintest.BlockOn(t, c, c.Tip(), anyone, 5)
	bad.Transactions[0].TxOut[0].Value++
	chaintest.Solve(bad)
	if err := c.ProcessHeaders(headersOf(header, bad)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ProcessBlock(t.Context(), bad); err == nil {
		t.Fatal("a bad block was taken")
	}
	type row struct {
		height, branch int32
		status         string
	}
	var got []row
	for _, tip := range c.Tips() {
		got = append(got, row{tip.Height, tip.BranchLen, tip.Status})
	}
	slices.SortFunc(got, func(a, b row) int { return int(b.height-a.height)*100 + len(a.status) - len(b.status) })
	want := []row{{8, 1, "invalid"}, {8, 1, "headers-only"}, {7, 0, "active"}, {6, 2, "valid-fork"}, {3, 2, "valid-headers"}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestInitialDownloadEndsWithAYoungTipOfEnoughWork(t *testing.T) {
	p := consensus.Dev()
	per := blockchain.CalcWork(p.PowLimitBits)
	p.MinimumChainWork = new(big.Int).Mul(per, big.NewInt(4)) // genesis and three
	now := p.GenesisBlock.Header.Timestamp.Add(25 * time.Hour)
	c := chaintest.Open(t, p, chain.Options{FS: vfs.NewMem(), Now: func() time.Time { return now }})
	chaintest.MineN(t, c, anyone, 2)
	if !c.InitialDownload() {
		t.Error("over with an old tip of little work")
	}
	now = p.GenesisBlock.Header.Timestamp.Add(time.Hour)
	if !c.InitialDownload() {
		t.Error("over with a tip of little work")
	}
	chaintest.Mine(t, c, anyone)
	now = now.Add(24 * time.Hour)
	if !c.InitialDownload() {
		t.Error("over with an old tip")
	}
	now = now.Add(-time.Hour)
	if c.InitialDownload() {
		t.Error("not over")
	}
	now = now.Add(1000 * time.Hour)
	if c.InitialDownload() {
		t.Error("begins anew")
	}
}

// The clock that headers are held to is the one handed in.
func TestBlocksFromTheFutureByTheClockHandedIn(t *testing.T) {
	p := consensus.Dev()
	now := p.GenesisBlock.Header.Timestamp.Add(-2*time.Hour + time.Second)
	c := chaintest.Open(t, p, chain.Options{FS: vfs.NewMem(), Now: func() time.Time { return now }})
	chaintest.Mine(t, c, anyone)
	b := chaintest.BlockOn(t, c, c.Tip(), anyone, 0)
	for _, err := range []error{c.CheckTemplate(t.Context(), b), c.ProcessHeaders(headersOf(b))} {
		if !consensus.Is(err, blockchain.ErrTimeTooNew) {
			t.Error(err)
		}
	}
}

func TestEachCoinIsSortedAndOfOneTip(t *testing.T) {
	c := chaintest.New(t)
	chaintest.MineN(t, c, anyone, 30)
	tip := c.Tip()
	var seen []wire.OutPoint
	at, err := c.EachCoin(t.Context(), func(o wire.OutPoint, coin chain.Coin) error {
		if len(seen) == 0 {
			// What comes meanwhile is not seen.
			b := chaintest.BlockOn(t, c, c.Tip(), anyone, 1)
			if _, err := c.ProcessBlock(t.Context(), b); err != nil {
				return err
			}
		}
		if coin.Out.Value != reward || !coin.Coinbase || coin.Height > 30 {
			t.Errorf("%v: %+v", o, coin)
		}
		seen = append(seen, o)
		return nil
	})
	if err != nil || at != tip || len(seen) != 30 || !slices.Equal(seen, sorted(slices.Clone(seen))) {
		t.Errorf("%d at %+v, %v", len(seen), at, err)
	}
	stop := errors.New("stop")
	n := 0
	if _, err := c.EachCoin(t.Context(), func(wire.OutPoint, chain.Coin) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Error(n, err)
	}
}
