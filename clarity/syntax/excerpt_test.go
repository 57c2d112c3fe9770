package syntax

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// TestFindingsGolden prints the first fault of texts that are parted by lines of dashes.
func TestFindingsGolden(t *testing.T) {
	in, err := os.ReadFile("testdata/findings.txt")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, source := range strings.Split(strings.TrimSuffix(string(in), "\n"), "\n----\n") {
		_, err := Parse(source, Options{})
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%q: %v", source, err)
		}
		b.WriteString(e.Finding("coin.clar").Print(source, nil) + "\n")
	}
	golden(t, "testdata/findings.golden", b.String())
}

func TestFindingsArePainted(t *testing.T) {
	_, err := Parse("(a", Options{})
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	got := e.Finding("").Print("(a", func(p Part, s string) string {
		return string("PMCLA"[p]) + "<" + s + ">"
	})
	want := "P<1:3:> M<expected ')' to close the '(' of line 1, column 1, found the end of the text>\n" +
		"L<    1 |> (a\nL<      |>   C<^>\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestFindingsOfAnotherText prints places that are not in the text: a caller's mistake, which must not stop it.
func TestFindingsOfAnotherText(t *testing.T) {
	f := Finding{Span: Span{Pos{9, 9, 99}, Pos{9, 9, 9}}, Message: "m"}
	if got := f.Print("ab", nil); !strings.HasPrefix(got, "9:9: m\n") {
		t.Error(got)
	}
}
