package vm

import (
	"fmt"

	"funai/clarity/check"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// Deploy checks a contract, runs its top level, and keeps it. An error is a *syntax.Error, a *check.Diagnostic, an ErrExists
// or what Call's may be; nothing is kept then, and the Result, if there is one, has the cost alone.
func (m *VM) Deploy(env Env, store Store, tx Tx, id value.Principal, source string, version types.Version) (*Result, error) {
	taken, err := store.Get(contractKey(keyContract, id))
	if err != nil {
		return nil, err
	}
	if taken != nil {
		return nil, fmt.Errorf("%w: %v", ErrExists, id)
	}
	return m.install(env, store, tx, id, source, version, true)
}

// install is Deploy of a contract that may be there already and may not be kept.
func (m *VM) install(env Env, store Store, tx Tx, id value.Principal, source string, version types.Version, keep bool) (*Result, error) {
	epoch, mainnet := env.Epoch(), env.Mainnet()
	if version < types.Clarity1 || version > epoch.MaxVersion() {
		return nil, fmt.Errorf("%v in epoch %v, which has %v to %v", version, epoch, types.Clarity1, epoch.MaxVersion())
	}
	c, err := m.prepare(store, source, check.Options{ID: id, Version: version, Epoch: epoch, Mainnet: mainnet}, epoch)
	if err != nil {
		return nil, err
	}
	if len(encodeInterface(c.analysis)) > maxInterface {
		return nil, &check.Diagnostic{Code: check.TooComplex, Span: c.analysis.Program.Exprs[0].Span, Message: fmt.Sprintf("what others must know of the contract, its functions' types and its traits, takes more than %d bytes", maxInterface)}
	}
	f := m.start(env, store, tx)
	f.contract = c
	return f.transact(false, func() (value.Value, bool, error) {
		v, valued, err := f.evaluate(newCompiler(c, c.analysis, epoch), c.analysis.Order)
		if err != nil {
			return value.None, false, err
		}
		if !keep {
			return v, valued, nil
		}
		h, err := c.save(store)
		if err != nil {
			return value.None, false, err
		}
		c.weigh()
		m.cache.add(cacheKey{id, h, epoch, mainnet}, c)
		return v, valued, nil
	})
}

// Snippet checks and runs the top level of a contract as Deploy does, but does not keep the contract; what it did to others
// is kept.
func (m *VM) Snippet(env Env, store Store, tx Tx, id value.Principal, source string, version types.Version) (*Result, error) {
	return m.install(env, store, tx, id, source, version, false)
}

// Analysis returns what is known of a contract that was deployed; nil if there is none.
func (m *VM) Analysis(env Env, store Reader, id value.Principal) (*check.Analysis, error) {
	c, err := m.load(store, id, env.Epoch(), env.Mainnet())
	if err != nil || c == nil {
		return nil, err
	}
	return c.analysis, nil
}

// Eval runs a snippet in the context of a contract, which sees all that the contract's own functions see: for tests and
// for people who try things out. What it does is kept.
func (m *VM) Eval(env Env, store Store, tx Tx, contract value.Principal, snippet string) (*Result, error) {
	f := m.start(env, store, tx)
	c, err := f.load(contract)
	if err != nil {
		return nil, err
	}
	f.contract = c
	p, err := syntax.Parse(snippet, syntax.Options{Version: c.version, Epoch: f.epoch})
	if err != nil {
		return nil, err
	}
	o := check.Options{ID: contract, Version: c.version, Epoch: f.epoch, Mainnet: env.Mainnet(), Contracts: newInterfaces(store), Ledger: m.config.Ledger}
	a, err := check.Expression(p, c.analysis, o)
	if err != nil {
		return nil, err
	}
	if f.contract, err = c.with(a, f.epoch); err != nil {
		return nil, err
	}
	c = f.contract
	return f.transact(false, func() (value.Value, bool, error) { return f.evaluate(newCompiler(c, a, f.epoch), a.Order) })
}
