package hd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/chain"
	"funai/ledger/wallet/hdkey"
)

// Why a coin is not locked or unlocked.
var (
	ErrNoCoin     = errors.New("not an unspent coin of the wallet")
	ErrCoinLocked = errors.New("coin is locked already")
	ErrCoinFree   = errors.New("coin is not locked")
)

// Balance is the wallet's money in base units.
type Balance struct {
	Trusted   amount.Amount // confirmed, or the wallet's own change in the mempool
	Untrusted amount.Amount // in the mempool, from others
	Immature  amount.Amount // mined, not to be spent yet
	At        chain.Index   // the block as of which it is
}

// Balance counts the coins that no transaction spends which may still confirm. minConf leaves out trusted coins with fewer
// confirmations.
func (w *Wallet) Balance(ctx context.Context, minConf int32) (Balance, error) {
	if err := w.enter(ctx); err != nil {
		return Balance{}, err
	}
	defer w.mu.Unlock()
	b := Balance{At: w.at}
	for o, r := range w.book.coins {
		if w.book.spent(o) {
			continue
		}
		value := amount.Amount(r.tx.TxOut[o.Index].Value)
		switch {
		case r.confirmed() && !w.mature(r):
			b.Immature += value
		case w.book.trusted(r):
			if w.confirmations(r) >= minConf {
				b.Trusted += value
			}
		case r.pooled:
			b.Untrusted += value
		}
	}
	return b, nil
}

// mature says whether the next block may spend a record's outputs.
func (w *Wallet) mature(r *record) bool { return w.maturesIn(r) == 0 }

// maturesIn is how many more blocks a coinbase needs.
func (w *Wallet) maturesIn(r *record) int32 {
	if !r.coinbase() || !r.confirmed() {
		return 0
	}
	return max(0, r.block.Height+int32(w.net.CoinbaseMaturity)-w.at.Height-1)
}

// confirmations counts the blocks from the one that a record is in to the tip; 0 for none, and negative since a block that
// spends the same otherwise.
func (w *Wallet) confirmations(r *record) int32 {
	if r.confirmed() {
		return w.at.Height - r.block.Height + 1
	}
	return w.conflicted(r, map[chainhash.Hash]bool{})
}

// conflicted is the confirmations of an unconfirmed record. Each of its ancestors is looked at once: between two
// transactions that anybody can make there are more ways than could ever be gone.
func (w *Wallet) conflicted(r *record, seen map[chainhash.Hash]bool) int32 {
	if r.conflict != (chain.Index{}) {
		return r.conflict.Height - w.at.Height - 1
	}
	seen[r.hash] = true
	for _, in := range r.tx.TxIn {
		p := w.book.txs[in.PreviousOutPoint.Hash]
		if p == nil || p.confirmed() || seen[p.hash] {
			continue
		}
		if n := w.conflicted(p, seen); n < 0 {
			return n
		}
	}
	return 0
}

// Coin is an output that the wallet can spend, or could if it were unlocked, mature or safe.
type Coin struct {
	At            wire.OutPoint
	Value         amount.Amount
	Script        []byte
	Address       string
	Key           hdkey.Key
	Descriptor    string
	ParentDesc    string
	Label         string
	Labelled      bool // there is an entry in the address book
	Confirmations int32
	Safe          bool // nobody else can undo it
	Locked        bool
	Coinbase      bool
	Ancestors     int // unconfirmed transactions of the wallet that it takes; 0: confirmed
}

// Unspent lists the coins that are mature and that nothing spends, those in the mempool and locked ones included, the ones
// longest known first.
func (w *Wallet) Unspent(ctx context.Context) ([]Coin, error) {
	if err := w.enter(ctx); err != nil {
		return nil, err
	}
	defer w.mu.Unlock()
	var cs []Coin
	for _, s := range w.spendable() {
		c := Coin{At: s.at, Value: s.value, Script: s.r.tx.TxOut[s.at.Index].PkScript, Confirmations: w.confirmations(s.r),
			Safe: w.book.trusted(s.r), Locked: w.isLocked(s.at), Coinbase: s.r.coinbase(), Ancestors: s.depth}
		key, err := w.keys.Key(s.path)
		if err != nil {
			return nil, err
		}
		c.Key, c.Descriptor, c.ParentDesc = key, w.keys.Descriptor(key), w.keys.ParentDescriptor(s.path)
		c.Address = hdkey.Address(c.Script, w.net)
		l, ok := w.file.Meta.Labels[c.Address]
		c.Label, c.Labelled = l.Name, ok
		cs = append(cs, c)
	}
	return cs, nil
}

// spendable is a coin of the wallet that nothing spends.
type spendable struct {
	at    wire.OutPoint
	r     *record
	value amount.Amount
	path  hdkey.Path
	depth int // unconfirmed transactions that it takes
}

// spendable lists the mature coins on the chain and in the mempool, in the order in which the wallet came to know them.
func (w *Wallet) spendable() (ss []spendable) {
	for o, r := range w.book.coins {
		if !r.confirmed() && !r.pooled || !w.mature(r) || w.book.spent(o) {
			continue
		}
		out := r.tx.TxOut[o.Index]
		p, _ := w.book.path(out.PkScript)
		ss = append(ss, spendable{o, r, amount.Amount(out.Value), p, w.book.unconfirmedAncestors(r)})
	}
	slices.SortFunc(ss, func(a, b spendable) int {
		return cmp.Or(cmp.Compare(a.r.seq, b.r.seq), cmp.Compare(a.at.Index, b.at.Index))
	})
	return ss
}

func (w *Wallet) isLocked(o wire.OutPoint) bool { _, ok := w.locked[o]; return ok }

// LockCoins keeps coins from being chosen for spending, all or none: until the wallet is closed, or if lasting for good.
// Errors wrap ErrNoCoin and ErrCoinLocked; locking a coin again to make it last is none.
func (w *Wallet) LockCoins(ctx context.Context, coins []wire.OutPoint, lasting bool) error {
	if err := w.enter(ctx); err != nil {
		return err
	}
	defer w.mu.Unlock()
	for _, o := range coins {
		switch {
		case w.book.coins[o] == nil || w.book.spent(o):
			return fmt.Errorf("%w: %v", ErrNoCoin, o)
		case w.isLocked(o) && !lasting:
			return fmt.Errorf("%w: %v", ErrCoinLocked, o)
		}
	}
	if lasting {
		if err := w.db.write(changes{lock: coins, mustLast: true}); err != nil {
			return err
		}
	}
	for _, o := range coins {
		w.locked[o] = lasting
	}
	return nil
}

// UnlockCoins lets coins be spent again, all or none. Errors wrap ErrCoinFree.
func (w *Wallet) UnlockCoins(coins []wire.OutPoint) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	for _, o := range coins {
		if !w.isLocked(o) {
			return fmt.Errorf("%w: %v", ErrCoinFree, o)
		}
	}
	if err := w.db.write(changes{unlock: coins, mustLast: true}); err != nil {
		return err
	}
	for _, o := range coins {
		delete(w.locked, o)
	}
	return nil
}

// LockedCoins lists the coins that are not to be spent.
func (w *Wallet) LockedCoins() []wire.OutPoint {
	w.mu.Lock()
	defer w.mu.Unlock()
	os := make([]wire.OutPoint, 0, len(w.locked))
	for o := range w.locked {
		os = append(os, o)
	}
	slices.SortFunc(os, func(a, b wire.OutPoint) int {
		return cmp.Or(slices.Compare(a.Hash[:], b.Hash[:]), cmp.Compare(a.Index, b.Index))
	})
	return os
}
