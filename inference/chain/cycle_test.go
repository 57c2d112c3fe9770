package chain_test

import (
	"errors"
	"slices"
	"testing"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/chain/chaintest"
	"funai/inference/sortition"
)

// On the dev network cycle 1 begins at ledger height 20, and heights 16 to 19 are the prepare phase before it.
const (
	prepare = 16
	cycle1  = 20
)

// beforePrepare makes tenures up to the prepare phase, in which a key asked for a seat.
func beforePrepare(t *testing.T) *chaintest.World {
	w := chaintest.New(t, 2)
	if p := w.Params.Sortition; p.CycleLength != cycle1 || p.PrepareLength != cycle1-prepare {
		t.Fatalf("%+v", p)
	}
	w.Elect(w.Producers[0], w.Stake(chaintest.Key(t, 100), amount.FAI))
	w.Extend()
	w.TenuresUntil(prepare - 1)
	return w
}

// finish mines empty ledger blocks up to the next cycle.
func finish(w *chaintest.World) {
	for w.Ledger.Tip().Height < cycle1 {
		w.Ledger.Mine()
	}
}

func TestSeatsAreThoseBeforeThePreparePhaseOfTheChainThatWinnersName(t *testing.T) {
	old := func(w *chaintest.World) { // names a block from before the phase
		i, err := w.Chain.InfoAt(3)
		if err != nil {
			w.Fatal(err)
		}
		w.ElectOn(w.Producers[0], i)
	}
	for _, c := range []struct {
		name  string
		make  func(*chaintest.World)
		seats int
	}{
		{"the next winner names it", func(w *chaintest.World) { w.Tenures(2) }, 1},
		{"all do", func(w *chaintest.World) { w.Tenures(4) }, 1},
		{"more than half do", func(w *chaintest.World) { w.Tenures(2); old(w); w.Tenures(1) }, 1},
		{"half do", func(w *chaintest.World) { w.Tenures(2); old(w) }, 0},
		{"the first tenure has no block", func(w *chaintest.World) { w.Elect(w.Producers[0]); w.Tenures(3) }, 1},
		{"its own stake is too late", func(w *chaintest.World) {
			w.Elect(w.Producers[0], w.Stake(chaintest.Key(w, 101), 9*amount.FAI))
			w.Extend()
			w.Tenures(3)
		}, 1},
		{"nobody does", func(w *chaintest.World) { w.Tenures(1); old(w); old(w); old(w) }, 0},
		{"only one is elected", func(w *chaintest.World) { w.Tenures(1) }, 0},
		{"nobody is elected", func(*chaintest.World) {}, 0},
	} {
		w := beforePrepare(t)
		c.make(w)
		finish(w)
		w.Sync()
		if set := w.Set(cycle1); len(set.Seats) != c.seats || set.Cycle != 1 {
			t.Errorf("%s: %+v", c.name, set)
		}
		if set := w.Set(cycle1 - 1); !set.Bootstrap() || set.Cycle != 0 {
			t.Errorf("%s: cycle 0 has %+v", c.name, set)
		}
		w.Tenures(2)
	}
}

func TestInAGroupsChainOneWinnerDecides(t *testing.T) {
	w := chaintest.New(t, 1)
	w.Seated(1)
	w.Elect(w.Producers[0], w.Stake(chaintest.Key(t, 110), 9*amount.FAI))
	w.Extend()
	w.TenuresUntil(cycle1 + prepare)
	named := w.Chain.TipInfo()
	before, err := w.Chain.InfoAt(3)
	if err != nil {
		t.Fatal(err)
	}
	w.ElectOn(w.Producers[0], before)
	w.ElectOn(w.Producers[0], named)
	w.ElectOn(w.Producers[0], before)
	if set := w.Set(2 * cycle1); len(set.Seats) != 2 || set.Seats[0].Signer != chaintest.Key(t, 110).Public().Hash160() {
		t.Errorf("%+v", set)
	}
	w.Tenures(2)
	if err := w.Chain.Audit(); err != nil {
		t.Error(err)
	}
}

func TestTheElectionWaitsForTheBlocksThatFixTheSeats(t *testing.T) {
	w := beforePrepare(t)
	late := w.Another()
	w.CatchUp(late.Chain)
	var named []block.ID
	for range 3 { // 16 to 18
		w.Tenures(1)
		named = append(named, w.Chain.Tip().ID)
	}
	w.Elect(w.Producers[0]) // 19
	w.Extend()
	w.Ledger.Mine()
	w.Ledger.Mine()
	w.Sync()
	for range 2 {
		if err := late.Chain.Sync(); !errors.Is(err, chain.ErrWaiting) {
			t.Fatalf("without the blocks: %v", err)
		}
	}
	if got := late.Chain.Waiting(); !slices.Equal(got, named) || late.Chain.Followed().Height != cycle1-1 {
		t.Fatalf("at %d it waits for %v, not %v", late.Chain.Followed().Height, got, named)
	}
	if _, err := late.Chain.Set(cycle1); !errors.Is(err, chain.ErrWaiting) {
		t.Errorf("the set: %v", err)
	}
	w.CatchUp(late.Chain)
	if late.Chain.Waits() || late.Chain.Tip() != w.Chain.Tip() || late.Chain.Followed() != w.Ledger.Tip() {
		t.Errorf("with the blocks: at %d, tip %+v", late.Chain.Followed().Height, late.Chain.Tip())
	}
	if got := late.Set(cycle1); len(got.Seats) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestFollowGoesOnWhenTheBlockWaitedForComes(t *testing.T) {
	w := beforePrepare(t)
	late := w.Another()
	w.CatchUp(late.Chain)
	w.Tenures(3)
	top := w.Chain.Tip().Height
	w.Elect(w.Producers[0])
	w.Ledger.Mine()
	w.Sync()

	done := make(chan error, 1)
	go func() { done <- late.Chain.Follow(t.Context()) }()
	until := func(what string, ok func() bool) {
		t.Helper()
		for moved := late.Chain.Changed(); !ok(); moved = late.Chain.Changed() {
			select {
			case <-moved:
			case err := <-done:
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
	until("waiting", late.Chain.Waits)
	for h := top - 2; h <= top; h++ {
		b, c := w.At(h)
		late.Add(b, c)
	}
	until("going on", func() bool { return late.Chain.Followed() == w.Ledger.Tip() })
}

func TestWhatDecidesNothingIsNotWaitedFor(t *testing.T) {
	type commit = sortition.CommitData
	garbage := func(w *chaintest.World, change func(*commit)) {
		on := w.Chain.TipInfo()
		d := commit{Block: block.ID{1, 2, 3}, Seed: on.Seed, ParentHeight: on.CommitH, ParentIndex: on.CommitI}
		change(&d)
		w.Ledger.Mine(w.CommitData(w.Producers[0], d))
		w.Sync()
	}
	for _, c := range []struct {
		name  string
		make  func(*chaintest.World)
		waits bool
		seats int
	}{
		{"nothing, of a tenure of the phase", func(w *chaintest.World) { garbage(w, func(*commit) {}) }, true, 0},
		{"that, and honest ones outvote it", func(w *chaintest.World) { garbage(w, func(*commit) {}); w.Tenures(2) }, false, 1},
		{"of a tenure before the phase", func(w *chaintest.World) { garbage(w, func(d *commit) { d.ParentHeight = 3 }) }, false, 0},
		{"of a commit that did not win", func(w *chaintest.World) { garbage(w, func(d *commit) { d.ParentIndex = 9 }) }, false, 0},
		{"of a tenure to come", func(w *chaintest.World) { garbage(w, func(d *commit) { d.ParentHeight = 1 << 31 }) }, false, 0},
		{"a block of another tenure", func(w *chaintest.World) { garbage(w, func(d *commit) { d.Block = w.Chain.TipInfo().Parent }) }, false, 0},
	} {
		w := beforePrepare(t)
		w.Tenures(1)
		c.make(w)
		finish(w)
		if err := w.Chain.Sync(); errors.Is(err, chain.ErrWaiting) != c.waits || !c.waits && err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if c.waits {
			if ids := w.Chain.Waiting(); len(ids) != 1 || ids[0] != (block.ID{1, 2, 3}) {
				t.Errorf("%s: %v", c.name, ids)
			}
			continue
		}
		if set := w.Set(cycle1); len(set.Seats) != c.seats {
			t.Errorf("%s: %+v", c.name, set)
		}
		w.Tenures(2)
	}
}

// A commit that wins may name a block of a tenure that the ledger took away. Who has it knows that it decides nothing; who
// has not must not wait once it is here.
func TestABlockOfALostTenureEndsTheWaitForIt(t *testing.T) {
	w := beforePrepare(t)
	p := w.Producers[0]
	late := w.Another()
	w.CatchUp(late.Chain)
	before := w.Chain.TipInfo()
	w.Elect(p) // 16, which will be lost
	lost := w.Extend()
	named := w.Chain.TipInfo()
	w.Reorganize(w.Ledger.At(prepare - 1))
	w.ElectOn(p, before)
	w.ElectOn(p, named) // 17
	finish(w)
	w.Sync()
	if set := w.Set(cycle1); !set.Bootstrap() {
		t.Errorf("who has it: %+v", set)
	}
	if err := late.Chain.Sync(); !errors.Is(err, chain.ErrWaiting) {
		t.Fatalf("who lacks it: %v", err)
	}
	if err := late.Chain.Add(lost, block.Certificate{}); !errors.Is(err, chain.ErrOrphaned) {
		t.Errorf("it is taken in: %v", err)
	}
	late.Sync()
	if set := late.Set(cycle1); !set.Bootstrap() || late.Chain.Followed() != w.Ledger.Tip() {
		t.Errorf("at %d: %+v", late.Chain.Followed().Height, set)
	}
}

func TestSeatsStayWhenNoBlockDecides(t *testing.T) {
	w := chaintest.New(t, 1)
	w.Seated(3)
	seats := w.Set(cycle1).Seats
	w.TenuresUntil(2*cycle1 - 5)
	for range 5 {
		w.Ledger.Mine()
	}
	w.Sync()
	set := w.Set(2 * cycle1)
	if len(set.Seats) != 3 || set.Cycle != 2 || seats[0] != set.Seats[0] {
		t.Errorf("%+v, before %+v", set, seats)
	}
	w.Tenures(2)
	if err := w.Chain.Audit(); err != nil {
		t.Error(err)
	}
}
