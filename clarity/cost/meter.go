package cost

import (
	"errors"
	"fmt"
	"math/bits"
)

// MemoryLimit is how many bytes of values a transaction may hold at once (SIP-006).
const MemoryLimit = 100_000_000

// The bounds that a run can meet.
var (
	ErrLimit    = errors.New("cost limit exceeded")
	ErrMemory   = errors.New("memory limit exceeded")
	ErrOverflow = errors.New("cost overflows")
)

// LimitError is an ErrLimit with both sides: what was spent, the charge that went too far included, and what may be.
type LimitError struct{ Used, Limit Cost }

func (e *LimitError) Error() string { return fmt.Sprintf("%v: %+v of %+v", ErrLimit, e.Used, e.Limit) }

func (e *LimitError) Unwrap() error { return ErrLimit }

// Meter adds up what a run costs. The zero Meter charges nothing: it has no schedule.
type Meter struct {
	Used       Cost
	Memory     uint64 // bytes held now
	MemoryPeak uint64 // the most bytes held so far
	limit      Cost
	schedule   *Schedule
}

// NewMeter returns a meter that charges by a schedule up to a limit.
func NewMeter(s *Schedule, limit Cost) *Meter { return &Meter{schedule: s, limit: limit} }

// Limit returns what may be spent.
func (m *Meter) Limit() Cost { return m.limit }

// Charge adds what a cost function says for an input. What exceeds the limit is a *LimitError, and stays charged.
func (m *Meter) Charge(f Function, n uint64) error {
	s := m.schedule
	if s == nil {
		return nil
	}
	// Most functions cost runtime alone, linear in the input: they need no Cost built and no other dimension added.
	if f < functions {
		r := &s.rules[f]
		if r.computes {
			hi, product := bits.Mul64(r.a, n)
			runtime, carry := bits.Add64(product, r.b, 0)
			used, over := bits.Add64(m.Used.Runtime, runtime, 0)
			if hi|carry|over == 0 {
				m.Used.Runtime = used
				if m.Used.Exceeds(&m.limit) {
					return &LimitError{m.Used, m.limit}
				}
				return nil
			}
		}
	}
	c, err := s.Of(f, n)
	if err != nil {
		return err
	}
	return m.Add(c)
}

// Add adds a cost. What exceeds the limit is a *LimitError, and what no 64 bits hold an ErrOverflow; either stays charged,
// up to the greatest number that there is.
func (m *Meter) Add(c Cost) error {
	u := &m.Used
	var c1, c2, c3, c4, c5 uint64
	u.Runtime, c1 = bits.Add64(u.Runtime, c.Runtime, 0)
	u.ReadCount, c2 = bits.Add64(u.ReadCount, c.ReadCount, 0)
	u.ReadLength, c3 = bits.Add64(u.ReadLength, c.ReadLength, 0)
	u.WriteCount, c4 = bits.Add64(u.WriteCount, c.WriteCount, 0)
	u.WriteLength, c5 = bits.Add64(u.WriteLength, c.WriteLength, 0)
	if c1|c2|c3|c4|c5 != 0 {
		// A carry of 1 makes every bit of its dimension a one.
		u.Runtime |= -c1
		u.ReadCount |= -c2
		u.ReadLength |= -c3
		u.WriteCount |= -c4
		u.WriteLength |= -c5
		return fmt.Errorf("%w: %+v of %+v", ErrOverflow, m.Used, m.limit)
	}
	if u.Exceeds(&m.limit) {
		return &LimitError{m.Used, m.limit}
	}
	return nil
}

// Hold notes that a value of so many bytes is held. What exceeds MemoryLimit is an ErrMemory, and stays held.
func (m *Meter) Hold(bytes uint64) error {
	m.Memory = addSaturated(m.Memory, bytes)
	if m.Memory > m.MemoryPeak {
		m.MemoryPeak = m.Memory
	}
	if m.schedule != nil && m.Memory > MemoryLimit {
		return fmt.Errorf("%w: %d of %d bytes", ErrMemory, m.Memory, MemoryLimit)
	}
	return nil
}

// Release notes that values of so many bytes are held no longer.
func (m *Meter) Release(bytes uint64) { m.Memory -= min(bytes, m.Memory) }

// Run adds runtime alone, as Add does.
func (m *Meter) Run(n uint64) error {
	u := m.Used.Runtime + n
	if u < n || u > m.limit.Runtime {
		return m.Add(Cost{Runtime: n})
	}
	m.Used.Runtime = u
	return nil
}
