package vm

import (
	"math"

	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// iterationBuiltins apply a function to the elements of sequences. The function is compiled as a call whose arguments are
// slots, which each turn fills.
var iterationBuiltins = map[string]builtin{
	"map":    {since: types.Clarity1, compile: compileMap},
	"filter": {since: types.Clarity1, compile: compileFilter},
	"fold":   {since: types.Clarity1, compile: compileFold},
}

// iteration compiles the charge of a form that applies a function: of finding the form and then the function, and its own.
func (c *compiler) iteration(f cost.Function, n int) (uint64, error) {
	price, err := c.pay(f, n)
	if err != nil {
		return 0, err
	}
	find, err := c.runtime(cost.LookupFunction, 0)
	return price + find, err
}

func compileFold(c *compiler, call *syntax.Expr) (code, error) {
	price, err := c.iteration(cost.Fold, 0)
	if err != nil {
		return nil, err
	}
	item := c.reserve(2)
	defer func() { c.slots = item }()
	sofar := item + 1
	codes, err := c.exprs(call.List[2:])
	if err != nil {
		return nil, err
	}
	x, err := c.applied(call.List[1], item, sofar)
	if err != nil {
		return nil, err
	}
	sequence, initial := codes[0], codes[1]
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(price); err != nil {
			return value.None, limit(err)
		}
		v, err := sequence(f)
		if err != nil {
			return value.None, err
		}
		sum, err := initial(f)
		if err != nil {
			return value.None, err
		}
		slots := f.slots
		for i := range v.Len() {
			slots[item], slots[sofar] = v.At(i), sum
			if sum, err = x(f); err != nil {
				return value.None, err
			}
		}
		return sum, nil
	}, nil
}

func compileFilter(c *compiler, call *syntax.Expr) (code, error) {
	price, err := c.iteration(cost.Filter, 0)
	if err != nil {
		return nil, err
	}
	item := c.reserve(1)
	defer func() { c.slots = item }()
	sequence, err := c.expr(call.List[2])
	if err != nil {
		return nil, err
	}
	x, err := c.applied(call.List[1], item)
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(price); err != nil {
			return value.None, limit(err)
		}
		v, err := sequence(f)
		if err != nil {
			return value.None, err
		}
		kept := make([]int, 0, v.Len())
		for i := range v.Len() {
			f.slots[item] = v.At(i)
			keep, err := x(f)
			if err != nil {
				return value.None, err
			}
			if keep.IsTrue() {
				kept = append(kept, i)
			}
		}
		return pick(v, kept), nil
	}, nil
}

// pick is the sequence of a sequence's elements at some places. A list stays of its type.
func pick(v value.Value, at []int) value.Value {
	switch v.Kind() {
	case value.KindList:
		return value.ListOfUnchecked(value.TypeOf(v), chosen(v.Elems(), at))
	case value.KindBuffer:
		return value.Buffer(chosen(v.Octets(), at))
	case value.KindASCII:
		return value.ASCIIBytes(chosen(v.Octets(), at))
	default:
		return value.UTF8Runes(chosen(v.Runes(), at))
	}
}

func chosen[T any](from []T, at []int) []T {
	out := make([]T, len(at))
	for i, j := range at {
		out[i] = from[j]
	}
	return out
}

// variadic are the natives that map may use and that take any number of arguments.
var variadic = map[string]bool{
	"+": true, "-": true, "*": true, "/": true, "and": true, "or": true, "bit-and": true, "bit-or": true, "bit-xor": true,
}

// compileMap compiles map. The reference implementation gathers the arguments of each turn first. It takes no element of a
// sequence but up to one more than the shortest before it has, and stops before the first turn that has not as many
// arguments as the first turn: of sequences some of which are empty the others alone are mapped.
func compileMap(c *compiler, call *syntax.Expr) (code, error) {
	price, err := c.iteration(cost.Map, len(args(call)))
	if err != nil {
		return nil, err
	}
	count := len(call.List) - 2
	first := c.reserve(2 * count) // an element of each sequence, then the sequences
	defer func() { c.slots = first }()
	codes, err := c.exprs(call.List[2:])
	if err != nil {
		return nil, err
	}
	slots := make([]int, count)
	for i := range slots {
		slots[i] = first + i
	}
	whole, err := c.applied(call.List[1], slots...)
	if err != nil {
		return nil, err
	}
	rest := *c // to compile a turn of fewer arguments if it comes, which is rare; it reads no names
	rest.scope, rest.names = nil, nil
	fewer := func(n int) (code, error) {
		again, name := rest, call.List[1].Name
		if _, native := again.native(name); native && !variadic[name] {
			return failing("IncorrectArgumentCount: %s takes %d, not %d", name, count, n), nil
		}
		return again.applied(call.List[1], slots[:n]...)
	}
	sequences := first + count
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(price); err != nil {
			return value.None, limit(err)
		}
		n, filled, shortest := 0, 0, math.MaxInt-1
		for _, x := range codes {
			v, err := x(f)
			if err != nil {
				return value.None, err
			}
			shortest = min(shortest, v.Len())
			taken := min(v.Len(), shortest+1)
			if taken == 0 {
				continue
			}
			if filled == 0 || taken < n {
				n = taken
			}
			f.slots[sequences+filled] = v
			filled++
		}
		x := whole
		if n > 0 && filled < count {
			var err error
			if x, err = fewer(filled); err != nil {
				return value.None, err
			}
		}
		out := make([]value.Value, n)
		for i := range out {
			for j := range filled {
				f.slots[first+j] = f.slots[sequences+j].At(i)
			}
			var err error
			if out[i], err = x(f); err != nil {
				return value.None, err
			}
		}
		return f.listOf(out)
	}, nil
}

// failing is code that always fails, where analysis lets something through.
func failing(format string, a ...any) code {
	return func(*frame) (value.Value, error) { return value.None, fault(Unchecked, format, a...) }
}

// listOf makes a list of values that were found one by one.
func (f *frame) listOf(elems []value.Value) (value.Value, error) {
	list := value.List
	if f.epoch >= types.Epoch24 {
		list = value.ListTight
	}
	v, err := list(elems)
	if err != nil {
		return value.None, fault(BadTypeConstruction, "%v", err)
	}
	return v, nil
}
