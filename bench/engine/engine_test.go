package engine

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"
)

var (
	threads = flag.Int("threads", 1, "threads of each engine")
	tokens  = flag.Int("tokens", 0, "tokens of each answer; 0: as the benchmark has it")
	rule    = flag.Bool("rule", false, "our tokens are chosen by the network's rule, whose answers may end earlier")
)

// machine is what both sides run.
type machine struct {
	model                   string
	chat                    bool // it has a chat template
	threads, slots, context int
}

// ways of choosing tokens.
var ways = []way{{"greedy", 0}, {"temperature=0.8", 0.8}}

// levels are the requests at once.
var levels = []int{1, 4, 16, 64}

// fewest is how many requests a round has at least, one after the other where fewer run at once.
const fewest = 4

// asked counts questions, for no two to be alike.
var asked atomic.Uint64

// ask makes a question that nobody asked before; it differs from others in its first words.
func ask(tokens int, w way) question {
	people := []string{"Tom", "Lily", "Ben", "Mia", "Sam", "Anna", "Max", "Sue", "Tim", "Lucy", "Jack", "Amy", "Bob", "Jane", "Leo", "Rose"}
	things := []string{"ship", "dragon", "garden", "river", "castle", "clock", "forest", "train", "cat", "bridge", "moon", "cake", "storm", "piano", "lamp", "bear"}
	n := asked.Add(1)
	pick := func(words []string, from uint64) string { return words[from%uint64(len(words))] }
	text := fmt.Sprintf("%s and %s saw %d %ss. Tell me a long story about them.", pick(people, n), pick(people, n/16+n%7+1), n+1, pick(things, n/16))
	return question{text: text, tokens: tokens, way: w, seed: n}
}

// sample is one round of one side.
type sample struct {
	rate   float64       // tokens a second
	first  time.Duration // to the first token, of half of the requests
	cpu    time.Duration // for each token
	prompt int           // tokens of all prompts
	cached float64       // the share of them that wasn't computed
}

// run asks questions, so many at once.
func (s side) run(t testing.TB, atOnce int, questions []question) (out sample) {
	t.Helper()
	work := make(chan question)
	answers := make([][]answer, atOnce)
	var wg sync.WaitGroup
	cpu, begun := processorTime(s.pid), time.Now()
	for i := range atOnce {
		wg.Go(func() {
			for q := range work {
				a, err := s.ask(t.Context(), q)
				if err != nil {
					t.Errorf("%s: %v", s.name, err)
					continue
				}
				if a.made != q.tokens && !*rule {
					t.Errorf("%s made %d tokens, not %d", s.name, a.made, q.tokens)
				}
				answers[i] = append(answers[i], a)
			}
		})
	}
	for _, q := range questions {
		work <- q
	}
	close(work)
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	wall := time.Since(begun)
	cpu = processorTime(s.pid) - cpu
	var made, cached int
	var firsts []time.Duration
	for _, a := range slices.Concat(answers...) {
		made, cached, out.prompt = made+a.made, cached+a.cached, out.prompt+a.prompt
		firsts = append(firsts, a.first)
	}
	out.rate, out.cpu, out.cached = float64(made)/wall.Seconds(), cpu/time.Duration(made), float64(cached)/float64(out.prompt)
	out.first = median(firsts)
	return out
}

// round lets both sides answer the same questions, one side after the other.
func round(t testing.TB, sides []side, swapped bool, atOnce, tokens int, w way) []sample {
	t.Helper()
	var questions []question
	for range max(atOnce, fewest) {
		questions = append(questions, ask(tokens, w))
	}
	out := make([]sample, len(sides))
	for i := range sides {
		if swapped {
			i = len(sides) - 1 - i
		}
		out[i] = sides[i].run(t, atOnce, questions)
	}
	if out[0].prompt != out[1].prompt {
		t.Fatalf("%s read %d tokens of prompts, %s %d", sides[0].name, out[0].prompt, sides[1].name, out[1].prompt)
	}
	return out
}

func median[T float64 | time.Duration](vs []T) T {
	vs = slices.Sorted(slices.Values(vs))
	return (vs[len(vs)/2] + vs[(len(vs)-1)/2]) / 2
}

// of is the median of what samples of a side have.
func of[T float64 | time.Duration](rounds [][]sample, what func(round []sample) T) T {
	var vs []T
	for _, r := range rounds {
		vs = append(vs, what(r))
	}
	return median(vs)
}

// compare measures rounds and prints the table.
func compare(b *testing.B, m machine, made int) {
	if *tokens > 0 {
		made = *tokens
	}
	sides := []side{ours(b, m), theirs(b, m)}
	for _, w := range ways {
		b.Run(w.name, func(b *testing.B) {
			round(b, sides, false, 1, made, w) // warms up
			rounds := make([][][]sample, len(levels))
			for b.Loop() {
				for i, n := range levels {
					rounds[i] = append(rounds[i], round(b, sides, len(rounds[i])%2 == 1, n, made, w))
				}
			}
			fmt.Printf("\n%s, %s, %d tokens an answer, %d threads, %d rounds\n%s\n", m.model, w.name, made, m.threads, len(rounds[0]), table(sides, rounds))
			for i, n := range levels {
				b.ReportMetric(of(rounds[i], func(r []sample) float64 { return r[0].rate / r[1].rate }), fmt.Sprintf("x-at-%d", n))
			}
			b.ReportMetric(0, "ns/op") // the time of both sides together says nothing
		})
	}
}

func table(sides []side, rounds [][][]sample) string {
	var out strings.Builder
	t := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	a, b := sides[0].name, sides[1].name
	fmt.Fprintf(t, "at once\t%s tokens/s\t%s\tratio\t%s first token p50\t%s\tratio\t%s CPU ms/token\t%s\tratio\t%s prompt cached\t%s\t\n", a, b, a, b, a, b, a, b)
	for i, n := range levels {
		fmt.Fprintf(t, "%d\t", n)
		figures(t, "%.0f", rounds[i], func(s sample) float64 { return s.rate })
		figures(t, "%.0f ms", rounds[i], func(s sample) float64 { return s.first.Seconds() * 1000 })
		figures(t, "%.2f", rounds[i], func(s sample) float64 { return s.cpu.Seconds() * 1000 })
		for side := range sides {
			fmt.Fprintf(t, "%.0f %%\t", 100*of(rounds[i], func(r []sample) float64 { return r[side].cached }))
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush() // a strings.Builder takes everything
	return out.String()
}

// figures prints a figure of both sides, and their ratio.
func figures(t *tabwriter.Writer, format string, rounds [][]sample, what func(sample) float64) {
	for side := range 2 {
		fmt.Fprintf(t, format+"\t", of(rounds, func(r []sample) float64 { return what(r[side]) }))
	}
	fmt.Fprintf(t, "%.2f\t", of(rounds, func(r []sample) float64 { return what(r[0]) / what(r[1]) }))
}

func BenchmarkStories(b *testing.B) {
	compare(b, machine{model: "stories15m", threads: *threads, slots: 64, context: 256}, 128)
}

func BenchmarkTinyLlama(b *testing.B) {
	compare(b, machine{model: "tinyllama-1.1b-chat", chat: true, threads: *threads, slots: 64, context: 256}, 16)
}

// TestBothSidesDoTheSameWork is what the benchmarks do, once and at a small size.
func TestBothSidesDoTheSameWork(t *testing.T) {
	m := machine{model: "stories15m", threads: 1, slots: 4, context: 128}
	sides := []side{ours(t, m), theirs(t, m)}
	for _, w := range ways {
		rounds := [][]sample{round(t, sides, true, 4, 8, w)}
		if got := table(sides, [][][]sample{rounds, rounds, rounds, rounds}); strings.Count(got, "\n") != len(levels)+1 {
			t.Errorf("the table is\n%s", got)
		}
	}
}
