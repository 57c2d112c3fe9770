package round

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/codec"
)

// fork is a ledger that has some rounds.
type fork struct {
	has map[block.Round]bool
	tip chain.Index
}

func (f fork) Tip() chain.Index { return f.tip }
func (f fork) Tenure(r block.Round) (*chain.Tenure, error) {
	if !f.has[r] {
		return nil, chain.ErrOrphaned
	}
	return &chain.Tenure{Round: r}, nil
}

func at(height uint32, of byte) block.Round { return block.Round{Height: height, Hash: [32]byte{of}} }

func TestWhatASeatSignedForbids(t *testing.T) {
	here := fork{has: map[block.Round]bool{at(7, 1): true, at(8, 1): true, at(9, 1): true}}
	var s safety
	s.note(block.Prepare, 5, at(8, 1), block.ID{1})
	for _, c := range []struct {
		name   string
		kind   byte
		height uint64
		round  block.Round
		id     block.ID
		ledger fork
		ok     bool
	}{
		{"the same again", block.Prepare, 5, at(8, 1), block.ID{1}, here, true},
		{"another block in that round", block.Prepare, 5, at(8, 1), block.ID{2}, here, false},
		{"another block in that round, wherever the ledger is", block.Prepare, 5, at(8, 1), block.ID{2}, fork{}, false},
		{"a commit to another block in that round", block.Commit, 5, at(8, 1), block.ID{2}, here, true},
		{"another height in that round", block.Prepare, 6, at(8, 1), block.ID{2}, here, true},
		{"another block in the next round", block.Prepare, 5, at(9, 1), block.ID{2}, here, true},
		{"another block in the round before", block.Prepare, 5, at(7, 1), block.ID{2}, here, false},
		{"the same block in the round before", block.Prepare, 5, at(7, 1), block.ID{1}, here, false},
		{"any kind at any height in the round before", block.Commit, 9, at(7, 1), block.ID{3}, here, false},
		{"the round before, where the ledger lost the later one", block.Prepare, 5, at(7, 1), block.ID{2}, fork{}, true},
		{"that height on another fork", block.Prepare, 5, at(8, 2), block.ID{2}, here, true},
	} {
		if err := s.allows(c.kind, c.height, c.round, c.id, c.ledger); (err == nil) != c.ok || err != nil && !errors.Is(err, errRefuse) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestWhatALockForbids(t *testing.T) {
	here := fork{has: map[block.Round]bool{at(7, 1): true, at(8, 1): true}}
	shows := func(height uint32) block.Certificate {
		return block.Certificate{Round: at(height, 1), Votes: make([]block.Signed, 1)}
	}
	var s safety
	s.bind(lock{Height: 5, ID: block.ID{1}, Round: at(8, 1)}, here)
	for _, c := range []struct {
		name    string
		height  uint64
		id      block.ID
		justify block.Certificate
		ledger  fork
		ok      bool
	}{
		{"its block", 5, block.ID{1}, block.Certificate{}, here, true},
		{"another", 5, block.ID{2}, block.Certificate{}, here, false},
		{"another, of a round before", 5, block.ID{2}, shows(7), here, false},
		{"another, of its round", 5, block.ID{2}, shows(8), here, false},
		{"another, of a later round", 5, block.ID{2}, shows(9), here, true},
		{"another height", 6, block.ID{2}, block.Certificate{}, here, true},
		{"another, where the ledger lost its round", 5, block.ID{2}, block.Certificate{}, fork{}, true},
	} {
		if err := s.unlocks(c.height, c.id, c.justify, c.ledger); (err == nil) != c.ok || err != nil && !errors.Is(err, errRefuse) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestLocksOfTwoLedgerForksAreBothKept(t *testing.T) {
	one := fork{has: map[block.Round]bool{at(8, 1): true, at(9, 1): true}}
	two := fork{has: map[block.Round]bool{at(8, 2): true}}
	var s safety
	s.bind(lock{Height: 5, ID: block.ID{1}, Round: at(8, 1)}, one)
	s.bind(lock{Height: 5, ID: block.ID{2}, Round: at(8, 2)}, two)
	if got := s.lock(5, one).ID; got != (block.ID{1}) {
		t.Errorf("on the first fork it is locked on %v", got)
	}
	if got := s.lock(5, two).ID; got != (block.ID{2}) {
		t.Errorf("on the second fork it is locked on %v", got)
	}
	s.bind(lock{Height: 5, ID: block.ID{3}, Round: at(9, 1)}, one)
	if got, also := s.lock(5, one).ID, s.lock(5, two).ID; got != (block.ID{3}) || also != (block.ID{2}) {
		t.Errorf("locked on %v and %v", got, also)
	}
}

// Whatever a seat is asked, on whatever fork of the ledger it is then, it never signs for two blocks in one round; and on
// one fork it never goes back to a round before. Its journal holds all that this takes.
func TestASeatNeverContradictsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		forks := []fork{{has: map[block.Round]bool{}}, {has: map[block.Round]bool{}}}
		for h := range uint32(6) {
			forks[0].has[at(h, 1)] = true
			forks[1].has[at(h, byte(1+h/3))] = true // they part at round 3
		}
		var s safety
		type ballot struct {
			kind   byte
			height uint64
			round  block.Round
		}
		said := map[ballot]block.ID{}
		for range rapid.IntRange(1, 60).Draw(t, "votes") {
			f := forks[rapid.IntRange(0, 1).Draw(t, "fork")]
			v := ballot{rapid.SampledFrom([]byte{block.Prepare, block.Commit}).Draw(t, "kind"), rapid.Uint64Range(1, 2).Draw(t, "height"),
				at(rapid.Uint32Range(0, 5).Draw(t, "round"), 0)}
			for r := range f.has {
				if r.Height == v.round.Height {
					v.round = r
				}
			}
			id := block.ID{rapid.ByteRange(1, 3).Draw(t, "block")}
			if rapid.IntRange(0, 9).Draw(t, "crash") == 0 {
				var back safety
				if err := codec.Decode(s.encode(), maxJournal, &back); err != nil {
					t.Fatal(err)
				}
				s = back
			}
			if s.allows(v.kind, v.height, v.round, id, f) != nil {
				continue
			}
			s.note(v.kind, v.height, v.round, id)
			if old, ok := said[v]; ok && old != id {
				t.Fatalf("it signs %v and %v in %+v", old, id, v)
			}
			for b := range said {
				if f.has[b.round] && b.round.Height > v.round.Height {
					t.Fatalf("it signs %+v after %+v", v, b)
				}
			}
			said[v] = id
		}
	})
}

func TestTheGreatestJournalCanBeReadBack(t *testing.T) {
	var s safety
	for i := range maxSigned + 10 {
		s.note(block.Prepare, 1<<63, at(1<<31, byte(i)), block.ID{byte(i), byte(i >> 8)})
	}
	big := block.Certificate{Round: at(1<<31, 1), Votes: make([]block.Signed, 15)}
	for i := range maxLocks + 1 {
		s.bind(lock{Height: 1 << 63, ID: block.ID{byte(i)}, Round: at(1<<31, byte(i)), Block: make([]byte, block.MaxBytes), Justify: big}, fork{})
	}
	raw := s.encode()
	var back safety
	if err := codec.Decode(raw, maxJournal, &back); err != nil {
		t.Fatalf("%d bytes: %v", len(raw), err)
	}
	if len(back.Signed) != maxSigned || len(back.Locks) != maxLocks {
		t.Errorf("%d votes and %d locks", len(back.Signed), len(back.Locks))
	}
}

func TestABrokenJournalStopsTheSeat(t *testing.T) {
	r := newRig(t, 1)
	for _, raw := range [][]byte{{}, {1, 2, 3}, make([]byte, maxJournal+1)} {
		cfg := r.e.Config
		cfg.Journal = &memory{raw: raw}
		if _, err := New(cfg); err == nil {
			t.Errorf("it votes on with a journal of %d bytes", len(raw))
		}
	}
}
