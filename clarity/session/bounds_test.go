package session_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"funai/clarity/check"
	"funai/clarity/cost"
	"funai/clarity/session"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/vm"
)

// each joins what f makes of 0 to n-1.
func each(n int, f func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i) + " ")
	}
	return b.String()
}

// verdict is the stable name of what is wrong, or "".
func verdict(t *testing.T, err error) string {
	t.Helper()
	var parse *syntax.Error
	var fault *check.Diagnostic
	var run *vm.RuntimeError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &parse):
		return string(parse.Code)
	case errors.As(err, &fault):
		return string(fault.Code)
	case errors.As(err, &run):
		return string(run.Fault)
	}
	t.Errorf("error of no kind: %v", err)
	return "?"
}

// Whatever grows faster than its text, or takes longer than what it is charged for, is here once: without its bound a case
// would take minutes, or all memory.
func TestGiantContractsEndWithAVerdict(t *testing.T) {
	const much = 200_000 // bytes of text
	name := func(i int) string { return fmt.Sprintf("a%x", i) }
	record := "{" + strings.TrimSuffix(strings.TrimSpace(each(5000, func(i int) string { return name(i) + ": true," })), ",") + "}"
	for _, c := range []struct{ what, source, want string }{
		{"open brackets", strings.Repeat("(", much), "TooDeep"},
		{"open braces", strings.Repeat("{a: ", much/4), "TooDeep"},
		{"numbers", strings.Repeat("1 ", much/2), ""},
		{"digits", strings.Repeat("1", much), "IntegerOutOfRange"},
		{"zeros", strings.Repeat("0", much), ""},
		{"a name", strings.Repeat("a", much), "NameTooLong"},
		{"comments", strings.Repeat(";;\n", much/3), ""},
		{"blanks", strings.Repeat(" \n", much/2), ""},
		{"contracts", strings.Repeat(".a ", much/3), ""},
		{"escapes", `u"` + strings.Repeat(`\u{1}`, much/5) + `"`, ""},
		{"bindings", "(define-private (f) (let (" + each(much/10, func(i int) string { return "(" + name(i) + " 1)" }) + ") 1))", ""},
		{"parameters", "(define-private (f " + each(much/12, func(i int) string { return "(" + name(i) + " int)" }) + ") 1)", ""},
		{"functions that call the one before", "(define-private (a0) 1) " + each(much/24, func(i int) string { return "(define-private (" + name(i+1) + ") (" + name(i) + "))" }), ""},
		{"sequences of one map", "(define-private (f (l (list 1 int))) (map + " + strings.Repeat("l ", much/2) + "))", ""},
		{"a list of contracts", "(list " + each(much/8, func(i int) string { return "." + name(i) }) + ")", string(check.TooComplex)},
		{"traits that are not there", each(much/16, func(i int) string { return "(impl-trait .b." + name(i) + ")" }), string(check.TooComplex)},
		{"functions of a large type", "(define-constant k " + record + ") " + each(1500, func(i int) string { return "(define-read-only (f" + name(i) + ") k)" }), string(check.TooComplex)},
		{"fields of a tuple", "(define-private (f) {" + strings.TrimSuffix(strings.TrimSpace(each(10_000, func(i int) string { return name(i) + ": 1," })), ",") + "})", ""},
		{"constants of a constant", "(define-constant c0 0x" + strings.Repeat("00", 50_000) + ") " + each(100, func(i int) string { return fmt.Sprintf("(define-constant c%d c%d)", i+1, i) }), string(vm.Costs)},
		{"a list that doubles", "(define-private (f) (let ((a0 (list 1 1)) " + each(40, func(i int) string { return fmt.Sprintf("(a%x (concat a%x a%x))", i+1, i, i) }) + ") 1))", string(check.TooBig)},
	} {
		s := session.New(session.Options{})
		_, err := s.Deploy("c", c.source, 0)
		if got := verdict(t, err); got != c.want {
			t.Errorf("%s: %q (%.200v), want %q", c.what, got, err, c.want)
		}
	}
}

// looped is a contract whose go evaluates an expression n times.
func looped(n int, expression string) string {
	return "(define-private (step (b (buff 1)) (n uint)) (let ((q " + expression + ")) n)) " +
		"(define-public (go) (ok (fold step 0x" + strings.Repeat("00", n) + " u0)))"
}

func TestLookingAtMuchForLittleEnds(t *testing.T) {
	const lists = "(define-private (one (x (buff 1))) (list true)) (define-constant l (map one 0x"
	for _, c := range []struct{ what, source, want string }{
		{"zeros before a number", looped(500, `(string-to-int? "`+strings.Repeat("0", 100_000)+`")`), string(vm.Costs)},
		{"zeros before a number of utf8", looped(500, `(string-to-uint? u"`+strings.Repeat("0", 100_000)+`")`), string(vm.Costs)},
		{"few zeros", looped(500, `(string-to-int? "`+strings.Repeat("0", 1000)+`1")`), ""},
		{"parts of a list of lists", lists + strings.Repeat("00", 20_000) + ")) " +
			looped(20, "(len "+strings.Repeat("(unwrap-panic (slice? ", 25)+"l"+strings.Repeat(" u0 u20000))", 25)+")"), string(vm.Costs)},
		{"parts of a short list of lists", lists + strings.Repeat("00", 100) + ")) " +
			looped(20, "(len "+strings.Repeat("(unwrap-panic (slice? ", 5)+"l"+strings.Repeat(" u0 u100))", 5)+")"), ""},
	} {
		s := session.New(session.Options{})
		if _, err := s.Deploy("c", c.source, 0); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		id, err := s.Contract("c")
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Call(id, "go")
		if got := verdict(t, err); got != c.want {
			t.Errorf("%s: %q (%v), want %q", c.what, got, err, c.want)
		}
		if c.want == string(vm.Costs) && !errors.Is(err, cost.ErrLimit) {
			t.Errorf("%s: %v is no %v", c.what, err, cost.ErrLimit)
		}
		if r.Cost.Exceeds(&cost.BlockLimit) {
			t.Errorf("%s: %+v", c.what, r.Cost)
		}
	}
}

func TestStringsToNumbersPastZeros(t *testing.T) {
	s := session.New(session.Options{})
	many := strings.Repeat("0", 70)
	for _, c := range []struct{ text, want string }{
		{many, "(some 0)"}, {many + "12", "(some 12)"}, {"-" + many + "12", "(some -12)"}, {"+" + many + "12", "(some 12)"}, {"+-" + many, "none"},
		{many + "1x", "none"}, {many + "1-", "none"}, {"--" + many, "none"}, {many + strings.Repeat("9", 40), "none"}, {strings.Repeat("9", 70), "none"},
		{many + "170141183460469231731687303715884105727", "(some 170141183460469231731687303715884105727)"},
		{many + "170141183460469231731687303715884105728", "none"},
	} {
		for _, prefix := range []string{"", "u"} {
			r, err := s.Eval("(string-to-int? " + prefix + `"` + c.text + `")`)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Value.String(); got != c.want {
				t.Errorf("%s%q: %s, want %s", prefix, c.text, got, c.want)
			}
		}
	}
}

func TestChainsOfContractsEndAtTheBoundOfDepth(t *testing.T) {
	for _, c := range []struct {
		epoch types.Epoch
		most  int // contracts that can call one another
	}{{types.Epoch33, 64}, {types.Epoch34, 128}} {
		s := session.New(session.Options{Epoch: c.epoch})
		deepest := 0
		for i := range c.most + 2 {
			source := "(define-public (f) (ok u0))"
			if i > 0 {
				source = fmt.Sprintf("(define-public (f) (contract-call? .c%d f))", i-1)
			}
			if _, err := s.Deploy(fmt.Sprintf("c%d", i), source, 0); err != nil {
				t.Fatal(err)
			}
			id, err := s.Contract(fmt.Sprintf("c%d", i))
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Call(id, "f")
			if got := verdict(t, err); err == nil {
				deepest = i
			} else if got != string(vm.StackTooDeep) {
				t.Fatalf("%d: %v", i, err)
			}
		}
		if deepest > c.most || deepest < c.most/3 {
			t.Errorf("%v: %d contracts deep, of %d", c.epoch, deepest, c.most)
		}
	}
}
