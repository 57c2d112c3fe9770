package sampling

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"funai/model"

	"pgregory.net/rapid"
)

// plain is the rule as its documentation says it, without shortcuts.
func plain(s model.Sampling, logits []float32, position int, before []int32) []float64 {
	scores := make([]float64, len(logits))
	penalty := float32(1)
	if s.RepeatPenaltyMilli != 0 {
		penalty = float32(s.RepeatPenaltyMilli) / 1000
	}
	var seed [36]byte
	copy(seed[:], s.Seed[:])
	binary.BigEndian.PutUint32(seed[32:], uint32(position))
	noise := rand.NewChaCha8(sha256.Sum256(seed[:]))
	for i, l := range logits {
		if slices.Contains(before[max(0, len(before)-64):], int32(i)) {
			if l > 0 {
				l /= penalty
			} else {
				l *= penalty
			}
		}
		scores[i] = float64(l)
		if s.TemperatureMilli > 0 {
			u := (float64(noise.Uint64()>>12) + 0.5) / (1 << 52)
			scores[i] += float64(s.TemperatureMilli) / 1000 * -math.Log(-math.Log(u))
		}
	}
	return scores
}

func TestRuleIsWhatItsDocumentationSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "vocabulary")
		logits := make([]float32, n)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "logits"), 0))
		for i := range logits {
			logits[i] = float32(r.NormFloat64() * 6)
			if r.IntN(4) == 0 {
				logits[i] = float32(r.IntN(3)) // ties
			}
		}
		before := rapid.SliceOfN(rapid.Int32Range(0, int32(n-1)), 0, 100).Draw(t, "before")
		s := model.Sampling{TemperatureMilli: rapid.SampledFrom([]uint32{0, 1, 300, 1000, 5000}).Draw(t, "temperature"),
			RepeatPenaltyMilli: rapid.SampledFrom([]uint32{0, 1000, 1100, 2000}).Draw(t, "penalty")}
		s.Seed[3] = rapid.Byte().Draw(t, "seed")
		position := rapid.IntRange(0, 1000).Draw(t, "position")
		want := plain(s, logits, position, before)
		best := 0
		for i := range want {
			if want[i] > want[best] {
				best = i
			}
		}
		rule := New(s)
		if got := rule.Choose(logits, position, before); int(got) != best {
			t.Fatalf("chose %d (%v), want %d (%v)", got, want[got], best, want[best])
		}
		given := rapid.IntRange(0, n-1).Draw(t, "given")
		rank := 0
		for i := range want {
			if want[i] > want[given] || want[i] == want[given] && i < given {
				rank++
			}
		}
		gotRank, margin := rule.Place(logits, position, before, int32(given))
		if gotRank != rank || math.Abs(margin-(want[best]-want[given])) > 1e-9 {
			t.Fatalf("placed %d at %d, %v; want %d, %v", given, gotRank, margin, rank, want[best]-want[given])
		}
	})
}

func TestNoiseMakesSoftmaxFrequencies(t *testing.T) {
	logits := []float32{2, 1, 0, -1}
	sum := 0.0
	for _, l := range logits {
		sum += math.Exp(float64(l) / 0.7)
	}
	rule := New(model.Sampling{TemperatureMilli: 700, Seed: [32]byte{9}})
	const draws = 100_000
	var count [4]float64
	for i := range draws {
		count[rule.Choose(logits, i, nil)]++
	}
	chi := 0.0
	for i, l := range logits {
		want := draws * math.Exp(float64(l)/0.7) / sum
		chi += (count[i] - want) * (count[i] - want) / want
	}
	if chi > 16.27 { // 3 degrees of freedom, p = 0.001
		t.Fatalf("chi squared %v of %v", chi, count)
	}
}

func TestLogSumAndTop(t *testing.T) {
	logits := []float32{1, 5, 3, 5, -80, 100, 3}
	if got := Top(logits, 4); !slices.Equal(got, []int32{5, 1, 3, 2}) {
		t.Fatal(got)
	}
	if got := Top(logits, 0); len(got) != 0 {
		t.Fatal(got)
	}
	if got := Top(logits[:2], 9); !slices.Equal(got, []int32{1, 0}) {
		t.Fatal(got)
	}
	if got := LogSum([]float32{0, 0, 0, 0}); math.Abs(got-math.Log(4)) > 1e-12 {
		t.Fatal(got)
	}
	if got := LogSum(logits); math.Abs(got-100) > 1e-6 {
		t.Fatal(got)
	}
}

// TestLogSumOfWhatIsNoNumberIsNone keeps a broken pass of a model, of which one logit tells, from looking like a sound one.
func TestLogSumOfWhatIsNoNumberIsNone(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, logits := range [][]float32{{1, nan, 2}, {nan, 1, 2, 3, 4}, {1, 2, 3, 4, nan}, {nan}, {1, inf}, {-inf, -inf}} {
		if got := LogSum(logits); !math.IsNaN(got) {
			t.Errorf("%v of %v", got, logits)
		}
	}
	if got := LogSum([]float32{-inf, 3, -inf}); got != 3 {
		t.Error(got)
	}
}

func benchmark(b *testing.B, do func(*Rule, []float32)) {
	logits := make([]float32, 32000)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range logits {
		logits[i] = float32(r.NormFloat64() * 3)
	}
	rule := New(model.Sampling{TemperatureMilli: 800, RepeatPenaltyMilli: 1100})
	for b.Loop() {
		do(rule, logits)
	}
}

func BenchmarkChoose(b *testing.B) {
	benchmark(b, func(r *Rule, l []float32) { r.Choose(l, 7, []int32{1, 2, 3}) })
}

func BenchmarkPlace(b *testing.B) {
	benchmark(b, func(r *Rule, l []float32) { r.Place(l, 7, []int32{1, 2, 3}, 55) })
}

func BenchmarkLogSum(b *testing.B) { benchmark(b, func(_ *Rule, l []float32) { LogSum(l) }) }

func BenchmarkFull(b *testing.B) {
	logits := make([]float32, 32000)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range logits {
		logits[i] = float32(r.NormFloat64() * 3)
	}
	for name, c := range map[string]model.Controls{"all": {Temperature: 0.8}, "top-p": {Temperature: 0.8, TopP: 0.95}, "llama.cpp's": {Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05}} {
		b.Run(name, func(b *testing.B) {
			f := NewFull(c)
			for b.Loop() {
				f.Choose(logits, 0, nil)
			}
		})
	}
}
