package mempool

import (
	"fmt"

	"funai/amount"
)

// Check recomputes from the transactions alone all that the pool keeps of them, and compares. The pool must have followed
// the chain to its tip.
func (p *Pool) Check() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at != p.c.Tip() || !p.whole() {
		return fmt.Errorf("pool is at %v, chain at %v", p.at, p.c.Tip())
	}
	var all sums
	var fees, usageSum int64
	inputs, local := 0, 0
	seen := family{}
	for _, e := range p.since(0) {
		for _, in := range e.Tx.MsgTx().TxIn {
			o := in.PreviousOutPoint
			inputs++
			if p.spent[o] != e {
				return fmt.Errorf("%v is not noted as spent by %v", o, e.hash())
			}
			if parent := p.entries[o.Hash]; parent != nil {
				if _, before := seen[parent]; !before || int(o.Index) >= len(parent.Tx.MsgTx().TxOut) {
					return fmt.Errorf("%v spends %v, which does not come before it", e.hash(), o)
				}
			} else if coin, err := p.c.Coin(o); err != nil || coin == nil {
				return fmt.Errorf("%v spends %v, which is not there: %v", e.hash(), o, err)
			}
		}
		if parents := p.makers(e.Tx.MsgTx(), p.find); !same(parents, e.parents) {
			return fmt.Errorf("%v has parents %v, want %v", e.hash(), hashes(e.parents), hashes(parents))
		}
		for _, parent := range e.parents {
			if !same(parent.children, append(parent.children, e)) {
				return fmt.Errorf("%v is no child of %v", e.hash(), parent.hash())
			}
		}
		up, down := e.alone(), e.alone()
		for a := range ancestors(e) {
			up.add(a.alone())
		}
		for d := range descendants(e) {
			down.add(d.alone())
		}
		if up != e.up || down != e.down {
			return fmt.Errorf("%v has ancestors %+v, want %+v; descendants %+v, want %+v", e.hash(), e.up, up, e.down, down)
		}
		if up.count > MaxPackage || down.count > MaxPackage || up.vsize > MaxPackageVSize || down.vsize > MaxPackageVSize {
			return fmt.Errorf("%v has ancestors %+v, descendants %+v", e.hash(), up, down)
		}
		if e.delta != p.deltas[e.hash()] {
			return fmt.Errorf("%v has priority %d, want %d", e.hash(), e.delta, p.deltas[e.hash()])
		}
		seen[e] = struct{}{}
		all.add(e.alone())
		fees, usageSum = fees+int64(e.Fee), usageSum+usage(e)
		if e.local {
			local++
		}
	}
	if len(seen) != len(p.entries) || inputs != len(p.spent) || len(p.cheapest) != len(seen) {
		return fmt.Errorf("%d in order, %d entries, %d in the heap; %d inputs, %d spent", len(seen), len(p.entries), len(p.cheapest), inputs, len(p.spent))
	}
	if all != p.sums || fees != p.fees || usageSum != p.usage || local != p.local {
		return fmt.Errorf("sums %+v, want %+v; fees %v, want %v; usage %d, want %d; local %d, want %d",
			p.sums, all, amount.Amount(p.fees), amount.Amount(fees), p.usage, usageSum, p.local, local)
	}
	if p.usage > int64(p.cfg.MaxBytes) {
		return fmt.Errorf("usage %d, more than %d", p.usage, p.cfg.MaxBytes)
	}
	for i, e := range p.cheapest {
		if e.rank != i || i > 0 && p.cheapest.Less(i, (i-1)/2) {
			return fmt.Errorf("heap is out of order at %d", i)
		}
	}
	return nil
}

// same says whether two lists hold the same entries.
func same(a, b []*Entry) bool {
	x, y := family{}, family{}
	for _, e := range a {
		x[e] = struct{}{}
	}
	for _, e := range b {
		y[e] = struct{}{}
		if _, ok := x[e]; !ok {
			return false
		}
	}
	return len(x) == len(y)
}
