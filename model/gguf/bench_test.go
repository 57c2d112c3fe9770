package gguf_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"funai/model"
	"funai/model/gguf"
	"funai/model/modeltest"
)

var models = []struct {
	name, prompt string
	tokens       int
}{
	{stories, "Once upon a time, there was a dragon", 100},
	{"tinyllama-1.1b-chat", "Tell me about the sea and the ships that sail on it.", 60},
}

func perSecond(b *testing.B, tokens int) {
	b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkGenerate(b *testing.B) {
	for _, m := range models {
		for _, n := range []int{1, 4} {
			b.Run(fmt.Sprintf("%s/streams=%d", m.name, n), func(b *testing.B) {
				e := modeltest.Open(b, m.name, gguf.Options{})
				made := make([]int, n)
				for b.Loop() {
					var wg sync.WaitGroup
					for i := range n {
						wg.Go(func() {
							got, err := e.Generate(b.Context(), ask(m.prompt, m.tokens), quiet)
							if err != nil {
								b.Error(err)
							}
							made[i] += len(got.Tokens)
						})
					}
					wg.Wait()
				}
				total := 0
				for _, k := range made {
					total += k
				}
				perSecond(b, total)
			})
		}
	}
}

func BenchmarkPrefill(b *testing.B) {
	for _, m := range models {
		b.Run(m.name, func(b *testing.B) {
			e := modeltest.Open(b, m.name, gguf.Options{})
			total, i := 0, 0
			for b.Loop() {
				i++ // another first word, or the cache would have it all
				got, err := e.Generate(b.Context(), ask(fmt.Sprint(i, strings.Repeat(" once upon a time there was", 30)), 1), quiet)
				if err != nil {
					b.Fatal(err)
				}
				total += got.PromptTokens
			}
			perSecond(b, total)
		})
	}
}

func BenchmarkScore(b *testing.B) {
	for _, m := range models {
		for _, temperature := range []uint32{0, 800} {
			b.Run(fmt.Sprintf("%s/temperature=%d", m.name, temperature), func(b *testing.B) {
				e := modeltest.Open(b, m.name, gguf.Options{})
				r := ask(m.prompt, m.tokens)
				r.Sampling.TemperatureMilli = temperature
				got, err := e.Generate(b.Context(), r, quiet)
				if err != nil {
					b.Fatal(err)
				}
				total := 0
				for b.Loop() {
					s, err := e.Score(b.Context(), r, got.Tokens)
					if err != nil {
						b.Fatal(err)
					}
					total += len(s.Tokens)
				}
				perSecond(b, total)
			})
		}
	}
}

// BenchmarkHonestMargins generates answers among others and scores them while others run: the margins that remain are the
// noise that judging has to allow.
func BenchmarkHonestMargins(b *testing.B) {
	for _, m := range models {
		for _, s := range []model.Sampling{{}, {RepeatPenaltyMilli: 1100}, {TemperatureMilli: 800, RepeatPenaltyMilli: 1100}} {
			b.Run(fmt.Sprintf("%s/temperature=%d/penalty=%d", m.name, s.TemperatureMilli, s.RepeatPenaltyMilli), func(b *testing.B) {
				e := modeltest.Open(b, m.name, gguf.Options{})
				var mu sync.Mutex
				var margins []float64
				round := byte(0)
				for b.Loop() {
					round++
					var wg sync.WaitGroup
					for i, subject := range []string{"dragon", "boy", "ship", "city", "tree"} {
						wg.Go(func() {
							r := ask(strings.ReplaceAll(m.prompt, "a", "a "+subject+" a"), m.tokens)
							r.Sampling = s
							r.Sampling.Seed = [32]byte{round, byte(i)}
							got, err := e.Generate(b.Context(), r, quiet)
							if err != nil {
								b.Error(err)
								return
							}
							score, err := e.Score(b.Context(), r, got.Tokens)
							if err != nil {
								b.Error(err)
								return
							}
							mu.Lock()
							defer mu.Unlock()
							for _, t := range score.Tokens {
								margins = append(margins, t.Margin)
							}
						})
					}
					wg.Wait()
				}
				slices.Sort(margins)
				wrong := len(margins) - slices.IndexFunc(margins, func(x float64) bool { return x > 0 })
				if margins[len(margins)-1] == 0 {
					wrong = 0
				}
				b.ReportMetric(margins[len(margins)-1], "max-margin")
				b.ReportMetric(margins[len(margins)*99/100], "p99-margin")
				b.ReportMetric(100*float64(wrong)/float64(len(margins)), "%not-first")
				b.ReportMetric(float64(len(margins)), "tokens")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
