package check

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// prints finds the numbers that an expression prints, in the order of the text.
func prints(e *syntax.Expr) (numbers []string) {
	if len(e.List) == 2 && e.List[0].Name == "print" {
		return []string{e.List[1].String()}
	}
	for _, x := range e.List {
		numbers = append(numbers, prints(x)...)
	}
	return numbers
}

func TestDefinitionsRunInTheOrderOfTheReference(t *testing.T) {
	f, err := os.Open("testdata/order.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := 0
	for s := bufio.NewScanner(f); s.Scan(); lines++ {
		source, want, ok := strings.Cut(s.Text(), "\t")
		if !ok {
			continue
		}
		a, err := deploy(t, make(chain), "c", source, types.Clarity4, types.Epoch33)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		var got []string
		for _, e := range a.Order {
			got = append(got, prints(e)...)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s\nruns %v, want %s", source, got, want)
		}
	}
	if lines < 40 {
		t.Fatalf("read %d lines", lines)
	}
}

func TestDefinitionsThatNeedThemselvesAreNamed(t *testing.T) {
	for source, want := range map[string]string{
		"(define-private (f) (f))":                                                                      "f",
		"(define-private (a) (b)) (define-private (b) (a))":                                             "a, b",
		"(define-constant a b) (define-constant b a) (define-constant c 1)":                             "a, b",
		"(define-private (a) (map b (list 1))) (define-private (b (x int)) (a)) (define-private (c) 1)": "a, b",
		"(define-trait a ((g (<a>) (response int int))))":                                               "a",
	} {
		_, err := deploy(t, make(chain), "c", source, types.Clarity4, types.Epoch33)
		d, ok := err.(*Diagnostic)
		if !ok || d.Code != Circular || !strings.HasSuffix(d.Message, ": "+want) {
			t.Errorf("%s: %v, want a circle of %s", source, err, want)
		}
	}
}

func TestLongChainsOfDefinitionsAreSortedInLittleSpace(t *testing.T) {
	const n = 20000
	var b strings.Builder
	for i := range n {
		b.WriteString("(define-constant c" + strconv.Itoa(i) + " c" + strconv.Itoa(i+1) + ") ")
	}
	b.WriteString("(define-constant c" + strconv.Itoa(n) + " 1)")
	p, err := syntax.Parse(b.String(), syntax.Options{Version: types.Clarity4, Epoch: types.Epoch33})
	if err != nil {
		t.Fatal(err)
	}
	a, err := Contract(p, Options{ID: value.Principal{Contract: "c"}, Version: types.Clarity4, Epoch: types.Epoch33})
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Order[0].List[1].Name; got != "c"+strconv.Itoa(n) {
		t.Errorf("%s is first", got)
	}
	if a.Constants["c0"] != types.Int {
		t.Errorf("c0 has type %v", a.Constants["c0"])
	}
}
