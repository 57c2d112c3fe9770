package value

import "funai/clarity/types"

// TypeOf returns the type of a value: the least for all but lists and tuples, which carry the type that they were made with.
func TypeOf(v Value) *types.Type {
	switch v.kind {
	case KindNone:
		return noneType
	case KindSome:
		return wrapped(types.Optional(TypeOf(v.Inner())))
	case KindOk:
		return wrapped(types.Response(TypeOf(v.Inner()), types.None))
	case KindErr:
		return wrapped(types.Response(types.None, TypeOf(v.Inner())))
	case KindInt:
		return types.Int
	case KindUInt:
		return types.UInt
	case KindBool:
		return types.Bool
	case KindPrincipal:
		return types.Principal
	case KindBuffer:
		return wrapped(types.Buffer(uint32(v.Len())))
	case KindASCII:
		return wrapped(types.ASCII(uint32(v.Len())))
	case KindUTF8:
		return wrapped(types.UTF8(uint32(v.Len())))
	case KindCallable:
		c, _ := v.AsCallable()
		if c.Trait == (types.TraitID{}) {
			return types.ContractLiteral(c.Principal.String())
		}
		return types.Trait(c.Trait)
	default:
		return v.carried()
	}
}

var noneType = types.MustOptional(types.None)

// carried is the type that a list or a tuple was made with.
func (v Value) carried() *types.Type {
	switch r := v.ref.(type) {
	case *list:
		return r.typ
	case *tuple:
		return r.typ
	}
	return types.None
}

// wrapped drops an error that says that a value breaks a bound, which Check is there to find before the value is used.
func wrapped(t *types.Type, err error) *types.Type {
	if err != nil {
		return types.None
	}
	return t
}

// Check says whether a value is within the bounds of values. Lists and tuples are, or they could not have been made; Buffer,
// the strings, Some, Ok and Err do not check, and whoever makes one of what may be too big or too deep asks Check.
func Check(v Value) error {
	switch v.ref.(type) {
	case *Value, *octets, *runes:
		_, err := check(v)
		return err
	}
	return nil
}

func check(v Value) (t *types.Type, err error) {
	switch v.kind {
	case KindSome, KindOk, KindErr:
		if t, err = check(v.Inner()); err != nil {
			return nil, err
		}
		switch v.kind {
		case KindSome:
			return types.Optional(t)
		case KindOk:
			return types.Response(t, types.None)
		default:
			return types.Response(types.None, t)
		}
	case KindBuffer:
		return types.Buffer(uint32(v.Len()))
	case KindASCII:
		return types.ASCII(uint32(v.Len()))
	case KindUTF8:
		return types.UTF8(uint32(v.Len()))
	default:
		return TypeOf(v), nil
	}
}

// fixedSizes are the sizes of the kinds whose values all count for the same; 0 stands for the others.
var fixedSizes = [KindCallable + 1]uint32{
	KindInt: types.Int.Size(), KindUInt: types.UInt.Size(), KindBool: types.Bool.Size(), KindPrincipal: types.Principal.Size(),
}

// Size is how many bytes the value counts for in costs: the size of its type.
func (v Value) Size() uint32 {
	if size := fixedSizes[v.kind]; size != 0 {
		return size
	}
	return v.variableSize()
}

func (v Value) variableSize() uint32 {
	size := uint32(0)
	for {
		switch v.kind {
		case KindSome, KindOk, KindErr:
			size++
			v = v.Inner()
			continue
		case KindNone:
			return size + noneType.Size()
		case KindInt, KindUInt, KindBool, KindPrincipal:
			return size + fixedSizes[v.kind]
		case KindBuffer, KindASCII:
			return size + 4 + uint32(v.Len())
		case KindUTF8:
			return size + 4 + 4*uint32(v.Len())
		default:
			return size + TypeOf(v).Size()
		}
	}
}

// Admits says whether a value is of a type.
func Admits(t *types.Type, v Value) bool {
	switch v.kind {
	case KindNone:
		return t.Kind() == types.KindOptional
	case KindSome:
		return t.Kind() == types.KindOptional && Admits(t.Elem(), v.Inner())
	case KindOk:
		return t.Kind() == types.KindResponse && Admits(t.Elem(), v.Inner())
	case KindErr:
		return t.Kind() == types.KindResponse && Admits(t.Err(), v.Inner())
	case KindBuffer:
		return t.Kind() == types.KindBuffer && v.Len() <= int(t.Len())
	case KindASCII:
		return t.Kind() == types.KindASCII && v.Len() <= int(t.Len())
	case KindUTF8:
		return t.Kind() == types.KindUTF8 && v.Len() <= int(t.Len())
	default:
		return t.Admits(TypeOf(v))
	}
}

// isOf says whether t is exactly the type of v. It makes no types.
func isOf(t *types.Type, v Value) bool {
	switch v.kind {
	case KindNone:
		return t.Equal(noneType)
	case KindSome:
		return t.Kind() == types.KindOptional && isOf(t.Elem(), v.Inner())
	case KindOk:
		return t.Kind() == types.KindResponse && t.Err() == types.None && isOf(t.Elem(), v.Inner())
	case KindErr:
		return t.Kind() == types.KindResponse && t.Elem() == types.None && isOf(t.Err(), v.Inner())
	case KindBuffer:
		return t.Kind() == types.KindBuffer && v.Len() == int(t.Len())
	case KindASCII:
		return t.Kind() == types.KindASCII && v.Len() == int(t.Len())
	case KindUTF8:
		return t.Kind() == types.KindUTF8 && v.Len() == int(t.Len())
	default:
		return t.Equal(TypeOf(v))
	}
}
