package wallet

import (
	"bytes"
	"errors"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/chain"
)

// updatesAtOnce bounds the blocks held in memory for one step of following the chain.
const updatesAtOnce = 64

// sync follows the chain to its tip. The lock is held, here and in all of this file.
func (w *Wallet) sync() error {
	for {
		reverted, applied, err := w.c.UpdatesSince(w.at, updatesAtOnce)
		if lost := errors.Is(err, chain.ErrUnknown) || errors.Is(err, chain.ErrMissing); lost && w.at != (chain.Index{}) {
			w.log.Warn("wallet is off the chain, reading it from its start", "at", w.at.Hash, "err", err)
			w.at = chain.Index{}
			clear(w.coins)
			continue
		}
		if err != nil {
			return err
		}
		if len(reverted)+len(applied) == 0 {
			break
		}
		for _, u := range reverted {
			w.revert(u)
		}
		for _, u := range applied {
			w.apply(u)
		}
	}
	if !w.resolving {
		return nil
	}
	return w.resolve()
}

func (w *Wallet) apply(u chain.Update) {
	for i, tx := range u.Block.Transactions {
		hash := tx.TxHash()
		if i > 0 {
			for _, in := range tx.TxIn {
				delete(w.coins, in.PreviousOutPoint)
			}
		}
		for j, out := range tx.TxOut {
			if w.ours(out) {
				w.coins[wire.OutPoint{Hash: hash, Index: uint32(j)}] = coin{amount.Amount(out.Value), u.Height, i == 0}
			}
		}
		delete(w.queued, hash)
	}
	w.at = u.Index
}

func (w *Wallet) revert(u chain.Update) {
	for i := len(u.Block.Transactions) - 1; i >= 0; i-- {
		tx := u.Block.Transactions[i]
		hash := tx.TxHash()
		for j := range tx.TxOut {
			delete(w.coins, wire.OutPoint{Hash: hash, Index: uint32(j)})
		}
		if i == 0 {
			continue
		}
		for j, in := range tx.TxIn {
			if out := u.Spent[i][j]; w.ours(out) {
				w.coins[in.PreviousOutPoint] = coin{value: amount.Amount(out.Value), height: unknown}
				w.resolving = true
			}
		}
	}
	w.at = chain.Index{Height: u.Height - 1, Hash: u.Block.Header.PrevBlock}
}

// resolve asks the chain for the heights of coins that a reorg brought back. One that is gone has been spent on the new
// branch after w.at, and is left for the next time.
func (w *Wallet) resolve() error {
	left := false
	for o, c := range w.coins {
		if c.height != unknown {
			continue
		}
		on, err := w.c.Coin(o)
		if err != nil {
			return err
		}
		if left = left || on == nil; on != nil {
			w.coins[o] = coin{c.value, on.Height, on.Coinbase}
		}
	}
	w.resolving = left
	return nil
}

// look brings the wallet's view of the pool up to date and says whether it could. The pool follows the chain by itself;
// while the two stand at different blocks a transaction's absence there means nothing, and the view stays as it is.
func (w *Wallet) look() bool {
	watched := make([]chainhash.Hash, 0, len(w.queued))
	for h := range w.queued {
		watched = append(watched, h)
	}
	u := w.pool.UpdatesSince(w.seq, watched)
	if u.At != w.at {
		return false
	}
	w.seq = u.Next
	for _, h := range u.Gone {
		delete(w.queued, h)
	}
	for _, e := range u.Added {
		if tx := e.Tx.MsgTx(); w.concerns(tx) {
			w.queued[*e.Tx.Hash()] = e
		}
	}
	return true
}

// concerns says whether an unconfirmed transaction pays the wallet or spends a coin of its.
func (w *Wallet) concerns(tx *wire.MsgTx) bool {
	for _, out := range tx.TxOut {
		if w.ours(out) {
			return true
		}
	}
	for _, in := range tx.TxIn {
		if w.owned(in.PreviousOutPoint) {
			return true
		}
	}
	return false
}

func (w *Wallet) ours(out *wire.TxOut) bool { return bytes.Equal(out.PkScript, w.script) }

// owned says whether an outpoint is a coin of ours, on the chain or in the pool.
func (w *Wallet) owned(o wire.OutPoint) bool {
	if _, ok := w.coins[o]; ok {
		return true
	}
	e := w.queued[o.Hash]
	return e != nil && int(o.Index) < len(e.Tx.MsgTx().TxOut) && w.ours(e.Tx.MsgTx().TxOut[o.Index])
}

// spentByPool is the set of coins that transactions in the pool spend.
func (w *Wallet) spentByPool() map[wire.OutPoint]bool {
	spent := map[wire.OutPoint]bool{}
	for _, e := range w.queued {
		for _, in := range e.Tx.MsgTx().TxIn {
			spent[in.PreviousOutPoint] = true
		}
	}
	return spent
}

// spendable is a coin that may go into a transaction.
type spendable struct {
	at    wire.OutPoint
	value amount.Amount
	depth int // unconfirmed transactions that must be mined before it, 0 on the chain
}

// unconfirmed lists outputs of transactions in the pool that pay the wallet and that nothing spends yet.
func (w *Wallet) unconfirmed(spent map[wire.OutPoint]bool) (us []spendable) {
	for h, e := range w.queued {
		for i, out := range e.Tx.MsgTx().TxOut {
			o := wire.OutPoint{Hash: h, Index: uint32(i)}
			if _, mined := w.coins[o]; w.ours(out) && !spent[o] && !mined {
				us = append(us, spendable{o, amount.Amount(out.Value), w.depth(h)})
			}
		}
	}
	return us
}

// depth counts the transactions of the wallet that must be mined with or before the one with this hash.
func (w *Wallet) depth(hash chainhash.Hash) int {
	seen := map[chainhash.Hash]bool{}
	for queue := []chainhash.Hash{hash}; len(queue) > 0; queue = queue[1:] {
		e := w.queued[queue[0]]
		if e == nil || seen[queue[0]] {
			continue
		}
		seen[queue[0]] = true
		for _, in := range e.Tx.MsgTx().TxIn {
			queue = append(queue, in.PreviousOutPoint.Hash)
		}
	}
	return len(seen)
}

// trusted says whether a transaction in the pool spends only coins of the wallet, so that nobody else can undo it by
// spending its inputs otherwise. known holds earlier answers.
func (w *Wallet) trusted(hash chainhash.Hash, known map[chainhash.Hash]bool) bool {
	if yes, ok := known[hash]; ok {
		return yes
	}
	e := w.queued[hash]
	known[hash] = e != nil
	for i := 0; known[hash] && i < len(e.Tx.MsgTx().TxIn); i++ {
		o := e.Tx.MsgTx().TxIn[i].PreviousOutPoint
		_, mined := w.coins[o]
		known[hash] = mined || w.owned(o) && w.trusted(o.Hash, known)
	}
	return known[hash]
}
