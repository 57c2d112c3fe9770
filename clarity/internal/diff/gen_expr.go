package diff

import (
	"fmt"
	"strings"

	"funai/clarity/types"
)

// expr is an expression whose values a type admits, with about depth expressions around the innermost.
func (g *generator) expr(t *types.Type, depth int) string {
	g.fuel--
	if depth <= 0 || g.fuel <= 0 {
		return g.leaf(t)
	}
	for range 6 {
		var s string
		switch n := g.rand.IntN(10); {
		case n < 2:
			s = g.leaf(t)
		case n < 5:
			s = pick(g, forms())(g, t, depth-1)
		case n < 7:
			s = g.native(t, depth-1)
		default:
			s = g.special(t, depth-1)
		}
		if s != "" {
			return s
		}
	}
	return g.leaf(t)
}

// any is an expression of a random type that is no response, for where nobody looks at the value.
func (g *generator) statement(depth int) string {
	t := g.anyType(1)
	for isResponse(t) {
		t = g.anyType(1)
	}
	if !g.readOnly && g.one(2) {
		t = types.Bool // what writes answers
	}
	return g.expr(t, depth)
}

func (g *generator) leaf(t *types.Type) string {
	var vars []string
	for _, list := range [][]variable{g.scope, g.scope, g.constants} {
		for _, v := range list {
			if v.t != nil && t.Admits(v.t) {
				vars = append(vars, v.name)
			}
		}
	}
	for _, v := range g.variables {
		if t.Admits(v.t) {
			vars = append(vars, call("var-get", v.name))
		}
	}
	if g.heights {
		for _, w := range heightWords {
			if w.known(g.version) && t.Admits(w.result) && g.one(3) {
				vars = append(vars, w.name)
			}
		}
	}
	if len(vars) > 0 && !g.one(4) {
		return pick(g, vars)
	}
	if t.Kind() == types.KindPrincipal && g.one(2) {
		return pick(g, []string{"tx-sender", "contract-caller"})
	}
	if g.vague {
		return g.literal(t)
	}
	return g.whole(t)
}

// whole is a constant expression in whose type no part is unknown.
func (g *generator) whole(t *types.Type) string {
	switch t.Kind() {
	case types.KindOptional:
		if g.one(3) {
			return call("if", g.leaf(types.Bool), call("some", g.whole(t.Elem())), "none")
		}
		return call("some", g.whole(t.Elem()))
	case types.KindResponse:
		return call("if", g.leaf(types.Bool), call("ok", g.whole(t.Elem())), call("err", g.whole(t.Err())))
	case types.KindTuple:
		return g.tuple(t, g.whole)
	case types.KindList:
		elems := []string{}
		for range max(1, g.length(t)) {
			elems = append(elems, g.whole(t.Elem()))
		}
		return call("list", elems...)
	default:
		return g.literal(t)
	}
}

// native is a call of a word of the table, or "".
func (g *generator) native(t *types.Type, depth int) string {
	var fit []word
	for _, w := range words {
		if w.known(g.version) && t.Admits(w.result) {
			fit = append(fit, w)
		}
	}
	if len(fit) == 0 {
		return ""
	}
	w := pick(g, fit)
	if w.keyword {
		return w.name
	}
	var args []string
	for _, a := range w.args {
		args = append(args, g.expr(a, depth))
	}
	return call(w.name, args...)
}

// forms are those that can have any type.
func forms() []func(*generator, *types.Type, int) string {
	return []func(*generator, *types.Type, int) string{
		func(g *generator, t *types.Type, d int) string {
			return call("if", g.expr(types.Bool, d), g.expr(t, d), g.expr(t, d))
		},
		(*generator).let, (*generator).let, (*generator).begin, (*generator).match, (*generator).match, (*generator).unwrapped, (*generator).unwrapped, (*generator).unwrapped, (*generator).userCall, (*generator).userCall, (*generator).userCall,
		(*generator).element, (*generator).fold,
		func(g *generator, t *types.Type, d int) string {
			return call("default-to", g.expr(t, d), g.expr(types.MustOptional(t), d))
		},
		func(g *generator, t *types.Type, d int) string {
			fields := []types.Field{{Name: "a", Type: t}, {Name: "b", Type: g.anyType(0)}}
			return call("get", "a", g.expr(types.MustTuple(fields...), d))
		},
		func(g *generator, t *types.Type, d int) string { return call("print", g.expr(t, d)) },
		func(g *generator, t *types.Type, d int) string {
			switch {
			case g.version < 4:
				return call("as-contract", g.expr(t, d))
			case g.readOnly || g.result == nil:
				return ""
			default:
				g.writes = true
				return g.restricted(t, d)
			}
		},
	}
}

// restricted is as-contract? or restrict-assets? with some allowances.
func (g *generator) restricted(t *types.Type, d int) string {
	var allow []string
	for range g.rand.IntN(3) {
		switch g.rand.IntN(4) {
		case 0, 1:
			allow = append(allow, call("with-stx", g.expr(types.UInt, 0)))
		case 2:
			if len(g.fts) > 0 {
				allow = append(allow, call("with-ft", g.self(), `"`+pick(g, g.fts)+`"`, g.expr(types.UInt, 0)))
			}
		default:
			if len(g.nfts) > 0 {
				n := pick(g, g.nfts)
				allow = append(allow, call("with-nft", g.self(), `"`+n.name+`"`, call("list", g.whole(n.t))))
			}
		}
	}
	e, body := types.UInt, ""
	for range g.rand.IntN(2) {
		body += g.statement(d) + " "
	}
	body += g.expr(t, d)
	s := call("restrict-assets?", g.expr(types.Principal, 0), "("+strings.Join(allow, " ")+")", body)
	if g.one(2) {
		if g.one(4) {
			allow = []string{"(with-all-assets-unsafe)"}
		}
		s = call("as-contract?", "("+strings.Join(allow, " ")+")", body)
	}
	return g.opened(s, t, e, d)
}

func (g *generator) self() string { return "'" + g.people[0].String() + "." + g.name }

// opened takes the ok value out of an expression that is a response.
func (g *generator) opened(s string, t, e *types.Type, d int) string {
	switch n := g.rand.IntN(4); {
	case n == 0 && g.result != nil && g.result.Kind() == types.KindResponse && g.result.Err().Admits(e):
		return call("try!", s)
	case n <= 1 && g.result != nil:
		return call("unwrap!", s, g.expr(g.result, d-1))
	case n == 2:
		x, y := g.fresh("x"), g.fresh("x")
		return call("match", s, x, x, y, g.expr(t, d-1))
	default:
		return call("unwrap-panic", s)
	}
}

func (g *generator) let(t *types.Type, d int) string {
	was := g.scope
	defer func() { g.scope = was }()
	var b strings.Builder
	for range 1 + g.rand.IntN(2) {
		v := variable{g.fresh("y"), g.anyType(1)}
		if g.one(3) {
			v.t = t
		}
		if g.one(200) { // a name that may be taken
			v.name = pick(g, []string{"a1", "f2", "tr", "h5", "map", "y3", "c0", "stacks-block-height", "index-of?"})
		}
		fmt.Fprintf(&b, "(%s %s) ", v.name, g.expr(v.t, d))
		g.scope = append(g.scope[:len(g.scope):len(g.scope)], v)
	}
	body := ""
	if g.one(3) {
		body = g.statement(d) + " "
	}
	return call("let", "("+strings.TrimSpace(b.String())+")", body+g.expr(t, d))
}

func (g *generator) begin(t *types.Type, d int) string {
	var parts []string
	for range 1 + g.rand.IntN(2) {
		if g.result != nil && g.one(4) {
			parts = append(parts, call("asserts!", g.expr(types.Bool, d), g.expr(g.result, d-1)))
			continue
		}
		parts = append(parts, g.statement(d))
	}
	return call("begin", append(parts, g.expr(t, d))...)
}

// under makes an expression with one more variable in scope.
func (g *generator) under(v variable, t *types.Type, d int) string {
	was := g.scope
	g.scope = append(was[:len(was):len(was)], v)
	s := g.expr(t, d)
	g.scope = was
	return s
}

func (g *generator) match(t *types.Type, d int) string {
	x, y := variable{g.fresh("x"), g.anyType(1)}, variable{g.fresh("x"), g.anyType(0)}
	if g.one(2) {
		return call("match", g.expr(types.MustOptional(x.t), d), x.name, g.under(x, t, d), g.expr(t, d))
	}
	return call("match", g.expr(types.MustResponse(x.t, y.t), d), x.name, g.under(x, t, d), y.name, g.under(y, t, d))
}

func (g *generator) unwrapped(t *types.Type, d int) string {
	other := g.anyType(0)
	opt, ok, err := types.MustOptional(t), types.MustResponse(t, other), types.MustResponse(other, t)
	n := g.rand.IntN(8)
	if g.result == nil {
		n %= 3
	}
	switch n {
	case 0:
		return call("unwrap-panic", g.expr(opt, d))
	case 1:
		return call("unwrap-panic", g.expr(ok, d))
	case 2:
		return call("unwrap-err-panic", g.expr(err, d))
	case 3:
		return call("unwrap!", g.expr(opt, d), g.expr(g.result, d-1))
	case 4:
		return call("unwrap!", g.expr(ok, d), g.expr(g.result, d-1))
	case 5:
		return call("unwrap-err!", g.expr(err, d), g.expr(g.result, d-1))
	default:
		switch g.result.Kind() {
		case types.KindResponse:
			return call("try!", g.expr(types.MustResponse(t, g.result.Err()), d))
		case types.KindOptional:
			return call("try!", g.expr(opt, d))
		}
		return ""
	}
}

// userCall calls a function of this contract or of another.
func (g *generator) userCall(t *types.Type, d int) string {
	var fit []function
	for _, c := range g.contracts {
		for _, f := range c.functions {
			opens := isResponse(f.result) && t.Admits(f.result.Elem())
			if (t.Admits(f.result) || opens) && (c == g.contract || f.access != "private") && !(g.readOnly && f.writes) && (c == g.contract || t != nil) {
				fit = append(fit, f)
			}
		}
	}
	if len(fit) == 0 {
		return ""
	}
	f := pick(g, fit)
	var args []string
	for _, a := range f.args {
		if a.t != nil {
			args = append(args, g.expr(a.t, min(d, 1)))
			continue
		}
		s := g.traitValue()
		if s == "" {
			return ""
		}
		args = append(args, s)
	}
	g.writes = g.writes || f.writes
	s := call(f.name, args...)
	if f.home != g.contract {
		s = call("contract-call?", append([]string{"." + f.home.name, f.name}, args...)...)
	}
	if !t.Admits(f.result) {
		return g.opened(s, t, f.result.Err(), d)
	}
	return s
}

// traitValue is what can be given where a trait is wanted: an argument of such a type, or a contract.
func (g *generator) traitValue() string {
	for _, v := range g.scope {
		if v.t == nil && !g.one(3) {
			return v.name
		}
	}
	if g.uses != nil {
		return "." + g.uses.name
	}
	return ""
}

// element is one of a list, or of the values of a map.
func (g *generator) element(t *types.Type, d int) string {
	name := "element-at"
	if g.version >= 2 && g.one(2) {
		name = "element-at?"
	}
	s := call(name, g.expr(types.MustList(t, uint32(1+g.rand.IntN(4))), d), g.expr(types.UInt, 0))
	for _, m := range g.maps {
		if t.Admits(m.value) && g.one(2) {
			s = call("map-get?", m.name, g.expr(m.key, d))
		}
	}
	if g.one(2) {
		return call("default-to", g.expr(t, d-1), s)
	}
	return call("unwrap-panic", s)
}

func (g *generator) fold(t *types.Type, d int) string {
	n := uint32(1 + g.rand.IntN(5))
	if g.one(2) {
		switch t.Kind() {
		case types.KindInt, types.KindUInt:
			return call("fold", pick(g, []string{"+", "-", "*", "xor", "/"}), g.expr(types.MustList(t, n), d), g.expr(t, d))
		case types.KindBool:
			return call("fold", pick(g, []string{"and", "or"}), g.expr(types.MustList(t, n), d), g.expr(t, d))
		}
	}
	e := g.anyType(0)
	f, ok := g.helper(t, e, t)
	if !ok {
		return ""
	}
	return call("fold", f, g.expr(types.MustList(e, n), d), g.expr(t, d))
}

// helper defines one more private function, of few expressions, for map, filter and fold.
func (g *generator) helper(result *types.Type, args ...*types.Type) (string, bool) {
	for _, f := range g.functions { // one that is there will do
		if f.access == "private" && len(f.args) == len(args) && result.Equal(f.result) && !(g.readOnly && f.writes) && g.one(2) {
			same := true
			for i, a := range f.args {
				same = same && a.t != nil && a.t.Equal(args[i])
			}
			if same {
				g.writes = g.writes || f.writes
				return f.name, true
			}
		}
	}
	if g.fuel < 10 {
		return "", false
	}
	scope, was, fuel, writes := g.scope, g.result, g.fuel, g.writes
	f := function{access: "private", name: g.fresh("h"), result: result, home: g.contract}
	for _, a := range args {
		f.args = append(f.args, variable{g.fresh("z"), a})
	}
	g.fuel = 8
	f = g.function(f, g.readOnly)
	g.scope, g.result, g.fuel, g.writes = scope, was, fuel-8, writes || f.writes
	return f.name, true
}
