package sortition

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"funai/amount"
)

// TestWeightIsCappedByTheWindowsMedian compares weights with a plain recomputation, for one registration that commits,
// misses blocks and is late at random.
func TestWeightIsCappedByTheWindowsMedian(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := Main()
		p.Window = rapid.IntRange(1, 8).Draw(rt, "window")
		l := newLedger(t, p, CycleSet{})
		reg := l.register(person(1))[0]
		inTime, late := map[uint32]amount.Amount{}, map[uint32]amount.Amount{} // by the height meant
		for range rapid.IntRange(1, 20).Draw(rt, "blocks") {
			h := l.next()
			var ops []operation
			if by := uint32(rapid.IntRange(0, 4).Draw(rt, "late by")); by > 0 {
				a := amount.Amount(rapid.IntRange(1, 1000).Draw(rt, "late amount"))
				ops = append(ops, l.commit(reg, h+IntendedModulus-by, a))
				if _, ok := late[h-by]; !ok && by < h {
					late[h-by] = a
				}
			}
			last := amount.Amount(rapid.IntRange(0, 1000).Draw(rt, "amount"))
			if last > 0 {
				ops = append(ops, l.commit(reg, h, last))
				inTime[h] = last
			}
			s := l.mine(ops...)
			if last == 0 {
				if len(s.Candidates) != 0 {
					rt.Fatalf("height %d: a candidate without a commit in time", h)
				}
				continue
			}
			var window []amount.Amount
			for k := range p.Window {
				a := amount.Amount(1)
				if uint32(k) < h {
					meant := h - uint32(k)
					if x, ok := inTime[meant]; ok {
						a = x
					} else if x, ok := late[meant]; ok {
						a = x
					}
				}
				window = append(window, a)
			}
			slices.Sort(window)
			if want := min(last, window[p.Window/2]); s.Candidates[0].Weight != want {
				rt.Fatalf("height %d: weight %v of %v, want %v, the upper median of %v", h, s.Candidates[0].Weight, last, want, window)
			}
		}
	})
}

func TestASingleLargeBidBuysNothing(t *testing.T) {
	l := newLedger(t, Main(), fiveSeats())
	regs := l.register(people(2)...)
	for range 6 {
		l.mine(l.commit(regs[0], l.next(), 5000))
	}
	s := l.mine(l.commit(regs[0], l.next(), 5000), l.commit(regs[1], l.next(), amount.FAI))
	if s.Candidates[0].Actor != person(1) || s.Candidates[0].Weight != 5000 || s.Candidates[1].Weight != 1 {
		t.Errorf("candidates %+v, want 5000 units against 1", s.Candidates)
	}
}

func TestWindowsBelongToRegistrations(t *testing.T) {
	l := newLedger(t, Main(), CycleSet{})
	regs := l.register(person(1), person(1))
	for range 5 {
		l.mine(l.commit(regs[0], l.next(), 500))
	}
	s := l.mine(l.commit(regs[1], l.next(), 500), l.commit(regs[0], l.next(), 400))
	if got := amounts(s.Commits); !slices.Equal(got, []amount.Amount{500, 400}) {
		t.Errorf("commits of %v, want both", got)
	}
	if s.Candidates[0].Weight != 400 || s.Candidates[1].Weight != 1 {
		t.Errorf("weights %v and %v, want 400 and 1", s.Candidates[0].Weight, s.Candidates[1].Weight)
	}
}
