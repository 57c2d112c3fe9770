package check

import (
	"maps"

	"funai/clarity/syntax"
	"funai/clarity/types"
)

// rule finds the type of a call of a native function, or the fault in it. call.List[0] is the function's name.
type rule func(c *checker, call *syntax.Expr) (*types.Type, error)

// application finds the type of a native function of arguments of given types; a fault is at an expression. It checks the
// number of arguments too.
type application func(c *checker, at *syntax.Expr, args []*types.Type) (*types.Type, error)

// word is a native function in the versions from since, up to and not with until; until 0 is all of them.
type word struct {
	since, until types.Version
	rule         rule
	apply        application // nil for a function that cannot be given to map, filter and fold
	ledger       bool        // of our own: only with Options.Ledger
}

// simple is the rule of a function that is its application: all arguments from the left, then apply.
func simple(apply application) rule {
	return func(c *checker, call *syntax.Expr) (*types.Type, error) {
		ts, err := c.exprs(args(call))
		if err != nil {
			return nil, err
		}
		return apply(c, call, ts)
	}
}

// words are the native functions, by name. It is filled at start because rules look into it themselves.
var words map[string]word

func init() {
	words = make(map[string]word)
	for _, m := range []map[string]word{
		controlWords, responseWords, tupleWords, higherWords, dataWords, assetWords, callWords, allowanceWords,
		arithmeticWords, comparisonWords, sequenceWords, conversionWords, serializationWords,
		hashWords, signatureWords, principalWords, coinWords, chainWords, bitcoinWords, ledgerWords,
	} {
		maps.Copy(words, m)
	}
}

// lookupWord finds a native function of the language that the options say.
func lookupWord(name string, o Options) (word, bool) {
	w, ok := words[name]
	if !ok || o.Version < w.since || w.until != 0 && o.Version >= w.until || w.ledger && !o.Ledger {
		return word{}, false
	}
	return w, true
}

// args are a call's arguments.
func args(call *syntax.Expr) []*syntax.Expr { return call.List[1:] }
