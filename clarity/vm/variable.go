package vm

import (
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// scope is a chain of names bound to slots, innermost first.
type scope struct {
	parent   *scope
	hidden   *scope // of the same name, further out
	name     string
	slot     int
	argument bool
	typ      *types.Type // or nil
}

// bind gives a name the next slot.
func (c *compiler) bind(name string) int {
	slot := c.slots
	c.enter(&scope{name: name, slot: slot})
	c.reserve(1)
	return slot
}

// enter adds a name to the scope.
func (c *compiler) enter(s *scope) {
	if c.names == nil {
		c.names = make(map[string]*scope)
	}
	s.parent, s.hidden = c.scope, c.names[s.name]
	c.scope, c.names[s.name] = s, s
}

// reserve takes n slots without a name, and returns the first.
func (c *compiler) reserve(n int) int {
	slot := c.slots
	c.slots += n
	c.most = max(c.most, c.slots)
	return slot
}

// within compiles what lies in a context of its own, and forgets then what was bound in it.
func (c *compiler) within(compile func() error) error {
	scope, slots := c.scope, c.slots
	c.context++
	err := compile()
	c.context--
	for ; c.scope != scope; c.scope = c.scope.parent {
		c.names[c.scope.name] = c.scope.hidden
	}
	c.slots = slots
	return err
}

// local finds what a name is bound to; nil for nothing.
func (c *compiler) local(name string) *scope { return c.names[name] }

// variable compiles the reading of a name. A keyword is charged by what reads it; all else by how many contexts lie around
// it, and by the size of the value.
func (c *compiler) variable(name string) (code, error) {
	if k, ok := c.keyword(name); ok {
		return k.read, nil
	}
	if c.local(name) == nil && c.c.constants[name] == nil {
		return failing("UndefinedVariable: %s", name), nil // in what analysis does not look at
	}
	x, fixed, err := c.lookup(name)
	if err != nil || fixed {
		return x, err
	}
	return func(f *frame) (value.Value, error) {
		v, err := x(f)
		if err != nil {
			return value.None, err
		}
		return v, f.charge(cost.LookupVariableSize, uint64(v.Size()))
	}, nil
}

// borrow is expr for what only looks at a value. Since epoch 3.4 it does not cost its size to look at a variable: then
// borrowed is true, and who copies the value must charge LookupVariableSize.
func (c *compiler) borrow(e *syntax.Expr) (x code, borrowed bool, err error) {
	if e.Kind != syntax.Atom || e.ID < 0 || c.epoch < types.Epoch34 {
		x, err = c.expr(e)
		return x, false, err
	}
	if k, ok := c.keyword(e.Name); ok {
		return k.read, false, nil
	}
	x, err = c.peek(e.Name)
	return x, err == nil, err
}

// look is borrow where nobody copies the value.
func (c *compiler) look(e *syntax.Expr) (code, error) {
	x, _, err := c.borrow(e)
	return x, err
}

// lookup compiles the reading of a variable. If all is charged by it, since the size is always the same, fixed is true.
func (c *compiler) lookup(name string) (x code, fixed bool, err error) {
	depth, err := c.runtime(cost.LookupVariableDepth, uint64(c.context))
	if err != nil {
		return nil, false, err
	}
	s := c.local(name)
	if s == nil {
		k := c.c.constants[name]
		if k == nil {
			return nil, false, bug("no variable %s", name)
		}
		return func(f *frame) (value.Value, error) {
			if err := f.meter.Run(depth); err != nil {
				return value.None, limit(err)
			}
			return k.value, f.charge(cost.LookupVariableSize, k.sized(f.epoch))
		}, true, nil
	}
	slot := s.slot
	if c.version < types.Clarity2 && s.argument && s.typ != nil && s.typ.Kind() == types.KindTrait {
		x, err = c.peek(name) // kept apart from other variables, and their size is not charged
		return x, true, err
	}
	size := fixedSize(s.typ)
	if size == 0 {
		x, err = c.peek(name)
		return x, false, err
	}
	price, err := c.runtime(cost.LookupVariableSize, size)
	if err != nil {
		return nil, false, err
	}
	price += depth
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(price); err != nil {
			return value.None, limit(err)
		}
		return f.slots[slot], nil
	}, true, nil
}

// peek compiles the reading of a variable without charging its size.
func (c *compiler) peek(name string) (code, error) {
	depth, err := c.runtime(cost.LookupVariableDepth, uint64(c.context))
	if err != nil {
		return nil, err
	}
	if s := c.local(name); s != nil {
		slot := s.slot
		if c.version < types.Clarity2 && s.argument && s.typ != nil && s.typ.Kind() == types.KindTrait {
			return func(f *frame) (value.Value, error) {
				return value.OfPrincipal(f.slots[slot].AsPrincipal()), limit(f.meter.Run(depth))
			}, nil
		}
		return func(f *frame) (value.Value, error) {
			if err := f.meter.Run(depth); err != nil {
				return value.None, limit(err)
			}
			return f.slots[slot], nil
		}, nil
	}
	k := c.c.constants[name]
	if k == nil {
		return nil, bug("no variable %s", name)
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(depth); err != nil {
			return value.None, limit(err)
		}
		return k.value, nil
	}, nil
}

// fixedSize is the size of every value of a type, or 0 if they differ.
func fixedSize(t *types.Type) uint64 {
	if t == nil {
		return 0
	}
	switch t.Kind() {
	case types.KindInt, types.KindUInt, types.KindBool, types.KindPrincipal:
		return uint64(t.Size())
	default:
		return 0
	}
}
