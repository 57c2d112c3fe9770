package hd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/mempool"
)

const (
	// updatesAtOnce bounds the blocks held in memory, and the time the wallet is locked, for one step of following the
	// chain.
	updatesAtOnce = 16
	// maxWait is how many blocks a wallet may be behind for its methods to wait until it has read them; beyond that they
	// answer from what is known, and spending is refused.
	maxWait = 144
	// slack is how much earlier than the birthday reading begins: a block's time may be that far off (Bitcoin Core's
	// TIMESTAMP_WINDOW).
	slack = 2 * time.Hour
)

// run follows the chain and the mempool until ctx ends.
func (w *Wallet) run(ctx context.Context) {
	defer close(w.done)
	resent := chain.Index{Height: -1}
	for {
		chainChanged, poolChanged := w.cfg.Chain.Changed(), w.cfg.Pool.Changed()
		err := w.catchUp(ctx)
		if w.note(err) && ctx.Err() == nil {
			w.log.Error("wallet cannot follow the chain", "err", err)
		}
		if err == nil {
			resent = w.settle(resent)
		}
		select {
		case <-chainChanged:
		case <-poolChanged:
		case <-ctx.Done():
			return
		}
	}
}

// note keeps why the wallet cannot follow the chain, and says whether that is news.
func (w *Wallet) note(err error) (news bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.stuck
	if w.stuck = nil; errors.Is(err, ErrPruned) {
		w.stuck = err
	}
	return err != nil && (before == nil || before.Error() != err.Error())
}

// catchUp follows the chain to its tip. The lock is not held, and let go between steps.
func (w *Wallet) catchUp(ctx context.Context) error {
	for {
		w.mu.Lock()
		more, err := w.step()
		w.mu.Unlock()
		if err != nil || !more {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// settle looks at the pool and, once for each tip, gives it the wallet's own transactions that it lacks: after a restart,
// a reorg, or when the pool has dropped them.
func (w *Wallet) settle(resent chain.Index) chain.Index {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.look() || resent == w.at {
		return resent
	}
	if w.resubmit() {
		w.look()
	}
	if err := w.commit(false); err != nil {
		w.log.Error("wallet cannot be saved", "err", err)
	}
	return w.at
}

// resubmit gives the pool what it lacks, in the order in which the wallet made it.
func (w *Wallet) resubmit() (taken bool) {
	for _, r := range w.book.ordered() {
		if r.confirmed() || r.pooled || w.book.dead(r) || w.book.displaced(r) || w.book.replaced(r) {
			continue
		}
		if debit, _ := w.book.debit(r); debit == 0 {
			continue
		}
		_, err := w.cfg.Pool.Accept(r.tx)
		if taken = taken || err == nil; err != nil && !errors.Is(err, mempool.ErrKnown) {
			w.log.Warn("mempool does not take the wallet's transaction again", "tx", r.hash, "err", err)
		}
	}
	return taken
}

// enter locks the wallet after it has followed the chain and the pool. If it returns an error the lock is not held. A wallet
// that is far behind is not waited for, unless it will never be there: what it knows must not pass for all.
func (w *Wallet) enter(ctx context.Context) error {
	for {
		w.mu.Lock()
		if w.closed {
			w.mu.Unlock()
			return ErrClosed
		}
		if w.behind() {
			if w.stuck == nil {
				return nil
			}
			err := w.stuck
			w.mu.Unlock()
			return err
		}
		changed := w.cfg.Pool.Changed()
		more, err := w.step()
		if err != nil {
			w.mu.Unlock()
			return err
		}
		if !more && w.look() {
			return nil
		}
		w.mu.Unlock()
		if more {
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// behind says whether it will take a while to follow the chain.
func (w *Wallet) behind() bool { return w.cfg.Chain.Tip().Height-w.at.Height > maxWait }

// step follows the chain a few blocks, and says whether there are more.
func (w *Wallet) step() (more bool, err error) {
	if w.closed {
		return false, ErrClosed
	}
	reverted, applied, err := w.cfg.Chain.UpdatesSince(w.at, updatesAtOnce)
	if errors.Is(err, chain.ErrUnknown) || errors.Is(err, chain.ErrMissing) {
		return w.lost(err)
	}
	if err != nil || len(reverted)+len(applied) == 0 {
		return false, err
	}
	for _, u := range reverted {
		w.revert(u)
	}
	for _, u := range applied {
		w.apply(u.Index, u.Block)
		w.at = u.Index
	}
	return true, w.commit(false)
}

// lost finds out why the chain does not lead on from where the wallet is: it is another chain, and everything is read anew,
// or the next block is not stored any more.
func (w *Wallet) lost(cause error) (more bool, err error) {
	start := w.start()
	on, ok := w.cfg.Chain.IndexAt(w.at.Height)
	if w.at == start || w.at == (chain.Index{}) || ok && on == w.at {
		return false, fmt.Errorf("%w: after height %d: %v", ErrPruned, w.at.Height, cause)
	}
	w.log.Warn("wallet is off the chain, reading it from its birthday", "at", w.at.Hash, "err", cause)
	w.forgetBlocks()
	w.at = start
	return true, w.commit(false)
}

// forgetBlocks takes every transaction for unconfirmed.
func (w *Wallet) forgetBlocks() {
	for _, r := range w.book.txs {
		if r.confirmed() || r.conflict != (chain.Index{}) {
			r.block, r.conflict, r.pooled = chain.Index{}, chain.Index{}, false
			w.touch(r)
		}
	}
	for _, r := range w.book.txs {
		w.book.refresh(r)
	}
}

// start is the block after which the wallet's first coin can be.
func (w *Wallet) start() chain.Index {
	if w.file.Public.Birthday == 0 {
		return chain.Index{}
	}
	first := time.Unix(w.file.Public.Birthday, 0).Add(-slack)
	var before chain.Index
	for height := int32(0); ; height++ {
		i, ok := w.cfg.Chain.IndexAt(height)
		if !ok {
			return before
		}
		h, _, ok := w.cfg.Chain.Header(i.Hash)
		if !ok || !h.Timestamp.Before(first) {
			return before
		}
		before = i
	}
}

// young says whether a block is older than the wallet by so much that nothing in it can be the wallet's.
func (w *Wallet) young(b *wire.MsgBlock) bool {
	return w.file.Public.Birthday != 0 && b.Header.Timestamp.Before(time.Unix(w.file.Public.Birthday, 0).Add(-slack))
}

// apply reads a block of the best chain, unless it is from before the birthday.
func (w *Wallet) apply(at chain.Index, b *wire.MsgBlock) {
	if !w.young(b) {
		w.applyAll(at, b)
	}
}

// applyAll reads a block of the best chain. It may have been read before.
func (w *Wallet) applyAll(at chain.Index, b *wire.MsgBlock) {
	// A payment to a late address can stand before one to an early address that makes the late one watched.
	for more := true; more; {
		more = false
		for i, tx := range b.Transactions {
			if w.applyTx(at, b, i, tx) {
				more = true
			}
		}
	}
}

func (w *Wallet) applyTx(at chain.Index, b *wire.MsgBlock, i int, tx *wire.MsgTx) (more bool) {
	hash := tx.TxHash()
	if i > 0 {
		w.markConflicts(at, tx, hash)
	}
	if w.book.txs[hash] == nil && !w.book.concerns(tx) {
		return false
	}
	r := w.book.add(tx, hash, w.cfg.Now().Unix())
	r.tx, r.block, r.pos, r.blockTime = tx, at, int32(i), b.Header.Timestamp.Unix()
	r.conflict, r.abandoned, r.pooled = chain.Index{}, false, false
	w.touch(r)
	w.book.refresh(r)
	return w.useOutputs(tx)
}

// markConflicts marks the wallet's transactions that can never confirm because this one, which is in a block, spends the
// same.
func (w *Wallet) markConflicts(at chain.Index, tx *wire.MsgTx, hash chainhash.Hash) {
	for _, in := range tx.TxIn {
		for _, r := range w.book.spends[in.PreviousOutPoint] {
			if r.hash != hash && !r.confirmed() && r.conflict == (chain.Index{}) {
				r.conflict, r.pooled = at, false
				w.touch(r)
			}
		}
	}
}

// useOutputs marks the wallet's addresses that a transaction pays as used.
func (w *Wallet) useOutputs(tx *wire.MsgTx) (more bool) {
	for _, out := range tx.TxOut {
		if p, ok := w.book.path(out.PkScript); ok && w.use(p) {
			more = true
		}
	}
	return more
}

// revert takes a block back.
func (w *Wallet) revert(u chain.Update) {
	for _, r := range w.book.txs {
		if r.conflict == u.Index {
			r.conflict = chain.Index{}
			w.touch(r)
		}
		if r.block == u.Index {
			r.block, r.pos, r.blockTime = chain.Index{}, 0, 0
			w.touch(r)
			w.book.refresh(r)
		}
	}
	w.at = chain.Index{Height: u.Height - 1, Hash: u.Block.Header.PrevBlock}
}

// look brings the wallet's view of the pool up to date and says whether it could. The pool follows the chain by itself;
// while the two stand at different blocks a transaction's absence there means nothing, and the view stays as it is.
func (w *Wallet) look() bool {
	var watched []chainhash.Hash
	for h, r := range w.book.txs {
		if r.pooled {
			watched = append(watched, h)
		}
	}
	u := w.cfg.Pool.UpdatesSince(w.seq, watched)
	if u.At != w.at {
		return false
	}
	w.seq = u.Next
	for _, h := range u.Gone {
		w.book.txs[h].pooled = false
	}
	for _, e := range u.Added {
		hash := *e.Tx.Hash()
		if w.book.txs[hash] == nil && !w.book.concerns(e.Tx.MsgTx()) {
			continue
		}
		r := w.book.add(e.Tx.MsgTx(), hash, w.cfg.Now().Unix())
		if r.confirmed() {
			continue
		}
		r.pooled, r.abandoned = true, false
		w.touch(r)
		w.useOutputs(r.tx)
	}
	return true
}
