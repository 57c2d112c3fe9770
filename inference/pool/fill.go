package pool

import (
	"cmp"
	"errors"
	"slices"

	"funai/inference/chain"
	"funai/inference/execution"
	"funai/inference/sortition"
	"funai/inference/tx"
	"funai/key"
)

// Draft is a block in the making. A transaction that it refuses leaves it unchanged.
type Draft interface {
	Add(*tx.Tx) error
}

var _ Draft = (*chain.Draft)(nil)

// Fill puts what waits into a draft: votes first, for they end what others wait for; then what accounts ask, each in the
// order of its nonces; then the receipts whose contents a majority of the seats holds, behind the seats' words on it.
func (p *Pool) Fill(d Draft, set sortition.CycleSet) {
	var votes, receipts, words []*entry
	asked := map[key.Hash160][]*entry{}
	var askers []key.Hash160 // in the order in which they came
	for _, e := range p.waiting() {
		switch e.t.Payload.(type) {
		case *tx.Seal, *tx.Opening:
			votes = append(votes, e)
		case *tx.Receipt:
			receipts = append(receipts, e)
		case *tx.Held:
			words = append(words, e)
		default:
			if asked[e.t.Signer] == nil {
				askers = append(askers, e.t.Signer)
			}
			asked[e.t.Signer] = append(asked[e.t.Signer], e)
		}
	}
	for _, e := range votes {
		_ = d.Add(e.t) // what does not fit now may fit the next block, or its time may come
	}
	for _, who := range askers {
		p.fillAsked(d, asked[who])
	}
	p.fillReceipts(d, set, receipts, words)
}

// fillAsked adds what one account asks, up to the first that does not go in: the ones after it can't.
func (p *Pool) fillAsked(d Draft, es []*entry) {
	slices.SortFunc(es, func(a, b *entry) int { return cmp.Compare(a.t.Nonce, b.t.Nonce) })
	for _, e := range es {
		if !p.try(d, e) {
			return
		}
	}
}

// try adds a transaction, and drops one that was refused too often for more than the block it would have been in.
func (p *Pool) try(d Draft, e *entry) bool {
	err := d.Add(e.t)
	if err == nil {
		return true
	}
	for _, other := range []error{chain.ErrFull, execution.ErrWork, execution.ErrNonceHigh, execution.ErrNonceLow} {
		if errors.Is(err, other) {
			return false
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.failed++; e.failed >= maxFailures {
		p.remove(e)
	}
	return false
}

// fillReceipts adds receipts, each behind as many seats' words as it needs.
func (p *Pool) fillReceipts(d Draft, set sortition.CycleSet, receipts, words []*entry) {
	holders := make(map[tx.ID]map[key.Hash160]*entry, len(receipts))
	for _, e := range receipts {
		holders[e.id] = map[key.Hash160]*entry{}
	}
	seats := map[key.Hash160]bool{}
	for _, s := range set.Seats {
		seats[s.Signer] = true
	}
	for _, e := range words {
		if !seats[e.t.Signer] {
			continue
		}
		for _, id := range e.t.Payload.(*tx.Held).Receipts {
			if of := holders[id]; of != nil && of[e.t.Signer] == nil {
				of[e.t.Signer] = e
			}
		}
	}
	said := map[*entry]bool{}
	for _, r := range receipts {
		if of := holders[r.id]; !set.Bootstrap() && len(of) >= set.Majority() {
			if sayHeld(d, set, of, said) {
				p.try(d, r)
			}
		}
	}
}

// sayHeld adds seats' words until a majority has spoken, the ones that are in the block already counted first.
func sayHeld(d Draft, set sortition.CycleSet, of map[key.Hash160]*entry, said map[*entry]bool) bool {
	need := set.Majority()
	for _, e := range of {
		if said[e] {
			need--
		}
	}
	for _, s := range set.Seats {
		if need <= 0 {
			break
		}
		e := of[s.Signer]
		if e == nil || said[e] {
			continue
		}
		if d.Add(e.t) == nil {
			said[e] = true
			need--
		}
	}
	return need <= 0
}
