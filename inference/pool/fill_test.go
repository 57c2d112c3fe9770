package pool

import (
	"slices"
	"testing"

	"funai/amount"
	"funai/inference/tx"
	"funai/key"
)

const plenty = 1 << 20

func fill(t *testing.T, p *Pool, d *draft, c *fakeChain) []tx.ID {
	t.Helper()
	p.Fill(d, c.set)
	return ids(d.txs)
}

// served is a chain with five seats, an asker with n open tasks, and a bonded server.
func served(t *testing.T, n uint64) (c *fakeChain, p *Pool, opens []*tx.Tx, server *key.Private) {
	t.Helper()
	c = newChain(t)
	c.seats(5)
	k, server := keyOf(t, 1), keyOf(t, 2)
	c.mint(amount.FAI, k, server)
	for i := range n {
		opens = append(opens, c.ask(k, i, server.Public().Hash160()))
	}
	c.add(1, append(slices.Clone(opens), c.sign(server, 0, &tx.Lock{Kind: tx.LockBond, Amount: amount.FAI / 2}))...)
	return c, New(c, &wire{}), opens, server
}

func TestADraftIsFilledWithVotesThenAsksThenReceiptsBehindTheirWords(t *testing.T) {
	c, p, opens, server := served(t, 2)
	packed := c.answer(server, opens[0])
	c.add(1, c.held(0, packed), c.held(1, packed), c.held(2, packed), packed)
	follow(t, p)
	var pack [32]byte
	for _, e := range c.tip.events {
		pack = e.Pack
	}
	k, other := keyOf(t, 1), keyOf(t, 3)
	c.mint(amount.FAI, other)
	r := c.answer(server, opens[1])
	words := []*tx.Tx{c.held(0, r), c.held(1, r), c.held(2, r), c.held(3, r)}
	last, first := c.sign(k, 3, &tx.Transfer{}), c.sign(k, 2, &tx.Transfer{})
	theirs := c.sign(other, 0, &tx.Transfer{})
	seal := c.sign(keyOf(t, 200), 0, &tx.Seal{Block: pack})
	mustAdd(t, p, r, words[0], words[1], words[2], words[3], last, theirs, first, seal)
	got := fill(t, p, c.draft(c.at().Tenure.Height, plenty), c)
	// A majority of words is enough; the account that came first goes first, in the order of its nonces.
	if want := ids([]*tx.Tx{seal, first, last, theirs, words[0], words[1], words[2], r}); !slices.Equal(got, want) {
		t.Errorf("filled with\n%v, not\n%v", got, want)
	}
}

func TestReceiptsWaitForAMajorityOfTheSeats(t *testing.T) {
	c, p, opens, server := served(t, 1)
	r := c.answer(server, opens[0])
	c.seated[keyOf(t, 205).Public().Hash160()] = true // of the last cycle: its word is carried, and counts no more
	mustAdd(t, p, r, c.held(0, r), c.held(1, r), c.held(5, r))
	if got := fill(t, p, c.draft(2, plenty), c); len(got) != 0 {
		t.Fatalf("with two words of five seats: %d transactions", len(got))
	}
	mustAdd(t, p, c.held(4, r))
	if got := fill(t, p, c.draft(2, plenty), c); len(got) != 4 {
		t.Errorf("with three words: %d transactions", len(got))
	}
}

func TestOneWordServesManyReceipts(t *testing.T) {
	c, p, opens, server := served(t, 10)
	var rs []*tx.Tx
	for _, o := range opens {
		rs = append(rs, c.answer(server, o))
	}
	mustAdd(t, p, rs...)
	mustAdd(t, p, c.held(0, rs...), c.held(1, rs...), c.held(2, rs...), c.held(3, rs[0]), c.held(4, rs[0]))
	if got := fill(t, p, c.draft(2, plenty), c); len(got) != 3+10 {
		t.Errorf("%d transactions", len(got))
	}
}

// Words count in one block alone: were they dropped with it, receipts that had no room there could never be packed.
func TestReceiptsThatHadNoRoomFindTheirWordsAgain(t *testing.T) {
	c, p, opens, server := served(t, 4)
	var rs []*tx.Tx
	for _, o := range opens {
		rs = append(rs, c.answer(server, o))
	}
	mustAdd(t, p, rs...)
	mustAdd(t, p, c.held(0, rs...), c.held(1, rs...), c.held(2, rs...))
	d := c.draft(1, 3+2)
	if got := fill(t, p, d, c); len(got) != 5 {
		t.Fatalf("%d transactions", len(got))
	}
	c.add(1, d.txs...)
	follow(t, p)
	d = c.draft(1, plenty)
	if got := fill(t, p, d, c); len(got) != 3+2 {
		t.Fatalf("in the next block %d transactions", len(got))
	}
	c.add(1, d.txs...)
	follow(t, p)
	if p.Len() != 0 {
		t.Errorf("%d wait when all is packed", p.Len())
	}
	refused(t, p, c.held(3, rs...), ErrLate)
}

func TestInTheBootstrapReceiptsWaitForSeats(t *testing.T) {
	c, p, opens, server := served(t, 1)
	seats := c.set.Seats
	c.set.Seats = nil
	r := c.answer(server, opens[0])
	mustAdd(t, p, r)
	for range 2 * maxFailures { // nobody's fault
		if got := fill(t, p, c.draft(2, plenty), c); len(got) != 0 {
			t.Fatalf("%d transactions without seats", len(got))
		}
	}
	c.set.Seats = seats
	mustAdd(t, p, c.held(0, r), c.held(1, r), c.held(2, r))
	if got := fill(t, p, c.draft(2, plenty), c); len(got) != 4 {
		t.Errorf("%d transactions with seats", len(got))
	}
}

func TestAGapHoldsBackWhatFollows(t *testing.T) {
	c, k := newChain(t), keyOf(t, 1)
	c.mint(amount.FAI, k)
	p := New(c, &wire{})
	mustAdd(t, p, c.sign(k, 0, &tx.Transfer{}), c.sign(k, 2, &tx.Transfer{}), c.sign(k, 3, &tx.Transfer{}))
	d := c.draft(2, plenty)
	if got := fill(t, p, d, c); len(got) != 1 {
		t.Errorf("%d transactions", len(got))
	}
	for range 2 * maxFailures { // a gap is nobody's fault
		p.Fill(c.draft(2, plenty), c.set)
	}
	if p.Len() != 3 {
		t.Errorf("%d wait", p.Len())
	}
}

func TestWhatDraftsKeepRefusingIsDropped(t *testing.T) {
	c, k := newChain(t), keyOf(t, 1)
	c.mint(amount.FAI, k)
	p := New(c, &wire{})
	bad := c.sign(k, 0, &tx.Unlock{Kind: tx.LockStake, Amount: 1})
	mustAdd(t, p, bad)
	for range maxFailures - 1 {
		p.Fill(c.draft(2, plenty), c.set)
	}
	if p.Len() != 1 {
		t.Fatal("dropped too soon")
	}
	p.Fill(c.draft(2, plenty), c.set)
	if p.Len() != 0 {
		t.Error("still there")
	}
	full := c.sign(k, 0, &tx.Transfer{})
	mustAdd(t, p, full)
	for range 2 * maxFailures {
		p.Fill(c.draft(2, 0), c.set)
	}
	if p.Len() != 1 {
		t.Error("full blocks are not the transaction's fault")
	}
}

func TestWordsAreTakenBackWithTheBlockThatPackedThem(t *testing.T) {
	c, p, opens, server := served(t, 2)
	var rs []*tx.Tx
	for _, o := range opens {
		rs = append(rs, c.answer(server, o))
	}
	mustAdd(t, p, rs...)
	mustAdd(t, p, c.held(0, rs...), c.held(1, rs...), c.held(2, rs...))
	before := c.at()
	d := c.draft(1, 3+1)
	p.Fill(d, c.set)
	c.add(1, d.txs...) // the first of the two receipts
	follow(t, p)
	c.move(c.on(before, 2, nil)) // undone
	follow(t, p)
	if got := fill(t, p, c.draft(2, plenty), c); len(got) != 3+2 {
		t.Fatalf("after the reorganization %d transactions", len(got))
	}
	// The second alone is packed: the words on the first are still of use.
	c.add(2, d.txs[0], d.txs[1], d.txs[2], rs[1])
	follow(t, p)
	if got := fill(t, p, c.draft(2, plenty), c); len(got) != 3+1 {
		t.Errorf("with one packed %d transactions", len(got))
	}
	// All are packed, the words are gone; undone, all come back.
	before = c.at()
	d = c.draft(2, plenty)
	p.Fill(d, c.set)
	c.add(2, d.txs...)
	follow(t, p)
	if p.Len() != 0 {
		t.Errorf("%d wait", p.Len())
	}
	c.move(c.on(before, 3, nil))
	follow(t, p)
	if got := fill(t, p, c.draft(3, plenty), c); len(got) != 3+1 {
		t.Errorf("taken back were %d transactions", len(got))
	}
}
