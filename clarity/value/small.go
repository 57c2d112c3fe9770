package value

import "funai/clarity/types"

// Small values are one object, with what they hold behind the head, so that making one asks for memory once.
type (
	octets32 struct {
		octets
		room [32]byte
	}
	octets104 struct {
		octets
		room [104]byte
	}
	tuple2 struct {
		tuple
		room [2]Value
	}
	tuple3 struct {
		tuple
		room [3]Value
	}
	tuple4 struct {
		tuple
		room [4]Value
	}
	tuple8 struct {
		tuple
		room [8]Value
	}
	list2 struct {
		list
		room [2]Value
	}
	list4 struct {
		list
		room [4]Value
	}
)

// newOctets returns room for n bytes.
func newOctets(n int) *octets {
	switch {
	case n <= 32:
		o := new(octets32)
		o.b = o.room[:n:n]
		return &o.octets
	case n <= 104:
		o := new(octets104)
		o.b = o.room[:n:n]
		return &o.octets
	default:
		return &octets{make([]byte, n)}
	}
}

// BufferCopy is Buffer of a copy of the bytes.
func BufferCopy(b []byte) Value {
	o := newOctets(len(b))
	copy(o.b, b)
	return Value{kind: KindBuffer, ref: o}
}

// TupleCopy is TupleOf with a copy of the values.
func TupleCopy(t *types.Type, values []Value) Value {
	n := len(values)
	var p *tuple
	switch {
	case n <= 2:
		s := new(tuple2)
		p, s.values = &s.tuple, s.room[:n:n]
	case n == 3:
		s := new(tuple3)
		p, s.values = &s.tuple, s.room[:]
	case n == 4:
		s := new(tuple4)
		p, s.values = &s.tuple, s.room[:]
	case n <= 8:
		s := new(tuple8)
		p, s.values = &s.tuple, s.room[:n:n]
	default:
		p = &tuple{values: make([]Value, n)}
	}
	p.typ = t
	copy(p.values, values)
	return Value{kind: KindTuple, ref: p}
}

// ListCopy is ListOfUnchecked with a copy of the elements.
func ListCopy(t *types.Type, elems []Value) Value {
	n := len(elems)
	var p *list
	switch {
	case n <= 2:
		s := new(list2)
		p, s.elems = &s.list, s.room[:n:n]
	case n <= 4:
		s := new(list4)
		p, s.elems = &s.list, s.room[:n:n]
	default:
		p = &list{elems: make([]Value, n)}
	}
	p.typ = t
	copy(p.elems, elems)
	return Value{kind: KindList, ref: p}
}
