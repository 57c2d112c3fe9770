package hd

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/amount"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/mempool"
	"funai/ledger/wallet/hdkey"
	"funai/ledger/wallet/vault"
)

// TestManyWaysBetweenTransactionsTakeNoLonger has a stranger pay the wallet with transactions of which each spends every
// output of the one before: 4^24 ways lead from the last to the first.
func TestManyWaysBetweenTransactionsTakeNoLonger(t *testing.T) {
	r := newRig(t, 0)
	script := r.script(r.address(hdkey.P2WPKH))
	r.ok(r.w.Sync(t.Context()))
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	before := chainhash.Hash{1}
	var last *record
	for range mempool.MaxPackage {
		tx := wire.NewMsgTx(2)
		for i := range 4 {
			tx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&before, uint32(i)), nil, nil))
			tx.AddTxOut(wire.NewTxOut(1000, script))
		}
		before = tx.TxHash()
		last = r.w.book.add(tx, before, 0)
		last.pooled = true
	}
	if got := r.w.describe(last); got.Confirmations != 0 {
		t.Errorf("%d confirmations", got.Confirmations)
	}
	first := r.w.book.ordered()[0]
	first.conflict = r.w.at
	if got := r.w.confirmations(last); got != -1 {
		t.Errorf("%d confirmations since a block spends what the first one does, want -1", got)
	}
}

// TestWhatCannotBeSavedIsNotSent fails the disk under a payment. The person is told of it and may pay anew, so it must not
// be sent later.
func TestWhatCannotBeSavedIsNotSent(t *testing.T) {
	r := newRig(t, 1)
	r.ok(r.w.Close())
	r.cfg.FS = vfs.NewMem()
	r.open()
	if b := r.balance(); b != (Balance{Trusted: subsidy}) {
		t.Fatalf("%+v", b)
	}
	r.ok(os.Rename(r.cfg.Dir, r.cfg.Dir+"-gone")) // the file with the next change address cannot be written
	_, _, err := r.w.Send(t.Context(), pay(amount.FAI), SpendOptions{}, Note{})
	if err == nil {
		t.Fatal("sent, and not saved")
	}
	r.ok(os.Rename(r.cfg.Dir+"-gone", r.cfg.Dir))
	chaintest.MineN(t, r.c, nobody, 1) // when the wallet hands in anew what the mempool lacks
	r.ok(r.w.Sync(t.Context()))
	r.w.settle(chain.Index{Height: -1})
	if got := r.balance(); got != (Balance{Trusted: subsidy}) || r.p.Info().Count != 0 {
		t.Errorf("%+v, %d in the mempool", got, r.p.Info().Count)
	}
}

// counting notes what a pool is handed.
type counting struct {
	*mempool.Pool
	mu     sync.Mutex
	handed []chainhash.Hash
}

func (c *counting) Accept(tx *wire.MsgTx) ([]*chainhash.Hash, error) {
	c.mu.Lock()
	c.handed = append(c.handed, tx.TxHash())
	c.mu.Unlock()
	return c.Pool.Accept(tx)
}

// TestAReplacedTransactionIsNotSentAgain takes the mempool away from a wallet that has bumped a payment.
func TestAReplacedTransactionIsNotSentAgain(t *testing.T) {
	r := newRig(t, 1)
	old := r.send(amount.FAI, SpendOptions{})
	b, err := r.w.Bump(t.Context(), old.TxHash(), BumpOptions{})
	r.ok(err)
	r.ok(r.w.Close())
	r.newPool()
	p := &counting{Pool: r.p}
	r.cfg.Pool = p
	r.open()
	r.ok(r.w.Sync(t.Context()))
	r.w.settle(chain.Index{Height: -1})
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, hash := range p.handed {
		if hash != b.Draft.Tx.TxHash() {
			t.Errorf("%v was handed in, which %v replaces", hash, b.Draft.Tx.TxHash())
		}
	}
	if !r.p.Have(b.Draft.Tx.TxHash()) {
		t.Error("the replacement was not handed in")
	}
}

func TestAFileThatCannotBeReadIsNoMissingWallet(t *testing.T) {
	r := newRig(t, 0)
	r.ok(r.w.Close())
	r.ok(os.Remove(r.w.path()))
	if Exists(r.cfg.Dir) {
		t.Error("there is none")
	}
	r.ok(os.Mkdir(r.w.path(), 0o700)) // neither a file nor nothing
	if _, err := Open(r.cfg); !Exists(r.cfg.Dir) || err == nil || errors.Is(err, ErrNone) {
		t.Error(err)
	}
	r.ok(os.Remove(r.w.path()))
	r.ok(os.WriteFile(r.w.path(), []byte("funai wallet\n\xff\xff"), 0o600))
	if _, err := Open(r.cfg); !errors.Is(err, vault.ErrVersion) {
		t.Error(err)
	}
}

// TestBlocksThatAreGoneAreToldOf has a wallet that would have to read blocks that the node has deleted: what it knows must
// not pass for all that there is.
func TestBlocksThatAreGoneAreToldOf(t *testing.T) {
	r := newRig(t, 1)
	r.ok(r.w.Close())
	const keep = 288
	chaintest.MineN(t, r.c, nobody, keep)
	if through, err := r.c.PruneTo(5); err != nil || through != 5 {
		t.Fatal(through, err)
	}
	late := r.restored(NewOptions{})
	if !late.w.note(late.w.catchUp(t.Context())) && late.w.stuck == nil {
		t.Fatal("the wallet does not know that it cannot read on")
	}
	if b, err := late.w.Balance(t.Context(), 0); !errors.Is(err, ErrPruned) {
		t.Errorf("%+v, %v", b, err)
	}
	if late.w.note(late.w.catchUp(t.Context())) {
		t.Error("that is no news")
	}
}

// TestNothingIsLeftOfMakingAWallet crashes between giving the file its name and taking the other one away.
func TestNothingIsLeftOfMakingAWallet(t *testing.T) {
	r := newRig(t, 0)
	r.ok(r.w.Close())
	seed, err := os.ReadFile(r.w.path())
	r.ok(err)
	r.ok(os.WriteFile(filepath.Join(r.cfg.Dir, freshFile), seed, 0o600))
	r.open()
	if files, err := filepath.Glob(filepath.Join(r.cfg.Dir, "*.new*")); err != nil || len(files) > 0 {
		t.Error(files, err)
	}
}

// TestChangeIsNotBurnt bumps a payment that carries data, and names the data as its change.
func TestChangeIsNotBurnt(t *testing.T) {
	r := newRig(t, 1)
	outs := append(pay(amount.FAI), Output{Script: []byte{txscript.OP_RETURN, txscript.OP_TRUE}})
	tx, _, err := r.w.Send(t.Context(), outs, SpendOptions{}, Note{})
	r.ok(err)
	at := slices.IndexFunc(tx.TxOut, func(o *wire.TxOut) bool { return txscript.IsUnspendable(o.PkScript) })
	if _, err := r.w.Bump(t.Context(), tx.TxHash(), BumpOptions{ChangeIndex: &at}); !errors.Is(err, ErrOptions) {
		t.Error(err)
	}
}
