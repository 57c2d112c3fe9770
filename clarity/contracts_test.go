package clarity_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"funai/clarity/session"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
	"funai/clarity/vm"
)

const contractsDir = "testdata/contracts"

// people are who acts in the contracts' tests. The first deploys.
var people = map[string]string{
	"dora":  "ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM",
	"alice": "ST1SJ3DTE5DN7X54YDH5D64R3BCB6A2AG2ZQ8YPD5",
	"bob":   "ST2CY5V39NHDPWSXMW9QDT3HC3GD6Q6XX4CFRK9AG",
	"carol": "ST2JHG361ZXG51QTKY2NQCVBPPRRE2KZB1HR05NNC",
	"dave":  "ST2NEB84ASENDXKYGJPQW86YXQCEFEX2ZQPG87ND",
	"erin":  "ST2REHHS5J3CERCRBEPMGH7921Q6PYKAADT7JP2VB",
}

// purse is what each of them has of the chain's coin to begin with.
const purse = 10_000

func person(t rapid.TB, name string) value.Principal {
	t.Helper()
	p, err := value.ParsePrincipal(people[name])
	if err != nil {
		t.Fatalf("%q is nobody: %v", name, err)
	}
	return p
}

// sourceOf reads a contract of the library; "gold" is a second token.
func sourceOf(t rapid.TB, name string) string {
	t.Helper()
	if name == "gold" {
		name = "token"
	}
	b, err := os.ReadFile(filepath.Join(contractsDir, name+".clar"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func library(t rapid.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(contractsDir, "*.clar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no contracts in %s: %v", contractsDir, err)
	}
	return files
}

func TestContractsAreFormatted(t *testing.T) {
	for _, f := range library(t) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		want, err := syntax.Format(string(b))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if want != string(b) {
			t.Errorf("%s is not in the canonical layout: run funai clarity fmt -w", f)
		}
	}
}

func TestReadmeTellsOfEveryContract(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(contractsDir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range library(t) {
		if name := filepath.Base(f); !strings.Contains(string(b), "`"+name+"`") {
			t.Errorf("README.md says nothing of %s", name)
		}
	}
}

// world is a chain with some contracts of dora's on it.
type world struct {
	t         rapid.TB
	s         *session.Session
	contracts []string
	burned    value.Uint128 // coins
}

// newWorld deploys contracts in the order given.
func newWorld(t rapid.TB, o session.Options, contracts ...string) *world {
	t.Helper()
	w := &world{t: t, s: session.New(o)}
	for name := range people {
		if err := w.s.Mint(person(t, name), value.U64(purse)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range contracts {
		w.deploy(c, sourceOf(t, c))
	}
	return w
}

func (w *world) deploy(name, source string) {
	w.t.Helper()
	w.s.SetSender(person(w.t, "dora"))
	if _, err := w.s.Deploy(name, source, 0); err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	w.contracts = append(w.contracts, name)
}

func (w *world) contract(name string) value.Principal {
	w.t.Helper()
	p := person(w.t, "dora")
	p.Contract = name
	return p
}

// literal puts addresses in the place of names: @alice is a person, @.token a contract.
func literal(text string) string {
	for name, address := range people {
		text = strings.ReplaceAll(text, "@"+name, "'"+address)
	}
	return strings.ReplaceAll(text, "@.", "'"+people["dora"]+".")
}

func (w *world) value(text string) value.Value {
	w.t.Helper()
	v, err := value.ParseLiteral(literal(text))
	if err != nil {
		w.t.Fatalf("%s: %v", text, err)
	}
	return v
}

func (w *world) values(texts []string) []value.Value {
	w.t.Helper()
	all := make([]value.Value, len(texts))
	for i, text := range texts {
		all[i] = w.value(text)
	}
	return all
}

func cutMethod(s string) (contract, function string) {
	contract, function, _ = strings.Cut(s, ".")
	return contract, function
}

// call calls contract.function as somebody.
func (w *world) call(who, method string, args ...string) (*vm.Result, error) {
	w.t.Helper()
	contract, function := cutMethod(method)
	values := w.values(args)
	w.s.SetSender(person(w.t, who))
	r, err := w.s.Call(w.contract(contract), function, values...)
	if err == nil && r.Committed {
		for _, e := range r.Events {
			if e.Kind == vm.EventSTXBurn {
				w.burned, _ = w.burned.Add(e.Amount)
			}
		}
	}
	return r, err
}

// must calls and expects an answer.
func (w *world) must(want, who, method string, args ...string) *vm.Result {
	w.t.Helper()
	r, err := w.call(who, method, args...)
	if err != nil {
		w.t.Fatalf("%s: %s %v: %v", who, method, args, err)
	}
	if got, want := r.Value.String(), w.value(want).String(); got != want {
		w.t.Fatalf("%s: %s %v = %s, want %s", who, method, args, got, want)
	}
	return r
}

// read calls a read-only function.
func (w *world) read(method string, args ...string) value.Value {
	w.t.Helper()
	contract, function := cutMethod(method)
	values := w.values(args)
	r, err := w.s.ReadOnly(w.contract(contract), function, values...)
	if err != nil {
		w.t.Fatalf("%s %v: %v", method, args, err)
	}
	return r.Value
}

func (w *world) coins(p value.Principal) uint64 {
	w.t.Helper()
	b, err := w.s.Balance(p)
	if err != nil {
		w.t.Fatal(err)
	}
	n, _ := b.Unlocked.Uint64()
	return n
}

// tokens is what somebody has of a SIP-010 token.
func (w *world) tokens(token string, who string) uint64 {
	w.t.Helper()
	n, _ := w.read(token+".get-balance", who).Inner().AsUInt().Uint64()
	return n
}

// conserved checks that nothing has come from nowhere or got lost: of coins, and of every token.
func (w *world) conserved() {
	w.t.Helper()
	sum := w.burned
	names := []string{}
	for name := range people {
		names = append(names, "@"+name)
		sum, _ = sum.Add(value.U64(w.coins(person(w.t, name))))
	}
	for _, c := range w.contracts {
		names = append(names, "@."+c)
		sum, _ = sum.Add(value.U64(w.coins(w.contract(c))))
	}
	var all value.Uint128
	for _, h := range w.s.Holdings() {
		if h.Asset == session.Coin {
			all, _ = all.Add(h.Amount)
		}
	}
	if all, _ = all.Add(w.burned); all != sum {
		w.t.Fatalf("coins: %v in accounts, %v by the events", sum, all)
	}
	for _, c := range w.contracts {
		if c != "token" && c != "gold" {
			continue
		}
		var held uint64
		for _, n := range names {
			held += w.tokens(c, n)
		}
		if supply, _ := w.read(c + ".get-total-supply").Inner().AsUInt().Uint64(); supply != held {
			w.t.Fatalf("%s: supply is %d, and accounts have %d", c, supply, held)
		}
	}
}

// parseLife reads the steps of a contract's life, a line each: who acts, function, arguments and the answer, as in
//
//	alice token.transfer u5 @alice @bob none => (ok true)
//
// "mine 10" lets so many blocks of the ledger go by, and "look" in the place of somebody is a read-only call.
func parseLife(t rapid.TB, text string) []lifeStep {
	t.Helper()
	var steps []lifeStep
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " ;;")
		if line == "" || strings.HasPrefix(line, ";;") {
			continue
		}
		l := lifeStep{line: line}
		if _, err := fmt.Sscanf(line, "mine %d", &l.mine); err == nil {
			steps = append(steps, l)
			continue
		}
		left, want, ok := strings.Cut(line, " => ")
		words := words(left)
		if !ok || len(words) < 2 {
			t.Fatalf("not a step: %s", line)
		}
		l.who, l.method, l.args, l.want = words[0], words[1], words[2:], want
		steps = append(steps, l)
	}
	return steps
}

type lifeStep struct {
	line        string
	mine        int
	who, method string
	args        []string
	want        string
}

// words are what blanks separate, but for those within parentheses.
func words(s string) (all []string) {
	depth, begin := 0, 0
	for i, c := range s + " " {
		switch c {
		case '(', '{':
			depth++
		case ')', '}':
			depth--
		case ' ':
			if depth == 0 {
				if w := strings.TrimSpace((s + " ")[begin:i]); w != "" {
					all = append(all, w)
				}
				begin = i
			}
		}
	}
	return all
}

var refusal = regexp.MustCompile(`\(define-constant (ERR-\S+) \(err (u\d+)\)\)`)

// TestEveryRefusalIsShown finds each error constant in some life of its contract.
func TestEveryRefusalIsShown(t *testing.T) {
	shown := map[string]bool{} // "contract u101"
	for _, l := range lives {
		for _, s := range parseLife(t, l.steps) {
			contract, _ := cutMethod(s.method)
			shown[contract+" "+strings.TrimSpace(strings.Trim(s.want, "(er)"))] = true
		}
	}
	for _, f := range library(t) {
		name := strings.TrimSuffix(filepath.Base(f), ".clar")
		if name == "ledger-sale" { // lives need the reference implementation, which has no ledger
			continue
		}
		for _, m := range refusal.FindAllStringSubmatch(sourceOf(t, name), -1) {
			if !shown[name+" "+m[2]] {
				t.Errorf("no life of %s meets %s (%s)", name, m[1], m[2])
			}
		}
	}
}

// TestContractsLiveAsWritten plays every life step by step; nothing may be lost on the way.
func TestContractsLiveAsWritten(t *testing.T) {
	for _, l := range lives {
		t.Run(l.name, func(t *testing.T) {
			w := newWorld(t, session.Options{Epoch: types.Epoch34}, l.contracts...)
			for _, step := range parseLife(t, l.steps) {
				switch {
				case step.mine > 0:
					w.s.Mine(step.mine)
				case step.who == "look":
					if got, want := w.read(step.method, step.args...).String(), w.value(step.want).String(); got != want {
						t.Fatalf("%s\ngot %s", step.line, got)
					}
				default:
					r, err := w.call(step.who, step.method, step.args...)
					if err != nil {
						t.Fatalf("%s: %v", step.line, err)
					}
					if got, want := r.Value.String(), w.value(step.want).String(); got != want {
						t.Fatalf("%s\ngot %s", step.line, got)
					}
					if (r.Value.Kind() == value.KindOk) != r.Committed {
						t.Fatalf("%s: committed is %v", step.line, r.Committed)
					}
					w.conserved()
				}
			}
		})
	}
}
