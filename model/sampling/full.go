package sampling

import (
	"cmp"
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
	c       model.Controls
	random  *rand.Rand
	logits  []float32 // after bias and penalties; the caller's own if there are none
	scratch []float32
	ids     []int32
	shares  []float64
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
	best := int32(argmax(f.logits))
	if f.c.Temperature == 0 {
		return best
	}
	top := float64(f.logits[best])
	f.narrow(top)
	left := f.random.Float64() * f.mass(top, f.c.Temperature)
	for i, id := range f.ids {
		if left -= f.shares[i]; left < 0 {
			return id
		}
	}
	return best // rounding
}

// bend applies bias and penalties.
func (f *Full) bend(logits []float32, before []int32) {
	penalised := f.c.RepeatPenalty != 1 || f.c.FrequencyPenalty != 0 || f.c.PresencePenalty != 0
	if f.logits = logits; !penalised && len(f.c.LogitBias) == 0 {
		return
	}
	f.scratch = append(f.scratch[:0], logits...)
	f.logits = f.scratch
	for t, b := range f.c.LogitBias {
		if t >= 0 && int(t) < len(f.logits) {
			if b <= -maxBias {
				f.logits[t] = float32(math.Inf(-1))
			} else {
				f.logits[t] += float32(b)
			}
		}
	}
	if !penalised {
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

// narrow fills ids with the tokens that may be chosen: likeliest first, unless nothing but min-p is asked for.
func (f *Full) narrow(top float64) {
	k, p := len(f.logits), f.c.TopP
	if f.c.TopK > 0 {
		k = min(k, f.c.TopK)
	}
	cuts, whole := p > 0 && p < 1, 0.0
	f.ids = f.ids[:0]
	switch {
	case k <= maxInserted:
		f.ids = append(f.ids, Top(f.logits, k)...)
	case k < len(f.logits):
		f.likeliest(top, func() bool { return len(f.ids) >= k })
		f.ids = f.ids[:min(k, len(f.ids))]
	case cuts:
		whole = math.Exp(LogSum(f.logits) - top)
		f.likeliest(top, func() bool { return f.mass(top, 1) >= p*whole })
	default:
		for i := range f.logits {
			f.ids = append(f.ids, int32(i))
		}
	}
	if cuts {
		if whole == 0 {
			whole = f.mass(top, 1)
		}
		f.cut(top, p*whole)
	}
	if p := f.c.MinP; p > 0 {
		f.ids = slices.DeleteFunc(f.ids, func(id int32) bool { return decay(top-float64(f.logits[id])) < p })
	}
}

const (
	// maxInserted is the most tokens that are found by inserting each in its place.
	maxInserted = 256
	// maxDepth is how far below the likeliest token another's logit can be, and its probability not be 0.
	maxDepth = 700
)

// likeliest fills ids with tokens, likeliest first, until there are enough. Those down to some logit are taken, or down to a lower
// one: sorting all of a hundred thousand takes longer than a small model does, and hardly ever are many needed.
func (f *Full) likeliest(top float64, enough func() bool) {
	for depth := 4.0; ; depth *= 1.25 {
		f.ids = f.ids[:0]
		for i, l := range f.logits {
			if top-float64(l) <= depth {
				f.ids = append(f.ids, int32(i))
			}
		}
		if depth > maxDepth || enough() {
			break
		}
	}
	slices.SortFunc(f.ids, f.order)
}

// order puts the likelier of two tokens first; of equals the one with the lower id.
func (f *Full) order(a, b int32) int {
	return cmp.Or(cmp.Compare(f.logits[b], f.logits[a]), cmp.Compare(a, b))
}

// mass fills shares with how likely ids are at a temperature, compared with the likeliest token, and returns their sum.
func (f *Full) mass(top, temperature float64) (sum float64) {
	f.shares = slices.Grow(f.shares[:0], len(f.ids))[:len(f.ids)]
	for i, id := range f.ids {
		f.shares[i] = decay((top - float64(f.logits[id])) / temperature)
		sum += f.shares[i]
	}
	return sum
}

// cut leaves the first of ids that reach so much together.
func (f *Full) cut(top, enough float64) {
	for i, id := range f.ids {
		if enough -= decay(top - float64(f.logits[id])); enough <= 0 {
			f.ids = f.ids[:i+1]
			return
		}
	}
}

// Candidates returns the tokens that may be chosen and their probabilities, likeliest first: what Choose draws from. At
// temperature 0 it is one.
func (f *Full) Candidates(logits []float32, before []int32) (ids []int32, probabilities []float64) {
	f.bend(logits, before)
	best := int32(argmax(f.logits))
	if f.c.Temperature == 0 {
		return []int32{best}, []float64{1}
	}
	top := float64(f.logits[best])
	f.narrow(top)
	slices.SortFunc(f.ids, f.order)
	sum := f.mass(top, f.c.Temperature)
	for _, share := range f.shares {
		probabilities = append(probabilities, share/sum)
	}
	return slices.Clone(f.ids), probabilities
}
