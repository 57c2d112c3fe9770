package diff

import (
	"fmt"
	"strings"

	"funai/clarity/types"
)

var lengths = []uint32{0, 1, 1, 2, 3, 4, 8, 20, 32, 33, 40, 64, 65, 128}

// anyType is a random type that can be written, with no more than depth types around a simple one.
func (g *generator) anyType(depth int) *types.Type {
	if g.one(12) {
		return pick(g, fixedTypes)
	}
	n := g.rand.IntN(24)
	if depth <= 0 {
		n %= 14
	}
	switch {
	case n < 4:
		return types.Int
	case n < 8:
		return types.UInt
	case n < 10:
		return types.Bool
	case n < 11:
		return types.Principal
	case n < 12:
		return types.MustBuffer(pick(g, lengths[1:]))
	case n < 13:
		return types.MustASCII(pick(g, lengths[1:]))
	case n < 14:
		return types.MustUTF8(pick(g, lengths[1:]))
	case n < 17:
		return types.MustList(g.anyType(depth-1), uint32(1+g.rand.IntN(6)))
	case n < 20:
		fields := make([]types.Field, 1+g.rand.IntN(3))
		for i := range fields {
			fields[i] = types.Field{Name: string(rune('a' + i)), Type: g.anyType(depth - 1)}
			if i == 0 && g.one(4) {
				fields[i].Name = "amount"
			}
		}
		return types.MustTuple(fields...)
	case n < 22:
		return types.MustOptional(g.anyType(depth - 1))
	default:
		return types.MustResponse(g.anyType(depth-1), g.anyType(depth-1))
	}
}

// typeText is a type as a contract writes it.
func typeText(t *types.Type) string {
	switch t.Kind() {
	case types.KindBuffer:
		return fmt.Sprintf("(buff %d)", t.Len())
	case types.KindASCII:
		return fmt.Sprintf("(string-ascii %d)", t.Len())
	case types.KindUTF8:
		return fmt.Sprintf("(string-utf8 %d)", t.Len())
	case types.KindList:
		return fmt.Sprintf("(list %d %s)", t.Len(), typeText(t.Elem()))
	case types.KindOptional:
		return "(optional " + typeText(t.Elem()) + ")"
	case types.KindResponse:
		return "(response " + typeText(t.Elem()) + " " + typeText(t.Err()) + ")"
	case types.KindTuple:
		var b strings.Builder
		for i, f := range t.Fields() {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(f.Name + ": " + typeText(f.Type))
		}
		return "{" + b.String() + "}"
	default:
		return t.String()
	}
}

// isResponse says whether values of a type must be looked at.
func isResponse(t *types.Type) bool { return t.Kind() == types.KindResponse }
