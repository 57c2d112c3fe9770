package gateway

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"funai/model"
)

// TestStopCutsBeforeTheFirstStopString: however the text is cut in pieces, the client sees exactly what stands before
// the stop string that is complete first, every token at most once and in order, and nothing later than need be.
func TestStopCutsBeforeTheFirstStopString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.StringMatching(`[abé]{0,3}`)).Draw(t, "pieces")
		stops := rapid.SliceOfN(rapid.StringMatching(`[abé]{1,4}`), 0, 4).Draw(t, "stops")
		whole := strings.Join(pieces, "")
		want, cut := whole, false
		for end := 1; end <= len(whole) && !cut; end++ {
			for _, s := range stops {
				if before, ok := strings.CutSuffix(whole[:end], s); ok && len(before) <= len(want) {
					want, cut = before, true
				}
			}
		}
		var got strings.Builder
		next := int32(0)
		s := &stopper{stops: stops, emit: func(d Delta) error {
			got.WriteString(d.Text)
			for _, tok := range d.Tokens {
				if tok.ID < next {
					t.Fatalf("token %d after %d", tok.ID, next)
				}
				next = tok.ID + 1
			}
			return nil
		}}
		var fed string
		for i, p := range pieces {
			fed += p
			err := s.add(Delta{Text: p, Tokens: []model.Token{{Logprob: model.Logprob{ID: int32(i), Text: p}}}})
			if met := errors.Is(err, ErrStop); met != s.met || err != nil && !met {
				t.Fatalf("add: %v", err)
			}
			if held := len(fed) - got.Len(); !s.met && held > s.undecided(fed) {
				t.Fatalf("holds back %d bytes of %q, undecided are %d", held, fed, s.undecided(fed))
			}
		}
		if err := s.flush(); err != nil {
			t.Fatal(err)
		}
		if got.String() != want || s.met != cut {
			t.Fatalf("stops %q in %q: got %q (met %v), want %q (%v)", stops, whole, got.String(), s.met, want, cut)
		}
	})
}

func TestStopHandsTheClientsErrorOn(t *testing.T) {
	gone := errors.New("gone")
	s := &stopper{stops: []string{"x"}, emit: func(Delta) error { return gone }}
	if err := s.add(Delta{Text: "abc"}); err != gone {
		t.Errorf("got %v", err)
	}
}

// TestStopLosesNoCalls: pieces of calls are held back with the text before them, in their order, and go where the text goes.
func TestStopLosesNoCalls(t *testing.T) {
	var said []string
	s := &stopper{stops: []string{"END"}, emit: func(d Delta) error {
		said = append(said, d.Text)
		for _, c := range d.Calls {
			said = append(said, c.Name+c.Arguments)
		}
		return nil
	}}
	for _, d := range []Delta{
		{Calls: []ToolCallDelta{{Name: "f"}}}, {Text: "aE", Calls: []ToolCallDelta{{Arguments: "{"}}}, {Calls: []ToolCallDelta{{Arguments: "}"}}},
	} {
		if err := s.add(d); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.flush(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(said, ""); got != "faE{}" {
		t.Errorf("said %q", said)
	}
}
