package vm

import (
	"funai/clarity/check"
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// some is what a map's value is longer by in costs: the reference implementation stores optionals.
const some = 1

// deleted is what stays of an entry that was deleted. It must, since reading it costs more than reading what never was.
var deleted = []byte{}

// createMap charges for define-map.
func (f *frame) createMap(key, val *types.Type) error {
	if err := f.charge(cost.CreateMap, uint64(key.Size())+uint64(val.Size())); err != nil {
		return err
	}
	return f.hold(uint64(key.TypeSize()) + uint64(val.TypeSize()))
}

// mapNative is what the natives on maps share.
type mapNative struct {
	lead     uint64
	types    check.Map
	prefix   []byte
	key, val code // val is nil where there is none
}

func (c *compiler) mapNative(call *syntax.Expr, lent, val bool) (m mapNative, err error) {
	m.lead = c.takeLead()
	count := 2
	if val {
		count = 3
	}
	name, err := firstName(call, count)
	if err != nil {
		return m, err
	}
	var ok bool
	if m.types, ok = c.analysis.Maps[name]; !ok {
		return m, bug("no map %s", name)
	}
	m.prefix = storeKey(keyEntry, c.c.id, name)
	if lent {
		m.key, _, err = c.borrow(call.List[2])
	} else {
		m.key, err = c.expr(call.List[2])
	}
	if err == nil && val {
		m.val, err = c.expr(call.List[3])
	}
	return m, err
}

// at evaluates the key; it returns the store's key, and how long the key's encoding is.
func (m *mapNative) at(f *frame) (key []byte, n int, err error) {
	if err := f.meter.Run(m.lead); err != nil {
		return nil, 0, limit(err)
	}
	k, err := m.key(f)
	if err != nil {
		return nil, 0, err
	}
	return m.under(k)
}

// under returns the store's key of an entry, and how long the encoding of its own key is.
func (m *mapNative) under(k value.Value) (key []byte, n int, err error) {
	buf := append(make([]byte, 0, len(m.prefix)+maxInlineKey), m.prefix...)
	at, err := value.AppendEncode(buf, k)
	if err != nil {
		return nil, 0, err
	}
	n = len(at) - len(m.prefix)
	if n > maxInlineKey {
		at = entryKey(buf[:len(m.prefix):len(m.prefix)], at[len(m.prefix):])
	}
	return at, n, nil
}

func mapGet(c *compiler, call *syntax.Expr) (code, error) {
	m, err := c.mapNative(call, true, false)
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		key, n, err := m.at(f)
		if err != nil {
			return value.None, err
		}
		b, err := f.store.Get(key)
		if err != nil {
			return value.None, err
		}
		if b != nil {
			n += some + len(b)
		}
		if err := f.charge(cost.FetchEntry, uint64(n)); err != nil || len(b) == 0 {
			return value.None, err
		}
		v, err := f.decode(b, m.types.Value)
		if err != nil {
			return value.None, err
		}
		return value.Some(v), nil
	}, nil
}

func mapSet(c *compiler, call *syntax.Expr) (code, error) { return putEntry(c, call, true) }

func mapInsert(c *compiler, call *syntax.Expr) (code, error) { return putEntry(c, call, false) }

// putEntry is map-set, or map-insert, which does not replace.
func putEntry(c *compiler, call *syntax.Expr, replace bool) (code, error) {
	m, err := c.mapNative(call, false, true)
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.writes(); err != nil {
			return value.None, err
		}
		key, n, err := m.at(f)
		if err != nil {
			return value.None, err
		}
		v, err := m.val(f)
		if err != nil {
			return value.None, err
		}
		if !replace {
			old, err := f.store.Get(key)
			if err != nil {
				return value.None, err
			}
			if len(old) > 0 {
				return value.False, f.stored(cost.SetEntry, n)
			}
		}
		b, err := value.Encode(v)
		if err != nil {
			return value.None, err
		}
		if err := f.stored(cost.SetEntry, n+some+len(b)); err != nil {
			return value.None, err
		}
		f.store.Put(key, b)
		return value.True, nil
	}, nil
}

func mapDelete(c *compiler, call *syntax.Expr) (code, error) {
	m, err := c.mapNative(call, true, false)
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.writes(); err != nil {
			return value.None, err
		}
		key, n, err := m.at(f)
		if err != nil {
			return value.None, err
		}
		old, err := f.store.Get(key)
		if err != nil {
			return value.None, err
		}
		if len(old) == 0 {
			return value.False, f.stored(cost.SetEntry, n)
		}
		if err := f.stored(cost.SetEntry, n+some); err != nil {
			return value.None, err
		}
		f.store.Put(key, deleted)
		return value.True, nil
	}, nil
}
