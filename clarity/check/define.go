package check

import (
	"errors"

	"funai/clarity/syntax"
	"funai/clarity/types"
)

// definitions are the forms that define, which stand only at the top level.
var definitions = map[string]bool{
	"define-constant": true, "define-data-var": true, "define-map": true,
	"define-public": true, "define-private": true, "define-read-only": true,
	"define-fungible-token": true, "define-non-fungible-token": true,
	"define-trait": true, "use-trait": true, "impl-trait": true,
}

// definition is the form of a definition and its parts, or "".
func definition(e *syntax.Expr) (form string, parts []*syntax.Expr) {
	if e.Kind != syntax.List || len(e.List) == 0 || e.List[0].Kind != syntax.Atom || !definitions[e.List[0].Name] {
		return "", nil
	}
	return e.List[0].Name, e.List[1:]
}

// defineShape holds a definition to the number and the kinds of its parts.
func (c *checker) defineShape(e *syntax.Expr) error {
	form, parts := definition(e)
	var err error
	switch form {
	case "define-constant", "define-trait", "use-trait", "define-non-fungible-token", "define-public", "define-private", "define-read-only":
		err = c.arity(e, 2)
	case "define-data-var", "define-map":
		err = c.arity(e, 3)
	case "impl-trait":
		err = c.arity(e, 1)
	case "define-fungible-token":
		if err = c.arityAtLeast(e, 1); err == nil && len(parts) > 2 {
			err = c.arity(e, 1)
		}
	}
	if err != nil {
		return err
	}
	switch form {
	case "define-public", "define-private", "define-read-only":
		if parts[0].Kind != syntax.List {
			return c.advise(parts[0], BadFunction, "write (define-… (name (argument type) …) body)", "invalid function definition")
		}
	case "impl-trait":
		return c.traitName(parts[0])
	default:
		if parts[0].Kind != syntax.Atom {
			return c.fail(parts[0], ExpectedName, "expected a name argument to this function, found %s", parts[0])
		}
	}
	if form == "use-trait" {
		return c.traitName(parts[1])
	}
	return nil
}

// top checks an expression of the top level, which readonly has passed.
func (c *checker) top(e *syntax.Expr) error {
	form, parts := definition(e)
	switch form {
	case "":
		_, err := c.expr(e)
		return err
	case "define-constant":
		return c.defineConstant(parts)
	case "define-data-var":
		return c.defineVariable(parts)
	case "define-map":
		return c.defineMap(parts)
	case "define-fungible-token":
		return c.defineFungible(parts)
	case "define-non-fungible-token":
		return c.defineNonFungible(parts)
	case "define-trait":
		return c.defineTrait(parts)
	case "use-trait":
		return c.useTrait(parts)
	case "impl-trait":
		return c.implTrait(parts)
	}
	return c.defineFunction(form, e, parts)
}

// take gives a name of a definition away.
func (c *checker) take(at *syntax.Expr, by taker) error {
	if err := c.undefined(at, at.Name); err != nil {
		return err
	}
	c.taken[at.Name] = by
	return nil
}

func (c *checker) defineConstant(parts []*syntax.Expr) error {
	t, err := c.expr(parts[1])
	if err != nil {
		return err
	}
	if err := c.take(parts[0], "a constant"); err != nil {
		return err
	}
	if err := c.compare(parts[0], t); err != nil {
		return err
	}
	c.a.Constants[parts[0].Name] = t
	return nil
}

func (c *checker) defineVariable(parts []*syntax.Expr) error {
	t, err := c.storedType(parts[1], BadVariable, "invalid variable definition")
	if err != nil {
		return err
	}
	if err := c.expect(parts[2], t); err != nil {
		return err
	}
	if err := c.storable(parts[1], t); err != nil {
		return err
	}
	if err := c.take(parts[0], "a data variable"); err != nil {
		return err
	}
	c.a.Variables[parts[0].Name] = t
	return nil
}

func (c *checker) defineMap(parts []*syntax.Expr) error {
	var ts [2]*types.Type
	for i := range ts {
		var err error
		if ts[i], err = c.storedType(parts[1+i], BadMap, "invalid map definition"); err != nil {
			return err
		}
	}
	for i, t := range ts {
		if err := c.storable(parts[1+i], t); err != nil {
			return err
		}
	}
	if err := c.take(parts[0], "a map"); err != nil {
		return err
	}
	c.a.Maps[parts[0].Name] = Map{Key: ts[0], Value: ts[1]}
	return nil
}

// storedType reads the type of what is kept. Whatever is wrong with it is the one fault of its definition, as in the
// reference, with what it is in the message.
func (c *checker) storedType(e *syntax.Expr, code Code, what string) (*types.Type, error) {
	t, err := c.typeExpr(e)
	var d *Diagnostic
	if errors.As(err, &d) {
		return nil, c.advise(e, code, d.Advice, "%s: %s", what, d.Message)
	}
	return t, err
}

// storable holds a type to having no trait in it.
func (c *checker) storable(e *syntax.Expr, t *types.Type) error {
	if t.Has(types.KindTrait) {
		return c.advise(e, TraitNotStorable, "store the contract's principal: (contract-of x)", "trait references can not be stored")
	}
	return nil
}

func (c *checker) defineFungible(parts []*syntax.Expr) error {
	if len(parts) == 2 {
		if err := c.expect(parts[1], types.UInt); err != nil {
			return err
		}
	}
	if err := c.take(parts[0], "a fungible token"); err != nil {
		return err
	}
	c.a.Fungible[parts[0].Name] = len(parts) == 2
	return nil
}

func (c *checker) defineNonFungible(parts []*syntax.Expr) error {
	t, err := c.storedType(parts[1], BadNFT, "(define-asset ...) expects an asset name and an asset identifier type signature as arguments")
	if err != nil {
		return err
	}
	if err := c.storable(parts[1], t); err != nil {
		return err
	}
	if err := c.take(parts[0], "a non-fungible token"); err != nil {
		return err
	}
	c.a.NFTs[parts[0].Name] = t
	return nil
}

func (c *checker) defineFunction(form string, e *syntax.Expr, parts []*syntax.Expr) error {
	signature, body := parts[0].List, parts[1]
	f := Function{Access: Private, Reads: c.reads[signature[0].Name], Define: e}
	switch form {
	case "define-public":
		f.Access = Public
	case "define-read-only":
		f.Access = ReadOnly
	}
	var err error
	if f.Args, err = c.nameTypes(signature[1:], "Function argument definition"); err != nil {
		return err
	}
	f.Result, err = c.within(e, func() (*types.Type, error) {
		for i, a := range f.Args {
			if err := c.undefined(signature[1+i], a.Name); err != nil {
				return nil, err
			}
			c.bind(a.Name, a.Type, true)
		}
		return c.body(body)
	})
	if err != nil {
		return err
	}
	if f.Access == Public && f.Result.Kind() != types.KindResponse {
		return c.advise(body, NotResponse, "end the function with (ok …) or (err …)",
			"public functions must return an expression of type 'response', found '%s'", f.Result)
	}
	if err := c.take(signature[0], "a function"); err != nil {
		return err
	}
	if err := c.compare(signature[0], f.Result); err != nil {
		return err
	}
	c.a.Functions[signature[0].Name] = f
	return nil
}

// body finds what a function returns, early or at its end.
func (c *checker) body(e *syntax.Expr) (*types.Type, error) {
	c.tracing, c.returns = true, nil
	defer func() { c.tracing, c.returns = false, nil }()
	t, err := c.expr(e)
	if err != nil {
		return nil, err
	}
	if c.returns == nil {
		return outside(t), nil
	}
	return c.unify(e, outside(t))
}

// early notes that the function may return early with a type.
func (c *checker) early(at *syntax.Expr, t *types.Type) error {
	if !c.tracing {
		return nil
	}
	if c.returns == nil {
		c.returns = outside(t)
		return nil
	}
	t, err := c.unify(at, outside(t))
	c.returns = t
	return err
}

// unify is the type of what returns so far and of one more way out.
func (c *checker) unify(at *syntax.Expr, t *types.Type) (*types.Type, error) {
	if c.returns.Kind() == types.KindTrait && t == types.Principal || c.returns == types.Principal && t.Kind() == types.KindTrait {
		return nil, c.mismatch(at, c.returns, t)
	}
	return c.supertypeOutside(at, c.returns, t, func() error {
		return c.advise(at, PathsDiffer, "whatever a function returns early (asserts!, try!, unwrap!, unwrap-err!) has the type of its end: "+
			"a function that uses (try! response) or (err …) ends in (ok …)",
			"detected two execution paths, returning two different expression types (got '%s' and '%s')", c.returns, t)
	})
}
