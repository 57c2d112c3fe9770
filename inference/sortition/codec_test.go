package sortition

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"funai/amount"
	"funai/key"
)

// history is a ledger with something of everything in it.
func history(t testing.TB) *ledger {
	l := newLedger(t, Main(), fiveSeats())
	regs := l.register(people(3)...)
	for range 4 {
		h := l.next()
		stake, err := StakeOutputs(person(40), 5*amount.FAI)
		if err != nil {
			t.Fatal(err)
		}
		mint, err := MintOutputs(person(41), 6*amount.FAI)
		if err != nil {
			t.Fatal(err)
		}
		l.mine(l.commit(regs[0], h, 5000), act(person(4), stake...), l.commit(regs[1], h-1, 6000), l.commit(regs[2], h, 7000),
			act(person(5), mint...), registering(person(6), l.tip().ConsensusHash))
	}
	return l
}

func TestSnapshotsSurviveEncoding(t *testing.T) {
	for _, s := range history(t).snaps {
		got, err := DecodeSnapshot(s.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, s) {
			t.Errorf("decoded %+v, want %+v", got, s)
		}
	}
}

func TestDamagedSnapshotsAreRefused(t *testing.T) {
	l := history(t)
	b := l.tip().Encode()
	for n := range b {
		if _, err := DecodeSnapshot(b[:n]); !errors.Is(err, ErrEncoding) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(b), err)
		}
	}
	if _, err := DecodeSnapshot(append(bytes.Clone(b), 0)); !errors.Is(err, ErrEncoding) {
		t.Errorf("a byte too many: %v", err)
	}
	old := bytes.Clone(b)
	old[0]++
	if _, err := DecodeSnapshot(old); !errors.Is(err, ErrEncoding) {
		t.Errorf("another version: %v", err)
	}
	for name, damage := range map[string]func(s *Snapshot){
		"winner beyond the candidates": func(s *Snapshot) { s.Winner = len(s.Candidates) },
		"candidate without a commit":   func(s *Snapshot) { s.Candidates[0].Index = 999 },
		"commits out of order":         func(s *Snapshot) { s.Commits[0], s.Commits[1] = s.Commits[1], s.Commits[0] },
		"impossible intended height":   func(s *Snapshot) { s.Commits[0].Intended = IntendedModulus },
	} {
		s, err := DecodeSnapshot(b)
		if err != nil {
			t.Fatal(err)
		}
		damage(s)
		if _, err := DecodeSnapshot(s.Encode()); !errors.Is(err, ErrEncoding) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCycleSetsSurviveEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := cycleSet(t, 0)
		got, err := DecodeCycleSet(c.Encode())
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("decoded %+v (%v), want %+v", got, err, c)
		}
	})
}

func TestMajorityAndQuorum(t *testing.T) {
	for n, want := range map[int][2]int{1: {1, 1}, 2: {2, 2}, 3: {2, 3}, 4: {3, 3}, 5: {3, 4}, 7: {4, 5}} {
		c := CycleSet{Seats: make([]Seat, n)}
		if got := [2]int{c.Majority(), c.Quorum()}; got != want {
			t.Errorf("%d seats: majority and quorum %v, want %v", n, got, want)
		}
	}
}

func FuzzDecodeSnapshot(f *testing.F) {
	for _, s := range history(f).snaps {
		f.Add(s.Encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		s, err := DecodeSnapshot(b)
		if err != nil {
			if !errors.Is(err, ErrEncoding) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if !bytes.Equal(s.Encode(), b) {
			t.Fatal("a snapshot has two encodings")
		}
	})
}

func FuzzDecodeCycleSet(f *testing.F) {
	f.Add(CycleSet{}.Encode())
	five := fiveSeats()
	five.Banned = []key.Hash160{person(1)}
	f.Add(five.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		c, err := DecodeCycleSet(b)
		if err != nil {
			if !errors.Is(err, ErrEncoding) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if !bytes.Equal(c.Encode(), b) {
			t.Fatal("a cycle set has two encodings")
		}
	})
}
