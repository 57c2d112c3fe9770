package sampling

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"funai/model"

	"pgregory.net/rapid"
)

// TestFullChoosesAmongItsCandidates draws often and compares how often each came with how likely it is.
func TestFullChoosesAmongItsCandidates(t *testing.T) {
	logits := []float32{2, 1.5, 1, 0, -3, float32(math.Inf(-1))}
	for _, c := range []model.Controls{{Temperature: 1}, {Temperature: 0.5, TopK: 3}, {Temperature: 2, TopP: 0.8}, {Temperature: 1, MinP: 0.3}} {
		c.Seed = 5
		f := NewFull(c)
		ids, want := f.Candidates(logits, nil)
		counts := make([]int, len(logits))
		const draws = 20_000
		for range draws {
			counts[f.Choose(logits, 0, nil)]++
		}
		for i, id := range ids {
			if got := float64(counts[id]) / draws; math.Abs(got-want[i]) > 0.02 { // some six standard deviations; the seed is fixed
				t.Errorf("%+v: token %d came %v of the time, should %v", c, id, got, want[i])
			}
			counts[id] = 0
		}
		for id, n := range counts {
			if n > 0 {
				t.Errorf("%+v: token %d is no candidate, and came %d times", c, id, n)
			}
		}
	}
}

func TestFullStaysInBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 50).Draw(t, "vocabulary")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "logits"), 0))
		logits := make([]float32, n)
		for i := range logits {
			logits[i] = float32(r.NormFloat64() * 5)
			if r.IntN(4) == 0 && i > 0 {
				logits[i] = float32(math.Inf(-1)) // a grammar forbids it
			}
		}
		c := model.Controls{
			Temperature: rapid.Float64Range(0, 5).Draw(t, "temperature"), TopK: rapid.IntRange(0, 400).Draw(t, "top-k"), TopP: rapid.Float64Range(0, 1).Draw(t, "top-p"),
			MinP: rapid.Float64Range(0, 1).Draw(t, "min-p"), RepeatPenalty: rapid.Float64Range(0.1, 3).Draw(t, "repeat"), Seed: rapid.Uint64().Draw(t, "seed"),
			FrequencyPenalty: rapid.Float64Range(-2, 2).Draw(t, "frequency"), LogitBias: map[int32]float64{0: rapid.Float64Range(-99, 100).Draw(t, "bias"), 1000: 5, -1: 5},
		}
		if err := CheckControls(&c); err != nil {
			t.Fatal(err)
		}
		before := rapid.SliceOfN(rapid.Int32Range(-1, int32(n)), 0, 90).Draw(t, "before")
		id := NewFull(c).Choose(logits, 0, before)
		if id < 0 || int(id) >= n || math.IsInf(float64(logits[id]), -1) {
			t.Fatalf("token %d of %d", id, n)
		}
		if again := NewFull(c).Choose(logits, 0, before); again != id {
			t.Fatalf("%d, then %d", id, again)
		}
	})
}

func TestControlsAreChecked(t *testing.T) {
	nan := math.NaN()
	for _, c := range []model.Controls{{Temperature: -1}, {Temperature: nan}, {TopK: -1}, {TopP: 2}, {MinP: nan}, {RepeatPenalty: -1}, {FrequencyPenalty: 2.1}, {PenaltyWindow: -1}, {LogitBias: map[int32]float64{1: nan}}} {
		if err := CheckControls(&c); !errors.Is(err, model.ErrRequest) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if err := CheckControls(nil); err != nil {
		t.Error(err)
	}
}
