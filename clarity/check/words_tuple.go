package check

import (
	"funai/clarity/syntax"
	"funai/clarity/types"
)

// tupleWords make tuples and lists, and take tuples apart.
var tupleWords = map[string]word{
	"tuple": {since: types.Clarity1, rule: (*checker).tuple},
	"get":   {since: types.Clarity1, rule: (*checker).get},
	"merge": {since: types.Clarity1, rule: (*checker).merge},
	"list":  {since: types.Clarity1, rule: (*checker).list},
}

func (c *checker) tuple(call *syntax.Expr) (*types.Type, error) {
	if err := c.arityAtLeast(call, 1); err != nil {
		return nil, err
	}
	fields := make([]types.Field, 0, len(call.List)-1)
	for i, p := range args(call) {
		name, e, err := c.pair(p, "Tuple constructor", i)
		if err != nil {
			return nil, err
		}
		t, err := c.expr(e)
		if err != nil {
			return nil, err
		}
		fields = append(fields, types.Field{Name: name, Type: t})
	}
	seen := make(map[string]bool, len(fields))
	for i, f := range fields {
		if seen[f.Name] {
			return nil, c.fail(call.List[1+i], BadTuple, "invalid tuple syntax: defining '%s' conflicts with previous value", f.Name)
		}
		seen[f.Name] = true
	}
	t, err := types.Tuple(fields)
	if err != nil {
		return nil, c.fail(call, BadTuple, "invalid tuple syntax: %v", err)
	}
	return t, nil
}

func (c *checker) get(call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 2); err != nil {
		return nil, err
	}
	if call.List[1].Kind != syntax.Atom {
		return nil, c.fail(call.List[1], BadTupleField, "invalid tuple field name: %s", call.List[1])
	}
	t, err := c.expr(call.List[2])
	if err != nil {
		return nil, err
	}
	tuple := t
	if t.Kind() == types.KindOptional {
		tuple = t.Elem()
	}
	if tuple.Kind() != types.KindTuple {
		return nil, c.notTuple(call.List[2], tuple)
	}
	if err := c.spend(call, uint64(len(tuple.Fields()))); err != nil {
		return nil, err
	}
	field, ok := tuple.Field(call.List[1].Name)
	if !ok {
		names := make([]string, 0, len(tuple.Fields()))
		for _, f := range tuple.Fields() {
			names = append(names, f.Name)
		}
		return nil, c.advise(call.List[1], UnknownField, nearest(call.List[1].Name, names), "cannot find field '%s' in tuple '%s'", call.List[1].Name, tuple)
	}
	if t.Kind() == types.KindOptional {
		return c.made(call)(types.Optional(field))
	}
	return field, nil
}

func (c *checker) notTuple(e *syntax.Expr, got *types.Type) error {
	return c.fail(e, ExpectedTuple, "expecting tuple, found '%s'", got)
}

func (c *checker) merge(call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 2); err != nil {
		return nil, err
	}
	var fields []types.Field
	for i, e := range args(call) {
		t, err := c.expr(e)
		if err != nil {
			return nil, err
		}
		if t.Kind() != types.KindTuple {
			return nil, c.notTuple(e, t)
		}
		if err := c.compare(e, t); err != nil {
			return nil, err
		}
		if i == 0 {
			fields = append(fields, t.Fields()...)
			continue
		}
		places := make(map[string]int, len(fields))
		for j, f := range fields {
			places[f.Name] = j
		}
		for _, f := range t.Fields() {
			if j, ok := places[f.Name]; ok {
				fields[j].Type = f.Type
			} else {
				fields = append(fields, f)
			}
		}
	}
	return c.made(call)(types.Tuple(fields))
}

func (c *checker) list(call *syntax.Expr) (*types.Type, error) {
	ts, err := c.exprs(args(call))
	if err != nil {
		return nil, err
	}
	elem := types.None
	for i, t := range ts {
		if i == 0 {
			elem = t
			continue
		}
		if elem, err = c.supertype(call, elem, t, func() error { return c.mismatch(call.List[1+i], elem, t) }); err != nil {
			return nil, err
		}
	}
	return c.made(call)(types.List(elem, uint32(len(ts))))
}
