// Package reference has the documentation of every word of Clarity: native functions, keywords, forms of definition and
// names of types, each with an example whose result stands beside it. It is what the command line prints and what editors
// show; tests hold it to the checker's own list of words, and run every example. It imports nothing but package types.
package reference

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"funai/clarity/types"
)

// Kind is what a word is.
type Kind string

// The kinds of word.
const (
	Function   Kind = "function"   // (word …) is an expression
	Keyword    Kind = "keyword"    // the word alone is an expression
	Definition Kind = "definition" // (word …) at the top level
	Allowance  Kind = "allowance"  // (word …) in the list of allowances of as-contract? and restrict-assets?
	Type       Kind = "type"       // the word, or (word …), where a type is wanted
)

// Entry documents one word.
type Entry struct {
	Name      string
	Kind      Kind
	Since     types.Version // the first version with the word
	Until     types.Version // the first version without the word; 0 if all later ones have it
	Ledger    bool          // a word of our own, which other networks' Clarity does not have
	Signature string        // how it is written
	Input     string        // types of the arguments; "" where there are none
	Output    string        // type of the result; "" where there is none
	Text      string        // what it does, in one paragraph
	Examples  []Example
}

// Example is a program and what it gives.
type Example struct {
	Other  string // source of a contract .other that must be there first; mostly ""
	Setup  string // definitions that come before; mostly ""
	Code   string // an expression
	Result string // its value, in the notation of values
}

// Version is the newest version of the language that has the word.
func (e Entry) Version() types.Version {
	if e.Until != 0 {
		return e.Until - 1
	}
	return types.LatestVersion
}

// Versions says in words which versions of the language have the word.
func (e Entry) Versions() string {
	switch {
	case e.Until == 0:
		return fmt.Sprintf("since Clarity %d", e.Since)
	case e.Version() == e.Since:
		return fmt.Sprintf("Clarity %d only", e.Since)
	default:
		return fmt.Sprintf("Clarity %d to %d", e.Since, e.Version())
	}
}

// all is every word in the order of the names, a function before a type of the same name.
var all = func() []Entry {
	var out []Entry
	for _, g := range []struct {
		kind    Kind
		entries []Entry
	}{
		{Function, slices.Concat(arithmetic, logic, control, wrapping, sequences, conversions, crypto)},
		{Function, slices.Concat(data, tokens, coins, contracts, chain, ledger)},
		{Keyword, keywords},
		{Definition, definitions},
		{Allowance, allowances},
		{Type, typeNames},
	} {
		for _, e := range g.entries {
			e.Kind = g.kind
			e.Since = max(e.Since, types.Clarity1)
			out = append(out, e)
		}
	}
	out = append(out, fai...)
	slices.SortStableFunc(out, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return out
}()

// All returns every word in the order of their names. It is the caller's to modify but for the examples.
func All() []Entry { return slices.Clone(all) }

// Lookup finds the documentation of a word: of the function, should a type have the same name.
func Lookup(name string) (Entry, bool) {
	found := LookupAll(name)
	if len(found) == 0 {
		return Entry{}, false
	}
	return found[0], true
}

// LookupAll finds all that a word means: "list" is a function and a type.
func LookupAll(name string) []Entry {
	i, _ := slices.BinarySearchFunc(all, name, func(e Entry, name string) int { return cmp.Compare(e.Name, name) })
	j := i
	for j < len(all) && all[j].Name == name {
		j++
	}
	return slices.Clone(all[i:j])
}

// Find returns the words whose names or texts hold a piece of text, those that hold it in the name first.
func Find(text string) []Entry {
	var named, told []Entry
	for _, e := range all {
		switch {
		case strings.Contains(e.Name, text):
			named = append(named, e)
		case strings.Contains(strings.ToLower(e.Text), strings.ToLower(text)):
			told = append(told, e)
		}
	}
	return append(named, told...)
}

// String is the documentation as lines of text, wrapped at 100 columns.
func (e Entry) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s   %s, %s", e.Signature, e.Kind, e.Versions())
	if e.Ledger {
		b.WriteString(", of this network")
	}
	b.WriteByte('\n')
	if e.Input != "" {
		fmt.Fprintf(&b, "  input:  %s\n", e.Input)
	}
	if e.Output != "" {
		fmt.Fprintf(&b, "  output: %s\n", e.Output)
	}
	b.WriteByte('\n')
	wrap(&b, e.Text, "  ", 100)
	for _, x := range e.Examples {
		b.WriteByte('\n')
		for _, source := range []string{commented("contract .other", x.Other), x.Setup, x.Code} {
			for line := range strings.Lines(source) {
				b.WriteString("    " + strings.TrimSuffix(line, "\n") + "\n")
			}
		}
		fmt.Fprintf(&b, "    ;; %s\n", x.Result)
	}
	return b.String()
}

func commented(title, source string) string {
	if source == "" {
		return ""
	}
	return ";; " + title + ":\n" + source + "\n;;"
}

// wrap writes a paragraph in lines of a width.
func wrap(b *strings.Builder, text, indent string, width int) {
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case column == 0:
			b.WriteString(indent)
			column = len(indent)
		case column+1+len(word) > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	if column > 0 {
		b.WriteByte('\n')
	}
}
