package judge

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDefaultPoliciesAreWholeAndKept(t *testing.T) {
	for _, name := range []string{"tinyllama-1.1b-chat", "stories15m", "anything"} {
		p := DefaultPolicy(name)
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParsePolicy(b); err != nil || got != p {
			t.Errorf("%s: %+v became %+v, %v", name, p, got, err)
		}
	}
}

func TestBadPoliciesAreRefused(t *testing.T) {
	for name, change := range map[string]func(p *Policy){
		"no model":              func(p *Policy) { p.Model = "" },
		"negative context":      func(p *Policy) { p.Context = -1 },
		"short zero":            func(p *Policy) { p.Short = 0 },
		"short vast":            func(p *Policy) { p.Short = 1 << 20 },
		"maximum zero":          func(p *Policy) { p.Rescore.MaxMargin = 0 },
		"maximum NaN":           func(p *Policy) { p.Rescore.MaxMargin = math.NaN() },
		"maximum infinite":      func(p *Policy) { p.Rescore.MaxMargin = math.Inf(1) },
		"mean zero":             func(p *Policy) { p.Rescore.MeanMargin = 0 },
		"mean over maximum":     func(p *Policy) { p.Rescore.MeanMargin = p.Rescore.MaxMargin + 1 },
		"mean NaN":              func(p *Policy) { p.Rescore.MeanMargin = math.NaN() },
		"swaps zero":            func(p *Policy) { p.Rescore.Swaps = 0 },
		"swaps over one":        func(p *Policy) { p.Rescore.Swaps = 1.1 },
		"swaps NaN":             func(p *Policy) { p.Rescore.Swaps = math.NaN() },
		"dropped NaN":           func(p *Policy) { p.Rescore.Dropped = math.NaN() },
		"dropped negative":      func(p *Policy) { p.Rescore.Dropped = -0.1 },
		"unknown way to ask":    func(p *Policy) { p.Ask.How = "politely" },
		"settings of nothing":   func(p *Policy) { p.Ask.How = AskNothing },
		"no other questions":    func(p *Policy) { p.Ask.Others = 0 },
		"many other questions":  func(p *Policy) { p.Ask.Others = 9 },
		"no tokens to compare":  func(p *Policy) { p.Ask.Tokens = 0 },
		"contrast NaN":          func(p *Policy) { p.Ask.Least = math.NaN() },
		"probability over one":  func(p *Policy) { p.Ask = Ask{How: AskYesNo, Least: 1.5} },
		"quality of no encoder": func(p *Policy) { p.Quality.Least = 0.5 },
		"quality NaN":           func(p *Policy) { p.Quality = Quality{Encoder: "e", Least: math.NaN()} },
		"quality over one":      func(p *Policy) { p.Quality = Quality{Encoder: "e", Least: 1.1} },
		"agreement of one":      func(p *Policy) { p.Agree = true },
		"agreement of another":  func(p *Policy) { p.Ask, p.Quality, p.Agree = Ask{}, Quality{Encoder: "e"}, true },
		"yes or no of others":   func(p *Policy) { p.Ask = Ask{How: AskYesNo, Least: 0.5, Others: 3} },
	} {
		p := strict()
		change(&p)
		if err := p.Validate(); !errors.Is(err, ErrPolicy) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParsePolicyRefusesWhatItDoesNotKnow(t *testing.T) {
	good := `{"model":"m","short":8,"rescore":{"max_margin":1,"mean_margin":0.1,"swaps":0.2},"ask":{}}`
	if _, err := ParsePolicy([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		"", "null", "{}", "[]", good + good, good + "x", good[:len(good)-1],
		strings.Replace(good, "swaps", "swap", 1),
		strings.Replace(good, `"max_margin":1`, `"max_margin":1e999`, 1),
		good + strings.Repeat(" ", MaxPolicyBytes),
	} {
		if p, err := ParsePolicy([]byte(s)); !errors.Is(err, ErrPolicy) || p != (Policy{}) {
			t.Errorf("%.80q: %+v, %v", s, p, err)
		}
	}
}

func TestPolicyIsLoadedFromItsFileOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.json")
	want := strict()
	want.Quality, want.Agree = Quality{Encoder: "e", Least: 0.1}, true
	b, err := json.MarshalIndent(want, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := LoadPolicy(path); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte(" "), 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadPolicy(path); !errors.Is(err, ErrPolicy) {
		t.Errorf("a file of blanks: %v", err)
	}
	if _, err := LoadPolicy(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func FuzzParsePolicy(f *testing.F) {
	for _, name := range []string{"tinyllama-1.1b-chat", "stories15m", "other"} {
		b, err := json.Marshal(DefaultPolicy(name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"model":"m","short":-1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePolicy(b)
		if err != nil {
			if !errors.Is(err, ErrPolicy) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if q, err := ParsePolicy(again); err != nil || q != p {
			t.Fatalf("%+v became %+v, %v", p, q, err)
		}
	})
}
