package vm

import (
	"funai/clarity/check"
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// contractBuiltins reach for other contracts.
var contractBuiltins = map[string]builtin{
	"contract-call?": {since: types.Clarity1, compile: compileContractCall},
	"contract-of":    {since: types.Clarity1, compile: compileContractOf},
}

// target compiles what a contract-call? names: a contract written out, one that a variable holds, or a trait.
func (c *compiler) target(e *syntax.Expr) (code, error) {
	if e.Kind == syntax.Atom && c.local(e.Name) == nil && c.epoch < types.Epoch34 {
		return failing("ContractCallExpectName: a constant names no contract before epoch 3.4"), nil
	}
	x, _, err := c.borrow(e)
	return x, err
}

func compileContractCall(c *compiler, call *syntax.Expr) (code, error) {
	price, err := c.pay(cost.ContractCall, 0)
	if err != nil {
		return nil, err
	}
	target, err := c.target(call.List[1])
	if err != nil {
		return nil, err
	}
	name, nest := call.List[2].Name, c.nest+1
	codes, err := c.exprs(call.List[3:])
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(price); err != nil {
			return value.None, limit(err)
		}
		vs := f.push(len(codes))
		for i, x := range codes {
			var err error
			if vs[i], err = x(f); err != nil {
				return value.None, err
			}
		}
		v, err := target(f)
		if err != nil {
			return value.None, err
		}
		id := v.AsPrincipal()
		var expected *types.Type
		if callable, ok := v.AsCallable(); ok && callable.Trait != (types.TraitID{}) {
			if expected, err = f.bound(callable, name); err != nil {
				return value.None, err
			}
		}
		out, err := f.callOut(id, name, vs, nest)
		if err != nil {
			return value.None, err
		}
		if f.epoch >= types.Epoch24 {
			out = value.Tighten(out)
		}
		if expected != nil && !value.Admits(expected, out) {
			return value.None, fault(Unchecked, "ReturnTypesMustMatch: %v answered %v, and the trait has %v", id, out, expected)
		}
		f.pop(len(codes))
		return out, nil
	}, nil
}

// bound makes sure that a contract offers a function as a trait has it. The result is the type that its answer must be of,
// nil if the contract says that it implements the trait: then analysis has made sure.
func (f *frame) bound(c value.Callable, name string) (*types.Type, error) {
	if c.Principal == f.contract.id {
		return nil, fault(Unchecked, "CircularReference: %v calls itself", c.Principal)
	}
	target, err := f.load(c.Principal)
	if err != nil {
		return nil, err
	}
	for _, id := range target.analysis.Implements {
		if id == c.Trait {
			return nil, nil
		}
	}
	fn := target.functions[name]
	if fn == nil {
		return nil, fault(Unchecked, "BadTraitImplementation: %v has no function %s", c.Principal, name)
	}
	if f.readOnly {
		return nil, fault(Unchecked, "TraitBasedContractCallInReadOnly: %s of %v", name, c.Principal)
	}
	if fn.access == check.Private {
		return nil, fault(Unchecked, "NoSuchPublicFunction: %s of %v is private", name, c.Principal)
	}
	home, err := value.ParsePrincipal(c.Trait.Contract)
	if err != nil {
		return nil, bug("trait of %q: %w", c.Trait.Contract, err)
	}
	definer, err := f.load(home)
	if err != nil {
		return nil, err
	}
	wanted, ok := definer.analysis.Traits[c.Trait.Name].Functions[name]
	if !ok {
		return nil, fault(Unchecked, "BadTraitImplementation: %v.%s has no function %s", home, c.Trait.Name, name)
	}
	if len(wanted.Args) != len(fn.params) {
		return nil, fault(Unchecked, "BadTraitImplementation: %s of %v takes %d arguments, and the trait has %d", name, c.Principal, len(fn.params), len(wanted.Args))
	}
	for i, p := range fn.params {
		if !p.Type.Admits(wanted.Args[i].Type) {
			return nil, fault(Unchecked, "BadTraitImplementation: argument %d of %s of %v is %v, and the trait has %v", i+1, name, c.Principal, p.Type, wanted.Args[i].Type)
		}
	}
	return wanted.Result, nil
}

// callOut calls a function of another contract, or one of the contract that a transaction calls. Its body lies nest deeper
// than what runs now. The arguments are copied.
func (f *frame) callOut(id value.Principal, name string, args []value.Value, nest int) (value.Value, error) {
	target, err := f.load(id)
	if err != nil {
		return value.None, err
	}
	if err := f.charge(cost.LoadContract, target.size); err != nil {
		return value.None, err
	}
	if err := f.meter.Hold(target.size); err != nil {
		return value.None, limit(err)
	}
	fn := target.functions[name]
	switch {
	case fn == nil:
		return value.None, fault(Unchecked, "UndefinedFunction: %v has no function %s", id, name)
	case fn.access == check.Private:
		return value.None, fault(Unchecked, "NoSuchPublicFunction: %s of %v is private", name, id)
	case f.readOnly && fn.access != check.ReadOnly:
		return value.None, fault(Unchecked, "PublicFunctionNotReadOnly: %s of %v", name, id)
	}
	next := &frame{
		run: f.run, contract: target, readOnly: f.readOnly,
		sender: f.sender, senderValue: f.senderValue, caller: f.contract.id, callerValue: f.contract.self,
	}
	v, err := next.admit(fn, args, nest)
	if err != nil {
		return value.None, err
	}
	f.meter.Release(target.size)
	return v, nil
}

// admit runs a function with arguments from outside its contract.
func (f *frame) admit(fn *function, args []value.Value, nest int) (value.Value, error) {
	if len(args) != len(fn.params) {
		return value.None, fault(Unchecked, "IncorrectArgumentCount: %v takes %d, not %d", fn, len(fn.params), len(args))
	}
	for _, other := range f.calls {
		f.reentered = f.reentered || other.contract.id == f.contract.id
	}
	if f.reentered && f.running(fn) {
		return value.None, f.circular(fn)
	}
	slots := f.push(fn.slots)
	for i, p := range fn.params {
		if !admits(p.Type, args[i]) {
			return value.None, fault(Unchecked, "TypeValueError: argument %d of %v is %v, not %v", i+1, fn, args[i], p.Type)
		}
		slots[i] = args[i]
	}
	v, err := fn.apply(f, slots, nest)
	if err == nil {
		f.pop(fn.slots)
	}
	return v, err
}

// compileContractOf compiles contract-of, which does not read its variable as other forms do, and which faults if there is no
// such contract.
func compileContractOf(c *compiler, call *syntax.Expr) (code, error) {
	price, err := c.pay(cost.ContractOf, 0)
	if err != nil {
		return nil, err
	}
	s := c.local(call.List[1].Name)
	if s == nil {
		return nil, bug("contract-of %v", call.List[1])
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(price); err != nil {
			return value.None, limit(err)
		}
		p := f.slots[s.slot].AsPrincipal()
		if _, err := f.load(p); err != nil {
			return value.None, err
		}
		return value.OfPrincipal(p), nil
	}, nil
}
