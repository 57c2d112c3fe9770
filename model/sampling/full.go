package sampling

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"funai/model"
)

// Bounds of model.Controls.
const (
	maxTemperature = 5
	maxWindow      = 4096
	maxBias        = 100
	maxBiased      = 1024
)

// CheckControls says which rule controls break. A nil *Controls breaks none.
func CheckControls(c *model.Controls) error {
	if c == nil {
		return nil
	}
	for _, r := range []struct {
		name             string
		value, low, high float64
	}{
		{"temperature", c.Temperature, 0, maxTemperature}, {"top-k", float64(c.TopK), 0, math.MaxInt32}, {"top-p", c.TopP, 0, 1}, {"min-p", c.MinP, 0, 1},
		{"repeat penalty", c.RepeatPenalty, 0, 10}, {"frequency penalty", c.FrequencyPenalty, -2, 2}, {"presence penalty", c.PresencePenalty, -2, 2},
		{"penalty window", float64(c.PenaltyWindow), 0, maxWindow}, {"biased tokens", float64(len(c.LogitBias)), 0, maxBiased},
	} {
		if !(r.value >= r.low && r.value <= r.high) {
			return fmt.Errorf("%w: %s is %v, between %v and %v is allowed", model.ErrRequest, r.name, r.value, r.low, r.high)
		}
	}
	for t, b := range c.LogitBias {
		if !(math.Abs(b) <= maxBias) {
			return fmt.Errorf("%w: bias of token %d is %v, between %v and %v is allowed", model.ErrRequest, t, b, -maxBias, maxBias)
		}
	}
	return nil
}

// Full chooses tokens by model.Controls, in the order of llama.cpp's default chain: bias, penalties, top-k, top-p, min-p,
// temperature, chance. Top-p and min-p look at probabilities before temperature, as there. It holds scratch space and serves
// one caller at a time.
type Full struct {
	c      model.Controls
	random *rand.Rand
	logits []float32
	ids    []int32
	shares []float64
}

// NewFull returns the sampler of c, which CheckControls has found right. Equal seeds make equal choices on equal logits.
func NewFull(c model.Controls) *Full {
	if c.PenaltyWindow == 0 {
		c.PenaltyWindow = Window
	}
	if c.RepeatPenalty == 0 {
		c.RepeatPenalty = 1
	}
	return &Full{c: c, random: rand.New(rand.NewPCG(c.Seed, 0))}
}

// Choose returns the next token, given the logits and the tokens before it, prompt included. The position is of no account: a
// seed stands for a sequence of choices.
func (f *Full) Choose(logits []float32, _ int, before []int32) int32 {
	f.bend(logits, before)
	if f.c.Temperature == 0 {
		return int32(argmax(f.logits))
	}
	f.narrow()
	sum := 0.0
	top := float64(f.logits[f.ids[0]])
	for i, id := range f.ids {
		f.shares[i] = math.Exp((float64(f.logits[id]) - top) / f.c.Temperature)
		sum += f.shares[i]
	}
	left := f.random.Float64() * sum
	for i, id := range f.ids {
		if left -= f.shares[i]; left < 0 {
			return id
		}
	}
	return f.ids[0] // rounding
}

// bend applies bias and penalties.
func (f *Full) bend(logits []float32, before []int32) {
	f.logits = append(f.logits[:0], logits...)
	for t, b := range f.c.LogitBias {
		if t >= 0 && int(t) < len(f.logits) {
			if b <= -maxBias {
				f.logits[t] = float32(math.Inf(-1))
			} else {
				f.logits[t] += float32(b)
			}
		}
	}
	if f.c.RepeatPenalty == 1 && f.c.FrequencyPenalty == 0 && f.c.PresencePenalty == 0 {
		return
	}
	counts := map[int32]int{}
	for _, t := range before[max(0, len(before)-f.c.PenaltyWindow):] {
		if t >= 0 && int(t) < len(f.logits) {
			counts[t]++
		}
	}
	for t, n := range counts {
		if f.logits[t] > 0 {
			f.logits[t] /= float32(f.c.RepeatPenalty)
		} else {
			f.logits[t] *= float32(f.c.RepeatPenalty)
		}
		f.logits[t] -= float32(float64(n)*f.c.FrequencyPenalty + f.c.PresencePenalty)
	}
}

// narrow fills ids with the tokens that may be chosen, likeliest first, and makes room for their shares.
func (f *Full) narrow() {
	f.ids = f.ids[:0]
	if k := f.c.TopK; k > 0 && k <= 256 {
		f.ids = append(f.ids, Top(f.logits, min(k, len(f.logits)))...)
	} else {
		for i := range f.logits {
			f.ids = append(f.ids, int32(i))
		}
		slices.SortFunc(f.ids, func(a, b int32) int {
			switch {
			case f.logits[a] > f.logits[b]:
				return -1
			case f.logits[a] < f.logits[b]:
				return 1
			}
			return int(a - b)
		})
		if k > 0 {
			f.ids = f.ids[:min(k, len(f.ids))]
		}
	}
	f.shares = slices.Grow(f.shares[:0], len(f.ids))[:len(f.ids)]
	top, sum := float64(f.logits[f.ids[0]]), 0.0
	for i, id := range f.ids {
		f.shares[i] = math.Exp(float64(f.logits[id]) - top)
		sum += f.shares[i]
	}
	keep := len(f.ids)
	if p := f.c.TopP; p > 0 && p < 1 {
		reached := 0.0
		for i := range f.ids {
			if reached += f.shares[i] / sum; reached >= p {
				keep = i + 1
				break
			}
		}
	}
	if p := f.c.MinP; p > 0 {
		for keep > 1 && f.shares[keep-1] < p {
			keep--
		}
	}
	f.ids, f.shares = f.ids[:keep], f.shares[:keep]
}

// Candidates returns the tokens that may be chosen and their probabilities, likeliest first: what Choose draws from. At
// temperature 0 it is one.
func (f *Full) Candidates(logits []float32, before []int32) (ids []int32, probabilities []float64) {
	f.bend(logits, before)
	if f.c.Temperature == 0 {
		return []int32{int32(argmax(f.logits))}, []float64{1}
	}
	f.narrow()
	sum := 0.0
	for _, id := range f.ids {
		p := math.Exp((float64(f.logits[id]) - float64(f.logits[f.ids[0]])) / f.c.Temperature)
		probabilities, sum = append(probabilities, p), sum+p
	}
	for i := range probabilities {
		probabilities[i] /= sum
	}
	return slices.Clone(f.ids), probabilities
}
