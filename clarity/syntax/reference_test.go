package syntax

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
)

// TestFaultsAreThoseOfTheReference parses texts whose first fault the reference implementation was asked for, in epoch 4.0.
func TestFaultsAreThoseOfTheReference(t *testing.T) {
	b, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases [][2]string // source text, code or "" if it is passed
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 900 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, c := range cases {
		_, err := Parse(c[0], Options{})
		var e *Error
		if errors.As(err, &e); e == nil {
			e = &Error{}
		}
		if string(e.Code) != c[1] {
			t.Errorf("%.80q: %q (%v), want %q", c[0], e.Code, e.Message, c[1])
		}
	}
}
