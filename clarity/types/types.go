// Package types has Clarity's types: their bounds, sizes, which admit which, and their text (SIP-002, SIP-015). It knows
// nothing of values, source text or checking, and imports only the standard library.
package types

import (
	"slices"
	"strings"
)

// Kind is the outermost constructor of a type.
type Kind uint8

// The kinds of type.
const (
	KindNone      Kind = iota // of what has no value: the inside of a bare none, the other side of a bare ok or err
	KindInt                   // 128 bits, signed
	KindUInt                  // 128 bits
	KindBool                  //
	KindPrincipal             // standard or of a contract
	KindBuffer                // at most Len bytes
	KindASCII                 // at most Len characters
	KindUTF8                  // at most Len code points
	KindList                  // at most Len elements of type Elem
	KindTuple                 // Fields, in the order of their names
	KindOptional              // Elem or none
	KindResponse              // ok Elem or err Err
	KindTrait                 // a contract known to implement Trait, as argument or constant
	KindContract              // a contract's principal written out in the source, which may become any trait that it implements
)

// TraitID names a trait: the contract that defines it (its printed principal), and its name there.
type TraitID struct{ Contract, Name string }

// Field is one field of a tuple.
type Field struct {
	Name string
	Type *Type
}

// Type is a type; it is immutable, so it is shared. Make one with the constructors, which hold it to the bounds.
type Type struct {
	kind   Kind
	depth  uint8
	kinds  uint16 // a bit for each kind that it is or has in it
	len    uint32
	size   uint32 // bytes that the greatest value counts for in costs
	tsize  uint32 // bytes that the type itself counts for
	names  uint32 // contracts and traits that a KindContract in it may be, which tsize does not count
	elem   *Type
	err    *Type
	fields []Field
	more   *named // of a KindTrait or a KindContract
}

// named is what only types of contracts have, kept apart so that the others are small.
type named struct {
	trait     TraitID
	contracts []string
}

// Kind returns the outermost constructor.
func (t *Type) Kind() Kind { return t.kind }

// Len is the most bytes, characters or elements of a sequence.
func (t *Type) Len() uint32 { return t.len }

// Elem is the type of a list's elements, of an optional's inside, of a response's ok.
func (t *Type) Elem() *Type { return t.elem }

// Err is the type of a response's err.
func (t *Type) Err() *Type { return t.err }

// Fields are a tuple's, in the order of their names. They must not be modified.
func (t *Type) Fields() []Field { return t.fields }

// Index is the place of a tuple's field in Fields, or -1.
func (t *Type) Index(name string) int {
	const few = 8 // up to which looking at each is quickest
	if len(t.fields) > few {
		i, ok := slices.BinarySearchFunc(t.fields, name, func(f Field, name string) int { return strings.Compare(f.Name, name) })
		if !ok {
			return -1
		}
		return i
	}
	for i := range t.fields {
		if t.fields[i].Name == name {
			return i
		}
	}
	return -1
}

// Field is the type of a tuple's field; ok is false if there is none of the name.
func (t *Type) Field(name string) (typ *Type, ok bool) {
	if i := t.Index(name); i >= 0 {
		return t.fields[i].Type, true
	}
	return nil, false
}

// Trait is the trait of a KindTrait.
func (t *Type) Trait() TraitID {
	if t.more == nil {
		return TraitID{}
	}
	return t.more.trait
}

// Contracts are what a KindContract was made of, in order: printed principals, more than one where several were written in
// one place, as in a list; a trait among them has its name after a second dot. They must not be modified.
func (t *Type) Contracts() []string {
	if t.more == nil {
		return nil
	}
	return t.more.contracts
}

// Has says whether the type is of a kind or has a part that is.
func (t *Type) Has(k Kind) bool { return t.kinds>>k&1 != 0 }

// Size is how many bytes the greatest value of the type counts for in costs and limits.
func (t *Type) Size() uint32 { return t.size }

// TypeSize is how many bytes the type itself counts for in the costs of analysis.
func (t *Type) TypeSize() uint32 { return t.tsize }

// Work is how many steps it takes to look through the type: TypeSize, and all the contracts that parts of it may be.
func (t *Type) Work() uint64 { return uint64(t.tsize) + uint64(t.names) }

// Depth is how deep the type nests, 1 for a scalar.
func (t *Type) Depth() int { return int(t.depth) }

// Equal says whether two types are the same.
func (t *Type) Equal(o *Type) bool {
	if t == o {
		return true
	}
	if t == nil || o == nil || t.kind != o.kind || t.len != o.len || t.size != o.size || t.tsize != o.tsize || len(t.fields) != len(o.fields) {
		return false
	}
	switch t.kind {
	case KindList, KindOptional:
		return t.elem.Equal(o.elem)
	case KindResponse:
		return t.elem.Equal(o.elem) && t.err.Equal(o.err)
	case KindTuple:
		for i := range t.fields {
			if t.fields[i].Name != o.fields[i].Name || !t.fields[i].Type.Equal(o.fields[i].Type) {
				return false
			}
		}
	case KindTrait:
		return t.more.trait == o.more.trait
	case KindContract:
		return slices.Equal(t.more.contracts, o.more.contracts)
	default: // the kind and what is held to be the same above say all
	}
	return true
}
