package clarity_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"funai/clarity/internal/diff"
	"funai/clarity/session"
	"funai/clarity/types"
)

var record = flag.Bool("record", false, "ask the reference implementation again what becomes of testdata/contracts (needs Node.js)")

// recorded is a life as a script, and what the reference implementation made of it. The script is that of funai clarity
// session, but for the sources of the contracts, which stand in their own files.
type recorded struct {
	diff.Program
	Answer *diff.Answer `json:"answer"`
}

// TestContractsAgreeWithReference holds values, events, errors and costs of every life to those recorded.
func TestContractsAgreeWithReference(t *testing.T) {
	var ref *diff.Reference
	if *record {
		var err error
		if ref, err = diff.NewReference(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer ref.Close()
	}
	for _, l := range lives {
		t.Run(l.name, func(t *testing.T) {
			file := filepath.Join(contractsDir, l.name+".json")
			if ref != nil {
				recordLife(t, ref, l, file)
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var r recorded
			if err := json.Unmarshal(b, &r); err != nil {
				t.Fatal(err)
			}
			for i := range r.Contracts {
				r.Contracts[i].Source = sourceOf(t, r.Contracts[i].Name)
			}
			if want := asJSON(t, script(t, l)); asJSON(t, r.Program) != want {
				t.Fatalf("%s is of another life: record it again", file)
			}
			if d := diff.Replay(&r.Program, r.Answer); d != nil {
				t.Fatal(d)
			}
		})
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// script is a life as a script.
func script(t *testing.T, l life) *diff.Program {
	t.Helper()
	w := newWorld(t, session.Options{Epoch: types.Epoch34}, l.contracts...)
	p := &diff.Program{Fresh: true}
	p.Epoch, p.Deployer, p.Balances = types.Epoch34.String(), people["dora"], map[string]string{}
	for _, h := range w.s.Holdings() {
		p.Balances[h.Owner.String()] = h.Amount.String()
	}
	for _, name := range w.contracts {
		p.Contracts = append(p.Contracts, session.ContractText{Name: name, Source: sourceOf(t, name), Version: types.Clarity4})
	}
	for _, s := range parseLife(t, l.steps) {
		a := session.Action{Fn: "mine", Count: &s.mine}
		if s.mine == 0 {
			contract, method := cutMethod(s.method)
			a = session.Action{Fn: "public", Contract: contract, Method: method, Sender: people[s.who]}
			if s.who == "look" {
				a.Fn = "read"
			}
			for _, arg := range s.args {
				a.Args = append(a.Args, json.RawMessage(strconv.Quote(literal(arg))))
			}
		}
		p.Calls = append(p.Calls, a)
	}
	return p
}

func recordLife(t *testing.T, ref *diff.Reference, l life, file string) {
	t.Helper()
	p := script(t, l)
	answer, err := ref.Play(p)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Panic != "" {
		t.Fatalf("the reference implementation broke down: %s", answer.Panic)
	}
	for i := range p.Contracts {
		p.Contracts[i].Source = ""
	}
	var v any
	d := json.NewDecoder(strings.NewReader(asJSON(t, recorded{*p, answer})))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(layOut(t, prune(v), 0)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// prune leaves out fields of a script that say nothing.
func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if k == "answer" {
				continue
			}
			v[k] = prune(x)
			empty, ok := x.(map[string]any)
			if x == nil || x == "" || x == json.Number("0") || ok && len(empty) == 0 {
				delete(v, k)
			}
		}
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
	}
	return v
}

// layOut writes JSON with a line for each step.
func layOut(t *testing.T, v any, depth int) string {
	t.Helper()
	var items []string
	open, end := "{", "}"
	switch v := v.(type) {
	case map[string]any:
		if depth == 2 {
			break
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			items = append(items, asJSON(t, k)+": "+layOut(t, v[k], depth+1))
		}
	case []any:
		open, end = "[", "]"
		for _, x := range v {
			items = append(items, asJSON(t, x))
		}
	}
	if items == nil {
		return asJSON(t, v)
	}
	margin := "\n" + strings.Repeat(" ", depth)
	return open + margin + " " + strings.Join(items, ","+margin+" ") + margin + end
}
