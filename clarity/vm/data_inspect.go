package vm

import (
	"errors"
	"fmt"

	"funai/clarity/value"
)

// ErrNotFound is the error of asking for a contract, a data variable or a map that is not there.
var ErrNotFound = errors.New("not found")

// Variable reads a data variable of a contract without calling it. The error may be an ErrNotFound.
func (m *VM) Variable(env Env, store Store, contract value.Principal, name string) (value.Value, error) {
	f, err := m.inspect(env, store, contract)
	if err != nil {
		return value.None, err
	}
	t, ok := f.contract.analysis.Variables[name]
	if !ok {
		return value.None, fmt.Errorf("data variable %s of %v: %w", name, contract, ErrNotFound)
	}
	b, err := store.Get(storeKey(keyVariable, contract, name))
	if err != nil {
		return value.None, err
	}
	if b == nil {
		return value.None, fmt.Errorf("data variable %s of %v: %w", name, contract, ErrNotFound)
	}
	return f.decode(b, t)
}

// MapEntry reads an entry of a contract's map without calling it: an optional. The error may be an ErrNotFound if there is
// no such map, or say that the key is of a wrong type.
func (m *VM) MapEntry(env Env, store Store, contract value.Principal, name string, key value.Value) (value.Value, error) {
	f, err := m.inspect(env, store, contract)
	if err != nil {
		return value.None, err
	}
	t, ok := f.contract.analysis.Maps[name]
	if !ok {
		return value.None, fmt.Errorf("map %s of %v: %w", name, contract, ErrNotFound)
	}
	if !value.Admits(t.Key, key) {
		return value.None, fmt.Errorf("key of map %s: %w: %v is no %v", name, value.ErrNotAdmitted, key, t.Key)
	}
	entry := mapNative{types: t, prefix: storeKey(keyEntry, contract, name)}
	at, _, err := entry.under(key)
	if err != nil {
		return value.None, err
	}
	b, err := store.Get(at)
	if err != nil || len(b) == 0 {
		return value.None, err
	}
	v, err := f.decode(b, t.Value)
	if err != nil {
		return value.None, err
	}
	return value.Some(v), nil
}

// inspect is a frame in a contract, for looking at what it keeps.
func (m *VM) inspect(env Env, store Store, id value.Principal) (*frame, error) {
	c, err := m.load(store, id, env.Epoch(), env.Mainnet())
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, fmt.Errorf("contract %v: %w", id, ErrNotFound)
	}
	f := m.start(env, store, Tx{Sender: id})
	f.contract = c
	return f, nil
}
