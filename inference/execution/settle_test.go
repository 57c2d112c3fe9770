package execution

import (
	"errors"
	"maps"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"pgregory.net/rapid"

	"funai/amount"
	"funai/inference/tx"
	"funai/key"
)

var (
	asker  = who(1)
	server = who(2)
)

// ready is a world of n seats, a rich asker and a server with a bond.
func ready(t *testing.T, seats int) *world {
	t.Helper()
	w := testWorld(t)
	w.seats(seats)
	w.bond(amount.FAI, server)
	w.mint(amount.FAI, asker)
	return w
}

// Of world's tasks: a gas costs 10,000, the task escrows 1,000 gas and uses 400.
const fee, escrow = 4_000_000, 10_000_000

// money is what a key has in its hands and at stake in its serving.
type money struct{ balance, bond, reserved amount.Amount }

func (w *world) money(h key.Hash160) money {
	w.Helper()
	a := w.account(h)
	return money{a.Balance, a.Bond, a.Reserved}
}

func TestValidPaysEightyTenFiveAndBurnsTheRest(t *testing.T) {
	w := ready(t, 5)
	_, pack := w.pack(asker, server)
	if got := w.money(server); got != (money{w.account(server).Balance, amount.FAI, escrow + escrow/20}) {
		t.Errorf("while it is judged the server has %+v", got)
	}
	asked, served, produced, burned := w.money(asker), w.money(server), w.money(w.producer), w.totals().Burned
	w.votes(pack, Valid, Valid, Valid, Invalid, Abstain) // four voted, one of them against the others
	if e := w.settled(); e.Verdict != Valid || e.Fee != fee {
		t.Errorf("%+v", e)
	}
	for _, c := range []struct {
		what      string
		got, want money
	}{
		{"asker", w.money(asker), money{balance: asked.balance + escrow - fee}},
		{"server", w.money(server), money{served.balance + fee*80/100, amount.FAI, 0}},
		{"producer", w.money(w.producer), money{balance: produced.balance + fee*10/100}},
		{"seat that said valid", w.money(who(100)), money{balance: fee * 5 / 100 / 4}},
		{"seat that said invalid", w.money(who(103)), money{balance: fee * 5 / 100 / 4}},
		{"seat that abstained", w.money(who(104)), money{}},
	} {
		if c.got != c.want {
			t.Errorf("%s has %+v, not %+v", c.what, c.got, c.want)
		}
	}
	if got := w.totals().Burned - burned; got != fee*5/100 {
		t.Errorf("%v burned, not %v", got, amount.Amount(fee*5/100))
	}
	if a := w.account(asker); a.Open != 0 {
		t.Errorf("%d tasks of the asker are open", a.Open)
	}
}

func TestInvalidRefundsAndFinesTheServerWhoPaysTheSeats(t *testing.T) {
	w := ready(t, 5)
	_, pack := w.pack(asker, server)
	asked, served, produced, burned := w.money(asker), w.money(server), w.money(w.producer), w.totals().Burned
	w.votes(pack, Invalid, Invalid, Invalid, Valid, Abstain)
	if e := w.settled(); e.Verdict != Invalid || e.Fee != 0 {
		t.Errorf("%+v", e)
	}
	for _, c := range []struct {
		what      string
		got, want money
	}{
		{"asker", w.money(asker), money{balance: asked.balance + escrow}},
		{"server", w.money(server), money{served.balance, amount.FAI - fee - fee*5/100, 0}},
		{"producer", w.money(w.producer), produced},
		{"seat", w.money(who(100)), money{balance: fee * 5 / 100 / 4}},
		{"seat that abstained", w.money(who(104)), money{}},
	} {
		if c.got != c.want {
			t.Errorf("%s has %+v, not %+v", c.what, c.got, c.want)
		}
	}
	if got := w.totals().Burned - burned; got != fee {
		t.Errorf("%v burned, not the fine of %v", got, amount.Amount(fee))
	}
}

// payouts is what section 4.6 says, worked out anew: who gets how much, by role.
func payouts(verdicts []byte, fee, escrow, minFine amount.Amount) (verdict byte, seat amount.Amount, sums map[string]amount.Amount) {
	count := map[byte]int{}
	for _, v := range verdicts {
		count[v]++
	}
	voted := amount.Amount(count[Valid] + count[Invalid])
	if voted > 0 {
		seat = fee * 5 / 100 / voted
	}
	seats := seat * voted
	sums = map[string]amount.Amount{"seat": seats}
	switch half := len(verdicts) / 2; {
	case count[Valid] > half:
		verdict = Valid
		sums["server"], sums["producer"], sums["refund"] = fee*80/100, fee*10/100, escrow-fee
		sums["burn"] = fee - fee*80/100 - fee*10/100 - seats
	case count[Invalid] > half:
		verdict = Invalid
		fine := max(fee, minFine)
		sums["refund"], sums["fine"], sums["burn"] = escrow, fine+fee*5/100, fine+fee*5/100-seats
	default:
		verdict = NoMajority
		sums["refund"] = escrow - seats
	}
	maps.DeleteFunc(sums, func(_ string, v amount.Amount) bool { return v == 0 })
	return verdict, seat, sums
}

func TestAnySettlementPaysExactlyWhatTheRuleSays(t *testing.T) {
	dbs := [2]*pebble.DB{memory(t), memory(t)}
	defer func() {
		if err := errors.Join(dbs[0].Close(), dbs[1].Close()); err != nil {
			t.Error(err)
		}
	}()
	rapid.Check(t, func(rt *rapid.T) {
		for _, db := range dbs {
			if err := db.DeleteRange([]byte{0}, []byte{0xff}, pebble.NoSync); err != nil {
				rt.Fatal(err)
			}
		}
		w := newWorld(rt, params(), dbs)
		w.p.MinFine = amount.Amount(rapid.SampledFrom([]uint64{1, 1_000, 5_000_000}).Draw(rt, "minFine"))
		w.seats(rapid.IntRange(1, 7).Draw(rt, "seats"))
		verdicts := rapid.SliceOfN(rapid.SampledFrom([]byte{0, Valid, Valid, Invalid, Invalid, Abstain}), len(w.set.Seats), len(w.set.Seats)).Draw(rt, "verdicts")
		price := amount.Amount(rapid.Uint64Range(1, 20_000).Draw(rt, "price"))
		in, out := rapid.Uint32Range(0, 100).Draw(rt, "in"), rapid.Uint32Range(1, 150).Draw(rt, "out")
		w.bond(amount.FAI, server)
		w.mint(amount.FAI, asker)
		open := w.by(asker, &tx.Open{Server: server, Expiry: w.ledger + 3, GasLimit: 1000, GasPrice: price, MaxTokens: 150})
		w.must(w.ledger, news{}, open)
		r := w.by(server, &tx.Receipt{Task: open.ID(), TokensIn: in, TokensOut: out})
		w.must(w.ledger, news{}, append(w.held(w.set.Majority(), r), r)...)
		var pack [32]byte
		for _, e := range w.events {
			pack = e.Pack
		}
		w.votes(pack, verdicts...)
		if len(w.events) == 0 || !anySettled(w.events) { // nobody opened: the window has to end
			w.must(w.ledger+w.p.OpenWindow+w.p.SealWindow+1, news{})
		}
		e := w.settled()
		fee := amount.Amount(Gas(in, out)) * price
		verdict, seat, want := payouts(verdicts, fee, 1000*price, w.p.MinFine)
		got := map[string]amount.Amount{}
		for _, p := range e.Payouts {
			got[p.Role] += p.Amount
			if p.Role == "seat" && p.Amount != seat {
				rt.Fatalf("a seat got %v, not %v", p.Amount, seat)
			}
		}
		if e.Verdict != verdict || !maps.Equal(got, want) {
			rt.Fatalf("verdicts %v, fee %v: verdict %d paid %v, not %d and %v", verdicts, fee, e.Verdict, got, verdict, want)
		}
		for i, v := range e.Votes {
			if v.Seat != w.set.Seats[i].Address || v.Verdict != verdicts[i] {
				rt.Fatalf("vote %d is noted as %+v, it was %d", i, v, verdicts[i])
			}
		}
	})
}

func anySettled(es []Event) bool {
	for _, e := range es {
		if e.Kind == EventSettled {
			return true
		}
	}
	return false
}

func TestUnansweredTaskIsRefundedWhole(t *testing.T) {
	w := ready(t, 5)
	before := w.account(asker).Balance
	open := w.ask(asker, server)
	w.must(w.ledger, news{}, open)
	expiry := open.Payload.(*tx.Open).Expiry
	w.must(expiry, news{})
	if got := w.account(asker); got.Balance != before-escrow || got.Open != 1 {
		t.Fatalf("at its expiry a task still waits: %+v", got)
	}
	w.must(expiry+1, news{})
	if got := w.account(asker); got.Balance != before || got.Open != 0 {
		t.Errorf("after its expiry: %+v, the balance was %v", got, before)
	}
}

func TestAReceiptWaitsForSeatsThatCanJudgeIt(t *testing.T) {
	w := ready(t, 0)
	before := w.account(asker).Balance
	open := w.ask(asker, server)
	w.must(w.ledger, news{}, open)
	r := w.answer(open, server)
	if err := w.next(w.ledger, news{}, r)[0]; !errors.Is(err, ErrHeld) {
		t.Fatalf("packed without seats: %v", err)
	}
	w.seats(5)
	w.must(w.ledger, news{}, append(w.held(3, r), r)...)
	if got := w.money(server); got.reserved == 0 {
		t.Errorf("with seats it is packed: server has %+v", got)
	}

	w = ready(t, 0)
	open = w.ask(asker, server)
	w.must(w.ledger, news{}, open)
	w.must(open.Payload.(*tx.Open).Expiry+1, news{})
	if got := w.money(asker); got.balance != before {
		t.Errorf("no seats ever came: asker has %v, had %v", got.balance, before)
	}
	if got := w.money(server); got.bond != amount.FAI || got.reserved != 0 {
		t.Errorf("server has %+v", got)
	}
}

func TestSeatsThatDoNotVoteLeaveThePayToTheOthers(t *testing.T) {
	w := ready(t, 5)
	_, pack := w.pack(asker, server)
	w.votes(pack, Valid, Valid, Valid, 0, 0)
	for i, want := range []amount.Amount{fee / 20 / 3, fee / 20 / 3, fee / 20 / 3, 0, 0} {
		if got := w.account(who(100 + uint64(i))).Balance; got != want {
			t.Errorf("seat %d got %v, not %v", i, got, want)
		}
	}
}

func TestAVoteNotOpenedInTimeIsMissed(t *testing.T) {
	w := ready(t, 5)
	_, pack := w.pack(asker, server)
	at := w.ledger
	var seals, openings []*tx.Tx
	for i := range 5 {
		s, o := w.vote(i, pack, Valid)
		seals, openings = append(seals, s), append(openings, o)
	}
	w.must(at, news{}, seals...)
	w.must(at, news{}, openings[:2]...)
	w.must(at+w.p.SealWindow+w.p.OpenWindow, news{})
	w.must(at+w.p.SealWindow+w.p.OpenWindow+1, news{})
	if e := w.settled(); e.Verdict != NoMajority || e.Fee != fee/20 {
		t.Errorf("two of five opened: %+v", e)
	}
	if err := w.next(w.ledger, news{}, openings[2])[0]; !errors.Is(err, ErrPack) {
		t.Errorf("opened after the settlement: %v", err)
	}
}

// receipts are two of one server that say different things.
func conflicting(t *testing.T, w *world, k *key.Private, open *tx.Tx) (a, b *tx.Tx) {
	t.Helper()
	a = tx.New(w.p.ChainID, &tx.Receipt{Task: open.ID(), Output: [32]byte{1}, TokensIn: 40, TokensOut: 60})
	b = tx.New(w.p.ChainID, &tx.Receipt{Task: open.ID(), Output: [32]byte{2}, TokensIn: 40, TokensOut: 50})
	a.Sign(k)
	b.Sign(k)
	return a, b
}

func TestConflictingReceiptsFineAndRefund(t *testing.T) {
	k, err := key.Generate()
	if err != nil {
		t.Fatal(err)
	}
	liar := k.Public().Hash160()
	for _, c := range []struct {
		name         string
		bond         amount.Amount
		packed, here bool          // packed before, in the same block
		fine         amount.Amount // of the fee, and the judging share
	}{
		{"unpacked", amount.FAI, false, false, fee + fee/20},
		{"packed", amount.FAI, true, false, fee + fee/20},
		{"packed in the same block", amount.FAI, true, true, fee + fee/20},
		{"unpacked, with a bond too small", 1000, false, false, 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ready(t, 5)
			w.bond(c.bond, liar)
			before := w.account(asker).Balance
			open := w.ask(asker, liar)
			w.must(w.ledger, news{}, open)
			a, b := conflicting(t, w, k, open)
			other := w.ask(asker, server)
			w.must(w.ledger, news{}, other)
			fair := w.answer(other, server)
			proof := w.by(asker, &tx.Conflict{A: b.Encode(), B: a.Encode()})
			var txs []*tx.Tx
			if c.packed {
				txs = append(append(w.held(3, a, fair), fair), a)
			}
			if !c.here {
				w.must(w.ledger, news{}, txs...)
				txs = nil
			}
			tenure := w.ledger
			w.must(w.ledger, news{}, append(txs, proof)...)
			if e := w.settled(); e.Verdict != Invalid || e.Server != liar {
				t.Errorf("%+v", e)
			}
			if got := w.account(liar); got.Bond != c.bond-c.fine || got.Reserved != 0 {
				t.Errorf("server has %+v, fined should be %v", got, c.fine)
			}
			if got := w.account(asker).Balance; got != before-w.p.MinFee-escrow { // the other task's escrow
				t.Errorf("asker has %v of %v", got, before)
			}
			if err := w.next(w.ledger, news{}, w.by(asker, &tx.Conflict{A: a.Encode(), B: b.Encode()}))[0]; !errors.Is(err, ErrTask) {
				t.Errorf("fined again: %v", err)
			}
			if !c.packed {
				return
			}
			var r Reward
			if _, err := read(w.stores[0], rewardKey(tenure), &r); err != nil || r.Invalid != 400 {
				t.Errorf("the tenure's packed results: %+v, %v", r, err)
			}
			// The vote on the pack goes on, and leaves the void result out.
			task, _, err := TaskOf(w.stores[0], other.ID())
			if err != nil {
				t.Fatal(err)
			}
			var seals, openings []*tx.Tx
			for i := range 5 {
				s, o := w.vote(i, task.Pack, Valid, Valid)
				seals, openings = append(seals, s), append(openings, o)
			}
			w.must(w.ledger, news{}, append(seals, openings...)...)
			if e := w.settled(); e.Task != other.ID() || e.Verdict != Valid {
				t.Errorf("%+v", e)
			}
		})
	}
}

// A fine for what was not packed takes nothing of what stands for other results, and counts as a fault only if it was paid.
func TestAFineLeavesTheBondBehindOtherResultsAlone(t *testing.T) {
	k, err := key.Generate()
	if err != nil {
		t.Fatal(err)
	}
	liar := k.Public().Hash160()
	w := ready(t, 5)
	const reserve = escrow + escrow/20
	w.bond(reserve+777, liar)
	w.pack(asker, liar)
	open := w.ask(asker, liar)
	w.must(w.ledger, news{}, open)
	a, b := conflicting(t, w, k, open)
	w.must(w.ledger, news{}, w.by(asker, &tx.Conflict{A: a.Encode(), B: b.Encode()}))
	if got := w.account(liar); got.Bond != reserve || got.Reserved != reserve || got.Faults != 0 {
		t.Errorf("server has %+v", got)
	}
	if e := w.settled(); len(e.Payouts) != 3 || e.Payouts[1].Amount != 777 {
		t.Errorf("paid %+v", e.Payouts)
	}
	w.bond(amount.FAI, liar)
	open = w.ask(asker, liar)
	w.must(w.ledger, news{}, open)
	a, b = conflicting(t, w, k, open)
	w.must(w.ledger, news{}, w.by(asker, &tx.Conflict{A: a.Encode(), B: b.Encode()}))
	if got := w.account(liar); got.Bond != reserve+amount.FAI-fee-fee/20 || got.Faults != 1 {
		t.Errorf("server has %+v", got)
	}
}
