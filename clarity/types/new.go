package types

import (
	"cmp"
	"fmt"
	"slices"
)

// Bounds of types and of values.
const (
	MaxValueSize = 1 << 20 // bytes that one value may count for
	MaxDepth     = 32      // how deep a type may nest
)

// What the reference implementation counts for things of one size, in bytes.
const (
	sizeInt       = 16
	sizePrincipal = 148 // version and hash, and a contract's name at its longest
	sizeTrait     = 276 // a principal and a trait's name at its longest
	sizeLength    = 4   // of a sequence
	sizeWrapper   = 1   // of an optional or a response
	sizeField     = 2   // of a tuple's field, besides its name and what it holds
)

// The types that have no parts. None is the type of what has no value: of the inside of a bare none.
var (
	None      = &Type{kind: KindNone, kinds: 1 << KindNone, size: 1, tsize: 1, depth: 1}
	Int       = &Type{kind: KindInt, kinds: 1 << KindInt, size: sizeInt, tsize: 1, depth: 1}
	UInt      = &Type{kind: KindUInt, kinds: 1 << KindUInt, size: sizeInt, tsize: 1, depth: 1}
	Bool      = &Type{kind: KindBool, kinds: 1 << KindBool, size: 1, tsize: 1, depth: 1}
	Principal = &Type{kind: KindPrincipal, kinds: 1 << KindPrincipal, size: sizePrincipal, tsize: 1, depth: 1}
)

// common holds the short sequences ready, so that asking for the type of a short value makes nothing.
var common = func() (c [3][129]*Type) {
	for i := range c {
		for n := range c[i] {
			c[i][n] = sequence(KindBuffer+Kind(i), uint32(n))
		}
	}
	return c
}()

func sequence(k Kind, n uint32) *Type {
	size := sizeLength + n
	if k == KindUTF8 {
		size = sizeLength + 4*n
	}
	return &Type{kind: k, kinds: 1 << k, len: n, size: size, tsize: 1 + sizeLength, depth: 1}
}

func bounded(k Kind, n uint32) (*Type, error) {
	if n < uint32(len(common[0])) {
		return common[k-KindBuffer][n], nil
	}
	limit := uint32(MaxValueSize)
	if k == KindUTF8 {
		limit = MaxValueSize / 4
	}
	if n > limit {
		return nil, fmt.Errorf("%w: %s of %d is longer than %d", ErrTooBig, words[k], n, limit)
	}
	return sequence(k, n), nil
}

// Buffer is the type of at most n bytes.
func Buffer(n uint32) (*Type, error) { return bounded(KindBuffer, n) }

// ASCII is the type of strings of at most n characters.
func ASCII(n uint32) (*Type, error) { return bounded(KindASCII, n) }

// UTF8 is the type of strings of at most n code points.
func UTF8(n uint32) (*Type, error) { return bounded(KindUTF8, n) }

// List is the type of lists of at most n elements.
func List(elem *Type, n uint32) (*Type, error) {
	if elem == nil {
		return nil, fmt.Errorf("%w: list", ErrNoType)
	}
	if n < uint32(len(commonLists[0])) {
		for i, scalar := range scalars {
			if elem == scalar {
				return commonLists[i][n], nil
			}
		}
	}
	return list(elem, n)
}

// commonLists holds the short lists of scalars ready, as common does sequences.
var (
	scalars     = [...]*Type{Int, UInt, Bool, Principal}
	commonLists = func() (c [len(scalars)][129]*Type) {
		for i := range c {
			for n := range c[i] {
				c[i][n] = must(list(scalars[i], uint32(n)))
			}
		}
		return c
	}()
)

func list(elem *Type, n uint32) (*Type, error) {
	tsize := uint64(elem.tsize) + 1 + sizeLength
	return build(Type{kind: KindList, elem: elem, len: n}, uint64(elem.size)*uint64(n)+tsize, tsize, elem.depth)
}

// Optional is the type of t or none.
func Optional(t *Type) (*Type, error) {
	if t == nil {
		return nil, fmt.Errorf("%w: optional", ErrNoType)
	}
	return build(Type{kind: KindOptional, elem: t}, uint64(t.size)+sizeWrapper, uint64(t.tsize)+1, t.depth)
}

// LooseOptional is Optional without the bound on size, which the reference implementation does not hold what as-max-len?
// answers to: the longest buffer in an optional is a type there, although no value of it can be made.
func LooseOptional(t *Type) *Type {
	return &Type{kind: KindOptional, kinds: t.kinds | 1<<KindOptional, elem: t, size: t.size + sizeWrapper, tsize: t.tsize + 1, depth: t.depth + 1, names: t.names}
}

// Response is the type of ok or err.
func Response(ok, err *Type) (*Type, error) {
	if ok == nil || err == nil {
		return nil, fmt.Errorf("%w: response", ErrNoType)
	}
	return build(Type{kind: KindResponse, elem: ok, err: err}, uint64(max(ok.size, err.size))+sizeWrapper,
		uint64(ok.tsize)+uint64(err.tsize)+1, max(ok.depth, err.depth))
}

// Tuple is the type of records. It sorts a copy of the fields by name.
func Tuple(fields []Field) (*Type, error) {
	if len(fields) == 0 {
		return nil, ErrNoFields
	}
	fields = slices.Clone(fields)
	slices.SortFunc(fields, func(a, b Field) int { return cmp.Compare(a.Name, b.Name) })
	size, tsize, depth := uint64(0), uint64(0), uint8(0)
	for i, f := range fields {
		if f.Type == nil {
			return nil, fmt.Errorf("%w: field %q", ErrNoType, f.Name)
		}
		if i > 0 && fields[i-1].Name == f.Name {
			return nil, fmt.Errorf("%w: %q", ErrFieldTwice, f.Name)
		}
		size += uint64(f.Type.size) + uint64(len(f.Name)) + sizeField
		tsize += uint64(f.Type.tsize) + uint64(len(f.Name)) + sizeField
		depth = max(depth, f.Type.depth)
	}
	return build(Type{kind: KindTuple, fields: fields}, size+tsize, tsize, depth)
}

// build holds a type made of others to the bounds.
func build(t Type, size, tsize uint64, inside uint8) (*Type, error) {
	if size > MaxValueSize {
		return nil, fmt.Errorf("%w: %s of %d bytes exceeds %d", ErrTooBig, words[t.kind], size, MaxValueSize)
	}
	if tsize > MaxValueSize { // responses in responses double it at each level without growing the values
		return nil, fmt.Errorf("%w: the description of a %s takes %d bytes and exceeds %d", ErrTooBig, words[t.kind], tsize, MaxValueSize)
	}
	if inside+1 > MaxDepth {
		return nil, fmt.Errorf("%w: %s at depth %d exceeds %d", ErrTooDeep, words[t.kind], inside+1, MaxDepth)
	}
	t.size, t.tsize, t.depth = uint32(size), uint32(tsize), inside+1
	t.kinds = 1 << t.kind
	names := uint64(0)
	for _, part := range [...]*Type{t.elem, t.err} {
		if part != nil {
			names += uint64(part.names)
			t.kinds |= part.kinds
		}
	}
	for _, f := range t.fields {
		names += uint64(f.Type.names)
		t.kinds |= f.Type.kinds
	}
	t.names = uint32(min(names, 1<<32-1))
	return &t, nil
}

// Trait is the type of contracts that implement a trait.
func Trait(id TraitID) *Type {
	return &Type{kind: KindTrait, kinds: 1 << KindTrait, size: sizeTrait, tsize: 1, depth: 1, more: &named{trait: id}}
}

// ContractLiteral is the type of a contract written out in the source, by its printed principal. Of several it is the type of
// what is one of them; a trait among them is written as the contract that defines it, a dot, and its name there.
func ContractLiteral(contract string, or ...string) *Type {
	c := append([]string{contract}, or...)
	slices.Sort(c)
	return callable(slices.Compact(c))
}

// callable is ContractLiteral of names that are sorted and different.
func callable(contracts []string) *Type {
	return &Type{kind: KindContract, kinds: 1 << KindContract, size: sizePrincipal, tsize: 1, depth: 1, names: uint32(len(contracts)), more: &named{contracts: contracts}}
}

// must is for types that the program itself spells out: an error is a mistake in its source, never in a contract.
func must(t *Type, err error) *Type {
	if err != nil {
		panic("types: " + err.Error())
	}
	return t
}

// MustBuffer is Buffer for a constant n.
func MustBuffer(n uint32) *Type { return must(Buffer(n)) }

// MustASCII is ASCII for a constant n.
func MustASCII(n uint32) *Type { return must(ASCII(n)) }

// MustUTF8 is UTF8 for a constant n.
func MustUTF8(n uint32) *Type { return must(UTF8(n)) }

// MustList is List for constant arguments.
func MustList(elem *Type, n uint32) *Type { return must(List(elem, n)) }

// MustOptional is Optional for a constant t.
func MustOptional(t *Type) *Type { return must(Optional(t)) }

// MustResponse is Response for constant arguments.
func MustResponse(ok, err *Type) *Type { return must(Response(ok, err)) }

// MustTuple is Tuple for constant fields.
func MustTuple(fields ...Field) *Type { return must(Tuple(fields)) }
