package vm

import (
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// held is what an integer counts for in memory.
var held = uint64(types.Int.Size())

// argument is an argument of an operation: at hand, as a literal or in a slot, or to be computed by code.
type argument struct {
	run   code // nil if the value is at hand
	slot  int  // below 0 for none
	value value.Value
	price uint64 // of reading the slot
}

// at is the value of an argument that is at hand.
func (o *argument) at(f *frame) *value.Value {
	if o.slot >= 0 {
		return &f.slots[o.slot]
	}
	return &o.value
}

// argument compiles one. If it is borrowed, a variable does not cost its size since epoch 3.4.
func (c *compiler) argument(e *syntax.Expr, borrowed bool) (o argument, err error) {
	switch {
	case e.ID < 0:
		return argument{slot: -1 - e.ID}, nil
	case e.Kind == syntax.Literal:
		return argument{slot: -1, value: e.Value}, nil
	case e.Kind == syntax.Atom && !c.isKeyword(e.Name):
		s := c.local(e.Name)
		if s == nil {
			break
		}
		size := fixedSize(s.typ)
		if size == 0 {
			break
		}
		o.slot = s.slot
		if o.price, err = c.runtime(cost.LookupVariableDepth, uint64(c.context)); err != nil {
			return o, err
		}
		if borrowed && c.epoch >= types.Epoch34 {
			return o, nil
		}
		price, err := c.runtime(cost.LookupVariableSize, size)
		o.price += price
		return o, err
	}
	if borrowed {
		o.run, _, err = c.borrow(e)
	} else {
		o.run, err = c.expr(e)
	}
	return o, err
}

func (c *compiler) isKeyword(name string) bool {
	_, ok := c.keyword(name)
	return ok
}

// pair compiles an operation on two integers. What is charged without anything else happening in between is charged at once.
func (c *compiler) pair(call *syntax.Expr, op operation, charge cost.Function) (code, error) {
	lead := c.takeLead()
	x, err := c.argument(call.List[1], false)
	if err != nil {
		return nil, err
	}
	y, err := c.argument(call.List[2], false)
	if err != nil {
		return nil, err
	}
	price, err := c.runtime(charge, 2)
	if err != nil {
		return nil, err
	}
	lead += x.price
	price += y.price
	switch {
	case x.run == nil && y.run == nil:
		price += lead
		return func(f *frame) (value.Value, error) {
			if err := f.meter.Run(price); err != nil {
				return value.None, limit(err)
			}
			if err := f.touch(2 * held); err != nil {
				return value.None, err
			}
			return op.of(x.at(f), y.at(f))
		}, nil
	case y.run == nil:
		return func(f *frame) (value.Value, error) {
			if err := f.meter.Run(lead); err != nil {
				return value.None, limit(err)
			}
			a, err := x.run(f)
			if err != nil {
				return value.None, err
			}
			if err := f.meter.Run(price); err != nil {
				return value.None, limit(err)
			}
			if err := f.touch(2 * held); err != nil {
				return value.None, err
			}
			return op.of(&a, y.at(f))
		}, nil
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		var a value.Value
		var err error
		if x.run == nil {
			a = *x.at(f)
		} else if a, err = x.run(f); err != nil {
			return value.None, err
		}
		if err := f.meter.Hold(held); err != nil {
			return value.None, limit(err)
		}
		b, err := y.run(f)
		if err != nil {
			return value.None, err
		}
		if err := f.meter.Run(price); err != nil {
			return value.None, limit(err)
		}
		if err := f.touch(held); err != nil {
			return value.None, err
		}
		f.meter.Release(held)
		return op.of(&a, &b)
	}, nil
}

// touch notes that so many bytes are held for a moment.
func (r *run) touch(bytes uint64) error {
	if r.meter.Memory+bytes <= r.meter.MemoryPeak {
		return nil
	}
	return r.peak(bytes)
}

func (r *run) peak(bytes uint64) error {
	err := r.meter.Hold(bytes)
	r.meter.Release(bytes)
	return limit(err)
}
