// Package execution says what a block of the inference chain does to the state: pure functions of the block's
// transactions, the state before them, and the ledger's news. It may import block, state, tx, sortition and the ground.
// Rules: FUN AI whitepaper, sections 3 to 7; every parameter stands in package block or, if it is the same on every
// network, here.
package execution

import (
	"errors"
	"fmt"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/codec"
	"funai/inference/sortition"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
)

// The rules that a transaction can break.
var (
	ErrSupply    = errors.New("coins do not add up")
	ErrChain     = errors.New("transaction of another chain")
	ErrNonceLow  = errors.New("nonce already used")
	ErrNonceHigh = errors.New("nonce leaves a gap")
	ErrFee       = errors.New("fee too low")
	ErrFunds     = errors.New("not enough funds")
	ErrBond      = errors.New("server's bond is too small")
	ErrExpiry    = errors.New("expiry out of range")
	ErrGas       = errors.New("gas out of range")
	ErrTask      = errors.New("no such open task")
	ErrServer    = errors.New("not the task's server")
	ErrHeld      = errors.New("content not held by a majority of seats")
	ErrSeat      = errors.New("not a seat")
	ErrPack      = errors.New("no such unsettled pack")
	ErrWindow    = errors.New("outside its window")
	ErrSeal      = errors.New("opening does not fit its seal")
	ErrTwice     = errors.New("already done")
	ErrConflict  = errors.New("receipts do not conflict")
	ErrPayload   = errors.New("payload not allowed")
	ErrWork      = errors.New("no more fits into this block")
)

// Env is everything outside the state that a block's meaning depends on.
type Env struct {
	Params   block.Params
	Height   uint64
	Parent   block.ID
	TxRoot   [32]byte
	Ledger   uint32             // ledger height of the block's tenure
	Before   uint32             // ledger height of the parent's tenure; equal to Ledger but in a tenure's first block
	Producer key.Hash160        // who was elected; earns the tenure's rewards
	Set      sortition.CycleSet // of the tenure's cycle
	Stakes   []sortition.StakeOp
	Mints    []sortition.MintOp
}

// First says whether the block begins its tenure.
func (e Env) First() bool { return e.Ledger != e.Before }

// Machine applies one block to a layer of state.
type Machine struct {
	env   Env
	state *state.Layer
	news  []Event
	held  map[tx.ID]map[key.Hash160]bool // this block's words on receipts, by seat
	pack  Pack
	tot   Totals
	voted int // results settled by openings in this block
}

// Begin starts a block on the state after its parent: it credits what the ledger brought, and does what fell due: tasks
// that expire, packs whose time for votes is over, coins that come free, rewards that mature.
func Begin(env Env, s *state.Layer) (*Machine, error) {
	m := &Machine{env: env, state: s, held: map[tx.ID]map[key.Hash160]bool{}}
	m.pack = Pack{Height: env.Height, Ledger: env.Ledger, Producer: env.Producer}
	for _, seat := range env.Set.Seats {
		m.pack.Ballots = append(m.pack.Ballots, Ballot{Seat: seat})
	}
	var err error
	if m.tot, err = TotalsOf(s); err != nil {
		return nil, err
	}
	if env.First() {
		if err := m.credits(); err != nil {
			return nil, err
		}
	}
	if err := m.catchUp(); err != nil {
		return nil, err
	}
	if env.First() {
		return m, m.scheduleReward()
	}
	return m, nil
}

// End finishes the block: it stores the pack and returns what happened. The state's root may be taken afterwards.
func (m *Machine) End() ([]Event, error) {
	if len(m.pack.Results) > 0 {
		if err := m.storePack(); err != nil {
			return nil, err
		}
	}
	if err := m.tot.Check(); err != nil {
		return nil, err
	}
	m.put(totalsKey, m.tot)
	return m.news, nil
}

func (m *Machine) storePack() error {
	id := m.packID()
	m.put(packKey(id), m.pack)
	m.put(votesKey(id), votes{Ledger: m.pack.Ledger, Results: len(m.pack.Results), Ballots: m.pack.Ballots})
	return push(m, duePacksKey(m.pack.Until(m.env.Params)+1), id)
}

// Events returns what happened so far.
func (m *Machine) Events() []Event { return m.news }

func (m *Machine) packID() [32]byte { return block.PackID(m.env.Parent, m.env.TxRoot) }

// Apply executes one transaction whose signature was verified. On an error nothing has changed.
func (m *Machine) Apply(t *tx.Tx) error {
	mark, news, tot, packed := m.state.Mark(), len(m.news), m.tot, m.pack.Results
	if err := m.apply(t); err != nil {
		m.state.Rollback(mark)
		m.news, m.tot, m.pack.Results = m.news[:news], tot, packed
		return fmt.Errorf("%T of %v: %w", t.Payload, t.Signer, err)
	}
	return nil
}

func (m *Machine) apply(t *tx.Tx) error {
	if err := Check(t, m.env.Params); err != nil {
		return err
	}
	if !t.Nonceless() {
		if err := m.spendNonce(t); err != nil {
			return err
		}
	}
	switch p := t.Payload.(type) {
	case *tx.Transfer:
		return m.transfer(t.Signer, p)
	case *tx.Open:
		return m.open(t, p)
	case *tx.Receipt:
		return m.receipt(t, p)
	case *tx.Held:
		return m.hold(t.Signer, p)
	case *tx.Seal:
		return m.seal(t.Signer, p)
	case *tx.Opening:
		return m.opening(t.Signer, p)
	case *tx.Lock:
		return m.lock(t.Signer, p)
	case *tx.Unlock:
		return m.unlock(t.Signer, p)
	case *tx.Conflict:
		return m.conflict(p)
	}
	return fmt.Errorf("%w: type %#x", ErrPayload, t.Payload.Type())
}

// Check says whether a transaction can be valid in any state at all.
func Check(t *tx.Tx, p block.Params) error {
	if t.ChainID != p.ChainID || t.Version != p.Version {
		return fmt.Errorf("%w: chain %#x version %#x, not %#x and %#x", ErrChain, t.ChainID, t.Version, p.ChainID, p.Version)
	}
	if t.Nonceless() {
		if t.Nonce != 0 || t.Fee != 0 {
			return fmt.Errorf("%w: nonce %d and fee %v where both must be 0", ErrPayload, t.Nonce, t.Fee)
		}
		return nil
	}
	switch q := t.Payload.(type) {
	case *tx.Open:
		if t.Fee != 0 {
			return fmt.Errorf("%w: an opening pays by gas, not a fee of %v", ErrFee, t.Fee)
		}
		return checkOpen(q, p.MinFee)
	case *tx.Unlock:
		if q.Amount == 0 {
			return fmt.Errorf("%w: nothing to unlock", ErrPayload)
		}
	}
	if t.Fee < p.MinFee {
		return fmt.Errorf("%w: %v is less than %v", ErrFee, t.Fee, p.MinFee)
	}
	return nil
}

// spendNonce takes the next nonce and the fee of the signer's account.
func (m *Machine) spendNonce(t *tx.Tx) error {
	a, err := AccountOf(m.state, t.Signer)
	if err != nil {
		return err
	}
	if t.Nonce < a.Nonce {
		return fmt.Errorf("%w: %d, the account is at %d", ErrNonceLow, t.Nonce, a.Nonce)
	}
	if t.Nonce > a.Nonce {
		return fmt.Errorf("%w: %d, the account is at %d", ErrNonceHigh, t.Nonce, a.Nonce)
	}
	a.Nonce++
	m.put(accountKey(t.Signer), a)
	if t.Fee == 0 {
		return nil
	}
	if err := m.debit(t.Signer, t.Fee); err != nil {
		return err
	}
	return m.credit(m.env.Producer, t.Fee)
}

func (m *Machine) transfer(from key.Hash160, p *tx.Transfer) error {
	if err := m.debit(from, p.Amount); err != nil {
		return err
	}
	if err := m.credit(p.To, p.Amount); err != nil {
		return err
	}
	m.emit(Event{Kind: EventTransfer, From: from, To: p.To, Amount: p.Amount})
	return nil
}

func (m *Machine) put(k []byte, v any) { m.state.Put(k, codec.Encode(v)) }

// change reads an account, lets f change it, and writes it back.
func (m *Machine) change(h key.Hash160, f func(*Account) error) error {
	a, err := AccountOf(m.state, h)
	if err != nil {
		return err
	}
	if err := f(&a); err != nil {
		return err
	}
	m.put(accountKey(h), a)
	return nil
}

// credit adds to a balance, and to what is held.
func (m *Machine) credit(h key.Hash160, v amount.Amount) error {
	err := m.change(h, func(a *Account) error { return add(&a.Balance, v) })
	if err != nil {
		return err
	}
	return add(&m.tot.Held, v)
}

// debit takes from a balance, and from what is held.
func (m *Machine) debit(h key.Hash160, v amount.Amount) error {
	err := m.change(h, func(a *Account) error {
		if a.Balance < v {
			return fmt.Errorf("%w: %v has %v, %v needed", ErrFunds, h, a.Balance, v)
		}
		return sub(&a.Balance, v)
	})
	if err != nil {
		return err
	}
	return sub(&m.tot.Held, v)
}

func add(to *amount.Amount, v amount.Amount) (err error) {
	*to, err = to.Add(v)
	return err
}

func sub(from *amount.Amount, v amount.Amount) (err error) {
	*from, err = from.Sub(v)
	return err
}
