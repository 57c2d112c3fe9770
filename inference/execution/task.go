package execution

import (
	"fmt"
	"slices"

	"funai/amount"
	"funai/inference/tx"
	"funai/key"
)

// Gas measures a task's work in tokens of prompt. A token of the answer costs a pass of its own, which takes several times
// as long as a prompt's token among many: measured on two cores, 130 tokens a second of prompt against 20 of answer.
const (
	GasPerTokenIn  = 1
	GasPerTokenOut = 6
)

// Bounds on a task, so that no sum overflows and no record is out of proportion.
const (
	MaxTaskTokens = 1 << 20
	MaxGas        = 1 << 32
	MaxGasPrice   = amount.FAI
	MaxUnsettled  = 64 // tasks of one asker
	MaxResults    = 256
	MaxExtra      = 1 << 10 // bytes of an opening's fields that are not known yet: nothing is paid for them
)

// Shares of a valid result's fee, in percent; what is left, and rounding, is burned. The server did the work; the producer
// packed it; the seats judged it. Burning a part makes it cost something to buy one's own answers.
const (
	serverShare   = 80
	producerShare = 10
	judgingShare  = 5
	percent       = 100
)

// Gas returns what a task of so many tokens uses.
func Gas(in, out uint32) uint64 { return uint64(in)*GasPerTokenIn + uint64(out)*GasPerTokenOut }

// Reserve is what a server's bond must cover for a task that costs at most escrow: the greatest penalty, which is a fine
// of the fee or the least fine, and the judging share.
func Reserve(escrow, minFine amount.Amount) (amount.Amount, error) {
	share, err := escrow.MulDiv(judgingShare, percent)
	if err != nil {
		return 0, err
	}
	return share.Add(max(escrow, minFine))
}

// checkOpen checks what of an opening needs no state.
func checkOpen(p *tx.Open, least amount.Amount) error {
	if p.Trust != tx.TrustJudge {
		return fmt.Errorf("%w: trust %d is not known", ErrPayload, p.Trust)
	}
	if p.MaxTokens == 0 || p.MaxTokens > MaxTaskTokens {
		return fmt.Errorf("%w: %d tokens, not in 1 to %d", ErrGas, p.MaxTokens, MaxTaskTokens)
	}
	if p.GasLimit == 0 || p.GasLimit > MaxGas || p.GasPrice == 0 || p.GasPrice > MaxGasPrice {
		return fmt.Errorf("%w: limit %d and price %v, not in 1 to %d and 1e-8 to %v", ErrGas, p.GasLimit, p.GasPrice, uint64(MaxGas), MaxGasPrice)
	}
	if cost, err := p.MaxCost(); err != nil || cost < least {
		return fmt.Errorf("%w: an opening for at most %v, at least %v", ErrFee, cost, least)
	}
	if len(p.Extra) > MaxExtra {
		return fmt.Errorf("%w: %d bytes of unknown fields exceed %d", ErrPayload, len(p.Extra), MaxExtra)
	}
	return nil
}

// NewTask is the task that an opening asks for, before anything is escrowed.
func NewTask(asker key.Hash160, p *tx.Open) Task {
	return Task{Asker: asker, Server: p.Server, Model: p.Model, Expiry: p.Expiry, GasLimit: p.GasLimit, GasPrice: p.GasPrice, Max: p.MaxTokens}
}

// open escrows the most that a task may cost. It asks nothing of the server named, who has not agreed to anything yet:
// else anybody could bind any server's bond.
func (m *Machine) open(t *tx.Tx, p *tx.Open) error {
	e := m.env
	if p.Expiry <= e.Ledger || p.Expiry > e.Ledger+e.Params.MaxExpiry {
		return fmt.Errorf("%w: %d, not in %d to %d", ErrExpiry, p.Expiry, e.Ledger+1, e.Ledger+e.Params.MaxExpiry)
	}
	escrow, err := p.MaxCost()
	if err != nil {
		return err
	}
	task := NewTask(t.Signer, p)
	task.Escrow, task.Height = escrow, e.Height
	err = m.change(t.Signer, func(a *Account) error {
		if a.Open >= MaxUnsettled {
			return fmt.Errorf("%w: %d unsettled tasks, at most %d", ErrFunds, a.Open, MaxUnsettled)
		}
		a.Open++
		return nil
	})
	if err != nil {
		return err
	}
	if err := m.debit(t.Signer, escrow); err != nil {
		return err
	}
	if err := add(&m.tot.Escrow, escrow); err != nil {
		return err
	}
	id := t.ID()
	m.put(taskKey(id), task)
	m.emit(Event{Kind: EventOpened, Task: id, From: t.Signer, Server: p.Server, Model: p.Model, Amount: escrow, Expiry: p.Expiry})
	return push(m, dueTasksKey(p.Expiry+1), [32]byte(id))
}

// reserve sets bond aside for the greatest penalty on a task: a fine of the fee, or the least fine, and the judging share.
func (m *Machine) reserve(server key.Hash160, escrow amount.Amount) (amount.Amount, error) {
	need, err := Reserve(escrow, m.env.Params.MinFine)
	if err != nil {
		return 0, err
	}
	return need, m.change(server, func(a *Account) error {
		if free := a.Bond - a.Reserved; free < need {
			return fmt.Errorf("%w: %v has %v free of %v, %v needed", ErrBond, server, free, a.Bond, need)
		}
		return add(&a.Reserved, need)
	})
}

// hold notes a seat's word that it holds the contents behind receipts. It counts in this block alone.
func (m *Machine) hold(who key.Hash160, p *tx.Held) error {
	for _, s := range m.env.Set.Seats {
		if s.Signer != who {
			continue
		}
		for _, id := range p.Receipts {
			if m.held[id] == nil {
				m.held[id] = map[key.Hash160]bool{}
			}
			m.held[id][s.Address] = true
		}
		return nil
	}
	return fmt.Errorf("%w: %v holds none of the %d of cycle %d", ErrSeat, who, len(m.env.Set.Seats), m.env.Set.Cycle)
}

// receipt packs a server's result once there are seats and a majority of them holds its contents, and reserves the server's bond for the
// greatest penalty: a result is only judged if its server can be made to answer for it.
func (m *Machine) receipt(t *tx.Tx, p *tx.Receipt) error {
	task, ok, err := TaskOf(m.state, p.Task)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: %v", ErrTask, p.Task)
	}
	if task.Pack != ([32]byte{}) {
		return fmt.Errorf("%w: task %v has a receipt", ErrTwice, p.Task)
	}
	if m.env.Ledger > task.Expiry {
		return fmt.Errorf("%w: task %v expired at %d, ledger is at %d", ErrExpiry, p.Task, task.Expiry, m.env.Ledger)
	}
	if len(m.pack.Results) >= MaxResults {
		return fmt.Errorf("%w: %d results are packed, at most %d", ErrWork, len(m.pack.Results), MaxResults)
	}
	if task.Server.IsZero() {
		if t.Signer != m.env.Producer {
			return fmt.Errorf("%w: %v is the producer, not %v", ErrServer, m.env.Producer, t.Signer)
		}
		task.Server = t.Signer
	} else if t.Signer != task.Server {
		return fmt.Errorf("%w: %v is, not %v", ErrServer, task.Server, t.Signer)
	}
	gas, err := task.GasOf(p)
	if err != nil {
		return err
	}
	id := t.ID()
	// While there are no seats nobody could judge a result: it waits for them, or its task expires and is refunded.
	if need := m.env.Set.Majority(); m.env.Set.Bootstrap() || len(m.held[id]) < need {
		return fmt.Errorf("%w: %d of %d seats hold receipt %v, %d needed", ErrHeld, len(m.held[id]), len(m.env.Set.Seats), id, need)
	}
	if task.Reserve, err = m.reserve(task.Server, task.Escrow); err != nil {
		return err
	}
	fee, err := task.GasPrice.Mul(gas)
	if err != nil {
		return err
	}
	task.Pack, task.Receipt = m.packID(), id
	m.put(taskKey(p.Task), task)
	m.pack.Results = append(m.pack.Results, Packed{Task: p.Task, Receipt: id, Output: p.Output,
		In: p.TokensIn, Out: p.TokensOut, Gas: gas, Fee: fee})
	m.emit(Event{Kind: EventPacked, Task: p.Task, Receipt: id, Pack: task.Pack, Model: task.Model, From: task.Asker,
		Server: task.Server, Output: p.Output, In: p.TokensIn, Out: p.TokensOut, Gas: gas, Fee: fee})
	return nil
}

// GasOf is what a receipt says was used, if the task has room for it.
func (t Task) GasOf(r *tx.Receipt) (uint64, error) {
	gas := Gas(r.TokensIn, r.TokensOut)
	if gas > t.GasLimit || r.TokensOut > t.Max || r.TokensOut == 0 {
		return 0, fmt.Errorf("%w: receipt uses %d of %d gas and %d of %d tokens", ErrGas, gas, t.GasLimit, r.TokensOut, t.Max)
	}
	return gas, nil
}

// closeTask takes a task out of the state: its escrow leaves the totals, its reserve goes back to the server's bond. What
// the escrow becomes is the caller's to say.
func (m *Machine) closeTask(id tx.ID, t Task) error {
	m.state.Delete(taskKey(id))
	if err := sub(&m.tot.Escrow, t.Escrow); err != nil {
		return err
	}
	if err := m.change(t.Asker, func(a *Account) error { a.Open--; return nil }); err != nil {
		return err
	}
	if t.Reserve == 0 {
		return nil
	}
	return m.change(t.Server, func(a *Account) error { return sub(&a.Reserved, t.Reserve) })
}

// conflict settles a task as invalid on the proof that its server signed two different receipts. Whether it was packed or
// not, whichever the asker saw, the other one is a lie.
func (m *Machine) conflict(p *tx.Conflict) error {
	a, b, err := p.Verify()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConflict, err)
	}
	if err := Check(a, m.env.Params); err != nil {
		return fmt.Errorf("%w: %w", ErrConflict, err)
	}
	ra, rb := a.Payload.(*tx.Receipt), b.Payload.(*tx.Receipt)
	task, ok, err := TaskOf(m.state, ra.Task)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: %v", ErrTask, ra.Task)
	}
	if a.Signer != task.Server {
		return fmt.Errorf("%w: %v is, not %v", ErrServer, task.Server, a.Signer)
	}
	gas := min(max(Gas(ra.TokensIn, ra.TokensOut), Gas(rb.TokensIn, rb.TokensOut)), task.GasLimit)
	fee, err := task.GasPrice.Mul(gas)
	if err != nil {
		return err
	}
	if task.Pack != ([32]byte{}) {
		tenure, err := m.voidResult(task.Pack, ra.Task)
		if err != nil {
			return err
		}
		if err := m.tally(tenure, 0, gas); err != nil {
			return err
		}
	}
	return m.settleInvalid(task, Packed{Task: ra.Task, Receipt: a.ID(), Gas: gas, Fee: fee}, nil, nil)
}

// voidResult marks a packed result as settled, so that the vote on its pack leaves it out. It returns the ledger height of
// the tenure that packed it.
func (m *Machine) voidResult(pack [32]byte, task tx.ID) (uint32, error) {
	if pack == m.packID() { // of the block being executed
		m.pack.Results = voided(m.pack.Results, task)
		return m.pack.Ledger, nil
	}
	p, ok, err := PackOf(m.state, pack)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, fmt.Errorf("%w: %x", ErrPack, pack)
	}
	p.Results = voided(p.Results, task)
	m.put(packKey(pack), p)
	return p.Ledger, nil
}

// voided returns a copy, for a transaction that fails must leave the original as it was.
func voided(rs []Packed, task tx.ID) []Packed {
	rs = slices.Clone(rs)
	for i := range rs {
		if rs[i].Task == task {
			rs[i].Void = true
		}
	}
	return rs
}
