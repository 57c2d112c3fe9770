package vm

import (
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// dataBuiltins read and write data variables and maps.
var dataBuiltins = map[string]builtin{
	"var-get":    {since: types.Clarity1, compile: varGet},
	"var-set":    {since: types.Clarity1, compile: writer(2, varSet)},
	"map-get?":   {since: types.Clarity1, compile: mapGet},
	"map-set":    {since: types.Clarity1, compile: writer(3, mapSet)},
	"map-insert": {since: types.Clarity1, compile: writer(3, mapInsert)},
	"map-delete": {since: types.Clarity1, compile: writer(2, mapDelete)},
}

// writes says whether the run may write: not in a read-only call, whatever analysis let through.
func (f *frame) writes() error {
	if f.readOnly {
		return fault(Unchecked, "WriteAttemptedInReadOnly: a read-only context")
	}
	return nil
}

// firstName returns the name that is a call's first argument: of a variable, a map, a token.
func firstName(call *syntax.Expr, count int) (string, error) {
	if a := args(call); len(a) != count || a[0].Kind != syntax.Atom {
		return "", bug("%s of %d arguments", call.List[0].Name, len(a))
	}
	return call.List[1].Name, nil
}

// writer compiles a call that writes, of count arguments. As in the reference implementation, analysis lets pass one with
// more, and it fails when it is run.
func writer(count int, compile func(*compiler, *syntax.Expr) (code, error)) func(*compiler, *syntax.Expr) (code, error) {
	return func(c *compiler, call *syntax.Expr) (code, error) {
		if n := len(args(call)); n > count {
			c.takeLead()
			return func(*frame) (value.Value, error) {
				return value.None, fault(Unchecked, "IncorrectArgumentCount: %s wants %d, got %d", call.List[0].Name, count, n)
			}, nil
		}
		return compile(c, call)
	}
}

// createVariable writes a data variable's first value, for define-data-var once it is evaluated.
func (f *frame) createVariable(name string, t *types.Type, v value.Value) error {
	if err := f.charge(cost.CreateVar, uint64(t.Size())); err != nil {
		return err
	}
	if err := f.hold(uint64(t.TypeSize()) + uint64(v.Size())); err != nil {
		return err
	}
	b, err := value.Encode(v)
	if err != nil {
		return err
	}
	f.store.Put(storeKey(keyVariable, f.contract.id, name), b)
	return nil
}

func varGet(c *compiler, call *syntax.Expr) (code, error) {
	lead := c.takeLead()
	name, err := firstName(call, 1)
	if err != nil {
		return nil, err
	}
	t, ok := c.analysis.Variables[name]
	if !ok {
		return nil, bug("no variable %s", name)
	}
	key := storeKey(keyVariable, c.c.id, name)
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		b, err := f.store.Get(key)
		if err != nil {
			return value.None, err
		}
		if b == nil {
			return value.None, fault(Unchecked, "NoSuchDataVariable: %s", name)
		}
		if err := f.charge(cost.FetchVar, uint64(len(b))); err != nil {
			return value.None, err
		}
		return f.decode(b, t)
	}, nil
}

func varSet(c *compiler, call *syntax.Expr) (code, error) {
	lead := c.takeLead()
	name, err := firstName(call, 2)
	if err != nil {
		return nil, err
	}
	x, err := c.expr(call.List[2])
	if err != nil {
		return nil, err
	}
	key := storeKey(keyVariable, c.c.id, name)
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		if err := f.writes(); err != nil {
			return value.None, err
		}
		v, err := x(f)
		if err != nil {
			return value.None, err
		}
		b, err := value.Encode(v)
		if err != nil {
			return value.None, err
		}
		if err := f.stored(cost.SetVar, len(b)); err != nil {
			return value.None, err
		}
		f.store.Put(key, b)
		return value.True, nil
	}, nil
}

// stored charges a write of n bytes, which the reference implementation holds in memory to the end of the run.
func (f *frame) stored(charge cost.Function, n int) error {
	if err := f.charge(charge, uint64(n)); err != nil {
		return err
	}
	return f.hold(uint64(n))
}

// decode reads what this package wrote.
func (f *frame) decode(b []byte, t *types.Type) (value.Value, error) {
	v, err := value.DecodeTyped(b, t, f.epoch >= types.Epoch24)
	if err != nil {
		return value.None, bug("stored value: %v", err)
	}
	return v, nil
}
