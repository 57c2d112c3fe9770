package check

import (
	"funai/clarity/syntax"
	"funai/clarity/types"
)

// Contract analyses a contract. The error is a *Diagnostic, the first fault in the order of analysis: circular definitions
// and unknown traits first, then what writes where it may not, then types, then the traits that are implemented, and at
// last names that the language has for itself.
func Contract(p *syntax.Program, o Options) (*Analysis, error) {
	c := newChecker(p, o)
	var circular []*syntax.Expr
	c.a.Order, circular = sorted(p.Exprs)
	if circular != nil {
		return nil, c.circular(circular)
	}
	if err := c.resolveTraits(p.Exprs); err != nil {
		return nil, err
	}
	if err := c.run(); err != nil {
		return nil, err
	}
	return c.a, nil
}

func newChecker(p *syntax.Program, o Options) *checker {
	return &checker{
		o:      o,
		traits: make(map[string]types.TraitID),
		homes:  make(map[string]bool),
		taken:  make(map[string]taker),
		reads:  make(map[string]bool),
		a: &Analysis{
			ID: o.ID, Version: o.Version, Epoch: o.Epoch, Program: p, Order: p.Exprs, Types: make([]*types.Type, p.Count),
			Constants: make(map[string]*types.Type), Variables: make(map[string]*types.Type), Maps: make(map[string]Map),
			Functions: make(map[string]Function), Fungible: make(map[string]bool), NFTs: make(map[string]*types.Type),
			Traits: make(map[string]Trait), Used: make(map[string]Trait),
		},
	}
}

// run makes the passes over the sorted top level.
func (c *checker) run() error {
	r := access{c}
	for _, e := range c.a.Order {
		if err := r.top(e); err != nil {
			return err
		}
	}
	for _, e := range c.a.Order {
		if err := c.top(e); err != nil {
			return err
		}
	}
	if err := c.implementations(); err != nil {
		return err
	}
	return c.reserved()
}

// reserved holds the names that are defined, and those of functions' arguments, to not being words of the language. The
// reference finds this when it runs the definitions, so it comes last.
func (c *checker) reserved() error {
	for _, e := range c.a.Order {
		form, parts := definition(e)
		if form == "" || form == "impl-trait" {
			continue
		}
		names := parts[:1]
		if parts[0].Kind == syntax.List {
			names = parts[0].List[:1:1]
			for _, p := range parts[0].List[1:] {
				names = append(names, p.List[0])
			}
		}
		for _, n := range names {
			if c.isWord(n.Name) {
				return c.advise(n, NameReserved, "choose another name", "'%s' is a word of the language", n.Name)
			}
		}
	}
	return nil
}

// isWord says whether a name is the language's own.
func (c *checker) isWord(name string) bool {
	if _, ok := lookupWord(name, c.o); ok {
		return true
	}
	_, ok := lookupKeyword(name, c.o)
	return ok
}

// Expression analyses expressions, and definitions, as if they stood at the end of the contract that in is the analysis of.
// The answer has the names of both; its Types and its Order are of the program's expressions. A nil in is an empty contract.
func Expression(p *syntax.Program, in *Analysis, o Options) (*Analysis, error) {
	c := newChecker(p, o)
	if in != nil {
		c.inherit(in)
	}
	var circular []*syntax.Expr
	c.a.Order, circular = sorted(p.Exprs)
	if circular != nil {
		return nil, c.circular(circular)
	}
	if err := c.resolveTraits(p.Exprs); err != nil {
		return nil, err
	}
	if err := c.run(); err != nil {
		return nil, err
	}
	return c.a, nil
}

// inherit takes over the names of a contract.
func (c *checker) inherit(in *Analysis) {
	copyNames(c, c.a.Constants, in.Constants, "a constant")
	copyNames(c, c.a.Variables, in.Variables, "a data variable")
	copyNames(c, c.a.Maps, in.Maps, "a map")
	copyNames(c, c.a.Functions, in.Functions, "a function")
	copyNames(c, c.a.Fungible, in.Fungible, "a fungible token")
	copyNames(c, c.a.NFTs, in.NFTs, "a non-fungible token")
	copyNames(c, c.a.Traits, in.Traits, "a trait")
	if c.o.Version >= types.Clarity2 {
		copyNames(c, c.a.Used, in.Used, "a trait")
	} else {
		for name, t := range in.Used {
			c.use(name, t)
		}
	}
	for name, f := range in.Functions {
		c.reads[name] = f.Reads
	}
	for name, t := range in.Traits {
		c.traits[name] = t.ID
	}
	for name, t := range in.Used {
		c.traits[name] = t.ID
	}
}

func copyNames[T any](c *checker, to, from map[string]T, by taker) {
	for name, v := range from {
		to[name] = v
		c.taken[name] = by
	}
}
