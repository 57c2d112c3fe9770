package vm

import (
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/value"
)

// evaluate runs the top level of a contract, or of a snippet in its context. Its value is that of the last expression that
// is no definition; valued says whether there is one.
func (f *frame) evaluate(c *compiler, order []*syntax.Expr) (last value.Value, valued bool, err error) {
	for _, e := range order {
		if define := definitionOf(e); define != nil {
			err = define(f, c, e)
		} else {
			valued = true
			last, err = f.expression(c, e)
		}
		if err != nil {
			return value.None, false, err
		}
	}
	return last, valued, nil
}

// definitionOf is what a definition does, nil of any other expression.
func definitionOf(e *syntax.Expr) definition {
	if e.Kind == syntax.List && len(e.List) > 0 && e.List[0].Kind == syntax.Atom {
		return definitions[e.List[0].Name]
	}
	return nil
}

// expression compiles and runs an expression outside of any function.
func (f *frame) expression(c *compiler, e *syntax.Expr) (value.Value, error) {
	x, err := c.function(&function{contract: c.c}, e, true)
	if err != nil {
		return value.None, err
	}
	f.slots = f.push(c.most)
	v, err := x(f)
	if err == nil {
		f.pop(c.most)
	}
	return v, err
}

// definition is what a define form does when it is run.
type definition func(f *frame, c *compiler, e *syntax.Expr) error

var definitions map[string]definition

func init() {
	definitions = map[string]definition{
		"define-constant":           defineConstant,
		"define-data-var":           defineVariable,
		"define-map":                defineMap,
		"define-fungible-token":     defineFungible,
		"define-non-fungible-token": defineNonFungible,
		"define-public":             defineFunction,
		"define-private":            defineFunction,
		"define-read-only":          defineFunction,
		"define-trait":              defineTrait,
		"use-trait":                 defineNothing,
		"impl-trait":                defineNothing,
	}
}

func defineNothing(*frame, *compiler, *syntax.Expr) error { return nil }

// maxConstants is how many bytes the encodings of a contract's constants may have in all, which it costs nothing to load.
const maxConstants = value.MaxEncoded

func defineConstant(f *frame, c *compiler, e *syntax.Expr) error {
	v, err := f.expression(c, e.List[2])
	if err != nil {
		return err
	}
	if err := f.charge(cost.BindName, 0); err != nil {
		return err
	}
	k := f.contract.constants[e.List[1].Name]
	if k == nil {
		return bug("no constant %s", e.List[1].Name)
	}
	k.size = v.Size()
	b, err := value.Encode(v)
	if err != nil {
		return err
	}
	if f.constants += len(b); f.constants > maxConstants {
		return fault(Costs, "the constants of a contract take more than %d bytes", maxConstants)
	}
	k.value, err = value.Decode(b) // as it will be when it is loaded
	return err
}

func defineVariable(f *frame, c *compiler, e *syntax.Expr) error {
	if err := f.parseTypes(e.List[2]); err != nil {
		return err
	}
	v, err := f.expression(c, e.List[3])
	if err != nil {
		return err
	}
	name := e.List[1].Name
	return f.createVariable(name, c.analysis.Variables[name], v)
}

func defineMap(f *frame, c *compiler, e *syntax.Expr) error {
	if err := f.parseTypes(e.List[2:]...); err != nil {
		return err
	}
	m := c.analysis.Maps[e.List[1].Name]
	return f.createMap(m.Key, m.Value)
}

func defineFungible(f *frame, c *compiler, e *syntax.Expr) error {
	var most *value.Uint128
	if len(e.List) > 2 {
		v, err := f.greatestSupply(c, e.List[2])
		if err != nil {
			return err
		}
		n := v.AsUInt()
		most = &n
	}
	return f.createFungible(e.List[1].Name, most)
}

// greatestSupply evaluates the one of a fungible token. A constant is looked at, not copied.
func (f *frame) greatestSupply(c *compiler, e *syntax.Expr) (value.Value, error) {
	if e.Kind != syntax.Atom {
		return f.expression(c, e)
	}
	x, err := c.look(e)
	if err != nil {
		return value.None, err
	}
	return x(f)
}

func defineNonFungible(f *frame, c *compiler, e *syntax.Expr) error {
	if err := f.parseTypes(e.List[2]); err != nil {
		return err
	}
	return f.createNonFungible(c.analysis.NFTs[e.List[1].Name])
}

func defineFunction(f *frame, _ *compiler, e *syntax.Expr) error {
	for _, p := range args(e.List[1]) {
		if err := f.parseTypes(p.List[1]); err != nil {
			return err
		}
	}
	return f.charge(cost.BindName, 0)
}

// defineTrait charges the reading of the types in (define-trait name ((function (arguments…) result)…)).
func defineTrait(f *frame, _ *compiler, e *syntax.Expr) error {
	for _, fn := range e.List[2].List {
		if err := f.parseTypes(fn.List[1].List...); err != nil {
			return err
		}
		if err := f.parseTypes(fn.List[2]); err != nil {
			return err
		}
	}
	return nil
}

// parseTypes charges the reading of types written out, a step for each name of one in them.
func (f *frame) parseTypes(es ...*syntax.Expr) error {
	for _, e := range es {
		for range steps(e) {
			if err := f.charge(cost.TypeParseStep, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// steps is how many types are in a type.
func steps(e *syntax.Expr) int {
	if e.Kind != syntax.List || len(e.List) == 0 {
		return 1
	}
	n := 1
	for _, x := range args(e) {
		switch {
		case e.List[0].Name == "tuple" && x.Kind == syntax.List && len(x.List) == 2:
			n += steps(x.List[1])
		case x.Kind == syntax.Literal: // a length
		default:
			n += steps(x)
		}
	}
	return n
}
