package execution

import (
	"maps"
	"slices"

	"funai/amount"
	"funai/inference/tx"
)

// follow brings the model up to date with a transaction that was good.
func (m *model) follow(t *tx.Tx) {
	p := m.purse(t.Signer)
	if !t.Nonceless() {
		p.balance -= t.Fee
		m.purse(m.producer).balance += t.Fee
	}
	switch q := t.Payload.(type) {
	case *tx.Transfer:
		p.balance -= q.Amount
		m.purse(q.To).balance += q.Amount
	case *tx.Open:
		p.balance -= q.GasPrice * amount.Amount(q.GasLimit)
	case *tx.Lock:
		if p.balance -= q.Amount; q.Kind == tx.LockStake {
			p.stake += q.Amount
		} else {
			p.bond += q.Amount
		}
	case *tx.Unlock:
		if q.Kind == tx.LockStake {
			p.stake -= q.Amount
		} else {
			p.bond -= q.Amount
		}
	}
}

// hear brings the model up to date with the block's events, and checks them.
func (m *model) hear() {
	for _, e := range m.events {
		m.seen[e.Kind]++
		switch e.Kind {
		case EventUnlocked:
			m.purse(e.To).balance += e.Amount
		case EventExpired:
			m.purse(e.From).balance += e.Amount
		case EventPacked:
			if m.sizes[e.Pack]++; m.sizes[e.Pack] == 1 {
				m.packs = append(m.packs, e.Pack)
			}
			m.results[e.Task] = packed{m.opened(e.Task), e.Fee, e.Gas, m.ledger}
		case EventReward:
			m.reward(e)
		case EventSettled:
			m.seen["verdict "+string('0'+rune(e.Verdict))]++
			m.settlement(e)
		}
	}
}

func (m *model) opened(id tx.ID) *tx.Tx {
	for _, o := range m.opens {
		if o.ID() == id {
			return o
		}
	}
	m.Fatalf("task %v was never opened", id)
	return nil
}

// reward expects the oldest tenure's that is due.
func (m *model) reward(e Event) {
	due := slices.Sorted(maps.Keys(m.rewards))
	if len(due) == 0 || due[0]+m.p.Maturity > m.ledger {
		m.Fatalf("nobody expects %+v", e)
	}
	r := m.rewards[due[0]]
	delete(m.rewards, due[0])
	want, rest := r.Base/2, r.Base-r.Base/2
	if judged := r.Valid + r.Invalid; judged == 0 {
		want += rest
	} else {
		want += rest * amount.Amount(r.Valid) / amount.Amount(judged)
	}
	if r.Producer != e.To || want != e.Amount {
		m.Fatalf("tenure %d pays %v to %v, not %v to %v", due[0], e.Amount, e.To, want, r.Producer)
	}
	m.purse(e.To).balance += want
}

func (m *model) settlement(e Event) {
	open := m.opened(e.Task)
	o := open.Payload.(*tx.Open)
	escrow := o.GasPrice * amount.Amount(o.GasLimit)
	got := map[string]amount.Amount{}
	for _, p := range e.Payouts {
		switch got[p.Role] += p.Amount; p.Role {
		case "fine":
			m.purse(p.To).bond -= p.Amount
		case "burn":
		default:
			m.purse(p.To).balance += p.Amount
		}
	}
	r, wasPacked := m.results[e.Task]
	if !wasPacked || len(e.Votes) == 0 && e.Verdict == Invalid { // by proof
		if got["refund"] != escrow || got["fine"] != got["burn"] || e.Verdict != Invalid {
			m.Fatalf("a proven lie paid %v of %v", got, escrow)
		}
		if wasPacked {
			if m.rewards[r.tenure] != nil {
				m.rewards[r.tenure].Invalid += e.Gas
			}
			fee := o.GasPrice * amount.Amount(e.Gas)
			if want := max(fee, m.p.MinFine) + fee/20; got["fine"] != want {
				m.Fatalf("fined %v, not %v", got["fine"], want)
			}
		}
		return
	}
	verdicts := make([]byte, len(e.Votes))
	for i, v := range e.Votes {
		verdicts[i] = v.Verdict
	}
	verdict, _, want := payouts(verdicts, r.fee, escrow, m.p.MinFine)
	if verdict != e.Verdict || !maps.Equal(got, want) {
		m.Fatalf("verdicts %v: %d paid %v, not %d and %v", verdicts, e.Verdict, got, verdict, want)
	}
	if t := m.rewards[r.tenure]; t != nil && verdict == Valid {
		t.Valid += r.gas
	} else if t != nil && verdict == Invalid {
		t.Invalid += r.gas
	}
}

func (m *model) compare() {
	for h, p := range m.purses {
		if a := m.account(h); a.Balance != p.balance || a.Stake != p.stake || a.Bond != p.bond {
			m.Fatalf("%v has %v, %v staked, %v bonded; by the rules it is %+v", h, a.Balance, a.Stake, a.Bond, *p)
		}
	}
}
