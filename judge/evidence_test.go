package judge

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
)

func sample() Evidence {
	return Evidence{
		Model: "m", PromptTokens: 20, Tokens: 4, MaxMargin: 0.5, MeanMargin: 0.125, Swaps: 0.25, Worst: 2,
		Asked: AskContrast, Others: 3, Answer: 1.5,
	}
}

// TestEvidenceHashIsPinned: seals already made must open.
func TestEvidenceHashIsPinned(t *testing.T) {
	h := sample().Hash()
	if got, want := hex.EncodeToString(h[:]), "cd1625748aac423c68e6e18bf66b76addd8224291eead67aa7d6a3abb013e616"; got != want {
		t.Errorf("hash of evidence is %s, was %s", got, want)
	}
}

func TestEvidenceHashCoversEveryField(t *testing.T) {
	seen := map[[32]byte]string{sample().Hash(): "nothing"}
	for name, change := range map[string]func(e *Evidence){
		"model":         func(e *Evidence) { e.Model = "n" },
		"prompt tokens": func(e *Evidence) { e.PromptTokens++ },
		"tokens":        func(e *Evidence) { e.Tokens++ },
		"max margin":    func(e *Evidence) { e.MaxMargin++ },
		"mean margin":   func(e *Evidence) { e.MeanMargin++ },
		"swaps":         func(e *Evidence) { e.Swaps++ },
		"worst":         func(e *Evidence) { e.Worst++ },
		"compared":      func(e *Evidence) { e.Compared = true },
		"without":       func(e *Evidence) { e.Without++ },
		"asked":         func(e *Evidence) { e.Asked = AskYesNo },
		"others":        func(e *Evidence) { e.Others++ },
		"answer":        func(e *Evidence) { e.Answer++ },
		"encoder":       func(e *Evidence) { e.Encoder = "enc" },
		"quality":       func(e *Evidence) { e.Encoder, e.Quality = "enc", 0.5 },
	} {
		e := sample()
		change(&e)
		h := e.Hash()
		if other, ok := seen[h]; ok {
			t.Errorf("changing %s hashes like changing %s", name, other)
		}
		seen[h] = name
	}
}

// TestEvidenceComesBack: what is kept for a dispute is what the vote was bound to.
func TestEvidenceComesBack(t *testing.T) {
	scored := sample()
	scored.Encoder, scored.Quality = "enc", -0.25
	for _, e := range []Evidence{{}, sample(), scored} {
		b := e.Encode()
		got, err := DecodeEvidence(b)
		if err != nil || got != e || got.Hash() != sha256.Sum256(b) {
			t.Errorf("%+v became %+v, %v", e, got, err)
		}
		for _, bad := range [][]byte{nil, b[:len(b)-1], append(slices.Clone(b), 0), make([]byte, MaxEvidenceBytes+1)} {
			if _, err := DecodeEvidence(bad); !errors.Is(err, ErrEvidence) {
				t.Errorf("%d bytes of %d: %v", len(bad), len(b), err)
			}
		}
	}
}

func FuzzDecodeEvidence(f *testing.F) {
	scored := sample()
	scored.Encoder, scored.Quality = "enc", -0.25
	f.Add(sample().Encode())
	f.Add(scored.Encode())
	f.Add([]byte(evidenceTag + "\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := DecodeEvidence(b)
		switch {
		case err != nil && !errors.Is(err, ErrEvidence):
			t.Fatalf("untyped error %v", err)
		case err == nil && !bytes.Equal(e.Encode(), b):
			t.Fatalf("%x became %x", b, e.Encode())
		}
	})
}
