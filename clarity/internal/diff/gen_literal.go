package diff

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"funai/clarity/types"
)

const (
	maxInt  = "170141183460469231731687303715884105727"
	minInt  = "-170141183460469231731687303715884105728"
	maxUint = "340282366920938463463374607431768211455"
)

// literal is a value of a type as the source or a wallet writes it, often one at a bound.
func (g *generator) literal(t *types.Type) string {
	switch t.Kind() {
	case types.KindInt:
		switch g.rand.IntN(10) {
		case 0:
			return pick(g, []string{maxInt, minInt, "-" + maxInt, "0", "-1"})
		case 1:
			n := new(big.Int).Lsh(big.NewInt(1), uint(g.rand.IntN(127)))
			return n.Add(n, big.NewInt(int64(g.rand.IntN(3)-1))).String()
		case 2:
			return strconv.Itoa(-g.rand.IntN(1000))
		default:
			return strconv.Itoa(g.rand.IntN(9) - 1)
		}
	case types.KindUInt:
		switch g.rand.IntN(10) {
		case 0:
			return "u" + pick(g, []string{maxUint, "0", "1", maxInt})
		case 1:
			n := new(big.Int).Lsh(big.NewInt(1), uint(g.rand.IntN(128)))
			return "u" + n.Sub(n, big.NewInt(int64(g.rand.IntN(2)))).String()
		default:
			return "u" + strconv.Itoa(g.rand.IntN(9))
		}
	case types.KindBool:
		return pick(g, []string{"true", "false"})
	case types.KindPrincipal, types.KindContract, types.KindTrait:
		return g.principal()
	case types.KindBuffer:
		var b strings.Builder
		b.WriteString("0x")
		for range g.length(t) {
			fmt.Fprintf(&b, "%02x", byte(g.rand.Uint32()>>(g.rand.IntN(2)*6+18)))
		}
		return b.String()
	case types.KindASCII:
		return `"` + g.characters(g.length(t), []string{"a", "b", "0", "7", "-", " ", "Z", `\"`, `\\`, `\n`}) + `"`
	case types.KindUTF8:
		return `u"` + g.characters(g.length(t), []string{"a", "b", "1", "9", `\u{e9}`, `\u{1f600}`, `\n`, `\u{0}`}) + `"`
	case types.KindList:
		var elems []string
		for range g.length(t) {
			elems = append(elems, g.literal(t.Elem()))
		}
		return call("list", elems...)
	case types.KindTuple:
		return g.tuple(t, g.literal)
	case types.KindOptional:
		if g.one(4) {
			return "none"
		}
		return call("some", g.literal(t.Elem()))
	default: // response
		if g.one(3) {
			return call("err", g.literal(t.Err()))
		}
		return call("ok", g.literal(t.Elem()))
	}
}

// length is that of a sequence: 0, all that there may be, or one between.
func (g *generator) length(t *types.Type) int {
	n := int(t.Len())
	switch {
	case g.one(6) && (g.vague || t.Kind() != types.KindList):
		return 0
	case g.one(3):
		return n
	default:
		return min(n, 1+g.rand.IntN(3))
	}
}

func (g *generator) characters(n int, of []string) string {
	var b strings.Builder
	for range n {
		b.WriteString(pick(g, of))
	}
	return b.String()
}

func (g *generator) tuple(t *types.Type, value func(*types.Type) string) string {
	var fields []string
	for _, f := range t.Fields() {
		fields = append(fields, f.Name+": "+value(f.Type))
	}
	g.rand.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	return "{" + strings.Join(fields, ", ") + "}"
}

func (g *generator) principal() string {
	who := g.people[g.rand.IntN(len(g.people))].String()
	switch g.rand.IntN(8) {
	case 0, 1:
		return "'" + who + ".c" + strconv.Itoa(g.rand.IntN(3))
	case 2:
		return pick(g, []string{"'SP000000000000000000002Q6VF78", "'ST000000000000000000002AMW42H", "'SM2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKQVX8X0G", "'ST000000000000000000002AMW42H.pox-4"})
	default:
		return "'" + who
	}
}
