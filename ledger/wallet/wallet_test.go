package wallet

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"funai/amount"
	"funai/key"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/mempool"
)

const subsidy = 3 * amount.FAI / 2

type rig struct {
	c *chain.Chain
	p *mempool.Pool
	k *key.Private
	w *Wallet
}

// newRig is a wallet with n mature coinbases.
func newRig(t testing.TB, n int) *rig {
	r := &rig{c: chaintest.New(t), k: chaintest.Key(t, 1)}
	chaintest.MineN(t, r.c, chaintest.Script(r.k), n)
	chaintest.MineN(t, r.c, nobody, int(r.c.Params().CoinbaseMaturity))
	r.p = mempool.New(r.c, mempool.Config{})
	t.Cleanup(func() { r.p.Close() })
	r.w = Open(r.k, r.c, r.p, Options{})
	return r
}

var nobody = []byte{txscript.OP_TRUE}

func pay(value amount.Amount) []*wire.TxOut {
	return []*wire.TxOut{wire.NewTxOut(int64(value), nobody)}
}

func TestSendPaysItsOutputsInOrderWithChangeLast(t *testing.T) {
	r := newRig(t, 3)
	data, _ := txscript.NullDataScript([]byte("FA"))
	outs := []*wire.TxOut{wire.NewTxOut(5000, data), wire.NewTxOut(20_000, nobody), wire.NewTxOut(30_000, nobody)}
	tx, err := r.w.Send(t.Context(), outs, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(tx.TxOut) != 4 || !bytes.Equal(tx.TxOut[3].PkScript, r.w.Script()) {
		t.Fatalf("%d outputs", len(tx.TxOut))
	}
	for i, out := range outs {
		if tx.TxOut[i] != out {
			t.Errorf("output %d differs", i)
		}
	}
	coin, err := r.c.Coin(tx.TxIn[0].PreviousOutPoint)
	if err != nil || coin == nil {
		t.Fatal(coin, err)
	}
	if h, ok := key.FromLedgerScript(coin.Out.PkScript); !ok || h != r.k.Public().Hash160() {
		t.Error("first input is not the key's P2WPKH")
	}
	e := r.p.Descs()[0]
	if rate := e.FeeRate(); rate < DefaultFeeRate || rate > DefaultFeeRate*102/100 {
		t.Errorf("fee rate %d, want %d", rate, DefaultFeeRate)
	}
	b := r.w.Balance()
	want := Balance{Confirmed: 3 * subsidy, Spending: subsidy, Unconfirmed: subsidy - 55_000 - e.Fee}
	if b != want || b.Total() != 3*subsidy-55_000-e.Fee {
		t.Errorf("balance %+v, want %+v", b, want)
	}
	chaintest.Mine(t, r.c, nobody, tx)
	if b := r.w.Balance(); b != (Balance{Confirmed: 3*subsidy - 55_000 - e.Fee}) {
		t.Errorf("balance after mining %+v", b)
	}
}

func TestSendSaysWhatItLacks(t *testing.T) {
	r := newRig(t, 2)
	_, err := r.w.Send(t.Context(), pay(4*amount.FAI), 0)
	var lack *FundsError
	if !errors.Is(err, ErrFunds) || !errors.As(err, &lack) || lack.Have != 3*amount.FAI || lack.Need <= 4*amount.FAI {
		t.Fatal(err)
	}
	for _, outs := range [][]*wire.TxOut{nil, {wire.NewTxOut(-1, nobody)}, {wire.NewTxOut(1<<62, nobody), wire.NewTxOut(1<<62, nobody)}} {
		if _, err := r.w.Send(t.Context(), outs, 0); !errors.Is(err, ErrOutput) {
			t.Error(err)
		}
	}
	if _, err := r.w.Send(t.Context(), pay(amount.FAI), 1); !errors.Is(err, mempool.ErrFee) {
		t.Error(err)
	}
	if b := r.w.Balance(); b != (Balance{Confirmed: 3 * amount.FAI}) {
		t.Errorf("failed sends left %+v", b)
	}
	if _, err := r.w.Send(t.Context(), pay(29*amount.FAI/10), 0); err != nil {
		t.Error(err)
	}
}

func TestImmatureCoinsAreNotSpent(t *testing.T) {
	r := newRig(t, 0)
	maturity := int(r.c.Params().CoinbaseMaturity)
	chaintest.MineN(t, r.c, r.w.Script(), 1)
	for i := 1; i < maturity; i++ {
		if b := r.w.Balance(); b != (Balance{Immature: subsidy}) {
			t.Fatalf("after %d blocks: %+v", i, b)
		}
		if _, err := r.w.Send(t.Context(), pay(1000), 0); !errors.Is(err, ErrFunds) {
			t.Fatal(err)
		}
		chaintest.MineN(t, r.c, nobody, 1)
	}
	if b := r.w.Balance(); b != (Balance{Confirmed: subsidy}) {
		t.Fatalf("%+v", b)
	}
	if _, err := r.w.Send(t.Context(), pay(1000), 0); err != nil {
		t.Fatal(err)
	}
}

func TestManySmallSendsChainTheirChangeAsFarAsThePoolAllows(t *testing.T) {
	r := newRig(t, 1)
	var txs []*wire.MsgTx
	for range mempool.MaxPackage {
		tx, err := r.w.Send(t.Context(), pay(10_000), 0)
		if err != nil {
			t.Fatal(len(txs), err)
		}
		txs = append(txs, tx)
	}
	if _, err := r.w.Send(t.Context(), pay(10_000), 0); !errors.Is(err, mempool.ErrPackage) {
		t.Fatal(err)
	}
	chaintest.Mine(t, r.c, nobody, txs...)
	if _, err := r.w.Send(t.Context(), pay(10_000), 0); err != nil {
		t.Fatal(err)
	}
}

func TestAnotherWalletOfTheSameKeyKnowsWhatIsSpent(t *testing.T) {
	r := newRig(t, 1)
	if _, err := r.w.Send(t.Context(), pay(10_000), 0); err != nil {
		t.Fatal(err)
	}
	again := Open(r.k, r.c, r.p, Options{})
	if _, err := again.Send(t.Context(), pay(20_000), 0); err != nil {
		t.Fatal(err)
	}
	if a, b := r.w.Balance(), again.Balance(); a != b {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestCoinsOfAConflictedTransactionComeBack(t *testing.T) {
	r := newRig(t, 1)
	mine, err := r.w.Send(t.Context(), pay(10_000), 0)
	if err != nil {
		t.Fatal(err)
	}
	rival := chaintest.Spend(t, r.k, mine.TxIn[0].PreviousOutPoint, int64(subsidy), wire.NewTxOut(int64(amount.FAI), r.w.Script()))
	chaintest.Mine(t, r.c, nobody, rival)
	tx, err := r.w.Send(t.Context(), pay(20_000), 0) // waits for the pool
	if err != nil {
		t.Fatal(err)
	}
	if tx.TxIn[0].PreviousOutPoint.Hash != rival.TxHash() {
		t.Error("spends something else")
	}
}

func TestMoneyOfOthersIsNotSpentBeforeItIsMined(t *testing.T) {
	r := newRig(t, 1)
	other := Open(chaintest.Key(t, 2), r.c, r.p, Options{})
	if _, err := r.w.Send(t.Context(), []*wire.TxOut{wire.NewTxOut(50_000_000, other.Script())}, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Send(t.Context(), pay(1000), 0); !errors.Is(err, ErrFunds) {
		t.Fatal(err)
	}
	if b := other.Balance(); b != (Balance{Unconfirmed: 50_000_000}) {
		t.Errorf("%+v", b)
	}
}

func TestSnapshotSparesReadingTheChain(t *testing.T) {
	r := newRig(t, 3)
	o := Options{Snapshot: filepath.Join(t.TempDir(), "wallet")}
	w := Open(r.k, r.c, r.p, o)
	want := w.Balance()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = Open(r.k, r.c, r.p, o)
	if w.at != r.c.Tip() || w.Balance() != want {
		t.Errorf("at %v: %+v, want %+v", w.at, w.Balance(), want)
	}
	stranger := Open(chaintest.Key(t, 3), r.c, r.p, o)
	if stranger.Balance() != (Balance{}) {
		t.Error("took another key's snapshot")
	}
	elsewhere := newRig(t, 2)
	w = Open(r.k, elsewhere.c, elsewhere.p, o)
	if b := w.Balance(); b.Confirmed != 2*subsidy {
		t.Errorf("took another chain's snapshot: %+v", b)
	}
}

// onChain sums the coins of a script by walking the best chain, the slow way.
func onChain(t *rapid.T, c *chain.Chain, script []byte) (sum amount.Amount) {
	for h := int32(0); h <= c.Tip().Height; h++ {
		i, _ := c.IndexAt(h)
		b, err := c.Block(i.Hash)
		if err != nil {
			t.Fatal(err)
		}
		for _, tx := range b.Transactions {
			hash := tx.TxHash()
			for j := range tx.TxOut {
				coin, err := c.Coin(wire.OutPoint{Hash: hash, Index: uint32(j)})
				if err != nil {
					t.Fatal(err)
				}
				if coin != nil && bytes.Equal(coin.Out.PkScript, script) {
					sum += amount.Amount(coin.Out.Value)
				}
			}
		}
	}
	return sum
}

func TestBalanceIsWhatTheChainHoldsForTheScript(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, 2)
		side := uint64(1)
		rt.Repeat(map[string]func(*rapid.T){
			"send": func(rt *rapid.T) {
				_, err := r.w.Send(t.Context(), pay(amount.Amount(rapid.Uint64Range(1, 2e8).Draw(rt, "value"))), 0)
				if err != nil && !errors.Is(err, ErrFunds) && !errors.Is(err, mempool.ErrPackage) {
					rt.Fatal(err)
				}
			},
			"mine": func(rt *rapid.T) {
				if err := r.w.syncNow(t); err != nil {
					rt.Fatal(err)
				}
				var txs []*wire.MsgTx
				for _, e := range r.p.Descs() {
					txs = append(txs, e.Tx.MsgTx())
				}
				to := rapid.SampledFrom([][]byte{nobody, r.w.Script()}).Draw(rt, "to")
				side++
				b := chaintest.BlockOn(t, r.c, r.c.Tip(), to, side, txs[:rapid.IntRange(0, len(txs)).Draw(rt, "n")]...)
				if _, err := r.c.ProcessBlock(t.Context(), b); err != nil {
					rt.Fatal(err)
				}
			},
			"reorg": func(rt *rapid.T) {
				tip := r.c.Tip()
				depth := rapid.Int32Range(1, 5).Draw(rt, "depth")
				at, _ := r.c.IndexAt(tip.Height - depth)
				for range depth + 1 {
					side++
					b := chaintest.BlockOn(t, r.c, at, nobody, side)
					if _, err := r.c.ProcessBlock(t.Context(), b); err != nil {
						rt.Fatal(err)
					}
					at = chain.Index{Height: at.Height + 1, Hash: b.BlockHash()}
				}
				if r.c.Tip() != at {
					rt.Fatal("no reorg")
				}
			},
			"": func(rt *rapid.T) {
				b := r.w.Balance()
				if want := onChain(rt, r.c, r.w.Script()); b.Confirmed+b.Immature != want {
					rt.Fatalf("%+v, but the chain holds %v", b, want)
				}
				if err := r.w.syncNow(t); err != nil {
					rt.Fatal(err)
				}
				fresh := Open(r.k, r.c, r.p, Options{})
				if b, f := r.w.Balance(), fresh.Balance(); b != f {
					rt.Fatalf("%+v, but read anew %+v", b, f)
				}
			},
		})
	})
}

func (w *Wallet) syncNow(t testing.TB) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.syncWithPool(t.Context())
}

func FuzzSnapshot(f *testing.F) {
	coins := map[wire.OutPoint]coin{{Hash: chainhash.Hash{1}, Index: 2}: {3, 4, true}}
	f.Add(encode(make([]byte, scriptLen), chain.Index{Height: 7}, coins))
	f.Add([]byte{})
	f.Add(make([]byte, headLen+recordLen))
	f.Fuzz(func(t *testing.T, b []byte) {
		script, at, coins, err := decode(b)
		if err != nil {
			if !errors.Is(err, ErrSnapshot) {
				t.Fatal(err)
			}
			return
		}
		s2, at2, coins2, err := decode(encode(script, at, coins))
		if err != nil || !bytes.Equal(script, s2) || at != at2 || len(coins) != len(coins2) {
			t.Fatal("does not read back")
		}
	})
}
