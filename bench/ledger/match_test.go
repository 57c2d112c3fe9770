package ledger

import (
	"flag"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var only = flag.String("only", "", "run one side alone, for a profile: funai, btcd or bitcoind")

// match is where sides are measured: a benchmark, or a test that runs everything once and looks at no clock.
type match struct {
	testing.TB
	next   func() bool // another round is due
	report func(v float64, unit string)
	size   size
}

// size is how much a match takes on.
type size struct {
	blocks, txs int // signed transactions: so many blocks of so many each
	coins       int // to choose from when a chain is synchronized
	cache       int // bound on memory for coins, in bytes, where it is the same for all
	fork        int // blocks undone
	headers     []int
}

var (
	full = size{blocks: 10, txs: 2000, coins: 300_000, cache: 32 << 20, fork: 100, headers: []int{10_000, 100_000, 1_000_000}}
	tiny = size{blocks: 2, txs: 20, coins: 100, cache: 1 << 20, fork: 10, headers: []int{3000}}
)

// bench is the match of a benchmark.
func bench(b *testing.B) *match {
	return &match{TB: b, next: b.Loop, report: b.ReportMetric, size: full}
}

// once is the match of a test.
func once(t *testing.T) *match {
	rounds := 0
	return &match{TB: t, size: tiny, report: func(float64, string) {}, next: func() bool { rounds++; return rounds == 1 }}
}

// sample is what one run took, and whatever else it measured.
type sample struct {
	wall, cpu time.Duration
	more      map[string]float64 // by unit
}

// contender is a side that does what the others do.
type contender struct {
	name string
	run  func() sample
}

// measure runs f in this process.
func measure(f func()) sample {
	runtime.GC()
	start, cpu := time.Now(), cpuTime()
	f()
	return sample{wall: time.Since(start), cpu: cpuTime() - cpu}
}

// compare lets the contenders do work, so many units of it a run, in alternating order: what else the machine does in the
// meantime, and what warms up, then falls on all alike. It reports medians, and of the first contender how many times as
// fast it is as each other one, and how many times less processor time it takes.
func (m *match) compare(work int, unit string, cs ...contender) {
	if *only != "" {
		cs = slices.DeleteFunc(cs, func(c contender) bool { return c.name != *only })
	}
	samples := make([][]sample, len(cs))
	order := make([]int, len(cs))
	for i := range order {
		order[i] = i
	}
	for m.next() {
		for _, i := range order {
			samples[i] = append(samples[i], cs[i].run())
		}
		slices.Reverse(order)
	}
	for i, c := range cs {
		prefix := ""
		if c.name != ours {
			prefix = c.name + "-"
		}
		wall, cpu := median(samples[i], func(s sample) float64 { return s.wall.Seconds() }), median(samples[i], func(s sample) float64 { return s.cpu.Seconds() })
		m.report(float64(work)/wall, prefix+unit+"/s")
		m.report(cpu/float64(work)*1e6, prefix+"cpu-µs/"+unit)
		for _, more := range units(samples[i]) {
			m.report(median(samples[i], func(s sample) float64 { return s.more[more] }), prefix+more)
		}
		if i > 0 {
			m.report(wall/median(samples[0], func(s sample) float64 { return s.wall.Seconds() }), "x-"+c.name)
			m.report(cpu/median(samples[0], func(s sample) float64 { return s.cpu.Seconds() }), "x-"+c.name+"-cpu")
		}
	}
	m.report(0, "ns/op") // the time of all sides together says nothing, and zero hides it
	if load, ok := loadAverage(); ok {
		m.report(load, "load")
	}
}

func median(ss []sample, of func(sample) float64) float64 {
	var vs []float64
	for _, s := range ss {
		vs = append(vs, of(s))
	}
	slices.Sort(vs)
	if len(vs) == 0 {
		return 0
	}
	return (vs[len(vs)/2] + vs[(len(vs)-1)/2]) / 2
}

// units names what samples measured besides.
func units(ss []sample) (us []string) {
	for _, s := range ss {
		for u := range s.more {
			if !slices.Contains(us, u) {
				us = append(us, u)
			}
		}
	}
	slices.Sort(us)
	return us
}

// loadAverage is how many processes wanted a processor in the last five minutes, these here included; false where the
// system does not say.
func loadAverage() (float64, bool) {
	b, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(b))
	if err != nil || len(fields) < 2 {
		return 0, false
	}
	load, err := strconv.ParseFloat(fields[1], 64)
	return load, err == nil
}
