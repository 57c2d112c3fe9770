package value

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"funai/clarity/types"
)

// must fails the test on an error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

type draw = *rapid.T

// word64 likes edges.
func word64(t draw) uint64 {
	return rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 9), rapid.SampledFrom([]uint64{1 << 63, 1<<63 - 1, 1<<64 - 1, 1 << 32})).Draw(t, "word")
}

var uints = rapid.Custom(func(t draw) Uint128 { return Uint128{word64(t), word64(t)} })

var ints = rapid.Custom(func(t draw) Int128 { return Int128{word64(t), word64(t)} })

var names = rapid.StringMatching(`[a-zA-Z][a-zA-Z0-9?!<>=/*+_-]{0,11}`)

var principals = rapid.Custom(func(t draw) Principal {
	p := Principal{Version: rapid.ByteRange(0, 31).Draw(t, "version"), Hash: [20]byte(rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "hash"))}
	if rapid.Bool().Draw(t, "contract") {
		p.Contract = rapid.StringMatching(`[a-zA-Z][a-zA-Z0-9_-]{0,39}`).Draw(t, "name")
	}
	return p
})

// someTypes generates types that nest up to depth, of values that are small enough to be drawn.
func someTypes(depth int) *rapid.Generator[*types.Type] {
	return rapid.Custom(func(t draw) *types.Type {
		last := 11
		if depth <= 0 {
			last = 6
		}
		n := rapid.Uint32Range(0, 6).Draw(t, "len")
		switch rapid.IntRange(0, last).Draw(t, "kind") {
		case 0:
			return types.Int
		case 1:
			return types.UInt
		case 2:
			return types.Bool
		case 3:
			return types.Principal
		case 4:
			return types.MustBuffer(n)
		case 5:
			return types.MustASCII(n)
		case 6:
			return types.MustUTF8(n)
		case 7, 8:
			return types.MustList(someTypes(depth-1).Draw(t, "elem"), n)
		case 9:
			return types.MustOptional(someTypes(depth-1).Draw(t, "inside"))
		case 10:
			return types.MustResponse(someTypes(depth-1).Draw(t, "ok"), someTypes(depth-1).Draw(t, "err"))
		}
		var fields []types.Field
		for _, name := range rapid.SliceOfNDistinct(names, 1, 4, rapid.ID[string]).Draw(t, "names") {
			fields = append(fields, types.Field{Name: name, Type: someTypes(depth-1).Draw(t, "field")})
		}
		return types.MustTuple(fields...)
	})
}

// drawValue draws a value of a type, as the storage would give it.
func drawValue(t draw, typ *types.Type) Value {
	n := int(rapid.Uint32Range(0, typ.Len()).Draw(t, "n"))
	switch typ.Kind() {
	case types.KindInt:
		return Int(ints.Draw(t, "int"))
	case types.KindUInt:
		return UInt(uints.Draw(t, "uint"))
	case types.KindBool:
		return Bool(rapid.Bool().Draw(t, "bool"))
	case types.KindPrincipal:
		return OfPrincipal(principals.Draw(t, "principal"))
	case types.KindBuffer:
		return Buffer(rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "buffer"))
	case types.KindASCII:
		return ASCIIBytes(rapid.SliceOfN(rapid.Byte().Filter(ValidASCII), n, n).Draw(t, "ascii"))
	case types.KindUTF8:
		return UTF8Runes(rapid.SliceOfN(rapid.Rune().Filter(utf8.ValidRune), n, n).Draw(t, "utf8"))
	case types.KindList:
		elems := make([]Value, n)
		for i := range elems {
			elems[i] = drawValue(t, typ.Elem())
		}
		return ListOfUnchecked(typ, elems)
	case types.KindTuple:
		values := make([]Value, len(typ.Fields()))
		for i, f := range typ.Fields() {
			values[i] = drawValue(t, f.Type)
		}
		return TupleOf(typ, values)
	case types.KindOptional:
		if rapid.Bool().Draw(t, "some") {
			return Some(drawValue(t, typ.Elem()))
		}
		return None
	default:
		if rapid.Bool().Draw(t, "ok") {
			return Ok(drawValue(t, typ.Elem()))
		}
		return Err(drawValue(t, typ.Err()))
	}
}

// typed is a value with the type that it was drawn of.
type typed struct {
	t *types.Type
	v Value
}

var values = rapid.Custom(func(t draw) typed {
	typ := someTypes(3).Draw(t, "type")
	return typed{typ, drawValue(t, typ)}
})
