package mempool

import (
	"errors"
	"slices"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
)

const (
	// updatesAtOnce bounds the blocks held in memory for one step of following the chain.
	updatesAtOnce = 16
	// maxUndone bounds the serialized transactions of blocks undone that are kept to be brought back (Bitcoin Core's
	// MAX_DISCONNECTED_TX_POOL_BYTES). Those of the newest block go first: the others' cannot depend on them.
	maxUndone = 20_000_000
	// maxTipAge is how old a tip's block may be for the waiting of transactions to mean anything (MAX_FEE_ESTIMATION_TIP_AGE).
	maxTipAge = 3 * time.Hour
)

// follow keeps the pool in step with the chain until Close.
func (p *Pool) follow() {
	for {
		changed := p.c.Changed()
		if err := p.followOnce(); err != nil && !errors.Is(err, chain.ErrClosed) {
			p.log.Error("mempool cannot follow the chain", "err", err)
		}
		select {
		case <-changed:
		case <-p.quit:
			return
		}
	}
}

// followOnce follows the chain to its tip, letting others at the pool between two steps where it may be seen.
func (p *Pool) followOnce() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.settledAt(p.c.Tip()) {
		if err := p.step(); err != nil {
			return err
		}
		if p.whole() {
			p.mu.Unlock()
			stop := p.closing()
			p.mu.Lock()
			if stop {
				return nil
			}
		}
	}
	if len(p.arrived) > 0 {
		p.adopt()
		p.trim()
		p.signal()
	}
	return nil
}

func (p *Pool) closing() bool {
	select {
	case <-p.quit:
		return true
	default:
		return false
	}
}

// catchUp follows the chain to its tip. The lock is held, here and in the rest of this file.
func (p *Pool) catchUp() error {
	for !p.settledAt(p.c.Tip()) {
		if err := p.step(); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pool) settledAt(tip chain.Index) bool { return p.at == tip && p.whole() }

// whole says whether the pool is one that others may see: no reorganization is half followed.
func (p *Pool) whole() bool { return len(p.undone) == 0 && !p.stale }

// step follows the chain by some blocks. Blocks applied take their transactions out, and whatever conflicts with them.
// After a reorganization the transactions of the blocks undone come back and all is checked against the chain's coins.
func (p *Pool) step() error {
	tip := p.c.Tip()
	if p.leap(tip) {
		p.signal()
		return nil
	}
	reverted, applied, err := p.c.UpdatesSince(p.at, updatesAtOnce)
	switch {
	case errors.Is(err, chain.ErrUnknown), errors.Is(err, chain.ErrMissing):
		p.log.Warn("mempool is off the chain, checking it against the tip", "at", p.at.Hash, "tip", tip.Hash, "err", err)
		p.at, p.undone, p.stale = tip, nil, true
		return nil
	case err != nil:
		return err
	case len(reverted)+len(applied) == 0:
		return p.restore()
	}
	for _, u := range reverted {
		p.revert(u)
	}
	for _, u := range applied {
		p.apply(u)
	}
	if p.whole() {
		p.trim()
		p.signal()
	}
	return nil
}

// leap passes over blocks that a pool with nothing in it has nothing to learn from, as while a node catches up.
func (p *Pool) leap(tip chain.Index) bool {
	const near = 100 // blocks that fee estimates go through one by one
	if len(p.entries) > 0 || len(p.orphans.byWtxid) > 0 || !p.whole() || tip.Height <= p.at.Height {
		return false
	}
	if at, ok := p.c.IndexAt(p.at.Height); !ok || at != p.at {
		return false
	}
	for height := max(p.at.Height+1, tip.Height-near); height <= tip.Height; height++ {
		p.est.Block(height, nil)
	}
	p.floor.blockCame(time.Now())
	p.at = tip
	return true
}

// revert keeps a block's transactions to be brought back.
func (p *Pool) revert(u chain.Update) {
	txs := make([]returning, 0, len(u.Block.Transactions)-1)
	for _, tx := range u.Block.Transactions[1:] {
		txs = append(txs, returning{tx: newTx(tx)})
		p.undoneBytes += tx.SerializeSize()
	}
	p.undone = append(p.undone, txs)
	for len(p.undone) > 1 && p.undoneBytes > maxUndone {
		for _, r := range p.undone[0] {
			p.undoneBytes -= r.tx.MsgTx().SerializeSize()
		}
		p.undone = p.undone[1:]
	}
	p.stale = true
	p.at = chain.Index{Height: u.Height - 1, Hash: u.Block.Header.PrevBlock}
}

// apply takes out what is in a block, and all that can now never be.
func (p *Pool) apply(u chain.Update) {
	var mined []chainhash.Hash
	for _, msg := range u.Block.Transactions {
		hash := msg.TxHash()
		if e := p.entries[hash]; e != nil {
			mined = append(mined, hash)
			p.cut(family{e: {}})
		}
		delete(p.deltas, hash)
		for _, in := range msg.TxIn {
			if rival := p.spent[in.PreviousOutPoint]; rival != nil {
				p.drop(walk([]*Entry{rival}, down))
			}
		}
		if len(p.orphans.byWtxid) > 0 {
			p.orphanNews(btcutil.NewTx(msg))
		}
	}
	p.est.Block(u.Height, mined)
	p.floor.blockCame(time.Now())
	p.at = u.Index
}

// orphanNews drops the orphans that a transaction in a block rules out, and notes that others may find their parent.
func (p *Pool) orphanNews(tx *btcutil.Tx) {
	p.orphans.dropAll(*tx.Hash())
	for _, rival := range p.orphans.rivals(tx) {
		p.orphans.drop(rival)
	}
	if len(p.orphans.waiting(tx)) > 0 {
		p.arrived = append(p.arrived, tx)
	}
}

// returning is a transaction to be taken in again: of a block undone, or an entry.
type returning struct {
	tx  *btcutil.Tx
	was *Entry // nil: of a block
}

// restore ends a reorganization: the transactions of blocks undone come back, oldest first, and what the new tip's coins
// and time do not allow goes. Entries that spend outputs of those step aside and come in again last, behind all that they
// depend on, so that the bounds of packages see the whole.
func (p *Pool) restore() error {
	held, back := len(p.entries), 0
	p.stepAside()
	for len(p.undone) > 0 {
		last := len(p.undone) - 1
		for len(p.undone[last]) > 0 {
			r := p.undone[last][0]
			c, err := p.newJudge(rules{anyFee: true, noReplacement: true}).try(r.tx)
			switch {
			case err != nil && Reason(err) == "":
				return err
			case p.c.Tip() != p.at:
				return nil // judged by another tip's coins: again when that is followed
			}
			if p.bringBack(r, c, err) {
				back++
			}
			p.undone[last] = p.undone[last][1:]
		}
		p.undone = p.undone[:last]
	}
	p.undone, p.undoneBytes = nil, 0
	gone, err := p.sweep()
	if err != nil {
		return err
	}
	if p.c.Tip() != p.at {
		return nil
	}
	p.stale = false
	p.trim()
	p.signal()
	p.log.Info("mempool followed a reorganization", "held", held, "taken in again", back, "dropped", gone)
	return nil
}

// stepAside takes out what spends outputs of the blocks undone, with its descendants, to be taken in again last.
func (p *Pool) stepAside() {
	var children []*Entry
	for _, block := range p.undone {
		for _, r := range block {
			for i := range r.tx.MsgTx().TxOut {
				if e := p.spent[wire.OutPoint{Hash: *r.tx.Hash(), Index: uint32(i)}]; e != nil {
					children = append(children, e)
				}
			}
		}
	}
	aside := walk(children, down)
	if len(aside) == 0 {
		return
	}
	var rs []returning
	for _, e := range aside.sorted() {
		rs = append(rs, returning{e.Tx, e})
	}
	p.cut(aside)
	p.undone = slices.Insert(p.undone, 0, rs)
}

// bringBack takes in what a judge, whatever its fee, has passed, and forgets what it has not.
func (p *Pool) bringBack(r returning, c *candidate, err error) bool {
	if err != nil {
		p.est.Remove(*r.tx.Hash())
		return false
	}
	if r.was != nil {
		c.e.Added, c.e.Height, c.e.local = r.was.Added, r.was.Height, r.was.local
	}
	p.enter(c)
	return true
}

// sweep drops what cannot be in a block on the tip: what spends coins that are not there or not mature, or is locked.
func (p *Pool) sweep() (gone int, err error) {
	j := p.newJudge(rules{})
	for _, e := range p.since(0) {
		if !p.alive(e) {
			continue
		}
		ok, err := j.stands(e)
		if err != nil {
			return gone, err
		}
		if !ok {
			gone += len(p.remove(e))
		}
	}
	return gone, nil
}

// stands says whether an entry could be in a block on the tip, its scripts taken as good.
func (j *judge) stands(e *Entry) (bool, error) {
	if !blockchain.IsFinalizedTransaction(e.Tx, j.height, j.median) {
		return false, nil
	}
	view := blockchain.NewUtxoViewpoint()
	for _, in := range e.Tx.MsgTx().TxIn {
		coin, err := j.coin(in.PreviousOutPoint)
		if coin == nil {
			return false, err
		}
		view.Entries()[in.PreviousOutPoint] = coin
	}
	if _, err := blockchain.CheckTransactionInputs(e.Tx, j.height, view, j.p.c.Params().Params); err != nil {
		return false, nil //nolint:nilerr // a broken rule is the answer
	}
	return j.checkSequence(e.Tx, view) == nil, nil
}

// current says whether the chain is at the present, so that the waiting of transactions can be watched.
func (p *Pool) current() bool {
	h, _, ok := p.c.Header(p.at.Hash)
	return ok && p.whole() && time.Since(h.Timestamp) < maxTipAge
}
