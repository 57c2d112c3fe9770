package check

import (
	"slices"
	"strings"

	"funai/clarity/syntax"
)

// sorter orders the top level so that what is used comes before its user.
type sorter struct {
	defined map[string]int // the place of the definition of a name at the top level
	needs   [][]int        // by place: the places that it needs
	noted   []int          // by place: 1 and the last place that was found to need it
	at      int            // whose needs are being looked for
}

// defines is the name that a top-level expression defines, or nil.
func defines(e *syntax.Expr) *syntax.Expr {
	if e.Kind != syntax.List || len(e.List) < 2 || e.List[0].Kind != syntax.Atom || !definitions[e.List[0].Name] {
		return nil
	}
	name := e.List[1]
	switch e.List[0].Name {
	case "impl-trait", "use-trait":
		return nil
	}
	if name.Kind == syntax.List && len(name.List) > 0 {
		name = name.List[0]
	}
	if name.Kind != syntax.Atom {
		return nil
	}
	return name
}

// sorted returns the top level in the order in which it is checked and run, and the definitions that need themselves.
func sorted(top []*syntax.Expr) (order, circular []*syntax.Expr) {
	s := sorter{defined: make(map[string]int), needs: make([][]int, len(top)), noted: make([]int, len(top))}
	for i, e := range top {
		if name := defines(e); name != nil {
			s.defined[name.Name] = i
		}
	}
	for i, e := range top {
		s.at = i
		s.look(e)
	}
	order = make([]*syntax.Expr, 0, len(top))
	places := make([]int, 0, len(top))
	seen := make([]bool, len(top))
	for i := range top {
		places = s.visit(i, seen, places)
	}
	for _, i := range places {
		order = append(order, top[i])
	}
	for _, i := range s.circles(places) {
		circular = append(circular, top[i])
	}
	return order, circular
}

// circles are the places that need themselves, or lie between two that do, in the order of the text.
func (s *sorter) circles(places []int) []int {
	// Going through the order, what needs only what came before is sound, and so is what is left when one takes away again
	// and again what no unsound place needs.
	unsound := make([]bool, len(places))
	needed := make([]int, len(places))
	for i := range unsound {
		unsound[i] = true
	}
	var out []int
	for _, i := range places {
		unsound[i] = slices.ContainsFunc(s.needs[i], func(n int) bool { return unsound[n] })
		if unsound[i] {
			out = append(out, i)
		}
	}
	for _, i := range out {
		for _, n := range s.needs[i] {
			needed[n]++
		}
	}
	free := slices.Clone(out)
	for len(free) > 0 {
		i := free[len(free)-1]
		free = free[:len(free)-1]
		if !unsound[i] || needed[i] > 0 {
			continue
		}
		unsound[i] = false
		for _, n := range s.needs[i] {
			needed[n]--
			free = append(free, n)
		}
	}
	out = slices.DeleteFunc(out, func(i int) bool { return !unsound[i] })
	slices.Sort(out)
	return out
}

// visit appends a place after what it needs. It keeps its own stack: a chain of needs is as long as the contract.
func (s *sorter) visit(i int, seen []bool, places []int) []int {
	type step struct{ place, next int }
	if seen[i] {
		return places
	}
	seen[i] = true
	stack := []step{{place: i}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next == len(s.needs[top.place]) {
			places = append(places, top.place)
			stack = stack[:len(stack)-1]
			continue
		}
		n := s.needs[top.place][top.next]
		top.next++
		if !seen[n] {
			seen[n] = true
			stack = append(stack, step{place: n})
		}
	}
	return places
}

// need notes that the present place needs a name, if the contract defines it.
func (s *sorter) need(name string) {
	i, ok := s.defined[name]
	if !ok || s.noted[i] == s.at+1 {
		return
	}
	s.noted[i] = s.at + 1
	s.needs[s.at] = append(s.needs[s.at], i)
}

// look finds the names that an expression needs. Names that it binds count too where it uses them: only what cannot be a
// use is left out.
func (s *sorter) look(e *syntax.Expr) {
	switch e.Kind {
	case syntax.Atom, syntax.TraitRef:
		s.need(e.Name)
	case syntax.List:
		if len(e.List) > 1 && e.List[0].Kind == syntax.Atom && s.lookCall(e.List[0].Name, e.List[1:]) {
			return
		}
		s.lookAll(e.List)
	default:
	}
}

func (s *sorter) lookAll(es []*syntax.Expr) {
	for _, e := range es {
		s.look(e)
	}
}

// parts says how many parts a definition has, at least and at most.
var parts = map[string][2]int{
	"define-constant": {2, 2}, "define-data-var": {3, 3}, "define-map": {3, 3}, "define-non-fungible-token": {2, 2}, "define-fungible-token": {1, 2},
	"define-public": {2, 2}, "define-private": {2, 2}, "define-read-only": {2, 2}, "define-trait": {2, 2},
}

// lookCall is look for the forms of which not every part is a use; it answers false for all others.
func (s *sorter) lookCall(name string, args []*syntax.Expr) bool {
	if n, ok := parts[name]; ok && (len(args) < n[0] || len(args) > n[1]) {
		return true // no definition, as will be found
	}
	switch name {
	case "define-constant", "define-data-var", "define-map", "define-non-fungible-token", "define-fungible-token":
		s.lookAll(args[1:])
	case "define-trait": // of each function all but its name
		for _, e := range args[1:] {
			for _, f := range e.List {
				if len(f.List) > 0 {
					s.lookAll(f.List[1:])
				}
			}
		}
	case "define-public", "define-private", "define-read-only":
		if args[0].Kind == syntax.List && len(args[0].List) > 0 {
			s.lookPairs(args[0].List[1:])
		}
		s.lookAll(args[1:])
	case "use-trait", "impl-trait":
	case "contract-call?":
		s.lookAll(args[min(2, len(args)):])
	case "let":
		if args[0].Kind == syntax.List {
			s.lookPairs(args[0].List)
		}
		s.lookAll(args[1:])
	case "tuple":
		s.lookPairs(args)
	case "get":
		s.lookAll(args[1:])
	default:
		return false
	}
	return true
}

// lookPairs leaves out the names of pairs (name expression).
func (s *sorter) lookPairs(pairs []*syntax.Expr) {
	for _, p := range pairs {
		if p.Kind == syntax.List && len(p.List) == 2 {
			s.look(p.List[1])
		} else {
			s.look(p)
		}
	}
}

// circular is the fault of definitions that need themselves.
func (c *checker) circular(es []*syntax.Expr) error {
	names := make([]string, len(es))
	for i, e := range es {
		names[i] = "?"
		if n := defines(e); n != nil {
			names[i] = n.Name
		}
	}
	return c.advise(es[0], Circular, "Clarity has no recursion: a definition may need only others that do not need it",
		"detected circular reference: %s", strings.Join(names, ", "))
}
