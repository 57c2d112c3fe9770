package gguf_test

import (
	"errors"
	"strings"
	"testing"

	"funai/model"
	"funai/model/gguf"
	"funai/model/modeltest"
)

// TestTokensSpellWhatTheyWereMadeOf: tokenizing and spelling are inverses but for the space before a first word, control
// tokens in a text stay text, and the end token spells nothing.
func TestTokensSpellWhatTheyWereMadeOf(t *testing.T) {
	e := modeltest.Open(t, "stories15m", gguf.Options{}).(*gguf.Engine)
	for _, text := range []string{"This answer is valid.", "a  b\n\tc", "<s> not a mark </s>", "日本語 ü 🙂", ""} {
		tokens, err := e.Tokenize(text)
		if err != nil {
			t.Fatal(err)
		}
		ends := e.Ends()
		if len(ends) == 0 {
			t.Fatal("no token ends an answer")
		}
		got, err := e.Spell(append(tokens, ends[0]))
		if err != nil || strings.TrimPrefix(got, " ") != text {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	}
	for _, bad := range []string{"\xff", "a\x00b"} {
		if _, err := e.Tokenize(bad); !errors.Is(err, model.ErrRequest) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []int32{-1, 1 << 30} {
		if _, err := e.Spell([]int32{bad}); !errors.Is(err, model.ErrRequest) {
			t.Errorf("token %d: %v", bad, err)
		}
	}
}
