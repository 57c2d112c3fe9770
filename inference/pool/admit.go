package pool

import (
	"errors"
	"fmt"

	"funai/amount"
	"funai/inference/chain"
	"funai/inference/execution"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
)

// Add takes in a transaction. What it costs least to refuse is refused first: its signature is looked at only if it would
// be taken.
func (p *Pool) Add(t *tx.Tx) error {
	id := t.ID()
	if _, known := p.Get(id); known {
		return ErrKnown
	}
	if err := t.Check(); err != nil {
		return err
	}
	if err := execution.Check(t, p.chain.Params()); err != nil {
		return err
	}
	e := &entry{t: t, id: id, size: len(t.Encode()), cost: Cost(t), ledger: p.chain.TipInfo().Tenure.Height}
	var err error
	if t.Nonceless() {
		err = p.addStatement(e)
	} else {
		err = p.addAsked(e)
	}
	if err != nil {
		return err
	}
	if _, opens := t.Payload.(*tx.Open); opens {
		p.retryEarly(id)
	}
	return nil
}

// Cost is the most that a transaction takes from its signer's balance.
func Cost(t *tx.Tx) (v amount.Amount) {
	v = t.Fee
	var extra amount.Amount
	switch q := t.Payload.(type) {
	case *tx.Transfer:
		extra = q.Amount
	case *tx.Lock:
		extra = q.Amount
	case *tx.Open:
		extra, _ = q.MaxCost() // checked when decoded
	}
	if sum, err := v.Add(extra); err == nil {
		return sum
	}
	return ^amount.Amount(0)
}

// addAsked takes in what an account asks, by the order of its nonces and the sum of its costs.
func (p *Pool) addAsked(e *entry) error {
	t := e.t
	acct, err := p.chain.Account(t.Signer)
	if err != nil {
		return err
	}
	if t.Nonce < acct.Nonce {
		return fmt.Errorf("%w: %d, the account is at %d", execution.ErrNonceLow, t.Nonce, acct.Nonce)
	}
	if e.cost > acct.Balance {
		return fmt.Errorf("%w: %v has %v, %v needed", execution.ErrFunds, t.Signer, acct.Balance, e.cost)
	}
	if t.Nonce-acct.Nonce > maxGap {
		return fmt.Errorf("%w: %d, the account is at %d", execution.ErrNonceHigh, t.Nonce, acct.Nonce)
	}
	switch q := t.Payload.(type) {
	case *tx.Conflict:
		if err := p.chain.Verify(t); err != nil {
			return err
		}
		if err := p.checkConflict(q); err != nil {
			return err
		}
	case *tx.Open:
		// Nodes may be a few ledger blocks apart.
		if last := e.ledger + p.chain.Params().MaxExpiry + slack; q.Expiry <= e.ledger || q.Expiry > last {
			return fmt.Errorf("%w: %d, not in %d to %d", execution.ErrExpiry, q.Expiry, e.ledger+1, last)
		}
	}
	if err := p.chain.Verify(t); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID[e.id] != nil {
		return ErrKnown
	}
	var spoken amount.Amount
	if s := p.signers[t.Signer]; s != nil {
		if old := s.nonces[t.Nonce]; old != nil {
			return fmt.Errorf("%w: %v", ErrReplaces, old.id)
		}
		spoken = s.cost
	}
	if need, err := spoken.Add(e.cost); err != nil || need > acct.Balance {
		return fmt.Errorf("%w: %v has %v, %v needed besides %v that waits", execution.ErrFunds, t.Signer, acct.Balance, e.cost, spoken)
	}
	if p.asked >= maxAsked || p.askBytes+e.size > maxAskedBytes {
		return fmt.Errorf("%w: %d transactions of accounts, %d bytes", ErrFull, p.asked, p.askBytes)
	}
	return p.admit(e)
}

// checkConflict keeps out what proves nothing about an unsettled task.
func (p *Pool) checkConflict(c *tx.Conflict) error {
	a, _, err := c.Verify()
	if err != nil {
		return fmt.Errorf("%w: %w", execution.ErrConflict, err)
	}
	task, err := p.chain.Task(a.Payload.(*tx.Receipt).Task)
	if errors.Is(err, chain.ErrUnknown) {
		return fmt.Errorf("%w: %w", execution.ErrTask, err)
	}
	if err != nil {
		return err
	}
	if task.Settled.Height > 0 {
		return fmt.Errorf("%w: task %v is settled", ErrLate, task.ID)
	}
	return nil
}

// addStatement takes in what needs no nonce, and so costs nothing: only from those whose word counts.
func (p *Pool) addStatement(e *entry) error {
	if r, ok := e.t.Payload.(*tx.Receipt); ok {
		return p.addReceipt(e, r)
	}
	if !p.chain.Seated(e.t.Signer) {
		return fmt.Errorf("%w: %v holds no seat in this cycle, the last or the next", ErrStranger, e.t.Signer)
	}
	if err := p.chain.Verify(e.t); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if h, ok := e.t.Payload.(*tx.Held); ok && p.useless(e, h) {
		return fmt.Errorf("%w: all %d receipts are packed", ErrLate, len(h.Receipts))
	}
	return p.admit(e)
}

// addReceipt takes in a server's word on a task that waits for one: on chain, or here.
func (p *Pool) addReceipt(e *entry, r *tx.Receipt) error {
	task, err := p.task(r.Task)
	if errors.Is(err, chain.ErrUnknown) {
		if err := p.chain.Verify(e.t); err != nil {
			return err
		}
		p.keepEarly(e.t)
		if _, now := p.task(r.Task); now == nil {
			p.retryEarly(r.Task) // the opening came in between, and found nothing that waited for it
			if _, in := p.Get(e.id); in {
				return nil
			}
		}
		return fmt.Errorf("%w: %w", execution.ErrTask, err)
	}
	if err != nil {
		return err
	}
	if who := e.t.Signer; !p.answers(task, who) {
		return fmt.Errorf("%w: %v does not answer task %v", ErrStranger, who, r.Task)
	}
	if _, err := task.GasOf(r); err != nil {
		return err
	}
	if err := p.chain.Verify(e.t); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.receipts[answer{r.Task, e.t.Signer}]; n >= maxReceipts {
		return fmt.Errorf("%w: %d receipts of task %v", ErrFull, n, r.Task)
	}
	return p.admit(e)
}

// task returns a task that waits for a receipt, on chain or as an opening here. It fails with chain.ErrUnknown if there is
// none, and with ErrLate if the task has its receipt or is settled.
func (p *Pool) task(id tx.ID) (execution.Task, error) {
	task, open, err := p.openTask(id)
	if err != nil {
		return task, err
	}
	if !open {
		if t, ok := p.Get(id); ok {
			if o, ok := t.Payload.(*tx.Open); ok {
				return execution.NewTask(t.Signer, o), nil
			}
		}
		if _, err := p.chain.Task(id); err != nil {
			return task, err
		}
		// A block may have taken the opening from here to the chain since the first look.
		if task, open, err = p.openTask(id); err != nil {
			return task, err
		}
	}
	if open && task.Pack == ([32]byte{}) {
		return task, nil
	}
	return task, fmt.Errorf("%w: task %v is packed or settled", ErrLate, id)
}

// openTask returns a task that is on chain and not settled, if there is one.
func (p *Pool) openTask(id tx.ID) (task execution.Task, open bool, err error) {
	err = p.chain.Read(func(r state.Reader) (err error) {
		task, open, err = execution.TaskOf(r, id)
		return err
	})
	return task, open, err
}

// answers says whether a key may answer a task.
func (p *Pool) answers(t execution.Task, who key.Hash160) bool {
	return who == t.Server || t.Server.IsZero() && p.chain.Elected(who)
}

// admit puts a transaction in if there is room; the lock is held.
func (p *Pool) admit(e *entry) error {
	if p.byID[e.id] != nil {
		return ErrKnown
	}
	n := 0
	if s := p.signers[e.t.Signer]; s != nil {
		n = s.count
	}
	if len(p.byID) >= maxTxs || p.bytes+e.size > maxBytes || n >= maxOfSigner {
		return fmt.Errorf("%w: %d transactions, %d bytes, %d of %v", ErrFull, len(p.byID), p.bytes, n, e.t.Signer)
	}
	p.insert(e)
	return nil
}

// keepEarly holds a receipt until its opening comes.
func (p *Pool) keepEarly(t *tx.Tx) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.early = append(p.early, t); len(p.early) > maxEarly {
		p.early = append([]*tx.Tx(nil), p.early[1:]...)
	}
}

// retryEarly takes in the receipts that waited for a task.
func (p *Pool) retryEarly(task tx.ID) {
	p.mu.Lock()
	var due, rest []*tx.Tx
	for _, t := range p.early {
		if t.Payload.(*tx.Receipt).Task == task {
			due = append(due, t)
		} else {
			rest = append(rest, t)
		}
	}
	if p.early = rest; len(due) == 0 {
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	for _, t := range due {
		_ = p.Add(t) // one that can't be taken in even now is dropped
	}
}

// useless says whether every receipt that a seat says it holds is packed; the lock is held.
func (p *Pool) useless(e *entry, h *tx.Held) bool {
	for e.said < len(h.Receipts) && p.packed.Contains(h.Receipts[e.said]) {
		e.said++
	}
	return e.said == len(h.Receipts)
}
