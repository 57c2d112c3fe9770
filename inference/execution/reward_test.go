package execution

import (
	"testing"

	"pgregory.net/rapid"

	"funai/amount"
	"funai/inference/block"
	"funai/ledger/consensus"
)

func TestARewardIsHalfOutrightAndHalfByTheShareOfValidGas(t *testing.T) {
	const base = 350_000_001 // odd: the outright half is the smaller
	for _, c := range []struct {
		valid, invalid uint64
		want           amount.Amount
	}{
		{0, 0, base},
		{5, 0, base},
		{0, 5, 175_000_000},
		{1, 1, 175_000_000 + 87_500_000},
		{1, 2, 175_000_000 + 58_333_333},
		{1 << 60, 1 << 60, 175_000_000 + 87_500_000},
	} {
		got, err := RewardOf(Reward{Base: base, Valid: c.valid, Invalid: c.invalid})
		if err != nil || got != c.want {
			t.Errorf("%d valid, %d invalid: %v, %v; not %v", c.valid, c.invalid, got, err, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		r := Reward{Base: amount.Amount(rapid.Uint64Range(0, uint64(amount.Max)).Draw(t, "base")),
			Valid: rapid.Uint64Range(0, 1<<62).Draw(t, "valid"), Invalid: rapid.Uint64Range(0, 1<<62).Draw(t, "invalid")}
		if got, err := RewardOf(r); err != nil || got > r.Base || got < r.Base/2 {
			t.Fatalf("%v of %v, %v", got, r.Base, err)
		}
	})
}

func TestRewardsMatureAndHalve(t *testing.T) {
	w := testWorld(t)
	w.p.HalvingInterval = 8
	w.producer = who(50)
	for h := uint32(1); h <= 40; h++ {
		w.must(h, news{})
		var want amount.Amount
		for e := uint32(1); e+w.p.Maturity <= h; e++ {
			want += w.p.Reward >> (e / 8)
		}
		if got := w.account(who(50)).Balance; got != want {
			t.Fatalf("at %d: %v, not %v", h, got, want)
		}
		if got := w.totals().Issued; got != want {
			t.Fatalf("at %d: %v issued, not %v", h, got, want)
		}
	}
	// A tenure that nobody won brings nothing, nor does a second block of one.
	before := w.totals().Issued
	w.must(40, news{})
	w.must(41+w.p.Maturity, news{})
	if got := w.totals().Issued - before; got != sum(w.p, 31, 40) {
		t.Errorf("%v issued, not %v", got, sum(w.p, 31, 40))
	}
}

func sum(p block.Params, from, to uint32) (v amount.Amount) {
	for e := from; e <= to; e++ {
		v += p.Reward >> (e / p.HalvingInterval)
	}
	return v
}

// Verdicts that come by the last moment count: a reward matures after the votes on all its results are over.
func TestVerdictsAtTheLastMomentCountForTheReward(t *testing.T) {
	for _, p := range []block.Params{block.Dev(), block.Main()} {
		if p.Maturity < p.SealWindow+p.OpenWindow+1 {
			t.Errorf("%s: rewards mature after %d, votes end after %d", p.Name, p.Maturity, p.SealWindow+p.OpenWindow+1)
		}
	}
	w := ready(t, 5)
	w.producer = who(51)
	w.must(w.ledger+1, news{})
	_, pack := w.pack(asker, server)
	at := w.ledger
	for i := range 4 { // the fifth never comes, and three of the four say that it is invalid
		v := Invalid
		if i == 3 {
			v = Valid
		}
		seal, _ := w.vote(i, pack, v)
		w.must(at, news{}, seal)
	}
	w.must(at+w.p.SealWindow+1, news{})
	for i := range 3 {
		_, opening := w.vote(i, pack, Invalid)
		w.must(w.ledger, news{}, opening)
	}
	// One of the sealed votes stays shut, so the pack settles when its time is over, which is when the reward matures.
	w.producer = who(52)
	w.must(at+w.p.Maturity, news{})
	if e := w.settled(); e.Verdict != Invalid {
		t.Fatalf("%+v", e)
	}
	for _, e := range w.events {
		if e.Kind == EventReward && e.To == who(51) && e.Amount == w.p.Reward/2 {
			return
		}
	}
	t.Errorf("no reward of a half: %+v", w.events)
}

func TestValidAndInvalidResultsShareTheReward(t *testing.T) {
	w := ready(t, 5)
	w.producer = who(51)
	w.must(w.ledger+1, news{})
	at := w.ledger
	_, good := w.pack(asker, server)
	_, bad := w.pack(asker, server)
	w.votes(good, Valid, Valid, Valid, Valid, Valid)
	w.votes(bad, Invalid, Invalid, Invalid, Invalid, Invalid)
	w.producer = who(52)
	w.must(at+w.p.Maturity, news{})
	for _, e := range w.events {
		if e.Kind == EventReward && e.To == who(51) {
			if e.Amount != w.p.Reward*3/4 {
				t.Errorf("half of the results were valid: %v of %v", e.Amount, w.p.Reward)
			}
			return
		}
	}
	t.Error("no reward")
}

// On both layers together just under 21 million can be issued, all tenures won and all results valid.
func TestAllThatCanBeIssuedStaysJustUnderTheCap(t *testing.T) {
	p, l := block.Main(), consensus.Main()
	if p.HalvingInterval != uint32(l.SubsidyReductionInterval) {
		t.Fatalf("layers halve every %d and %d blocks", p.HalvingInterval, l.SubsidyReductionInterval)
	}
	var total amount.Amount
	for n := range uint32(64) {
		first, blocks := n*p.HalvingInterval, uint64(p.HalvingInterval)
		if n == 0 {
			first, blocks = 1, blocks-1 // the genesis pays nothing
		}
		each, err := consensus.Halving(p.Reward, first, p.HalvingInterval).Add(amount.Amount(l.Subsidy(int32(first))))
		if err != nil {
			t.Fatal(err)
		}
		era, err := each.Mul(blocks)
		if err != nil {
			t.Fatal(err)
		}
		if total, err = total.Add(era); err != nil {
			t.Fatal(err)
		}
	}
	if total > amount.Max || total < amount.Max-6*amount.FAI {
		t.Errorf("%v of %v", total, amount.Max)
	}
	t.Logf("%v of %v", total, amount.Max)
}
