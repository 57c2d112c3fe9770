package pool

import (
	"context"
	"errors"
	"time"

	"funai/inference/chain"
	"funai/inference/execution"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
)

// Run follows the chain until the context ends: it drops what was packed or can't be any more, and takes back what was
// undone. Now and then it publishes what was submitted here again.
func (p *Pool) Run(ctx context.Context) error {
	again := time.NewTicker(resendEvery)
	defer again.Stop()
	for {
		moved := p.chain.Changed()
		if err := p.catchUp(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		case <-again.C:
			p.resend(ctx)
		}
	}
}

// resend publishes this node's own transactions once more: those who should have them may have been away.
func (p *Pool) resend(ctx context.Context) {
	p.mu.Lock()
	var own []*tx.Tx
	for _, e := range p.log {
		if e.own && !e.gone {
			own = append(own, e.t)
		}
	}
	p.mu.Unlock()
	for _, t := range own {
		_ = p.net.Publish(ctx, Topic, t.Encode()) // there will be another time
	}
}

func (p *Pool) catchUp() error {
	for {
		reverted, applied, err := p.chain.UpdatesSince(p.at, 64)
		if err != nil {
			return err
		}
		if len(reverted)+len(applied) == 0 {
			return p.age()
		}
		for _, u := range reverted {
			if err := p.revert(u); err != nil {
				return err
			}
		}
		for _, u := range applied {
			if err := p.apply(u); err != nil {
				return err
			}
		}
	}
}

// revert takes back what a block undone had packed.
func (p *Pool) revert(u chain.Update) error {
	ts, err := p.chain.Transactions(u.Index)
	if err != nil {
		return err
	}
	p.at = chain.Index{Height: u.Height - 1, ID: u.Parent}
	p.mu.Lock()
	for _, t := range ts {
		if _, ok := t.Payload.(*tx.Receipt); ok {
			p.packed.Remove(t.ID())
		}
	}
	for _, e := range p.byID {
		e.said = 0
	}
	p.mu.Unlock()
	for _, t := range ts {
		_ = p.Add(t) // what can't be packed again is gone
	}
	return nil
}

// apply drops what a block packed, and what can't be packed after it.
func (p *Pool) apply(u chain.Update) error {
	ts, err := p.chain.Transactions(u.Index)
	if err != nil {
		return err
	}
	p.at = u.Index
	nonces := map[key.Hash160]uint64{} // the next of those who spent one
	for _, t := range ts {
		if !t.Nonceless() {
			nonces[t.Signer] = max(nonces[t.Signer], t.Nonce+1)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	receipts := false
	for _, t := range ts {
		id := t.ID()
		switch t.Payload.(type) {
		case *tx.Held:
			continue // it counts in its block alone, and may name receipts that had no room there
		case *tx.Receipt:
			p.packed.Add(id, struct{}{})
			receipts = true
		}
		if e := p.byID[id]; e != nil {
			p.remove(e)
		}
	}
	for who, next := range nonces {
		if s := p.signers[who]; s != nil {
			for n, e := range s.nonces {
				if n < next {
					p.remove(e)
				}
			}
		}
	}
	if receipts {
		p.dropWords()
	}
	return nil
}

// dropWords drops the seats' words on receipts that are all packed; the lock is held.
func (p *Pool) dropWords() {
	for _, e := range p.byID {
		if h, ok := e.t.Payload.(*tx.Held); ok && p.useless(e, h) {
			p.remove(e)
		}
	}
}

// age drops, once for each ledger block, what is too old and what the chain has no more use for.
func (p *Pool) age() error {
	now := p.chain.TipInfo().Tenure.Height
	if now == p.ledger {
		return nil
	}
	p.ledger = now
	for _, e := range p.waiting() {
		drop, err := p.stale(e, now)
		if err != nil {
			return err
		}
		if !drop {
			continue
		}
		p.mu.Lock()
		p.remove(e)
		if _, ok := e.t.Payload.(*tx.Receipt); ok {
			p.packed.Add(e.id, struct{}{}) // or never will be: words on it are useless as well
		}
		p.mu.Unlock()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropWords()
	return nil
}

// stale says whether a transaction has no more chance to be packed.
func (p *Pool) stale(e *entry, now uint32) (bool, error) {
	if now > e.ledger+lifetime {
		return true, nil
	}
	switch q := e.t.Payload.(type) {
	case *tx.Receipt:
		task, err := p.task(q.Task)
		if errors.Is(err, ErrLate) || errors.Is(err, chain.ErrUnknown) {
			return true, nil
		}
		return err == nil && !p.answers(task, e.t.Signer), err
	case *tx.Seal:
		return p.staleWord(e, q.Block, now)
	case *tx.Opening:
		return p.staleWord(e, q.Block, now)
	case *tx.Held:
		return false, nil // dropWords says when it is of no more use
	case *tx.Open:
		if q.Expiry <= now {
			return true, nil
		}
	}
	a, err := p.chain.Account(e.t.Signer)
	if err != nil {
		return false, err
	}
	if e.poor++; e.cost <= a.Balance {
		e.poor = 0
	}
	return e.t.Nonce < a.Nonce || e.poor > maxPoor, nil
}

// staleWord says whether a vote on a pack came to nothing. A vote may be here before the block that packs is.
func (p *Pool) staleWord(e *entry, pack [32]byte, now uint32) (bool, error) {
	if now <= e.ledger+slack {
		return false, nil
	}
	open := false
	err := p.chain.Read(func(r state.Reader) (err error) {
		_, open, err = execution.PackOf(r, pack)
		return err
	})
	return !open, err
}
