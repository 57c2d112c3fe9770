package diff

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"funai/clarity/check"
	"funai/clarity/types"
)

const goldenDir = "../../testdata/golden"

// golden is the whole corpus.
func golden(t *testing.T) []Golden {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(goldenDir, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden corpus: %v", err)
	}
	var all []Golden
	for _, f := range files {
		g, err := ReadGolden(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, g...)
	}
	return all
}

func TestGoldenProgramsAgreeWithReference(t *testing.T) {
	for i, g := range golden(t) {
		if d := Replay(g.Program, g.Answer); d != nil {
			t.Errorf("program %d, epoch %s, seed %d: %v\n%s", i, g.Program.Epoch, g.Program.Seed, d, g.Program.show())
		}
	}
}

// TestGoldenHasEveryWord looks for each word in a contract that the reference implementation deployed.
func TestGoldenHasEveryWord(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range golden(t) {
		for f := range features(g.Program, g.Answer) {
			if _, w, ok := strings.Cut(f, " "); ok {
				seen[w] = true
			}
		}
	}
	for _, w := range check.Words() {
		if !seen[w.Name] && !w.Ledger {
			t.Errorf("no program has %s", w.Name)
		}
	}
}

func TestSameSeedMakesSameProgram(t *testing.T) {
	for _, e := range types.Epochs() {
		for seed := range uint64(20) {
			a, err := keyOf(Generate(seed, e))
			if err != nil {
				t.Fatal(err)
			}
			if b, _ := keyOf(Generate(seed, e)); a != b {
				t.Fatalf("epoch %v, seed %d makes two programs", e, seed)
			}
		}
	}
}

func TestReadingApartKeepsText(t *testing.T) {
	for _, text := range []string{"", "(a)", "(a (b c)\n {d: 1, e: u\"x ) y\"} \"\\\"(\")", ")) (", "((", `u"`, "{,}"} {
		if got := read(text).text(); got != text && !strings.HasPrefix(text, ")") {
			t.Errorf("%q comes back as %q", text, got)
		}
	}
	for seed := range uint64(200) {
		for _, c := range Generate(seed, types.LatestEpoch).Contracts {
			if got := read(c.Source).text(); got != c.Source && strings.Count(c.Source, "(") == strings.Count(c.Source, ")") {
				t.Errorf("seed %d comes back as %q, not %q", seed, got, c.Source)
			}
		}
	}
}

func TestCompareFindsEachKind(t *testing.T) {
	at := func(s Step) *Answer { return &Answer{Calls: []Step{s}} }
	same := Step{Hex: "03", Cost: []uint64{1, 2, 3, 4, 5}, Events: []Event{{"print_event", map[string]any{"raw_value": "0x03"}}}}
	p := &Program{}
	p.Epoch = "3.4"
	for what, other := range map[string]Step{
		"call value":  {Hex: "04", Cost: same.Cost, Events: same.Events},
		"call events": {Hex: "03", Cost: same.Cost},
		"call cost":   {Hex: "03", Cost: []uint64{1, 2, 3, 4, 6}, Events: same.Events},
		`call success: want "", got "run DivisionByZero"`: {Error: "x", class: "run DivisionByZero"},
	} {
		if d := Compare(p, at(same), at(other)); d == nil || d.What != what {
			t.Errorf("%s is found as %v", what, d)
		}
	}
	if d := Compare(p, at(same), at(same)); d != nil {
		t.Error(d)
	}
	if d := Compare(p, at(same), at(Step{Hex: "03", Cost: []uint64{2}, Events: same.Events})); d == nil || d.What != "call cost" {
		t.Errorf("costs that differ: %v", d)
	}
	p.Epoch = "4.0" // whose costs the reference does not have
	if d := Compare(p, at(same), at(Step{Hex: "03", Cost: []uint64{2}, Events: same.Events})); d != nil {
		t.Error(d)
	}
}

func TestClassesOfErrors(t *testing.T) {
	for text, want := range map[string]string{
		"Contract deployment runtime error: ST1.c -> use of unresolved variable 'x'":                                                                                                  "check unknown-variable",
		"Call contract function error: ST1.c::f(\"a -> b\") -> Error calling contract function 'f': Runtime error while interpreting ST1.c: Runtime(DivisionByZero, Some([]))":        "run DivisionByZero",
		"Call contract function error: ST1.c::f() -> Error calling contract function 'f': Runtime error while interpreting ST1.c: RuntimeCheck(IncorrectArgumentCount(1, 0))":         "run Unchecked",
		"Contract deployment runtime error: ST1.c -> Runtime Error: Runtime error while interpreting ST1.c: Runtime(UnwrapFailure, Some([]))":                                         "run UnwrapFailure",
		"Call contract function error: ST1.c::f() -> Error calling contract function 'f': Runtime error while interpreting ST1.c: RuntimeCheck(CostComputationFailed(\"log2 of 0\"))": "run CostLimit",
		"Call contract function error: ST1.c::g() -> Method 'g' does not exist on contract 'ST1.c'":                                                                                   "run Unchecked",
		"nobody knows": "unknown nobody knows",
	} {
		if got := classOf(text); got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
}

func TestPickedProgramsShowAllThatAnyShows(t *testing.T) {
	var all []Golden
	for seed := range uint64(60) {
		p := Generate(seed, types.LatestEpoch)
		all = append(all, Golden{p, play(p)})
	}
	shown := func(gs []Golden) (fs []string) {
		for _, g := range gs {
			for f := range features(g.Program, g.Answer) {
				fs = append(fs, f)
			}
		}
		slices.Sort(fs)
		return slices.Compact(fs)
	}
	picked := pickGolden(slices.Clone(all))
	if len(picked) >= len(all) || !slices.Equal(shown(picked), shown(all)) {
		t.Errorf("%d of %d programs show %d of %d", len(picked), len(all), len(shown(picked)), len(shown(all)))
	}
}

// FuzzRead takes any text apart and puts it together.
func FuzzRead(f *testing.F) {
	f.Add("(a {b: u\"\\\"\"} ;; c\n)")
	f.Add(")(}{\"")
	f.Fuzz(func(t *testing.T, text string) {
		root := read(text)
		if again := read(root.text()); again.text() != root.text() {
			t.Errorf("%q, put together and taken apart again, is %q", root.text(), again.text())
		}
	})
}
