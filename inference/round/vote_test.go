package round

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/chain/chaintest"
	"funai/key"
)

func TestASeatPreparesThenCommitsThenCertifies(t *testing.T) {
	r := newRig(t, 4) // three are a quorum
	before := r.Chain.Tip()
	at := r.elect(1)
	b := r.Draft()
	r.mustPropose(1, at, b, block.Certificate{})
	if r.said(block.Prepare, b) != 1 || r.said(block.Commit, nil) != 0 {
		t.Fatalf("proposed: it says %+v", r.net.votes)
	}
	r.vote(block.Prepare, b, at, 1)
	r.vote(block.Prepare, b, at, 1)
	if r.said(block.Commit, nil) != 0 {
		t.Fatal("two prepares are no quorum, whoever repeats them")
	}
	r.vote(block.Prepare, b, at, 2)
	if r.said(block.Commit, b) != 1 || r.e.safety.lock(before.Height+1, r.Chain).ID != b.ID() {
		t.Fatalf("prepared: it says %+v", r.net.votes)
	}
	r.vote(block.Commit, b, at, 3)
	if r.Chain.Tip() != before {
		t.Fatal("two commits are no quorum")
	}
	r.vote(block.Commit, b, at, 2)
	if r.Chain.Tip().ID != b.ID() || len(r.Chain.Certificate().Votes) != 3 {
		t.Fatalf("committed: the tip is %v", r.Chain.Tip())
	}
	if r.said(block.Prepare, nil)+r.said(block.Commit, nil) != 2 {
		t.Errorf("it says %+v", r.net.votes)
	}
	r.e.safety.settle(r.Chain)
	if len(r.e.safety.Locks)+len(r.e.safety.Signed) != 0 {
		t.Error("what is certified still binds")
	}
}

func TestVotesThatComeBeforeTheirProposalCount(t *testing.T) {
	r := newRig(t, 4)
	at := r.elect(1)
	b := r.Draft()
	r.vote(block.Prepare, b, at, 1, 2, 3)
	r.vote(block.Commit, b, at, 1, 2, 3)
	if r.behind == 0 {
		t.Error("a certified block that is not here is nothing to ask for")
	}
	r.mustPropose(1, at, b, block.Certificate{})
	if r.Chain.Tip().ID != b.ID() {
		t.Errorf("the tip is %v", r.Chain.Tip())
	}
}

func TestOfTwoProposalsInARoundOneGetsTheVote(t *testing.T) {
	r := newRig(t, 4)
	at := r.elect(1)
	a := r.Draft()
	b := r.later(a, 1)
	r.mustPropose(1, at, a, block.Certificate{})
	r.mustPropose(1, at, b, block.Certificate{})
	if r.said(block.Prepare, a) != 1 || r.said(block.Prepare, b) != 0 {
		t.Fatalf("it says %+v", r.net.votes)
	}
	// Not after a restart either, when it sees the other one first.
	r.restart()
	r.mustPropose(1, at, b, block.Certificate{})
	r.mustPropose(1, at, a, block.Certificate{})
	if r.said(block.Prepare, a) != 1 || r.said(block.Prepare, b) != 0 {
		t.Errorf("restarted, it says %+v", r.net.votes)
	}
	// If the other seats prepare the other one, it commits to that: it committed to nothing else.
	r.vote(block.Prepare, b, at, 1, 2, 3)
	if r.said(block.Commit, b) != 1 || r.said(block.Commit, a) != 0 {
		t.Errorf("it says %+v", r.net.votes)
	}
}

func TestALockedSeatPreparesNothingElseWithoutALaterQuorum(t *testing.T) {
	type setting struct {
		*rig
		locked *block.Block // in round one, by producer 0
		other  *block.Block // of round two, by producer 1
		one    block.Round
		two    block.Round
	}
	for _, c := range []struct {
		name    string
		propose func(s setting) (*block.Block, block.Certificate) // by producer 2, in round three
		votes   bool
	}{
		{"another block", func(s setting) (*block.Block, block.Certificate) { return s.Draft(), block.Certificate{} }, false},
		{"another block, prepared by a quorum before the lock's round", func(s setting) (*block.Block, block.Certificate) {
			return s.other, s.Votes(block.Prepare, s.other, block.Round{Height: s.one.Height - 1, Hash: s.Ledger.At(s.one.Height - 1).Hash})
		}, false},
		{"another block, prepared in the lock's round", func(s setting) (*block.Block, block.Certificate) {
			return s.other, s.Votes(block.Prepare, s.other, s.one)
		}, false},
		{"another block, prepared in a later round", func(s setting) (*block.Block, block.Certificate) {
			return s.other, s.Votes(block.Prepare, s.other, s.two, 1, 2, 3)
		}, true},
		{"another block of before, unjustified", func(s setting) (*block.Block, block.Certificate) { return s.other, block.Certificate{} }, false},
		{"the locked block", func(s setting) (*block.Block, block.Certificate) { return s.locked, block.Certificate{} }, true},
		{"the locked block, justified", func(s setting) (*block.Block, block.Certificate) {
			return s.locked, s.Votes(block.Prepare, s.locked, s.one)
		}, true},
	} {
		s := setting{rig: newRig(t, 4)}
		s.locked, s.one = s.lockOn(0)
		s.two = s.elect(1)
		s.other = s.Draft()
		three := s.elect(2)
		s.restart() // a lock outlives a crash
		b, justify := c.propose(s)
		s.mustPropose(2, three, b, justify)
		if got := s.said(block.Prepare, b) == 1; got != c.votes {
			t.Errorf("%s: prepared %v", c.name, got)
		}
		for _, v := range s.net.votes {
			if v.Lock != s.one.Height {
				t.Errorf("%s: its vote says that it is locked since %d", c.name, v.Lock)
			}
		}
	}
}

func TestJustificationsAreChecked(t *testing.T) {
	r := newRig(t, 4)
	_, one := r.lockOn(0)
	two := r.elect(1)
	other := r.Draft()
	three := r.elect(2)
	forged := r.Votes(block.Prepare, other, two)
	forged.Votes[3].Signature[40]++
	for name, c := range map[string]block.Certificate{
		"forged":          forged,
		"below a quorum":  r.Votes(block.Prepare, other, two, 1, 2),
		"of commits":      r.Certify(other, two),
		"of another":      r.Votes(block.Prepare, r.later(other, 1), two),
		"of a lost round": {Kind: block.Prepare, Round: block.Round{Height: one.Height}, Votes: forged.Votes},
	} {
		if err := r.propose(2, three, other, c); err == nil {
			t.Errorf("%s: it is passed on", name)
		}
		if r.said(block.Prepare, other) != 0 {
			t.Errorf("%s: it gets a vote", name)
		}
	}
}

func TestLocksOutliveALedgerThatFlipsBack(t *testing.T) {
	r := newRig(t, 4)
	locked, one := r.lockOn(0)
	there := r.Ledger.Tip()
	r.Reorganize(r.Ledger.At(one.Height - 1))
	r.Ledger.Mine()
	r.Sync()
	r.act()
	// Where the lock's round is no more, it binds nobody.
	at := r.elect(1)
	b := r.Draft()
	r.mustPropose(1, at, b, block.Certificate{})
	if r.said(block.Prepare, b) != 1 {
		t.Fatalf("on the other fork it says %+v", r.net.votes)
	}
	r.Reorganize(there)
	two := r.elect(1)
	r.restart()
	c := r.Draft()
	r.mustPropose(1, two, c, block.Certificate{})
	if r.said(block.Prepare, c) != 0 {
		t.Fatal("back on the fork of its lock, it votes for another block")
	}
	r.mustPropose(1, two, locked, block.Certificate{})
	if r.said(block.Prepare, locked) != 1 {
		t.Error("back on the fork of its lock, it does not vote for the locked block")
	}
}

func TestASeatSavesBeforeItSpeaks(t *testing.T) {
	r := newRig(t, 4)
	at := r.elect(1)
	r.journal.full = errFull
	p := block.Proposal{Round: at, Block: r.Draft().Encode()}
	p.Sign(r.Producers[1].Key, r.Params.ChainID)
	b, err := block.Decode(p.Block)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.e.handle(t.Context(), early{p, b}); !errors.Is(err, errFull) {
		t.Errorf("it goes on: %v", err)
	}
	if len(r.net.votes) != 0 {
		t.Errorf("it says %+v", r.net.votes)
	}
}

func TestABlockOfTheFutureIsHeldBackUntilItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 4)
		at := r.elect(1)
		r.Clock = time.Now().Add(r.Params.MaxAhead + time.Second)
		b := r.Draft()
		r.mustPropose(1, at, b, block.Certificate{})
		r.vote(block.Prepare, b, at, 1, 2, 3)
		r.vote(block.Commit, b, at, 1, 2, 3)
		if r.said(block.Prepare, nil) != 0 || r.Chain.Tip().ID == b.ID() {
			t.Fatalf("too early it says %+v", r.net.votes)
		}
		r.after(time.Second)
		if r.Chain.Tip().ID != b.ID() {
			t.Errorf("the tip is %+v", r.Chain.Tip())
		}
	})
}

func TestInTheBootstrapABlockOfTheFutureIsHeldBackAsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{World: chaintest.New(t, 1), net: &recorder{}}
		r.Tenures(3)
		r.start(Config{})
		at := r.elect(0)
		r.Clock = time.Now().Add(r.Params.MaxAhead + time.Second)
		b := r.Draft()
		r.mustPropose(0, at, b, block.Certificate{})
		if r.Chain.Tip().ID == b.ID() {
			t.Fatal("it is taken in at once")
		}
		r.after(time.Second)
		if r.Chain.Tip().ID != b.ID() {
			t.Errorf("the tip is %+v", r.Chain.Tip())
		}
	})
}

// extension makes a tenure of producer 0 with one block, and another of its blocks after that, for the round of producer 1.
func extension(t *testing.T) (r *rig, at block.Round, b *block.Block) {
	r = newRig(t, 4)
	k := chaintest.Key(t, 50)
	r.Elect(r.Producers[0], r.Mint(k, amount.FAI))
	r.Extend()
	for range r.Params.MintDelay {
		r.Tenures(1)
	}
	old := r.elect(0)
	r.Extend()
	at = r.elect(1)
	return r, at, r.DraftOf(old, r.Transfer(k, 0, key.Hash160{1}, 1))
}

func TestThePreviousProducerGoesOnWhereTheWinnerIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, at, b := extension(t)
		r.mustPropose(0, at, b, block.Certificate{})
		if r.said(block.Prepare, nil) != 0 {
			t.Fatal("it votes while the winner may still speak")
		}
		r.after(r.Params.ExtendAfter)
		if r.said(block.Prepare, b) != 1 {
			t.Errorf("after the silence it says %+v", r.net.votes)
		}
	})
}

func TestThePreviousProducerIsTooLateOnceTheWinnerSpoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, at, b := extension(t)
		winner := r.Draft()
		r.mustPropose(1, at, winner, block.Certificate{})
		r.after(r.Params.ExtendAfter)
		r.mustPropose(0, at, b, block.Certificate{})
		if r.said(block.Prepare, winner) != 1 || r.said(block.Prepare, b) != 0 {
			t.Errorf("it says %+v", r.net.votes)
		}
	})
}

func TestNobodyElseMayPropose(t *testing.T) {
	r, at, b := extension(t)
	if err := r.propose(2, at, b, block.Certificate{}); !errors.Is(err, ErrMessage) {
		t.Errorf("a stranger proposes a block of a tenure before: %v", err)
	}
	if err := r.propose(2, at, r.Draft(), block.Certificate{}); !errors.Is(err, ErrMessage) {
		t.Errorf("a stranger proposes the winner's block: %v", err)
	}
	if err := r.propose(0, r.Chain.TipInfo().Tenure, r.Draft(), block.Certificate{}); !errors.Is(err, ErrMessage) {
		t.Errorf("a block of a tenure to come: %v", err)
	}
}
