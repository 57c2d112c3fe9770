package value

import (
	"slices"

	"funai/clarity/types"
)

// Tighten returns the same value with the least types: a list's is of as many elements as it has, of the least supertype of
// what they are; a tuple's is of its values' types. Since epoch 2.4 that is what becomes of what a call of another contract
// answers; a value's size, and so its cost, shows it. A value that has the least types already is returned as it is.
func Tighten(v Value) Value {
	v, _ = tighten(nil, v)
	return v
}

// TightenTo is Tighten of a value that gets a place of type t, without the fields that tuples have beyond those of t: the
// supertype of two tuples has the fields of the first, so the second may bring more. Since epoch 2.4 that is what becomes of
// an element of a list that is made or appended to.
func TightenTo(t *types.Type, v Value) Value {
	v, _ = tighten(t, v)
	return v
}

// ListTight is List with the elements tightened after their types have made the list's, as the reference implementation has
// it since epoch 2.4. It may write to elems.
func ListTight(elems []Value) (Value, error) {
	v, err := List(elems)
	if err != nil {
		return None, err
	}
	t := v.carried().Elem()
	for i, e := range elems {
		if c, changed := tighten(t, e); changed {
			elems[i] = c
		}
	}
	return v, nil
}

// tighten holds v to t unless that is nil.
func tighten(t *types.Type, v Value) (tight Value, changed bool) {
	switch r := v.ref.(type) {
	case *Value:
		var inside *types.Type
		if t != nil {
			if inside = t.Elem(); v.kind == KindErr {
				inside = t.Err()
			}
		}
		if inner, changed := tighten(inside, *r); changed {
			return Value{kind: v.kind, ref: &inner}, true
		}
	case *list:
		return tightenList(t, v, r)
	case *tuple:
		return tightenTuple(t, v, r)
	}
	return v, false
}

func tightenList(t *types.Type, v Value, r *list) (Value, bool) {
	k := r.typ.Elem().Kind()
	if k > types.KindNone && k <= types.KindPrincipal && len(r.elems) > 0 && int(r.typ.Len()) == len(r.elems) {
		return v, false
	}
	var inside *types.Type
	if t != nil {
		inside = t.Elem()
	}
	elems, changed := r.elems, false
	for i, e := range r.elems {
		c, is := tighten(inside, e)
		if !is {
			continue
		}
		if !changed {
			elems, changed = slices.Clone(elems), true
		}
		elems[i] = c
	}
	elem, err := supertype(elems)
	if err != nil || !changed && int(r.typ.Len()) == len(elems) && elem.Equal(r.typ.Elem()) {
		return v, false // the error cannot be: the elements had a supertype that was wider
	}
	typ, err := types.List(elem, uint32(len(elems)))
	if err != nil {
		return v, false // nor this one: the type is no greater than r.typ
	}
	return ListOfUnchecked(typ, elems), true
}

func tightenTuple(t *types.Type, v Value, r *tuple) (Value, bool) {
	values, fields, changed := r.values, r.typ.Fields(), false
	if t != nil && t.Kind() == types.KindTuple && len(t.Fields()) < len(fields) {
		fields, values, changed = project(t, r), nil, true
		for _, f := range fields {
			values = append(values, r.values[r.typ.Index(f.Name)])
		}
	}
	fresh := changed // values are ours to write
	for i, f := range fields {
		var inside *types.Type
		if t != nil {
			inside, _ = t.Field(f.Name)
		}
		c, is := tighten(inside, values[i])
		if !is {
			continue
		}
		if !fresh {
			values, fresh = slices.Clone(values), true
		}
		values[i], changed = c, true
	}
	if !changed && allOf(r.typ, values) {
		return v, false
	}
	fields = slices.Clone(fields)
	for i := range fields {
		fields[i].Type = TypeOf(values[i])
	}
	typ, err := types.Tuple(fields)
	if err != nil {
		return v, false // cannot be: the type is no greater than r.typ
	}
	return TupleOf(typ, values), true
}

// project returns the fields of r that t has too.
func project(t *types.Type, r *tuple) (fields []types.Field) {
	for _, f := range r.typ.Fields() {
		if _, ok := t.Field(f.Name); ok {
			fields = append(fields, f)
		}
	}
	return fields
}
