package eval

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"funai/judge"
	"funai/model/gguf"
	"funai/model/modeltest"
)

// TestPromptsDontRepeat: a question asked twice would stand in both halves.
func TestPromptsDontRepeat(t *testing.T) {
	for _, name := range []string{"stories15m", "tinyllama-1.1b-chat"} {
		seen := map[string]bool{}
		for i := range 200 {
			p := promptOf(name, i)
			if seen[p.user] || p.system == "" {
				t.Errorf("%s: prompt %d: %+v", name, i, p)
			}
			seen[p.user] = true
		}
	}
}

// TestSetOfARealModel makes a small set in two goes, judges it in two goes, and finds what is forged.
func TestSetOfARealModel(t *testing.T) {
	e := modeltest.Open(t, "stories15m", gguf.Options{}).(*gguf.Engine)
	dir := t.TempDir()
	set, measured := filepath.Join(dir, "set.jsonl"), filepath.Join(dir, "measured.jsonl")
	m := Maker{Engine: e, MaxTokens: 24, Parallel: 4}
	if _, err := m.Make(t.Context(), set, 1); err != nil {
		t.Fatal(err)
	}
	pairs, err := m.Make(t.Context(), set, 2)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[Kind]int{}
	for _, p := range pairs {
		kinds[p.Kind]++
		if p.Calibration != (p.Group == 0) || len(p.Answer.Tokens) > 24 || len(p.Answer.Tokens) == 0 {
			t.Errorf("%+v", p)
		}
	}
	want := map[Kind]int{Honest: 2 * HonestPerGroup, OffTopic: 2, Swapped: 2, Truncated: 2, Injected: 2, NoSystem: 2}
	if !reflect.DeepEqual(kinds, want) {
		t.Errorf("made %v, want %v", kinds, want)
	}
	before, err := os.ReadFile(set)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := m.Make(t.Context(), set, 2); err != nil || !reflect.DeepEqual(again, pairs) {
		t.Errorf("made again: %d pairs, %v", len(again), err)
	}
	// A model that is given later adds its kind and nothing else.
	m.Other = e
	if all, err := m.Make(t.Context(), set, 2); err != nil || len(all) != len(pairs)+2 || all[len(all)-1].Kind != WrongModel {
		t.Errorf("%d pairs, %v", len(all), err)
	}
	if err := os.WriteFile(set, before, 0o600); err != nil {
		t.Fatal(err)
	}

	j := Measurer{Engine: e, Policy: Judges(judge.DefaultPolicy("stories15m"), ""), Parallel: 2}
	if _, err := j.Measure(t.Context(), measured, pairs[:5]); err != nil {
		t.Fatal(err)
	}
	news := 0
	j.Progress = func(int, int) { news++ }
	rows, err := j.Measure(t.Context(), measured, pairs)
	if err != nil || len(rows) != len(pairs) || news != len(pairs)-5 {
		t.Fatalf("%d rows of %d pairs, %d of them new: %v", len(rows), len(pairs), news, err)
	}
	p := judge.DefaultPolicy("stories15m")
	for _, r := range rows {
		kind, rule := r.Decide(p)
		if r.Kind == Honest != (kind == judge.Valid) {
			t.Errorf("%s (pair %d): %v by %q, %+v", r.Kind, r.Pair, kind, rule, r.Evidence)
		}
		// What is decided of the measurement is what judging says.
		i := slices.IndexFunc(pairs, func(q Pair) bool { return q.ID == r.Pair })
		c, err := pairs[i].Answer.Claim()
		if err != nil {
			t.Fatal(err)
		}
		if v := p.Judge(t.Context(), e, c); v.Kind != kind {
			t.Errorf("%s (pair %d): judged %v by %q, decided %v by %q", r.Kind, r.Pair, v.Kind, v.Rule, kind, rule)
		}
	}
}

// TestAbstentionsAreNoMeasurements: an engine that can't judge says nothing about the pairs.
func TestAbstentionsAreNoMeasurements(t *testing.T) {
	e := modeltest.Open(t, "stories15m", gguf.Options{}).(*gguf.Engine)
	j := Measurer{Engine: e, Policy: Judges(judge.DefaultPolicy("stories15m"), "minilm-l6")} // and no encoder
	path := filepath.Join(t.TempDir(), "measured.jsonl")
	if rows, err := j.Measure(t.Context(), path, []Pair{somePair(0)}); err == nil || len(rows) != 0 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
