package execution

import (
	"cmp"
	"fmt"
	"slices"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/sortition"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
	"funai/ledger/consensus"
)

// credits takes in what the ledger brought since the parent's election.
func (m *Machine) credits() error {
	for _, op := range m.env.Stakes {
		if err := m.stakeFromLedger(op); err != nil {
			return err
		}
	}
	for _, op := range m.env.Mints {
		if err := add(&m.tot.Bridged, op.Amount); err != nil {
			return err
		}
		if err := m.credit(op.To, op.Amount); err != nil {
			return err
		}
		m.emit(Event{Kind: EventMint, From: op.Actor, To: op.To, Amount: op.Amount})
	}
	return nil
}

// scheduleReward records the tenure's reward, which is issued after Maturity ledger blocks.
func (m *Machine) scheduleReward() error {
	base := consensus.Halving(m.env.Params.Reward, m.env.Ledger, m.env.Params.HalvingInterval)
	if err := add(&m.tot.Immature, base); err != nil {
		return err
	}
	m.put(rewardKey(m.env.Ledger), Reward{Tenure: m.env.Ledger, Producer: m.env.Producer, Base: base})
	return nil
}

// matureReward issues the reward of the tenure elected Maturity ledger blocks before h: half outright, half in
// proportion to the gas of its valid results among those that found a majority. The rest is never issued.
func (m *Machine) matureReward(h uint32) error {
	if h < m.env.Params.Maturity {
		return nil
	}
	k := rewardKey(h - m.env.Params.Maturity)
	var r Reward
	if ok, err := read(m.state, k, &r); err != nil || !ok {
		return err
	}
	pay, err := RewardOf(r)
	if err != nil {
		return err
	}
	m.state.Delete(k)
	if err := sub(&m.tot.Immature, r.Base); err != nil {
		return err
	}
	if err := add(&m.tot.Issued, pay); err != nil {
		return err
	}
	m.emit(Event{Kind: EventReward, To: r.Producer, Amount: pay})
	return m.credit(r.Producer, pay)
}

// RewardOf is what a tenure earns: half of the base, and the other half times valid / (valid + invalid), by gas.
func RewardOf(r Reward) (amount.Amount, error) {
	half := r.Base / 2
	rest := r.Base - half
	if judged := r.Valid + r.Invalid; judged > 0 {
		var err error
		if rest, err = rest.MulDiv(r.Valid, judged); err != nil {
			return 0, err
		}
	}
	return half.Add(rest)
}

// stakeFromLedger credits an 'S' operation.
func (m *Machine) stakeFromLedger(op sortition.StakeOp) error {
	if err := add(&m.tot.Bridged, op.Amount); err != nil {
		return err
	}
	if err := m.addStake(op.Actor, op.Signer, op.Amount); err != nil {
		return err
	}
	m.emit(Event{Kind: EventStake, From: op.Actor, To: op.Actor, Amount: op.Amount})
	return nil
}

// addStake adds to a stake. Who names no signer signs with the staking key.
func (m *Machine) addStake(who, signer key.Hash160, v amount.Amount) error {
	if signer.IsZero() {
		signer = who
	}
	var stake amount.Amount
	err := m.change(who, func(a *Account) error {
		a.Signer = signer
		err := add(&a.Stake, v)
		stake = a.Stake
		return err
	})
	if err != nil {
		return err
	}
	if err := add(&m.tot.Staked, v); err != nil {
		return err
	}
	return m.listStaker(Staker{Address: who, Signer: signer, Stake: stake})
}

// listStaker brings the list of stakers up to date with one account. The list has a bound: the least one falls off, its
// stake untouched, and stands again once it is raised.
func (m *Machine) listStaker(s Staker) error {
	list, err := StakersOf(m.state)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(x Staker) bool { return x.Address == s.Address })
	if s.Stake >= m.env.Params.MinStake {
		list = append(list, s)
	}
	slices.SortFunc(list, order)
	m.put(stakersKey, list[:min(len(list), maxStakers)])
	return nil
}

// order puts the greatest stake first, and the lower address of equal ones.
func order(a, b Staker) int {
	return cmp.Or(cmp.Compare(b.Stake, a.Stake), slices.Compare(a.Address[:], b.Address[:]))
}

// lock moves balance into stake or bond.
func (m *Machine) lock(who key.Hash160, p *tx.Lock) error {
	if err := m.debit(who, p.Amount); err != nil {
		return err
	}
	if p.Kind == tx.LockStake {
		m.emit(Event{Kind: EventStake, From: who, To: who, Amount: p.Amount})
		return m.addStake(who, p.Signer, p.Amount)
	}
	if err := m.change(who, func(a *Account) error { return add(&a.Bond, p.Amount) }); err != nil {
		return err
	}
	m.emit(Event{Kind: EventBond, From: who, To: who, Amount: p.Amount})
	return add(&m.tot.Bonded, p.Amount)
}

// unlock begins to give stake or bond back. It takes to the end of the cycle after the next: whoever leaves now may be
// seated in the next cycle, and answers for it through one more.
func (m *Machine) unlock(who key.Hash160, p *tx.Unlock) error {
	var left Staker
	err := m.change(who, func(a *Account) error {
		free, from := a.Stake, &a.Stake
		if p.Kind == tx.LockBond {
			free, from = a.Bond-a.Reserved, &a.Bond
		}
		if p.Amount > free {
			return fmt.Errorf("%w: %v can unlock %v, asked for %v", ErrFunds, who, free, p.Amount)
		}
		left = Staker{Address: who, Signer: a.Signer, Stake: a.Stake}
		if err := sub(from, p.Amount); err != nil {
			return err
		}
		left.Stake = a.Stake
		return nil
	})
	if err != nil {
		return err
	}
	from := &m.tot.Bonded
	if p.Kind == tx.LockStake {
		from = &m.tot.Staked
		if err := m.listStaker(left); err != nil {
			return err
		}
	}
	if err := sub(from, p.Amount); err != nil {
		return err
	}
	if err := add(&m.tot.Unlocking, p.Amount); err != nil {
		return err
	}
	s := m.env.Params.Sortition
	m.emit(Event{Kind: EventUnlock, From: who, To: who, Amount: p.Amount})
	return push(m, unlockKey((s.Cycle(m.env.Ledger)+3)*s.CycleLength), Unlocking{To: who, Amount: p.Amount})
}

// NextSet is the cycle set that a state stands for: the greatest stakes take the seats, and servers with too many
// invalid results may not stand for election. Fewer stakers than a group needs make an empty set: the bootstrap.
func NextSet(r state.Reader, p block.Params, cycle uint32) (sortition.CycleSet, error) {
	set := sortition.CycleSet{Cycle: cycle}
	list, err := StakersOf(r)
	if err != nil {
		return set, err
	}
	list = ownSigners(list)
	if len(list) >= p.MinSeats {
		for _, s := range list[:min(len(list), p.Seats)] {
			set.Seats = append(set.Seats, sortition.Seat{Address: s.Address, Signer: s.Signer, Stake: s.Stake})
		}
	}
	var b bans
	if _, err := read(r, bansKey, &b); err != nil {
		return set, err
	}
	if cycle > 0 && b.Cycle == cycle-1 {
		set.Banned = b.Servers
	}
	return set, nil
}

// ownSigners leaves out whoever names a signer that is another's: a seat is known by its signer, so two with one signer
// would leave one of them mute, and hand its pay to the other. A key is its owner's if they stake under it, else of the
// greatest stake that names it.
func ownSigners(list []Staker) []Staker {
	owner := make(map[key.Hash160]key.Hash160, len(list))
	for _, s := range list {
		if s.Signer == s.Address {
			owner[s.Signer] = s.Address
		}
	}
	return slices.DeleteFunc(list, func(s Staker) bool {
		if _, ok := owner[s.Signer]; !ok {
			owner[s.Signer] = s.Address
		}
		return owner[s.Signer] != s.Address
	})
}
