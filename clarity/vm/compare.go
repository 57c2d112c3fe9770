package vm

import (
	"bytes"
	"slices"

	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// compareBuiltins ask how values compare.
var compareBuiltins = map[string]builtin{
	"<":     {since: types.Clarity1, compile: comparison(cost.Le, outcomes{true, false, false})},
	"<=":    {since: types.Clarity1, compile: comparison(cost.Leq, outcomes{true, true, false})},
	">":     {since: types.Clarity1, compile: comparison(cost.Ge, outcomes{false, false, true})},
	">=":    {since: types.Clarity1, compile: comparison(cost.Geq, outcomes{false, true, true})},
	"is-eq": {since: types.Clarity1, compile: compileIsEq},
	"not": {since: types.Clarity1, compile: strict1(cost.Not, nil, func(_ *frame, a value.Value) (value.Value, error) {
		return value.Bool(!a.IsTrue()), nil
	})},
}

// encodedSize is the input of cost functions that go by how long the arguments' encodings are.
func encodedSize(vs []value.Value) (uint64, error) {
	n := 0
	for _, v := range vs {
		n += v.EncodedLen()
	}
	return uint64(n), nil
}

// compileIsEq compiles is-eq, of two values in the quicker way.
func compileIsEq(c *compiler, call *syntax.Expr) (code, error) {
	if len(args(call)) == 2 {
		return strict2(cost.Eq, encodedSizes, func(_ *frame, a, b value.Value) (value.Value, error) {
			return value.Bool(value.Equal(a, b)), nil
		})(c, call)
	}
	return strict(cost.Eq, encodedSize, func(_ *frame, vs []value.Value) (value.Value, error) {
		for _, v := range vs[1:] {
			if !value.Equal(vs[0], v) {
				return value.False, nil
			}
		}
		return value.True, nil
	})(c, call)
}

// order compares two values of one kind that has an order: integers by what they count, all else by bytes, or code
// points, from the first; a beginning is less than the whole.
func order(a, b value.Value) int {
	switch a.Kind() {
	case value.KindInt:
		return a.AsInt().Cmp(b.AsInt())
	case value.KindUInt:
		return a.AsUInt().Cmp(b.AsUInt())
	case value.KindUTF8:
		return slices.Compare(a.Runes(), b.Runes())
	default:
		return bytes.Compare(a.Octets(), b.Octets())
	}
}

// outcomes says of what order a comparison holds: less, equal, greater.
type outcomes [3]bool

// comparison compiles a comparison. It costs by the number of arguments in Clarity 1, and else by the lesser's size.
func comparison(charge cost.Function, holds outcomes) func(*compiler, *syntax.Expr) (code, error) {
	return func(c *compiler, call *syntax.Expr) (code, error) {
		lead := c.takeLead()
		if len(args(call)) != 2 {
			return nil, bug("%s of %d arguments", call.List[0].Name, len(args(call)))
		}
		x, err := c.argument(call.List[1], true)
		if err != nil {
			return nil, err
		}
		y, err := c.argument(call.List[2], true)
		if err != nil {
			return nil, err
		}
		bySize, n := c.version >= types.Clarity2, uint64(2)
		if bySize {
			n = held
		}
		price, err := c.runtime(charge, n) // of integers
		if err != nil {
			return nil, err
		}
		lead += x.price
		price += y.price // which is 0 if y is no integer
		return func(f *frame) (value.Value, error) {
			if err := f.meter.Run(lead); err != nil {
				return value.None, limit(err)
			}
			var a, b value.Value
			var err error
			if x.run == nil {
				a = *x.at(f)
			} else if a, err = x.run(f); err != nil {
				return value.None, err
			}
			if y.run == nil {
				b = *y.at(f)
			} else if b, err = y.run(f); err != nil {
				return value.None, err
			}
			if k := a.Kind(); bySize && k != value.KindInt && k != value.KindUInt {
				err = f.meter.Charge(charge, uint64(min(a.Size(), b.Size())))
			} else {
				err = f.meter.Run(price)
			}
			if err != nil {
				return value.None, limit(err)
			}
			return value.Bool(holds[1+order(a, b)]), nil
		}, nil
	}
}
