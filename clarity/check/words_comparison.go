package check

import (
	"funai/clarity/syntax"
	"funai/clarity/types"
)

var comparisonWords = map[string]word{
	"<":     plain(types.Clarity1, ordered),
	">":     plain(types.Clarity1, ordered),
	"<=":    plain(types.Clarity1, ordered),
	">=":    plain(types.Clarity1, ordered),
	"is-eq": {since: types.Clarity1, rule: equal},
}

// orderable are the types of what has an order; Clarity 1 orders only the first two.
var orderable = []*types.Type{types.Int, types.UInt, maxASCII, maxUTF8, maxBuffer}

// ordered takes two values of one type that has an order; strings and buffers may differ in length.
func ordered(c *checker, at *syntax.Expr, got []*types.Type) (*types.Type, error) {
	if err := c.count(at, len(got), 2); err != nil {
		return nil, err
	}
	a, b := got[0], got[1]
	among := orderable
	if c.o.Version == types.Clarity1 {
		among = intOrUInt
	}
	if err := c.among(argument(at, 0, 2), a, among); err != nil {
		return nil, err
	}
	if a.Kind() != b.Kind() {
		return nil, c.mismatch(argument(at, 1, 2), a, b)
	}
	return types.Bool, nil
}

// equal takes one value or more, of types that have a common one.
func equal(c *checker, call *syntax.Expr) (*types.Type, error) {
	if err := c.arityAtLeast(call, 1); err != nil {
		return nil, err
	}
	ts, err := c.exprs(args(call))
	if err != nil {
		return nil, err
	}
	common := ts[0]
	for i, t := range ts[1:] { // the order matters for tuples: the later's fields are asked for
		super, err := c.supertype(call, t, common, func() error { return c.mismatch(args(call)[i+1], common, t) })
		if err != nil {
			return nil, err
		}
		common = super
	}
	return types.Bool, nil
}
