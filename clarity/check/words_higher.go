package check

import (
	"funai/clarity/syntax"
	"funai/clarity/types"
)

// higherWords are the functions that take the name of a function.
var higherWords = map[string]word{
	"map":    {since: types.Clarity1, rule: (*checker).mapping},
	"filter": {since: types.Clarity1, rule: (*checker).filter},
	"fold":   {since: types.Clarity1, rule: (*checker).fold},
}

// functionName holds an expression to being a name.
func (c *checker) functionName(e *syntax.Expr) error {
	if e.Kind != syntax.Atom {
		return c.advise(e, NotFunction, "give the name of a function", "expecting expression of type function, found %s", e)
	}
	return nil
}

// function finds what the function of a name answers to arguments of given types.
func (c *checker) function(name *syntax.Expr) (application, error) {
	if err := c.functionName(name); err != nil {
		return nil, err
	}
	if w, ok := lookupWord(name.Name, c.o); ok {
		if w.apply == nil {
			return nil, c.advise(name, IllegalFunction, "define a private function that calls it, and give that", "use of illegal / unresolved function '%s'", name.Name)
		}
		return w.apply, nil
	}
	f, ok := c.a.Functions[name.Name]
	if !ok {
		return nil, c.advise(name, IllegalFunction, c.adviceOnFunction(name.Name), "use of illegal / unresolved function '%s'", name.Name)
	}
	return func(c *checker, at *syntax.Expr, got []*types.Type) (*types.Type, error) {
		if err := c.count(at, len(got), len(f.Args)); err != nil {
			return nil, err
		}
		for i, a := range f.Args {
			if err := c.compare(at, a.Type, got[i]); err != nil {
				return nil, err
			}
			if !a.Type.Admits(got[i]) {
				return nil, c.mismatch(at, a.Type, got[i])
			}
		}
		return f.Result, nil
	}, nil
}

func (c *checker) mapping(call *syntax.Expr) (*types.Type, error) {
	if err := c.arityAtLeast(call, 2); err != nil {
		return nil, err
	}
	apply, err := c.function(call.List[1])
	if err != nil {
		return nil, err
	}
	shortest := uint32(1<<32 - 1)
	elems := make([]*types.Type, 0, len(call.List)-2)
	for _, e := range call.List[2:] {
		t, err := c.expr(e)
		if err != nil {
			return nil, err
		}
		if err := c.holdSequence(e, t); err != nil {
			return nil, err
		}
		elems = append(elems, unit(t))
		shortest = min(shortest, t.Len())
	}
	result, err := apply(c, call, elems)
	if err != nil {
		return nil, err
	}
	return c.made(call)(types.List(result, shortest))
}

func (c *checker) filter(call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 2); err != nil {
		return nil, err
	}
	apply, err := c.function(call.List[1])
	if err != nil {
		return nil, err
	}
	t, err := c.expr(call.List[2])
	if err != nil {
		return nil, err
	}
	if err := c.holdSequence(call.List[2], t); err != nil {
		return nil, err
	}
	keep, err := apply(c, call, []*types.Type{unit(t)})
	if err != nil {
		return nil, err
	}
	if keep.Kind() != types.KindBool {
		return nil, c.mismatch(call.List[1], types.Bool, keep)
	}
	return t, nil
}

func (c *checker) fold(call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 3); err != nil {
		return nil, err
	}
	apply, err := c.function(call.List[1])
	if err != nil {
		return nil, err
	}
	t, err := c.expr(call.List[2])
	if err != nil {
		return nil, err
	}
	if err := c.holdSequence(call.List[2], t); err != nil {
		return nil, err
	}
	initial, err := c.expr(call.List[3])
	if err != nil {
		return nil, err
	}
	// What the function answers goes into it again.
	once, err := apply(c, call, []*types.Type{unit(t), initial})
	if err != nil {
		return nil, err
	}
	return apply(c, call, []*types.Type{unit(t), once})
}
