package vm

import (
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// contextBuiltins evaluate an expression on somebody else's behalf or at another time.
var contextBuiltins = map[string]builtin{
	"as-contract": {since: types.Clarity1, until: types.Clarity4, compile: compileAsContract},
	"at-block":    {since: types.Clarity1, until: types.Clarity5, compile: compileAtBlock},
}

// asSelfMemory is what the reference implementation holds, in bytes, while a contract acts as itself.
const asSelfMemory = 1

// asSelf runs code with the contract itself as tx-sender and contract-caller.
func (f *frame) asSelf(x code) (value.Value, error) {
	if err := f.meter.Hold(asSelfMemory); err != nil {
		return value.None, limit(err)
	}
	sender, senderValue, caller, callerValue := f.sender, f.senderValue, f.caller, f.callerValue
	f.sender, f.senderValue, f.caller, f.callerValue = f.contract.id, f.contract.self, f.contract.id, f.contract.self
	v, err := x(f)
	f.sender, f.senderValue, f.caller, f.callerValue = sender, senderValue, caller, callerValue
	f.meter.Release(asSelfMemory)
	return v, err
}

func compileAsContract(c *compiler, call *syntax.Expr) (code, error) {
	price, err := c.pay(cost.AsContract, 0)
	if err != nil {
		return nil, err
	}
	body, err := c.expr(call.List[1])
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(price); err != nil {
			return value.None, limit(err)
		}
		return f.asSelf(body)
	}, nil
}

// past is the state of another block, which cannot be changed.
type past struct{ Reader }

func (past) Put([]byte, []byte) {}

func (past) Delete([]byte) {}

func (past) Mark() int { return 0 }

func (past) Rollback(int) {}

// atBlockMemory is what the reference implementation holds for an at-block under way, in bytes.
const atBlockMemory = 1

func compileAtBlock(c *compiler, call *syntax.Expr) (code, error) {
	lead := c.takeLead()
	price, err := c.price(cost.AtBlock, 0)
	if err != nil {
		return nil, err
	}
	codes, err := c.exprs(args(call))
	if err != nil {
		return nil, err
	}
	block, body := codes[0], codes[1]
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		if err := f.meter.Add(price); err != nil {
			return value.None, limit(err)
		}
		if f.epoch >= types.Epoch34 {
			return value.None, fault(Unchecked, "AtBlockUnavailable: not since epoch 3.4")
		}
		v, err := block(f)
		if err != nil {
			return value.None, err
		}
		if v.Len() != 32 {
			return value.None, fault(BadBlockHash, "%v", v)
		}
		if err := f.meter.Hold(atBlockMemory); err != nil {
			return value.None, limit(err)
		}
		v, err = f.at([32]byte(v.Octets()), body)
		f.meter.Release(atBlockMemory)
		return v, err
	}, nil
}

// at runs code on the state after a block. It can write nothing, and what it prints is forgotten.
func (f *frame) at(id [32]byte, x code) (value.Value, error) {
	state, env, err := f.env.At(id)
	if err != nil {
		return value.None, err
	}
	if state == nil || env == nil {
		return value.None, fault(UnknownBlock, "%x", id)
	}
	r := f.run
	oldEnv, oldStore, oldBank, contracts, readOnly, events := r.env, r.store, r.bank, r.contracts, f.readOnly, len(r.events)
	r.env, r.store, r.contracts, f.readOnly = env, past{state}, nil, true
	r.bank = r.vm.bank(r.store, env)
	r.past++
	v, err := x(f)
	r.past--
	r.env, r.store, r.bank, r.contracts, f.readOnly = oldEnv, oldStore, oldBank, contracts, readOnly
	r.events = r.events[:events]
	return v, err
}
