package vm

import (
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// listBuiltins make lists.
var listBuiltins = map[string]builtin{
	"list":   {since: types.Clarity1, compile: compileList},
	"append": {since: types.Clarity1, compile: eager(appendElement)},
}

// compileList compiles list. Where analysis knows that the elements are numbers or booleans, the list's type is known as well.
func compileList(c *compiler, call *syntax.Expr) (code, error) {
	typ := c.typeOf(call)
	if typ != nil && (typ.Kind() != types.KindList || !isScalar(typ.Elem()) || int(typ.Len()) != len(args(call))) {
		typ = nil
	}
	return eager(func(f *frame, vs []value.Value) (value.Value, error) {
		n := uint64(0)
		for _, v := range vs {
			n += uint64(v.Size())
		}
		if err := f.charge(cost.ListCons, n); err != nil {
			return value.None, err
		}
		elems := make([]value.Value, len(vs))
		copy(elems, vs)
		if typ != nil {
			return value.ListOfUnchecked(typ, elems), nil
		}
		return f.list(elems)
	})(c, call)
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

// appendElement is append. Its list's type is one longer than the type that the list had, not than the list.
func appendElement(f *frame, vs []value.Value) (value.Value, error) {
	v, e := vs[0], vs[1]
	t := value.TypeOf(v)
	if err := f.charge(cost.Append, uint64(max(t.Elem().Size(), e.Size()))); err != nil {
		return value.None, err
	}
	if t.Elem().Kind() == types.KindNone {
		return f.list([]value.Value{e})
	}
	elem := t.Elem()
	if !value.Admits(elem, e) {
		var err error
		if elem, err = types.LeastSupertype(elem, value.TypeOf(e)); err != nil {
			return value.None, fault(Unchecked, "%v", err)
		}
	}
	longer, err := types.List(elem, t.Len()+1)
	if err != nil {
		return value.None, fault(Unchecked, "%v", err)
	}
	elems := make([]value.Value, v.Len()+1)
	copy(elems, v.Elems())
	elems[v.Len()] = f.tighten(elem, e)
	return value.ListOfUnchecked(longer, elems), nil
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
func shortened(v value.Value, most value.Uint128) (value.Value, error) {
	t := value.TypeOf(v)
	if !most.Less(value.U64(uint64(t.Len()))) {
		return v, nil
	}
	shorter, err := types.List(t.Elem(), uint32(most.Lo))
	if err != nil {
		return value.None, fault(Unchecked, "%v", err)
	}
	return value.ListOfUnchecked(shorter, v.Elems()), nil
}
