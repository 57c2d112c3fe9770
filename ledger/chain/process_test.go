package chain_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/amount"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

type chainHash = chainhash.Hash

const reward = int64(consensus.BaseSubsidy)

// edited is a block on the tip, changed by edit and solved again.
func edited(t *testing.T, c *chain.Chain, edit func(*wire.MsgBlock), txs ...*wire.MsgTx) *wire.MsgBlock {
	b := chaintest.BlockOn(t, c, c.Tip(), anyone, 0, txs...)
	edit(b)
	chaintest.Solve(b)
	return b
}

func TestBlocksRefusedOnTheTip(t *testing.T) {
	c, k := chaintest.New(t), chaintest.Key(t, 1)
	coins := chaintest.MineN(t, c, chaintest.Script(k), 11) // the next block is the first to spend two of them
	pay := func(from wire.OutPoint, value int64, script []byte) *wire.MsgTx {
		return chaintest.Spend(t, k, from, reward, &wire.TxOut{Value: value, PkScript: script})
	}
	other := pay(coins[0], reward, anyone)
	other.TxIn[0].Witness[0] = bytes.Clone(other.TxIn[0].Witness[0])
	other.TxIn[0].Witness[0][20]++
	late := pay(coins[0], reward, anyone)
	late.LockTime, late.TxIn[0].Sequence = 12, 0
	early := chaintest.Spend(t, k, coins[0], reward, &wire.TxOut{Value: reward, PkScript: anyone})
	early.TxIn[0].Sequence = 12 // blocks after its coin's, which is of height 1
	for name, x := range map[string]struct {
		code blockchain.ErrorCode
		txs  []*wire.MsgTx
		edit func(*wire.MsgBlock)
	}{
		"one base unit too much":      {blockchain.ErrBadCoinbaseValue, nil, func(b *wire.MsgBlock) { b.Transactions[0].TxOut[0].Value++ }},
		"immature coinbase":           {blockchain.ErrImmatureSpend, []*wire.MsgTx{pay(coins[2], reward, anyone)}, nil},
		"double spend":                {blockchain.ErrMissingTxOut, []*wire.MsgTx{pay(coins[0], reward, anyone), pay(coins[0], reward-1, anyone)}, nil},
		"more out than in":            {blockchain.ErrSpendTooHigh, []*wire.MsgTx{pay(coins[0], reward+1, anyone)}, func(b *wire.MsgBlock) { b.Transactions[0].TxOut[0].Value = 0 }},
		"bad signature":               {blockchain.ErrScriptValidation, []*wire.MsgTx{other}, nil},
		"lock time of this height":    {blockchain.ErrUnfinalizedTx, []*wire.MsgTx{late}, nil},
		"relative lock of 12 blocks":  {blockchain.ErrUnfinalizedTx, []*wire.MsgTx{early}, nil},
		"height missing":              {blockchain.ErrBadCoinbaseHeight, nil, func(b *wire.MsgBlock) { b.Transactions[0].TxIn[0].SignatureScript = []byte{1, 13, 0} }},
		"two coinbases":               {blockchain.ErrMultipleCoinbases, nil, func(b *wire.MsgBlock) { b.Transactions = append(b.Transactions, b.Transactions[0]) }},
		"spends what comes after":     {blockchain.ErrMissingTxOut, []*wire.MsgTx{pay(wire.OutPoint{Hash: pay(coins[0], reward, anyone).TxHash()}, 0, anyone), pay(coins[0], reward, anyone)}, nil},
		"witness without commitment":  {blockchain.ErrUnexpectedWitness, []*wire.MsgTx{pay(coins[0], reward, anyone)}, func(b *wire.MsgBlock) { b.Transactions[0].TxOut = b.Transactions[0].TxOut[:1] }},
		"spends what is not anywhere": {blockchain.ErrMissingTxOut, []*wire.MsgTx{pay(wire.OutPoint{Index: 7}, 0, anyone)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if x.edit == nil {
				x.edit = func(*wire.MsgBlock) {}
			}
			before, totals, coins := c.Tip(), c.Totals(), audit(t, c)
			b := edited(t, c, x.edit, x.txs...)
			if err := c.CheckTemplate(t.Context(), b); !consensus.Is(err, x.code) {
				t.Errorf("as a template: %v, want %v", err, x.code)
			}
			if o, err := c.ProcessBlock(t.Context(), b); !consensus.Is(err, x.code) || o.MainChain {
				t.Errorf("%+v, %v, want %v", o, err, x.code)
			}
			if c.Tip() != before || c.Totals() != totals || len(audit(t, c)) != len(coins) {
				t.Error("it left a trace")
			}
		})
	}
	chaintest.Mine(t, c, anyone, pay(coins[0], reward, anyone), pay(coins[1], reward-5, anyone))
}

func TestWhatIsNotClaimedIsNotIssuedAndWhatIsBurnedIsCounted(t *testing.T) {
	c, k := chaintest.New(t), chaintest.Key(t, 1)
	coins := chaintest.MineN(t, c, chaintest.Script(k), 10)
	mine := func(want chain.Totals, edit func(*wire.MsgBlock), txs ...*wire.MsgTx) {
		t.Helper()
		before := c.Totals()
		if o, err := c.ProcessBlock(t.Context(), edited(t, c, edit, txs...)); err != nil || !o.MainChain {
			t.Fatal(o, err)
		}
		audit(t, c)
		got := c.Totals()
		got = chain.Totals{Issued: got.Issued - before.Issued, Held: got.Held - before.Held, Burned: got.Burned - before.Burned}
		if got != want {
			t.Errorf("totals grew by %+v, want %+v", got, want)
		}
	}
	claim := func(v int64) func(*wire.MsgBlock) {
		return func(b *wire.MsgBlock) { b.Transactions[0].TxOut[0].Value = v }
	}
	base, none := consensus.BaseSubsidy, amount.Amount(0)
	mine(chain.Totals{Issued: base, Held: base}, claim(reward))
	mine(chain.Totals{Issued: 7, Held: 7}, claim(7))
	mine(chain.Totals{}, claim(0))
	mine(chain.Totals{Issued: base, Burned: base}, func(b *wire.MsgBlock) { b.Transactions[0].TxOut[0].PkScript = nobody })
	fee := func(i int, outs ...*wire.TxOut) *wire.MsgTx { return chaintest.Spend(t, k, coins[i], reward, outs...) }
	// 100 of fee: all left, 40 claimed, all claimed and the subsidy too.
	mine(chain.Totals{Held: none - 100, Burned: 100}, claim(0), fee(0, &wire.TxOut{Value: reward - 100, PkScript: anyone}))
	mine(chain.Totals{Held: none - 60, Burned: 60}, claim(40), fee(1, &wire.TxOut{Value: reward - 100, PkScript: anyone}))
	mine(chain.Totals{Issued: base, Held: base}, claim(reward+100), fee(2, &wire.TxOut{Value: reward - 100, PkScript: anyone}))
	mine(chain.Totals{Issued: base, Held: base - 900, Burned: 900}, claim(reward+100),
		fee(3, &wire.TxOut{Value: 900, PkScript: nobody}, &wire.TxOut{Value: reward - 1000, PkScript: anyone}))
}

func TestForkThatHidesAnInvalidBlockNeverMovesTheTip(t *testing.T) {
	fs, p := vfs.NewMem(), consensus.Dev()
	c := chaintest.Open(t, p, chain.Options{FS: fs})
	chaintest.MineN(t, c, anyone, 2)
	base := c.Tip()
	chaintest.MineN(t, c, anyone, 2)
	tip := c.Tip()
	// A fork of four whose second block claims too much: only the third, longer than the chain, brings it to light.
	parent, height := head(t, c, base), base.Height
	var fork []*wire.MsgBlock
	for i := range int64(4) {
		b := chaintest.Block(t, p, parent, height, anyone, i%2, 9)
		fork, parent, height = append(fork, b), b.Header, height+1
	}
	want := []blockchain.ErrorCode{-1, -1, blockchain.ErrBadCoinbaseValue, blockchain.ErrInvalidAncestorBlock}
	for round := range 2 {
		for i, b := range fork {
			o, err := c.ProcessBlock(t.Context(), b)
			if o.MainChain || (want[i] < 0) != (err == nil) || err != nil && !consensus.Is(err, want[i]) {
				t.Errorf("round %d, block %d: %+v, %v, want %v", round, i, o, err, want[i])
			}
			if c.Tip() != tip || c.BestHeader().Height > tip.Height {
				t.Errorf("round %d, block %d: tip %+v, best header %+v", round, i, c.Tip(), c.BestHeader())
			}
		}
		if err := c.ProcessHeaders([]*wire.BlockHeader{&fork[3].Header}); !consensus.Is(err, blockchain.ErrInvalidAncestorBlock) {
			t.Error("header after the invalid block:", err)
		}
		// What is known of it outlives the process.
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		c = chaintest.Open(t, p, chain.Options{FS: fs})
		want = []blockchain.ErrorCode{blockchain.ErrDuplicateBlock, blockchain.ErrKnownInvalidBlock, blockchain.ErrInvalidAncestorBlock, blockchain.ErrInvalidAncestorBlock}
	}
	chaintest.Mine(t, c, anyone)
}

func TestAlteredCopyOfABlockDoesNotCondemnIt(t *testing.T) {
	c, k := chaintest.New(t), chaintest.Key(t, 1)
	coins := chaintest.MineN(t, c, chaintest.Script(k), 20)
	var txs []*wire.MsgTx
	for _, o := range coins[:2] {
		txs = append(txs, chaintest.Spend(t, k, o, reward, &wire.TxOut{Value: reward, PkScript: anyone}))
	}
	b := chaintest.BlockOn(t, c, c.Tip(), anyone, 0, txs...)
	if err := c.ProcessHeaders([]*wire.BlockHeader{&b.Header}); err != nil {
		t.Fatal(err)
	}
	for name, alter := range map[string]func(b *wire.MsgBlock){
		"a doubled transaction": func(b *wire.MsgBlock) { b.Transactions = append(b.Transactions, b.Transactions[2]) }, // same merkle root
		"another witness":       func(b *wire.MsgBlock) { b.Transactions[1].TxIn[0].Witness[0][9]++ },
		"no witness":            func(b *wire.MsgBlock) { b.Transactions[1].TxIn[0].Witness = nil },
		"no coinbase":           func(b *wire.MsgBlock) { b.Transactions = b.Transactions[1:] },
	} {
		copied := &wire.MsgBlock{Header: b.Header}
		for _, tx := range b.Transactions {
			copied.AddTransaction(tx.Copy())
		}
		alter(copied)
		if copied.BlockHash() != b.BlockHash() {
			t.Fatal(name, "is another block")
		}
		if _, err := c.ProcessBlock(t.Context(), copied); err == nil {
			t.Error(name, "was accepted")
		}
	}
	if o, err := c.ProcessBlock(t.Context(), b); err != nil || !o.MainChain {
		t.Error("the block itself:", o, err)
	}
}

func TestHeadersFirstThenBlocksInAnyOrder(t *testing.T) {
	from, to := chaintest.New(t), chaintest.New(t)
	chaintest.MineN(t, from, anyone, 30)
	hs := from.HeadersAfter(to.Locator(), chainHash{}, 2000)
	var ptrs []*wire.BlockHeader
	for i := range hs {
		ptrs = append(ptrs, &hs[i])
	}
	if err := to.ProcessHeaders(ptrs[1:]); !consensus.Is(err, blockchain.ErrPreviousBlockUnknown) {
		t.Fatal("headers without their parent:", err)
	}
	if err := errors.Join(to.ProcessHeaders(ptrs[:10]), to.ProcessHeaders(ptrs)); err != nil {
		t.Fatal(err)
	}
	if to.BestHeader() != from.Tip() || to.Tip().Height != 0 {
		t.Fatal(to.BestHeader(), to.Tip())
	}
	missing := to.Missing(100)
	if len(missing) != 30 || missing[0].Height != 1 || missing[29] != from.Tip() || len(to.Missing(7)) != 7 {
		t.Fatal(missing)
	}
	// The first comes last; its arrival links all.
	slices.Reverse(missing)
	for i, m := range missing {
		b, err := from.Block(m.Hash)
		if err != nil {
			t.Fatal(err)
		}
		o, err := to.ProcessBlock(t.Context(), b)
		if err != nil || o.Height != m.Height || o.MainChain != (i == 29) || len(to.Missing(100)) != 29-i {
			t.Fatal(i, o, err, len(to.Missing(100)))
		}
	}
	if to.Tip() != from.Tip() || to.Totals() != from.Totals() {
		t.Error(to.Tip(), to.Totals())
	}
}

func TestBlockWithoutParentIsSaidToBeAnOrphanAndNotKept(t *testing.T) {
	c := chaintest.New(t)
	a := chaintest.BlockOn(t, c, c.Tip(), anyone, 0)
	b := chaintest.Block(t, c.Params(), a.Header, 1, anyone, 0, 0)
	o, err := c.ProcessBlock(t.Context(), b)
	if !o.Orphan || !consensus.Is(err, blockchain.ErrPreviousBlockUnknown) || c.HaveBlock(b.BlockHash()) {
		t.Error(o, err)
	}
	for i, b := range []*wire.MsgBlock{a, b} {
		if o, err := c.ProcessBlock(t.Context(), b); err != nil || !o.MainChain || o.Height != int32(i+1) {
			t.Error(o, err)
		}
		if o, err := c.ProcessBlock(t.Context(), b); !consensus.Is(err, blockchain.ErrDuplicateBlock) || !o.MainChain {
			t.Error("again:", o, err)
		}
	}
}

func TestCallThatEndsEarlyLeavesTheChainAsItWas(t *testing.T) {
	fs := vfs.NewMem()
	c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs})
	chaintest.MineN(t, c, anyone, 3)
	tip := c.Tip()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	one := chaintest.BlockOn(t, c, tip, anyone, 1)
	if _, err := c.ProcessBlock(ended, one); !errors.Is(err, context.Canceled) || c.Tip() != tip || c.HaveBlock(one.BlockHash()) {
		t.Error(err, c.Tip())
	}
	// A side chain is stored, but not gone over to until somebody has the time.
	base, _ := c.IndexAt(2)
	a := chaintest.BlockOn(t, c, base, anyone, 2)
	b := chaintest.Block(t, c.Params(), a.Header, 3, anyone, 0, 2)
	for _, x := range []*wire.MsgBlock{a, b} {
		_, err := c.ProcessBlock(ended, x)
		if c.Tip() != tip || (x == b) != errors.Is(err, context.Canceled) {
			t.Error(err, c.Tip())
		}
	}
	if o, err := c.ProcessBlock(t.Context(), b); err != nil || !o.MainChain {
		t.Error(o, err)
	}
	audit(t, c)
	// Opening has the time, too.
	x := chaintest.BlockOn(t, c, base, anyone, 3)
	y := chaintest.Block(t, c.Params(), x.Header, 3, anyone, 0, 3)
	z := chaintest.Block(t, c.Params(), y.Header, 4, anyone, 0, 3)
	for _, x := range []*wire.MsgBlock{x, y, z} {
		if _, err := c.ProcessBlock(ended, x); (x == z) != errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if err := c.Close(); err != nil || c.Tip().Hash != b.BlockHash() {
		t.Fatal(err, c.Tip())
	}
	if c = chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs}); c.Tip().Hash != z.BlockHash() {
		t.Errorf("opened at %+v, not at %v", c.Tip(), z.BlockHash())
	}
	audit(t, c)
}

func TestHeadersAfterAnInvalidBlockAreGivenUp(t *testing.T) {
	fs, p := vfs.NewMem(), consensus.Dev()
	c := chaintest.Open(t, p, chain.Options{FS: fs})
	chaintest.MineN(t, c, anyone, 2)
	tip := c.Tip()
	parent, height := head(t, c, tip), tip.Height
	var row []*wire.MsgBlock
	var hs []*wire.BlockHeader
	for i := range int64(6) {
		b := chaintest.Block(t, p, parent, height, anyone, i%2, 0) // the second claims too much
		row, hs, parent, height = append(row, b), append(hs, &b.Header), b.Header, height+1
	}
	if err := c.ProcessHeaders(hs); err != nil || len(c.Missing(9)) != 6 {
		t.Fatal(err, c.Missing(9))
	}
	for i, want := range []blockchain.ErrorCode{-1, blockchain.ErrBadCoinbaseValue, blockchain.ErrInvalidAncestorBlock} {
		if _, err := c.ProcessBlock(t.Context(), row[i]); (want < 0) != (err == nil) || err != nil && !consensus.Is(err, want) {
			t.Fatal(i, err)
		}
	}
	good := c.Tip()
	for range 2 {
		if c.Tip() != good || c.BestHeader() != good || len(c.Missing(9)) != 0 {
			t.Error(c.Tip(), c.BestHeader(), c.Missing(9))
		}
		for i, h := range hs[1:] {
			want := blockchain.ErrInvalidAncestorBlock
			if i == 0 {
				want = blockchain.ErrKnownInvalidBlock
			}
			if err := c.ProcessHeaders([]*wire.BlockHeader{h}); !consensus.Is(err, want) {
				t.Errorf("header %d: %v, want %v", i+1, err, want)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		c = chaintest.Open(t, p, chain.Options{FS: fs})
	}
}
