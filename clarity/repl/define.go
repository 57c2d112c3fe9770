package repl

import (
	"slices"
	"strings"

	"funai/clarity/syntax"
)

// definition is a definition without a state, as it was typed.
type definition struct {
	name string
	text string
	uses map[string]bool
}

// define returns the definition that a top-level expression of a text is, if it has no state.
func define(e *syntax.Expr, text string) (definition, bool) {
	if e.Kind != syntax.List || len(e.List) < 3 {
		return definition{}, false
	}
	switch e.List[0].Name {
	case "define-constant", "define-private", "define-public", "define-read-only", "define-trait", "use-trait":
	default:
		return definition{}, false
	}
	name := e.List[1]
	if name.Kind == syntax.List && len(name.List) > 0 {
		name = name.List[0]
	}
	d := definition{name: name.Name, text: text[e.Span.Start.Offset:e.Span.End.Offset], uses: map[string]bool{}}
	names(e, d.uses)
	return d, name.Kind == syntax.Atom
}

// stateful says whether an expression defines what has a state.
func stateful(e *syntax.Expr) bool {
	return e.Kind == syntax.List && len(e.List) > 0 && e.List[0].Kind == syntax.Atom &&
		slices.Contains([]string{"define-data-var", "define-map", "define-fungible-token", "define-non-fungible-token"}, e.List[0].Name)
}

// names notes the names in an expression. The parser bounds how deep it goes.
func names(e *syntax.Expr, to map[string]bool) {
	if e.Kind == syntax.Atom || e.Kind == syntax.TraitRef {
		to[e.Name] = true
	}
	for _, x := range e.List {
		names(x, to)
	}
}

// define keeps a definition, instead of an earlier one of the same name.
func (r *REPL) define(d definition) {
	if i := slices.IndexFunc(r.defined, func(old definition) bool { return old.name == d.name }); i >= 0 {
		r.defined[i] = d
		return
	}
	r.defined = append(r.defined, d)
}

// needed is the text of the definitions that a program uses, whole lines.
func (r *REPL) needed(p *syntax.Program) string {
	own, used := map[string]bool{}, map[string]bool{}
	for _, e := range p.Exprs {
		names(e, used)
		if d, ok := define(e, p.Source); ok {
			own[d.name] = true
		}
	}
	take := make([]bool, len(r.defined))
	for again := true; again; {
		again = false
		for i, d := range r.defined {
			if take[i] || own[d.name] || !used[d.name] {
				continue
			}
			take[i], again = true, true
			for name := range d.uses {
				used[name] = true
			}
		}
	}
	var b strings.Builder
	for i, d := range r.defined {
		if take[i] {
			b.WriteString(d.text + "\n")
		}
	}
	return b.String()
}
