package syntax

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

func TestFormatGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/format/*.in")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out, err := Format(string(in))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		golden(t, strings.TrimSuffix(file, ".in")+".clar", out)
		formatted(t, string(in))
	}
}

// formatted checks that a text that can be parsed can be formatted, that it then is the same program with the same
// comments, and that formatting it again changes nothing.
func formatted(t *testing.T, in string) {
	t.Helper()
	before, err := Parse(in, Options{})
	if err != nil {
		return
	}
	out, err := Format(in)
	if err != nil {
		t.Fatalf("%q parses, and is not formatted: %v", in, err)
	}
	after, err := Parse(out, Options{})
	if err != nil {
		t.Fatalf("%q is formatted to what does not parse: %v\n%s", in, err, out)
	}
	if a, b := programText(before), programText(after); a != b {
		t.Fatalf("%q is formatted to another program\n%s\n%s", in, a, b)
	}
	if a, b := commentText(before), commentText(after); a != b {
		t.Fatalf("%q is formatted to other comments\n%q\n%q", in, a, b)
	}
	if again, err := Format(out); err != nil || again != out {
		t.Fatalf("%q is not formatted in one step: %v\n%s\n%s", in, err, out, again)
	}
	for _, line := range strings.Split(out, "\n") {
		if strings.HasSuffix(line, " ") && !strings.Contains(line, `"`) {
			t.Fatalf("%q is formatted with a blank at the end of a line\n%s", in, out)
		}
	}
}

func programText(p *Program) string {
	var b strings.Builder
	for _, e := range p.Exprs {
		b.WriteString(e.String() + "\n")
	}
	return b.String()
}

func commentText(p *Program) string {
	var b strings.Builder
	for _, c := range p.Comments {
		b.WriteString(strings.TrimRight(c.Text, " \t\v\f") + "\n")
	}
	return b.String()
}

func TestFormatRefusesWhatDoesNotParse(t *testing.T) {
	if out, err := Format("(a"); err == nil {
		t.Errorf("formatted to %q", out)
	}
}

func TestFormatWritesLineFeeds(t *testing.T) {
	out, err := Format("(a\r\n  b) ;; c\r\n\r\n\r\n1")
	if want := "(a b) ;; c\n\n1\n"; err != nil || out != want {
		t.Errorf("%q, %v, want %q", out, err, want)
	}
}

func FuzzFormat(f *testing.F) {
	for _, s := range []string{
		"(a b)", "{a: 1, b: {c: 2}}", "( ;; c\n a ;; d\n ;; e\n)", "{ ;; c\n}", "(let ((a 1) ;; x\n (b 2)) ;; y\n a)",
		"(match x a b\n\nc ;; k\n d)", "(define-public (f ;; q\n (a uint)) ;; r\n (ok 1))", ";; a\n\n\n;; b", "{a ;; k\n : ;; v\n 1 ;; w\n , ;; z\n}",
	} {
		f.Add(s)
	}
	files, err := filepath.Glob("testdata/format/*.in")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(in))
	}
	f.Fuzz(formatted)
}
