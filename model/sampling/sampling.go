// Package sampling is the rule that model.Sampling names, as pure functions of logits: which token comes next, and how far a
// given token is from it. Serving and judging call the same code, so an honest answer scores as its server chose it. It
// imports only package model; the rule follows Token-DiFR (arXiv 2511.20621, section 3: Gumbel-max with shared seeds) and
// the repeat penalty of llama.cpp.
package sampling

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"

	"funai/model"
)

// Window is how many of the latest tokens, of prompt and answer together, the repeat penalty looks at. It is llama.cpp's
// default (penalty_last_n).
const Window = 64

// A Rule chooses tokens by one model.Sampling. It holds scratch space and serves one caller at a time.
//
// What model.Sampling leaves open is fixed here. A position counts the answer's tokens from 0. The tokens of the vocabulary draw
// in the order of their ids, each one uint64 x of math/rand/v2's ChaCha8; u = (⌊x/2^12⌋ + ½) / 2^52, and the noise is -ln(-ln u).
// The penalty divides a positive logit and multiplies another, once for each distinct token among the last Window.
type Rule struct {
	seed        [32]byte
	temperature float64
	inverse     float64 // 1/temperature
	penalty     float32
	logits      []float32 // after the penalty; the caller's own if there is none
	scratch     []float32
	draws       []uint64 // one of each token, if temperature is not 0
}

// New returns the rule of s.
func New(s model.Sampling) *Rule {
	r := &Rule{seed: s.Seed, temperature: float64(s.TemperatureMilli) / 1000, penalty: float32(s.RepeatPenaltyMilli) / 1000}
	r.inverse = 1 / r.temperature
	if s.RepeatPenaltyMilli == 0 {
		r.penalty = 1
	}
	return r
}

// Choose returns the token at a position of the answer (its first token has position 0), given the logits there and the
// tokens before it, prompt included. Of equal scores the lowest id wins.
func (r *Rule) Choose(logits []float32, position int, before []int32) int32 {
	r.prepare(logits, position, before)
	best, _ := r.best()
	return int32(best)
}

// Place returns how many tokens the rule prefers to the given one, and the score of the chosen token less the given one's
// in logits; both are 0 if the given token is the chosen one.
func (r *Rule) Place(logits []float32, position int, before []int32, token int32) (rank int, margin float64) {
	r.prepare(logits, position, before)
	t := int(token)
	best, top := r.best()
	if best == t {
		return 0, 0
	}
	given := r.score(t)
	for i := range r.logits {
		if r.below(i, given) {
			continue
		}
		if r.above(i, given) {
			rank++
			continue
		}
		if s := r.score(i); s > given || s == given && i < t {
			rank++
		}
	}
	return rank, top - given
}

// best returns the token with the greatest score, and the score.
func (r *Rule) best() (int, float64) {
	best := argmax(r.logits)
	score := r.score(best)
	if r.temperature == 0 {
		return best, score
	}
	for i := range r.logits {
		if r.below(i, score) {
			continue
		}
		if s := r.score(i); s > score || s == score && i < best {
			best, score = i, s
		}
	}
	return best, score
}

// prepare applies the penalty and draws the noise of a position.
func (r *Rule) prepare(logits []float32, position int, before []int32) {
	r.logits = logits
	if r.penalty != 1 {
		r.scratch = append(r.scratch[:0], logits...)
		r.logits = r.scratch
		r.penalise(before[max(0, len(before)-Window):])
	}
	if r.temperature == 0 {
		return
	}
	seed := sha256.Sum256(binary.BigEndian.AppendUint32(slices.Clone(r.seed[:]), uint32(position)))
	source := rand.NewChaCha8(seed)
	r.draws = slices.Grow(r.draws[:0], len(logits))[:len(logits)]
	for i := range r.draws {
		r.draws[i] = source.Uint64()
	}
}

// penalise does what llama.cpp's penalties sampler does, once for each token however often it stands in recent: a positive
// logit is divided, another multiplied.
func (r *Rule) penalise(recent []int32) {
	for i, t := range recent {
		if t < 0 || int(t) >= len(r.logits) || slices.Contains(recent[:i], t) {
			continue
		}
		if r.logits[t] > 0 {
			r.logits[t] /= r.penalty
		} else {
			r.logits[t] *= r.penalty
		}
	}
}

// score is logit + T·g, which orders tokens as logit/T + g does, and keeps margins in logits at every temperature.
func (r *Rule) score(i int) float64 {
	if r.temperature == 0 {
		return float64(r.logits[i])
	}
	return float64(r.logits[i]) + r.temperature*gumbel(r.draws[i])
}

// below reports whether token i surely scores less than a bound; false says nothing. Taking two logarithms for each of a
// hundred thousand tokens would cost more than running a small model, and nearly all of them are hopeless:
// g = -ln(-ln u) reaches d only if u >= exp(-exp(-d)) >= 1-exp(-d).
func (r *Rule) below(i int, bound float64) bool {
	gap := bound - float64(r.logits[i])
	if r.temperature == 0 {
		return gap > 0
	}
	gap *= r.inverse
	if !(gap >= 1) {
		return false
	}
	return r.draws[i] < least[int(min(gap, float64(len(least)-1)))]
}

// above reports whether token i surely scores more than a bound: the least noise there is, from the least uniform of 2^-53,
// is -3.604.
func (r *Rule) above(i int, bound float64) bool {
	return float64(r.logits[i])-3.61*r.temperature > bound
}

// Draws whose uniform is at least 1-exp(-k) are at least least[k]. The millionth is for what gaps and uniforms are rounded by, which
// is why k ends where exp(-k) is still far from 2^-53.
var least = func() (t [21]uint64) {
	for k := range t {
		t[k] = uint64(max(0, 1-math.Exp(-float64(k))*(1+1e-6)) * (1 << 64))
	}
	return t
}()

// uniform maps the 52 high bits of a draw to the middle of their interval in (0, 1), exactly.
func uniform(draw uint64) float64 { return (float64(draw>>12) + 0.5) / (1 << 52) }

func gumbel(draw uint64) float64 { return -math.Log(-math.Log(uniform(draw))) }

func argmax(x []float32) (best int) {
	top := x[0]
	for i, v := range x {
		if v > top || top != top {
			best, top = i, v
		}
	}
	return best
}
