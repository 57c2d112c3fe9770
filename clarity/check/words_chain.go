package check

import (
	"funai/clarity/syntax"
	"funai/clarity/types"
)

// chainWords look blocks up by height: (word property height), of which the property is a name and no expression.
var chainWords = map[string]word{
	"get-block-info?":        {since: types.Clarity1, until: types.Clarity3, rule: info("block", blockProperties)},
	"get-burn-block-info?":   {since: types.Clarity2, rule: info("burn block", burnProperties)},
	"get-stacks-block-info?": {since: types.Clarity3, rule: info("stacks block", stacksProperties)},
	"get-tenure-info?":       {since: types.Clarity3, rule: info("tenure", tenureProperties)},
}

// property is what can be asked of a block, since a version.
type property struct {
	since types.Version
	typ   *types.Type
}

var (
	blockProperties = map[string]property{
		"time":                  {types.Clarity1, types.UInt},
		"vrf-seed":              {types.Clarity1, buff32},
		"header-hash":           {types.Clarity1, buff32},
		"id-header-hash":        {types.Clarity1, buff32},
		"burnchain-header-hash": {types.Clarity1, buff32},
		"miner-address":         {types.Clarity1, types.Principal},
		"block-reward":          {types.Clarity2, types.UInt},
		"miner-spend-total":     {types.Clarity2, types.UInt},
		"miner-spend-winner":    {types.Clarity2, types.UInt},
	}
	burnProperties = map[string]property{
		"header-hash": {types.Clarity2, buff32},
		"pox-addrs": {types.Clarity2, types.MustTuple(
			types.Field{Name: "addrs", Type: types.MustList(types.MustTuple(
				types.Field{Name: "hashbytes", Type: buff32},
				types.Field{Name: "version", Type: buff1},
			), 2)},
			types.Field{Name: "payout", Type: types.UInt},
		)},
	}
	stacksProperties = map[string]property{
		"time":           {types.Clarity3, types.UInt},
		"header-hash":    {types.Clarity3, buff32},
		"id-header-hash": {types.Clarity3, buff32},
	}
	tenureProperties = map[string]property{
		"time":                  {types.Clarity3, types.UInt},
		"vrf-seed":              {types.Clarity3, buff32},
		"burnchain-header-hash": {types.Clarity3, buff32},
		"miner-address":         {types.Clarity3, types.Principal},
		"block-reward":          {types.Clarity3, types.UInt},
		"miner-spend-total":     {types.Clarity3, types.UInt},
		"miner-spend-winner":    {types.Clarity3, types.UInt},
	}
)

func info(what string, properties map[string]property) rule {
	return func(c *checker, call *syntax.Expr) (*types.Type, error) {
		if err := c.arity(call, 2); err != nil {
			return nil, err
		}
		name, height := args(call)[0], args(call)[1]
		if name.Kind != syntax.Atom {
			return nil, c.fail(name, MissingProperty, "expecting the name of a property of a %s", what)
		}
		p, ok := properties[name.Name]
		if !ok || c.o.Version < p.since {
			return nil, c.fail(name, UnknownProperty, "a %s has no property '%s'", what, name.Name)
		}
		if err := c.expect(height, types.UInt); err != nil {
			return nil, err
		}
		return c.optional(call, p.typ)
	}
}
