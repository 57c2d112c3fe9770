package check

import (
	"funai/clarity/syntax"
	"funai/clarity/types"
)

// allowanceWords bound which assets an expression may move.
var allowanceWords = map[string]word{
	"as-contract?":     {since: types.Clarity4, rule: (*checker).asContract},
	"restrict-assets?": {since: types.Clarity4, rule: (*checker).restrictAssets},

	"with-stx":               {since: types.Clarity4, rule: (*checker).misplacedAllowance},
	"with-ft":                {since: types.Clarity4, rule: (*checker).misplacedAllowance},
	"with-nft":               {since: types.Clarity4, rule: (*checker).misplacedAllowance},
	"with-stacking":          {since: types.Clarity4, until: types.Clarity6, rule: (*checker).misplacedAllowance},
	"with-staking":           {since: types.Clarity6, rule: (*checker).misplacedAllowance},
	"with-pox":               {since: types.Clarity6, rule: (*checker).misplacedAllowance},
	"with-all-assets-unsafe": {since: types.Clarity4, rule: (*checker).misplacedAllowance},
}

// Bounds of allowances.
const (
	maxAllowances = 128 // in one list, and of identifiers in one with-nft
	maxTokenName  = 128
)

func (c *checker) misplacedAllowance(call *syntax.Expr) (*types.Type, error) {
	return nil, c.fail(call, MisplacedAllowance, "allowance expressions are only allowed in the context of a `restrict-assets?` or `as-contract?`")
}

func (c *checker) notAllowances(call, e *syntax.Expr, place int) error {
	return c.advise(e, NotAllowance, "write ((with-stx u1) …), or () to allow nothing",
		"%s expects a list of asset allowances as argument %d", call.List[0].Name, place+1)
}

// asContract is (as-contract? (allowance …) expression …).
func (c *checker) asContract(call *syntax.Expr) (*types.Type, error) {
	if err := c.arityAtLeast(call, 2); err != nil {
		return nil, err
	}
	if err := c.allowances(call, 0, true); err != nil {
		return nil, err
	}
	return c.guarded(call, call.List[2:])
}

// restrictAssets is (restrict-assets? owner (allowance …) expression …).
func (c *checker) restrictAssets(call *syntax.Expr) (*types.Type, error) {
	if err := c.arityAtLeast(call, 3); err != nil {
		return nil, err
	}
	if call.List[2].Kind != syntax.List {
		return nil, c.notAllowances(call, call.List[2], 1)
	}
	if err := c.expect(call.List[1], types.Principal); err != nil {
		return nil, err
	}
	if err := c.allowances(call, 1, false); err != nil {
		return nil, err
	}
	return c.guarded(call, call.List[3:])
}

// guarded is the type of a body, or the number of the allowance that it broke.
func (c *checker) guarded(call *syntax.Expr, body []*syntax.Expr) (*types.Type, error) {
	t, err := c.consecutive(body)
	if err != nil {
		return nil, err
	}
	if t.Kind() == types.KindResponse {
		return nil, c.advise(body[len(body)-1], UncheckedResponse, "wrap it in (try! …)", "intermediary responses in consecutive statements must be checked")
	}
	return c.made(call)(types.Response(t, types.UInt))
}

// allowances checks the list at a place of the arguments.
func (c *checker) allowances(call *syntax.Expr, place int, all bool) error {
	list := call.List[1+place]
	if list.Kind != syntax.List {
		return c.notAllowances(call, list, place)
	}
	if len(list.List) > maxAllowances {
		return c.fail(list, TooManyAllowances, "too many allowances: %d, and at most %d", len(list.List), maxAllowances)
	}
	for _, a := range list.List {
		unbounded, err := c.allowance(a)
		switch {
		case err != nil:
			return err
		case unbounded && !all:
			return c.fail(a, AllNotHere, "with-all-assets-unsafe is not allowed here, only in the allowance list for `as-contract?`")
		case unbounded && len(list.List) > 1:
			return c.fail(a, AllNotAlone, "with-all-assets-unsafe must not be used along with other allowances")
		}
	}
	return nil
}

// allowance checks one allowance, and says whether it allows all.
func (c *checker) allowance(e *syntax.Expr) (all bool, err error) {
	if e.Kind != syntax.List {
		return false, c.fail(e, ExpectedList, "expecting expression of type list: an allowance such as (with-stx u1)")
	}
	name, err := c.head(e)
	if err != nil {
		return false, err
	}
	var want []*types.Type
	switch name {
	case "with-all-assets-unsafe", "with-pox":
	case "with-stx", "with-stacking", "with-staking":
		want = []*types.Type{types.UInt}
	case "with-ft":
		want = []*types.Type{types.Principal, types.MustASCII(maxTokenName), types.UInt}
	case "with-nft":
		want = []*types.Type{types.Principal, types.MustASCII(maxTokenName)}
		if err := c.arity(e, 3); err != nil {
			return false, err
		}
	default:
		return false, c.advise(e, MisplacedAllowance, "allowances are with-stx, with-ft, with-nft, with-stacking and with-all-assets-unsafe",
			"expected an allowance expression, got: %s", name)
	}
	if name != "with-nft" {
		if err := c.arity(e, len(want)); err != nil {
			return false, err
		}
	}
	if err := c.expectAll(e.List[1:1+len(want)], want); err != nil {
		return false, err
	}
	if name == "with-nft" {
		t, err := c.expr(e.List[3])
		if err != nil {
			return false, err
		}
		if t.Kind() != types.KindList {
			return false, c.fail(e.List[3], NFTNotList, "with-nft allowance must include a list of asset identifiers, found '%s'", t)
		}
		if t.Len() > maxAllowances {
			return false, c.fail(e.List[3], TooManyAllowances, "with-nft allowance has %d identifiers, and at most %d", t.Len(), maxAllowances)
		}
	}
	return name == "with-all-assets-unsafe", nil
}
