// Package check analyses a contract before it runs: names, types, traits, what is read-only (SIP-002, SIP-015). What it
// passes cannot go wrong at run time but by arithmetic, by running out, or by what other contracts do.
package check

import (
	"fmt"

	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// Access says who may call a function.
type Access string

// The kinds of function.
const (
	Public   Access = "public"
	ReadOnly Access = "read_only"
	Private  Access = "private"
)

// Function is a function's type.
type Function struct {
	Access Access
	Args   []types.Field // in the order in which they are declared
	Result *types.Type
	Reads  bool         // writes nothing, whatever its Access
	Define *syntax.Expr // nil for a function of a trait
}

// Map is a map's types.
type Map struct{ Key, Value *types.Type }

// Trait is what a contract must offer to implement it.
type Trait struct {
	ID        types.TraitID
	Functions map[string]Function
}

// Analysis is what is known of a contract that passed.
type Analysis struct {
	ID         value.Principal
	Version    types.Version
	Epoch      types.Epoch // in which it was checked
	Program    *syntax.Program
	Order      []*syntax.Expr // the top level in the order in which it is run: what is used comes before its user
	Types      []*types.Type  // by the ID of the expression; nil where there is none, as for a name in a definition
	Constants  map[string]*types.Type
	Variables  map[string]*types.Type
	Maps       map[string]Map
	Functions  map[string]Function
	Fungible   map[string]bool        // whether its supply is capped
	NFTs       map[string]*types.Type // of the identifier
	Traits     map[string]Trait       // defined here
	Used       map[string]Trait       // by use-trait, by the name given to it here
	Implements []types.TraitID
}

// Contracts finds the analyses of contracts that are deployed.
type Contracts interface {
	// Analysis returns nil if there is no such contract.
	Analysis(id value.Principal) (*Analysis, error)
}

// Options say what a contract is held to.
type Options struct {
	ID        value.Principal // the contract itself: .name means a contract of its deployer
	Version   types.Version
	Epoch     types.Epoch
	Mainnet   bool
	Ledger    bool // the words of our own that read the ledger, and the fai- names, are part of the language
	Contracts Contracts
}

// Diagnostic is one fault of a source text.
type Diagnostic struct {
	Code    Code
	Span    syntax.Span
	Message string // one line, says what was found and what was wanted
	Advice  string // what to do about it, or ""
}

// Code is the stable name of a rule.
type Code string

func (d *Diagnostic) Error() string {
	return fmt.Sprintf("%d:%d: %s", d.Span.Start.Line, d.Span.Start.Column, d.Message)
}
