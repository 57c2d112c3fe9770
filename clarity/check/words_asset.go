package check

import (
	"maps"
	"slices"

	"funai/clarity/syntax"
	"funai/clarity/types"
)

// assetWords work on a contract's tokens.
var assetWords = map[string]word{
	"ft-mint?":       {since: types.Clarity1, rule: fungible(boolOrUInt, types.UInt, types.Principal)},
	"ft-burn?":       {since: types.Clarity1, rule: fungible(boolOrUInt, types.UInt, types.Principal)},
	"ft-transfer?":   {since: types.Clarity1, rule: fungible(boolOrUInt, types.UInt, types.Principal, types.Principal)},
	"ft-get-balance": {since: types.Clarity1, rule: fungible(types.UInt, types.Principal)},
	"ft-get-supply":  {since: types.Clarity1, rule: fungible(types.UInt)},

	"nft-mint?":      {since: types.Clarity1, rule: nonFungible(boolOrUInt, types.Principal)},
	"nft-burn?":      {since: types.Clarity1, rule: nonFungible(boolOrUInt, types.Principal)},
	"nft-transfer?":  {since: types.Clarity1, rule: nonFungible(boolOrUInt, types.Principal, types.Principal)},
	"nft-get-owner?": {since: types.Clarity1, rule: nonFungible(types.MustOptional(types.Principal))},
}

// fungible takes the name of a fungible token and arguments of given types.
func fungible(result *types.Type, params ...*types.Type) rule {
	return func(c *checker, call *syntax.Expr) (*types.Type, error) {
		if err := c.arity(call, 1+len(params)); err != nil {
			return nil, err
		}
		if err := c.tokenName(call.List[1]); err != nil {
			return nil, err
		}
		name := call.List[1].Name
		if _, ok := c.a.Fungible[name]; !ok {
			return nil, c.advise(call.List[1], UnknownToken, nearest(name, slices.Sorted(maps.Keys(c.a.Fungible))),
				"tried to use token function with a undefined token ('%s')", name)
		}
		return result, c.expectAll(call.List[2:], params)
	}
}

// nonFungible takes the name of a non-fungible token, an identifier of its type and arguments of given types.
func nonFungible(result *types.Type, params ...*types.Type) rule {
	return func(c *checker, call *syntax.Expr) (*types.Type, error) {
		if err := c.arity(call, 2+len(params)); err != nil {
			return nil, err
		}
		if err := c.tokenName(call.List[1]); err != nil {
			return nil, err
		}
		name := call.List[1].Name
		id, ok := c.a.NFTs[name]
		if !ok {
			return nil, c.advise(call.List[1], UnknownAsset, nearest(name, slices.Sorted(maps.Keys(c.a.NFTs))),
				"tried to use asset function with a undefined asset ('%s')", name)
		}
		if err := c.expect(call.List[2], id); err != nil {
			return nil, err
		}
		return result, c.expectAll(call.List[3:], params)
	}
}

func (c *checker) tokenName(e *syntax.Expr) error {
	if e.Kind != syntax.Atom {
		return c.fail(e, BadTokenName, "expecting a token name as an argument, found %s", e)
	}
	return nil
}

// expectAll holds expressions to types, from the left.
func (c *checker) expectAll(es []*syntax.Expr, want []*types.Type) error {
	for i, e := range es {
		if err := c.expect(e, want[i]); err != nil {
			return err
		}
	}
	return nil
}
