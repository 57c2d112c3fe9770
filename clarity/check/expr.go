package check

import (
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// expr finds the type of an expression and records it.
func (c *checker) expr(e *syntax.Expr) (*types.Type, error) {
	var t *types.Type
	var err error
	switch e.Kind {
	case syntax.Literal:
		t = types.Principal
		if _, ok := c.contract(e); ok {
			t = types.ContractLiteral(e.Value.AsPrincipal().String())
		} else if e.Value.Kind() != value.KindPrincipal {
			t = value.TypeOf(e.Value)
		}
	case syntax.ContractRef:
		t = types.ContractLiteral(c.sibling(e.Name).String())
	case syntax.Atom:
		t, err = c.atom(e)
	case syntax.List:
		t, err = c.apply(e)
	default:
		err = c.fail(e, MisplacedTrait, "unexpected use of trait reference or field")
	}
	if err != nil {
		return nil, err
	}
	return c.record(e, t), nil
}

// atom finds the type of a name: of a word of the language first, then of a constant, then of what scopes bind.
func (c *checker) atom(e *syntax.Expr) (*types.Type, error) {
	if t, ok := lookupKeyword(e.Name, c.o); ok {
		return t, nil
	}
	if t, ok := c.a.Constants[e.Name]; ok {
		return t, nil
	}
	if b, ok := c.local(e.Name); ok {
		return b.typ, nil
	}
	return nil, c.advise(e, UnknownVariable, c.adviceOnVariable(e.Name), "use of unresolved variable '%s'", e.Name)
}

// apply finds the type of a call.
func (c *checker) apply(e *syntax.Expr) (*types.Type, error) {
	name, err := c.head(e)
	if err != nil {
		return nil, err
	}
	if w, ok := lookupWord(name, c.o); ok {
		return w.rule(c, e)
	}
	f, ok := c.a.Functions[name]
	if !ok {
		return nil, c.unknownFunction(e.List[0])
	}
	// The reference does not count the arguments, and looks at no more of them than are declared: too few or too many are
	// a fault of the run.
	for i, a := range args(e)[:min(len(e.List)-1, len(f.Args))] {
		if err := c.expect(a, f.Args[i].Type); err != nil {
			return nil, err
		}
	}
	return f.Result, nil
}

// head is the name of the function that a list applies.
func (c *checker) head(e *syntax.Expr) (string, error) {
	if len(e.List) == 0 || e.List[0].Kind != syntax.Atom {
		return "", c.advise(e, NotFunction, "a list is a call: it begins with the name of a function; (list …) makes a list",
			"expecting expression of type function")
	}
	return e.List[0].Name, nil
}

func (c *checker) unknownFunction(name *syntax.Expr) error {
	return c.advise(name, UnknownFunction, c.adviceOnFunction(name.Name), "use of unresolved function '%s'", name.Name)
}

// expect holds an expression to a type.
func (c *checker) expect(e *syntax.Expr, want *types.Type) error {
	_, err := c.expectType(e, want)
	return err
}

// expectType is expect, and returns the expression's own type.
func (c *checker) expectType(e *syntax.Expr, want *types.Type) (*types.Type, error) {
	if c.o.Version < types.Clarity2 && want.Kind() == types.KindTrait {
		if id, ok := c.contract(e); ok {
			return c.record(e, want), c.implements(e, id, want.Trait(), false)
		}
	}
	t, err := c.expr(e)
	if err != nil {
		return nil, err
	}
	return t, c.fits(e, want, t)
}

// fits holds the type of an expression to the type that is wanted. Since Clarity 2, contracts and traits inside of other
// types may become the traits that are wanted.
func (c *checker) fits(e *syntax.Expr, want, got *types.Type) error {
	if want == got {
		return nil
	}
	if err := c.compare(e, want, got); err != nil {
		return err
	}
	if c.o.Version >= types.Clarity2 {
		return c.fitsInside(e, want, got)
	}
	if !want.Admits(got) {
		return c.mismatch(e, want, got)
	}
	return nil
}

func (c *checker) fitsInside(e *syntax.Expr, want, got *types.Type) error {
	switch {
	case want == got:
		return nil
	case got.Kind() == types.KindNone:
		return nil
	case want.Kind() == types.KindTrait && got.Kind() == types.KindTrait:
		if want.Trait() == got.Trait() {
			return nil
		}
		return c.compatible(e, want.Trait(), got.Trait())
	case want.Kind() == types.KindTrait && got.Kind() == types.KindContract:
		return c.allFit(e, want, got)
	case want.Kind() != got.Kind():
	case want.Kind() == types.KindOptional:
		return c.fitsInside(e, want.Elem(), got.Elem())
	case want.Kind() == types.KindResponse:
		if err := c.fitsInside(e, want.Elem(), got.Elem()); err != nil {
			return err
		}
		return c.fitsInside(e, want.Err(), got.Err())
	case want.Kind() == types.KindList && got.Len() <= want.Len():
		return c.fitsInside(e, want.Elem(), got.Elem())
	case want.Kind() == types.KindTuple && len(want.Fields()) == len(got.Fields()):
		for _, f := range want.Fields() {
			t, ok := got.Field(f.Name)
			if !ok {
				return c.mismatch(e, want, got)
			}
			if err := c.fitsInside(e, f.Type, t); err != nil {
				return err
			}
		}
		return nil
	}
	if !want.Admits(got) {
		return c.mismatch(e, want, got)
	}
	return nil
}
