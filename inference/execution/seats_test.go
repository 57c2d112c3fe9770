package execution

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"funai/amount"
	"funai/inference/sortition"
	"funai/inference/tx"
	"funai/key"
)

// stake credits a stake from the ledger.
func (w *world) stake(h, signer key.Hash160, v amount.Amount) {
	w.Helper()
	w.must(w.ledger+1, news{stakes: []sortition.StakeOp{{Actor: h, Signer: signer, Amount: v}}})
}

func (w *world) nextSet() sortition.CycleSet {
	w.Helper()
	set, err := NextSet(w.stores[0], w.p, w.p.Sortition.Cycle(w.ledger)+1)
	if err != nil {
		w.Fatal(err)
	}
	return set
}

func addresses(set sortition.CycleSet) (hs []key.Hash160) {
	for _, s := range set.Seats {
		hs = append(hs, s.Address)
	}
	return hs
}

func TestTheGreatestStakesSitAndTiesGoToTheLowerAddress(t *testing.T) {
	w := testWorld(t)
	for _, s := range []struct {
		who   uint64
		stake amount.Amount
	}{{9, 5}, {3, 3}, {1, 3}, {2, 3}, {8, 4}, {4, 3}, {5, 2}} {
		w.stake(who(s.who), who(s.who), s.stake*amount.FAI)
	}
	if got, want := addresses(w.nextSet()), []key.Hash160{who(9), who(8), who(1), who(2), who(3)}; !slices.Equal(got, want) {
		t.Errorf("seated are %v, not %v", got, want)
	}
	w.stake(who(5), who(5), 10*amount.FAI)
	if got := w.nextSet().Seats[0]; got.Address != who(5) || got.Stake != 12*amount.FAI {
		t.Errorf("after a raise the first is %+v", got)
	}
}

func TestTooFewStakersAreTheBootstrap(t *testing.T) {
	w := testWorld(t)
	w.p.MinSeats = 4
	for i := range uint64(4) {
		if set := w.nextSet(); !set.Bootstrap() {
			t.Errorf("%d stakers make a group of %d", i, len(set.Seats))
		}
		w.stake(who(i), who(i), w.p.MinStake-1)
		w.stake(who(i), who(i), 1)
	}
	if set := w.nextSet(); len(set.Seats) != 4 {
		t.Errorf("%d seats", len(set.Seats))
	}
	w.stake(who(5), who(5), w.p.MinStake-1)
	if set := w.nextSet(); len(set.Seats) != 4 {
		t.Errorf("%d seats with a staker below the least stake", len(set.Seats))
	}
}

// Whoever names another's signer would, if seated, be paid for the other's votes.
func TestNobodySitsWithAnothersSigner(t *testing.T) {
	w := testWorld(t)
	w.stake(who(1), who(1), amount.FAI)
	w.stake(who(2), who(1), 9*amount.FAI) // the signer is the first one's own key
	w.stake(who(3), who(30), 2*amount.FAI)
	w.stake(who(4), who(30), 3*amount.FAI) // nobody stakes under the key: it is the greater one's
	w.stake(who(5), key.Hash160{}, amount.FAI)
	set := w.nextSet()
	if got, want := addresses(set), []key.Hash160{who(4), who(1), who(5)}; !slices.Equal(got, want) {
		t.Errorf("seated are %v, not %v", got, want)
	}
	if s := set.Seats[2]; s.Signer != who(5) {
		t.Errorf("who names no signer signs with %v", s.Signer)
	}
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Staker {
			return Staker{Address: who(rapid.Uint64Range(0, 6).Draw(t, "address")), Signer: who(rapid.Uint64Range(0, 6).Draw(t, "signer"))}
		}), 0, 8).Draw(t, "stakers")
		slices.SortFunc(list, order)
		list = slices.CompactFunc(list, func(a, b Staker) bool { return a.Address == b.Address })
		named := map[key.Hash160]bool{}
		for _, s := range list {
			named[s.Signer] = true
		}
		left := ownSigners(slices.Clone(list))
		for _, s := range left {
			if !named[s.Signer] {
				t.Fatalf("signer %v sits twice in %v", s.Signer, left)
			}
			delete(named, s.Signer)
		}
		if len(named) != 0 {
			t.Fatalf("nobody sits with %v of %v", named, list)
		}
		for _, s := range list {
			if s.Address == s.Signer && !slices.Contains(left, s) {
				t.Fatalf("%v lost its own key", s)
			}
		}
	})
}

func TestUnlockingTakesToTheEndOfTheCycleAfterTheNext(t *testing.T) {
	w := testWorld(t)
	l := w.p.Sortition.CycleLength
	w.stake(who(1), who(1), amount.FAI)
	w.mint(10*w.p.MinFee, who(1))
	w.must(w.ledger, news{}, w.by(who(1), &tx.Unlock{Kind: tx.LockStake, Amount: amount.FAI / 4}))
	a := w.account(who(1))
	if a.Stake != amount.FAI*3/4 || w.totals().Unlocking != amount.FAI/4 {
		t.Errorf("%+v, %+v", a, w.totals())
	}
	w.must(3*l-1, news{})
	if w.account(who(1)).Balance != a.Balance {
		t.Error("unlocked too early")
	}
	w.must(3*l, news{})
	if got := w.account(who(1)).Balance - a.Balance; got != amount.FAI/4 {
		t.Errorf("%v unlocked", got)
	}
	w.must(w.ledger, news{}, w.by(who(1), &tx.Unlock{Kind: tx.LockStake, Amount: amount.FAI*3/4 - w.p.MinStake + 1}))
	if set := w.nextSet(); len(set.Seats) != 0 {
		t.Errorf("with less than the least stake: %+v", set)
	}
}

func TestMoreStakersThanTheListHoldsLeaveTheLeastOut(t *testing.T) {
	w := testWorld(t)
	var n news
	for i := range uint64(maxStakers + 10) {
		n.stakes = append(n.stakes, sortition.StakeOp{Actor: who(i), Signer: who(i), Amount: w.p.MinStake + amount.Amount(i)})
	}
	w.must(1, n)
	list, err := StakersOf(w.stores[0])
	if err != nil || len(list) != maxStakers || list[0].Address != who(maxStakers+9) || list[maxStakers-1].Address != who(10) {
		t.Fatalf("%d stakers, %v", len(list), err)
	}
	w.stake(who(0), who(0), amount.FAI)
	if got := addresses(w.nextSet())[0]; got != who(0) {
		t.Errorf("after it was raised, the first is %v", got)
	}
}

// invalid makes a result of the server's that all find invalid.
func (w *world) invalid(server key.Hash160) {
	w.Helper()
	_, pack := w.pack(asker, server)
	w.votes(pack, Invalid, Invalid, Invalid, Invalid, Invalid)
}

func TestServersWithTooManyInvalidResultsAreBannedForTheNextCycle(t *testing.T) {
	w := ready(t, 5)
	w.bond(amount.FAI, who(3))
	l, prepare := w.p.Sortition.CycleLength, w.p.Sortition.PrepareLength
	for range w.p.BanAfter - 1 {
		w.invalid(server)
	}
	w.invalid(who(3))
	if set := w.nextSet(); len(set.Banned) != 0 {
		t.Errorf("one less than too many: %v", set.Banned)
	}
	w.invalid(server)
	w.invalid(server)
	if set := w.nextSet(); len(set.Banned) != 1 || !set.IsBanned(server) {
		t.Errorf("banned are %v", set.Banned)
	}
	// The next set is fixed where the prepare phase begins; from there on a result counts for the one after.
	w.must(l-prepare, news{})
	if set := w.nextSet(); !set.IsBanned(server) {
		t.Errorf("in the prepare phase banned are %v", set.Banned)
	}
	for range w.p.BanAfter {
		w.invalid(who(3))
	}
	w.must(l, news{})
	if set := w.nextSet(); len(set.Banned) != 1 || !set.IsBanned(who(3)) {
		t.Errorf("in the next cycle banned are %v", set.Banned)
	}
	w.must(2*l, news{})
	if set := w.nextSet(); len(set.Banned) != 0 {
		t.Errorf("two cycles later banned are %v", set.Banned)
	}
}

func TestBansHaveABound(t *testing.T) {
	w := ready(t, 5)
	env := Env{Params: w.p, Height: 1, Ledger: w.ledger, Before: w.ledger}
	env.Params.BanAfter = 1
	m := &Machine{env: env, state: newLayer(w)}
	for i := range uint64(maxBans + 5) {
		var a Account
		if err := m.fault(who(i), &a); err != nil || a.Faults != 1 {
			t.Fatal(a, err)
		}
	}
	var b bans
	if _, err := read(m.state, bansKey, &b); err != nil || len(b.Servers) != maxBans {
		t.Errorf("%d bans, %v", len(b.Servers), err)
	}
}
