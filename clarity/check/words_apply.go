package check

import (
	"strings"

	"funai/clarity/syntax"
	"funai/clarity/types"
)

// Types that many natives take or answer.
var (
	buff1  = types.MustBuffer(1)
	buff20 = types.MustBuffer(20)
	buff32 = types.MustBuffer(32)
	buff33 = types.MustBuffer(33)
	buff64 = types.MustBuffer(64)
	buff65 = types.MustBuffer(65)

	maxBuffer = types.MustBuffer(types.MaxValueSize)
	maxASCII  = types.MustASCII(types.MaxValueSize)
	maxUTF8   = types.MustUTF8(types.MaxValueSize / 4)

	ascii1 = types.MustASCII(1)
	utf81  = types.MustUTF8(1)

	optionalUInt = types.MustOptional(types.UInt)
	boolOrUInt   = types.MustResponse(types.Bool, types.UInt)
)

// plain is a function of which only the types of the arguments matter: they are found first, and then it is applied to them.
func plain(since types.Version, apply application) word {
	return word{since: since, apply: apply, rule: simple(apply)}
}

// typed is a function that holds its number of arguments first, and then each of them in turn to its type.
func typed(since types.Version, result *types.Type, params ...*types.Type) word {
	return word{since: since, rule: func(c *checker, call *syntax.Expr) (*types.Type, error) {
		if err := c.arity(call, len(params)); err != nil {
			return nil, err
		}
		for i, p := range params {
			if err := c.expect(args(call)[i], p); err != nil {
				return nil, err
			}
		}
		return result, nil
	}}
}

// fixed takes arguments of given types.
func fixed(result *types.Type, params ...*types.Type) application {
	return func(c *checker, at *syntax.Expr, got []*types.Type) (*types.Type, error) {
		if err := c.count(at, len(got), len(params)); err != nil {
			return nil, err
		}
		for i, p := range params {
			if !p.Admits(got[i]) {
				return nil, c.mismatch(argument(at, i, len(got)), p, got[i])
			}
		}
		return result, nil
	}
}

// union takes one argument of any of some types.
func union(result *types.Type, params ...*types.Type) application {
	return func(c *checker, at *syntax.Expr, got []*types.Type) (*types.Type, error) {
		if err := c.count(at, len(got), 1); err != nil {
			return nil, err
		}
		return result, c.among(argument(at, 0, 1), got[0], params)
	}
}

// among holds a type to be admitted by one of some.
func (c *checker) among(e *syntax.Expr, got *types.Type, params []*types.Type) error {
	for _, p := range params {
		if p.Admits(got) {
			return nil
		}
	}
	return c.mismatchOf(e, alternatives(params), got)
}

// alternatives writes types as "'int', 'uint' or 'bool'".
func alternatives(ts []*types.Type) string {
	var b strings.Builder
	for i, t := range ts {
		switch {
		case i == 0:
		case i == len(ts)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString("'" + t.String() + "'")
	}
	return b.String()
}

// argument is where the i-th of n arguments stands, if at is the call that has them, else at itself: map and its like apply
// a function to what does not stand in the text.
func argument(at *syntax.Expr, i, n int) *syntax.Expr {
	if at.Kind == syntax.List && len(at.List) == n+1 {
		return at.List[i+1]
	}
	return at
}

// count is arity for arguments of which only the types are known.
func (c *checker) count(at *syntax.Expr, got, want int) error {
	if got != want {
		return c.fail(at, ArgumentCount, "expecting %s, got %d", arguments(want), got)
	}
	return nil
}

// countAtLeast is arityAtLeast for arguments of which only the types are known.
func (c *checker) countAtLeast(at *syntax.Expr, got, want int) error {
	if got < want {
		return c.fail(at, ArgumentCount, "expecting at least %s, got %d", arguments(want), got)
	}
	return nil
}

// optional is the type of e or none.
func (c *checker) optional(e *syntax.Expr, t *types.Type) (*types.Type, error) {
	return c.made(e)(types.Optional(t))
}
