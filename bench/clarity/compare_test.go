package clarity

import (
	"bytes"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"
)

var table = flag.Bool("table", false, "measure both sides and print a Markdown table")

// side is an implementation.
type side interface {
	deploy(name, source string) (time.Duration, error)
	call(contract, function string, times int) (result []byte, took []time.Duration, err error)
}

const (
	rounds    = 9       // in which the sides take turns
	inARound  = 3       // calls
	bigSource = 100_000 // bytes
)

// sides are ours and the reference implementation, with every program deployed on both.
func sides(tb testing.TB) [2]side {
	tb.Helper()
	mine, err := newOurs()
	if err != nil {
		tb.Fatal(err)
	}
	both := [2]side{mine, startReference(tb)}
	for _, s := range both {
		deployAll(tb, s)
	}
	return both
}

func deployAll(tb testing.TB, s side) {
	tb.Helper()
	for _, p := range programs {
		if p.beside != "" {
			if _, err := s.deploy("beside", p.beside); err != nil {
				tb.Fatalf("%T: what is beside %s: %v", s, p.name, err)
			}
		}
		if _, err := s.deploy(p.name, p.source); err != nil {
			tb.Fatalf("%T: %s: %v", s, p.name, err)
		}
	}
}

func TestBothSidesAnswerTheSame(t *testing.T) {
	both := sides(t)
	for _, p := range programs {
		for _, function := range []string{"work", "idle", "work"} {
			var results [2][]byte
			for i, s := range both {
				var err error
				if results[i], _, err = s.call(p.name, function, 1); err != nil {
					t.Fatalf("%T: %s of %s: %v", s, function, p.name, err)
				}
			}
			if !bytes.Equal(results[0], results[1]) {
				t.Errorf("%s of %s: we answer %x, the reference implementation %x", function, p.name, results[0], results[1])
			}
		}
	}
}

// TestTable measures, and prints what came of it.
func TestTable(t *testing.T) {
	if !*table {
		t.Skip("it measures only if -table is set")
	}
	both := sides(t)
	fmt.Println("| program | operation | ours | reference | times as fast | our allocations |")
	fmt.Println("|---|---|---:|---:|---:|---:|")
	for _, p := range programs {
		net := netTimes(t, both, p)
		per := func(d time.Duration) string { return fmt.Sprintf("%.0f ns", float64(d)/float64(p.ops)) }
		fmt.Printf("| %s | %s | %s | %s | %.1f | %.2f |\n", p.name, p.unit, per(net[0]), per(net[1]), float64(net[1])/float64(net[0]), allocations(t, both[0], p))
	}
	took := deployTimes(t, both)
	fmt.Printf("| deploy | parse, check and compile %d kB | %v | %v | %.1f | |\n", bigSource/1000,
		took[0].Round(10*time.Microsecond), took[1].Round(10*time.Microsecond), float64(took[1])/float64(took[0]))
}

// netTimes is what one call of work takes each side, without what a call of idle takes: of medians, and of rounds in which
// the sides take turns, so that what else the machine does falls on both.
func netTimes(tb testing.TB, both [2]side, p program) (net [2]time.Duration) {
	tb.Helper()
	var work, idle [2][]time.Duration
	for round := range rounds + 1 {
		for i, s := range both {
			for function, into := range map[string]*[]time.Duration{"work": &work[i], "idle": &idle[i]} {
				_, took, err := s.call(p.name, function, inARound)
				if err != nil {
					tb.Fatalf("%T: %s of %s: %v", s, function, p.name, err)
				}
				if round > 0 { // the first warms up
					*into = append(*into, took...)
				}
			}
		}
	}
	for i := range net {
		net[i] = max(median(work[i])-median(idle[i]), 1)
	}
	return net
}

func deployTimes(tb testing.TB, both [2]side) (took [2]time.Duration) {
	tb.Helper()
	source := large(bigSource)
	var all [2][]time.Duration
	for round := range 5 {
		for i, s := range both {
			// A comment makes it another contract: neither side may remember it.
			d, err := s.deploy(fmt.Sprintf("large-%d", round), fmt.Sprintf("%s;; %d\n", source, round))
			if err != nil {
				tb.Fatalf("%T: %v", s, err)
			}
			all[i] = append(all[i], d)
		}
	}
	for i := range took {
		took[i] = median(all[i])
	}
	return took
}

// allocations are those of an operation on our side, net of the call.
func allocations(tb testing.TB, s side, p program) float64 {
	tb.Helper()
	of := func(function string) float64 {
		return testing.AllocsPerRun(5, func() {
			if _, _, err := s.call(p.name, function, 1); err != nil {
				tb.Fatal(err)
			}
		})
	}
	return (of("work") - of("idle")) / float64(p.ops)
}

func median(ds []time.Duration) time.Duration {
	slices.Sort(ds)
	return ds[len(ds)/2]
}

// BenchmarkOurs is our side alone, for a profile.
func BenchmarkOurs(b *testing.B) {
	s, err := newOurs()
	if err != nil {
		b.Fatal(err)
	}
	deployAll(b, s)
	for _, p := range programs {
		b.Run(p.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.call(p.name, "work", 1); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(p.ops), "ns/operation")
		})
	}
	b.Run("deploy", func(b *testing.B) {
		source := large(bigSource)
		b.SetBytes(int64(len(source)))
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			if _, err := s.deploy(fmt.Sprintf("large-%d", n), source); err != nil {
				b.Fatal(err)
			}
		}
	})
}
