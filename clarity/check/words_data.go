package check

import (
	"maps"
	"slices"

	"funai/clarity/syntax"
	"funai/clarity/types"
)

// dataWords read and write a contract's variables and maps. As in the reference implementation, what is too much in a call
// that writes is not looked at here: such a call fails when it is run.
var dataWords = map[string]word{
	"var-get":    {since: types.Clarity1, rule: (*checker).varGet},
	"var-set":    {since: types.Clarity1, rule: (*checker).varSet},
	"map-get?":   {since: types.Clarity1, rule: (*checker).mapGet},
	"map-set":    {since: types.Clarity1, rule: (*checker).mapWrite},
	"map-insert": {since: types.Clarity1, rule: (*checker).mapWrite},
	"map-delete": {since: types.Clarity1, rule: (*checker).mapDelete},
}

// variable finds the type of the data variable that an expression names.
func (c *checker) variable(e *syntax.Expr) (*types.Type, error) {
	if e.Kind != syntax.Atom {
		return nil, c.fail(e, BadMapName, "expected the name of a data variable, found %s", e)
	}
	t, ok := c.a.Variables[e.Name]
	if !ok {
		return nil, c.advise(e, UnknownData, nearest(e.Name, slices.Sorted(maps.Keys(c.a.Variables))), "use of unresolved persisted variable '%s'", e.Name)
	}
	return t, nil
}

func (c *checker) varGet(call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 1); err != nil {
		return nil, err
	}
	return c.variable(call.List[1])
}

func (c *checker) varSet(call *syntax.Expr) (*types.Type, error) {
	if err := c.arityAtLeast(call, 2); err != nil {
		return nil, err
	}
	t, err := c.variable(call.List[1])
	if err != nil {
		return nil, err
	}
	return types.Bool, c.expect(call.List[2], t)
}

// keyed finds the map that a call names, and holds its key to the map's.
func (c *checker) keyed(call *syntax.Expr) (Map, error) {
	name := call.List[1]
	if name.Kind != syntax.Atom {
		return Map{}, c.fail(name, BadMapName, "invalid map name: %s", name)
	}
	m, ok := c.a.Maps[name.Name]
	if !ok {
		return Map{}, c.advise(name, UnknownMap, nearest(name.Name, slices.Sorted(maps.Keys(c.a.Maps))), "use of unresolved map '%s'", name.Name)
	}
	return m, c.expect(call.List[2], m.Key)
}

func (c *checker) mapGet(call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 2); err != nil {
		return nil, err
	}
	m, err := c.keyed(call)
	if err != nil {
		return nil, err
	}
	return c.made(call)(types.Optional(m.Value))
}

func (c *checker) mapWrite(call *syntax.Expr) (*types.Type, error) {
	if err := c.arityAtLeast(call, 3); err != nil {
		return nil, err
	}
	m, err := c.keyed(call)
	if err != nil {
		return nil, err
	}
	return types.Bool, c.expect(call.List[3], m.Value)
}

func (c *checker) mapDelete(call *syntax.Expr) (*types.Type, error) {
	if err := c.arityAtLeast(call, 2); err != nil {
		return nil, err
	}
	_, err := c.keyed(call)
	return types.Bool, err
}
