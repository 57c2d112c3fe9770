package check

import (
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// sequenceWords are the functions of lists, buffers and strings that apply no other function.
var sequenceWords = map[string]word{
	"append":      {since: types.Clarity1, rule: appended},
	"concat":      {since: types.Clarity1, rule: concatenated},
	"as-max-len?": {since: types.Clarity1, rule: shortened},
	"len":         {since: types.Clarity1, rule: length},
	"element-at":  {since: types.Clarity1, rule: elementAt},
	"element-at?": {since: types.Clarity2, rule: elementAt},
	"index-of":    {since: types.Clarity1, rule: indexOf},
	"index-of?":   {since: types.Clarity2, rule: indexOf},
	"slice?":      {since: types.Clarity2, rule: sliced},
	"replace-at?": {since: types.Clarity2, rule: replaced},
}

func isSequence(t *types.Type) bool {
	k := t.Kind()
	return k == types.KindList || k == types.KindBuffer || k == types.KindASCII || k == types.KindUTF8
}

// sequenceOf finds the type of an expression that must be a sequence.
func (c *checker) sequenceOf(e *syntax.Expr) (*types.Type, error) {
	t, err := c.expr(e)
	if err != nil {
		return nil, err
	}
	return t, c.holdSequence(e, t)
}

func (c *checker) holdSequence(e *syntax.Expr, t *types.Type) error {
	if isSequence(t) {
		return nil
	}
	return c.fail(e, ExpectedSequence, "expecting a list, a buffer or a string, found '%s'", t)
}

// resized is a sequence's type at another length.
func resized(t *types.Type, n uint32) (*types.Type, error) {
	switch t.Kind() {
	case types.KindBuffer:
		return types.Buffer(n)
	case types.KindASCII:
		return types.ASCII(n)
	case types.KindUTF8:
		return types.UTF8(n)
	default:
		return types.List(t.Elem(), n)
	}
}

// unit is the type of one element of a sequence: of a buffer or a string, a sequence of length 1.
func unit(t *types.Type) *types.Type {
	switch t.Kind() {
	case types.KindBuffer:
		return buff1
	case types.KindASCII:
		return ascii1
	case types.KindUTF8:
		return utf81
	default:
		return t.Elem()
	}
}

// expectElement holds an expression to be an element of a sequence. Nothing is one of the empty list.
func (c *checker) expectElement(e *syntax.Expr, seq *types.Type) error {
	elem := unit(seq)
	if elem.Kind() != types.KindNone {
		return c.expect(e, elem)
	}
	if _, err := c.expr(e); err != nil {
		return err
	}
	return c.fail(e, Undetermined, "type of the list's elements cannot be determined")
}

// longer adds lengths; a sum that no type can have stays one.
func longer(a, b uint32) uint32 {
	if sum := a + b; sum >= a {
		return sum
	}
	return ^uint32(0)
}

func appended(c *checker, call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 2); err != nil {
		return nil, err
	}
	list, err := c.expr(args(call)[0])
	if err != nil {
		return nil, err
	}
	if list.Kind() != types.KindList {
		return nil, c.fail(args(call)[0], ExpectedList, "expecting a list, found '%s'", list)
	}
	elem, err := c.expr(args(call)[1])
	if err != nil {
		return nil, err
	}
	common, err := c.supertype(call, list.Elem(), elem, func() error { return c.mismatch(args(call)[1], list.Elem(), elem) })
	if err != nil {
		return nil, err
	}
	return c.made(call)(types.List(common, longer(list.Len(), 1)))
}

// concatenated takes two sequences, since Clarity 6 two or more.
func concatenated(c *checker, call *syntax.Expr) (*types.Type, error) {
	if c.o.Version < types.Clarity6 {
		if err := c.arity(call, 2); err != nil {
			return nil, err
		}
	} else if err := c.arityAtLeast(call, 2); err != nil {
		return nil, err
	}
	sum, err := c.expr(args(call)[0])
	if err != nil {
		return nil, err
	}
	for _, e := range args(call)[1:] {
		next, err := c.expr(e)
		if err != nil {
			return nil, err
		}
		if sum, err = c.joined(call, e, sum, next); err != nil {
			return nil, err
		}
	}
	return sum, nil
}

func (c *checker) joined(call, e *syntax.Expr, a, b *types.Type) (*types.Type, error) {
	if !isSequence(a) || !isSequence(b) {
		if isSequence(a) {
			a = b
		}
		return nil, c.holdSequence(e, a)
	}
	if a.Kind() != b.Kind() {
		return nil, c.mismatch(e, a, b)
	}
	n := longer(a.Len(), b.Len())
	if a.Kind() != types.KindList {
		return c.made(call)(resized(a, n))
	}
	elem, err := c.supertype(call, a.Elem(), b.Elem(), func() error { return c.mismatch(e, a.Elem(), b.Elem()) })
	if err != nil {
		return nil, err
	}
	return c.made(call)(types.List(elem, n))
}

// shortened holds the length to a literal uint, which is part of the result's type.
func shortened(c *checker, call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 2); err != nil {
		return nil, err
	}
	n := args(call)[1]
	if n.Kind != syntax.Literal || n.Value.Kind() != value.KindUInt {
		t, err := c.expr(n)
		if err != nil {
			return nil, err
		}
		return nil, c.advise(n, TypeMismatch, "write the length out as a number, such as u10", "expecting expression of type '%s', found '%s'", types.UInt, t)
	}
	c.record(n, types.UInt)
	limit := n.Value.AsUInt()
	if limit.Hi != 0 || limit.Lo > 1<<32-1 {
		return nil, c.fail(n, OutOfBounds, "length %s exceeds %d", n.Value, uint32(1<<32-1))
	}
	seq, err := c.sequenceOf(args(call)[0])
	if err != nil {
		return nil, err
	}
	t, err := c.made(call)(resized(seq, uint32(limit.Lo)))
	if err != nil {
		return nil, err
	}
	return types.LooseOptional(t), nil
}

func length(c *checker, call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 1); err != nil {
		return nil, err
	}
	if _, err := c.sequenceOf(args(call)[0]); err != nil {
		return nil, err
	}
	return types.UInt, nil
}

func elementAt(c *checker, call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 2); err != nil {
		return nil, err
	}
	if err := c.expect(args(call)[1], types.UInt); err != nil {
		return nil, err
	}
	seq, err := c.sequenceOf(args(call)[0])
	if err != nil {
		return nil, err
	}
	elem := unit(seq)
	return c.optional(call, elem)
}

func indexOf(c *checker, call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 2); err != nil {
		return nil, err
	}
	seq, err := c.sequenceOf(args(call)[0])
	if err != nil {
		return nil, err
	}
	if err := c.expectElement(args(call)[1], seq); err != nil {
		return nil, err
	}
	return optionalUInt, nil
}

func sliced(c *checker, call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 3); err != nil {
		return nil, err
	}
	seq, err := c.sequenceOf(args(call)[0])
	if err != nil {
		return nil, err
	}
	for _, e := range args(call)[1:] {
		if err := c.expect(e, types.UInt); err != nil {
			return nil, err
		}
	}
	return c.optional(call, seq)
}

func replaced(c *checker, call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 3); err != nil {
		return nil, err
	}
	seq, err := c.sequenceOf(args(call)[0])
	if err != nil {
		return nil, err
	}
	if err := c.expect(args(call)[1], types.UInt); err != nil {
		return nil, err
	}
	if err := c.expectElement(args(call)[2], seq); err != nil {
		return nil, err
	}
	return c.optional(call, seq)
}
