package vm

import (
	"funai/clarity/types"
	"funai/clarity/value"
)

// isCast says whether what is passed for a parameter of a type becomes another value: a contract an implementation of the
// trait, a tuple one of the type that was declared, a list one of the type that was declared for its elements.
func isCast(t *types.Type) bool {
	return holds(t, func(t *types.Type) bool {
		switch t.Kind() {
		case types.KindTrait, types.KindTuple:
			return true
		case types.KindList:
			return fixedSize(t.Elem()) == 0
		default:
			return false
		}
	})
}

// holds says whether something is true of a type or of one in it.
func holds(t *types.Type, is func(*types.Type) bool) bool {
	if is(t) {
		return true
	}
	switch t.Kind() {
	case types.KindList, types.KindOptional:
		return holds(t.Elem(), is)
	case types.KindResponse:
		return holds(t.Elem(), is) || holds(t.Err(), is)
	case types.KindTuple:
		for _, field := range t.Fields() {
			if holds(field.Type, is) {
				return true
			}
		}
	default: // holds no other
	}
	return false
}

// admits is value.Admits with any contract taken for a trait: whether it offers the trait's functions is found out when they
// are called.
func admits(t *types.Type, v value.Value) bool {
	if !t.Has(types.KindTrait) {
		return value.Admits(t, v)
	}
	switch {
	case t.Kind() == types.KindTrait:
		return (v.Kind() == value.KindPrincipal || v.Kind() == value.KindCallable) && v.AsPrincipal().IsContract()
	case v.Kind() == value.KindNone:
		return t.Kind() == types.KindOptional
	case v.Kind() == value.KindSome:
		return t.Kind() == types.KindOptional && admits(t.Elem(), v.Inner())
	case v.Kind() == value.KindOk:
		return t.Kind() == types.KindResponse && admits(t.Elem(), v.Inner())
	case v.Kind() == value.KindErr:
		return t.Kind() == types.KindResponse && admits(t.Err(), v.Inner())
	case v.Kind() == value.KindList && t.Kind() == types.KindList:
		for _, e := range v.Elems() {
			if !admits(t.Elem(), e) {
				return false
			}
		}
		return v.Len() <= int(t.Len())
	case v.Kind() == value.KindTuple && t.Kind() == types.KindTuple:
		fields := value.TypeOf(v).Fields()
		if len(fields) != len(t.Fields()) {
			return false
		}
		for i, field := range t.Fields() {
			if fields[i].Name != field.Name || !admits(field.Type, v.Values()[i]) {
				return false
			}
		}
		return true
	}
	return false
}
