package types

import (
	"fmt"
	"slices"
)

// LeastSupertype is the smallest type that admits both a and b. But of two tuples it has the first one's fields, and only asks
// that the second has them too, as the reference implementation does: the order of the arguments counts. The error is an ErrNoSupertype, or, where the supertype
// breaks a bound that a and b do not, an ErrTooBig.
func LeastSupertype(a, b *Type) (*Type, error) {
	switch {
	case a == b || b.kind == KindNone:
		return a, nil
	case a.kind == KindNone:
		return b, nil
	case a.callable() && b.callable():
		if a.Equal(b) {
			return a, nil
		}
		return callable(union(a.callables(), b.callables())), nil
	case a.kind != b.kind:
		if Principal.Admits(a) && Principal.Admits(b) {
			return Principal, nil
		}
		return nil, fmt.Errorf("%w: %v and %v", ErrNoSupertype, a, b)
	}
	switch a.kind {
	case KindBuffer, KindASCII, KindUTF8:
		if a.len >= b.len {
			return a, nil
		}
		return b, nil
	case KindList:
		return listSupertype(a, b)
	case KindOptional:
		elem, err := LeastSupertype(a.elem, b.elem)
		if err != nil {
			return nil, err
		}
		return reuse(a, b, elem, nil, func() (*Type, error) { return Optional(elem) })
	case KindResponse:
		elem, err := LeastSupertype(a.elem, b.elem)
		if err != nil {
			return nil, err
		}
		e, err := LeastSupertype(a.err, b.err)
		if err != nil {
			return nil, err
		}
		return reuse(a, b, elem, e, func() (*Type, error) { return Response(elem, e) })
	case KindTuple:
		return tupleSupertype(a, b)
	default:
		return a, nil
	}
}

// callable says whether a type is of contracts, by name or by trait.
func (t *Type) callable() bool { return t.kind == KindContract || t.kind == KindTrait }

// callables are the contracts and traits that a callable type is of.
func (t *Type) callables() []string {
	if t.kind == KindTrait {
		return []string{t.more.trait.Contract + "." + t.more.trait.Name}
	}
	return t.more.contracts
}

// union merges two sorted lists of different strings, the second of which is often of one alone.
func union(a, b []string) []string {
	all := slices.Grow(slices.Clone(a), len(b))
	for _, s := range b {
		if i, ok := slices.BinarySearch(all, s); !ok {
			all = slices.Insert(all, i, s)
		}
	}
	return all
}

// reuse returns a or b if it has the parts already, else the other type.
func reuse(a, b, elem, err *Type, other func() (*Type, error)) (*Type, error) {
	switch {
	case a.elem == elem && a.err == err:
		return a, nil
	case b.elem == elem && b.err == err:
		return b, nil
	}
	return other()
}

// listSupertype does not ask what an empty list would hold.
func listSupertype(a, b *Type) (*Type, error) {
	if b.len == 0 {
		return a, nil
	}
	if a.len == 0 {
		return b, nil
	}
	elem, err := LeastSupertype(a.elem, b.elem)
	if err != nil {
		return nil, err
	}
	n := max(a.len, b.len)
	switch {
	case a.elem == elem && a.len == n:
		return a, nil
	case b.elem == elem && b.len == n:
		return b, nil
	}
	return List(elem, n)
}

// tupleSupertype has the fields of the first, of which the second must have each: it may have more, as in the reference
// implementation.
func tupleSupertype(a, b *Type) (*Type, error) {
	fields := make([]Field, len(a.fields))
	isA, isB := true, len(a.fields) == len(b.fields)
	for i, x := range a.fields {
		y, ok := b.Field(x.Name)
		if !ok {
			return nil, fmt.Errorf("%w: %v and %v", ErrNoSupertype, a, b)
		}
		t, err := LeastSupertype(x.Type, y)
		if err != nil {
			return nil, err
		}
		fields[i] = Field{x.Name, t}
		isA, isB = isA && t == x.Type, isB && t == y
	}
	switch {
	case isA:
		return a, nil
	case isB:
		return b, nil
	}
	return Tuple(fields)
}
