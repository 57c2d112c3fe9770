package value

import (
	"bytes"
	"slices"
)

// Equal says whether two values are the same, as is-eq does: it asks what they hold, not which bounds their types have.
func Equal(a, b Value) bool {
	if a.kind != b.kind || a.num != b.num {
		return false
	}
	if a.ref == b.ref { // the same pointer, or both nil
		return true
	}
	switch x := a.ref.(type) {
	case *Value:
		y, ok := b.ref.(*Value)
		return ok && Equal(*x, *y)
	case *Principal:
		y, ok := b.ref.(*Principal)
		return ok && *x == *y
	case *Callable:
		y, ok := b.ref.(*Callable)
		return ok && *x == *y
	case *octets:
		y, ok := b.ref.(*octets)
		return ok && bytes.Equal(x.b, y.b)
	case *runes:
		y, ok := b.ref.(*runes)
		return ok && slices.Equal(x.r, y.r)
	case *list:
		y, ok := b.ref.(*list)
		return ok && slices.EqualFunc(x.elems, y.elems, Equal)
	case *tuple:
		y, ok := b.ref.(*tuple)
		return ok && sameNames(x, y) && slices.EqualFunc(x.values, y.values, Equal)
	}
	return false
}

func sameNames(x, y *tuple) bool {
	if x.typ == y.typ {
		return true
	}
	f, g := x.typ.Fields(), y.typ.Fields()
	if len(f) != len(g) {
		return false
	}
	for i := range f {
		if f[i].Name != g[i].Name {
			return false
		}
	}
	return true
}
