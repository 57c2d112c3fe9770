package vm

import (
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// controlBuiltins are the forms that bind, branch and leave.
var controlBuiltins = map[string]builtin{
	"begin":    {since: types.Clarity1, compile: compileBegin},
	"let":      {since: types.Clarity1, compile: compileLet},
	"if":       {since: types.Clarity1, compile: compileIf},
	"and":      {since: types.Clarity1, compile: compileLogic(cost.And, false)},
	"or":       {since: types.Clarity1, compile: compileLogic(cost.Or, true)},
	"match":    {since: types.Clarity1, compile: compileMatch},
	"asserts!": {since: types.Clarity1, compile: compileAsserts},
}

// pay compiles the charge of a native that costs the same at every call, along with the cost of finding it.
func (c *compiler) pay(f cost.Function, n int) (uint64, error) {
	price, err := c.runtime(f, uint64(n))
	return price + c.takeLead(), err
}

// compileBegin compiles begin, which the reference implementation has as a function of all its expressions: each of their
// values is held until it is done.
func compileBegin(c *compiler, call *syntax.Expr) (code, error) {
	lead := c.takeLead()
	codes, err := c.exprs(args(call))
	if err != nil {
		return nil, err
	}
	price, err := c.runtime(cost.Begin, uint64(len(codes)))
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		held := uint64(0)
		var v value.Value
		for _, x := range codes {
			var err error
			if v, err = x(f); err != nil {
				return value.None, err
			}
			size := uint64(v.Size())
			if err := f.meter.Hold(size); err != nil {
				return value.None, limit(err)
			}
			held += size
		}
		f.meter.Release(held)
		return v, limit(f.meter.Run(price))
	}, nil
}

// compileLet compiles let: each binding sees those before it, and is held until the form is done.
func compileLet(c *compiler, call *syntax.Expr) (code, error) {
	pairs := call.List[1].List
	price, err := c.pay(cost.Let, len(pairs))
	if err != nil {
		return nil, err
	}
	var (
		bound  = make([]code, len(pairs))
		first  = c.slots
		before []code // all but the last expression of the body
		last   code
	)
	err = c.within(func() error {
		c.reserve(len(pairs))
		for i, p := range pairs {
			if name := p.List[0].Name; c.taken(name) {
				bound[i] = nameTaken(name)
			} else if bound[i], err = c.expr(p.List[1]); err != nil {
				return err
			}
			c.enter(&scope{name: p.List[0].Name, slot: first + i, typ: c.typeOf(p.List[1])})
		}
		body := call.List[2:]
		for _, e := range body[:len(body)-1] {
			x, _, err := c.borrow(e)
			if err != nil {
				return err
			}
			before = append(before, x)
		}
		last, err = c.expr(body[len(body)-1])
		return err
	})
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(price); err != nil {
			return value.None, limit(err)
		}
		held := uint64(0)
		for i, x := range bound {
			v, err := x(f)
			if err != nil {
				return value.None, err
			}
			size := uint64(v.Size())
			if err := f.meter.Hold(size); err != nil {
				return value.None, limit(err)
			}
			held += size
			f.slots[first+i] = v
		}
		for _, x := range before {
			if _, err := x(f); err != nil {
				return value.None, err
			}
		}
		v, err := last(f)
		f.meter.Release(held)
		return v, err
	}, nil
}

// nameTaken is code for what a name that cannot be bound is bound in.
func nameTaken(name string) code {
	return failing("NameAlreadyUsed: %s", name)
}

// compileIf compiles if.
func compileIf(c *compiler, call *syntax.Expr) (code, error) {
	price, err := c.pay(cost.If, 0)
	if err != nil {
		return nil, err
	}
	cond, _, err := c.borrow(call.List[1])
	if err != nil {
		return nil, err
	}
	yes, err := c.expr(call.List[2])
	if err != nil {
		return nil, err
	}
	no, err := c.expr(call.List[3])
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(price); err != nil {
			return value.None, limit(err)
		}
		v, err := cond(f)
		if err != nil {
			return value.None, err
		}
		if v.IsTrue() {
			return yes(f)
		}
		return no(f)
	}, nil
}

// compileLogic compiles and and or, which stop at the first operand that is decisive.
func compileLogic(charge cost.Function, decisive bool) func(*compiler, *syntax.Expr) (code, error) {
	return func(c *compiler, call *syntax.Expr) (code, error) {
		price, err := c.pay(charge, len(args(call)))
		if err != nil {
			return nil, err
		}
		codes := make([]code, len(args(call)))
		for i, e := range args(call) {
			if codes[i], _, err = c.borrow(e); err != nil {
				return nil, err
			}
		}
		return func(f *frame) (value.Value, error) {
			if err := f.meter.Run(price); err != nil {
				return value.None, limit(err)
			}
			for _, x := range codes {
				v, err := x(f)
				if err != nil {
					return value.None, err
				}
				if v.IsTrue() == decisive {
					return v, nil
				}
			}
			return value.Bool(!decisive), nil
		}, nil
	}
}

// compileAsserts compiles asserts!.
func compileAsserts(c *compiler, call *syntax.Expr) (code, error) {
	price, err := c.pay(cost.Asserts, 0)
	if err != nil {
		return nil, err
	}
	cond, borrowed, err := c.borrow(call.List[1])
	if err != nil {
		return nil, err
	}
	thrown, err := c.expr(call.List[2])
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(price); err != nil {
			return value.None, limit(err)
		}
		v, err := cond(f)
		if err != nil {
			return v, err
		}
		if v.IsTrue() {
			if borrowed { // it is the answer
				err = f.charge(cost.LookupVariableSize, uint64(v.Size()))
			}
			return v, err
		}
		if v, err = thrown(f); err != nil {
			return value.None, err
		}
		return value.None, &early{v}
	}, nil
}

// compileMatch compiles match of an optional and of a response.
func compileMatch(c *compiler, call *syntax.Expr) (code, error) {
	lead := c.takeLead() // match itself is charged after its input
	price, err := c.pay(cost.Match, 0)
	if err != nil {
		return nil, err
	}
	input, err := c.expr(call.List[1])
	if err != nil {
		return nil, err
	}
	a := call.List[2:]
	branch := func(name *syntax.Expr, body *syntax.Expr, t func(*types.Type) *types.Type) (slot int, x code, err error) {
		taken := c.taken(name.Name)
		err = c.within(func() error {
			slot = c.bind(name.Name)
			if taken {
				x = nameTaken(name.Name)
				return nil
			}
			if of := c.typeOf(call.List[1]); of != nil {
				c.scope.typ = t(of)
			}
			x, err = c.expr(body)
			return err
		})
		return slot, x, err
	}
	slot, some, err := branch(a[0], a[1], (*types.Type).Elem)
	if err != nil {
		return nil, err
	}
	var (
		other     code
		otherSlot = -1
	)
	if len(a) == 3 {
		other, err = c.expr(a[2])
	} else {
		otherSlot, other, err = branch(a[2], a[3], (*types.Type).Err)
	}
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		v, err := input(f)
		if err != nil {
			return value.None, err
		}
		if err := f.meter.Run(price); err != nil {
			return value.None, limit(err)
		}
		x, at := some, slot
		switch v.Kind() {
		case value.KindNone:
			return other(f)
		case value.KindErr:
			x, at = other, otherSlot
		default: // some or ok
		}
		v = v.Inner()
		held := uint64(v.Size())
		if err := f.meter.Hold(held); err != nil {
			return value.None, limit(err)
		}
		f.slots[at] = v
		out, err := x(f)
		f.meter.Release(held)
		return out, err
	}, nil
}
