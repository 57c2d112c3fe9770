package check

import (
	"errors"
	"fmt"
	"strings"

	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// checker is the analysis of one contract under way.
type checker struct {
	o     Options
	a     *Analysis
	scope *scope // of what is checked at the moment; nil at the top level

	traits  map[string]types.TraitID // by the name that <name> has here
	homes   map[string]bool          // names that the traits that are used have where they are defined
	taken   map[string]taker         // names of definitions
	reads   map[string]bool          // of functions, whether they write nothing
	tracing bool                     // inside a function's body, where try! and its like return early
	returns *types.Type              // what the function answers so far by returning early; nil if it does not
	work    uint64                   // bytes of types looked through
}

// taker is what a name is taken by, to say so in a fault.
type taker string

// scope is what one let, match or function binds, inside the scopes around it.
type scope struct {
	parent *scope
	depth  int
	names  map[string]binding
}

// binding is what a name in a scope stands for.
type binding struct {
	typ   *types.Type
	trait *types.TraitID // of a name that can be called by contract-call?
}

// Bounds of an analysis.
const (
	maxMessage = 2000    // bytes of a fault's message: a type that it speaks of may have many
	maxScopes  = 256     // how deep scopes nest (the reference's limit on contexts)
	maxWork    = 1 << 26 // bytes of types looked through in all
)

// within runs f in a new scope.
func (c *checker) within(at *syntax.Expr, f func() (*types.Type, error)) (*types.Type, error) {
	s := &scope{parent: c.scope}
	if c.scope != nil {
		s.depth = c.scope.depth + 1
	}
	if s.depth >= maxScopes {
		return nil, c.fail(at, TooDeep, "scopes nest deeper than %d", maxScopes)
	}
	c.scope = s
	defer func() { c.scope = s.parent }()
	return f()
}

// bind gives a name a type in the innermost scope. Since Clarity 2 any name of a trait's type can be called; before, only
// a function's argument.
func (c *checker) bind(name string, t *types.Type, argument bool) {
	if c.scope.names == nil {
		c.scope.names = make(map[string]binding)
	}
	b := binding{typ: t}
	if t.Kind() == types.KindTrait && (argument || c.o.Version >= types.Clarity2) {
		id := t.Trait()
		b.trait = &id
	}
	c.scope.names[name] = b
}

// local finds what a scope binds to a name.
func (c *checker) local(name string) (binding, bool) {
	for s := c.scope; s != nil; s = s.parent {
		if b, ok := s.names[name]; ok {
			return b, true
		}
	}
	return binding{}, false
}

// free holds a name to being unused, in the contract and in the scopes.
func (c *checker) free(at *syntax.Expr, name string) error {
	if err := c.undefined(at, name); err != nil {
		return err
	}
	if _, ok := c.local(name); ok {
		return c.nameTaken(at, name, "a name in a scope around it")
	}
	return nil
}

// undefined holds a name to being unused in the contract.
func (c *checker) undefined(at *syntax.Expr, name string) error {
	if by, ok := c.taken[name]; ok {
		return c.nameTaken(at, name, by)
	}
	if c.ofUsed(name) {
		return c.nameTaken(at, name, "a trait")
	}
	if name == "block-height" && c.o.Version >= types.Clarity3 {
		return c.advise(at, NameReserved, "it was a word of the language until Clarity 2; choose another name", "%s is a reserved word", name)
	}
	return nil
}

func (c *checker) nameTaken(at *syntax.Expr, name string, by taker) error {
	return c.advise(at, NameTaken, fmt.Sprintf("'%s' is %s; Clarity has no shadowing: choose another name", name, by),
		"defining '%s' conflicts with previous value", name)
}

// fail makes a fault of an expression.
func (c *checker) fail(e *syntax.Expr, code Code, format string, a ...any) error {
	return c.advise(e, code, "", format, a...)
}

// advise is fail with advice on what to do.
func (c *checker) advise(e *syntax.Expr, code Code, advice, format string, a ...any) error {
	for i, x := range a {
		if e, ok := x.(*syntax.Expr); ok {
			a[i] = excerpt(e)
		}
	}
	d := &Diagnostic{Code: code, Message: fmt.Sprintf(format, a...), Advice: advice}
	if len(d.Message) > maxMessage {
		d.Message = strings.ToValidUTF8(d.Message[:maxMessage], "") + "…"
	}
	if e != nil {
		d.Span = e.Span
	}
	return d
}

// excerpt is the beginning of an expression's text, enough to recognise it.
func excerpt(e *syntax.Expr) string {
	const most = 60
	r := []rune(strings.Join(strings.Fields(e.String()), " "))
	if len(r) > most {
		return string(r[:most]) + "…"
	}
	return string(r)
}

// mismatch is the fault of an expression of a type got where want is needed.
func (c *checker) mismatch(e *syntax.Expr, want, got *types.Type) error {
	return c.advise(e, TypeMismatch, conversion(want, got), "expecting expression of type '%s', found '%s'", want, got)
}

// mismatchOf is the fault of an expression of a type got where one of several is needed, which wants names in words:
// "'int' or 'uint'".
func (c *checker) mismatchOf(e *syntax.Expr, wants string, got *types.Type) error {
	return c.fail(e, TypeMismatch, "expecting expression of type %s, found '%s'", wants, got)
}

// record notes the type of an expression and returns it.
func (c *checker) record(e *syntax.Expr, t *types.Type) *types.Type {
	c.a.Types[e.ID] = t
	return t
}

// arity holds a call to n arguments.
func (c *checker) arity(call *syntax.Expr, n int) error {
	if got := len(call.List) - 1; got != n {
		return c.fail(call, ArgumentCount, "expecting %s, got %d", arguments(n), got)
	}
	return nil
}

// arityAtLeast holds a call to n arguments or more.
func (c *checker) arityAtLeast(call *syntax.Expr, n int) error {
	if got := len(call.List) - 1; got < n {
		return c.fail(call, ArgumentCount, "expecting at least %s, got %d", arguments(n), got)
	}
	return nil
}

// arityAtMost holds a call to n arguments or fewer.
func (c *checker) arityAtMost(call *syntax.Expr, n int) error {
	if got := len(call.List) - 1; got > n {
		return c.fail(call, ArgumentCount, "expecting at most %s, got %d", arguments(n), got)
	}
	return nil
}

// exprs finds the types of expressions, from the left.
func (c *checker) exprs(es []*syntax.Expr) ([]*types.Type, error) {
	out := make([]*types.Type, len(es))
	for i, e := range es {
		var err error
		if out[i], err = c.expr(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// compare counts the work of looking through types.
func (c *checker) compare(at *syntax.Expr, ts ...*types.Type) error {
	for _, t := range ts {
		if err := c.spend(at, t.Work()); err != nil {
			return err
		}
	}
	return nil
}

// spend counts work.
func (c *checker) spend(at *syntax.Expr, steps uint64) error {
	if c.work += steps; c.work > maxWork {
		return c.fail(at, TooComplex, "comparing the contract's types and traits takes more than %d steps", uint64(maxWork))
	}
	return nil
}

// supertype is the least type that admits both, or the fault that make makes of two types that have none.
func (c *checker) supertype(at *syntax.Expr, a, b *types.Type, fault func() error) (*types.Type, error) {
	if a == b {
		return a, nil
	}
	if err := c.compare(at, a, b); err != nil {
		return nil, err
	}
	t, err := types.LeastSupertype(a, b)
	if errors.Is(err, types.ErrNoSupertype) {
		return nil, fault()
	}
	return c.made(at)(t, err)
}

// contract reads the principal of a contract that an expression names; ok is false if it names none.
func (c *checker) contract(e *syntax.Expr) (id value.Principal, ok bool) {
	switch e.Kind {
	case syntax.ContractRef:
		return c.sibling(e.Name), true
	case syntax.Literal:
		if e.Value.Kind() == value.KindPrincipal {
			id = e.Value.AsPrincipal()
			return id, id.Contract != ""
		}
	default:
	}
	return id, false
}

// sibling is the contract of a name of the same deployer.
func (c *checker) sibling(name string) value.Principal {
	id := c.o.ID
	id.Contract = name
	return id
}

// deployed finds the analysis of another contract.
func (c *checker) deployed(at *syntax.Expr, id value.Principal) (*Analysis, error) {
	a, err := c.find(id)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, c.advise(at, UnknownContract, "deploy it first, or correct its name", "use of unresolved contract '%s'", id)
	}
	return a, nil
}

// find is deployed, nil for none.
func (c *checker) find(id value.Principal) (*Analysis, error) {
	if c.o.Contracts == nil || id == c.o.ID {
		return nil, nil
	}
	return c.o.Contracts.Analysis(id)
}

// arguments is a number of them, in words.
func arguments(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}
