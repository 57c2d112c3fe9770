package reference

import (
	"strings"
	"testing"

	"funai/clarity/types"
)

func TestEveryEntryIsWhole(t *testing.T) {
	for _, e := range All() {
		if e.Text == "" || e.Signature == "" || e.Kind == "" || e.Since == 0 || len(e.Examples) == 0 {
			t.Errorf("%s lacks something: %+v", e.Name, e)
		}
		if !strings.Contains(e.Signature, e.Name) {
			t.Errorf("%s: the signature %q does not have the word", e.Name, e.Signature)
		}
		if !strings.HasSuffix(e.Text, ".") {
			t.Errorf("%s: the text is no sentence: %q", e.Name, e.Text)
		}
		if (e.Kind == Function || e.Kind == Keyword) && e.Output == "" {
			t.Errorf("%s: no type of result", e.Name)
		}
		for _, x := range e.Examples {
			if x.Code == "" || x.Result == "" {
				t.Errorf("%s: an example lacks its code or its result: %+v", e.Name, x)
			}
			if !e.Ledger && !strings.Contains(x.Other+x.Setup+x.Code, e.Name) && e.Name != "tuple" {
				t.Errorf("%s: the example %q does not use the word", e.Name, x.Code)
			}
		}
	}
}

func TestNoWordIsDocumentedTwice(t *testing.T) {
	type key struct {
		name string
		kind Kind
	}
	seen := map[key]bool{}
	for _, e := range All() {
		if k := (key{e.Name, e.Kind}); seen[k] {
			t.Errorf("%s is documented twice as a %s", e.Name, e.Kind)
		} else {
			seen[k] = true
		}
	}
}

func TestVersionsAreTold(t *testing.T) {
	for name, want := range map[string]string{"+": "since Clarity 1", "with-stacking": "Clarity 4 to 5", "at-block": "Clarity 1 to 4", "to-ascii?": "since Clarity 4"} {
		e, ok := Lookup(name)
		if !ok || e.Versions() != want {
			t.Errorf("%s: found %v, %q, want %q", name, ok, e.Versions(), want)
		}
	}
	if e, _ := Lookup("block-height"); e.Version() != types.Clarity2 {
		t.Errorf("block-height is last in %v, want %v", e.Version(), types.Clarity2)
	}
}

func TestAWordOfTwoKindsIsFoundAsBoth(t *testing.T) {
	found := LookupAll("list")
	if len(found) != 2 || found[0].Kind != Function || found[1].Kind != Type {
		t.Errorf("list means %v", found)
	}
	if found := LookupAll("no-such-word"); len(found) != 0 {
		t.Errorf("found %v", found)
	}
}

func TestWordsAreFoundByWhatTheyDo(t *testing.T) {
	found := Find("merkle")
	if len(found) < 2 || found[0].Name != "verify-merkle-proof" {
		t.Errorf("found %v", found)
	}
}

func TestTextFitsAHundredColumns(t *testing.T) {
	for _, e := range All() {
		text, _, _ := strings.Cut(e.String(), "\n\n    ")
		_, text, _ = strings.Cut(text, "\n\n")
		for line := range strings.Lines(text) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 100 {
				t.Errorf("%s: a line of %d columns: %s", e.Name, n, line)
			}
		}
	}
}

func TestDocumentationAsText(t *testing.T) {
	e, _ := Lookup("mod")
	want := `(mod i j)   function, since Clarity 1
  input:  int, int | uint, uint
  output: int | uint

  Gives what remains of i after division by j; it has the sign of i. A j of zero aborts the
  transaction.

    (mod 7 4)
    ;; 3

    (mod -7 4)
    ;; -3
`
	if got := e.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
