package vm

import (
	"slices"
	"sync/atomic"

	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// listBuiltins make lists.
var listBuiltins = map[string]builtin{
	"list":   {since: types.Clarity1, compile: compileList},
	"append": {since: types.Clarity1, compile: compileAppend},
}

// compileList compiles list. Where analysis knows that the elements are numbers or booleans, the list's type is known as well.
func compileList(c *compiler, call *syntax.Expr) (code, error) {
	typ := c.typeOf(call)
	if typ != nil && (typ.Kind() != types.KindList || !isScalar(typ.Elem()) || int(typ.Len()) != len(args(call))) {
		typ = nil
	}
	if x, ok, err := c.literals(call, typ); ok || err != nil {
		return x, err
	}
	return eager(func(f *frame, vs []value.Value) (value.Value, error) {
		n := uint64(0)
		for _, v := range vs {
			n += uint64(v.Size())
		}
		if err := f.charge(cost.ListCons, n); err != nil {
			return value.None, err
		}
		if typ != nil {
			return value.ListCopy(typ, vs), nil
		}
		return f.list(slices.Clone(vs))
	})(c, call)
}

// literals compiles a list of literals, which is made once. Of a type that is not nil it is known to be. If anything but a
// list could come of it, ok is false.
func (c *compiler) literals(call *syntax.Expr, typ *types.Type) (x code, ok bool, err error) {
	elems, n := make([]value.Value, len(args(call))), uint64(0)
	for i, e := range args(call) {
		if e.ID < 0 || e.Kind != syntax.Literal {
			return nil, false, nil
		}
		elems[i] = e.Value
		n += uint64(e.Value.Size())
	}
	v, ok := c.listed(typ, elems)
	if !ok {
		return nil, false, nil
	}
	lead := c.takeLead()
	price, err := c.runtime(cost.ListCons, n)
	if err != nil {
		return nil, false, err
	}
	price += lead
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(price); err != nil {
			return value.None, limit(err)
		}
		return v, nil
	}, true, nil
}

// listed is the list of elements, of a type that is known unless it is nil; ok is false if there is none.
func (c *compiler) listed(typ *types.Type, elems []value.Value) (v value.Value, ok bool) {
	if typ != nil {
		return value.ListOfUnchecked(typ, elems), true
	}
	v, err := (&frame{run: &run{epoch: c.epoch}}).list(elems)
	return v, err == nil
}

// isScalar says whether all values of a type have exactly that type.
func isScalar(t *types.Type) bool {
	k := t.Kind()
	return k == types.KindInt || k == types.KindUInt || k == types.KindBool
}

// list makes a list of just the elements. It keeps them, and since epoch 2.4 gives those that are lists and tuples, and what
// they hold, the least types that they can have, so that what the list says of its elements is all that is left of wider types.
func (f *frame) list(elems []value.Value) (v value.Value, err error) {
	if f.epoch < types.Epoch24 {
		v, err = value.List(elems)
	} else {
		v, err = value.ListTight(elems)
	}
	if err != nil {
		return value.None, fault(Unchecked, "%v", err)
	}
	return v, nil
}

// tighten is a value on its way into a list whose elements are of type t: see list.
func (f *frame) tighten(t *types.Type, v value.Value) value.Value {
	if f.epoch < types.Epoch24 {
		return v
	}
	return value.TightenTo(t, v)
}

// lists remembers the type of lists that one place in a contract made last, which is what it will make next more often than
// not.
type lists struct{ last atomic.Pointer[types.Type] }

// of is types.List, as a fault.
func (l *lists) of(elem *types.Type, n uint32) (*types.Type, error) {
	if t := l.last.Load(); t != nil && t.Elem() == elem && t.Len() == n {
		return t, nil
	}
	t, err := types.List(elem, n)
	if err != nil {
		return nil, fault(Unchecked, "%v", err)
	}
	l.last.Store(t)
	return t, nil
}

// compileAppend compiles append.
func compileAppend(c *compiler, call *syntax.Expr) (code, error) {
	return eager(new(lists).append)(c, call)
}

// append is append. Its list's type is one longer than the type that the list had, not than the list.
func (l *lists) append(f *frame, vs []value.Value) (value.Value, error) {
	v, e := vs[0], vs[1]
	t := value.TypeOf(v)
	elem := t.Elem()
	if err := f.charge(cost.Append, uint64(max(elem.Size(), e.Size()))); err != nil {
		return value.None, err
	}
	if elem.Kind() == types.KindNone {
		return f.list([]value.Value{e})
	}
	if !value.Admits(elem, e) {
		var err error
		if elem, err = types.LeastSupertype(elem, value.TypeOf(e)); err != nil {
			return value.None, fault(Unchecked, "%v", err)
		}
	}
	longer, err := l.of(elem, t.Len()+1)
	if err != nil {
		return value.None, err
	}
	return value.Append(longer, v, f.tighten(elem, e)), nil
}

// concatLists joins lists of n elements in all. The type is as long as theirs together.
func (f *frame) concatLists(vs []value.Value, n int) (value.Value, error) {
	t := value.TypeOf(vs[0])
	elems := append(make([]value.Value, 0, n), vs[0].Elems()...)
	for _, v := range vs[1:] {
		u := value.TypeOf(v)
		elem, err := types.LeastSupertype(t.Elem(), u.Elem())
		if err != nil {
			return value.None, fault(Unchecked, "%v", err)
		}
		if t, err = types.List(elem, t.Len()+u.Len()); err != nil {
			return value.None, fault(Unchecked, "%v", err)
		}
		for _, e := range v.Elems() {
			elems = append(elems, f.tighten(elem, e))
		}
	}
	return value.ListOfUnchecked(t, elems), nil
}

// shortened is a list whose type is no longer than most, which is not less than its length.
func (l *lists) shortened(v value.Value, most value.Uint128) (value.Value, error) {
	t := value.TypeOf(v)
	if !most.Less(value.U64(uint64(t.Len()))) {
		return v, nil
	}
	shorter, err := l.of(t.Elem(), uint32(most.Lo))
	if err != nil {
		return value.None, err
	}
	return value.ListOfUnchecked(shorter, v.Elems()), nil
}
