// Package rpc is JSON-RPC over HTTP as Bitcoin's nodes speak it: requests of versions 1.0, 1.1 and 2.0, one at a time or
// in batches, with Bitcoin Core's error codes and HTTP statuses, behind a password or a cookie file. It knows no method
// but those about the server itself: packages below it (noderpc, and walletrpc beside the wallet) make the others. Its
// rules are those of Bitcoin Core's doc/JSON-RPC-interface.md; it imports amount and nothing else of the project.
package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Method is one call that clients may make.
type Method struct {
	// Params are the names of the parameters in order, for calls by name; "verbosity|verbose" has two names. A call with
	// more of them gets the help.
	Params []string
	// Help says on its first line how the method is called, and what it does after that.
	Help string
	// Category is the heading that lists of methods file it under; empty is "Other".
	Category string
	// Do makes the call. Its result is written as JSON. An error that is not an *Error goes out with CodeMisc.
	Do func(ctx context.Context, a Args) (any, error)
}

// Methods are calls by name.
type Methods map[string]Method

// list is what help without a parameter answers: the first lines of all, under their categories.
func (ms Methods) list() string {
	by := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(ms)) {
		m := ms[name]
		category := m.Category
		if category == "" {
			category = "Other"
		}
		usage, _, _ := strings.Cut(m.Help, "\n")
		by[category] = append(by[category], usage)
	}
	var b strings.Builder
	for i, category := range slices.Sorted(maps.Keys(by)) {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "== %s ==\n%s\n", category, strings.Join(by[category], "\n"))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// positions puts parameters given by name in the method's order. The name "args" stands for an array of those at the
// beginning.
func (m *Method) positions(named map[string]json.RawMessage) (Args, error) {
	named = maps.Clone(named)
	var first Args
	if raw, ok := named["args"]; ok && !slices.Contains(m.Params, "args") {
		if err := json.Unmarshal(raw, &first); err != nil {
			return nil, Errorf(CodeInvalidParameter, "Parameter args must be an array")
		}
		delete(named, "args")
	}
	a, last := slices.Grow(slices.Clone(first), len(m.Params)), len(first)
	for i, names := range m.Params {
		if i >= len(a) {
			a = append(a, nil)
		}
		for name := range strings.SplitSeq(names, "|") {
			v, ok := named[name]
			if !ok {
				continue
			}
			delete(named, name)
			if i < len(first) {
				return nil, Errorf(CodeInvalidParameter, "Parameter %s specified twice both as positional and named argument", name)
			}
			if a[i] != nil {
				return nil, Errorf(CodeInvalidParameter, "Parameter %s specified multiple times", names)
			}
			a[i], last = v, i+1
		}
	}
	for name := range named {
		return nil, Errorf(CodeInvalidParameter, "Unknown named parameter %s", clip(name))
	}
	return a[:last], nil
}
