package execution

import (
	"fmt"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/tx"
	"funai/key"
)

// seal notes a seat's sealed vote on a pack, within SealWindow ledger blocks of its packing.
func (m *Machine) seal(who key.Hash160, s *tx.Seal) error {
	v, b, err := m.ballot(who, s.Block)
	if err != nil {
		return err
	}
	if b.Sealed {
		return fmt.Errorf("%w: %v sealed its vote on pack %x", ErrTwice, who, s.Block)
	}
	if last := v.Ledger + m.env.Params.SealWindow; m.env.Ledger > last {
		return fmt.Errorf("%w: seals count until ledger block %d, now at %d", ErrWindow, last, m.env.Ledger)
	}
	b.Sealed, b.Seal = true, s.Hash
	m.put(votesKey(s.Block), v)
	m.emit(Event{Kind: EventSealed, Pack: s.Block, From: b.Seat.Address})
	return nil
}

// opening counts a seat's vote. It counts once nobody can seal any more, because all have or the window is over, so that
// no seat learns another's vote in time to copy it; and settles the pack when it is the last that can come.
func (m *Machine) opening(who key.Hash160, o *tx.Opening) error {
	v, b, err := m.ballot(who, o.Block)
	if err != nil {
		return err
	}
	if !b.Sealed || len(b.Verdicts) > 0 {
		return fmt.Errorf("%w: %v has no unopened seal on pack %x", ErrSeal, who, o.Block)
	}
	if got := tx.SealHash(o.Salt, o.Verdicts, o.Evidence); got != b.Seal {
		return fmt.Errorf("%w: it hashes to %x, sealed was %x", ErrSeal, got, b.Seal)
	}
	if len(o.Verdicts) != v.Results {
		return fmt.Errorf("%w: %d verdicts on %d results", ErrSeal, len(o.Verdicts), v.Results)
	}
	p := Pack{Ledger: v.Ledger, Ballots: v.Ballots}
	if last := p.Until(m.env.Params); m.env.Ledger > last {
		return fmt.Errorf("%w: openings count until ledger block %d, now at %d", ErrWindow, last, m.env.Ledger)
	}
	if !p.SealsOver(m.env.Ledger, m.env.Params.SealWindow) {
		return fmt.Errorf("%w: seals count until ledger block %d, now at %d", ErrWindow, v.Ledger+m.env.Params.SealWindow, m.env.Ledger)
	}
	b.Verdicts = o.Verdicts
	m.emit(Event{Kind: EventUnsealed, Pack: o.Block, From: b.Seat.Address})
	m.put(votesKey(o.Block), v)
	for _, x := range v.Ballots {
		if x.Sealed && len(x.Verdicts) == 0 {
			return nil
		}
	}
	if m.voted+v.Results > maxSettled {
		return fmt.Errorf("%w: votes settled %d results, at most %d with %d more", ErrWork, m.voted, maxSettled, v.Results)
	}
	if _, err := m.settleDue(o.Block); err != nil {
		return err
	}
	m.voted += v.Results
	return nil
}

// Until is the last ledger height at which an opening counts.
func (p *Pack) Until(q block.Params) uint32 { return p.Ledger + q.SealWindow + q.OpenWindow }

// SealsOver says whether no more seals can come: every seat has sealed, or the window is over.
func (p *Pack) SealsOver(ledger, window uint32) bool {
	if ledger > p.Ledger+window {
		return true
	}
	for _, b := range p.Ballots {
		if !b.Sealed {
			return false
		}
	}
	return true
}

// ballot returns a seat's own among the votes on a pack.
func (m *Machine) ballot(who key.Hash160, id [32]byte) (*votes, *Ballot, error) {
	var v votes
	if ok, err := read(m.state, votesKey(id), &v); err != nil {
		return nil, nil, err
	} else if !ok {
		return nil, nil, fmt.Errorf("%w: %x", ErrPack, id)
	}
	for i := range v.Ballots {
		if v.Ballots[i].Seat.Signer == who {
			return &v, &v.Ballots[i], nil
		}
	}
	return nil, nil, fmt.Errorf("%w: %v holds none of the %d of pack %x", ErrSeat, who, len(v.Ballots), id)
}

// settlePack settles every result of a pack by the majority of seats.
func (m *Machine) settlePack(id [32]byte, p *Pack) error {
	m.state.Delete(packKey(id))
	m.state.Delete(votesKey(id))
	for i, r := range p.Results {
		if r.Void {
			continue
		}
		task, ok, err := TaskOf(m.state, r.Task)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("%w: %v of pack %x", ErrTask, r.Task, id)
		}
		var voters []key.Hash160
		votes, count := make([]SeatVote, len(p.Ballots)), map[byte]int{}
		for j, b := range p.Ballots {
			votes[j].Seat = b.Seat.Address
			if len(b.Verdicts) > 0 {
				votes[j].Verdict = b.Verdicts[i]
				count[b.Verdicts[i]]++
				if b.Verdicts[i] != Abstain {
					voters = append(voters, b.Seat.Address)
				}
			}
		}
		majority := len(p.Ballots)/2 + 1
		switch {
		case count[Valid] >= majority:
			err = m.settleValid(task, r, p, voters, votes)
		case count[Invalid] >= majority:
			err = m.settleInvalid(task, r, voters, votes)
			if err == nil {
				err = m.tally(p.Ledger, 0, r.Gas)
			}
		default:
			err = m.settleUndecided(task, r, voters, votes)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// settleValid pays the server, the producer and the seats that voted, burns the rest of the fee, refunds the rest of the
// escrow.
func (m *Machine) settleValid(t Task, r Packed, p *Pack, voters []key.Hash160, votes []SeatVote) error {
	if err := m.closeTask(r.Task, t); err != nil {
		return err
	}
	s := settlement{m: m, left: t.Escrow}
	s.pay(t.Server, s.share(r.Fee, serverShare), "server")
	s.pay(p.Producer, s.share(r.Fee, producerShare), "producer")
	judging := s.share(r.Fee, judgingShare)
	for _, v := range voters {
		s.pay(v, judging/amount.Amount(len(voters)), "seat")
	}
	rest, err := t.Escrow.Sub(r.Fee)
	if err != nil {
		return err
	}
	s.pay(t.Asker, rest, "refund")
	s.burn()
	if s.err != nil {
		return s.err
	}
	m.settled(t, r, Valid, r.Fee, votes, s.payouts)
	return m.tally(p.Ledger, r.Gas, 0)
}

// settleInvalid refunds the asker, fines the server the fee or the least fine out of its bond, and lets it pay the seats.
func (m *Machine) settleInvalid(t Task, r Packed, voters []key.Hash160, votes []SeatVote) error {
	if err := m.closeTask(r.Task, t); err != nil {
		return err
	}
	s := settlement{m: m, left: t.Escrow}
	s.pay(t.Asker, t.Escrow, "refund")
	fine := max(r.Fee, m.env.Params.MinFine)
	judging := s.share(r.Fee, judgingShare)
	penalty, err := fine.Add(judging)
	if err != nil {
		return err
	}
	err = m.change(t.Server, func(a *Account) error {
		// The reserve set aside for a packed result covers this, because the fee is no more than the escrow. For one that
		// was not packed it is what the bond has left.
		penalty = min(penalty, a.Bond-a.Reserved)
		if err := sub(&a.Bond, penalty); err != nil || penalty < fine {
			return err // a fault that cost less than a fine would make bans cheap to deal out
		}
		return m.fault(t.Server, a)
	})
	if err != nil {
		return err
	}
	if err := sub(&m.tot.Bonded, penalty); err != nil {
		return err
	}
	if penalty > 0 {
		s.payouts = append(s.payouts, Payout{To: t.Server, Amount: penalty, Role: "fine"})
	}
	s.left = penalty
	for _, v := range voters {
		s.pay(v, judging/amount.Amount(len(voters)), "seat")
	}
	s.burn()
	if s.err != nil {
		return s.err
	}
	m.settled(t, r, Invalid, 0, votes, s.payouts)
	return nil
}

// settleUndecided refunds the asker but for the judging share of those who voted, and blames nobody.
func (m *Machine) settleUndecided(t Task, r Packed, voters []key.Hash160, votes []SeatVote) error {
	if err := m.closeTask(r.Task, t); err != nil {
		return err
	}
	s := settlement{m: m, left: t.Escrow}
	if len(voters) > 0 {
		each := s.share(r.Fee, judgingShare) / amount.Amount(len(voters))
		for _, v := range voters {
			s.pay(v, each, "seat")
		}
	}
	fee, err := t.Escrow.Sub(s.left)
	if err != nil {
		return err
	}
	s.pay(t.Asker, s.left, "refund")
	if s.err != nil {
		return s.err
	}
	m.settled(t, r, NoMajority, fee, votes, s.payouts)
	return nil
}

func (m *Machine) settled(t Task, r Packed, verdict byte, fee amount.Amount, votes []SeatVote, payouts []Payout) {
	m.emit(Event{Kind: EventSettled, Task: r.Task, Receipt: r.Receipt, Pack: t.Pack, Model: t.Model, From: t.Asker, Server: t.Server,
		Output: r.Output, In: r.In, Out: r.Out, Gas: r.Gas, Fee: fee, Verdict: verdict, Votes: votes, Payouts: payouts})
}

// tally adds a result to the reward of the tenure that packed it, if that is still to come.
func (m *Machine) tally(tenure uint32, valid, invalid uint64) error {
	var r Reward
	if ok, err := read(m.state, rewardKey(tenure), &r); err != nil || !ok {
		return err
	}
	r.Valid, r.Invalid = r.Valid+valid, r.Invalid+invalid
	m.put(rewardKey(tenure), r)
	return nil
}

// fault counts an invalid result against a server, and bans it when there are too many. The count is of a cycle that ends
// where the prepare phase begins, for there the next cycle's bans are fixed.
func (m *Machine) fault(server key.Hash160, a *Account) error {
	s := m.env.Params.Sortition
	cycle := s.Cycle(m.env.Ledger + s.PrepareLength)
	if a.FaultsOf != cycle {
		a.FaultsOf, a.Faults = cycle, 0
	}
	if a.Faults++; a.Faults != m.env.Params.BanAfter {
		return nil
	}
	var b bans
	if _, err := read(m.state, bansKey, &b); err != nil {
		return err
	}
	if b.Cycle != cycle {
		b = bans{Cycle: cycle}
	}
	if len(b.Servers) < maxBans {
		b.Servers = append(b.Servers, server)
	}
	m.put(bansKey, b)
	return nil
}

// settlement pays out of one sum; the first error sticks.
type settlement struct {
	m       *Machine
	left    amount.Amount
	payouts []Payout
	err     error
}

func (s *settlement) share(of amount.Amount, pct uint64) amount.Amount {
	v, err := of.MulDiv(pct, percent)
	if err != nil && s.err == nil {
		s.err = err
	}
	return v
}

func (s *settlement) pay(to key.Hash160, v amount.Amount, role string) {
	if s.err != nil || v == 0 {
		return
	}
	if s.err = sub(&s.left, v); s.err != nil {
		return
	}
	if s.err = s.m.credit(to, v); s.err == nil {
		s.payouts = append(s.payouts, Payout{To: to, Amount: v, Role: role})
	}
}

// burn destroys what is left.
func (s *settlement) burn() {
	if s.err != nil || s.left == 0 {
		return
	}
	if s.err = add(&s.m.tot.Burned, s.left); s.err == nil {
		s.payouts = append(s.payouts, Payout{Amount: s.left, Role: "burn"})
		s.left = 0
	}
}
