package cost

import (
	"errors"
	"fmt"
	"math"
	"math/bits"

	"funai/clarity/types"
)

// The faults of asking for a cost.
var (
	ErrFunction  = errors.New("no such cost function")
	ErrLogOfZero = errors.New("log2 must be passed a positive integer")
)

// form is how a runtime grows with the input n, with two numbers a and b.
type form uint8

const (
	formLinear form = iota // a*n + b
	formLogN               // a*floor(log2 n) + b
	formNLogN              // a*n*floor(log2 n) + b
	formPerKiB             // a*floor(n/1024) + b
)

// runtime is the runtime of a cost function.
type runtime struct {
	form form
	a, b uint64
}

func constant(b uint64) runtime  { return runtime{formLinear, 0, b} }
func linear(a, b uint64) runtime { return runtime{formLinear, a, b} }
func logN(a, b uint64) runtime   { return runtime{formLogN, a, b} }
func nLogN(a, b uint64) runtime  { return runtime{formNLogN, a, b} }
func perKiB(a, b uint64) runtime { return runtime{formPerKiB, a, b} }
func (r runtime) of(n uint64) (uint64, error) {
	switch r.form {
	case formLinear:
	case formLogN, formNLogN:
		if n == 0 {
			return 0, ErrLogOfZero
		}
		log := uint64(bits.Len64(n) - 1)
		if r.form == formLogN {
			n = log
		} else {
			n = mulSaturated(n, log)
		}
	case formPerKiB:
		n /= 1024
	}
	return addSaturated(mulSaturated(r.a, n), r.b), nil
}

// length is the bytes that a cost function counts as read or written: base + n if it grows, else base.
type length struct {
	base  uint8
	grows bool
}

var (
	one     = length{1, false}
	onePlus = length{1, true}
	digest  = length{32, false}
)

func (l length) of(n uint64) uint64 {
	if !l.grows {
		return uint64(l.base)
	}
	return addSaturated(uint64(l.base), n)
}

// rule is one cost function.
type rule struct {
	runtime
	reads, writes     uint8
	readLen, writeLen length
	computes          bool // costs runtime alone, in a linear form; set by newSchedule
	known             bool // in this schedule's epoch; set by newSchedule
	name              string
	since             types.Epoch // 0 is as early as rules are known
}

// Schedule is the cost functions of one epoch. It is immutable.
type Schedule struct {
	rules [functions]rule
}

// The schedules differ in what functions there are; none has changed what it answers since epoch 2.1.
var (
	schedule21 = newSchedule(types.Epoch21)
	schedule33 = newSchedule(types.Epoch33)
	schedule40 = newSchedule(types.Epoch40)
)

func newSchedule(epoch types.Epoch) *Schedule {
	s := new(Schedule)
	for f, r := range table {
		r.known = r.since <= epoch
		r.computes = r.known && r.form == formLinear && r.reads == 0 && r.writes == 0 && r.readLen == length{} && r.writeLen == length{}
		s.rules[f] = r
	}
	return s
}

// ScheduleOf returns the schedule of an epoch. An epoch before the first that is known, 2.1, has that one's.
func ScheduleOf(epoch types.Epoch) *Schedule {
	switch {
	case epoch >= types.Epoch40:
		return schedule40
	case epoch >= types.Epoch33:
		return schedule33
	default:
		return schedule21
	}
}

// Of returns what a function costs for an input. It is an ErrFunction if the epoch has no such function, and an
// ErrLogOfZero if the function takes a logarithm and the input is 0. What no 64 bits hold is the greatest number there is.
func (s *Schedule) Of(f Function, n uint64) (Cost, error) {
	if f >= functions || !s.rules[f].known {
		return Cost{}, fmt.Errorf("%w: %v", ErrFunction, f)
	}
	r := &s.rules[f]
	runtime, err := r.of(n)
	if err != nil {
		return Cost{}, fmt.Errorf("%v: %w", f, err)
	}
	return Cost{
		Runtime:     runtime,
		ReadCount:   uint64(r.reads),
		ReadLength:  r.readLen.of(n),
		WriteCount:  uint64(r.writes),
		WriteLength: r.writeLen.of(n),
	}, nil
}

// addSaturated and mulSaturated return the result, or the greatest number there is.
func addSaturated(x, y uint64) uint64 {
	sum, carry := bits.Add64(x, y, 0)
	return sum | -carry
}

func mulSaturated(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x, y)
	if hi != 0 {
		return math.MaxUint64
	}
	return lo
}
