package hd

import (
	"bytes"
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
	"funai/ledger/mempool"
	"funai/ledger/wallet/hdkey"
	"funai/ledger/wallet/vault"
)

const (
	subsidy    = 3 * amount.FAI / 2
	passphrase = "correct horse"
)

var (
	nobody = []byte{txscript.OP_TRUE}
	// cheap makes keys of passphrases fast.
	cheap = vault.KDF{Time: 1, Memory: 8, Threads: 1}
)

// rig is a wallet on a real chain with a real mempool.
type rig struct {
	t     testing.TB
	c     *chain.Chain
	p     *mempool.Pool
	words string
	cfg   Config
	w     *Wallet
}

// newRig is an unlocked wallet with n mature coinbases.
func newRig(t testing.TB, n int) *rig { return newRigOn(t, chaintest.New(t), n) }

func newRigOn(t testing.TB, c *chain.Chain, n int) *rig {
	t.Helper()
	words, err := hdkey.NewWords(rand.Reader, 12)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, c: c, words: words, cfg: Config{Dir: filepath.Join(t.TempDir(), "wallet"), Chain: c}}
	if err := Create(r.cfg.Dir, c.Params(), NewOptions{Words: words, Passphrase: passphrase, KDF: cheap}); err != nil {
		t.Fatal(err)
	}
	r.newPool()
	r.open()
	if n > 0 {
		chaintest.MineN(t, c, r.script(r.address(hdkey.P2WPKH)), n)
	}
	chaintest.MineN(t, c, nobody, int(c.Params().CoinbaseMaturity))
	return r
}

func (r *rig) newPool() {
	r.p = mempool.New(r.c, mempool.Config{})
	p := r.p
	r.t.Cleanup(func() { p.Close() })
	r.cfg.Pool = p
}

func (r *rig) open() {
	r.t.Helper()
	w, err := Open(r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.w = w
	r.t.Cleanup(func() {
		if err := w.Close(); err != nil {
			r.t.Error(err)
		}
	})
	r.ok(w.Unlock(passphrase, time.Hour))
}

func (r *rig) reopen() {
	r.t.Helper()
	r.ok(r.w.Close())
	r.open()
}

func (r *rig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) address(t hdkey.Type) string {
	r.t.Helper()
	a, err := r.w.NewAddress(t, "")
	r.ok(err)
	return a
}

func (r *rig) script(address string) []byte {
	r.t.Helper()
	s, err := hdkey.ParseAddress(address, r.c.Params())
	r.ok(err)
	return s
}

func (r *rig) balance() Balance {
	r.t.Helper()
	b, err := r.w.Balance(r.t.Context(), 0)
	r.ok(err)
	b.At = chain.Index{}
	return b
}

func (r *rig) send(value amount.Amount, o SpendOptions) *wire.MsgTx {
	r.t.Helper()
	tx, _, err := r.w.Send(r.t.Context(), pay(value), o, Note{})
	r.ok(err)
	return tx
}

func (r *rig) tx(tx *wire.MsgTx) Tx {
	r.t.Helper()
	t, err := r.w.Transaction(r.t.Context(), tx.TxHash())
	r.ok(err)
	return t
}

// pay is to a stranger's P2WPKH address.
func pay(value amount.Amount) []Output {
	return []Output{{Script: append([]byte{0, 20}, bytes.Repeat([]byte{7}, 20)...), Value: value}}
}

func TestSendPaysAndGetsChangeBack(t *testing.T) {
	r := newRig(t, 3)
	if b := r.balance(); b != (Balance{Trusted: 3 * subsidy}) {
		t.Fatalf("%+v", b)
	}
	tx := r.send(amount.FAI, SpendOptions{})
	got := r.tx(tx)
	if !got.AllMine || !got.Pooled || !got.Trusted || !got.Signals || got.Fee == 0 || got.Debit != subsidy || got.Credit != subsidy-amount.FAI-got.Fee {
		t.Fatalf("%+v", got)
	}
	if b := r.balance(); b != (Balance{Trusted: 3*subsidy - amount.FAI - got.Fee}) {
		t.Fatalf("%+v", b)
	}
	chaintest.Mine(t, r.c, nobody, tx)
	if b := r.balance(); b != (Balance{Trusted: 3*subsidy - amount.FAI - got.Fee}) || r.tx(tx).Confirmations != 1 {
		t.Fatalf("%+v", b)
	}
	r.reopen()
	if b := r.balance(); b != (Balance{Trusted: 3*subsidy - amount.FAI - got.Fee}) {
		t.Fatalf("after opening again: %+v", b)
	}
}

func TestOnBitcoinRegtest(t *testing.T) {
	c := chaintest.Open(t, consensus.BitcoinRegtest(), chain.Options{Dir: t.TempDir(), NoSync: true})
	r := newRigOn(t, c, 1)
	taproot := r.address(hdkey.P2TR)
	if taproot[:6] != "bcrt1p" {
		t.Fatal(taproot)
	}
	tx, _, err := r.w.Send(t.Context(), []Output{{Script: r.script(taproot), Value: 10 * amount.FAI}}, SpendOptions{}, Note{})
	r.ok(err)
	chaintest.Mine(t, r.c, nobody, tx)
	all, _, err := r.w.Send(t.Context(), []Output{{Script: nobody}}, SpendOptions{All: true}, Note{}) // from both kinds of address
	r.ok(err)
	if len(all.TxIn) != 2 {
		t.Fatal(len(all.TxIn))
	}
	chaintest.Mine(t, r.c, nobody, all)
	if b := r.balance(); b != (Balance{}) {
		t.Fatalf("%+v", b)
	}
}
