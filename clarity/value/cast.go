package value

import (
	"slices"

	"funai/clarity/types"
)

// Cast returns a value, which t admits, as the parameter of type t of a function holds it: tuples are of the type that t
// says, and so are a list's elements, though not its length; a contract is an implementation of the trait that t says. A
// value that is so already is returned as it is.
func Cast(t *types.Type, v Value) Value {
	v, _ = cast(t, v)
	return v
}

func cast(t *types.Type, v Value) (c Value, changed bool) {
	switch r := v.ref.(type) {
	case *Value:
		inside := t.Elem()
		if v.kind == KindErr {
			inside = t.Err()
		}
		if inside == nil {
			return v, false
		}
		if inner, changed := cast(inside, *r); changed {
			return Value{kind: v.kind, ref: &inner}, true
		}
	case *list:
		if t.Kind() == types.KindList {
			return castList(t, v, r)
		}
	case *tuple:
		if t.Kind() == types.KindTuple {
			return castTuple(t, v, r)
		}
	case *Principal:
		if t.Kind() == types.KindTrait {
			return OfCallable(Callable{*r, t.Trait()}), true
		}
	case *Callable:
		if t.Kind() == types.KindTrait && r.Trait != t.Trait() {
			return OfCallable(Callable{r.Principal, t.Trait()}), true
		}
	}
	return v, false
}

func castList(t *types.Type, v Value, r *list) (Value, bool) {
	elems, changed := r.elems, false
	if k := t.Elem().Kind(); k >= types.KindList { // the others are as they are
		for i, e := range r.elems {
			c, is := cast(t.Elem(), e)
			if !is {
				continue
			}
			if !changed {
				elems, changed = slices.Clone(elems), true
			}
			elems[i] = c
		}
	}
	if !changed && r.typ.Elem().Equal(t.Elem()) {
		return v, false
	}
	typ, err := types.List(t.Elem(), r.typ.Len())
	if err != nil {
		return v, false // cannot be: t admits the list, so the type is no greater than t
	}
	return ListOfUnchecked(typ, elems), true
}

func castTuple(t *types.Type, v Value, r *tuple) (Value, bool) {
	values, changed := r.values, false
	for i, f := range t.Fields() {
		if i >= len(values) {
			return v, false
		}
		c, is := cast(f.Type, r.values[i])
		if !is {
			continue
		}
		if !changed {
			values, changed = slices.Clone(values), true
		}
		values[i] = c
	}
	if !changed && r.typ.Equal(t) {
		return v, false
	}
	return TupleOf(t, values), true
}
