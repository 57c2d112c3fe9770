package value

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"funai/clarity/types"
)

// The rules that making a value can break, besides those of types.
var (
	ErrNotAdmitted = errors.New("value is not of the type")
	ErrTooMany     = errors.New("list has too many elements")
	ErrFieldName   = errors.New("not a name of a field")
)

// Buffer returns bytes as a value, which keeps them.
func Buffer(b []byte) Value { return Value{kind: KindBuffer, ref: &octets{b}} }

// ASCII returns a string-ascii. The caller answers for every byte being one of ASCII's.
func ASCII(s string) Value { return ASCIIBytes([]byte(s)) }

// ASCIIBytes is ASCII of bytes, which the value keeps.
func ASCIIBytes(b []byte) Value { return Value{kind: KindASCII, ref: &octets{b}} }

// UTF8 returns a string-utf8. What is not UTF-8 in s becomes U+FFFD.
func UTF8(s string) Value { return UTF8Runes([]rune(s)) }

// UTF8Runes returns code points as a value, which keeps them.
func UTF8Runes(r []rune) Value { return Value{kind: KindUTF8, ref: &runes{r}} }

// List returns a list of exactly the elements, which it keeps. Its type is the least that admits them all; the error is one
// of types, where there is none or it breaks a bound.
func List(elems []Value) (Value, error) {
	elem, err := supertype(elems)
	if err != nil {
		return None, err
	}
	t, err := types.List(elem, uint32(len(elems)))
	if err != nil {
		return None, err
	}
	return ListOfUnchecked(t, elems), nil
}

// supertype is the least type that admits all the values.
func supertype(values []Value) (*types.Type, error) {
	elem := types.None
	for _, v := range values {
		if elem != types.None && Admits(elem, v) {
			continue
		}
		t, err := check(v)
		if err != nil {
			return nil, err
		}
		if elem, err = types.LeastSupertype(elem, t); err != nil {
			return nil, err
		}
	}
	return elem, nil
}

// ListOf returns a list of a given type; it keeps the elements. The error is an ErrNotAdmitted or an ErrTooMany.
func ListOf(t *types.Type, elems []Value) (Value, error) {
	if t.Kind() != types.KindList {
		return None, fmt.Errorf("%w: list is no %v", ErrNotAdmitted, t)
	}
	if len(elems) > int(t.Len()) {
		return None, fmt.Errorf("%w: %d of at most %d", ErrTooMany, len(elems), t.Len())
	}
	for _, v := range elems {
		if !Admits(t.Elem(), v) {
			return None, fmt.Errorf("%w: %v is no %v", ErrNotAdmitted, v, t.Elem())
		}
	}
	return ListOfUnchecked(t, elems), nil
}

// ListOfUnchecked is ListOf where the caller knows that t is a list type and admits the elements, as when they come from
// another list of the type.
func ListOfUnchecked(t *types.Type, elems []Value) Value {
	return Value{kind: KindList, ref: &list{typ: t, elems: elems}}
}

// Field is a tuple's field.
type Field struct {
	Name  string
	Value Value
}

// Tuple returns a tuple of fields in any order. The error is one of types or an ErrFieldName.
func Tuple(fields ...Field) (Value, error) { return tupleLike(nil, slices.Clone(fields)) }

// tupleLike is Tuple of fields that it may put in order. It takes the type like, if there is one and it is the tuple's.
func tupleLike(like *types.Type, fields []Field) (Value, error) {
	slices.SortFunc(fields, func(a, b Field) int { return cmp.Compare(a.Name, b.Name) })
	vs := make([]Value, len(fields))
	same := like != nil && len(like.Fields()) == len(fields)
	for i, f := range fields {
		if !ValidName(f.Name) {
			return None, fmt.Errorf("%w: %.60q", ErrFieldName, f.Name)
		}
		vs[i] = f.Value
		same = same && like.Fields()[i].Name == f.Name
	}
	if same && allOf(like, vs) {
		return TupleOf(like, vs), nil
	}
	ts := make([]types.Field, len(fields))
	for i, f := range fields {
		t, err := check(f.Value)
		if err != nil {
			return None, err
		}
		ts[i] = types.Field{Name: f.Name, Type: t}
	}
	t, err := types.Tuple(ts)
	if err != nil {
		return None, err
	}
	return TupleOf(t, vs), nil
}

// TupleOf returns a tuple of a type, with its values in the order of the type's fields; it keeps them. The caller answers
// for their being admitted.
func TupleOf(t *types.Type, values []Value) Value {
	return Value{kind: KindTuple, ref: &tuple{t, values}}
}

// Shape makes tuples with the same names again and again. It remembers the last tuple's type, so that the next one of the
// same type costs no more than its values. It may be used by several goroutines.
type Shape struct {
	names []string // sorted
	last  atomic.Pointer[types.Type]
}

// NewShape returns the shape of tuples with some names. The errors are those of Tuple.
func NewShape(names ...string) (*Shape, error) {
	s := &Shape{names: slices.Clone(names)}
	slices.Sort(s.names)
	for i, n := range s.names {
		if !ValidName(n) {
			return nil, fmt.Errorf("%w: %.60q", ErrFieldName, n)
		}
		if i > 0 && s.names[i-1] == n {
			return nil, fmt.Errorf("%w: %q", types.ErrFieldTwice, n)
		}
	}
	if len(names) == 0 {
		return nil, types.ErrNoFields
	}
	return s, nil
}

// Names are the shape's names, sorted. They must not be modified.
func (s *Shape) Names() []string { return s.names }

// Tuple returns the tuple of the values, which are in the order of Names. The error is one of types.
func (s *Shape) Tuple(values []Value) (Value, error) {
	if len(values) != len(s.names) {
		return None, fmt.Errorf("%w: %d values for %d fields", ErrNotAdmitted, len(values), len(s.names))
	}
	if t := s.last.Load(); t != nil && allOf(t, values) {
		return TupleCopy(t, values), nil
	}
	fields := make([]types.Field, len(values))
	for i, v := range values {
		t, err := check(v)
		if err != nil {
			return None, err
		}
		fields[i] = types.Field{Name: s.names[i], Type: t}
	}
	t, err := types.Tuple(fields)
	if err != nil {
		return None, err
	}
	s.last.Store(t)
	return TupleCopy(t, values), nil
}

func allOf(t *types.Type, values []Value) bool {
	for i, f := range t.Fields() {
		if !isOf(f.Type, values[i]) {
			return false
		}
	}
	return true
}

// Field is the value of a tuple's field; ok is false if there is none of the name.
func (v Value) Field(name string) (field Value, ok bool) {
	if t, is := v.ref.(*tuple); is {
		if i := t.typ.Index(name); i >= 0 {
			return t.values[i], true
		}
	}
	return None, false
}

// Values are a tuple's, in the order of its type's fields. They must not be modified.
func (v Value) Values() []Value {
	if t, ok := v.ref.(*tuple); ok {
		return t.values
	}
	return nil
}
