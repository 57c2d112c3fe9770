package check

import (
	"errors"

	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// typeExpr reads a type: a name, a <trait>, or a list such as (buff 20) or (tuple (a int)).
func (c *checker) typeExpr(e *syntax.Expr) (*types.Type, error) {
	switch e.Kind {
	case syntax.Atom:
		switch e.Name {
		case "int":
			return types.Int, nil
		case "uint":
			return types.UInt, nil
		case "bool":
			return types.Bool, nil
		case "principal":
			return types.Principal, nil
		}
		return nil, c.advise(e, UnknownType, nearest(e.Name, typeNames), "failed to parse type: '%s'", e.Name)
	case syntax.TraitRef:
		id, ok := c.traits[e.Name]
		if !ok {
			return nil, c.unknownTrait(e, e.Name)
		}
		return types.Trait(id), nil
	case syntax.List:
		return c.compoundType(e)
	default:
		return nil, c.badType(e)
	}
}

var typeNames = []string{"int", "uint", "bool", "principal", "buff", "string-ascii", "string-utf8", "list", "tuple", "optional", "response"}

func (c *checker) badType(e *syntax.Expr) error {
	return c.advise(e, BadType, "types are int, uint, bool, principal, (buff n), (string-ascii n), (string-utf8 n), (list n type), "+
		"(optional type), (response type type), {name: type} and <trait>", "supplied type description is invalid: %s", e)
}

// compoundType reads a type written as a list.
func (c *checker) compoundType(e *syntax.Expr) (*types.Type, error) {
	if len(e.List) == 0 || e.List[0].Kind != syntax.Atom {
		return nil, c.badType(e)
	}
	name, rest := e.List[0].Name, e.List[1:]
	want := map[string]int{"buff": 1, "string-ascii": 1, "string-utf8": 1, "list": 2, "optional": 1, "response": 2}
	if n, ok := want[name]; ok && len(rest) != n {
		return nil, c.badType(e)
	}
	switch name {
	case "buff":
		return c.sized(e, rest[0], types.Buffer)
	case "string-ascii":
		return c.sized(e, rest[0], types.ASCII)
	case "string-utf8":
		return c.sized(e, rest[0], types.UTF8)
	case "list":
		n, err := c.length(rest[0])
		if err != nil {
			return nil, err
		}
		elem, err := c.typeExpr(rest[1])
		if err != nil {
			return nil, err
		}
		return c.made(e)(types.List(elem, n))
	case "optional":
		t, err := c.typeExpr(rest[0])
		if err != nil {
			return nil, err
		}
		return c.made(e)(types.Optional(t))
	case "response":
		ok, err := c.typeExpr(rest[0])
		if err != nil {
			return nil, err
		}
		bad, err := c.typeExpr(rest[1])
		if err != nil {
			return nil, err
		}
		return c.made(e)(types.Response(ok, bad))
	case "tuple":
		return c.tupleType(e)
	}
	return nil, c.badType(e)
}

// tupleType reads (tuple (name type) …).
func (c *checker) tupleType(e *syntax.Expr) (*types.Type, error) {
	fields, err := c.nameTypes(e.List[1:], "Tuple definition")
	if err != nil {
		return nil, err
	}
	if len(fields) == 0 {
		return nil, c.fail(e, EmptyTuple, "tuple types may not be empty")
	}
	return c.made(e)(types.Tuple(fields))
}

// nameTypes reads pairs (name type).
func (c *checker) nameTypes(pairs []*syntax.Expr, what string) ([]types.Field, error) {
	for i, p := range pairs { // before any of their types
		if err := c.two(p, what, i); err != nil {
			return nil, err
		}
	}
	fields := make([]types.Field, len(pairs))
	for i, p := range pairs {
		name, of, err := c.pair(p, what, i)
		if err != nil {
			return nil, err
		}
		t, err := c.typeExpr(of)
		if err != nil {
			return nil, err
		}
		fields[i] = types.Field{Name: name, Type: t}
	}
	return fields, nil
}

// pair takes a pair (name expression) apart.
func (c *checker) pair(p *syntax.Expr, what string, i int) (string, *syntax.Expr, error) {
	if err := c.two(p, what, i); err != nil {
		return "", nil, err
	}
	if p.List[0].Kind != syntax.Atom {
		return "", nil, c.fail(p.List[0], BadBinding, "invalid syntax binding: %s item #%d's name is not an atom", what, i+1)
	}
	return p.List[0].Name, p.List[1], nil
}

// two holds a pair to being a list of two, whatever they are.
func (c *checker) two(p *syntax.Expr, what string, i int) error {
	switch {
	case p.Kind != syntax.List:
		return c.fail(p, BadBinding, "invalid syntax binding: %s item #%d is not a list", what, i+1)
	case len(p.List) != 2:
		return c.fail(p, BadBinding, "invalid syntax binding: %s item #%d is not a two-element list", what, i+1)
	}
	return nil
}

// sized makes a type of a length written in the source.
func (c *checker) sized(e, length *syntax.Expr, build func(uint32) (*types.Type, error)) (*types.Type, error) {
	if length.Kind == syntax.Literal && length.Value.Kind() == value.KindInt && length.Value.AsInt().Hi>>63 != 0 {
		return nil, c.fail(length, OutOfBounds, "created a type which value size was out of defined bounds: length %s", length)
	}
	n, err := c.length(length)
	if err != nil {
		return nil, err
	}
	return c.made(e)(build(n))
}

// length reads the length in a type, an int from 0 to 2³²-1.
func (c *checker) length(e *syntax.Expr) (uint32, error) {
	if e.Kind != syntax.Literal || e.Value.Kind() != value.KindInt {
		return 0, c.badType(e)
	}
	n := e.Value.AsInt()
	if n.Hi != 0 || n.Lo > 1<<32-1 {
		return 0, c.fail(e, TooBig, "created a type which was greater than maximum allowed value size: length %s", e)
	}
	return uint32(n.Lo), nil
}

// made turns the errors of package types into faults of an expression.
func (c *checker) made(e *syntax.Expr) func(*types.Type, error) (*types.Type, error) {
	return func(t *types.Type, err error) (*types.Type, error) {
		switch {
		case err == nil:
			return t, nil
		case errors.Is(err, types.ErrTooBig):
			return nil, c.fail(e, TooBig, "created a type which was greater than maximum allowed value size: %v", err)
		case errors.Is(err, types.ErrTooDeep):
			return nil, c.fail(e, TooDeep, "created a type which was deeper than maximum allowed type depth: %v", err)
		case errors.Is(err, types.ErrFieldTwice):
			return nil, c.fail(e, NameTaken, "invalid tuple syntax: defining a field conflicts with a previous one: %v", err)
		}
		return nil, c.fail(e, BadType, "supplied type description is invalid: %v", err)
	}
}
