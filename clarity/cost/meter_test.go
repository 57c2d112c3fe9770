package cost

import (
	"errors"
	"math"
	"testing"

	"funai/clarity/types"

	"pgregory.net/rapid"
)

func TestMeterStopsAtTheLimitAndKeepsWhatExceeds(t *testing.T) {
	limit := Cost{Runtime: 300, ReadCount: 10, ReadLength: 10, WriteCount: 10, WriteLength: 10}
	m := NewMeter(ScheduleOf(types.Epoch21), limit)
	if err := m.Charge(Add, 2); err != nil { // 147
		t.Fatal(err)
	}
	if err := m.Charge(Add, 2); err != nil { // 294
		t.Fatal(err)
	}
	if err := m.Charge(TypeParseStep, 0); err != nil { // 298
		t.Fatal(err)
	}
	err := m.Charge(TypeParseStep, 0) // 302
	var le *LimitError
	if !errors.Is(err, ErrLimit) || !errors.As(err, &le) {
		t.Fatalf("got %v, want a LimitError", err)
	}
	if want := (Cost{Runtime: 302}); le.Used != want || le.Limit != limit || m.Used != want {
		t.Errorf("got %+v and %+v, want %+v used", le, m.Used, want)
	}
	if err := m.Add(Cost{}); !errors.Is(err, ErrLimit) {
		t.Errorf("after the limit: %v", err)
	}
}

func TestMeterMayReachItsLimit(t *testing.T) {
	limit := Cost{1, 2, 3, 4, 5}
	m := NewMeter(ScheduleOf(types.Epoch21), limit)
	if err := m.Add(limit); err != nil {
		t.Fatal(err)
	}
	for _, c := range []Cost{{Runtime: 1}, {ReadCount: 1}, {ReadLength: 1}, {WriteCount: 1}, {WriteLength: 1}} {
		m := *m
		if err := m.Add(c); !errors.Is(err, ErrLimit) {
			t.Errorf("adding %+v to %+v of %+v: %v", c, limit, m.Limit(), err)
		}
	}
}

func TestMeterOverflowIsAnErrorAndSaturates(t *testing.T) {
	m := NewMeter(ScheduleOf(types.Epoch21), Unlimited)
	if err := m.Charge(Add, math.MaxUint64); err != nil || m.Used.Runtime != math.MaxUint64 {
		t.Fatalf("got %+v, %v", m.Used, err)
	}
	if err := m.Charge(Add, 1); !errors.Is(err, ErrOverflow) || m.Used.Runtime != math.MaxUint64 {
		t.Errorf("got %+v, %v", m.Used, err)
	}
}

func TestChargeEqualsAddOfSchedule(t *testing.T) {
	s := ScheduleOf(types.LatestEpoch)
	rapid.Check(t, func(t *rapid.T) {
		limit := Cost{Runtime: rapid.Uint64().Draw(t, "limit"), ReadCount: 5, ReadLength: 5_000, WriteCount: 5, WriteLength: 5_000}
		charged, added := NewMeter(s, limit), NewMeter(s, limit)
		for range rapid.IntRange(1, 10).Draw(t, "charges") {
			f := Function(rapid.Uint8().Draw(t, "f"))
			n := rapid.Uint64().Draw(t, "n")
			got := charged.Charge(f, n)
			c, want := s.Of(f, n)
			if want == nil {
				want = added.Add(c)
			}
			if (got == nil) != (want == nil) || errors.Is(got, ErrLimit) != errors.Is(want, ErrLimit) || charged.Used != added.Used {
				t.Fatalf("%v of %d: %v and %+v, want %v and %+v", f, n, got, charged.Used, want, added.Used)
			}
		}
	})
}

func TestZeroMeterChargesNothing(t *testing.T) {
	var m Meter
	if err := m.Charge(LoadContract, 1000); err != nil || m.Used != (Cost{}) {
		t.Errorf("got %+v, %v", m.Used, err)
	}
	if err := m.Hold(2 * MemoryLimit); err != nil || m.MemoryPeak != 2*MemoryLimit {
		t.Errorf("got a peak of %d, %v", m.MemoryPeak, err)
	}
}

func TestMemoryIsHeldReleasedAndBounded(t *testing.T) {
	m := NewMeter(ScheduleOf(types.Epoch21), Unlimited)
	if err := m.Hold(MemoryLimit); err != nil {
		t.Fatal(err)
	}
	m.Release(10)
	if err := m.Hold(10); err != nil {
		t.Fatal(err)
	}
	if err := m.Hold(1); !errors.Is(err, ErrMemory) || m.Memory != MemoryLimit+1 {
		t.Errorf("got %d held, %v", m.Memory, err)
	}
	m.Release(math.MaxUint64)
	if m.Memory != 0 || m.MemoryPeak != MemoryLimit+1 {
		t.Errorf("got %d held, a peak of %d", m.Memory, m.MemoryPeak)
	}
	if err := m.Hold(math.MaxUint64); !errors.Is(err, ErrMemory) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkCharge(b *testing.B) {
	for _, f := range []Function{LookupFunction, Add, TupleGet, FetchEntry} {
		b.Run(f.String(), func(b *testing.B) {
			m := NewMeter(ScheduleOf(types.LatestEpoch), Unlimited)
			b.ReportAllocs()
			for b.Loop() {
				if err := m.Charge(f, 2); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
