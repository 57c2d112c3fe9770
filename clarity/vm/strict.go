package vm

import (
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/value"
)

// input is what a cost function is given for a native's arguments; nil stands for their number.
type input func(args []value.Value) (uint64, error)

// strict is a native that evaluates its arguments from left to right, each held in memory until it is done, then is
// charged, then applied. The arguments lie on the run's stack: apply must copy the slice if it keeps it.
func strict(charge cost.Function, n input, apply func(f *frame, args []value.Value) (value.Value, error)) func(*compiler, *syntax.Expr) (code, error) {
	return func(c *compiler, call *syntax.Expr) (code, error) {
		lead := c.takeLead()
		codes, err := c.exprs(args(call))
		if err != nil {
			return nil, err
		}
		pay, err := c.payment(charge, n, len(codes))
		if err != nil {
			return nil, err
		}
		return func(f *frame) (value.Value, error) {
			if err := f.meter.Run(lead); err != nil {
				return value.None, limit(err)
			}
			vs := f.push(len(codes))
			held := uint64(0)
			for i, x := range codes {
				v, err := x(f)
				if err != nil {
					return value.None, err
				}
				size := uint64(v.Size())
				if err := f.meter.Hold(size); err != nil {
					return value.None, limit(err)
				}
				held += size
				vs[i] = v
			}
			if err := pay(f, vs); err != nil {
				return value.None, err
			}
			out, err := apply(f, vs)
			f.meter.Release(held)
			f.pop(len(codes))
			return out, err
		}, nil
	}
}

// strict1 is strict for natives of one argument, and faster.
func strict1(charge cost.Function, n func(a value.Value) (uint64, error), apply func(f *frame, a value.Value) (value.Value, error)) func(*compiler, *syntax.Expr) (code, error) {
	return func(c *compiler, call *syntax.Expr) (code, error) {
		lead := c.takeLead()
		if len(args(call)) != 1 {
			return nil, bug("%s of %d arguments", call.List[0].Name, len(args(call)))
		}
		x, err := c.expr(call.List[1])
		if err != nil {
			return nil, err
		}
		price, err := c.price(charge, 1)
		if err != nil {
			return nil, err
		}
		fixed := n == nil && isRuntime(price)
		return func(f *frame) (value.Value, error) {
			if err := f.meter.Run(lead); err != nil {
				return value.None, limit(err)
			}
			a, err := x(f)
			if err != nil {
				return value.None, err
			}
			held := uint64(a.Size())
			if err := f.meter.Hold(held); err != nil {
				return value.None, limit(err)
			}
			if fixed {
				err = f.meter.Run(price.Runtime)
			} else {
				size := uint64(1)
				if n != nil {
					if size, err = n(a); err != nil {
						return value.None, err
					}
				}
				err = f.meter.Charge(charge, size)
			}
			if err != nil {
				return value.None, limit(err)
			}
			out, err := apply(f, a)
			f.meter.Release(held)
			return out, err
		}, nil
	}
}

// strict2 is strict for natives of two arguments, and faster.
func strict2(charge cost.Function, n func(a, b value.Value) (uint64, error), apply func(f *frame, a, b value.Value) (value.Value, error)) func(*compiler, *syntax.Expr) (code, error) {
	return func(c *compiler, call *syntax.Expr) (code, error) {
		lead := c.takeLead()
		if len(args(call)) != 2 {
			return nil, bug("%s of %d arguments", call.List[0].Name, len(args(call)))
		}
		x, err := c.expr(call.List[1])
		if err != nil {
			return nil, err
		}
		y, err := c.expr(call.List[2])
		if err != nil {
			return nil, err
		}
		price, err := c.price(charge, 2)
		if err != nil {
			return nil, err
		}
		fixed := n == nil && isRuntime(price)
		return func(f *frame) (value.Value, error) {
			if err := f.meter.Run(lead); err != nil {
				return value.None, limit(err)
			}
			a, err := x(f)
			if err != nil {
				return value.None, err
			}
			held := uint64(a.Size())
			if err := f.meter.Hold(held); err != nil {
				return value.None, limit(err)
			}
			b, err := y(f)
			if err != nil {
				return value.None, err
			}
			more := uint64(b.Size())
			if err := f.meter.Hold(more); err != nil {
				return value.None, limit(err)
			}
			if fixed {
				err = f.meter.Run(price.Runtime)
			} else {
				size := uint64(2)
				if n != nil {
					if size, err = n(a, b); err != nil {
						return value.None, err
					}
				}
				err = f.meter.Charge(charge, size)
			}
			if err != nil {
				return value.None, limit(err)
			}
			out, err := apply(f, a, b)
			f.meter.Release(held + more)
			return out, err
		}, nil
	}
}

// eager is a special form that evaluates its arguments from left to right without holding them, and charges by itself.
// The arguments lie on the run's stack: apply must copy the slice if it keeps it.
func eager(apply func(f *frame, args []value.Value) (value.Value, error)) func(*compiler, *syntax.Expr) (code, error) {
	return func(c *compiler, call *syntax.Expr) (code, error) {
		lead := c.takeLead()
		codes, err := c.exprs(args(call))
		if err != nil {
			return nil, err
		}
		return func(f *frame) (value.Value, error) {
			if err := f.meter.Run(lead); err != nil {
				return value.None, limit(err)
			}
			vs := f.push(len(codes))
			for i, x := range codes {
				v, err := x(f)
				if err != nil {
					return value.None, err
				}
				vs[i] = v
			}
			out, err := apply(f, vs)
			f.pop(len(codes))
			return out, err
		}, nil
	}
}

// takeLead returns the cost of finding the native that is being compiled, which the caller then must charge first of all.
func (c *compiler) takeLead() uint64 {
	lead := c.lead
	c.lead = 0
	return lead
}

// isRuntime says whether a cost has no dimension but time.
func isRuntime(c cost.Cost) bool { return c == cost.Cost{Runtime: c.Runtime} }

// payment returns what charges a native for its arguments.
func (c *compiler) payment(charge cost.Function, n input, count int) (func(f *frame, args []value.Value) error, error) {
	price, err := c.price(charge, uint64(count))
	if err != nil {
		return nil, err
	}
	switch {
	case n == nil && isRuntime(price):
		return func(f *frame, _ []value.Value) error { return limit(f.meter.Run(price.Runtime)) }, nil
	case n == nil:
		return func(f *frame, _ []value.Value) error { return limit(f.meter.Add(price)) }, nil
	}
	return func(f *frame, args []value.Value) error {
		size, err := n(args)
		if err != nil {
			return err
		}
		return f.charge(charge, size)
	}, nil
}

// charge charges a cost function for an input; the error is a RuntimeError.
func (r *run) charge(f cost.Function, n uint64) error { return limit(r.meter.Charge(f, n)) }
