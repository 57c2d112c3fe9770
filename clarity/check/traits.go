package check

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// traitName holds an expression to being a trait of a contract: .contract.trait.
func (c *checker) traitName(e *syntax.Expr) error {
	if e.Kind != syntax.FieldRef {
		return c.advise(e, ExpectedTraitID, "write .contract.trait or 'ADDRESS.contract.trait", "expecting expression of type trait identifier, found %s", e)
	}
	return nil
}

// fieldOf reads the contract and the whole name of a trait.
func (c *checker) fieldOf(e *syntax.Expr) (value.Principal, types.TraitID) {
	id := c.sibling(e.Contract)
	if e.Contract == "" {
		id = e.Value.AsPrincipal()
	}
	return id, types.TraitID{Contract: id.String(), Name: e.Name}
}

func (c *checker) unknownTrait(e *syntax.Expr, name string) error {
	return c.advise(e, UnknownTrait, nearest(name, slices.Sorted(maps.Keys(c.traits))), "use of undeclared trait <%s>", name)
}

// resolveTraits reads which traits <name> may mean here, before all else, and holds every <name> to be one of them.
func (c *checker) resolveTraits(top []*syntax.Expr) error {
	for _, e := range top {
		form, parts := definition(e)
		if len(parts) != 2 || parts[0].Kind != syntax.Atom {
			continue
		}
		name := parts[0].Name
		switch {
		case form == "define-trait":
			c.traits[name] = types.TraitID{Contract: c.o.ID.String(), Name: name}
		case form == "use-trait" && parts[1].Kind == syntax.FieldRef:
			_, c.traits[name] = c.fieldOf(parts[1])
		}
	}
	var look func(es []*syntax.Expr) error
	look = func(es []*syntax.Expr) error {
		for _, e := range es {
			if _, ok := c.traits[e.Name]; !ok && e.Kind == syntax.TraitRef {
				return c.unknownTrait(e, e.Name)
			}
			if err := look(e.List); err != nil {
				return err
			}
		}
		return nil
	}
	return look(top)
}

func (c *checker) defineTrait(parts []*syntax.Expr) error {
	t := Trait{ID: types.TraitID{Contract: c.o.ID.String(), Name: parts[0].Name}, Functions: make(map[string]Function)}
	if parts[1].Kind != syntax.List {
		return c.badTrait(parts[1])
	}
	for _, m := range parts[1].List {
		if err := c.traitMethod(t, m); err != nil {
			return err
		}
	}
	if err := c.takeTrait(parts[0], true); err != nil {
		return err
	}
	c.a.Traits[t.ID.Name] = t
	return nil
}

func (c *checker) badTrait(e *syntax.Expr) error {
	return c.advise(e, BadTraitDefinition, "write (define-trait name ((function (type …) (response type type)) …))", "invalid trait definition: %s", e)
}

// traitMethod reads (name (type …) (response type type)).
func (c *checker) traitMethod(t Trait, e *syntax.Expr) error {
	if e.Kind != syntax.List {
		return c.badTrait(e)
	}
	if len(e.List) != 3 {
		return c.badType(e)
	}
	name, in, out := e.List[0], e.List[1], e.List[2]
	if name.Kind != syntax.Atom || in.Kind != syntax.List {
		return c.badTrait(e)
	}
	f := Function{Access: Public, Args: make([]types.Field, len(in.List))}
	for i, a := range in.List {
		at, err := c.typeExpr(a)
		if err != nil {
			return err
		}
		f.Args[i].Type = at
	}
	var err error
	if f.Result, err = c.storedType(out, BadTraitDefinition, "invalid trait definition"); err != nil {
		return err
	}
	if f.Result.Kind() != types.KindResponse {
		return c.badTrait(out)
	}
	if _, twice := t.Functions[name.Name]; twice && c.o.Version >= types.Clarity2 {
		return c.fail(name, TraitMethodTwice, "duplicate method name '%s' in trait definition", name.Name)
	}
	t.Functions[name.Name] = f
	return nil
}

// takeTrait gives a name to a trait, which is defined here or used. In Clarity 1 the name of a trait that is used is free for
// all but traits; the name that the trait has at home is taken in its place (see ofUsed).
func (c *checker) takeTrait(at *syntax.Expr, defined bool) error {
	if c.o.Version >= types.Clarity2 {
		return c.take(at, "a trait")
	}
	if _, ok := c.a.Used[at.Name]; ok || c.a.Traits[at.Name].Functions != nil {
		return c.nameTaken(at, at.Name, "a trait")
	}
	if !defined {
		return nil
	}
	if by, ok := c.taken[at.Name]; ok {
		return c.nameTaken(at, at.Name, by)
	}
	c.taken[at.Name] = "a trait"
	return nil
}

// ofUsed says whether a name is taken by a trait that is used, in Clarity 1: that which it has where it is defined.
func (c *checker) ofUsed(name string) bool {
	return c.o.Version < types.Clarity2 && c.homes[name]
}

// use notes a trait that is used under a name.
func (c *checker) use(name string, t Trait) {
	c.a.Used[name] = t
	c.homes[t.ID.Name] = true
}

func (c *checker) useTrait(parts []*syntax.Expr) error {
	contract, id := c.fieldOf(parts[1])
	a, err := c.deployed(parts[1], contract)
	if err != nil {
		return err
	}
	t, ok := a.Traits[id.Name]
	if !ok {
		return c.advise(parts[1], UnknownTrait, nearest(id.Name, slices.Sorted(maps.Keys(a.Traits))),
			"use of undeclared trait <%s>: %s defines no trait %s", parts[0].Name, contract, id.Name)
	}
	if err := c.takeTrait(parts[0], false); err != nil {
		return err
	}
	c.use(parts[0].Name, t)
	return nil
}

func (c *checker) implTrait(parts []*syntax.Expr) error {
	_, id := c.fieldOf(parts[0])
	if err := c.spend(parts[0], uint64(len(c.a.Implements))); err != nil {
		return err
	}
	if !slices.Contains(c.a.Implements, id) {
		c.a.Implements = append(c.a.Implements, id)
	}
	return nil
}

// implementations is the last pass: the contract offers what impl-trait says.
func (c *checker) implementations() error {
	for _, e := range c.a.Order {
		form, parts := definition(e)
		if form != "impl-trait" {
			continue
		}
		_, id := c.fieldOf(parts[0])
		if id.Contract == c.o.ID.String() { // a contract cannot implement what it defines itself
			return c.unknownTrait(parts[0], id.Name)
		}
		t, err := c.knownTrait(parts[0], id)
		if err != nil {
			return err
		}
		if err := c.complies(parts[0], c.a, *t); err != nil {
			return err
		}
	}
	return nil
}

// trait finds a trait, of this contract or of another; nil if there is none.
func (c *checker) trait(id types.TraitID) (*Trait, error) {
	if id.Contract == c.o.ID.String() {
		if t, ok := c.a.Traits[id.Name]; ok {
			return &t, nil
		}
		return nil, nil
	}
	p, err := value.ParsePrincipal(id.Contract)
	if err != nil {
		return nil, err
	}
	a, err := c.find(p)
	if err != nil || a == nil {
		return nil, err
	}
	if t, ok := a.Traits[id.Name]; ok {
		return &t, nil
	}
	return nil, nil
}

// knownTrait is trait, and a fault if there is none.
func (c *checker) knownTrait(at *syntax.Expr, id types.TraitID) (*Trait, error) {
	t, err := c.trait(id)
	if err == nil && t == nil {
		err = c.unknownTrait(at, id.Name)
	}
	return t, err
}

// complies holds a contract to a trait: it has each function, which takes all that the trait's takes, and returns only what
// the trait's returns.
func (c *checker) complies(at *syntax.Expr, a *Analysis, t Trait) error {
	if err := c.spend(at, perFunction*uint64(1+len(t.Functions))); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(t.Functions)) {
		want := t.Functions[name]
		got, ok := a.Functions[name]
		fault := func(why string) error {
			return c.fail(at, BadImplementation, "invalid signature for method '%s' regarding trait's specification <%s>: %s", name, t.ID.Name, why)
		}
		if !ok || got.Access == Private {
			return fault(a.ID.String() + " has no public or read-only function of the name")
		}
		if len(got.Args) != len(want.Args) {
			return fault("takes " + arguments(len(got.Args)) + " and not " + arguments(len(want.Args)))
		}
		for i, w := range want.Args {
			if err := c.compare(at, got.Args[i].Type, w.Type); err != nil {
				return err
			}
			if !got.Args[i].Type.Admits(w.Type) {
				return fault("argument '" + got.Args[i].Name + "' is '" + got.Args[i].Type.String() + "' and not '" + w.Type.String() + "'")
			}
		}
		if err := c.compare(at, got.Result, want.Result); err != nil {
			return err
		}
		if !want.Result.Admits(got.Result) {
			return fault("returns '" + got.Result.String() + "' and not '" + want.Result.String() + "'")
		}
	}
	return nil
}

// implements holds another contract to a trait, which in Clarity 1 cannot be one that this contract defines: own says
// whether it can.
func (c *checker) implements(at *syntax.Expr, contract value.Principal, id types.TraitID, own bool) error {
	a, err := c.deployed(at, contract)
	if err != nil {
		return err
	}
	if !own && id.Contract == c.o.ID.String() {
		_, err := c.deployed(at, c.o.ID)
		return err
	}
	t, err := c.knownTrait(at, id)
	if err != nil {
		return err
	}
	return c.complies(at, a, *t)
}

// allFit holds the contracts and traits that a type stands for to a trait.
func (c *checker) allFit(at *syntax.Expr, want, got *types.Type) error {
	for _, s := range got.Contracts() {
		if i := strings.LastIndexByte(s, '.'); strings.Count(s, ".") == 2 { // a trait in a list
			if id := (types.TraitID{Contract: s[:i], Name: s[i+1:]}); id != want.Trait() {
				if err := c.compatible(at, want.Trait(), id); err != nil {
					return err
				}
			}
			continue
		}
		p, err := value.ParsePrincipal(s)
		if err != nil {
			return err
		}
		if err := c.implements(at, p, want.Trait(), true); err != nil {
			return err
		}
	}
	return nil
}

// compatible holds a trait to another that is wanted: it has each of its functions, which takes and returns the same.
func (c *checker) compatible(at *syntax.Expr, want, got types.TraitID) error {
	return c.compatibleAt(at, want, got, 0)
}

// Bounds of comparing traits.
const (
	maxTraitDepth = 32 // how deep traits that take traits are compared
	perFunction   = 32 // what a function of a trait counts for beside its types
)

func (c *checker) compatibleAt(at *syntax.Expr, want, got types.TraitID, depth int) error {
	w, err := c.knownTrait(at, want)
	if err != nil {
		return err
	}
	g, err := c.knownTrait(at, got)
	if err != nil {
		return err
	}
	fault := func(why string) error {
		return c.fail(at, IncompatibleTrait, "trait '%s.%s' is not compatible with expected trait '%s.%s': %s", got.Contract, got.Name, want.Contract, want.Name, why)
	}
	if depth > maxTraitDepth {
		return c.fail(at, TooDeep, "traits take traits deeper than %d", maxTraitDepth)
	}
	if err := c.spend(at, perFunction*uint64(1+len(w.Functions))); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(w.Functions)) {
		wf := w.Functions[name]
		gf, ok := g.Functions[name]
		if !ok {
			return fault("it has no function '" + name + "'")
		}
		if len(wf.Args) != len(gf.Args) {
			return fault("function '" + name + "' takes " + arguments(len(gf.Args)) + " and not " + arguments(len(wf.Args)))
		}
		for i := range wf.Args {
			// The reference asks of arguments what it asks of results, though what is called through the wanted trait is
			// given what that takes.
			if ok, err := c.subtype(at, wf.Args[i].Type, gf.Args[i].Type, depth); err != nil {
				return err
			} else if !ok {
				return fault("an argument of '" + name + "' is '" + gf.Args[i].Type.String() + "' and not '" + wf.Args[i].Type.String() + "'")
			}
		}
		if ok, err := c.subtype(at, wf.Result, gf.Result, depth); err != nil {
			return err
		} else if !ok {
			return fault("'" + name + "' returns '" + gf.Result.String() + "' and not '" + wf.Result.String() + "'")
		}
	}
	return nil
}

// subtype says whether want admits got, where a trait admits the traits that are compatible with it.
func (c *checker) subtype(at *syntax.Expr, want, got *types.Type, depth int) (bool, error) {
	if err := c.compare(at, want, got); err != nil {
		return false, err
	}
	switch {
	case want == got:
		return true, nil
	case want.Kind() != got.Kind():
		return want.Admits(got), nil
	case want.Kind() == types.KindTrait && want.Trait() != got.Trait():
		err := c.compatibleAt(at, want.Trait(), got.Trait(), depth+1)
		var d *Diagnostic
		if errors.As(err, &d) && d.Code == IncompatibleTrait {
			return false, nil
		}
		return err == nil, err
	case want.Kind() == types.KindList && got.Len() <= want.Len(), want.Kind() == types.KindOptional:
		return c.subtype(at, want.Elem(), got.Elem(), depth)
	case want.Kind() == types.KindResponse:
		if ok, err := c.subtype(at, want.Elem(), got.Elem(), depth); !ok || err != nil {
			return false, err
		}
		return c.subtype(at, want.Err(), got.Err(), depth)
	case want.Kind() == types.KindTuple && len(want.Fields()) == len(got.Fields()):
		for _, f := range want.Fields() {
			t, ok := got.Field(f.Name)
			if !ok {
				return false, nil
			}
			if ok, err := c.subtype(at, f.Type, t, depth); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	}
	return want.Admits(got), nil
}
