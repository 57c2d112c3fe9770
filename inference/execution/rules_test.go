package execution

import (
	"errors"
	"testing"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
)

// Each case breaks one rule in a world where the asker is rich, the server bonded, and one task is open.
func TestEveryRuleHasItsError(t *testing.T) {
	k, err := key.Generate()
	if err != nil {
		t.Fatal(err)
	}
	signed := k.Public().Hash160()
	openWith := func(change func(*tx.Open)) func(*world, *tx.Tx) *tx.Tx {
		return func(w *world, _ *tx.Tx) *tx.Tx {
			o := w.ask(asker, server)
			change(o.Payload.(*tx.Open))
			return o
		}
	}
	receiptWith := func(change func(*tx.Receipt)) func(*world, *tx.Tx) *tx.Tx {
		return func(w *world, open *tx.Tx) *tx.Tx {
			r := w.answer(open, server)
			change(r.Payload.(*tx.Receipt))
			return r
		}
	}
	for _, c := range []struct {
		name string
		want error
		make func(w *world, open *tx.Tx) *tx.Tx
	}{
		{"chain of another network", ErrChain, func(w *world, _ *tx.Tx) *tx.Tx {
			x := w.by(asker, &tx.Transfer{})
			x.ChainID = tx.ChainIDMain
			return x
		}},
		{"version of another network", ErrChain, func(w *world, _ *tx.Tx) *tx.Tx {
			x := w.by(asker, &tx.Transfer{})
			x.Version = tx.VersionMain
			return x
		}},
		{"nonce used", ErrNonceLow, func(w *world, _ *tx.Tx) *tx.Tx {
			x := w.by(asker, &tx.Transfer{})
			x.Nonce--
			return x
		}},
		{"nonce ahead", ErrNonceHigh, func(w *world, _ *tx.Tx) *tx.Tx {
			x := w.by(asker, &tx.Transfer{})
			x.Nonce++
			return x
		}},
		{"fee too low", ErrFee, func(w *world, _ *tx.Tx) *tx.Tx {
			x := w.by(asker, &tx.Transfer{})
			x.Fee = w.p.MinFee - 1
			return x
		}},
		{"fee beyond the balance", ErrFunds, func(w *world, _ *tx.Tx) *tx.Tx {
			x := w.by(asker, &tx.Transfer{})
			x.Fee = amount.Max
			return x
		}},
		{"fee of an opening", ErrFee, func(w *world, _ *tx.Tx) *tx.Tx {
			x := w.ask(asker, server)
			x.Fee = w.p.MinFee
			return x
		}},
		{"fee of a statement", ErrPayload, func(w *world, open *tx.Tx) *tx.Tx {
			x := w.answer(open, server)
			x.Fee = 1
			return x
		}},
		{"nonce of a statement", ErrPayload, func(w *world, open *tx.Tx) *tx.Tx {
			x := w.answer(open, server)
			x.Nonce = 1
			return x
		}},
		{"transfer beyond the balance", ErrFunds, func(w *world, _ *tx.Tx) *tx.Tx {
			return w.by(asker, &tx.Transfer{To: server, Amount: amount.FAI})
		}},
		{"transfer of what overflows with the fee", ErrFunds, func(w *world, _ *tx.Tx) *tx.Tx {
			return w.by(asker, &tx.Transfer{To: server, Amount: ^amount.Amount(0)})
		}},
		{"expiry now", ErrExpiry, func(w *world, _ *tx.Tx) *tx.Tx {
			x := w.ask(asker, server)
			x.Payload.(*tx.Open).Expiry = w.ledger
			return x
		}},
		{"expiry too far", ErrExpiry, func(w *world, _ *tx.Tx) *tx.Tx {
			x := w.ask(asker, server)
			x.Payload.(*tx.Open).Expiry = w.ledger + w.p.MaxExpiry + 1
			return x
		}},
		{"unknown trust", ErrPayload, openWith(func(o *tx.Open) { o.Trust = 1 })},
		{"unknown fields too long", ErrPayload, openWith(func(o *tx.Open) { o.Extra = make([]byte, MaxExtra+1) })},
		{"no tokens wanted", ErrGas, openWith(func(o *tx.Open) { o.MaxTokens = 0 })},
		{"too many tokens wanted", ErrGas, openWith(func(o *tx.Open) { o.MaxTokens = MaxTaskTokens + 1 })},
		{"no gas", ErrGas, openWith(func(o *tx.Open) { o.GasLimit = 0 })},
		{"too much gas", ErrGas, openWith(func(o *tx.Open) { o.GasLimit = MaxGas + 1 })},
		{"gas for nothing", ErrGas, openWith(func(o *tx.Open) { o.GasPrice = 0 })},
		{"gas too dear", ErrGas, openWith(func(o *tx.Open) { o.GasPrice = MaxGasPrice + 1 })},
		{"less than the least fee", ErrFee, openWith(func(o *tx.Open) { o.GasLimit, o.GasPrice = 1, 199 })},
		{"escrow beyond the balance", ErrFunds, openWith(func(o *tx.Open) { o.GasPrice = MaxGasPrice })},
		{"receipt of no task", ErrTask, receiptWith(func(r *tx.Receipt) { r.Task[0]++ })},
		{"receipt by another", ErrServer, func(w *world, open *tx.Tx) *tx.Tx { return w.answer(open, asker) }},
		{"receipt for no token", ErrGas, receiptWith(func(r *tx.Receipt) { r.TokensOut = 0 })},
		{"receipt for too many tokens", ErrGas, receiptWith(func(r *tx.Receipt) { r.TokensOut = 101 })},
		{"receipt for too much gas", ErrGas, receiptWith(func(r *tx.Receipt) { r.TokensIn = 641 })},
		{"receipt for the most gas there can be", ErrGas, receiptWith(func(r *tx.Receipt) { r.TokensIn, r.TokensOut = ^uint32(0), ^uint32(0) })},
		{"contents nobody holds", ErrHeld, func(w *world, open *tx.Tx) *tx.Tx { return w.answer(open, server) }},
		{"word of nobody", ErrSeat, func(w *world, open *tx.Tx) *tx.Tx { return w.by(asker, &tx.Held{Receipts: []tx.ID{open.ID()}}) }},
		{"word of a seat's address", ErrSeat, func(w *world, open *tx.Tx) *tx.Tx {
			return w.by(w.set.Seats[0].Address, &tx.Held{Receipts: []tx.ID{open.ID()}})
		}},
		{"seal of no pack", ErrPack, func(w *world, _ *tx.Tx) *tx.Tx { return w.by(who(200), &tx.Seal{}) }},
		{"opening of no pack", ErrPack, func(w *world, _ *tx.Tx) *tx.Tx { return w.by(who(200), &tx.Opening{Verdicts: []byte{1}}) }},
		{"unlock nothing", ErrPayload, func(w *world, _ *tx.Tx) *tx.Tx { return w.by(asker, &tx.Unlock{Kind: tx.LockBond}) }},
		{"unlock what is not locked", ErrFunds, func(w *world, _ *tx.Tx) *tx.Tx { return w.by(asker, &tx.Unlock{Kind: tx.LockStake, Amount: 1}) }},
		{"unlock more than is locked", ErrFunds, func(w *world, _ *tx.Tx) *tx.Tx {
			return w.by(server, &tx.Unlock{Kind: tx.LockBond, Amount: amount.FAI + 1})
		}},
		{"lock more than there is", ErrFunds, func(w *world, _ *tx.Tx) *tx.Tx {
			return w.by(asker, &tx.Lock{Kind: tx.LockStake, Amount: amount.FAI})
		}},
		{"conflict of nonsense", ErrConflict, func(w *world, _ *tx.Tx) *tx.Tx { return w.by(asker, &tx.Conflict{A: []byte{1}, B: []byte{2}}) }},
		{"conflict on another chain", ErrConflict, func(w *world, open *tx.Tx) *tx.Tx {
			a, b := tx.New(tx.ChainIDMain, &tx.Receipt{Task: open.ID()}), tx.New(tx.ChainIDMain, &tx.Receipt{Task: open.ID(), TokensIn: 1})
			a.Sign(k)
			b.Sign(k)
			return w.by(asker, &tx.Conflict{A: a.Encode(), B: b.Encode()})
		}},
		{"conflict of another's receipts", ErrServer, func(w *world, open *tx.Tx) *tx.Tx {
			a, b := conflicting(t, w, k, open)
			return w.by(asker, &tx.Conflict{A: a.Encode(), B: b.Encode()})
		}},
		{"conflict about no task", ErrTask, func(w *world, open *tx.Tx) *tx.Tx {
			a, b := conflicting(t, w, k, w.ask(asker, signed))
			return w.by(asker, &tx.Conflict{A: a.Encode(), B: b.Encode()})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ready(t, 5)
			open := w.ask(asker, server)
			w.must(w.ledger, news{}, open)
			if err := w.next(w.ledger, news{}, c.make(w, open))[0]; !errors.Is(err, c.want) {
				t.Errorf("%v, not %v", err, c.want)
			}
		})
	}
}

func TestRulesOfReceiptsThatDependOnWhatWasBefore(t *testing.T) {
	w := ready(t, 5)
	open := w.ask(asker, server)
	w.must(w.ledger, news{}, open)
	r := w.answer(open, server)
	if err := w.next(w.ledger, news{}, append(w.held(2, r), r)...)[2]; !errors.Is(err, ErrHeld) {
		t.Errorf("held by two of five: %v", err)
	}
	if err := w.next(w.ledger, news{}, r)[0]; !errors.Is(err, ErrHeld) {
		t.Errorf("words of the block before count: %v", err)
	}
	twice := append(w.held(2, r), w.held(1, r)...)
	if err := w.next(w.ledger, news{}, append(twice, r)...)[3]; !errors.Is(err, ErrHeld) {
		t.Errorf("a seat's word counts twice: %v", err)
	}
	if errs := w.next(w.ledger, news{}, append(w.held(3, r), r, r)...); errs[3] != nil || !errors.Is(errs[4], ErrTwice) {
		t.Errorf("packed twice in a block: %v", errs)
	}
	if err := w.next(w.ledger, news{}, append(w.held(3, r), r)...)[3]; !errors.Is(err, ErrTwice) {
		t.Errorf("packed again: %v", err)
	}
	if err := w.next(w.ledger, news{}, w.by(server, &tx.Unlock{Kind: tx.LockBond, Amount: amount.FAI}))[0]; !errors.Is(err, ErrFunds) {
		t.Errorf("the bond behind a packed result can be unlocked: %v", err)
	}
	late := w.ask(asker, server)
	w.must(w.ledger, news{}, late)
	r = w.answer(late, server)
	w.must(late.Payload.(*tx.Open).Expiry, news{})
	w.p.MaxExpiry = 1 // so that the pack above settles first
	if err := w.next(w.ledger+1, news{}, append(w.held(3, r), r)...)[3]; !errors.Is(err, ErrTask) {
		t.Errorf("packed after its expiry: %v", err)
	}
}

func TestAServerWithoutBondIsNotJudged(t *testing.T) {
	w := ready(t, 5)
	open := w.ask(asker, who(3))
	w.must(w.ledger, news{}, open) // naming a server binds nothing of it
	r := w.answer(open, who(3))
	if err := w.next(w.ledger, news{}, append(w.held(3, r), r)...)[3]; !errors.Is(err, ErrBond) {
		t.Errorf("without bond: %v", err)
	}
	need, err := Reserve(escrow, w.p.MinFine)
	if err != nil {
		t.Fatal(err)
	}
	w.bond(need-1, who(3))
	if err := w.next(w.ledger, news{}, append(w.held(3, r), r)...)[3]; !errors.Is(err, ErrBond) {
		t.Errorf("with one unit too little: %v", err)
	}
	w.bond(1, who(3))
	w.must(w.ledger, news{}, append(w.held(3, r), r)...)
	if a := w.account(who(3)); a.Reserved != a.Bond {
		t.Errorf("%+v", a)
	}
}

func TestAnyoneCanOpenTasksForAServerAndBindNothingOfIt(t *testing.T) {
	w := ready(t, 5)
	for range 20 {
		w.must(w.ledger, news{}, w.by(asker, &tx.Open{Server: server, Expiry: w.ledger + 3, GasLimit: 200, GasPrice: 1, MaxTokens: 10}))
	}
	if a := w.account(server); a.Reserved != 0 {
		t.Errorf("%v of the bond is bound", a.Reserved)
	}
}

func TestTheProducerAnswersWhatNamesNobody(t *testing.T) {
	w := ready(t, 5)
	w.producer = who(7)
	w.bond(amount.FAI, w.producer)
	open := w.ask(asker, key.Hash160{})
	w.must(w.ledger, news{}, open)
	r := w.answer(open, server)
	if err := w.next(w.ledger, news{}, append(w.held(3, r), r)...)[3]; !errors.Is(err, ErrServer) {
		t.Errorf("answered by another: %v", err)
	}
	r = w.answer(open, w.producer)
	w.must(w.ledger, news{}, append(w.held(3, r), r)...)
	task, ok, err := TaskOf(w.stores[0], open.ID())
	if err != nil || !ok || task.Server != w.producer || task.Reserve == 0 {
		t.Errorf("%+v, %v, %v", task, ok, err)
	}
}

func TestRulesOfSealsAndOpenings(t *testing.T) {
	w := ready(t, 5)
	_, pack := w.pack(asker, server)
	at := w.ledger
	seal, opening := w.vote(0, pack, Valid)
	check := func(what string, want error, t1 *tx.Tx) {
		t.Helper()
		if err := w.next(w.ledger, news{}, t1)[0]; !errors.Is(err, want) {
			t.Errorf("%s: %v, not %v", what, err, want)
		}
	}
	check("seal of no seat", ErrSeat, w.by(asker, seal.Payload))
	check("opening of no seat", ErrSeat, w.by(asker, opening.Payload))
	check("opening without a seal", ErrSeal, opening)
	w.must(at, news{}, seal)
	check("second seal", ErrTwice, seal)
	check("opening before others sealed", ErrWindow, opening)
	_, other := w.vote(0, pack, Invalid)
	check("opening of another vote", ErrSeal, other)
	seal1, opening1 := w.vote(1, pack, Valid, Valid)
	w.must(at, news{}, seal1)
	check("opening with too many verdicts", ErrSeal, opening1)
	seal2, opening2 := w.vote(2, pack, Valid)
	w.must(at+w.p.SealWindow, news{}, seal2)
	check("opening while seals count", ErrWindow, opening2)
	seal3, _ := w.vote(3, pack, Valid)
	w.must(at+w.p.SealWindow+1, news{}, opening2)
	check("seal too late", ErrWindow, seal3)
	check("second opening", ErrSeal, opening2)
	w.must(w.ledger, news{}, opening)
	w.must(at+w.p.SealWindow+w.p.OpenWindow+1, news{})
	if e := w.settled(); e.Verdict != NoMajority {
		t.Errorf("two valid of five: %+v", e)
	}
}

func TestOneSignerCanNotVoteOnAnothersBehalf(t *testing.T) {
	w := ready(t, 5)
	_, pack := w.pack(asker, server)
	w.seats(3) // a new cycle: the pack keeps the seats it was packed by
	w.set.Seats[0].Signer = who(300)
	seal, _ := w.vote(0, pack, Valid)
	if err := w.next(w.ledger, news{}, seal)[0]; !errors.Is(err, ErrSeat) {
		t.Errorf("a seat of another cycle: %v", err)
	}
	old := w.by(who(204), &tx.Seal{Block: pack})
	w.must(w.ledger, news{}, old)
}

func TestAskerHasABoundedNumberOfTasks(t *testing.T) {
	w := ready(t, 5)
	small := func() *tx.Tx {
		return w.by(asker, &tx.Open{Server: server, Expiry: w.ledger + 3, GasLimit: 200, GasPrice: 1, MaxTokens: 10})
	}
	for range MaxUnsettled {
		w.must(w.ledger, news{}, small())
	}
	if err := w.next(w.ledger, news{}, small())[0]; !errors.Is(err, ErrFunds) {
		t.Errorf("task %d: %v", MaxUnsettled+1, err)
	}
	w.must(w.ledger+4, news{})
	w.must(w.ledger, news{}, small())
}

func TestABlockPacksABoundedNumberOfResults(t *testing.T) {
	w := ready(t, 1)
	w.bond(100*amount.FAI, who(3))
	var opens []*tx.Tx
	for i := range uint64(MaxResults + 1) {
		a := who(10_000 + i)
		w.mint(amount.FAI, a)
		opens = append(opens, w.by(a, &tx.Open{Server: who(3), Expiry: w.ledger + 99, GasLimit: 400, GasPrice: 1, MaxTokens: 60}))
	}
	w.p.MaxExpiry = 1000
	for _, o := range opens {
		o.Payload.(*tx.Open).Expiry = w.ledger + 50
	}
	w.must(w.ledger, news{}, opens...)
	var rs []*tx.Tx
	for _, o := range opens {
		rs = append(rs, w.answer(o, who(3)))
	}
	said := append(w.held(1, rs[:MaxResults]...), w.held(1, rs[MaxResults])...)
	errs := w.next(w.ledger, news{}, append(said, rs...)...)
	for i, err := range errs[len(said):] {
		if want := i == MaxResults; errors.Is(err, ErrWork) != want {
			t.Fatalf("result %d: %v", i, err)
		}
	}
	w.must(w.ledger, news{}, said[1], rs[MaxResults])
}

// readers that fail show that no error is swallowed on the way.
type broken struct{}

var errDisk = errors.New("disk on fire")

func (broken) Get([]byte) ([]byte, error) { return nil, errDisk }

func TestAFailingDiskIsNoVerdict(t *testing.T) {
	if _, err := Begin(Env{Params: params(), Ledger: 1}, state.NewLayer(broken{})); !errors.Is(err, errDisk) {
		t.Error(err)
	}
	if _, err := NextSet(broken{}, params(), 1); !errors.Is(err, errDisk) {
		t.Error(err)
	}
	w := ready(t, 5)
	env := Env{Params: w.p, Height: 1, Parent: block.ID{}, Ledger: w.ledger, Before: w.ledger}
	m, err := Begin(env, state.NewLayer(w.stores[0]))
	if err != nil {
		t.Fatal(err)
	}
	m.state = state.NewLayer(broken{})
	for _, p := range []tx.Payload{&tx.Transfer{}, &tx.Receipt{}, &tx.Seal{}, &tx.Opening{}} {
		if err := m.Apply(w.by(asker, p)); !errors.Is(err, errDisk) {
			t.Errorf("%T: %v", p, err)
		}
	}
}
