package chain_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

func TestPreciousBlockWinsOverThoseOfEqualWork(t *testing.T) {
	fs := vfs.NewMem()
	c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs, TxIndex: true})
	chaintest.MineN(t, c, anyone, 3)
	base := c.Tip()
	left, right := extend(t, c, base, 3, 1), extend(t, c, base, 3, 2)
	if c.Tip() != left {
		t.Fatal(c.Tip())
	}
	for _, want := range []chain.Index{right, right, left, right} {
		if err := c.PreciousBlock(t.Context(), want.Hash); err != nil || c.Tip() != want {
			t.Fatalf("tip %+v, want %+v: %v", c.Tip(), want, err)
		}
		replay(t, c)
	}
	if err := c.PreciousBlock(t.Context(), base.Hash); err != nil || c.Tip() != right {
		t.Errorf("one of less work: tip %+v, %v", c.Tip(), err)
	}
	if err := c.PreciousBlock(t.Context(), chainHash{1}); !errors.Is(err, chain.ErrUnknown) {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if c = chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs, TxIndex: true}); c.Tip() != right {
		t.Errorf("opened at %+v, not %+v", c.Tip(), right)
	}
	if better := extend(t, c, left, 1, 1); c.Tip() != better {
		t.Errorf("tip %+v, not the better %+v", c.Tip(), better)
	}
	audit(t, c)
}

func TestInvalidatedBlockIsLeftForTheNextBestChainAndComesBack(t *testing.T) {
	fs := vfs.NewMem()
	c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs, TxIndex: true})
	chaintest.MineN(t, c, anyone, 3)
	base := c.Tip()
	left := extend(t, c, base, 5, 1)
	right := extend(t, c, base, 2, 2)
	coins, totals := audit(t, c), c.Totals()
	first, _ := c.IndexAt(base.Height + 1)
	reopen := func() {
		t.Helper()
		tip, best := c.Tip(), c.BestHeader()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		c = chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs, TxIndex: true})
		if c.Tip() != tip || c.BestHeader() != best {
			t.Fatalf("opened at %+v, header %+v, not %+v, %+v", c.Tip(), c.BestHeader(), tip, best)
		}
	}
	changed := c.Changed()
	if err := c.InvalidateBlock(t.Context(), first.Hash); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if c.Tip() != right || c.BestHeader() != right {
			t.Fatalf("tip %+v, best header %+v, want %+v", c.Tip(), c.BestHeader(), right)
		}
		replay(t, c)
		if i, err := c.Info(left.Hash); err != nil || !i.Invalid || i.OnMain {
			t.Errorf("the chain left: %+v, %v", i, err)
		}
		on := chaintest.BlockOn(t, c, left, anyone, 1)
		if _, err := c.ProcessBlock(t.Context(), on); !consensus.Is(err, blockchain.ErrInvalidAncestorBlock) {
			t.Error("a block after it:", err)
		}
		reopen()
	}
	select {
	case <-changed:
	default:
		t.Error("nobody was told")
	}
	back, _, err := c.UpdatesSince(left, 100)
	if err != nil || len(back) != 5 {
		t.Error(len(back), err)
	}
	// Of what is left, the next: the two blocks on the right go as well, and then all above genesis.
	if err := c.InvalidateBlock(t.Context(), right.Hash); err != nil || c.Tip().Height != base.Height+1 {
		t.Fatal(err, c.Tip())
	}
	one, _ := c.IndexAt(1)
	if err := c.InvalidateBlock(t.Context(), one.Hash); err != nil || c.Tip().Height != 0 {
		t.Fatal(err, c.Tip())
	}
	reopen()
	// Reconsidering the end of the left chain clears its ancestors, not the other chain.
	if err := c.ReconsiderBlock(t.Context(), left.Hash); err != nil {
		t.Fatal(err)
	}
	if c.Tip() != left || c.Totals() != totals || !reflect.DeepEqual(audit(t, c), coins) {
		t.Errorf("tip %+v, totals %+v", c.Tip(), c.Totals())
	}
	reopen()
	for _, tip := range c.Tips() {
		if want := map[chain.Index]string{left: "active", right: "invalid"}[tip.Index]; tip.Status != want {
			t.Errorf("%+v, want %s", tip, want)
		}
	}
	if err := c.ReconsiderBlock(t.Context(), one.Hash); err != nil {
		t.Fatal(err)
	}
	if i, err := c.Info(right.Hash); err != nil || i.Invalid {
		t.Error(i, err)
	}
	replay(t, c)
}

func TestOfEqualChainsTheFirstSeenComesBack(t *testing.T) {
	fs := vfs.NewMem()
	c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs})
	chaintest.MineN(t, c, anyone, 3)
	base := c.Tip()
	left, right := extend(t, c, base, 3, 1), extend(t, c, base, 3, 2)
	reconsider := func(end, want chain.Index) {
		t.Helper()
		if err := errors.Join(c.InvalidateBlock(t.Context(), end.Hash), c.ReconsiderBlock(t.Context(), end.Hash)); err != nil || c.Tip() != want {
			t.Errorf("tip %+v, want %+v: %v", c.Tip(), want, err)
		}
		replay(t, c)
	}
	reconsider(left, left)
	reconsider(right, left)
	// Which was seen first is known for as long as the process lives; after that what is best stays so.
	if err := c.InvalidateBlock(t.Context(), left.Hash); err != nil || c.Tip() != right {
		t.Fatal(err, c.Tip())
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs})
	if err := c.ReconsiderBlock(t.Context(), left.Hash); err != nil || c.Tip() != right {
		t.Errorf("tip %+v, want %+v: %v", c.Tip(), right, err)
	}
	reconsider(right, right)
}

func TestInvalidatingHeadersAndSideBlocks(t *testing.T) {
	c := chaintest.New(t)
	chaintest.MineN(t, c, anyone, 3)
	tip := c.Tip()
	on := chaintest.BlockOn(t, c, tip, anyone, 7)
	h := on.Header
	if err := c.ProcessHeaders(headersOf(on)); err != nil || c.BestHeader().Hash != h.BlockHash() {
		t.Fatal(err, c.BestHeader())
	}
	if err := c.InvalidateBlock(t.Context(), h.BlockHash()); err != nil {
		t.Fatal(err)
	}
	if c.BestHeader() != tip || len(c.Missing(9)) != 0 {
		t.Error(c.BestHeader(), c.Missing(9))
	}
	if _, err := c.ProcessBlock(t.Context(), on); !consensus.Is(err, blockchain.ErrKnownInvalidBlock) {
		t.Error(err)
	}
	if err := errors.Join(c.ReconsiderBlock(t.Context(), h.BlockHash()), c.ReconsiderBlock(t.Context(), h.BlockHash())); err != nil {
		t.Fatal(err)
	}
	if o, err := c.ProcessBlock(t.Context(), on); err != nil || !o.MainChain {
		t.Error(o, err)
	}
	for err, want := range map[error]error{
		c.InvalidateBlock(t.Context(), chainHash{1}):            chain.ErrUnknown,
		c.ReconsiderBlock(t.Context(), chainHash{1}):            chain.ErrUnknown,
		c.InvalidateBlock(t.Context(), *c.Params().GenesisHash): chain.ErrGenesis,
	} {
		if !errors.Is(err, want) {
			t.Error(err, want)
		}
	}
}

func TestReconsideredBlockThatBreaksARuleBreaksItAgain(t *testing.T) {
	c := chaintest.New(t)
	chaintest.MineN(t, c, anyone, 3)
	tip := c.Tip()
	base, _ := c.IndexAt(2)
	// A side chain whose second block claims too much, found out when it becomes the better one.
	parent, height := head(t, c, base), base.Height
	for i := range int64(2) {
		b := chaintest.Block(t, c.Params(), parent, height, anyone, i, 9)
		_, err := c.ProcessBlock(t.Context(), b)
		if i == 1 && !consensus.Is(err, blockchain.ErrBadCoinbaseValue) {
			t.Fatal(err)
		}
		parent, height = b.Header, height+1
	}
	if err := c.ReconsiderBlock(t.Context(), parent.BlockHash()); err != nil {
		t.Fatal(err)
	}
	if i, err := c.Info(parent.BlockHash()); err != nil || !i.Invalid || c.Tip() != tip {
		t.Error(i, err, c.Tip())
	}
	// And a chain to go over to that breaks a rule is passed over.
	if err := c.InvalidateBlock(t.Context(), tip.Hash); err != nil || c.Tip().Height != 3 || c.Tip() == tip {
		t.Error(err, c.Tip())
	}
}
