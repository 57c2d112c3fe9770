package vm

import (
	"slices"

	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// sequenceBuiltins work on buffers, strings and lists alike.
var sequenceBuiltins = map[string]builtin{
	"concat":      {since: types.Clarity1, compile: eager(concat)},
	"as-max-len?": {since: types.Clarity1, compile: compileAsMaxLen},
	"len":         {since: types.Clarity1, compile: strict1(cost.Len, nil, length)},
	"element-at":  {since: types.Clarity1, compile: strict2(cost.ElementAt, nil, elementAt)},
	"element-at?": {since: types.Clarity2, compile: strict2(cost.ElementAt, nil, elementAt)},
	"index-of":    {since: types.Clarity1, compile: strict2(cost.IndexOf, encodedSizes, indexOf)},
	"index-of?":   {since: types.Clarity2, compile: strict2(cost.IndexOf, encodedSizes, indexOf)},
	"slice?":      {since: types.Clarity2, compile: compileSlice},
	"replace-at?": {since: types.Clarity2, compile: compileReplaceAt},
}

// encodedSizes is encodedSize of two.
func encodedSizes(a, b value.Value) (uint64, error) {
	return uint64(a.EncodedLen() + b.EncodedLen()), nil
}

// index is where an unsigned integer points to in a sequence of n elements, or is the place after the last; ok is false if
// it is beyond that.
func index(u value.Value, n int) (i int, ok bool) {
	lo, small := u.AsUInt().Uint64()
	if !small || lo > uint64(n) {
		return 0, false
	}
	return int(lo), true
}

func length(_ *frame, v value.Value) (value.Value, error) {
	return value.UInt64(uint64(v.Len())), nil
}

func elementAt(_ *frame, v, at value.Value) (value.Value, error) {
	i, ok := index(at, v.Len())
	if !ok || i == v.Len() {
		return value.None, nil
	}
	return value.Some(v.At(i)), nil
}

// indexOf finds the first element that is equal to one. An empty string or buffer is no element.
func indexOf(_ *frame, v, wanted value.Value) (value.Value, error) {
	at := -1
	switch v.Kind() {
	case value.KindList:
		at = slices.IndexFunc(v.Elems(), func(e value.Value) bool { return value.Equal(e, wanted) })
	case value.KindUTF8:
		if wanted.Len() == 1 {
			at = slices.Index(v.Runes(), wanted.Runes()[0])
		}
	default:
		if wanted.Len() == 1 {
			at = slices.Index(v.Octets(), wanted.Octets()[0])
		}
	}
	if at < 0 {
		return value.None, nil
	}
	return value.Some(value.UInt64(uint64(at))), nil
}

// concat joins two or more sequences of one kind. It costs by the elements of the whole.
func concat(f *frame, vs []value.Value) (value.Value, error) {
	n := 0
	for _, v := range vs {
		n += v.Len()
	}
	if err := f.charge(cost.Concat, uint64(n)); err != nil {
		return value.None, err
	}
	if vs[0].Kind() == value.KindList {
		return f.concatLists(vs, n)
	}
	return bounded(value.Concat(vs, n))
}

// bounded holds a value to the bounds of values.
func bounded(v value.Value) (value.Value, error) {
	if err := value.Check(v); err != nil {
		return value.None, fault(Unchecked, "%v", err)
	}
	return v, nil
}

// compileAsMaxLen compiles as-max-len?, whose second argument is a literal.
func compileAsMaxLen(c *compiler, call *syntax.Expr) (code, error) {
	lead := c.takeLead()
	if len(args(call)) != 2 || call.List[2].Kind != syntax.Literal {
		return nil, bug("as-max-len? without a length")
	}
	x, err := c.expr(call.List[1])
	if err != nil {
		return nil, err
	}
	price, err := c.runtime(cost.AsMaxLen, 0)
	if err != nil {
		return nil, err
	}
	most := call.List[2].Value
	var kept lists
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		v, err := x(f)
		if err != nil {
			return value.None, err
		}
		if err := f.meter.Run(price); err != nil {
			return value.None, limit(err)
		}
		if most.AsUInt().Less(value.U64(uint64(v.Len()))) {
			return value.None, nil
		}
		if v.Kind() == value.KindList {
			if v, err = kept.shortened(v, most.AsUInt()); err != nil {
				return value.None, err
			}
		}
		return value.Some(v), nil
	}, nil
}

// compileSlice compiles slice?, which costs nothing if there is no such part.
func compileSlice(c *compiler, call *syntax.Expr) (code, error) {
	lead := c.takeLead()
	if len(args(call)) != 3 {
		return nil, bug("slice? of %d arguments", len(args(call)))
	}
	x, err := c.expr(call.List[1])
	if err != nil {
		return nil, err
	}
	from, _, err := c.borrow(call.List[2])
	if err != nil {
		return nil, err
	}
	to, _, err := c.borrow(call.List[3])
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		v, err := x(f)
		if err != nil {
			return value.None, err
		}
		a, err := from(f)
		if err != nil {
			return value.None, err
		}
		b, err := to(f)
		if err != nil {
			return value.None, err
		}
		i, ok := index(a, v.Len())
		j, okay := index(b, v.Len())
		if !ok || !okay || i > j || i == v.Len() {
			return value.None, nil
		}
		if err := f.charge(cost.Slice, uint64(j-i)); err != nil {
			return value.None, err
		}
		s, err := f.slice(v, i, j)
		if err != nil {
			return value.None, err
		}
		return value.Some(s), nil
	}, nil
}

// slice is the part of a sequence from i up to j; it shares memory with the whole, but for a list of what may be tightened.
func (f *frame) slice(v value.Value, i, j int) (value.Value, error) {
	switch v.Kind() {
	case value.KindList:
		elems := v.Elems()[i:j:j]
		if elem := value.TypeOf(v).Elem(); isScalar(elem) && i < j {
			t, err := types.List(elem, uint32(j-i))
			if err != nil {
				return value.None, fault(Unchecked, "%v", err)
			}
			return value.ListOfUnchecked(t, elems), nil
		}
		for _, e := range elems {
			if err := f.toil(toilPerPart * parts(e)); err != nil {
				return value.None, err
			}
		}
		return f.list(slices.Clone(elems))
	case value.KindUTF8:
		return value.UTF8Runes(v.Runes()[i:j:j]), nil
	case value.KindASCII:
		return value.ASCIIBytes(v.Octets()[i:j:j]), nil
	default:
		return value.Buffer(v.Octets()[i:j:j]), nil
	}
}

// compileReplaceAt compiles replace-at?, which costs by the size of the sequence before the other arguments are evaluated.
func compileReplaceAt(c *compiler, call *syntax.Expr) (code, error) {
	lead := c.takeLead()
	if len(args(call)) != 3 {
		return nil, bug("replace-at? of %d arguments", len(args(call)))
	}
	x, err := c.expr(call.List[1])
	if err != nil {
		return nil, err
	}
	at, _, err := c.borrow(call.List[2])
	if err != nil {
		return nil, err
	}
	by, borrowed, err := c.borrow(call.List[3])
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		v, err := x(f)
		if err != nil {
			return value.None, err
		}
		if err := f.charge(cost.ReplaceAt, uint64(v.Size())); err != nil {
			return value.None, err
		}
		u, err := at(f)
		if err != nil {
			return value.None, err
		}
		e, err := by(f)
		if err != nil {
			return value.None, err
		}
		if v.Kind() == value.KindList { // even if there is nothing to replace
			if of := value.TypeOf(v).Elem(); of.Kind() != types.KindNone && !value.Admits(of, e) {
				return value.None, fault(Unchecked, "TypeValueError: %v among values of %v", e, of)
			}
		}
		i, ok := index(u, v.Len())
		if !ok || i == v.Len() {
			return value.None, nil
		}
		if borrowed {
			if err := f.charge(cost.LookupVariableSize, uint64(e.Size())); err != nil {
				return value.None, err
			}
		}
		w, err := replaced(v, i, e)
		if err != nil {
			return value.None, err
		}
		return value.Some(w), nil
	}, nil
}

// replaced is a sequence with another element at i.
func replaced(v value.Value, i int, e value.Value) (value.Value, error) {
	if v.Kind() == value.KindList {
		elems := slices.Clone(v.Elems())
		elems[i] = e // which is admitted: see compileReplaceAt
		return value.ListOfUnchecked(value.TypeOf(v), elems), nil
	}
	if e.Len() != 1 {
		return value.None, fault(Unchecked, "replacing one element by %d", e.Len())
	}
	if v.Kind() == value.KindUTF8 {
		r := slices.Clone(v.Runes())
		r[i] = e.Runes()[0]
		return value.UTF8Runes(r), nil
	}
	b := slices.Clone(v.Octets())
	b[i] = e.Octets()[0]
	if v.Kind() == value.KindASCII {
		return value.ASCIIBytes(b), nil
	}
	return value.Buffer(b), nil
}
