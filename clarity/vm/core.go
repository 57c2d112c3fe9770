package vm

import (
	"crypto/sha256"
	"sync"

	"funai/clarity/check"
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// contract is a compiled contract: immutable once it is loaded or deployed, so that runs share it.
type contract struct {
	id        value.Principal
	self      value.Value // the same
	source    string
	version   types.Version
	size      uint64            // bytes that loading it counts for: its source, and what it defines
	ledger    bool              // it has the words that read the ledger
	weight    uint64            // bytes of memory that it takes: see weigh
	uses      [sha256.Size]byte // digest of the interfaces of the contracts that it was checked against
	analysis  *check.Analysis
	constants map[string]*constant
	functions map[string]*function
}

// function is a compiled function.
type function struct {
	contract *contract
	name     string
	access   check.Access
	params   []types.Field
	casts    []bool // which parameters are or hold traits or tuples, so that what is passed must be cast
	casting  bool   // any of casts
	twice    string // a parameter's name that another has too, which only calls find
	price    uint64 // of applying it and of checking the types of its arguments, but of those in weighed
	weighed  []int  // the parameters whose arguments are charged by their own size
	define   *syntax.Expr

	body   code
	slots  int // what its arguments and bindings need
	height int // expressions that lie within one another

	careful func() (code, error) // body that stops where calls are too deep
}

// expr compiles one expression.
func (c *compiler) expr(e *syntax.Expr) (code, error) {
	if e.ID < 0 { // stands for a slot: see applied
		slot := -1 - e.ID
		return func(f *frame) (value.Value, error) { return f.slots[slot], nil }, nil
	}
	switch e.Kind {
	case syntax.Literal:
		return constantly(e.Value), nil
	case syntax.ContractRef:
		id := c.c.id
		id.Contract = e.Name
		return constantly(value.OfPrincipal(id)), nil
	case syntax.Atom:
		return c.variable(e.Name)
	case syntax.List:
		lead, err := c.runtime(cost.LookupFunction, 0)
		if err != nil {
			return nil, err
		}
		return c.application(e, lead)
	default:
		return nil, bug("an expression of kind %d has no value", e.Kind)
	}
}

// constantly is code that gives a value and costs nothing.
func constantly(v value.Value) code {
	return func(*frame) (value.Value, error) { return v, nil }
}

// application compiles a call of a native or a function, which lead is charged before.
func (c *compiler) application(e *syntax.Expr, lead uint64) (code, error) {
	if len(e.List) == 0 || e.List[0].Kind != syntax.Atom {
		return nil, bug("a call without a name")
	}
	nest := c.nest
	c.nest++
	defer func() { c.nest = nest }()
	c.deep = max(c.deep, c.nest)

	inner := lead
	if c.stop {
		inner = 0
	}
	name := e.List[0].Name
	x, err := c.named(name, e, inner)
	if err != nil || !c.stop {
		return x, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		if f.depth+nest >= f.maxDepth {
			return value.None, fault(StackTooDeep, "calls and expressions lie %d within one another", f.maxDepth)
		}
		return x(f)
	}, nil
}

// named compiles a call of a native or a function of a name, and what is to be charged first.
func (c *compiler) named(name string, e *syntax.Expr, lead uint64) (code, error) {
	b, ok := c.native(name)
	if !ok {
		fn := c.c.functions[name]
		if fn == nil {
			return nil, bug("no function %s", name)
		}
		return c.call(fn, args(e), lead)
	}
	c.lead = lead
	x, err := b.compile(c, e)
	if err != nil {
		return nil, err
	}
	if lead = c.takeLead(); lead == 0 {
		return x, nil
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		return x(f)
	}, nil
}

// applied compiles a call of a native or a function, named by e, with what is in slots, as map, filter and fold do.
func (c *compiler) applied(e *syntax.Expr, slots ...int) (code, error) {
	call := &syntax.Expr{ID: e.ID, Kind: syntax.List, Span: e.Span, List: []*syntax.Expr{e}}
	for _, s := range slots {
		call.List = append(call.List, &syntax.Expr{ID: -1 - s, Kind: syntax.Atom, Span: e.Span})
	}
	return c.application(call, 0)
}

// runtime is the price of a cost function that costs nothing but time.
func (c *compiler) runtime(f cost.Function, n uint64) (uint64, error) {
	p, err := c.price(f, n)
	if err != nil {
		return 0, err
	}
	if !isRuntime(p) {
		return 0, bug("%v costs more than time", f)
	}
	return p.Runtime, nil
}

// compile compiles the function's body. What it calls must be known to the contract, and need not be compiled yet.
func (fn *function) compile(c *compiler) error {
	body := fn.define.List[2]
	var err error
	if fn.body, err = c.function(fn, body, false); err != nil {
		return err
	}
	again := *c
	fn.careful = sync.OnceValues(func() (code, error) {
		c := again
		return c.function(fn, body, true)
	})
	return nil
}

// function compiles a function's body.
func (c *compiler) function(fn *function, body *syntax.Expr, stop bool) (code, error) {
	c.scope, c.names, c.context, c.slots, c.most, c.nest, c.deep, c.stop = nil, nil, 0, 0, 0, 0, 0, stop
	for _, p := range fn.params {
		c.bind(p.Name)
		c.scope.argument, c.scope.typ = true, p.Type
	}
	x, err := c.expr(body)
	if err != nil {
		return nil, err
	}
	if !stop {
		fn.slots, fn.height = c.most, c.deep
	}
	return x, nil
}
