// Package value has Clarity's values: making them, reading them, their consensus encoding (SIP-005), their printed form,
// and 128-bit arithmetic. A value is bounded as its type is: at most types.MaxValueSize bytes, types.MaxDepth deep. The
// package imports types and addresses (key/c32), and nothing of source text or of a chain.
package value

import (
	"sync/atomic"

	"funai/clarity/types"
)

// Kind is what a value is.
type Kind uint8

// The kinds of value. The zero Value is none.
const (
	KindNone Kind = iota
	KindSome
	KindOk
	KindErr
	KindInt
	KindUInt
	KindBool
	KindPrincipal // standard or of a contract
	KindBuffer
	KindASCII
	KindUTF8
	KindList
	KindTuple
	KindCallable // a contract's principal that is known as an implementation of a trait
)

// Value is a value. It is immutable and cheap to copy: integers and booleans are held in it, all else is shared.
type Value struct {
	num  Uint128 // of an integer, in two's complement if signed; of a boolean
	ref  any     // nil, or one of the pointers below
	kind Kind
}

// Kind returns what the value is.
func (v Value) Kind() Kind { return v.kind }

// Callable is a contract as an implementation of a trait.
type Callable struct {
	Principal Principal
	Trait     types.TraitID // zero if none is known yet
}

type list struct {
	typ   *types.Type // KindList; its Len is at least the number of elements
	elems []Value
	taken *atomic.Int64 // how much of what lies behind elems is in use, by this and by longer lists; see Append
}

type tuple struct {
	typ    *types.Type // KindTuple; fields in the order of their names
	values []Value     // in the same order
}

// None is the empty optional.
var None Value

// Bool returns a boolean.
func Bool(b bool) Value {
	v := Value{kind: KindBool}
	if b {
		v.num.Lo = 1
	}
	return v
}

// True and False are the booleans.
var (
	True  = Bool(true)
	False = Bool(false)
)

// Int returns a signed integer.
func Int(i Int128) Value { return Value{kind: KindInt, num: Uint128(i)} }

// UInt returns an unsigned integer.
func UInt(u Uint128) Value { return Value{kind: KindUInt, num: u} }

// Int64 returns a signed integer.
func Int64(i int64) Value { return Int(Int128{Hi: uint64(i >> 63), Lo: uint64(i)}) }

// UInt64 returns an unsigned integer.
func UInt64(u uint64) Value { return UInt(Uint128{Lo: u}) }

// Some wraps a value in an optional.
func Some(v Value) Value { return Value{kind: KindSome, ref: shared(v)} }

// Ok is a successful response.
func Ok(v Value) Value { return Value{kind: KindOk, ref: shared(v)} }

// Err is a failed response.
func Err(v Value) Value { return Value{kind: KindErr, ref: shared(v)} }

// often is what responses hold most often.
var often = [...]Value{Bool(false), Bool(true), None}

// shared is a place that holds v, one for all who hold what is held often.
func shared(v Value) *Value {
	switch v.kind {
	case KindBool:
		return &often[v.num.Lo&1]
	case KindNone:
		return &often[2]
	default:
	}
	p := new(Value)
	*p = v
	return p
}

// AsInt returns a KindInt.
func (v Value) AsInt() Int128 { return Int128(v.num) }

// AsUInt returns a KindUInt.
func (v Value) AsUInt() Uint128 { return v.num }

// IsTrue says whether the value is true.
func (v Value) IsTrue() bool { return v.kind == KindBool && v.num.Lo != 0 }

// Inner returns what a some, an ok or an err holds.
func (v Value) Inner() Value {
	if p, ok := v.ref.(*Value); ok {
		return *p
	}
	return None
}

// OfPrincipal returns a principal as a value.
func OfPrincipal(p Principal) Value { return Value{kind: KindPrincipal, ref: &p} }

// OfCallable returns a contract as an implementation of a trait.
func OfCallable(c Callable) Value { return Value{kind: KindCallable, ref: &c} }

// AsPrincipal returns the principal of a KindPrincipal or a KindCallable.
func (v Value) AsPrincipal() Principal {
	switch p := v.ref.(type) {
	case *Principal:
		return *p
	case *Callable:
		return p.Principal
	}
	return Principal{}
}

// AsCallable returns a KindCallable; ok is false for all else.
func (v Value) AsCallable() (c Callable, ok bool) {
	if p, is := v.ref.(*Callable); is {
		return *p, true
	}
	return c, false
}

type octets struct{ b []byte }

type runes struct{ r []rune }

// Octets returns the bytes of a KindBuffer or a KindASCII. They must not be modified.
func (v Value) Octets() []byte {
	if o, ok := v.ref.(*octets); ok {
		return o.b
	}
	return nil
}

// Runes returns the code points of a KindUTF8. They must not be modified.
func (v Value) Runes() []rune {
	if r, ok := v.ref.(*runes); ok {
		return r.r
	}
	return nil
}

// Elems returns the elements of a KindList. They must not be modified.
func (v Value) Elems() []Value {
	if l, ok := v.ref.(*list); ok {
		return l.elems[:len(l.elems):len(l.elems)]
	}
	return nil
}

// Len is how many bytes, characters, code points or elements a sequence has.
func (v Value) Len() int {
	switch r := v.ref.(type) {
	case *octets:
		return len(r.b)
	case *runes:
		return len(r.r)
	case *list:
		return len(r.elems)
	}
	return 0
}
