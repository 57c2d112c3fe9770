package mempool

import (
	"errors"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// attempts bounds how often a transaction is judged anew because a block came meanwhile.
const attempts = 8

// source is where a transaction comes from.
type source struct {
	peer  string // "" for one of ours
	local bool
}

// Accept checks a transaction of ours and takes it in. It returns the hashes of all transactions that came in: this one
// first, then orphans that had waited for it. Errors wrap one of this package's Err values.
func (p *Pool) Accept(tx *wire.MsgTx) ([]*chainhash.Hash, error) {
	accepted, _, err := p.accept(newTx(tx), source{local: true})
	return accepted, err
}

// AcceptFrom is Accept for a transaction that a peer sent: when only inputs are missing it is kept for a while as an
// orphan of that peer, and the error, which wraps ErrMissing, comes with the hashes of the transactions to ask for.
func (p *Pool) AcceptFrom(tx *wire.MsgTx, peer string) (accepted []*chainhash.Hash, missing []chainhash.Hash, err error) {
	return p.accept(newTx(tx), source{peer: peer})
}

func (p *Pool) accept(tx *btcutil.Tx, from source) (accepted []*chainhash.Hash, missing []chainhash.Hash, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !from.local && p.orphans.haveExactly(tx) {
		return nil, nil, refuse(ErrKnown, "txn-already-known", "%v waits for its parents", tx.Hash())
	}
	c, err := p.judge(tx)
	switch {
	case err == nil:
	case errors.Is(err, ErrMissing):
		if !from.local {
			p.orphans.add(tx, from.peer)
		}
		return nil, c.missing, err
	case !from.local && paysTooLittle(err):
		return p.acceptWithChild(tx, err)
	default:
		return nil, nil, err
	}
	c.e.local = from.local
	p.enter(c)
	p.trim()
	defer p.signal()
	if !p.alive(c.e) {
		return nil, nil, refuse(ErrFull, "mempool full", "%v pays %d for %d virtual bytes", tx.Hash(), c.e.Fee, c.e.VSize)
	}
	accepted = append([]*chainhash.Hash{tx.Hash()}, p.adopt()...)
	p.trim()
	return accepted, nil, nil
}

// judge decides on one transaction as of the chain's tip. The lock is held, here and in the rest of this file.
func (p *Pool) judge(tx *btcutil.Tx) (c *candidate, err error) {
	err = p.settled(func() error {
		var err error
		c, err = p.newJudge(rules{}).try(tx)
		return err
	})
	return c, err
}

// settled follows the chain and calls f, again if the tip moved meanwhile, so that what f saw of the chain's coins is as
// of the block to which the pool has followed it.
func (p *Pool) settled(f func() error) error {
	for range attempts {
		if err := p.catchUp(); err != nil {
			return err
		}
		err := f()
		if p.c.Tip() == p.at {
			return err
		}
	}
	return ErrBusy
}

// enter takes in what a judge has passed, in place of what it replaces.
func (p *Pool) enter(c *candidate) {
	if len(c.evicted) > 0 {
		p.log.Debug("replaced", "by", c.e.hash(), "transactions", len(c.evicted))
	}
	p.drop(c.evicted)
	p.insert(c.e)
	p.orphans.dropAll(c.e.hash())
	if len(p.orphans.waiting(c.e.Tx)) > 0 {
		p.arrived = append(p.arrived, c.e.Tx)
	}
	if len(c.e.parents) == 0 && len(c.evicted) == 0 && p.current() {
		p.est.Add(c.e.hash(), p.at.Height, float64(c.e.Fee)*1000/float64(c.e.VSize))
	}
}

// adopt takes in the orphans that waited for what arrived, and those that waited for them.
func (p *Pool) adopt() (accepted []*chainhash.Hash) {
	for len(p.arrived) > 0 {
		made := p.arrived[0]
		p.arrived = p.arrived[1:]
		for _, o := range p.orphans.waiting(made) {
			c, err := p.judge(o)
			switch {
			case err == nil:
				p.enter(c)
				accepted = append(accepted, o.Hash())
			case !errors.Is(err, ErrMissing):
				p.orphans.drop(o)
			}
		}
	}
	p.arrived = nil
	return accepted
}

// paysTooLittle says whether a refusal is one that a child can mend by paying more.
func paysTooLittle(err error) bool {
	r := Reason(err)
	return r == "min relay fee not met" || r == "mempool min fee not met"
}

// acceptWithChild takes in a peer's transaction that pays too little together with an orphan that pays for both (Bitcoin
// Core's one-parent-one-child relay). err is why it is not taken in alone.
func (p *Pool) acceptWithChild(tx *btcutil.Tx, err error) (accepted []*chainhash.Hash, missing []chainhash.Hash, _ error) {
	for _, child := range p.orphans.waiting(tx) {
		if entered, _ := p.enterTogether([]*btcutil.Tx{tx, child}, false); entered {
			accepted = append([]*chainhash.Hash{tx.Hash(), child.Hash()}, p.adopt()...)
			p.trim()
			p.signal()
			if p.entries[*tx.Hash()] == nil {
				return nil, nil, refuse(ErrFull, "mempool full", "%v pays too little even with %v", tx.Hash(), child.Hash())
			}
			return accepted, nil, nil
		}
	}
	return nil, nil, err
}
