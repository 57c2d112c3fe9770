package check

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// code is the code of an error's fault, or "" for none.
func code(t *testing.T, err error) Code {
	t.Helper()
	var d *Diagnostic
	if err != nil && !errors.As(err, &d) {
		t.Fatal(err)
	}
	if d == nil {
		return ""
	}
	return d.Code
}

// repeat joins what f makes of 0 to n-1.
func repeat(n int, f func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i) + " ")
	}
	return b.String()
}

func TestDeepAndLargeContractsEndWithAClearVerdict(t *testing.T) {
	nest := func(n int, open, inside string) string {
		return strings.Repeat(open, n) + inside + strings.Repeat(")", n)
	}
	for _, c := range []struct {
		what, source string
		want         Code
	}{
		{"deep calls", "(define-private (f) " + nest(100, "(+ 1 ", "1") + ")", ""},
		{"deep types", "(define-private (f (x " + nest(31, "(optional ", "int") + ")) x)", ""},
		{"too deep types", "(define-private (f (x " + nest(32, "(optional ", "int") + ")) x)", TooDeep},
		{"too deep values", "(define-private (f) " + nest(32, "(some ", "1") + ")", TooDeep},
		{"deep let", "(define-private (f) " + repeat(100, func(i int) string { return fmt.Sprintf("(let ((a%d 1)) ", i) }) + "1" + strings.Repeat(")", 100) + ")", ""},
		{"wide let", "(define-private (f) (let (" + repeat(20000, func(i int) string { return fmt.Sprintf("(a%d 1)", i) }) + ") 1))", ""},
		{"giant list", "(define-private (f) (list " + strings.Repeat("1 ", 60000) + "))", ""},
		{"too large list", "(define-private (f) (list " + strings.Repeat("1 ", 66000) + "))", TooBig},
		{"exponential tuples", "(define-private (f) (let ((a0 {a: 1, b: 1}) " +
			repeat(30, func(i int) string { return fmt.Sprintf("(a%d {a: a%d, b: a%d})", i+1, i, i) }) + ") 1))", BadTuple},
		{"exponential lists", "(define-private (f) (let ((a0 (list 1 1)) " +
			repeat(30, func(i int) string { return fmt.Sprintf("(a%d (list a%d a%d))", i+1, i, i) }) + ") 1))", TooBig},
		{"exponential responses", "(define-private (f) (let ((a0 (ok 1)) " +
			repeat(31, func(i int) string { return fmt.Sprintf("(a%d (if true (ok a%d) (err a%d)))", i+1, i, i) }) + ") 1))", TooBig},
		{"many comparisons of large types", largeComparisons(4000), TooComplex},
	} {
		_, err := deploy(t, make(chain), "c", c.source, types.Clarity4, types.Epoch34)
		if got := code(t, err); got != c.want {
			t.Errorf("%s: %q (%v), want %q", c.what, got, err, c.want)
		}
	}
}

// largeComparisons is a contract that unifies two different types of some 10,000 parts n times.
func largeComparisons(n int) string {
	var b strings.Builder
	for _, leaf := range []string{"a", "b"} {
		fmt.Fprintf(&b, "(define-constant %s0 {x: true, y: %s}) ", leaf, map[string]string{"a": "0x00", "b": "0x0001"}[leaf])
		for i := range 12 {
			fmt.Fprintf(&b, "(define-constant %s%d {x: %s%d, y: %s%d}) ", leaf, i+1, leaf, i, leaf, i)
		}
	}
	for range n {
		b.WriteString("(is-eq a12 b12) ")
	}
	return b.String()
}

func FuzzContract(f *testing.F) {
	for _, s := range []string{
		"(define-public (f (x int)) (ok (+ x 1)))",
		"(define-trait t ((f (int) (response int int)))) (define-public (g (x <t>)) (contract-call? x f 1))",
		"(define-map m {a: int} (list 3 (optional principal))) (map-set m {a: 1} (list (some tx-sender)))",
		"(define-constant a (let ((x (list 0x00 0x0102))) (fold f x 1))) (define-private (f (b (buff 2)) (n int)) (+ n 1))",
		"(define-read-only (f) (match (get a {a: (some 1)}) x (asserts! (> x 2) (err u1)) false))",
		"(define-public (f) (as-contract? ((with-stx u1) (with-nft .a \"b\" (list 1))) (try! (if true (ok 1) (err u1)))))",
		"(use-trait t .c.t) (impl-trait .c.t) (define-fungible-token t u1) (define-non-fungible-token n {a: <t>})",
	} {
		f.Add(s, uint8(4))
	}
	lib, err := syntax.Parse("(define-trait t ((f (int) (response int int)))) (define-public (f (x int)) (if true (ok x) (err x)))", syntax.Options{Version: 4, Epoch: types.Epoch34})
	if err != nil {
		f.Fatal(err)
	}
	id := value.Principal{Version: 26, Contract: "c"}
	a, err := Contract(lib, Options{ID: id, Version: 4, Epoch: types.Epoch34})
	if err != nil {
		f.Fatal(err)
	}
	deployed := chain{id: a}
	f.Fuzz(func(t *testing.T, source string, version uint8) {
		o := Options{ID: value.Principal{Version: 26, Contract: "fuzz"}, Version: types.Version(version%6 + 1), Epoch: types.Epoch40, Contracts: deployed}
		p, err := syntax.Parse(source, syntax.Options{Version: o.Version, Epoch: o.Epoch})
		if err != nil {
			return
		}
		a, err := Contract(p, o)
		var d *Diagnostic
		if err != nil && !errors.As(err, &d) {
			t.Fatalf("not a diagnostic: %v", err)
		}
		if err != nil {
			if d.Code == "" || d.Message == "" || d.Span.End.Offset > len(source) {
				t.Fatalf("incomplete: %+v", d)
			}
			return
		}
		if len(a.Order) != len(p.Exprs) || len(a.Types) != p.Count {
			t.Fatalf("%d of %d in order, %d types of %d", len(a.Order), len(p.Exprs), len(a.Types), p.Count)
		}
		again, err := Expression(p, nil, o)
		if err != nil {
			t.Fatalf("as a snippet: %v", err)
		}
		for i := range a.Types {
			if !a.Types[i].Equal(again.Types[i]) {
				t.Fatalf("expression %d is %v and %v", i, a.Types[i], again.Types[i])
			}
		}
		if _, err := abiJSON(a); err != nil {
			t.Fatal(err)
		}
	})
}
