package vm

import (
	"errors"

	"funai/clarity/check"
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/value"
)

// call compiles a call of a function of the same contract.
func (c *compiler) call(fn *function, arguments []*syntax.Expr, lead uint64) (code, error) {
	nest := c.nest                                                         // where the function's body lies
	codes, err := c.exprs(arguments[:min(len(arguments), len(fn.params))]) // no more are checked
	if err != nil {
		return nil, err
	}
	if len(arguments) != len(fn.params) {
		return miscounted(fn, codes, lead, len(arguments)), nil
	}
	turn := make([]int, len(codes)) // the slot that an argument lies in already, as in a turn of fold; below 0 for none
	for i, e := range arguments {
		turn[i] = -1 - e.ID
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		slots := f.push(fn.slots)
		held := uint64(0)
		for i, slot := range turn {
			into := &slots[i]
			if slot >= 0 {
				*into = f.slots[slot]
			} else {
				var err error
				if *into, err = codes[i](f); err != nil {
					return value.None, err
				}
			}
			size := uint64(into.Size())
			if err := f.meter.Hold(size); err != nil {
				return value.None, limit(err)
			}
			held += size
		}
		if f.reentered && f.running(fn) {
			return value.None, f.circular(fn)
		}
		out, err := fn.apply(f, slots, nest)
		if err != nil {
			return value.None, err
		}
		f.meter.Release(held)
		f.pop(fn.slots)
		return out, nil
	}, nil
}

// apply runs a function whose arguments are in slots, which are pushed last; its body lies nest deeper than what runs now.
// If it fails, what it pushed stays on the stack.
func (fn *function) apply(f *frame, slots []value.Value, nest int) (value.Value, error) {
	switch fn.access {
	case check.Private:
		return fn.enter(f, slots, nest)
	case check.ReadOnly:
		was, events := f.readOnly, len(f.events)
		f.readOnly = true
		v, err := fn.enter(f, slots, nest)
		f.readOnly = was
		f.events = f.events[:events] // of what is rolled back there are no events
		return v, err
	default:
		p := f.begin()
		v, err := fn.enter(f, slots, nest)
		return f.finish(p, v, err)
	}
}

// enter charges a function's application, and runs its body.
func (fn *function) enter(f *frame, slots []value.Value, nest int) (value.Value, error) {
	if err := f.meter.Run(fn.price); err != nil {
		return value.None, limit(err)
	}
	for _, i := range fn.weighed {
		if err := f.charge(cost.InnerTypeCheck, uint64(slots[i].Size())); err != nil {
			return value.None, err
		}
	}
	if fn.casting {
		for i, p := range fn.params {
			if fn.casts[i] {
				slots[i] = value.Cast(p.Type, slots[i])
			}
		}
	}
	if fn.twice != "" {
		return value.None, fault(Unchecked, "NameAlreadyUsed: %s has two parameters named %s", fn.name, fn.twice)
	}
	outer, depth, held, top := f.slots, f.depth, f.meter.Memory-f.kept, len(f.stack)
	f.slots = slots
	f.depth += nest
	f.calls = append(f.calls, fn)
	body := fn.body
	if f.depth+fn.height > f.maxDepth {
		var err error
		if body, err = fn.careful(); err != nil {
			return value.None, err
		}
	}
	v, err := body(f)
	f.slots, f.depth = outer, depth
	if err != nil {
		thrown, leaves := asEarly(err)
		if !leaves {
			f.trace(err)
			f.calls = f.calls[:len(f.calls)-1]
			return value.None, err
		}
		v = thrown
		f.meter.Release(f.meter.Memory - f.kept - held)
		f.stack = f.stack[:top]
	}
	f.calls = f.calls[:len(f.calls)-1]
	return v, nil
}

// point is a moment to go back to.
type point struct{ mark, events int }

// begin opens a nested transaction, which finish closes.
func (f *frame) begin() point {
	f.assets.begin()
	return point{f.store.Mark(), len(f.events)}
}

// finish keeps what was done since begin if the answer is ok, and undoes it if it is err or a fault. The error is err, or
// that all that left somebody's hands cannot be counted.
func (f *frame) finish(p point, answer value.Value, err error) (value.Value, error) {
	if err == nil && answer.Kind() != value.KindErr {
		if err = f.assets.commit(); err == nil {
			return answer, nil
		}
	} else {
		f.assets.rollback()
	}
	f.store.Rollback(p.mark)
	f.events = f.events[:p.events]
	return answer, err
}

// running says whether a function is under way. Its contract may have been compiled again since, so that only names count.
func (r *run) running(fn *function) bool {
	for _, other := range r.calls {
		if other.name == fn.name && other.contract.id == fn.contract.id {
			return true
		}
	}
	return false
}

// circular is the fault of a function that would meet itself.
func (r *run) circular(fn *function) error {
	return fault(Unchecked, "CircularReference: %s is under way already", fn)
}

func (fn *function) String() string { return fn.contract.id.String() + ":" + fn.name }

// trace notes in a fault what was under way, if nobody has yet.
func (r *run) trace(err error) {
	var e *RuntimeError
	if !errors.As(err, &e) || e.Trace != nil {
		return
	}
	for _, fn := range r.calls {
		e.Trace = append(e.Trace, fn.String())
	}
}

// miscounted is a call with too many or too few arguments, which analysis lets through.
func miscounted(fn *function, codes []code, lead uint64, count int) code {
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		for _, x := range codes {
			if _, err := x(f); err != nil {
				return value.None, err
			}
		}
		if err := f.meter.Run(fn.price); err != nil {
			return value.None, limit(err)
		}
		return value.None, fault(Unchecked, "IncorrectArgumentCount: %v takes %d, not %d", fn, len(fn.params), count)
	}
}
