package check

import "funai/clarity/types"

// keyword is a variable of the language, in the versions from since, up to and not with until; until 0 is all of them.
type keyword struct {
	since, until types.Version
	typ          *types.Type
	ledger       bool // of our own: only with Options.Ledger
}

// keywords are the variables of the language.
var keywords = map[string]keyword{
	"none":  {since: types.Clarity1, typ: types.MustOptional(types.None)},
	"true":  {since: types.Clarity1, typ: types.Bool},
	"false": {since: types.Clarity1, typ: types.Bool},

	"tx-sender":       {since: types.Clarity1, typ: types.Principal},
	"contract-caller": {since: types.Clarity1, typ: types.Principal},
	"tx-sponsor?":     {since: types.Clarity2, typ: types.MustOptional(types.Principal)},

	"block-height":        {since: types.Clarity1, until: types.Clarity3, typ: types.UInt},
	"burn-block-height":   {since: types.Clarity1, typ: types.UInt},
	"stacks-block-height": {since: types.Clarity3, typ: types.UInt},
	"tenure-height":       {since: types.Clarity3, typ: types.UInt},
	"stacks-block-time":   {since: types.Clarity4, typ: types.UInt},

	"stx-liquid-supply": {since: types.Clarity1, typ: types.UInt},
	"is-in-regtest":     {since: types.Clarity1, typ: types.Bool},
	"is-in-mainnet":     {since: types.Clarity2, typ: types.Bool},
	"chain-id":          {since: types.Clarity2, typ: types.UInt},
	"current-contract":  {since: types.Clarity4, typ: types.Principal},

	"fai-liquid-supply": {since: types.Clarity3, typ: types.UInt, ledger: true},
}

// lookupKeyword finds a variable of the language that the options say.
func lookupKeyword(name string, o Options) (*types.Type, bool) {
	k, ok := keywords[name]
	if !ok || o.Version < k.since || k.until != 0 && o.Version >= k.until || k.ledger && !o.Ledger {
		return nil, false
	}
	return k.typ, true
}
