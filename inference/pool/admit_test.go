package pool

import (
	"errors"
	"testing"

	"funai/amount"
	"funai/inference/execution"
	"funai/inference/tx"
	"funai/key"
)

// penalized are the errors that the node blames on whoever sent a transaction.
var penalized = []error{tx.ErrMalformed, tx.ErrUnsupported, key.ErrSignature}

func refused(t *testing.T, p *Pool, x *tx.Tx, want error) {
	t.Helper()
	err := p.Receive(x.Encode())
	if !errors.Is(err, want) {
		t.Errorf("%T: %v, not %v", x.Payload, err, want)
	}
	for _, bad := range penalized {
		if errors.Is(err, bad) {
			t.Errorf("%T: an honest peer would be blamed for %v", x.Payload, err)
		}
	}
}

func TestStatementsAreTakenFromThoseWhoseWordCounts(t *testing.T) {
	c := newChain(t)
	c.seats(5)
	p := New(c, &wire{})
	for _, payload := range []tx.Payload{&tx.Held{Receipts: []tx.ID{{1}}}, &tx.Seal{}, &tx.Opening{Verdicts: []byte{1}}} {
		refused(t, p, c.sign(keyOf(t, 1), 0, payload), ErrStranger)
		mustAdd(t, p, c.sign(keyOf(t, 203), 0, payload))
	}
}

func TestReceiptsAreTakenForWaitingTasksFromTheirServers(t *testing.T) {
	c, k, server, other := newChain(t), keyOf(t, 1), keyOf(t, 2), keyOf(t, 3)
	c.mint(amount.FAI, k, server)
	p := New(c, &wire{})
	onChain, here := c.ask(k, 0, server.Public().Hash160()), c.ask(k, 1, server.Public().Hash160())
	c.add(1, onChain)
	follow(t, p)
	mustAdd(t, p, here)
	for _, open := range []*tx.Tx{onChain, here} {
		refused(t, p, c.answer(other, open), ErrStranger)
		refused(t, p, c.answer(k, open), ErrStranger)
		refused(t, p, c.sign(server, 0, &tx.Receipt{Task: open.ID(), TokensIn: 10_000, TokensOut: 10}), execution.ErrGas)
		mustAdd(t, p, c.answer(server, open))
		// A second one that differs is the proof of a lie; more add nothing to it.
		mustAdd(t, p, c.sign(server, 0, &tx.Receipt{Task: open.ID(), TokensIn: 1, TokensOut: 1}))
		refused(t, p, c.sign(server, 0, &tx.Receipt{Task: open.ID(), TokensIn: 2, TokensOut: 2}), ErrFull)
	}
	refused(t, p, c.sign(server, 0, &tx.Receipt{Task: tx.ID{9}, TokensOut: 1}), execution.ErrTask)
	refused(t, p, c.answer(server, c.sign(k, 0, &tx.Transfer{})), execution.ErrTask)
}

func TestReceiptsOfThePackedAndSettledComeTooLate(t *testing.T) {
	c, k, server := newChain(t), keyOf(t, 1), keyOf(t, 2)
	c.seats(1)
	c.mint(amount.FAI, k, server)
	open, quiet := c.ask(k, 0, server.Public().Hash160()), c.ask(k, 1, server.Public().Hash160())
	c.add(1, open, quiet, c.sign(server, 0, &tx.Lock{Kind: tx.LockBond, Amount: amount.FAI / 2}))
	p := New(c, &wire{})
	r, late := c.answer(server, open), c.sign(server, 0, &tx.Receipt{Task: open.ID(), TokensOut: 7})
	mustAdd(t, p, late)
	c.add(1, c.held(0, r), r)
	follow(t, p)
	refused(t, p, r, ErrLate)
	c.add(2)
	follow(t, p)
	if p.Len() != 0 {
		t.Error("the other receipt of a packed task waits")
	}
	waits := c.answer(server, quiet)
	mustAdd(t, p, waits)
	c.add(30)
	follow(t, p)
	if p.Len() != 0 {
		t.Error("the receipt of an expired task waits")
	}
	refused(t, p, waits, ErrLate)
	refused(t, p, c.held(0, r, waits), ErrLate)
}

func TestTheElectedAnswerWhatNamesNobody(t *testing.T) {
	c, k, winner := newChain(t), keyOf(t, 1), keyOf(t, 2)
	c.mint(amount.FAI, k)
	p := New(c, &wire{})
	open := c.ask(k, 0, key.Hash160{})
	mustAdd(t, p, open)
	refused(t, p, c.answer(winner, open), ErrStranger)
	c.elected[winner.Public().Hash160()] = true
	mustAdd(t, p, c.answer(winner, open))
	c.elected[winner.Public().Hash160()] = false
	c.add(c.at().Tenure.Height + 1)
	follow(t, p)
	if p.Len() != 1 {
		t.Errorf("%d wait: the answer of one who was elected once can't be packed", p.Len())
	}
}

// The network may carry a receipt faster than its opening.
func TestAReceiptThatComesEarlyIsTakenWithItsOpening(t *testing.T) {
	c, k, server := newChain(t), keyOf(t, 1), keyOf(t, 2)
	c.mint(amount.FAI, k)
	p := New(c, &wire{})
	open := c.ask(k, 0, server.Public().Hash160())
	r, forged := c.answer(server, open), c.answer(keyOf(t, 3), open)
	refused(t, p, r, execution.ErrTask)
	refused(t, p, forged, execution.ErrTask)
	mustAdd(t, p, open)
	if _, ok := p.Get(r.ID()); !ok || p.Len() != 2 || len(p.early) != 0 {
		t.Errorf("the receipt is there: %v; %d wait, %d early", ok, p.Len(), len(p.early))
	}
	for n := range uint32(maxEarly + 10) {
		refused(t, p, c.sign(server, 0, &tx.Receipt{Task: tx.ID{9}, TokensIn: n}), execution.ErrTask)
	}
	if len(p.early) != maxEarly {
		t.Errorf("%d early", len(p.early))
	}
}

func TestConflictsAreTakenForTasksNotSettled(t *testing.T) {
	c, k, server := newChain(t), keyOf(t, 1), keyOf(t, 2)
	c.mint(amount.FAI, k)
	open := c.ask(k, 0, server.Public().Hash160())
	p := New(c, &wire{})
	proof := func(nonce uint64) *tx.Tx {
		a, b := c.answer(server, open), c.sign(server, 0, &tx.Receipt{Task: open.ID(), TokensOut: 1})
		return c.sign(k, nonce, &tx.Conflict{A: a.Encode(), B: b.Encode()})
	}
	refused(t, p, proof(1), execution.ErrTask)
	c.add(1, open)
	mustAdd(t, p, proof(1))
	c.add(30)
	refused(t, p, proof(2), ErrLate)
}

func TestVotesWithoutTheirPackAreDropped(t *testing.T) {
	c := newChain(t)
	c.seats(5)
	c.mint(amount.FAI, keyOf(t, 1))
	p := New(c, &wire{})
	mustAdd(t, p, c.sign(keyOf(t, 200), 0, &tx.Seal{Block: [32]byte{1}}), c.sign(keyOf(t, 200), 0, &tx.Opening{Block: [32]byte{1}, Verdicts: []byte{1}}))
	for range slack {
		c.add(c.at().Tenure.Height + 1)
		follow(t, p)
		if p.Len() != 2 {
			t.Fatal("votes were dropped before their pack could come")
		}
	}
	c.add(c.at().Tenure.Height + 1)
	follow(t, p)
	if p.Len() != 0 {
		t.Errorf("%d wait", p.Len())
	}
}
