package round

import (
	"testing"
	"testing/synctest"
	"time"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/chain/chaintest"
	"funai/key"
)

func TestTheElectedNodeProposesOnceAQuorumHasReported(t *testing.T) {
	r := newProducer(t, 5, 1) // four are a quorum
	at := r.elect(1)
	for seat := range 4 {
		if len(r.net.proposals) != 0 {
			t.Fatalf("it proposes after %d reports", seat)
		}
		r.status(at, seat, nil)
	}
	if len(r.net.proposals) != 1 {
		t.Fatalf("%d proposals", len(r.net.proposals))
	}
	b, err := block.Decode(r.net.proposals[0].Block)
	if err != nil || r.net.proposals[0].Round != at || b.Header.Parent != r.Chain.Tip().ID {
		t.Errorf("%+v, %v", r.net.proposals[0].Round, err)
	}
}

func TestASeatThatClaimsToBeAheadStopsNobody(t *testing.T) {
	r := newProducer(t, 5, 1)
	at := r.elect(1)
	r.status(at, 0, func(s *block.Status) { s.Height = 1 << 60 })
	if r.behind == 0 {
		t.Error("nobody is asked for the blocks")
	}
	for _, seat := range []int{1, 2, 3} {
		r.status(at, seat, nil)
	}
	if len(r.net.proposals) != 0 {
		t.Error("the liar counts as one that reported")
	}
	r.status(at, 4, nil)
	if len(r.net.proposals) != 1 {
		t.Error("the liar stops it")
	}
}

func TestTheNewestLockIsProposedAgainUnchanged(t *testing.T) {
	r := newProducer(t, 5, 2)
	one := r.elect(0)
	a := r.Draft()
	two := r.elect(1)
	b := r.Draft()
	three := r.elect(2)
	lockOn := func(b *block.Block, at block.Round) func(*block.Status) {
		return func(s *block.Status) {
			s.Lock, s.Justify = b.Encode(), r.Votes(block.Prepare, b, at, 0, 1, 2, 3)
		}
	}
	r.status(three, 0, lockOn(a, one))
	r.status(three, 1, lockOn(b, two))
	r.status(three, 2, lockOn(a, one))
	r.status(three, 3, nil)
	if len(r.net.proposals) != 1 {
		t.Fatalf("%d proposals", len(r.net.proposals))
	}
	p := r.net.proposals[0]
	again, err := block.Decode(p.Block)
	if err != nil || again.ID() != b.ID() || p.Justify.Round != two || p.Round != three {
		t.Errorf("it proposes %v of round %d, justified in %d, %v", again.ID(), p.Round.Height, p.Justify.Round.Height, err)
	}
}

// What a seat said while it was behind does not hide the lock that it comes with.
func TestASeatThatCatchesUpReportsAnew(t *testing.T) {
	r := newProducer(t, 5, 2)
	one := r.elect(0)
	a := r.Draft()
	two := r.elect(2)
	r.status(two, 0, func(s *block.Status) { s.Height, s.Tip = s.Height-1, block.ID{1} })
	r.status(two, 0, func(s *block.Status) { s.Lock, s.Justify = a.Encode(), r.Votes(block.Prepare, a, one) })
	for seat := 1; seat < 4; seat++ {
		r.status(two, seat, nil)
	}
	if len(r.net.proposals) != 1 {
		t.Fatalf("%d proposals", len(r.net.proposals))
	}
	if b, err := block.Decode(r.net.proposals[0].Block); err != nil || b.ID() != a.ID() {
		t.Errorf("it proposes another block, %v", err)
	}
}

func TestAnInventedLockIsNotTakenUp(t *testing.T) {
	for name, lie := range map[string]func(*rig, *block.Status, *block.Block, block.Round){
		"without a quorum": func(r *rig, s *block.Status, b *block.Block, at block.Round) {
			s.Justify = r.Votes(block.Prepare, b, at, 0, 1, 2)
		},
		"without prepares": func(_ *rig, s *block.Status, _ *block.Block, _ block.Round) { s.Justify = block.Certificate{} },
		"forged": func(_ *rig, s *block.Status, _ *block.Block, _ block.Round) {
			s.Justify.Votes[2].Signature[40]++
		},
		"of a round that never was": func(_ *rig, s *block.Status, _ *block.Block, _ block.Round) { s.Justify.Round.Hash[0]++ },
		"no block":                  func(_ *rig, s *block.Status, _ *block.Block, _ block.Round) { s.Lock = []byte{1, 2, 3} },
		"elsewhere":                 func(_ *rig, s *block.Status, _ *block.Block, _ block.Round) { s.Tip[0]++ },
	} {
		r := newProducer(t, 5, 2)
		one := r.elect(0)
		a := r.Draft()
		two := r.elect(2)
		for seat := range 4 {
			r.status(two, seat, func(s *block.Status) {
				if seat == 1 {
					s.Lock, s.Justify = a.Encode(), r.Votes(block.Prepare, a, one)
					lie(r, s, a, one)
				}
			})
		}
		if len(r.net.proposals) != 0 {
			t.Errorf("%s: the liar counts as one that reported", name)
		}
		r.status(two, 4, nil)
		if len(r.net.proposals) != 1 {
			t.Fatalf("%s: %d proposals", name, len(r.net.proposals))
		}
		if b, err := block.Decode(r.net.proposals[0].Block); err != nil || b.ID() == a.ID() {
			t.Errorf("%s: it is taken up, %v", name, err)
		}
	}
}

// The lock may be on a block that the chain can't go on with, as when a reorganization took its tenure away.
func TestALockOfALostTenureIsLeft(t *testing.T) {
	r := newProducer(t, 5, 2)
	one := r.elect(0)
	a := r.Draft()
	justify := r.Votes(block.Prepare, a, one)
	r.Reorganize(r.Ledger.At(one.Height - 1))
	at := r.elect(2)
	for seat := range 5 {
		r.status(at, seat, func(s *block.Status) {
			if seat == 0 {
				s.Lock, s.Justify = a.Encode(), justify
			}
		})
	}
	if len(r.net.proposals) != 1 {
		t.Fatalf("%d proposals", len(r.net.proposals))
	}
	if b, err := block.Decode(r.net.proposals[0].Block); err != nil || b.Header.Tenure != at {
		t.Errorf("%+v, %v", b.Header, err)
	}
}

func TestAProposalIsSentAgainUntilItIsCertified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newProducer(t, 4, 1)
		at := r.elect(1)
		for seat := range 3 {
			r.status(at, seat, nil)
		}
		for range 3 {
			r.after(resendAfter)
		}
		if len(r.net.proposals) != 4 {
			t.Fatalf("%d proposals", len(r.net.proposals))
		}
		for i, p := range r.net.proposals {
			if p.Resend != uint32(i) || string(p.Block) != string(r.net.proposals[0].Block) {
				t.Errorf("proposal %d: repeat %d", i, p.Resend)
			}
		}
		b, err := block.Decode(r.net.proposals[0].Block)
		if err != nil {
			t.Fatal(err)
		}
		r.vote(block.Commit, b, at, 0, 1, 2)
		r.after(resendAfter)
		if len(r.net.proposals) != 4 || r.Chain.Tip().ID != b.ID() {
			t.Errorf("certified: %d proposals, tip %v", len(r.net.proposals), r.Chain.Tip())
		}
	})
}

func TestASeatRepeatsItsReportAndItsVotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 4)
		at := r.elect(1)
		b := r.Draft()
		r.mustPropose(1, at, b, block.Certificate{})
		statuses, votes := len(r.net.statuses), len(r.net.votes)
		r.after(resendAfter)
		if len(r.net.statuses) != statuses+1 || len(r.net.votes) != votes+1 {
			t.Errorf("%d reports after %d, %d votes after %d", len(r.net.statuses), statuses, len(r.net.votes), votes)
		}
		// Its report shows its lock, in that round and in the next.
		r.vote(block.Prepare, b, at, 1, 2)
		next := r.elect(2)
		r.after(resendAfter)
		s := r.net.statuses[len(r.net.statuses)-1]
		if s.Round != next || string(s.Lock) != string(b.Encode()) || s.Justify.Round != at {
			t.Errorf("its report of round %d shows %d bytes, prepared in %d", s.Round.Height, len(s.Lock), s.Justify.Round.Height)
		}
	})
}

func TestTheProducerOfTheTipExtendsAfterTheWinnersSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newProducer(t, 4, 0)
		k := chaintest.Key(t, 50)
		r.Elect(r.Producers[0], r.Mint(k, amount.FAI))
		r.Extend()
		for range r.Params.MintDelay {
			r.Tenures(1)
		}
		old := r.Elect(r.Producers[0])
		r.Extend()
		at := r.elect(1)
		if err := r.e.Pool.Add(r.Transfer(k, 0, key.Hash160{1}, 1)); err != nil {
			t.Fatal(err)
		}
		for seat := range 4 {
			r.status(at, seat, nil)
		}
		before := len(r.net.proposals)
		r.after(r.Params.ExtendAfter - time.Millisecond)
		if len(r.net.proposals) != before {
			t.Fatal("it does not wait for the winner")
		}
		r.after(time.Millisecond)
		if len(r.net.proposals) == before {
			t.Fatal("it does not go on")
		}
		p := r.net.proposals[len(r.net.proposals)-1]
		if b, err := block.Decode(p.Block); err != nil || p.Round != at || b.Header.Tenure != old || len(b.Txs) != 1 {
			t.Errorf("in round %d it proposes a block of tenure %d with %d transactions, %v", p.Round.Height, b.Header.Tenure.Height, len(b.Txs), err)
		}
	})
}
