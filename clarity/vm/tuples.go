package vm

import (
	"slices"
	"sync/atomic"

	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// tupleBuiltins make tuples and read them.
var tupleBuiltins = map[string]builtin{
	"tuple": {since: types.Clarity1, compile: compileTuple},
	"get":   {since: types.Clarity1, compile: compileGet},
	"merge": {since: types.Clarity1, compile: compileMerge},
}

// compileTuple compiles (tuple (name value) …). The values are evaluated in the order of the text.
func compileTuple(c *compiler, call *syntax.Expr) (code, error) {
	lead := c.takeLead()
	fields := args(call)
	names := make([]string, len(fields))
	codes := make([]code, len(fields))
	for i, e := range fields {
		if len(e.List) != 2 || e.List[0].Kind != syntax.Atom {
			return nil, bug("a tuple's field that is no pair")
		}
		names[i] = e.List[0].Name
		var err error
		if codes[i], err = c.expr(e.List[1]); err != nil {
			return nil, err
		}
	}
	shape, err := value.NewShape(names...)
	if err != nil {
		return nil, bug("a tuple of %v: %v", names, err)
	}
	places := make([]int, len(names)) // of the fields, by their order in the text
	for i, name := range names {
		places[i], _ = slices.BinarySearch(shape.Names(), name)
	}
	price, err := c.runtime(cost.TupleCons, uint64(len(fields)))
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		values := f.push(len(codes))
		for i, x := range codes {
			v, err := x(f)
			if err != nil {
				return value.None, err
			}
			values[places[i]] = v
		}
		if err := f.meter.Run(price); err != nil {
			return value.None, limit(err)
		}
		v, err := shape.Tuple(values)
		if err != nil {
			return value.None, fault(Unchecked, "%v", err)
		}
		f.pop(len(codes))
		return v, nil
	}, nil
}

// compileGet compiles get of a tuple, or of an optional one. Where analysis knows the tuple, so is the field's place.
func compileGet(c *compiler, call *syntax.Expr) (code, error) {
	lead := c.takeLead()
	if len(args(call)) != 2 || call.List[1].Kind != syntax.Atom {
		return nil, bug("get without a name")
	}
	name := call.List[1].Name
	x, err := c.expr(call.List[2])
	if err != nil {
		return nil, err
	}
	place, count := 0, 1 // of the field, and how many there are
	t := c.typeOf(call.List[2])
	if t != nil && t.Kind() == types.KindOptional {
		t = t.Elem()
	}
	if t != nil && t.Kind() == types.KindTuple {
		place, count = max(t.Index(name), 0), len(t.Fields())
	}
	price, err := c.runtime(cost.TupleGet, uint64(count))
	if err != nil {
		return nil, err
	}
	field := func(f *frame, v value.Value) (value.Value, error) {
		if v.Kind() != value.KindTuple {
			return value.None, bug("get %s of kind %d", name, v.Kind())
		}
		fields, values := value.TypeOf(v).Fields(), v.Values()
		var err error
		if len(fields) == count {
			err = f.meter.Run(price)
		} else {
			err = f.meter.Charge(cost.TupleGet, uint64(len(fields)))
		}
		if err != nil {
			return value.None, limit(err)
		}
		if place < len(fields) && fields[place].Name == name {
			return values[place], nil
		}
		w, ok := v.Field(name)
		if !ok {
			return value.None, fault(Unchecked, "a tuple without field %q", name)
		}
		return w, nil
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		v, err := x(f)
		if err != nil {
			return value.None, err
		}
		switch v.Kind() {
		case value.KindNone:
			return value.None, nil
		case value.KindSome:
			if v, err = field(f, v.Inner()); err != nil {
				return value.None, err
			}
			return value.Some(v), nil
		default:
			return field(f, v)
		}
	}, nil
}

// union is the type of the tuple of two tuples' fields, and where they come from.
type union struct {
	base, update, whole *types.Type
	from                []int // place in update, or ^place in base
}

// compileMerge compiles merge, which keeps in mind how the last two tuples went together.
func compileMerge(c *compiler, call *syntax.Expr) (code, error) {
	var last atomic.Pointer[union]
	return strict2(cost.TupleMerge, encodedSizes, func(f *frame, a, b value.Value) (value.Value, error) {
		base, update := value.TypeOf(a), value.TypeOf(b)
		u := last.Load()
		if u == nil || u.base != base || u.update != update {
			var err error
			if u, err = unite(base, update); err != nil {
				return value.None, err
			}
			last.Store(u)
		}
		values := f.push(len(u.from))
		for i, at := range u.from {
			if at >= 0 {
				values[i] = b.Values()[at]
			} else {
				values[i] = a.Values()[^at]
			}
		}
		v := value.TupleCopy(u.whole, values)
		f.pop(len(values))
		return v, nil
	})(c, call)
}

// unite is the type of base with the fields of update, which replace those of the same name.
func unite(base, update *types.Type) (*union, error) {
	fields := slices.Clone(update.Fields())
	for _, f := range base.Fields() {
		if update.Index(f.Name) < 0 {
			fields = append(fields, f)
		}
	}
	whole, err := types.Tuple(fields)
	if err != nil {
		return nil, fault(Unchecked, "%v", err)
	}
	if whole.Equal(base) {
		whole = base // so that the next one of a chain of merges finds the types that it had
	}
	u := &union{base: base, update: update, whole: whole, from: make([]int, len(fields))}
	for i, f := range whole.Fields() {
		if at := update.Index(f.Name); at >= 0 {
			u.from[i] = at
		} else {
			u.from[i] = ^base.Index(f.Name)
		}
	}
	return u, nil
}
