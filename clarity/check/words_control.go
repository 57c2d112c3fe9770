package check

import (
	"fmt"

	"funai/clarity/syntax"
	"funai/clarity/types"
)

// controlWords are the forms that decide what is evaluated.
var controlWords = map[string]word{
	"begin": {since: types.Clarity1, rule: (*checker).begin},
	"let":   {since: types.Clarity1, rule: (*checker).let},
	"if":    {since: types.Clarity1, rule: (*checker).ifArms},
	"match": {since: types.Clarity1, rule: (*checker).match},
	"and":   {since: types.Clarity1, rule: simple(allBool), apply: allBool},
	"or":    {since: types.Clarity1, rule: simple(allBool), apply: allBool},
	"print": {since: types.Clarity1, rule: (*checker).printed},
}

// consecutive finds the type of the last of expressions. A response that is not the last would be forgotten.
func (c *checker) consecutive(es []*syntax.Expr) (*types.Type, error) {
	ts, err := c.exprs(es)
	if err != nil {
		return nil, err
	}
	last := len(ts) - 1
	for i, t := range ts[:last] {
		if t.Kind() == types.KindResponse {
			return nil, c.advise(es[i], UncheckedResponse, "wrap it in (try! …), (unwrap! …), (is-ok …) or (match …)",
				"intermediary responses in consecutive statements must be checked")
		}
	}
	return ts[last], nil
}

func (c *checker) begin(call *syntax.Expr) (*types.Type, error) {
	if err := c.arityAtLeast(call, 1); err != nil {
		return nil, err
	}
	return c.consecutive(args(call))
}

func (c *checker) printed(call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 1); err != nil {
		return nil, err
	}
	return c.expr(call.List[1])
}

func (c *checker) badLet(e *syntax.Expr) error {
	return c.advise(e, BadLet, "write (let ((name value) …) expression …)", "invalid syntax of 'let'")
}

func (c *checker) let(call *syntax.Expr) (*types.Type, error) {
	if err := c.arityAtLeast(call, 2); err != nil {
		return nil, err
	}
	if call.List[1].Kind != syntax.List {
		return nil, c.badLet(call.List[1])
	}
	return c.within(call, func() (*types.Type, error) {
		for i, p := range call.List[1].List {
			name, e, err := c.pair(p, "Let-binding", i)
			if err != nil {
				return nil, err
			}
			if err := c.free(p.List[0], name); err != nil {
				return nil, err
			}
			t, err := c.expr(e)
			if err != nil {
				return nil, err
			}
			c.bind(name, t, false)
		}
		return c.consecutive(call.List[2:])
	})
}

// outside is the type that a contract's name has where it is returned, which is that of a principal.
func outside(t *types.Type) *types.Type {
	if t.Kind() == types.KindContract {
		return types.Principal
	}
	return t
}

// supertypeOutside is supertype where two traits have no type in common.
func (c *checker) supertypeOutside(at *syntax.Expr, a, b *types.Type, fault func() error) (*types.Type, error) {
	if a.Kind() == types.KindTrait && b.Kind() == types.KindTrait && a.Trait() != b.Trait() {
		return nil, fault()
	}
	return c.supertype(at, a, b, fault)
}

func (c *checker) ifArms(call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 3); err != nil {
		return nil, err
	}
	if err := c.expect(call.List[1], types.Bool); err != nil {
		return nil, err
	}
	arms, err := c.exprs(call.List[2:])
	if err != nil {
		return nil, err
	}
	return c.supertypeOutside(call, outside(arms[0]), outside(arms[1]), func() error { return c.armsDiffer(call, IfArms, "if", arms[0], arms[1]) })
}

func (c *checker) armsDiffer(call *syntax.Expr, code Code, name string, a, b *types.Type) error {
	return c.advise(call, code, conversion(a, b), "expression types returned by the arms of '%s' must match (got '%s' and '%s')", name, a, b)
}

// allBool takes one boolean or more.
func allBool(c *checker, at *syntax.Expr, got []*types.Type) (*types.Type, error) {
	if err := c.countAtLeast(at, len(got), 1); err != nil {
		return nil, err
	}
	for i, t := range got {
		if t.Kind() != types.KindBool {
			return nil, c.mismatch(argument(at, i, len(got)), types.Bool, t)
		}
	}
	return types.Bool, nil
}

// match takes an optional apart, (match input some-name expression expression), or a response, (match input ok-name
// expression err-name expression).
func (c *checker) match(call *syntax.Expr) (*types.Type, error) {
	if err := c.arityAtLeast(call, 1); err != nil {
		return nil, err
	}
	input, err := c.expr(call.List[1])
	if err != nil {
		return nil, err
	}
	var form string
	var code Code
	names := []int{2}
	inside := []*types.Type{input.Elem()}
	switch input.Kind() {
	case types.KindOptional:
		code, form = BadMatchOptional, "match on a optional type uses the following syntax: (match input some-name if-some-expression if-none-expression)"
	case types.KindResponse:
		code, form = BadMatchResponse, "match on a result type uses the following syntax: (match input ok-name if-ok-expression err-name if-err-expression)"
		names, inside = append(names, 4), append(inside, input.Err())
	default:
		return nil, c.fail(call.List[1], BadMatchInput, "match requires an input of either a response or optional, found input: '%s'", input)
	}
	if n := 3 + len(names); len(call.List) != n+1 {
		return nil, c.fail(call, code, "%s. Caused by: expecting %s, got %d", form, arguments(n), len(call.List)-1)
	}
	for i, at := range names {
		if call.List[at].Kind != syntax.Atom {
			return nil, c.fail(call.List[at], code, "%s. Caused by: expected a name, found %s", form, call.List[at])
		}
		if inside[i].Kind() == types.KindNone {
			return nil, c.advise(call.List[1], MatchUnknown, indeterminate,
				"attempted to match on an (optional) or (response) type where either the some, ok, or err type is indeterminate")
		}
	}
	arms := make([]*types.Type, 2)
	for i := range arms {
		if i < len(names) {
			arms[i], err = c.withName(call.List[names[i]], inside[i], call.List[names[i]+1])
		} else {
			arms[i], err = c.expr(call.List[4])
		}
		if err != nil {
			return nil, err
		}
	}
	return c.supertype(call, arms[0], arms[1], func() error { return c.armsDiffer(call, MatchArms, "match", arms[0], arms[1]) })
}

// indeterminate is advice on a type of which a part is not known.
const indeterminate = "the value is always none, or always ok, or always err here, so the other side has no type: give it one with an (if …) " +
	"whose other arm has the type, or call a function that returns the whole type; unwrap-panic and unwrap-err-panic need only one side"

// withName finds the type of an expression in which a name has a type.
func (c *checker) withName(name *syntax.Expr, t *types.Type, e *syntax.Expr) (*types.Type, error) {
	if err := c.free(name, name.Name); err != nil {
		return nil, err
	}
	return c.within(e, func() (*types.Type, error) {
		c.bind(name.Name, t, false)
		return c.expr(e)
	})
}

// conversion is advice on how to make a want of a got, or "".
func conversion(want, got *types.Type) string {
	w, g := want.Kind(), got.Kind()
	switch {
	case w == types.KindInt && g == types.KindUInt:
		return "convert it with (to-int …); a number with u before it is a uint"
	case w == types.KindUInt && g == types.KindInt:
		return "write u before the number, as in u5, or convert it with (to-uint …)"
	case g == types.KindOptional && want.Admits(got.Elem()):
		return "take the value out of the optional: (unwrap! … error), (default-to … …) or (match …)"
	case g == types.KindResponse && w != types.KindOptional:
		return "take the value out of the response: (try! …), (unwrap! … error) or (match …)"
	case w == types.KindOptional && g != types.KindOptional:
		return "wrap it: (some …)"
	case w == types.KindResponse && g != types.KindResponse:
		return "wrap it: (ok …) or (err …)"
	case w == types.KindBuffer && (g == types.KindASCII || g == types.KindUTF8):
		return "a buffer is written 0x…; (to-consensus-buff? …) makes the encoding of a value"
	case w == types.KindASCII && g == types.KindUTF8:
		return "a string without u before it is a string-ascii; (to-ascii? …) converts since Clarity 4"
	case w == types.KindUTF8 && g == types.KindASCII:
		return "write u before the string, as in u\"…\""
	case w == types.KindASCII && (g == types.KindInt || g == types.KindUInt):
		return "convert it with (int-to-ascii …)"
	case w == g && want.Len() < got.Len():
		return fmt.Sprintf("it may be longer than %d: (as-max-len? … u%d) makes an optional of it", want.Len(), want.Len())
	case w == types.KindTrait:
		return "only a contract's name or an argument of a trait's type may be passed as a trait"
	}
	return ""
}
