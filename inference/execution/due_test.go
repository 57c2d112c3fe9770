package execution

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"funai/amount"
	"funai/inference/sortition"
	"funai/inference/state"
	"funai/inference/tx"
)

func newLayer(w *world) *state.Layer { return state.NewLayer(w.stores[0]) }

type nothing struct{}

func (nothing) Get([]byte) ([]byte, error) { return nil, nil }

func TestAListGivesBackWhatWasPutInItsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &Machine{state: state.NewLayer(nothing{})}
		k := dueTasksKey(rapid.Uint32().Draw(t, "height"))
		var want []uint64
		next := uint64(0)
		take := func(n int) []uint64 {
			got, err := pop[uint64](m, k, n)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) > n || len(got) == 0 && len(want) > 0 {
				t.Fatalf("took %d of %d, asked for %d", len(got), len(want), n)
			}
			return got
		}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			if n := rapid.IntRange(-40, 60).Draw(t, "step"); n < 0 {
				got := take(-n)
				if !slices.Equal(got, want[:len(got)]) {
					t.Fatalf("took %v of %v", got, want)
				}
				want = want[len(got):]
			} else {
				for range n {
					if err := push(m, k, next); err != nil {
						t.Fatal(err)
					}
					want, next = append(want, next), next+1
				}
			}
		}
		for len(want) > 0 {
			want = want[len(take(rapid.IntRange(1, 40).Draw(t, "rest"))):]
		}
		for _, e := range m.state.Diff() {
			if e.Value != nil {
				t.Fatalf("an empty list leaves %x", e.Key)
			}
		}
	})
}

// Anybody can make many tasks expire at once, for next to nothing. The chain must neither stop nor stall.
func TestManyThingsDueAtOnceAreDoneOverSeveralBlocks(t *testing.T) {
	w := testWorld(t)
	const askers, each = 60, MaxUnsettled
	var n news
	for i := range uint64(askers) {
		n.mints = append(n.mints, sortition.MintOp{To: who(i), Amount: amount.FAI})
	}
	w.must(1, n)
	var opens []*tx.Tx
	for i := range uint64(askers) {
		for j := range uint64(each) {
			o := w.by(who(i), &tx.Open{Expiry: 5, GasLimit: 200, GasPrice: 1, MaxTokens: 1})
			o.Nonce += j
			opens = append(opens, o)
		}
	}
	w.must(1, news{}, opens...)
	w.must(2, news{}, w.by(who(0), &tx.Lock{Kind: tx.LockBond, Amount: 1000}), w.by(who(1), &tx.Transfer{}))
	expired := 0
	for block := 0; w.totals().Escrow > 0; block++ {
		if block > askers*each/maxDue+1 {
			t.Fatalf("after %d blocks %v is still in escrow", block, w.totals().Escrow)
		}
		w.must(7, news{})
		n := 0
		for _, e := range w.events {
			if e.Kind == EventExpired {
				n++
			}
		}
		if n > maxDue {
			t.Errorf("%d tasks expired in one block", n)
		}
		expired += n
	}
	if expired != len(opens) {
		t.Errorf("%d of %d tasks expired", expired, len(opens))
	}
	// Rewards and whatever else falls due later has not been forgotten meanwhile.
	w.must(1+w.p.Maturity, news{})
	if w.account(w.producer).Balance < w.p.Reward {
		t.Error("the reward did not mature")
	}
}

// What is overdue only because other work came first is as dead as if it were done.
func TestWhatWaitsToFallDueIsOver(t *testing.T) {
	w := ready(t, 5)
	const askers = maxDue/MaxUnsettled + 1
	var n news
	for i := range uint64(askers) {
		n.mints = append(n.mints, sortition.MintOp{To: who(5000 + i), Amount: amount.FAI})
	}
	w.must(w.ledger+1, n)
	_, pack := w.pack(asker, server)
	at := w.ledger
	due := at + w.p.SealWindow + w.p.OpenWindow + 1 // of the pack, and of all the tasks
	var opens []*tx.Tx
	for i := range uint64(askers) {
		for j := range uint64(MaxUnsettled) {
			o := w.by(who(5000+i), &tx.Open{Server: server, Expiry: due - 1, GasLimit: 600, GasPrice: 1, MaxTokens: 100})
			o.Nonce += j
			opens = append(opens, o)
		}
	}
	w.must(at, news{}, opens...)
	seal, opening := w.vote(0, pack, Valid)
	w.must(at, news{}, seal)
	last := w.answer(opens[len(opens)-1], server)
	errs := w.next(due, news{}, append(w.held(3, last), last, opening)...)
	if !errors.Is(errs[3], ErrExpiry) || !errors.Is(errs[4], ErrWindow) {
		t.Errorf("an overdue task's receipt: %v; an overdue pack's opening: %v", errs[3], errs[4])
	}
	w.must(due, news{})
	if e := w.settled(); e.Verdict != NoMajority || w.totals().Escrow != 0 {
		t.Errorf("%+v, %v in escrow", e, w.totals().Escrow)
	}
}

// One opening may end the votes on many results; a block has room for so many of them.
func TestABlockSettlesABoundedNumberOfResults(t *testing.T) {
	w := testWorld(t)
	w.seats(1)
	w.bond(100*amount.FAI, server)
	const packs = maxSettled/MaxResults + 1
	var n news
	for i := range uint64(packs * MaxResults / MaxUnsettled) {
		n.mints = append(n.mints, sortition.MintOp{To: who(5000 + i), Amount: amount.FAI})
	}
	w.must(w.ledger+1, n)
	var openings []*tx.Tx
	for p := range uint64(packs) {
		var opens, rs []*tx.Tx
		for i := range uint64(MaxResults) {
			o := w.by(who(5000+(p*MaxResults+i)/MaxUnsettled), &tx.Open{Server: server, Expiry: w.ledger + 9, GasLimit: 400, GasPrice: 1, MaxTokens: 60})
			o.Nonce += i % MaxUnsettled
			opens = append(opens, o)
			rs = append(rs, w.answer(o, server))
		}
		w.must(w.ledger, news{}, opens...)
		w.must(w.ledger, news{}, append(w.held(1, rs...), rs...)...)
		pack := w.events[len(w.events)-1].Pack
		seal, opening := w.vote(0, pack, slices.Repeat([]byte{Valid}, MaxResults)...)
		w.must(w.ledger, news{}, seal)
		openings = append(openings, opening)
	}
	errs := w.next(w.ledger, news{}, openings...)
	for i, err := range errs {
		if full := i == packs-1; errors.Is(err, ErrWork) != full || !full && err != nil {
			t.Errorf("opening %d of %d: %v", i, packs, err)
		}
	}
	w.must(w.ledger, news{}, openings[packs-1])
	if got := w.totals().Escrow; got != 0 {
		t.Errorf("%v in escrow", got)
	}
}

// Cheap unlockings used to make a list that no node could read.
func TestAnyNumberOfUnlockingsComesFree(t *testing.T) {
	w := testWorld(t)
	w.mint(amount.FAI, who(1))
	w.must(1, news{}, w.by(who(1), &tx.Lock{Kind: tx.LockBond, Amount: 5000}))
	first := w.account(who(1)).Nonce
	for b := range uint64(4) {
		var txs []*tx.Tx
		for i := range uint64(1000) {
			u := w.by(who(1), &tx.Unlock{Kind: tx.LockBond, Amount: 1})
			u.Nonce = first + b*1000 + i
			txs = append(txs, u)
		}
		w.must(1, news{}, txs...)
	}
	due := 3 * w.p.Sortition.CycleLength
	for block := 0; w.totals().Unlocking > 0; block++ {
		if block > 4 {
			t.Fatalf("%v is still unlocking", w.totals().Unlocking)
		}
		w.must(due, news{})
	}
}

// A ledger that found no inference node for long brings many heights at once.
func TestALongTimeWithoutTenuresIsCaughtUp(t *testing.T) {
	w := ready(t, 5)
	_, pack := w.pack(asker, server)
	before := w.account(asker).Balance
	w.must(w.ledger+10*maxDue, news{})
	if w.account(asker).Balance != before+escrow {
		t.Error("not refunded in the first block after", pack)
	}
	for range 10 {
		w.must(w.ledger, news{})
	}
	var done uint32
	if _, err := read(w.stores[0], doneKey, &done); err != nil || done != w.ledger {
		t.Errorf("done up to %d of %d, %v", done, w.ledger, err)
	}
}

func TestAChainThatBeginsLateHasNothingToCatchUp(t *testing.T) {
	w := testWorld(t)
	w.must(2_000_000, news{})
	var done uint32
	if _, err := read(w.stores[0], doneKey, &done); err != nil || done != w.ledger {
		t.Errorf("done up to %d of %d, %v", done, w.ledger, err)
	}
}

func TestAuditFindsWhatDoesNotFit(t *testing.T) {
	for name, change := range map[string]func(w *world, l *state.Layer){
		"coins": func(w *world, l *state.Layer) { put(l, accountKey(who(77)), Account{Balance: 1}) },
		"totals": func(w *world, l *state.Layer) {
			x := w.totals()
			x.Burned++
			put(l, totalsKey, x)
		},
		"reserve": func(w *world, l *state.Layer) {
			x := w.account(server)
			x.Reserved++
			put(l, accountKey(server), x)
		},
		"reserve beyond the bond": func(w *world, l *state.Layer) {
			x := w.account(server)
			x.Reserved = x.Bond + 1
			put(l, accountKey(server), x)
		},
		"open tasks": func(w *world, l *state.Layer) {
			x := w.account(asker)
			x.Open++
			put(l, accountKey(asker), x)
		},
		"task not listed": func(w *world, l *state.Layer) { l.Delete(dueTasksKey(w.ledger + 4)) },
		"pack not listed": func(w *world, l *state.Layer) {
			l.Delete(duePacksKey(w.ledger + w.p.SealWindow + w.p.OpenWindow + 1))
		},
		"overdue": func(w *world, l *state.Layer) { put(l, doneKey, w.ledger+4) },
		"page without a list": func(w *world, l *state.Layer) {
			put(l, duePageKey(dueTasksKey(w.ledger+9), 0), [][32]byte{{1}})
		},
		"list without its page": func(w *world, l *state.Layer) {
			put(l, dueTasksKey(w.ledger+9), due[[32]byte]{End: 1, Items: [][32]byte{{1}}})
		},
		"stakers": func(w *world, l *state.Layer) { put(l, stakersKey, []Staker{{Address: who(1), Stake: 5}}) },
	} {
		t.Run(name, func(t *testing.T) {
			w := ready(t, 5)
			w.pack(asker, server)
			w.must(w.ledger, news{}, w.ask(asker, server))
			l := newLayer(w)
			change(w, l)
			batch := w.dbs[0].NewBatch()
			if err := w.stores[0].Apply(batch, l.Diff()); err != nil {
				t.Fatal(err)
			}
			if err := batch.Commit(nil); err != nil {
				t.Fatal(err)
			}
			if err := Audit(w.stores[0]); err == nil {
				t.Error("not found")
			} else {
				t.Log(err)
			}
		})
	}
}

func put(l *state.Layer, k []byte, v any) { (&Machine{state: l}).put(k, v) }

func TestKeysOfPagesSortBehindTheirList(t *testing.T) {
	k := dueTasksKey(7)
	if p := duePageKey(k, 3); binary.BigEndian.Uint32(p[listKey:]) != 3 || string(p[:listKey]) != string(k) {
		t.Errorf("%x of %x", p, k)
	}
}
