package vm

import (
	"funai/clarity/check"
	"funai/clarity/cost"
	"funai/clarity/types"
	"funai/clarity/value"
)

// Config says how a VM works. The zero Config is good.
type Config struct {
	Cache  int                   // how many compiled contracts are kept; 0 is DefaultCache
	Memory uint64                // about how many bytes they may take; 0 is DefaultMemory
	Bank   func(Store, Env) Bank // who keeps the coins; nil is NewCoins
	Ledger bool                  // contracts of Clarity 3 and later have the words that read the ledger, and aliases of the coin's
}

// What a VM keeps if it is not told.
const (
	DefaultCache  = 1024      // compiled contracts
	DefaultMemory = 512 << 20 // bytes that they take
)

// VM runs contracts. It holds nothing but what it has compiled, so any number of chains and goroutines may share one.
type VM struct {
	config Config
	cache  *cache
}

// New returns a VM.
func New(c Config) *VM {
	if c.Cache <= 0 {
		c.Cache = DefaultCache
	}
	if c.Bank == nil {
		c.Bank = func(s Store, e Env) Bank { return NewCoins(s, e.BurnHeight()) }
	}
	if c.Memory == 0 {
		c.Memory = DefaultMemory
	}
	return &VM{config: c, cache: newCache(c.Cache, c.Memory)}
}

func (m *VM) bank(s Store, e Env) Bank { return m.config.Bank(s, e) }

// The most calls and expressions that lie within one another, from epoch 3.4 (SIP-039) and before.
const (
	depthSince34  = 128
	depthBefore34 = 64
)

// start begins a transaction.
func (m *VM) start(env Env, store Store, tx Tx) *frame {
	epoch := env.Epoch()
	bound := tx.Limit
	if bound == (cost.Cost{}) {
		bound = cost.Unlimited
	}
	r := &run{
		vm: m, env: env, store: store, bank: m.bank(store, env), meter: cost.NewMeter(cost.ScheduleOf(epoch), bound), tx: tx,
		epoch: epoch, maxDepth: depthBefore34, stack: make([]value.Value, 0, 64),
	}
	if epoch >= types.Epoch34 {
		r.maxDepth = depthSince34
	}
	caller := tx.Caller
	if caller == (value.Principal{}) {
		caller = tx.Sender
	}
	f := &frame{run: r, sender: tx.Sender, senderValue: value.OfPrincipal(tx.Sender), caller: caller}
	f.callerValue = f.senderValue
	if caller != tx.Sender {
		f.callerValue = value.OfPrincipal(caller)
	}
	return f
}

// transact runs all of a transaction, and undoes what it did if it fails, or if it is a call that answers err. The Result
// is there even so, with the cost.
func (f *frame) transact(isCall bool, work func() (v value.Value, valued bool, err error)) (*Result, error) {
	p := f.begin()
	v, valued, err := work()
	if thrown, ok := asEarly(err); ok {
		err = fault(EarlyReturn, "%v left the top level early", thrown)
	}
	answer := done
	if isCall {
		answer = v
	}
	_, err = f.finish(p, answer, err)
	committed := err == nil && answer.Kind() != value.KindErr
	res := &Result{Committed: committed, Cost: f.meter.Used, Memory: f.meter.Memory}
	if err != nil {
		return res, err
	}
	res.Value, res.Valued, res.Events = v, valued, f.events
	if committed {
		res.Assets = f.assets
	}
	return res, nil
}

// Call runs a public or read-only function. If it answers err, what it did is undone, but that is no error. An error is a
// *RuntimeError, or one of the Store or the Env, which says nothing of the contract; the Result then has the cost alone.
func (m *VM) Call(env Env, store Store, tx Tx, contract value.Principal, function string, args []value.Value) (*Result, error) {
	return m.execute(env, store, tx, contract, function, args, check.Public)
}

// ReadOnly runs a read-only function, or a public one as far as it writes nothing.
func (m *VM) ReadOnly(env Env, store Store, tx Tx, contract value.Principal, function string, args []value.Value) (*Result, error) {
	return m.execute(env, store, tx, contract, function, args, check.ReadOnly)
}

// Private runs any function, as tests do. What it does is kept, unless it answers err.
func (m *VM) Private(env Env, store Store, tx Tx, contract value.Principal, function string, args []value.Value) (*Result, error) {
	return m.execute(env, store, tx, contract, function, args, check.Private)
}

func (m *VM) execute(env Env, store Store, tx Tx, id value.Principal, name string, args []value.Value, as check.Access) (*Result, error) {
	f := m.start(env, store, tx)
	f.readOnly = as == check.ReadOnly
	return f.transact(true, func() (value.Value, bool, error) {
		v, err := f.enterContract(id, name, args, as)
		return v, true, err
	})
}

// enterContract calls the function that a transaction names.
func (f *frame) enterContract(id value.Principal, name string, args []value.Value, as check.Access) (value.Value, error) {
	target, err := f.load(id)
	if err != nil {
		return value.None, err
	}
	f.contract = target
	if err := f.charge(cost.LoadContract, target.size); err != nil {
		return value.None, err
	}
	if err := f.meter.Hold(target.size); err != nil {
		return value.None, limit(err)
	}
	defer f.meter.Release(target.size)
	fn := target.functions[name]
	switch {
	case fn == nil:
		return value.None, fault(Unchecked, "UndefinedFunction: %v has no function %s", id, name)
	case fn.access == check.Private && as != check.Private:
		return value.None, fault(Unchecked, "NoSuchPublicFunction: %s of %v is private", name, id)
	}
	return f.admit(fn, args, 1)
}

// maxLoaded is about how many bytes the contracts that a transaction has called may take in memory at once, without those
// under way.
const maxLoaded = 128 << 20

// load finds a contract; the error is a fault if there is none.
func (r *run) load(id value.Principal) (*contract, error) {
	if c := r.contracts[id]; c != nil {
		return c, nil
	}
	c, err := r.vm.load(r.store, id, r.epoch, r.env.Mainnet())
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, fault(Unchecked, "NoSuchContract: %v", id)
	}
	if r.contracts == nil {
		r.contracts = make(map[value.Principal]*contract)
	}
	if r.loaded += c.weight; r.loaded > maxLoaded {
		clear(r.contracts) // those under way stay, and the others are found again
		r.loaded = c.weight
	}
	r.contracts[id] = c
	return c, nil
}
