package check

import (
	"fmt"
	"maps"
	"slices"
)

// nearest is advice with the name most like a wrong one, or "" if none is alike.
func nearest(name string, names []string) string {
	best, most := "", max(1, len(name)/3)
	for _, n := range names {
		if d := distance(name, n, most); d <= most && d > 0 {
			best, most = n, d-1
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean '%s'?", best)
}

// distance is how many characters must be put in, taken out, changed or swapped to make a of b, or more than most.
func distance(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		older, old, row := rows[0], rows[1], rows[2]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(old[j]+1, row[j-1]+1, old[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		rows = [3][]int{old, row, older}
	}
	return rows[1][len(b)]
}

// adviceOnVariable says what an unknown name may have been meant to be.
func (c *checker) adviceOnVariable(name string) string {
	switch {
	case c.a.Variables[name] != nil:
		return fmt.Sprintf("read the data variable with (var-get %s)", name)
	case c.a.Functions[name].Result != nil:
		return fmt.Sprintf("call the function: (%s …)", name)
	case keywords[name].since > c.o.Version:
		return fmt.Sprintf("it is a word of the language since %s, and this is %s", keywords[name].since, c.o.Version)
	case name == "block-height":
		return "since Clarity 3 it is stacks-block-height, or tenure-height"
	case words[name].rule != nil:
		return fmt.Sprintf("call the function: (%s …)", name)
	}
	var names []string
	for s := c.scope; s != nil; s = s.parent {
		names = append(names, slices.Sorted(maps.Keys(s.names))...)
	}
	names = append(names, slices.Sorted(maps.Keys(c.a.Constants))...)
	for _, k := range slices.Sorted(maps.Keys(keywords)) {
		if _, ok := lookupKeyword(k, c.o); ok {
			names = append(names, k)
		}
	}
	return nearest(name, names)
}

// adviceOnFunction says which function an unknown name may have been meant to be.
func (c *checker) adviceOnFunction(name string) string {
	w, ok := words[name]
	switch {
	case ok && c.o.Version < w.since:
		return fmt.Sprintf("it is a function of the language since %s, and this is %s", w.since, c.o.Version)
	case ok && w.until != 0 && c.o.Version >= w.until:
		return fmt.Sprintf("it is no function of the language since %s%s", w.until, successor(name))
	case definitions[name]:
		return "definitions stand only at the top level"
	}
	if f, ok := foreign[name]; ok {
		return fmt.Sprintf("in Clarity it is '%s'", f)
	}
	names := slices.Sorted(maps.Keys(c.a.Functions))
	for _, e := range c.a.Order {
		if n := defines(e); n != nil && definitions[e.List[0].Name] {
			names = append(names, n.Name)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(words)) {
		if _, ok := lookupWord(n, c.o); ok {
			names = append(names, n)
		}
	}
	return nearest(name, names)
}

// foreign are names of other languages for functions of this one.
var foreign = map[string]string{
	"eq": "is-eq", "do": "begin", "progn": "begin", "cond": "if", "defun": "define-private", "fn": "define-private",
	"length": "len", "size": "len", "reduce": "fold", "require": "asserts!", "assert": "asserts!", "assert!": "asserts!",
	"sqrt": "sqrti", "map-get": "map-get?", "const": "define-constant", "add": "+", "sub": "-", "mul": "*", "div": "/",
}

// successor names what stands in for a function that is gone.
func successor(name string) string {
	s, ok := map[string]string{"as-contract": "as-contract?", "get-block-info?": "get-stacks-block-info? or get-tenure-info?"}[name]
	if !ok {
		return ""
	}
	return ": use " + s
}
