package check

import (
	"funai/clarity/syntax"
	"funai/clarity/types"
)

var principalWords = map[string]word{
	"principal-of?":        typed(types.Clarity1, types.MustResponse(types.Principal, types.UInt), buff33),
	"principal-construct?": {since: types.Clarity2, rule: constructed},
	"principal-destruct?":  plain(types.Clarity2, fixed(types.MustResponse(principalParts, principalParts), types.Principal)),
	"is-standard":          plain(types.Clarity2, fixed(types.Bool, types.Principal)),
	"contract-hash?":       plain(types.Clarity4, fixed(types.MustResponse(buff32, types.UInt), types.Principal)),
}

// contractName is what a contract's name is in these functions: 40 characters, although names may have 128 elsewhere.
var contractName = types.MustASCII(40)

// principalParts is what a principal is made of.
var principalParts = types.MustTuple(
	types.Field{Name: "hash-bytes", Type: buff20},
	types.Field{Name: "name", Type: types.MustOptional(contractName)},
	types.Field{Name: "version", Type: buff1},
)

// constructedOrNot says, if the version byte is not one of this network's, what the principal would have been.
var constructedOrNot = types.MustResponse(types.Principal, types.MustTuple(
	types.Field{Name: "error_code", Type: types.UInt},
	types.Field{Name: "value", Type: types.MustOptional(types.Principal)},
))

func constructed(c *checker, call *syntax.Expr) (*types.Type, error) {
	if err := c.arityAtLeast(call, 2); err != nil {
		return nil, err
	}
	if err := c.arityAtMost(call, 3); err != nil {
		return nil, err
	}
	params := [...]*types.Type{buff1, buff20, contractName}
	for i, e := range args(call) {
		if err := c.expect(e, params[i]); err != nil {
			return nil, err
		}
	}
	return constructedOrNot, nil
}
