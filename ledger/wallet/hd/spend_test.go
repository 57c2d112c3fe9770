package hd

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"funai/amount"
	"funai/ledger/chain/chaintest"
	"funai/ledger/mempool"
	"funai/ledger/wallet/coinselect"
	"funai/ledger/wallet/hdkey"
	"funai/ledger/wallet/psbts"
	"funai/ledger/wallet/vault"
)

// scatter gives the wallet n confirmed coins of both kinds, between 10,000 and about 200,000 base units.
func (r *rig) scatter(n int) {
	r.t.Helper()
	var outs []Output
	for i := range n {
		outs = append(outs, Output{Script: r.script(r.address(hdkey.Types[i%2])), Value: amount.Amount(10_000 + i*7919%190_000)})
	}
	tx, _, err := r.w.Send(r.t.Context(), outs, SpendOptions{}, Note{})
	r.ok(err)
	chaintest.Mine(r.t, r.c, nobody, tx)
}

// signedVSize is the exact virtual size of a transaction.
func signedVSize(tx *wire.MsgTx) int64 {
	return coinselect.VSize(blockchain.GetTransactionWeight(btcutil.NewTx(tx)))
}

func TestSignedTransactionsPayTheRateAskedForAndHardlyMore(t *testing.T) {
	r := newRig(t, 1)
	r.scatter(120)
	rapid.Check(t, func(rt *rapid.T) {
		rate := amount.Amount(rapid.Uint64Range(uint64(mempool.MinFeeRate), 50_000).Draw(rt, "rate"))
		var outs []Output
		for range rapid.IntRange(1, 4).Draw(rt, "outputs") {
			n := rapid.SampledFrom([]int{22, 34, 25, 23}).Draw(rt, "script")
			script := append([]byte{0, byte(n - 2)}, make([]byte, n-2)...)
			if n == 34 {
				script[0] = txscript.OP_1
			}
			outs = append(outs, Output{Script: script, Value: amount.Amount(rapid.Uint64Range(1000, 4_000_000).Draw(rt, "value"))})
		}
		outs[0].SubtractFee = rapid.Bool().Draw(rt, "subtract")
		o := SpendOptions{Rate: rate}
		if o.All = rapid.IntRange(0, 9).Draw(rt, "all") == 0; o.All {
			outs[0].Value, outs[0].SubtractFee = 0, false
		}
		d, err := r.w.Fund(t.Context(), outs, o)
		if err != nil {
			if !errors.Is(err, ErrFunds) && !errors.Is(err, ErrOutput) && !errors.Is(err, ErrMaxFee) {
				rt.Fatal(err)
			}
			return
		}
		bad, err := r.w.SignTx(d.Tx, nil, nil)
		if err != nil || len(bad) > 0 {
			rt.Fatal(bad, err)
		}
		size := signedVSize(d.Tx)
		if size > d.VSize || d.VSize-size > 1+int64(len(d.Tx.TxIn)) {
			rt.Fatalf("%d virtual bytes, said to be at most %d", size, d.VSize)
		}
		if d.Fee < coinselect.FeeFor(size, rate) {
			rt.Fatalf("fee %d for %d virtual bytes at rate %d", d.Fee, size, rate)
		}
		if d.ChangePos >= 0 && d.Fee > coinselect.FeeFor(d.VSize, rate) {
			rt.Fatalf("fee %d is more than the %d due, and there is change", d.Fee, coinselect.FeeFor(d.VSize, rate))
		}
		var in, out amount.Amount
		for _, prev := range d.Prev {
			in += amount.Amount(prev.Value)
		}
		for _, o := range d.Tx.TxOut {
			if out += amount.Amount(o.Value); amount.Amount(o.Value) < coinselect.Dust(o.PkScript) {
				rt.Fatalf("an output of %d is dust", o.Value)
			}
		}
		if in-out != d.Fee {
			rt.Fatalf("pays %d, said to be %d", in-out, d.Fee)
		}
	})
}

func TestChangeLooksLikeThePayment(t *testing.T) {
	r := newRig(t, 1)
	for _, kind := range hdkey.Types {
		d, err := r.w.Fund(t.Context(), []Output{{Script: r.script(r.address(kind)), Value: amount.FAI}}, SpendOptions{})
		r.ok(err)
		change := d.Tx.TxOut[d.ChangePos].PkScript
		if txscript.IsPayToTaproot(change) != (kind == hdkey.P2TR) {
			t.Errorf("%v: change is %x", kind, change)
		}
		if p, ok := r.w.book.path(change); !ok || p.Chain != hdkey.Change {
			t.Error("change goes to no change address")
		}
	}
	seen := map[int]bool{}
	for range 40 {
		d, err := r.w.Fund(t.Context(), pay(amount.FAI), SpendOptions{})
		r.ok(err)
		seen[d.ChangePos] = true
	}
	if len(seen) != 2 {
		t.Errorf("change always stands at %v", seen)
	}
	first := 0
	if d, err := r.w.Fund(t.Context(), pay(amount.FAI), SpendOptions{ChangePos: &first}); err != nil || d.ChangePos != 0 {
		t.Error(err)
	}
}

func TestLockTimeIsTheHeightOrSomewhatLess(t *testing.T) {
	r := newRig(t, 1)
	if d, err := r.w.Fund(t.Context(), pay(amount.FAI), SpendOptions{}); err != nil || d.Tx.LockTime != 0 {
		t.Fatal("a chain that is years behind gives away that the wallet is, too", err)
	}
	r.ok(r.w.Close())
	tip, _, _ := r.c.Header(r.c.Tip().Hash)
	r.cfg.Now = func() time.Time { return tip.Timestamp.Add(time.Hour) }
	r.open()
	height, at := uint32(r.c.Tip().Height), 0
	for range 60 {
		d, err := r.w.Fund(t.Context(), pay(amount.FAI), SpendOptions{})
		r.ok(err)
		if d.Tx.LockTime > height || d.Tx.TxIn[0].Sequence == wire.MaxTxInSequenceNum {
			t.Fatal(d.Tx.LockTime, d.Tx.TxIn[0].Sequence)
		}
		if d.Tx.LockTime == height {
			at++
		}
	}
	if at < 30 || at == 60 {
		t.Errorf("%d of 60 at the height", at)
	}
	r.send(amount.FAI, SpendOptions{}) // the next block may have it
}

func TestWhatCannotBeSentIsRefused(t *testing.T) {
	r := newRig(t, 1)
	chaintest.MineN(t, r.c, r.script(r.address(hdkey.P2WPKH)), 1) // immature
	five := 5
	for name, c := range map[string]struct {
		outs []Output
		o    SpendOptions
		want error
	}{
		"nothing":    {nil, SpendOptions{}, ErrOutput},
		"dust":       {pay(293), SpendOptions{}, ErrOutput},
		"too much":   {pay(amount.Max + 1), SpendOptions{}, ErrOutput},
		"funds":      {pay(2 * amount.FAI), SpendOptions{}, ErrFunds},
		"rate":       {pay(amount.FAI), SpendOptions{Rate: 1}, ErrFeeRate},
		"fee":        {pay(amount.FAI), SpendOptions{Rate: amount.FAI}, ErrMaxFee},
		"no coin":    {pay(amount.FAI), SpendOptions{Inputs: []Input{{}}}, ErrNoCoin},
		"position":   {pay(amount.FAI), SpendOptions{ChangePos: &five}, ErrOptions},
		"all to one": {pay(amount.FAI), SpendOptions{All: true}, ErrOptions},
		"confirmed":  {pay(amount.FAI), SpendOptions{MinConf: 1000}, ErrFunds},
		"fee of it":  {[]Output{{Script: pay(1)[0].Script, Value: 300, SubtractFee: true}}, SpendOptions{}, ErrOutput},
	} {
		if _, _, err := r.w.Send(t.Context(), c.outs, c.o, Note{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, not %v", name, err, c.want)
		}
	}
	r.ok(r.w.Lock())
	if _, _, err := r.w.Send(t.Context(), pay(amount.FAI), SpendOptions{}, Note{}); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
	if b := r.balance(); b != (Balance{Trusted: subsidy, Immature: subsidy}) {
		t.Errorf("%+v", b)
	}
}

func TestLockedCoinsAreNotSpent(t *testing.T) {
	r := newRig(t, 2)
	coins, err := r.w.Unspent(t.Context())
	r.ok(err)
	one := []wire.OutPoint{coins[0].At}
	r.ok(r.w.LockCoins(t.Context(), one, true))
	if err := r.w.LockCoins(t.Context(), one, false); !errors.Is(err, ErrCoinLocked) {
		t.Error(err)
	}
	if err := r.w.LockCoins(t.Context(), []wire.OutPoint{{}}, false); !errors.Is(err, ErrNoCoin) {
		t.Error(err)
	}
	r.reopen()
	if got := r.w.LockedCoins(); len(got) != 1 || got[0] != one[0] {
		t.Fatalf("after opening again: %v", got)
	}
	if _, _, err := r.w.Send(t.Context(), pay(2*amount.FAI), SpendOptions{}, Note{}); !errors.Is(err, ErrFunds) {
		t.Error(err)
	}
	r.ok(r.w.UnlockCoins(one))
	if err := r.w.UnlockCoins(one); !errors.Is(err, ErrCoinFree) {
		t.Error(err)
	}
	r.send(2*amount.FAI, SpendOptions{})
}

func TestMoneyOfOthersIsNotSpentBeforeItIsMined(t *testing.T) {
	r := newRig(t, 1)
	words, err := hdkey.NewWords(bytes.NewReader(make([]byte, 32)), 12)
	r.ok(err)
	same := *r
	same.words = words
	other := same.restored(NewOptions{})
	tx, _, err := r.w.Send(t.Context(), []Output{{Script: r.script(other.address(hdkey.P2TR)), Value: amount.FAI}}, SpendOptions{}, Note{})
	r.ok(err)
	if b := other.balance(); b != (Balance{Untrusted: amount.FAI}) {
		t.Errorf("%+v", b)
	}
	if _, _, err := other.w.Send(t.Context(), pay(1000), SpendOptions{}, Note{}); !errors.Is(err, ErrFunds) {
		t.Error(err)
	}
	other.send(1000, SpendOptions{Unsafe: true})
	chaintest.Mine(t, r.c, nobody, tx)
	if b := other.balance(); b.Untrusted != 0 || b.Trusted == 0 {
		t.Errorf("%+v", b)
	}
}

func TestBumpReplacesAndPaysMore(t *testing.T) {
	r := newRig(t, 2)
	tx := r.send(amount.FAI, SpendOptions{})
	old := r.tx(tx)
	if _, err := r.w.Bump(t.Context(), tx.TxHash(), BumpOptions{Rate: mempool.MinFeeRate}); !errors.Is(err, ErrFeeRate) {
		t.Error(err)
	}
	b, err := r.w.Bump(t.Context(), tx.TxHash(), BumpOptions{})
	r.ok(err)
	if r.p.Have(tx.TxHash()) || !r.p.Have(b.Draft.Tx.TxHash()) || b.OldFee != old.Fee || b.Draft.Fee <= old.Fee {
		t.Fatalf("%+v", b)
	}
	if got := r.tx(tx); got.ReplacedBy != b.Draft.Tx.TxHash() || got.Pooled {
		t.Errorf("%+v", got)
	}
	if bal := r.balance(); bal != (Balance{Trusted: 2*subsidy - amount.FAI - b.Draft.Fee}) {
		t.Errorf("%+v", bal)
	}
	if _, err := r.w.Bump(t.Context(), tx.TxHash(), BumpOptions{}); !errors.Is(err, ErrBump) {
		t.Error(err)
	}
	again, err := r.w.Bump(t.Context(), b.Draft.Tx.TxHash(), BumpOptions{Rate: 30_000, Final: true})
	r.ok(err)
	if rate := again.Draft.Fee * 1000 / amount.Amount(signedVSize(again.Draft.Tx)); rate < 30_000 {
		t.Errorf("rate %d", rate)
	}
	if _, err := r.w.Bump(t.Context(), again.Draft.Tx.TxHash(), BumpOptions{}); !errors.Is(err, ErrBump) {
		t.Error("a final transaction was replaced", err)
	}
	chaintest.Mine(t, r.c, nobody, again.Draft.Tx)
	if _, err := r.w.Bump(t.Context(), again.Draft.Tx.TxHash(), BumpOptions{}); !errors.Is(err, ErrBump) {
		t.Error(err)
	}
}

func TestBumpTakesMoreCoinsWhereTheChangeIsTooLittle(t *testing.T) {
	r := newRig(t, 2)
	tx := r.send(subsidy-1000, SpendOptions{}) // leaves hardly any change
	if len(tx.TxIn) != 1 {
		t.Fatal(len(tx.TxIn))
	}
	b, err := r.w.Bump(t.Context(), tx.TxHash(), BumpOptions{Rate: 20_000})
	r.ok(err)
	if len(b.Draft.Tx.TxIn) != 2 {
		t.Errorf("%d inputs", len(b.Draft.Tx.TxIn))
	}
	all, _, err := r.w.Send(t.Context(), []Output{{Script: r.changeScript(), Value: 0}}, SpendOptions{All: true, Unsafe: true}, Note{})
	r.ok(err)
	b, err = r.w.Bump(t.Context(), all.TxHash(), BumpOptions{}) // there is nobody to pay but the wallet
	r.ok(err)
	if len(b.Draft.Tx.TxOut) != 1 {
		t.Errorf("%d outputs", len(b.Draft.Tx.TxOut))
	}
}

func (r *rig) changeScript() []byte {
	a, err := r.w.NewChangeAddress(hdkey.P2WPKH)
	r.ok(err)
	return r.script(a)
}

func TestNothingSecretIsOnTheDisk(t *testing.T) {
	r := newRig(t, 1)
	r.scatter(10)
	r.send(10_000, SpendOptions{})
	seed, err := hdkey.Seed(r.words, "")
	r.ok(err)
	keys, err := hdkey.Private(seed, r.c.Params())
	r.ok(err)
	secrets := map[string][]byte{"seed": seed[:16], "second half": seed[32:48], "words": []byte(strings.Join(strings.Fields(r.words)[:3], " ")), "passphrase": []byte(passphrase)}
	for _, kind := range hdkey.Types {
		secrets["account "+kind.String()] = []byte(keys.Range(kind, 0)[20:60])
		for i := range uint32(3) {
			k, err := keys.PrivateKey(hdkey.Path{Type: kind, Index: i})
			r.ok(err)
			secrets[kind.String()+string(rune('0'+i))] = k.Serialize()
		}
	}
	secrets["account bech32"] = []byte("tprv")
	r.ok(r.w.Close())
	files := 0
	r.ok(filepath.WalkDir(r.cfg.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		for name, s := range secrets {
			if bytes.Contains(b, s) || bytes.Contains(b, []byte(hex.EncodeToString(s))) {
				t.Errorf("%s is in %s", name, path)
			}
		}
		return err
	}))
	if files < 3 {
		t.Errorf("looked at %d files", files)
	}
}

func TestUnlockingEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := chaintest.New(t)
		dir := filepath.Join(t.TempDir(), "w")
		words, _ := hdkey.NewWords(bytes.NewReader(make([]byte, 32)), 24)
		if err := Create(dir, c.Params(), NewOptions{Words: words, Passphrase: passphrase, KDF: cheap}); err != nil {
			t.Fatal(err)
		}
		p := mempool.New(c, mempool.Config{})
		defer p.Close()
		w, err := Open(Config{Dir: dir, Chain: c, Pool: p, FS: vfs.NewMem()})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		locked := func(want bool) {
			t.Helper()
			if _, err := w.Descriptors(true); errors.Is(err, ErrLocked) != want || w.Info().Locked != want {
				t.Fatalf("%v, locked should be %v", err, want)
			}
		}
		locked(true)
		if err := w.Unlock("wrong", time.Minute); !errors.Is(err, vault.ErrPassphrase) {
			t.Fatal(err)
		}
		locked(true)
		if err := w.Unlock(passphrase, time.Minute); err != nil {
			t.Fatal(err)
		}
		keys := func() *hdkey.Accounts {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.private
		}
		private := keys()
		time.Sleep(time.Minute - 1)
		locked(false)
		if err := w.Unlock(passphrase, time.Hour); err != nil { // anew
			t.Fatal(err)
		}
		if _, err := private.PrivateKey(hdkey.Path{}); err == nil {
			t.Error("the keys of the first unlocking are still there")
		}
		time.Sleep(30 * time.Minute)
		locked(false)
		private = keys()
		time.Sleep(30*time.Minute + 1)
		synctest.Wait()
		locked(true)
		if _, err := private.PrivateKey(hdkey.Path{}); err == nil {
			t.Error("the keys are still there")
		}
	})
}

func TestEncryptingAPlainWallet(t *testing.T) {
	r := newRig(t, 0)
	r.ok(r.w.Close())
	r.cfg.Dir = filepath.Join(t.TempDir(), "plain")
	r.ok(Create(r.cfg.Dir, r.c.Params(), NewOptions{Words: r.words, Plain: true}))
	w, err := Open(r.cfg)
	r.ok(err)
	defer w.Close()
	if i := w.Info(); i.Encrypted || i.Locked {
		t.Fatalf("%+v", i)
	}
	for _, err := range []error{w.Lock(), w.Unlock("x", time.Hour), w.ChangePassphrase("", "x")} {
		if !errors.Is(err, vault.ErrPlain) {
			t.Error(err)
		}
	}
	r.ok(w.Encrypt("new"))
	if i := w.Info(); !i.Encrypted || !i.Locked {
		t.Fatalf("%+v", i)
	}
	if err := w.Encrypt("newer"); !errors.Is(err, vault.ErrEncrypted) {
		t.Error(err)
	}
	r.ok(w.Unlock("new", time.Hour))
}

func TestBackupRestoresLabelsToo(t *testing.T) {
	r := newRig(t, 1)
	a, err := r.w.NewAddress(hdkey.P2TR, "rent")
	r.ok(err)
	path := filepath.Join(t.TempDir(), "copy")
	r.ok(r.w.Backup(path))
	if err := r.w.Backup(path); !errors.Is(err, os.ErrExist) {
		t.Error(err)
	}
	again := *r
	again.cfg.Dir = filepath.Join(t.TempDir(), "again")
	r.ok(RestoreFile(again.cfg.Dir, path, r.c.Params()))
	again.open()
	if i, err := again.w.AddressInfo(a); err != nil || !i.Mine || i.Label != "rent" {
		t.Errorf("%+v, %v", i, err)
	}
	if x, y := r.balance(), again.balance(); x != y {
		t.Errorf("%+v, restored %+v", x, y)
	}
}

// spendOf is an unsigned PSBT that spends coins of the wallet's to a stranger.
func (r *rig) spendOf(coins []Coin) *psbt.Packet {
	r.t.Helper()
	tx := wire.NewMsgTx(2)
	for i := range coins {
		tx.AddTxIn(wire.NewTxIn(&coins[i].At, nil, nil))
	}
	tx.AddTxOut(wire.NewTxOut(5000, pay(0)[0].Script))
	p, err := psbt.NewFromUnsignedTx(tx)
	r.ok(err)
	return p
}

func TestPSBTsOfOthersAreSignedOnlyForTheTruth(t *testing.T) {
	r := newRig(t, 1)
	r.scatter(2)
	coins, err := r.w.Unspent(t.Context())
	r.ok(err)
	process := func(p *psbt.Packet, o PSBTOptions) (bool, error) { return r.w.ProcessPSBT(t.Context(), p, o) }
	sign := PSBTOptions{Sign: true, Derivs: true, Finalize: true}

	p := r.spendOf(coins)
	if done, err := process(p, sign); err != nil || !done {
		t.Fatal(done, err)
	}
	tx, err := psbts.Extract(p)
	r.ok(err)
	for i, in := range tx.TxIn {
		if len(in.Witness) == 0 {
			t.Errorf("input %d is not signed", i)
		}
	}

	// A value that is not the coin's.
	for i, c := range coins {
		p := r.spendOf(coins)
		p.Inputs[i].WitnessUtxo = wire.NewTxOut(int64(c.Value)-1, c.Script)
		if _, err := process(p, sign); !errors.Is(err, ErrLie) {
			t.Errorf("input %d: %v", i, err)
		}
	}
	// A coin that pays the wallet's key, but that nobody has proven to exist.
	p = r.spendOf(coins)
	p.UnsignedTx.TxIn[0].PreviousOutPoint.Hash[0] ^= 1
	for i, c := range coins {
		if c.Key.Type == hdkey.P2WPKH {
			p.UnsignedTx.TxIn[i].PreviousOutPoint.Hash[0] ^= 1
			p.Inputs[i].WitnessUtxo = wire.NewTxOut(1, c.Script)
			p.UnsignedTx.TxIn[i].PreviousOutPoint.Index += 1000
			break
		}
	}
	if _, err := process(p, sign); !errors.Is(err, ErrLie) {
		t.Error(err)
	}
	// A signature that leaves the outputs to others.
	p = r.spendOf(coins)
	p.Inputs[0].SighashType = txscript.SigHashNone
	if _, err := process(p, sign); !errors.Is(err, ErrSigHash) {
		t.Error(err)
	}
	none := txscript.SigHashNone
	if _, err := process(p, PSBTOptions{Sign: true, SigHash: &none}); err != nil { // agreed to
		t.Error(err)
	}
	all := txscript.SigHashAll
	if _, err := process(p, PSBTOptions{Sign: true, SigHash: &all}); !errors.Is(err, ErrSigHash) {
		t.Error(err)
	}
	// Inputs of strangers stay as they are.
	p = r.spendOf(coins[:1])
	p.UnsignedTx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: [32]byte{9}}})
	p.Inputs = append(p.Inputs, psbt.PInput{WitnessUtxo: wire.NewTxOut(1000, pay(0)[0].Script)})
	if done, err := process(p, sign); err != nil || done || psbts.Final(&p.Inputs[1]) || len(p.Inputs[1].PartialSigs) > 0 {
		t.Error(done, err)
	}
	r.ok(r.w.Lock())
	if _, err := process(r.spendOf(coins), sign); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
	if done, err := process(r.spendOf(coins), PSBTOptions{Derivs: true}); err != nil || done {
		t.Error(done, err)
	}
}

func TestManySendersDoNotSpendACoinTwice(t *testing.T) {
	r := newRig(t, 8)
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() {
			_, _, err := r.w.Send(t.Context(), pay(amount.FAI), SpendOptions{}, Note{})
			errs <- err
		}()
	}
	for range cap(errs) {
		r.ok(<-errs)
	}
	if n := len(r.p.Descs()); n != cap(errs) {
		t.Errorf("%d transactions in the mempool", n)
	}
}

func BenchmarkSend(b *testing.B) {
	r := newRig(b, 1)
	r.scatter(200)
	for b.Loop() {
		d, err := r.w.Fund(b.Context(), pay(1_000_000), SpendOptions{})
		if err != nil {
			b.Fatal(err)
		}
		if bad, err := r.w.SignTx(d.Tx, nil, nil); err != nil || len(bad) > 0 {
			b.Fatal(bad, err)
		}
	}
}
