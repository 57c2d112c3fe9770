package diff

import (
	"fmt"

	"funai/clarity/types"
)

// special is an expression that only some types have, or "".
func (g *generator) special(t *types.Type, d int) string {
	switch t.Kind() {
	case types.KindBool:
		return g.truth(d)
	case types.KindUInt:
		return g.number(d)
	case types.KindBuffer, types.KindASCII, types.KindUTF8, types.KindList:
		return g.sequence(t, d)
	case types.KindTuple:
		return g.tupled(t, d)
	case types.KindOptional:
		return g.optional(t, d)
	case types.KindResponse:
		return g.response(t, d)
	case types.KindPrincipal:
		if v := g.traitValue(); v != "" && v[0] != '.' {
			return call("contract-of", v)
		}
	}
	return ""
}

func (g *generator) truth(d int) string {
	n := g.rand.IntN(8)
	if g.readOnly && n < 4 {
		n += 4
	}
	if g.heights && g.one(3) {
		return call("is-some", g.blockInfo(d))
	}
	switch {
	case n < 2 && len(g.variables) > 0:
		g.writes = true
		v := pick(g, g.variables)
		return call("var-set", v.name, g.expr(v.t, d))
	case n < 4 && len(g.maps) > 0:
		g.writes = true
		m := pick(g, g.maps)
		if g.one(4) {
			return call("map-delete", m.name, g.expr(m.key, d))
		}
		return call(pick(g, []string{"map-set", "map-insert"}), m.name, g.expr(m.key, d), g.expr(m.value, d))
	case n < 5:
		t := g.anyType(1)
		return call("is-eq", g.expr(t, d), g.expr(t, d))
	case n < 6:
		return call(pick(g, []string{"is-some", "is-none"}), g.expr(types.MustOptional(g.anyType(1)), d))
	default:
		return call(pick(g, []string{"is-ok", "is-err"}), g.expr(types.MustResponse(g.anyType(1), g.anyType(0)), d))
	}
}

// blockInfo asks about a block.
func (g *generator) blockInfo(d int) string {
	height := g.expr(types.UInt, d)
	all := []string{"get-block-info?", "get-burn-block-info?", "get-burn-block-info?"}
	switch {
	case g.version < 3 && g.epoch >= types.Epoch30: // the reference's simulated chain has no tenures that this could mean
		all = all[1:]
	case g.version >= 3:
		all = []string{"get-stacks-block-info?", "get-tenure-info?", "get-burn-block-info?"}
	}
	switch n := pick(g, all); n {
	case "get-burn-block-info?":
		return call(n, "header-hash", height)
	case "get-stacks-block-info?":
		return call(n, pick(g, []string{"time", "id-header-hash", "header-hash"}), height)
	default:
		return call(n, pick(g, []string{"time", "burnchain-header-hash", "vrf-seed", "miner-address"}), height)
	}
}

func (g *generator) number(d int) string {
	switch n := g.rand.IntN(4); {
	case n == 0 && len(g.fts) > 0:
		return call("ft-get-supply", pick(g, g.fts))
	case n == 1 && len(g.fts) > 0:
		return call("ft-get-balance", pick(g, g.fts), g.expr(types.Principal, d))
	case n == 2:
		return call("len", g.expr(types.MustList(g.anyType(1), uint32(1+g.rand.IntN(6))), d))
	default:
		return ""
	}
}

func resized(t *types.Type, n uint32) *types.Type {
	switch t.Kind() {
	case types.KindBuffer:
		return types.MustBuffer(n)
	case types.KindASCII:
		return types.MustASCII(n)
	case types.KindUTF8:
		return types.MustUTF8(n)
	default:
		return types.MustList(t.Elem(), n)
	}
}

func (g *generator) sequence(t *types.Type, d int) string {
	n := t.Len()
	switch g.rand.IntN(7) {
	case 0:
		if n < 2 {
			return ""
		}
		a := 1 + uint32(g.rand.IntN(int(n-1)))
		if g.version >= 6 && n-a > 1 && g.one(2) {
			return call("concat", g.expr(resized(t, a), d), g.expr(resized(t, 1), d), g.expr(resized(t, n-a-1), d))
		}
		return call("concat", g.expr(resized(t, a), d), g.expr(resized(t, n-a), d))
	case 1:
		return g.opening(call("as-max-len?", g.expr(resized(t, n+uint32(g.rand.IntN(3))), d), fmt.Sprintf("u%d", n)), t, d)
	case 2:
		if g.version < 2 {
			return ""
		}
		return g.opening(call("slice?", g.expr(t, d), g.expr(types.UInt, 0), g.expr(types.UInt, 0)), t, d)
	case 3:
		if g.version < 2 || n == 0 {
			return ""
		}
		e := resizedElement(t)
		return g.opening(call("replace-at?", g.expr(t, d), g.expr(types.UInt, 0), g.expr(e, d)), t, d)
	case 4:
		if t.Kind() == types.KindBuffer && g.version >= 2 {
			return g.opening(call("as-max-len?", call("unwrap-panic", call("to-consensus-buff?", g.expr(g.anyType(1), d))), fmt.Sprintf("u%d", n)), t, d)
		}
		if t.Kind() != types.KindList {
			return ""
		}
		a := g.anyType(0)
		if n == 0 {
			return ""
		}
		if g.one(3) {
			b := g.anyType(0)
			if f, ok := g.helper(t.Elem(), a, b); ok {
				return call("map", f, g.expr(types.MustList(a, n), d), g.expr(types.MustList(b, n+uint32(g.rand.IntN(2))), d))
			}
			return ""
		}
		if f, ok := g.helper(t.Elem(), a); ok {
			return call("map", f, g.expr(types.MustList(a, n), d))
		}
	case 5:
		if t.Kind() == types.KindList {
			if e := t.Elem(); n > 0 && (e == types.Int || e == types.UInt) && g.one(3) {
				return call("map", pick(g, []string{"+", "-", "*", "/", "xor", "mod"}), g.expr(t, d), g.expr(resized(t, n+uint32(g.rand.IntN(2))), d))
			}
			if f, ok := g.helper(types.Bool, t.Elem()); ok {
				return call("filter", f, g.expr(t, d))
			}
		}
	default:
		if t.Kind() != types.KindList {
			return ""
		}
		if n > 1 && g.one(2) {
			return call("append", g.expr(resized(t, n-1), d), g.expr(t.Elem(), d))
		}
		var elems []string
		for range max(1, g.rand.IntN(int(n)+1)) {
			elems = append(elems, g.expr(t.Elem(), d-1))
		}
		if n == 0 {
			elems = nil
		}
		return call("list", elems...)
	}
	return ""
}

// resizedElement is what replaces an element of a sequence.
func resizedElement(t *types.Type) *types.Type {
	if t.Kind() == types.KindList {
		return t.Elem()
	}
	return resized(t, 1)
}

// opening takes the value out of an expression that is an optional.
func (g *generator) opening(s string, t *types.Type, d int) string {
	switch n := g.rand.IntN(4); {
	case n == 0 && g.result != nil:
		return call("unwrap!", s, g.expr(g.result, d-1))
	case n <= 1:
		return call("default-to", g.expr(t, d-1), s)
	default:
		return call("unwrap-panic", s)
	}
}

func (g *generator) tupled(t *types.Type, d int) string {
	part := func(f *types.Type) string { return g.expr(f, d) }
	fields := t.Fields()
	if len(fields) > 1 && g.one(3) {
		n := 1 + g.rand.IntN(len(fields)-1)
		return call("merge", g.expr(types.MustTuple(fields[:n]...), d), g.expr(types.MustTuple(fields[g.rand.IntN(n+1):]...), d))
	}
	if g.one(4) {
		s := "(tuple"
		for _, f := range fields {
			s += " (" + f.Name + " " + part(f.Type) + ")"
		}
		return s + ")"
	}
	return g.tuple(t, part)
}

func (g *generator) optional(t *types.Type, d int) string {
	e := t.Elem()
	switch g.rand.IntN(6) {
	case 0:
		for _, m := range g.maps {
			if e.Admits(m.value) {
				return call("map-get?", m.name, g.expr(m.key, d))
			}
		}
		for _, n := range g.nfts {
			if e == types.Principal {
				return call("nft-get-owner?", n.name, g.expr(n.t, d))
			}
		}
	case 1:
		if g.version >= 2 && len(typeText(e)) < 60 {
			of := call("unwrap-panic", call("to-consensus-buff?", g.expr(e, d)))
			if g.one(3) {
				of = g.expr(buff64, 0)
			}
			return call("from-consensus-buff?", typeText(e), of)
		}
	case 2:
		if e == types.UInt {
			s := types.MustList(g.anyType(0), uint32(1+g.rand.IntN(4)))
			if g.one(3) {
				s = pick(g, is(ascii40, utf840, buff32))
			}
			return call(pick(g, []string{"index-of", "index-of?"}[:min(int(g.version), 2)]), g.expr(s, d), g.expr(resizedElement(s), d))
		}
	case 3:
		return call(pick(g, []string{"element-at", "element-at?"}[:min(int(g.version), 2)]), g.expr(types.MustList(e, uint32(1+g.rand.IntN(3))), d), g.expr(types.UInt, 0))
	case 4:
		if k := e.Kind(); k == types.KindBuffer || k == types.KindASCII || k == types.KindUTF8 || k == types.KindList {
			return call("as-max-len?", g.expr(resized(e, e.Len()+uint32(g.rand.IntN(2))), d), fmt.Sprintf("u%d", e.Len()))
		}
	}
	if g.vague && g.one(4) {
		return "none"
	}
	if g.one(4) {
		return call("get", "b", g.expr(types.MustOptional(types.MustTuple(types.Field{Name: "a", Type: g.anyType(0)}, types.Field{Name: "b", Type: e})), d))
	}
	return call("if", g.expr(types.Bool, d-1), call("some", g.expr(e, d)), "none")
}

func (g *generator) response(t *types.Type, d int) string {
	if t.Admits(boolOrUint) && !g.readOnly && !g.one(4) {
		if s := g.moves(d); s != "" {
			g.writes = true
			return s
		}
	}
	if !g.readOnly && g.uses != nil && g.one(2) {
		for _, f := range g.uses.trait {
			if t.Admits(f.result) {
				for _, v := range g.scope {
					if v.t == nil {
						g.writes = true
						args := []string{v.name, f.name}
						for _, a := range f.args {
							args = append(args, g.expr(a.t, d))
						}
						return call("contract-call?", args...)
					}
				}
			}
		}
	}
	ok, err := call("ok", g.expr(t.Elem(), d)), call("err", g.expr(t.Err(), d))
	if g.vague && g.one(2) {
		return pick(g, []string{ok, ok, err})
	}
	return call("if", g.expr(types.Bool, d-1), ok, err)
}

// moves is a word that moves coins or tokens.
func (g *generator) moves(d int) string {
	amount, who := g.expr(types.UInt, d-1), func() string { return g.expr(types.Principal, 0) }
	switch n := g.rand.IntN(10); {
	case n < 4 && len(g.fts) > 0:
		t := pick(g, g.fts)
		switch g.rand.IntN(4) {
		case 0:
			return call("ft-transfer?", t, amount, who(), who())
		case 1:
			return call("ft-burn?", t, amount, who())
		default:
			return call("ft-mint?", t, amount, who())
		}
	case n < 7 && len(g.nfts) > 0:
		t := pick(g, g.nfts)
		id := g.expr(t.t, d-1)
		switch g.rand.IntN(4) {
		case 0:
			return call("nft-transfer?", t.name, id, who(), who())
		case 1:
			return call("nft-burn?", t.name, id, who())
		default:
			return call("nft-mint?", t.name, id, who())
		}
	case n == 7:
		return call("stx-burn?", amount, who())
	case n == 8 && g.version >= 2:
		return call("stx-transfer-memo?", amount, who(), who(), g.expr(types.MustBuffer(34), 0))
	default:
		return call("stx-transfer?", amount, who(), who())
	}
}
