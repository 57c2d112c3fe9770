package chain_test

import (
	"errors"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

func TestChangedIsClosedAtEveryChangeOfTip(t *testing.T) {
	c := chaintest.New(t)
	for range 3 {
		changed := c.Changed()
		if err := c.ProcessHeaders([]*wire.BlockHeader{&chaintest.BlockOn(t, c, c.Tip(), anyone, 5).Header}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
			t.Fatal("closed by a header")
		default:
		}
		chaintest.Mine(t, c, anyone)
		select {
		case <-changed:
		default:
			t.Fatal("not closed by a block")
		}
	}
}

func TestClosedChainAndForeignDatabaseAnswerWithTheirErrors(t *testing.T) {
	fs := vfs.NewMem()
	c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs})
	b := chaintest.BlockOn(t, c, c.Tip(), anyone, 0)
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Fatal(err)
	}
	_, e1 := c.ProcessBlock(t.Context(), b)
	_, e2 := c.Coin(wire.OutPoint{})
	_, e3 := c.Block(c.Tip().Hash)
	_, _, e4 := c.UpdatesSince(chain.Index{}, 1)
	for i, err := range []error{e1, e2, e3, e4, c.ProcessHeaders(nil), c.CheckTemplate(t.Context(), b)} {
		if !errors.Is(err, chain.ErrClosed) {
			t.Error(i, err)
		}
	}
	if _, err := chain.Open(consensus.Test(), chain.Options{FS: fs}); !errors.Is(err, chain.ErrNetwork) {
		t.Error(err)
	}
	c = chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs})
	if _, err := c.Block(chainHash{1}); !errors.Is(err, chain.ErrUnknown) {
		t.Error(err)
	}
	if err := c.ProcessHeaders([]*wire.BlockHeader{&b.Header}); err != nil {
		t.Error(err)
	}
	if _, err := c.Block(b.BlockHash()); !errors.Is(err, chain.ErrMissing) {
		t.Error(err)
	}
	if err := c.ProcessHeaders(make([]*wire.BlockHeader, 2001)); !errors.Is(err, chain.ErrTooMany) {
		t.Error(err)
	}
}

func TestQueriesOfTheBestChain(t *testing.T) {
	c := chaintest.New(t)
	chaintest.MineN(t, c, anyone, 40)
	base, _ := c.IndexAt(10)
	side := chaintest.BlockOn(t, c, base, anyone, 3)
	if o, err := c.ProcessBlock(t.Context(), side); err != nil || o.MainChain {
		t.Fatal(o, err)
	}
	if _, ok := c.IndexAt(41); ok {
		t.Error("a block above the tip")
	}
	if _, ok := c.IndexAt(-1); ok {
		t.Error("a block below genesis")
	}
	loc := c.Locator()
	if len(loc) != 15 || loc[0] != c.Tip().Hash || loc[14] != *c.Params().GenesisHash { // 40 to 31, 29, 25, 17, 1, 0
		t.Error(len(loc), loc)
	}
	for name, x := range map[string]struct {
		locator     []chainHash
		stop        chainHash
		max         int
		first, last int32 // heights; last 0: none
	}{
		"all":                    {[]chainHash{*c.Params().GenesisHash}, chainHash{}, 2000, 1, 40},
		"nothing in common":      {[]chainHash{{1}}, chainHash{}, 2000, 1, 40},
		"at most five":           {[]chainHash{base.Hash}, chainHash{}, 5, 11, 15},
		"after the fork":         {[]chainHash{side.BlockHash(), base.Hash}, chainHash{}, 2000, 11, 40},
		"none after the tip":     {[]chainHash{c.Tip().Hash}, chainHash{}, 2000, 0, 0},
		"up to a block":          {[]chainHash{*c.Params().GenesisHash}, base.Hash, 2000, 1, 10},
		"the one header":         {nil, base.Hash, 2000, 10, 10},
		"one header not there":   {nil, chainHash{1}, 2000, 0, 0},
		"the one header of none": {nil, base.Hash, 0, 0, 0},
	} {
		hs := c.HeadersAfter(x.locator, x.stop, x.max)
		if len(hs) == 0 {
			if x.last != 0 {
				t.Error(name, "no headers")
			}
			continue
		}
		_, first, _ := c.Header(hs[0].BlockHash())
		_, last, _ := c.Header(hs[len(hs)-1].BlockHash())
		if first != x.first || last != x.last || len(hs) != int(last-first)+1 {
			t.Error(name, first, last, len(hs))
		}
	}
	tip := head(t, c, c.Tip())
	if want := tip.Timestamp.Add(-5 * time.Second); !c.MedianTime().Equal(want) {
		t.Error(c.MedianTime(), want)
	}
	if c.NextBits(c.Tip(), time.Time{}) != tip.Bits || c.NextBits(chain.Index{Hash: chainHash{1}}, time.Time{}) != 0 {
		t.Error(c.NextBits(c.Tip(), time.Time{}))
	}
	if _, _, err := c.UpdatesSince(chain.Index{Height: 11, Hash: side.BlockHash()}, 9); !errors.Is(err, chain.ErrMissing) {
		t.Error("since a block that was never on the best chain:", err)
	}
	if _, _, err := c.UpdatesSince(chain.Index{Height: 3, Hash: base.Hash}, 9); !errors.Is(err, chain.ErrUnknown) {
		t.Error("since a block at the wrong height:", err)
	}
}
