package hd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/chain"
	"funai/ledger/wallet/hdkey"
)

// ErrAbandon says that a transaction is confirmed, in the mempool, or cannot be given up for another reason.
var ErrAbandon = errors.New("transaction cannot be abandoned")

// Tx is a transaction that pays the wallet or spends a coin of its.
type Tx struct {
	Tx   *wire.MsgTx
	Hash chainhash.Hash
	// Block is the one that it is in, zero if unconfirmed; then Pos is its place there and BlockTime the block's.
	Block     chain.Index
	Pos       int32
	BlockTime time.Time
	Seen      time.Time // when the wallet came to know it
	Seq       uint64    // grows in the order in which the wallet came to know them
	// Confirmations is negative when a block spends the same otherwise.
	Confirmations int32
	Pooled        bool // in the mempool
	Trusted       bool // nobody else can undo it
	Abandoned     bool
	Coinbase      bool
	MaturesIn     int32         // blocks until a coinbase can be spent
	Debit, Credit amount.Amount // what it takes from the wallet, and what it pays it
	AllMine       bool          // every input is the wallet's: then Fee is known
	Fee           amount.Amount
	Outs          []TxOut
	Conflicts     []chainhash.Hash // of the wallet, that spend the same
	InPoolRivals  []chainhash.Hash // those of them in the mempool
	Replaces      chainhash.Hash   // zero: none
	ReplacedBy    chainhash.Hash
	Comment, To   string
	Signals       bool // it can be replaced (BIP-125)
}

// TxOut is one of its outputs.
type TxOut struct {
	Value      amount.Amount
	Script     []byte
	Address    string // empty: there is no such form
	Mine       bool
	Change     bool // pays an address of the change chain
	Label      string
	Labelled   bool
	ParentDesc string // of the wallet's own
}

// Transactions lists the wallet's history, in the order in which the wallet came to know it.
func (w *Wallet) Transactions(ctx context.Context) ([]Tx, error) {
	if err := w.enter(ctx); err != nil {
		return nil, err
	}
	defer w.mu.Unlock()
	rs := w.book.ordered()
	txs := make([]Tx, len(rs))
	for i, r := range rs {
		txs[i] = w.describe(r)
	}
	return txs, nil
}

// Transaction is one of the wallet's history. Errors wrap ErrUnknown.
func (w *Wallet) Transaction(ctx context.Context, hash chainhash.Hash) (Tx, error) {
	if err := w.enter(ctx); err != nil {
		return Tx{}, err
	}
	defer w.mu.Unlock()
	r := w.book.txs[hash]
	if r == nil {
		return Tx{}, fmt.Errorf("%w: %v", ErrUnknown, hash)
	}
	return w.describe(r), nil
}

func (w *Wallet) describe(r *record) Tx {
	t := Tx{Tx: r.tx, Hash: r.hash, Block: r.block, Pos: r.pos, Seen: time.Unix(r.seen, 0), Seq: r.seq,
		Confirmations: w.confirmations(r), Pooled: r.pooled, Trusted: w.book.trusted(r), Abandoned: r.abandoned,
		Coinbase: r.coinbase(), MaturesIn: w.maturesIn(r), Credit: w.book.credit(r), Conflicts: w.book.conflicts(r),
		Replaces: r.replaces, ReplacedBy: r.replacedBy, Comment: r.comment, To: r.to, Signals: signals(r.tx)}
	if r.confirmed() {
		t.BlockTime = time.Unix(r.blockTime, 0)
	}
	for _, h := range t.Conflicts {
		if w.book.txs[h].pooled {
			t.InPoolRivals = append(t.InPoolRivals, h)
		}
	}
	var paid amount.Amount
	for _, out := range r.tx.TxOut {
		t.Outs = append(t.Outs, w.describeOut(out))
		paid += amount.Amount(out.Value)
	}
	if t.Debit, t.AllMine = w.book.debit(r); t.AllMine {
		t.Fee = t.Debit - paid
	}
	return t
}

func (w *Wallet) describeOut(out *wire.TxOut) TxOut {
	o := TxOut{Value: amount.Amount(out.Value), Script: out.PkScript, Address: hdkey.Address(out.PkScript, w.net)}
	p, mine := w.book.path(out.PkScript)
	l, labelled := w.file.Meta.Labels[o.Address]
	o.Mine, o.Change, o.Label, o.Labelled = mine, mine && p.Chain == hdkey.Change, l.Name, labelled
	if mine {
		o.ParentDesc = w.keys.ParentDescriptor(p)
	}
	return o
}

// signals says whether a transaction can be replaced in the mempool (BIP-125).
func signals(tx *wire.MsgTx) bool {
	for _, in := range tx.TxIn {
		if in.Sequence < wire.MaxTxInSequenceNum-1 {
			return true
		}
	}
	return false
}

// Abandon gives up a transaction that is neither confirmed nor in the mempool, and those that spend it: the coins that they
// spend are free again. Should a block bring one after all, it counts. Errors wrap ErrUnknown and ErrAbandon.
func (w *Wallet) Abandon(ctx context.Context, hash chainhash.Hash) error {
	if err := w.enter(ctx); err != nil {
		return err
	}
	defer w.mu.Unlock()
	r := w.book.txs[hash]
	switch {
	case r == nil:
		return fmt.Errorf("%w: %v", ErrUnknown, hash)
	case r.confirmed() || r.pooled || w.book.dead(r):
		return fmt.Errorf("%w: %v is confirmed, in the mempool, abandoned or in conflict with a block", ErrAbandon, hash)
	}
	for _, r := range append(w.book.descendants(r), r) {
		if !r.confirmed() {
			r.abandoned, r.pooled = true, false
			w.touch(r)
		}
	}
	return w.commit(true)
}
