package check

import (
	"maps"
	"slices"

	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// callWords call other contracts and change in whose name or at which time an expression runs.
var callWords = map[string]word{
	"contract-call?": {since: types.Clarity1, rule: (*checker).contractCall},
	"contract-of":    {since: types.Clarity1, rule: (*checker).contractOf},
	"as-contract":    {since: types.Clarity1, until: types.Clarity4, rule: (*checker).printed},
	"at-block":       {since: types.Clarity1, until: types.Clarity5, rule: (*checker).atBlock},
}

// callName is the fault of a contract-call? without a contract or a function's name.
func (c *checker) callName(e *syntax.Expr) error {
	return c.advise(e, ExpectedContract, "write (contract-call? .contract function argument …), or the name of an argument of a trait's type for the contract",
		"missing contract name for call, found %s", e)
}

func (c *checker) contractCall(call *syntax.Expr) (*types.Type, error) {
	if err := c.arityAtLeast(call, 2); err != nil {
		return nil, err
	}
	target, method := call.List[1], call.List[2]
	if method.Kind != syntax.Atom {
		return nil, c.callName(method)
	}
	id, static := c.contract(target)
	if !static {
		if target.Kind != syntax.Atom {
			return nil, c.callName(target)
		}
		if b, ok := c.local(target.Name); ok && b.trait != nil {
			return c.callThrough(call, *b.trait)
		}
		var err error
		if id, err = c.constantContract(target); err != nil {
			return nil, err
		}
	}
	c.recordTarget(target, static)
	a, err := c.deployed(target, id)
	if err != nil {
		return nil, err
	}
	f, ok := a.Functions[method.Name]
	if !ok || f.Access == Private {
		return nil, c.advise(method, UnknownMethod, nearest(method.Name, callable(a)), "contract '%s' has no public function '%s'", id, method.Name)
	}
	return c.callOf(call, f)
}

// recordTarget notes the type of a contract that is called, for those who ask what stands there.
func (c *checker) recordTarget(target *syntax.Expr, static bool) {
	if static {
		id, _ := c.contract(target)
		c.record(target, types.ContractLiteral(id.String()))
		return
	}
	c.record(target, c.a.Constants[target.Name])
}

// callable are the functions that other contracts may call, in order.
func callable(a *Analysis) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(a.Functions)) {
		if a.Functions[name].Access != Private {
			names = append(names, name)
		}
	}
	return names
}

// callThrough is a call through a trait.
func (c *checker) callThrough(call *syntax.Expr, id types.TraitID) (*types.Type, error) {
	t, err := c.knownTrait(call.List[1], id)
	if err != nil {
		return nil, err
	}
	c.record(call.List[1], types.Trait(id))
	f, ok := t.Functions[call.List[2].Name]
	if !ok {
		return nil, c.advise(call.List[2], UnknownTraitMethod, nearest(call.List[2].Name, slices.Sorted(maps.Keys(t.Functions))),
			"method '%s' unspecified in trait <%s>", call.List[2].Name, id.Name)
	}
	return c.callOf(call, f)
}

// constantContract is the contract that a constant is, since Clarity 2.
func (c *checker) constantContract(e *syntax.Expr) (id value.Principal, err error) {
	t, ok := c.a.Constants[e.Name]
	if !ok || c.o.Version < types.Clarity2 {
		return id, c.advise(e, UnknownTrait, "the contract is an argument of a trait's type, or a constant that is a contract's name (since Clarity 2)",
			"use of undeclared trait <%s>", e.Name)
	}
	if t.Kind() != types.KindContract || len(t.Contracts()) != 1 {
		return id, c.fail(e, ExpectedCallable, "expected a callable contract, found %s", t)
	}
	return value.ParsePrincipal(t.Contracts()[0])
}

// callOf holds a contract-call?'s arguments to a function.
func (c *checker) callOf(call *syntax.Expr, f Function) (*types.Type, error) {
	given := call.List[3:]
	if len(given) != len(f.Args) {
		return nil, c.fail(call, ArgumentCount, "expecting %s, got %d", arguments(len(f.Args)), len(given))
	}
	for i, e := range given {
		if err := c.expect(e, f.Args[i].Type); err != nil {
			return nil, err
		}
	}
	return f.Result, nil
}

func (c *checker) contractOf(call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 1); err != nil {
		return nil, err
	}
	e := call.List[1]
	if e.Kind != syntax.Atom {
		return nil, c.fail(e, ExpectedTrait, "trait reference expected, found %s", e)
	}
	b, ok := c.local(e.Name)
	if !ok || b.trait == nil {
		return nil, c.advise(e, UnknownTrait, "the argument is a name of a trait's type", "use of undeclared trait <%s>", e.Name)
	}
	c.record(e, b.typ)
	if _, err := c.knownTrait(e, *b.trait); err != nil {
		return nil, err
	}
	return types.Principal, nil
}

func (c *checker) atBlock(call *syntax.Expr) (*types.Type, error) {
	if c.o.Epoch >= types.Epoch40 {
		return nil, c.fail(call, NoAtBlock, "(at-block ...) is not available in epoch %s", c.o.Epoch)
	}
	if err := c.arity(call, 2); err != nil {
		return nil, err
	}
	if err := c.expect(call.List[1], buff32); err != nil {
		return nil, err
	}
	return c.expr(call.List[2])
}
