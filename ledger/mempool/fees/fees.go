// Package fees estimates the fee rate at which a transaction is in a block in time, from how long others waited. The
// method is that of Bitcoin Core's CBlockPolicyEstimator: transactions are sorted into buckets of fee rate, and over three
// horizons, each forgetting at its own pace, it counts how many of a bucket were in a block within so many blocks. Blocks
// are its only clock, so that it serves a network of any spacing. It imports nothing of the project.
package fees

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"github.com/btcsuite/btcd/chainhash/v2"
)

// ErrNoEstimate says that too little was seen to tell.
var ErrNoEstimate = errors.New("insufficient data or no feerate found")

// Bitcoin Core's numbers (src/policy/fees/block_policy_estimator.h), but for the lowest bucket, which is the least fee
// rate that is relayed here.
const (
	minRate     = 1000 // base units per 1,000 virtual bytes
	maxRate     = 1e7
	rateSpacing = 1.05

	// A horizon forgets half in 18, 144 and 1008 blocks.
	shortDecay, shortScale, shortPeriods    = .962, 1, 12
	mediumDecay, mediumScale, mediumPeriods = .9952, 2, 24
	longDecay, longScale, longPeriods       = .99931, 24, 42

	// The share of transactions that must have been in a block by half the target, the target, and twice it.
	halfSuccess, success, doubleSuccess = .6, .85, .95
	// Transactions a block, on the average, that make a bucket (or some together) speak.
	enough, enoughShort = .1, .5
	// maxHistoryAge is after how many blocks what a file held says nothing of the span that estimates can cover.
	maxHistoryAge = 6 * 1008
	// MaxTracked bounds the transactions whose waiting is followed.
	MaxTracked = 100_000
)

// MaxTarget is the longest wait, in blocks, that is estimated.
const MaxTarget = longScale * longPeriods

// Estimator is not safe for concurrent use.
type Estimator struct {
	bounds              []float64 // highest rate of each bucket
	short, medium, long *horizon
	tracked             map[chainhash.Hash]tracked
	best                int32 // height of the last block seen
	first               int32 // of the first with transactions that were followed, 0 for none yet
	pastFirst, pastLast int32 // the same and the last, of an earlier run
}

// tracked is a transaction that waits.
type tracked struct {
	height int32
	bucket int
	rate   float64
}

// New is an estimator that has seen nothing.
func New() *Estimator {
	e := &Estimator{tracked: map[chainhash.Hash]tracked{}}
	for rate := float64(minRate); rate <= maxRate; rate *= rateSpacing {
		e.bounds = append(e.bounds, rate)
	}
	e.bounds = append(e.bounds, math.MaxFloat64)
	n := len(e.bounds)
	e.short = newHorizon(shortDecay, shortScale, shortPeriods, n)
	e.medium = newHorizon(mediumDecay, mediumScale, mediumPeriods, n)
	e.long = newHorizon(longDecay, longScale, longPeriods, n)
	return e
}

func (e *Estimator) horizons() [3]*horizon { return [3]*horizon{e.short, e.medium, e.long} }

// Best is the height of the last block seen.
func (e *Estimator) Best() int32 { return e.best }

// Add follows a transaction that entered the pool at the height of the last block seen; at another, while blocks are
// taken back or caught up with, it says nothing and is not followed. rate is in base units per 1,000 virtual bytes. It
// should spend no unconfirmed output: its own rate would not be why it is mined.
func (e *Estimator) Add(hash chainhash.Hash, height int32, rate float64) {
	if _, known := e.tracked[hash]; known || height != e.best || len(e.tracked) >= MaxTracked {
		return
	}
	t := tracked{height: height, bucket: min(sort.SearchFloat64s(e.bounds, rate), len(e.bounds)-1), rate: rate}
	e.tracked[hash] = t
	for _, h := range e.horizons() {
		h.came(height, t.bucket)
	}
}

// Remove notes that a transaction left the pool and is in no block.
func (e *Estimator) Remove(hash chainhash.Hash) {
	t, ok := e.forget(hash)
	if !ok {
		return
	}
	for _, h := range e.horizons() {
		h.fail(int(e.best-t.height), t.bucket)
	}
}

// forget follows a transaction no longer.
func (e *Estimator) forget(hash chainhash.Hash) (tracked, bool) {
	t, ok := e.tracked[hash]
	if !ok {
		return t, false
	}
	delete(e.tracked, hash)
	for _, h := range e.horizons() {
		h.left(t.height, e.best, t.bucket)
	}
	return t, true
}

// Block takes in a block and those of its transactions that were in the pool. One that is no higher than another before,
// after a reorganization, teaches nothing: its transactions have waited for what was taken back.
func (e *Estimator) Block(height int32, mined []chainhash.Hash) {
	if height <= e.best {
		for _, hash := range mined {
			e.forget(hash)
		}
		return
	}
	if height-e.best > MaxTarget && len(e.tracked) == 0 || e.best == 0 {
		e.best = height - 1 // what there was has decayed, or this is the beginning
	}
	for e.best < height {
		e.best++
		for _, h := range e.horizons() {
			h.begin(e.best)
		}
	}
	counted := false
	for _, hash := range mined {
		t, ok := e.forget(hash)
		if !ok {
			continue
		}
		counted = true
		for _, h := range e.horizons() {
			h.confirm(int(height-t.height), t.bucket, t.rate)
		}
	}
	if counted && e.first == 0 {
		e.first = height
	}
}

// span is the number of blocks over which transactions have been followed, in this run or the one before.
func (e *Estimator) span() int {
	past, now := 0, 0
	if e.pastFirst > 0 && e.best-e.pastLast <= maxHistoryAge {
		past = int(e.pastLast - e.pastFirst)
	}
	if e.first > 0 {
		now = int(e.best - e.first)
	}
	return max(past, now)
}

// Estimate is the fee rate, in base units per 1,000 virtual bytes, that gets a transaction into one of the next target
// blocks with a probability of 85 %, and such that those who paid it were mostly in after half and nearly always after
// twice the time. A conservative estimate does not give in to a short lull. blocks is the target that was answered for:
// at least 2, and no more than half the blocks that have been watched. ErrNoEstimate says that too little was seen.
func (e *Estimator) Estimate(target int, conservative bool) (rate float64, blocks int, err error) {
	if target < 1 || target > MaxTarget {
		return 0, 0, fmt.Errorf("%w: a target of %d blocks is not between 1 and %d", ErrNoEstimate, target, MaxTarget)
	}
	target = max(target, 2) // nobody can tell whether the next block will see a transaction before it is found
	if most := min(MaxTarget, e.span()/2); target > most {
		target = most
	}
	if target < 2 {
		return 0, target, fmt.Errorf("%w: transactions were watched over %d blocks", ErrNoEstimate, e.span())
	}
	for _, c := range []struct {
		target  int
		success float64
		shorter bool
	}{{target / 2, halfSuccess, true}, {target, success, true}, {2 * target, doubleSuccess, !conservative}} {
		if r, ok := e.combined(c.target, c.success, c.shorter); ok {
			rate = max(rate, r)
		}
	}
	if conservative || rate == 0 {
		rate = max(rate, e.steady(2*target))
	}
	if rate == 0 {
		return 0, target, fmt.Errorf("%w: within %d blocks", ErrNoEstimate, target)
	}
	return rate, target, nil
}

// combined asks the shortest horizon that knows of a target; with shorter, those below it too, for the longest that they
// know of, and takes the least.
func (e *Estimator) combined(target int, success float64, shorter bool) (rate float64, ok bool) {
	switch {
	case target < 1 || target > e.long.longest():
		return 0, false
	case target <= e.short.longest():
		rate, ok = e.short.estimate(target, enoughShort, success, e.best)
	case target <= e.medium.longest():
		rate, ok = e.medium.estimate(target, enough, success, e.best)
	default:
		rate, ok = e.long.estimate(target, enough, success, e.best)
	}
	for _, s := range []struct {
		h      *horizon
		enough float64
	}{{e.medium, enough}, {e.short, enoughShort}} {
		if !shorter || target <= s.h.longest() {
			continue
		}
		if r, found := s.h.estimate(s.h.longest(), s.enough, success, e.best); found && (!ok || r < rate) {
			rate, ok = r, true
		}
	}
	return rate, ok
}

// steady is the most that the longer horizons say of a target, 0 if nothing.
func (e *Estimator) steady(target int) (rate float64) {
	if target <= e.short.longest() {
		rate, _ = e.medium.estimate(target, enough, doubleSuccess, e.best)
	}
	if target <= e.medium.longest() {
		r, _ := e.long.estimate(target, enough, doubleSuccess, e.best)
		rate = max(rate, r)
	}
	return rate
}
