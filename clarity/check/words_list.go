package check

import (
	"cmp"
	"slices"

	"funai/clarity/types"
)

// Class is what a word of the language is.
type Class uint8

// The classes of words.
const (
	NativeFunction Class = iota
	NativeVariable
	DefineForm
	TypeName
)

// Word is a word of the language, in the versions from Since, up to and not with Until; Until 0 is all later ones.
type Word struct {
	Name         string
	Class        Class
	Since, Until types.Version
	Ledger       bool // only with Options.Ledger
}

// Words are all words that the checker knows, by class and name. A name can be of more than one class.
func Words() []Word {
	var out []Word
	for name, w := range words {
		out = append(out, Word{name, NativeFunction, w.since, w.until, w.ledger})
	}
	for name, k := range keywords {
		out = append(out, Word{name, NativeVariable, k.since, k.until, k.ledger})
	}
	for name := range definitions {
		out = append(out, Word{Name: name, Class: DefineForm, Since: types.Clarity1})
	}
	for _, name := range typeNames {
		out = append(out, Word{Name: name, Class: TypeName, Since: types.Clarity1})
	}
	slices.SortFunc(out, func(a, b Word) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Name, b.Name))
	})
	return out
}
