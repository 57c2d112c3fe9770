package vm

import (
	"maps"

	"funai/clarity/types"
)

// builtins are the native functions by name, and keywords the names that are read like variables; the ledger's are only for
// a VM that reads one. Natives compile their arguments, which may be calls of natives; so all are filled at start.
var (
	builtins       map[string]builtin
	keywords       map[string]keyword
	builtinsLedger map[string]builtin
	keywordsLedger map[string]keyword
)

func init() {
	builtins = assembled(
		controlBuiltins, optionBuiltins, iterationBuiltins, contractBuiltins, contextBuiltins,
		arithmeticBuiltins, bitBuiltins, compareBuiltins, sequenceBuiltins, listBuiltins, tupleBuiltins, convertBuiltins,
		consensusBuiltins, hashBuiltins, cryptoBuiltins, principalBuiltins,
		dataBuiltins, assetBuiltins, printBuiltins, chainBuiltins, allowanceBuiltins, bitcoinBuiltins,
	)
	keywords = assembled(contextKeywords, chainKeywords)
	builtinsLedger = assembled(builtins, ledgerBuiltins)
	keywordsLedger = assembled(keywords, ledgerKeywords)
}

func assembled[T any](ms ...map[string]T) map[string]T {
	out := make(map[string]T)
	for _, m := range ms {
		maps.Copy(out, m)
	}
	return out
}

// native finds a native function of the contract's version.
func (c *compiler) native(name string) (builtin, bool) {
	m := builtins
	if c.c.ledger {
		m = builtinsLedger
	}
	b, ok := m[name]
	return b, ok && in(c.version, b.since, b.until)
}

// keyword finds a keyword of the contract's version.
func (c *compiler) keyword(name string) (keyword, bool) {
	m := keywords
	if c.c.ledger {
		m = keywordsLedger
	}
	k, ok := m[name]
	return k, ok && in(c.version, k.since, k.until)
}

// taken says whether a name cannot be bound, which analysis leaves to be found out when a let or a match is run.
func (c *compiler) taken(name string) bool {
	_, native := c.native(name)
	_, word := c.keyword(name)
	return native || word || c.c.functions[name] != nil || c.local(name) != nil
}

// in says whether a version has what others have not.
func in(v, since, until types.Version) bool { return v >= since && (until == 0 || v < until) }
