package vm

import (
	"fmt"

	"funai/clarity/check"
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// code runs one compiled expression.
type code func(f *frame) (value.Value, error)

// run is one transaction.
type run struct {
	vm     *VM
	env    Env
	store  Store
	bank   Bank
	meter  *cost.Meter
	tx     Tx
	events []Event
	assets AssetMap
	epoch  types.Epoch

	depth     int           // of expressions and calls under way, where the function running now began
	maxDepth  int           // the first depth that is too deep
	calls     []*function   // under way, outermost first
	stack     []value.Value // arguments and slots; its part in use ends at len
	contracts map[value.Principal]*contract
	loaded    uint64 // bytes that they take
	past      int    // at-blocks under way
	constants int    // bytes of the encodings of those that were defined
	toiled    uint64 // elements and characters that were looked at for nothing: see toil
	kept      uint64 // bytes that stay held to the end of the transaction, by what was written
}

// frame is what code runs in: a contract, and on whose behalf. Calls within the contract share it and swap the slots;
// a call of another contract makes a new one.
type frame struct {
	*run
	contract    *contract // whose code runs
	sender      value.Principal
	caller      value.Principal
	senderValue value.Value   // the same, as tx-sender gives it; setSender sets both
	callerValue value.Value   // the same, as contract-caller gives it; setCaller sets both
	slots       []value.Value // the running function's arguments, and then what let, match and their like bind
	readOnly    bool
	reentered   bool // the contract is already in the chain of calls, so that a function could meet itself
}

// compiler turns one contract's expressions into code.
type compiler struct {
	version  types.Version // of the contract
	epoch    types.Epoch   // in which it runs
	c        *contract
	analysis *check.Analysis // of the contract, or of the snippet that is run in its context
	schedule *cost.Schedule  // of the epoch

	scope   *scope            // what let, match and arguments bind, innermost last
	names   map[string]*scope // the same by name
	slots   int               // in use
	most    int               // slots in use at once so far
	context int               // contexts around what is compiled: let and match make one each
	nest    int               // how deep the expression being compiled lies in its function
	deep    int               // the deepest so far
	stop    bool              // whether each expression makes sure of its depth when it is run
	lead    uint64            // the cost of finding the native being compiled, until its code takes over charging it
}

// builtin is a native function: how a call of it is compiled. Its name in the language is its key in builtins.
type builtin struct {
	since, until types.Version // until is the first version without it; 0 for none
	compile      func(c *compiler, call *syntax.Expr) (code, error)
}

// keyword is a name that is no variable but is read like one. What it costs to read is for read to charge.
type keyword struct {
	since, until types.Version // until is the first version without it; 0 for none
	read         func(f *frame) (value.Value, error)
}

// args are a call's arguments.
func args(call *syntax.Expr) []*syntax.Expr { return call.List[1:] }

// typeOf is the type that analysis found for an expression, nil for none.
func (c *compiler) typeOf(e *syntax.Expr) *types.Type {
	if c.analysis == nil || e.ID < 0 || e.ID >= len(c.analysis.Types) {
		return nil
	}
	return c.analysis.Types[e.ID]
}

// exprs compiles expressions in order.
func (c *compiler) exprs(es []*syntax.Expr) ([]code, error) {
	out := make([]code, len(es))
	for i, e := range es {
		var err error
		if out[i], err = c.expr(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// push grows the stack by n values, which hold anything, and returns them. They are given back with pop. A slice that was
// pushed stays good if the stack moves.
func (r *run) push(n int) []value.Value {
	base := len(r.stack)
	if base+n > cap(r.stack) {
		grown := make([]value.Value, base, 2*cap(r.stack)+n)
		copy(grown, r.stack)
		r.stack = grown
	}
	r.stack = r.stack[:base+n]
	return r.stack[base : base+n : base+n]
}

// pop gives back the n values pushed last.
func (r *run) pop(n int) { r.stack = r.stack[:len(r.stack)-n] }

// price is what a cost function says for an input that is known when compiling.
func (c *compiler) price(f cost.Function, n uint64) (cost.Cost, error) { return c.schedule.Of(f, n) }

// bug is an error of ours: the checker let through what it should not have.
func bug(format string, a ...any) error { return fmt.Errorf("clarity: internal: "+format, a...) }
