//go:build unix

package gguf_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

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

// processorTime is what this process has used, in seconds. Unlike the time that passes it hardly depends on what else the machine does.
func processorTime(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

func BenchmarkGenerate(b *testing.B) {
	for _, m := range models {
		for name, controls := range map[string]*model.Controls{"greedy": {}, "temperature=0.8": {Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05}, "network's 0.8": nil} {
			for _, n := range []int{1, 4, 16, 64} {
				b.Run(fmt.Sprintf("%s/%s/streams=%d", m.name, name, n), func(b *testing.B) {
					e := modeltest.Open(b, m.name, gguf.Options{Running: n, Cache: 256 * n})
					made := make([]int, n)
					before := processorTime(b)
					for b.Loop() {
						var wg sync.WaitGroup
						for i := range n {
							wg.Go(func() {
								r := ask(fmt.Sprint(i, " ", m.prompt), m.tokens)
								r.Controls, r.Sampling = controls, model.Sampling{TemperatureMilli: 800, Seed: [32]byte{byte(i)}}
								got, err := e.Generate(b.Context(), r, quiet)
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
					b.ReportMetric((processorTime(b)-before)*1e6/float64(total), "cpu-µs/token")
					perSecond(b, total)
				})
			}
		}
	}
}

// BenchmarkGap measures how long a running stream stands still at most while long prompts come in.
func BenchmarkGap(b *testing.B) {
	for _, m := range models {
		b.Run(m.name, func(b *testing.B) {
			e := modeltest.Open(b, m.name, gguf.Options{})
			long := strings.Repeat(" once upon a time there was", min(1900, e.Info().Context-40)/7)
			var gaps []float64
			round := 0
			for b.Loop() {
				round++
				last := time.Time{}
				ctx, cancel := context.WithCancel(b.Context())
				var wg sync.WaitGroup
				r := ask(m.prompt, 200)
				r.Client = "stream"
				if _, err := e.Generate(b.Context(), r, func(model.Token) error {
					if last.IsZero() {
						for i := range 2 {
							wg.Go(func() { _, _ = e.Generate(ctx, ask(fmt.Sprint(round, i, long), 1), quiet) })
						}
					} else {
						gaps = append(gaps, time.Since(last).Seconds()*1000)
					}
					last = time.Now()
					return nil
				}); err != nil {
					b.Fatal(err)
				}
				cancel()
				wg.Wait()
			}
			slices.Sort(gaps)
			b.ReportMetric(gaps[len(gaps)-1], "longest-gap-ms")
			b.ReportMetric(gaps[len(gaps)/2], "median-gap-ms")
			b.ReportMetric(0, "ns/op")
		})
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
