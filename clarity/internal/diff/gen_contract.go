package diff

import (
	"fmt"
	"strings"

	"funai/clarity/types"
)

// contract makes one contract and remembers what it offers.
func (g *generator) newContract(name string) *contract {
	c := &contract{name: name, version: types.Version(1 + g.rand.IntN(int(g.epoch.MaxVersion()))), vague: g.one(12)}
	g.contracts, g.contract = append(g.contracts, c), c
	g.scope, g.result, g.readOnly, g.vague = nil, nil, false, c.vague
	for _, o := range g.contracts {
		if len(o.trait) > 0 && o != c {
			c.uses = o
			c.define("(use-trait q .%s.tr)", o.name)
		}
	}
	if c.uses != nil && g.one(2) { // another contract of that trait
		c.define("(impl-trait .%s.tr)", c.uses.name)
		for _, f := range c.uses.trait {
			g.fuel = 20
			g.function(function{name: f.name, access: "public", args: f.args, result: f.result, home: c}, false)
		}
	}
	for range g.rand.IntN(3) {
		g.data()
	}
	for range 2 + g.rand.IntN(4) {
		g.fuel = 15 + g.rand.IntN(30)
		f := function{access: pick(g, []string{"private", "public", "public", "read"}), result: g.anyType(1), home: c}
		if f.access == "public" && !isResponse(f.result) {
			f.result = types.MustResponse(f.result, pick(g, is(types.UInt, types.Int, g.anyType(0))))
		}
		for range g.rand.IntN(4) {
			f.args = append(f.args, variable{g.fresh("a"), g.anyType(1)})
		}
		if c.uses != nil && g.one(2) {
			f.args = append(f.args, variable{g.fresh("a"), nil})
		}
		f.name = g.fresh("f")
		g.function(f, f.access == "read")
		if g.one(3) {
			g.data()
		}
	}
	if g.one(3) {
		g.fuel = 15
		g.scope, g.result, g.readOnly = nil, nil, false
		c.define("%s", g.statement(2))
	}
	if g.one(2) && c.uses == nil {
		g.defineTrait()
	}
	c.text = strings.Join(c.defines, "\n")
	return c
}

func (c *contract) define(format string, a ...any) {
	c.defines = append(c.defines, fmt.Sprintf(format, a...))
}

// data defines something that keeps values.
func (g *generator) data() {
	c := g.contract
	g.scope, g.result, g.readOnly, g.fuel = nil, nil, false, 6
	switch g.rand.IntN(6) {
	case 0:
		v := variable{g.fresh("K"), g.anyType(1)}
		s := g.whole(v.t)
		if g.one(4) {
			s = g.expr(v.t, 1)
		}
		c.define("(define-constant %s %s)", v.name, s)
		c.constants = append(c.constants, v)
	case 1, 2:
		v := variable{g.fresh("v"), g.anyType(2)}
		g.vague = true
		s := g.literal(v.t)
		g.vague = c.vague
		if g.one(6) {
			s = g.expr(v.t, 1)
		}
		c.define("(define-data-var %s %s %s)", v.name, typeText(v.t), s)
		c.variables = append(c.variables, v)
	case 3:
		m := mapping{g.fresh("m"), g.anyType(1), g.anyType(2)}
		c.define("(define-map %s %s %s)", m.name, typeText(m.key), typeText(m.value))
		c.maps = append(c.maps, m)
	case 4:
		name := g.fresh("t")
		if g.one(2) {
			c.define("(define-fungible-token %s)", name)
		} else {
			c.define("(define-fungible-token %s %s)", name, g.literal(types.UInt))
		}
		c.fts = append(c.fts, name)
	default:
		n := variable{g.fresh("n"), g.anyType(1)}
		c.define("(define-non-fungible-token %s %s)", n.name, typeText(n.t))
		c.nfts = append(c.nfts, n)
	}
}

// function makes and defines one function.
func (g *generator) function(f function, readOnly bool) function {
	scope, was, ro, writes, vague := g.scope, g.result, g.readOnly, g.writes, g.vague
	g.scope, g.result, g.readOnly, g.writes, g.vague = append([]variable(nil), f.args...), f.result, readOnly, false, g.contract.vague
	var head strings.Builder
	head.WriteString(f.name)
	for _, a := range f.args {
		if a.t == nil {
			fmt.Fprintf(&head, " (%s <q>)", a.name)
			continue
		}
		fmt.Fprintf(&head, " (%s %s)", a.name, typeText(a.t))
	}
	keyword := map[string]string{"private": "define-private", "public": "define-public", "read": "define-read-only"}[f.access]
	body := g.expr(f.result, 4)
	f.writes = g.writes
	g.contract.define("(%s (%s)\n  %s)", keyword, head.String(), body)
	g.scope, g.result, g.readOnly, g.writes, g.vague = scope, was, ro, writes, vague
	g.contract.functions = append(g.contract.functions, f)
	return f
}

// defineTrait makes a trait of what the contract itself offers.
func (g *generator) defineTrait() {
	c := g.contract
	var b strings.Builder
	for _, f := range c.functions {
		if f.access == "private" || !isResponse(f.result) || len(c.trait) == 2 {
			continue
		}
		c.trait = append(c.trait, f)
		fmt.Fprintf(&b, " (%s (", f.name)
		for i, a := range f.args {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(typeText(a.t))
		}
		fmt.Fprintf(&b, ") %s)", typeText(f.result))
	}
	if len(c.trait) > 0 {
		c.define("(define-trait tr (%s))", strings.TrimSpace(b.String()))
	}
}
