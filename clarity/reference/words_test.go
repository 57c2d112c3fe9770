package reference_test

import (
	"cmp"
	"slices"
	"testing"

	"funai/clarity/check"
	"funai/clarity/reference"
)

// classes are the checker's names of the kinds of words.
var classes = map[reference.Kind]check.Class{
	reference.Function:   check.NativeFunction,
	reference.Allowance:  check.NativeFunction,
	reference.Keyword:    check.NativeVariable,
	reference.Definition: check.DefineForm,
	reference.Type:       check.TypeName,
}

func TestEveryWordOfTheCheckerIsDocumentedAndNoOther(t *testing.T) {
	var documented []check.Word
	for _, e := range reference.All() {
		documented = append(documented, check.Word{Name: e.Name, Class: classes[e.Kind], Since: e.Since, Until: e.Until, Ledger: e.Ledger})
	}
	slices.SortFunc(documented, func(a, b check.Word) int { return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Name, b.Name)) })
	known := check.Words()
	for _, w := range known {
		if !slices.Contains(documented, w) {
			t.Errorf("not documented as the checker has it: %+v", w)
		}
	}
	for _, w := range documented {
		if !slices.Contains(known, w) {
			t.Errorf("documented, but not known to the checker so: %+v", w)
		}
	}
}
