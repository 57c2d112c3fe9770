package hd

import (
	"bytes"
	"context"
	"errors"
	"flag"
	mrand "math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"funai/amount"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
	"funai/ledger/mempool"
	"funai/ledger/wallet/hdkey"
	"funai/ledger/wallet/vault"
)

// restored is another wallet of the same words, over the same chain and pool.
func (r *rig) restored(o NewOptions) *rig {
	r.t.Helper()
	again := *r
	again.cfg.Dir, again.cfg.FS = filepath.Join(r.t.TempDir(), "restored"), nil
	o.Words, o.Passphrase, o.KDF = r.words, passphrase, cheap
	r.ok(Create(again.cfg.Dir, r.c.Params(), o))
	again.open()
	return &again
}

func (r *rig) pool() {
	r.t.Helper()
	r.ok(r.w.Sync(r.t.Context()))
}

func TestWordsBringBackEveryCoin(t *testing.T) {
	r := newRig(t, 1)
	var last []string // of each kind
	for i := range 45 {
		a := []string{r.address(hdkey.P2WPKH), r.address(hdkey.P2TR)}
		if i%15 == 14 { // within the gap limit of the one paid before
			last = append(last, a...)
		}
	}
	// The latest address is paid first, so that a block has to be read more than once.
	var outs []Output
	for i := range last {
		outs = append(outs, Output{Script: r.script(last[len(last)-1-i]), Value: amount.Amount(10_000 + i)})
	}
	tx, _, err := r.w.Send(t.Context(), outs, SpendOptions{}, Note{})
	r.ok(err)
	chaintest.Mine(t, r.c, nobody, tx)
	again := r.restored(NewOptions{})
	if a, b := r.balance(), again.balance(); a != b || a.Trusted == 0 {
		t.Errorf("%+v, restored %+v", a, b)
	}
	if a, b := r.w.Info().Next, again.w.Info().Next; a != b {
		t.Errorf("next addresses %v, restored %v", a, b)
	}
	all, _, err := again.w.Send(t.Context(), []Output{{Script: nobody}}, SpendOptions{All: true}, Note{})
	r.ok(err)
	if len(all.TxIn) != len(last)+1 {
		t.Errorf("%d inputs, not %d", len(all.TxIn), len(last)+1)
	}
}

func TestGapLimitBoundsTheSearch(t *testing.T) {
	r := newRig(t, 1)
	for range 50 {
		r.address(hdkey.P2WPKH)
	}
	tx, _, err := r.w.Send(t.Context(), []Output{{Script: r.script(r.address(hdkey.P2WPKH)), Value: amount.FAI}}, SpendOptions{}, Note{})
	r.ok(err)
	chaintest.Mine(t, r.c, nobody, tx)
	far := r.restored(NewOptions{Gap: 60})
	if a, b := r.balance(), far.balance(); a != b {
		t.Errorf("%+v, restored with a wide gap %+v", a, b)
	}
	if near := r.restored(NewOptions{}); near.balance().Trusted >= r.balance().Trusted {
		t.Error("found more than the gap limit lets it look for")
	}
}

func TestBirthdaySparesOldBlocksAndRescanReadsThem(t *testing.T) {
	r := newRig(t, 1)
	tip, _, _ := r.c.Header(r.c.Tip().Hash)
	late := r.restored(NewOptions{Birthday: tip.Timestamp.Add(2 * slack)})
	if b := late.balance(); b != (Balance{}) {
		t.Fatalf("%+v", b)
	}
	stop, err := late.w.Rescan(t.Context(), 0, -1)
	r.ok(err)
	if a, b := r.balance(), late.balance(); a != b || stop != r.c.Tip().Height {
		t.Errorf("%+v, after reading again %+v", a, b)
	}
	for _, bad := range [][2]int32{{-1, -1}, {r.c.Tip().Height + 1, -1}, {5, 4}, {0, r.c.Tip().Height + 1}} {
		if _, err := r.w.Rescan(t.Context(), bad[0], bad[1]); !errors.Is(err, ErrRange) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := late.w.Rescan(stopped, 0, -1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if late.w.AbortRescan() {
		t.Error("aborted nothing")
	}
}

func TestUnconfirmedTransactionsAreSentAgainAfterARestart(t *testing.T) {
	r := newRig(t, 1)
	first := r.send(10_000, SpendOptions{})
	second := r.send(20_000, SpendOptions{}) // spends the change
	want := r.balance()
	r.ok(r.w.Close())
	r.newPool() // has forgotten them
	r.open()
	for !r.p.Have(second.TxHash()) || !r.p.Have(first.TxHash()) {
		changed := r.p.Changed()
		if r.p.Have(second.TxHash()) {
			break
		}
		<-changed
	}
	if b := r.balance(); b != want {
		t.Errorf("%+v, not %+v", b, want)
	}
}

func TestConflictsFreeTheCoinsTheyDoNotSpend(t *testing.T) {
	r := newRig(t, 3)
	mine := r.send(4*amount.FAI, SpendOptions{}) // all three coins
	if len(mine.TxIn) != 3 {
		t.Fatal(len(mine.TxIn))
	}
	// The same words elsewhere spend one of them otherwise, and that is mined.
	other := mempool.New(r.c, mempool.Config{})
	t.Cleanup(func() { other.Close() })
	second := *r
	second.cfg.Pool = other
	twin := second.restored(NewOptions{})
	rival, _, err := twin.w.Send(t.Context(), pay(amount.FAI), SpendOptions{Inputs: []Input{{Out: mine.TxIn[0].PreviousOutPoint}}, OnlyInputs: true}, Note{})
	r.ok(err)
	block := chaintest.BlockOn(t, r.c, r.c.Tip(), nobody, 1, rival)
	before := r.c.Tip()
	_, err = r.c.ProcessBlock(t.Context(), block)
	r.ok(err)
	got := r.tx(mine)
	if got.Confirmations != -1 || got.Pooled || len(got.Conflicts) != 1 {
		t.Errorf("%+v", got)
	}
	fee := r.tx(rival).Fee
	if b := r.balance(); b != (Balance{Trusted: 3*subsidy - amount.FAI - fee}) {
		t.Errorf("%+v", b)
	}
	if err := r.w.Abandon(t.Context(), mine.TxHash()); !errors.Is(err, ErrAbandon) {
		t.Error(err)
	}
	// A reorganization takes the rival out of its block: both are possible again, one in the mempool.
	at := before
	for salt := range uint64(2) {
		b := chaintest.BlockOn(t, r.c, at, nobody, 10+salt)
		_, err := r.c.ProcessBlock(t.Context(), b)
		r.ok(err)
		at = chain.Index{Height: at.Height + 1, Hash: b.BlockHash()}
	}
	if got := r.tx(mine); got.Confirmations != 0 {
		t.Errorf("after the reorg %d confirmations", got.Confirmations)
	}
	if got := r.tx(rival); got.Confirmations != 0 {
		t.Errorf("after the reorg the rival has %d confirmations", got.Confirmations)
	}
}

func TestAbandonedTransactionsFreeTheirCoins(t *testing.T) {
	r := newRig(t, 1)
	tx := r.send(amount.FAI, SpendOptions{})
	if err := r.w.Abandon(t.Context(), tx.TxHash()); !errors.Is(err, ErrAbandon) {
		t.Fatalf("in the mempool: %v", err)
	}
	if err := r.w.Abandon(t.Context(), r.c.Tip().Hash); !errors.Is(err, ErrUnknown) {
		t.Fatal(err)
	}
	r.ok(r.w.Close())
	r.newPool()
	full := refusing{r.p}
	r.cfg.Pool = full // takes nothing: the transaction stays out
	r.open()
	if b := r.balance(); b != (Balance{}) {
		t.Fatalf("%+v", b)
	}
	r.ok(r.w.Abandon(t.Context(), tx.TxHash()))
	if b := r.balance(); b != (Balance{Trusted: subsidy}) {
		t.Fatalf("%+v", b)
	}
	r.reopen()
	if !r.tx(tx).Abandoned {
		t.Error("forgotten")
	}
	chaintest.Mine(t, r.c, nobody, tx) // somebody had it after all
	if got := r.tx(tx); got.Abandoned || got.Confirmations != 1 {
		t.Errorf("%+v", got)
	}
}

// refusing is a pool that takes nothing.
type refusing struct{ *mempool.Pool }

func (refusing) Accept(*wire.MsgTx) ([]*chainhash.Hash, error) { return nil, mempool.ErrFull }

func TestARefusedPaymentIsForgotten(t *testing.T) {
	r := newRig(t, 1)
	r.ok(r.w.Close())
	r.cfg.Pool = refusing{r.p}
	r.open()
	if _, _, err := r.w.Send(t.Context(), pay(amount.FAI), SpendOptions{}, Note{}); !errors.Is(err, mempool.ErrFull) {
		t.Fatal(err)
	}
	r.reopen()
	txs, err := r.w.Transactions(t.Context())
	r.ok(err)
	if b := r.balance(); b != (Balance{Trusted: subsidy}) || len(txs) != 1 {
		t.Errorf("%+v, %d transactions", b, len(txs))
	}
}

func TestAnotherChainIsReadAnew(t *testing.T) {
	r := newRig(t, 2)
	r.balance()
	r.ok(r.w.Close())
	script := r.script(r.firstAddress())
	r.c = chaintest.New(t)
	chaintest.MineN(t, r.c, script, 1)
	chaintest.MineN(t, r.c, nobody, 15)
	r.cfg.Chain = r.c
	r.newPool()
	r.open()
	if b := r.balance(); b != (Balance{Trusted: subsidy}) {
		t.Errorf("%+v", b)
	}
}

func (r *rig) firstAddress() string {
	r.t.Helper()
	seed, err := hdkey.Seed(r.words, "")
	r.ok(err)
	keys, err := hdkey.Private(seed, r.c.Params())
	r.ok(err)
	k, err := keys.Key(hdkey.Path{})
	r.ok(err)
	return hdkey.Address(k.Script, r.c.Params())
}

func TestWrongPlaces(t *testing.T) {
	r := newRig(t, 0)
	if err := Create(r.cfg.Dir, r.c.Params(), NewOptions{Words: r.words, Passphrase: "x", KDF: cheap}); !errors.Is(err, ErrExists) {
		t.Error(err)
	}
	none := r.cfg
	none.Dir = t.TempDir()
	if _, err := Open(none); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	r.ok(Create(none.Dir, consensus.Test(), NewOptions{Words: r.words, Plain: true}))
	if _, err := Open(none); !errors.Is(err, ErrNetwork) {
		t.Error(err)
	}
	if err := RestoreFile(filepath.Join(t.TempDir(), "x"), filepath.Join(none.Dir, keysFile), consensus.Main()); !errors.Is(err, ErrNetwork) {
		t.Error(err)
	}
	r.ok(r.w.Close())
	if _, err := r.w.Balance(t.Context(), 0); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := r.w.NewAddress(hdkey.P2TR, ""); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// held sums the coins that the best chain holds for the wallet, by walking it.
func (r *rig) held(t *rapid.T) (sum amount.Amount) {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	for h := int32(0); h <= r.c.Tip().Height; h++ {
		i, _ := r.c.IndexAt(h)
		b, err := r.c.Block(i.Hash)
		if err != nil {
			t.Fatal(err)
		}
		for _, tx := range b.Transactions {
			hash := tx.TxHash()
			for j, out := range tx.TxOut {
				if !r.w.book.mine(out) {
					continue
				}
				coin, err := r.c.Coin(wire.OutPoint{Hash: hash, Index: uint32(j)})
				if err != nil {
					t.Fatal(err)
				}
				if coin != nil {
					sum += amount.Amount(coin.Out.Value)
				}
			}
		}
	}
	return sum
}

// few has rapid make few, long histories: each is a chain, a pool and a database.
func few(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a real chain for each history")
	}
	for name, value := range map[string]string{"rapid.checks": "5", "rapid.steps": "25"} {
		f := flag.Lookup(name)
		before := f.Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set(name, before) })
	}
}

// confirmed is what the wallet takes its confirmed coins to be worth.
func (w *Wallet) confirmed() (sum amount.Amount) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for o, r := range w.book.coins {
		if r.confirmed() {
			sum += amount.Amount(r.tx.TxOut[o.Index].Value)
		}
	}
	return sum
}

// TestAnyHistoryAddsUp sends, mines, reorganizes, kills and opens again in any order. The wallet's coins are those of the
// chain, and a wallet of the same words that reads everything anew comes to the same balance.
func TestAnyHistoryAddsUp(t *testing.T) {
	few(t)
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, 2)
		side := uint64(1)
		rt.Repeat(map[string]func(*rapid.T){
			"send": func(rt *rapid.T) {
				kind := rapid.SampledFrom(hdkey.Types).Draw(rt, "type")
				out := Output{Script: r.script(r.address(kind)), Value: amount.Amount(rapid.Uint64Range(1000, 2e8).Draw(rt, "value"))}
				if rapid.Bool().Draw(rt, "away") {
					out = pay(out.Value)[0]
				}
				_, _, err := r.w.Send(t.Context(), []Output{out}, SpendOptions{}, Note{})
				if err != nil && !errors.Is(err, ErrFunds) && !errors.Is(err, mempool.ErrPackage) {
					rt.Fatal(err)
				}
			},
			"bump": func(rt *rapid.T) {
				txs, err := r.w.Transactions(t.Context())
				if err != nil {
					rt.Fatal(err)
				}
				tx := rapid.SampledFrom(txs).Draw(rt, "tx")
				if _, err := r.w.Bump(t.Context(), tx.Hash, BumpOptions{}); err != nil && !errors.Is(err, ErrBump) && !errors.Is(err, ErrFunds) &&
					!errors.Is(err, ErrMaxFee) && !errors.Is(err, mempool.ErrFee) && !errors.Is(err, ErrOutput) {
					rt.Fatal(err)
				}
			},
			"mine": func(rt *rapid.T) {
				r.pool()
				var txs []*wire.MsgTx
				for _, e := range r.p.Descs() {
					txs = append(txs, e.Tx.MsgTx())
				}
				to := rapid.SampledFrom([][]byte{nobody, r.script(r.firstAddress())}).Draw(rt, "to")
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
			},
			"reopen": func(*rapid.T) { r.reopen() },
			"": func(rt *rapid.T) {
				r.pool()
				if got, want := r.w.confirmed(), r.held(rt); got != want {
					rt.Fatalf("%v confirmed, the chain holds %v", got, want)
				}
			},
			"restore": func(rt *rapid.T) {
				r.pool()
				fresh := r.restored(NewOptions{Gap: 100})
				if a, b := r.balance(), fresh.balance(); a != b {
					rt.Fatalf("%+v, read anew %+v", a, b)
				}
				r.ok(fresh.w.Close())
			},
		})
	})
}

// TestPowerLossLosesNothing takes a copy of the database at random moments as it would be after a loss of power, with any
// part of what was not yet asked to be on the disk.
func TestPowerLossLosesNothing(t *testing.T) {
	r := newRig(t, 0)
	r.ok(r.w.Close())
	disk := vfs.NewCrashableMem()
	r.ok(disk.MkdirAll(r.cfg.Dir, 0o700))
	for dir := r.cfg.Dir; ; dir = filepath.Dir(dir) { // as it has been for long
		d, err := disk.OpenDir(dir)
		r.ok(err)
		r.ok(errors.Join(d.Sync(), d.Close()))
		if dir == filepath.Dir(dir) {
			break
		}
	}
	r.cfg.FS = disk
	r.open()
	chaintest.MineN(t, r.c, r.script(r.address(hdkey.P2WPKH)), 3)
	chaintest.MineN(t, r.c, nobody, 15)
	for i := range 6 {
		tx, _, err := r.w.Send(t.Context(), pay(10_000), SpendOptions{}, Note{Comment: "kept"})
		r.ok(err)
		want := r.balance()
		crashed := *r
		crashed.cfg.FS = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: i * 20, RNG: newRand(uint64(i))})
		crashed.cfg.Pool = refusing{r.p} // it does not learn of the transaction from elsewhere
		w, err := Open(crashed.cfg)
		r.ok(err)
		got, err := w.Transaction(t.Context(), tx.TxHash())
		if err != nil || got.Comment != "kept" {
			t.Fatalf("after a crash: %+v, %v", got, err)
		}
		if b, err := w.Balance(t.Context(), 0); err != nil || b.Trusted != want.Trusted {
			t.Fatalf("after a crash %+v, before %+v, %v", b, want, err)
		}
		r.ok(w.Close())
		chaintest.Mine(t, r.c, nobody, tx)
	}
}

func FuzzRecord(f *testing.F) {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{Witness: wire.TxWitness{{1}}})
	tx.AddTxOut(wire.NewTxOut(1, nobody))
	f.Add(encodeRecord(&record{tx: tx, seq: 3, comment: "a", to: "b", abandoned: true}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord(b)
		if err != nil {
			if !errors.Is(err, ErrStore) {
				t.Fatal(err)
			}
			return
		}
		again, err := decodeRecord(encodeRecord(r))
		if err != nil || again.hash != r.hash || again.comment != r.comment || again.block != r.block || again.seq != r.seq {
			t.Fatalf("does not read back: %v", err)
		}
	})
}

func TestADatabaseOfAnotherWalletIsEmptied(t *testing.T) {
	r := newRig(t, 1)
	r.balance()
	r.ok(r.w.Close())
	other := newRig(t, 0)
	r.ok(other.w.Close())
	f, err := vault.Load(filepath.Join(other.cfg.Dir, keysFile))
	r.ok(err)
	r.ok(f.Save(filepath.Join(r.cfg.Dir, keysFile)))
	r.open()
	if b := r.balance(); b != (Balance{}) {
		t.Errorf("%+v", b)
	}
	if !bytes.Equal([]byte(f.Public.XPubs[0]), []byte(r.w.file.Public.XPubs[0])) {
		t.Error("not the other wallet")
	}
}

func newRand(seed uint64) *mrand.Rand { return mrand.New(mrand.NewPCG(seed, 1)) }
