package check

import (
	"funai/clarity/syntax"
	"funai/clarity/types"
)

// responseWords make optionals and responses and take them apart.
var responseWords = map[string]word{
	"ok":               {since: types.Clarity1, rule: wrapping(func(t *types.Type) (*types.Type, error) { return types.Response(t, types.None) })},
	"err":              {since: types.Clarity1, rule: wrapping(func(t *types.Type) (*types.Type, error) { return types.Response(types.None, t) })},
	"some":             {since: types.Clarity1, rule: wrapping(types.Optional)},
	"is-ok":            {since: types.Clarity1, rule: asking(types.KindResponse)},
	"is-err":           {since: types.Clarity1, rule: asking(types.KindResponse)},
	"is-some":          {since: types.Clarity1, rule: asking(types.KindOptional)},
	"is-none":          {since: types.Clarity1, rule: asking(types.KindOptional)},
	"default-to":       {since: types.Clarity1, rule: (*checker).defaultTo},
	"asserts!":         {since: types.Clarity1, rule: (*checker).asserts},
	"try!":             {since: types.Clarity1, rule: (*checker).try},
	"unwrap!":          {since: types.Clarity1, rule: unwrapping(true, (*checker).inside)},
	"unwrap-err!":      {since: types.Clarity1, rule: unwrapping(true, (*checker).insideErr)},
	"unwrap-panic":     {since: types.Clarity1, rule: unwrapping(false, (*checker).inside)},
	"unwrap-err-panic": {since: types.Clarity1, rule: unwrapping(false, (*checker).insideErr)},
}

// wrapping makes a type around that of one argument.
func wrapping(build func(*types.Type) (*types.Type, error)) rule {
	return func(c *checker, call *syntax.Expr) (*types.Type, error) {
		if err := c.arity(call, 1); err != nil {
			return nil, err
		}
		t, err := c.expr(call.List[1])
		if err != nil {
			return nil, err
		}
		return c.made(call)(build(t))
	}
}

// asking takes one optional or response and answers a boolean.
func asking(k types.Kind) rule {
	return func(c *checker, call *syntax.Expr) (*types.Type, error) {
		if err := c.arity(call, 1); err != nil {
			return nil, err
		}
		t, err := c.expr(call.List[1])
		switch {
		case err != nil:
			return nil, err
		case t.Kind() == k:
			return types.Bool, nil
		case k == types.KindOptional:
			return nil, c.notOptional(call.List[1], t)
		}
		return nil, c.notResponse(call.List[1], t)
	}
}

func (c *checker) notOptional(e *syntax.Expr, got *types.Type) error {
	return c.fail(e, ExpectedOptional, "expecting expression of type 'optional', found '%s'", got)
}

func (c *checker) notResponse(e *syntax.Expr, got *types.Type) error {
	return c.fail(e, ExpectedResponse, "expecting expression of type 'response', found '%s'", got)
}

func (c *checker) defaultTo(call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 2); err != nil {
		return nil, err
	}
	ts, err := c.exprs(args(call))
	if err != nil {
		return nil, err
	}
	if ts[1].Kind() != types.KindOptional {
		return nil, c.notOptional(call.List[2], ts[1])
	}
	inside := ts[1].Elem()
	return c.supertype(call, ts[0], inside, func() error {
		return c.advise(call, DefaultTypes, conversion(inside, ts[0]), "expression types passed in 'default-to' must match (got '%s' and '%s')", ts[0], inside)
	})
}

func (c *checker) asserts(call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 2); err != nil {
		return nil, err
	}
	if err := c.expect(call.List[1], types.Bool); err != nil {
		return nil, err
	}
	thrown, err := c.expr(call.List[2])
	if err != nil {
		return nil, err
	}
	return types.Bool, c.early(call.List[2], thrown)
}

func (c *checker) try(call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 1); err != nil {
		return nil, err
	}
	t, err := c.expr(call.List[1])
	if err != nil {
		return nil, err
	}
	in, err := c.inside(call.List[1], t)
	if err != nil {
		return nil, err
	}
	thrown := types.MustOptional(types.None)
	if t.Kind() == types.KindResponse {
		if t.Err().Kind() == types.KindNone {
			return nil, c.errUnknown(call.List[1])
		}
		if thrown, err = c.made(call)(types.Response(types.None, t.Err())); err != nil {
			return nil, err
		}
	}
	return in, c.early(call, thrown)
}

// unwrapping takes out what inside says; throwing if the second argument is returned early when it is not there.
func unwrapping(throwing bool, inside func(*checker, *syntax.Expr, *types.Type) (*types.Type, error)) rule {
	return func(c *checker, call *syntax.Expr) (*types.Type, error) {
		n := 1
		if throwing {
			n = 2
		}
		if err := c.arity(call, n); err != nil {
			return nil, err
		}
		ts, err := c.exprs(args(call))
		if err != nil {
			return nil, err
		}
		if throwing {
			if err := c.early(call.List[2], ts[1]); err != nil {
				return nil, err
			}
		}
		return inside(c, call.List[1], ts[0])
	}
}

// inside is the type in a some or an ok.
func (c *checker) inside(e *syntax.Expr, t *types.Type) (*types.Type, error) {
	if t.Kind() != types.KindOptional && t.Kind() != types.KindResponse {
		return nil, c.fail(e, ExpectedUnwrap, "expecting expression of type 'optional' or 'response', found '%s'", t)
	}
	if t.Elem().Kind() == types.KindNone {
		return nil, c.advise(e, OkUnknown, indeterminate, "attempted to obtain 'ok' value from response, but 'ok' type is indeterminate")
	}
	return t.Elem(), nil
}

// insideErr is the type in an err.
func (c *checker) insideErr(e *syntax.Expr, t *types.Type) (*types.Type, error) {
	if t.Kind() != types.KindResponse {
		return nil, c.notResponse(e, t)
	}
	if t.Err().Kind() == types.KindNone {
		return nil, c.errUnknown(e)
	}
	return t.Err(), nil
}

func (c *checker) errUnknown(e *syntax.Expr) error {
	return c.advise(e, ErrUnknown, indeterminate, "attempted to obtain 'err' value from response, but 'err' type is indeterminate")
}
