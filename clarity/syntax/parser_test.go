package syntax

import (
	"errors"
	"strings"
	"testing"

	"funai/clarity/types"
	"funai/clarity/value"
)

const deployer = "'ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM"

func TestExpressionsPrintAsTheyAreWritten(t *testing.T) {
	for _, source := range []string{
		"a", "u", "-", "+", "<=", "a-b_c?!<>=/*+1", "0", "-170141183460469231731687303715884105728", "u340282366920938463463374607431768211455",
		"0x", "0x00ff", `""`, `"a\n\t\r\\\" ~"`, `u""`, `u"a\u{0}\u{1f600}\n\"\\"`, deployer, deployer + ".token", deployer + ".token.trait",
		".token", ".token.trait", "<trait>", "()", "(a (b) ())", "{}", "{a: 1, b: {c: (d)}}", "(tuple (a 1))", "(tuple)", "(list {a: <t>} .b)",
	} {
		p, err := Parse(source, Options{})
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if len(p.Exprs) != 1 || p.Exprs[0].String() != source {
			t.Errorf("%s is read as %v", source, p.Exprs)
		}
	}
}

func TestLiteralsAreRead(t *testing.T) {
	for _, c := range []struct {
		source string
		want   value.Value
	}{
		{"-7", value.Int64(-7)},
		{"007", value.Int64(7)},
		{"u7", value.UInt64(7)},
		{"0xAb", value.Buffer([]byte{0xab})},
		{`"a\tb"`, value.ASCII("a\tb")},
		{"\"a\rb\f\"", value.ASCII("a\rb\f")},
		{`u"\u{0000000041}\0"`, value.UTF8("A\x00")},
	} {
		p, err := Parse(c.source, Options{})
		if err != nil {
			t.Errorf("%s: %v", c.source, err)
			continue
		}
		if e := p.Exprs[0]; e.Kind != Literal || !value.Equal(e.Value, c.want) {
			t.Errorf("%s is read as %v", c.source, e.Value)
		}
	}
}

func TestKindsOfNames(t *testing.T) {
	p, err := Parse("a <b> .c .d.e "+deployer+".f.g", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		kind           Kind
		name, contract string
		of             string
	}{
		{Atom, "a", "", ""},
		{TraitRef, "b", "", ""},
		{ContractRef, "c", "", ""},
		{FieldRef, "e", "d", ""},
		{FieldRef, "g", "", "f"},
	} {
		e := p.Exprs[i]
		if e.Kind != want.kind || e.Name != want.name || e.Contract != want.contract || e.Value.AsPrincipal().Contract != want.of {
			t.Errorf("%v: %+v", e, e)
		}
	}
}

func TestSpansCoverWhatWasWritten(t *testing.T) {
	p, err := Parse("(a\n {b: .c})  ;; d\nu1", Options{})
	if err != nil {
		t.Fatal(err)
	}
	list := p.Exprs[0]
	tuple := list.List[1]
	pair := tuple.List[1]
	for _, c := range []struct {
		span       Span
		text       string
		line, col  int
		line2, end int
	}{
		{list.Span, "(a\n {b: .c})", 1, 1, 2, 10},
		{list.List[0].Span, "a", 1, 2, 1, 3},
		{tuple.Span, "{b: .c}", 2, 2, 2, 9},
		{pair.Span, "b: .c", 2, 3, 2, 8},
		{pair.List[1].Span, ".c", 2, 6, 2, 8},
		{p.Comments[0].Span, ";; d", 2, 12, 2, 16},
		{p.Exprs[1].Span, "u1", 3, 1, 3, 3},
	} {
		got := p.Source[c.span.Start.Offset:c.span.End.Offset]
		if got != c.text || c.span.Start.Line != c.line || c.span.Start.Column != c.col || c.span.End.Line != c.line2 || c.span.End.Column != c.end {
			t.Errorf("%q: %q at %+v", c.text, got, c.span)
		}
	}
}

// TestDepthIsThatOfTheEpoch has the deepest nesting that the reference implementation passes of each form.
func TestDepthIsThatOfTheEpoch(t *testing.T) {
	for _, c := range []struct {
		open, inside, end string
		until33, since34  int
	}{
		{"(begin ", "1", ")", 68, 132},
		{"(begin ", "{a: 1}", ")", 67, 131},
		{"(begin ", "{a: (begin 1)}", ")", 66, 130},
		{"(begin ", "{(begin 1): 1}", ")", 66, 130},
		{"{a: ", "1", "}", 35, 67},
		{"(begin {a: ", "1", "})", 23, 44},
		{"(tuple (a ", "1", "))", 34, 66},
	} {
		for epoch, most := range map[types.Epoch]int{types.Epoch21: c.until33, types.Epoch33: c.until33, types.Epoch34: c.since34, types.Epoch40: c.since34} {
			for n := most; n <= most+1; n++ {
				source := strings.Repeat(c.open, n) + c.inside + strings.Repeat(c.end, n)
				_, err := Parse(source, Options{Epoch: epoch})
				var e *Error
				if deep := errors.As(err, &e) && e.Code == CodeDepth; deep != (n > most) {
					t.Errorf("epoch %v, %d of %q: %v", epoch, n, c.open, err)
				}
			}
		}
	}
}

func TestSourceIsBounded(t *testing.T) {
	var e *Error
	if _, err := Parse(strings.Repeat(" ", MaxSource+1), Options{}); !errors.As(err, &e) || e.Code != CodeSource {
		t.Error(err)
	}
	for _, source := range []string{
		`"` + strings.Repeat("a", 1<<20+1) + `"`, `u"` + strings.Repeat("a", 1<<18+1) + `"`,
	} {
		if _, err := Parse(source, Options{}); !errors.As(err, &e) || e.Code != CodeString {
			t.Errorf("%.10s: %v", source, err)
		}
		if _, err := Parse(source[:len(source)-2]+`"`, Options{}); err != nil {
			t.Errorf("%.10s: %v", source, err)
		}
	}
}

func TestIncomplete(t *testing.T) {
	for source, want := range map[string]bool{
		"(a": true, "(a\n ;; c": true, "{a": true, "{a:": true, "{a: 1": true, "{": true, "(a {b: (c)": true,
		"": false, "a": false, `"a`: false, `(a "b`: false, "<a": false, `u"\u{41`: false, `(u"\u{`: false, "(a))": false, "(a})": false, "'": false, "(a.": false,
	} {
		_, err := Parse(source, Options{})
		if Incomplete(source, err) != want {
			t.Errorf("%q: %v", source, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "(a b)", "{a: 1}", `"a\n"`, `u"\u{41}"`, "0xab", "u1", "-1", deployer + ".a.b", "<a>", ";; c\n", "(+ 1 2", "{a 1}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		p, err := Parse(source, Options{Epoch: types.Epoch33})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Code == "" || e.Message == "" || e.Span.Start.Offset > len(source) || e.Span.End.Offset < e.Span.Start.Offset {
				t.Fatalf("%q: %#v", source, err)
			}
			e.Finding("").Print(source, nil)
			Incomplete(source, err)
			return
		}
		next := 0
		for _, e := range p.Exprs {
			wellPlaced(t, e, &next, Span{End: Pos{Offset: len(source)}})
		}
		if next != p.Count {
			t.Fatalf("%q: %d expressions, count is %d", source, next, p.Count)
		}
	})
}

// wellPlaced checks that IDs are in order and that expressions lie within their lists.
func wellPlaced(t *testing.T, e *Expr, next *int, within Span) {
	t.Helper()
	if e.ID != *next {
		t.Fatalf("%v has ID %d, want %d", e, e.ID, *next)
	}
	*next++
	if e.Span.Start.Offset < within.Start.Offset || e.Span.End.Offset > within.End.Offset || e.Span.End.Offset <= e.Span.Start.Offset {
		t.Fatalf("%v is at %v, within %v", e, e.Span, within)
	}
	for _, x := range e.List {
		wellPlaced(t, x, next, e.Span)
	}
}

func BenchmarkParse(b *testing.B) {
	source := strings.Repeat("(define-public (transfer (amount uint) (to principal)) ;; move\n  (let ((a u1) (b {c: 0x00ff, d: \"text\"})) (ft-transfer? coin (+ amount a) tx-sender to)))\n", 200)
	b.SetBytes(int64(len(source)))
	for b.Loop() {
		if _, err := Parse(source, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
