package judge

import (
	"encoding/hex"
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
	if got, want := hex.EncodeToString(h[:]), "f094e7fae32fe67495a4047825bdb309e2c0abe887a0649c451b45b6223bba45"; got != want {
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
		"asked":         func(e *Evidence) { e.Asked = AskYesNo },
		"others":        func(e *Evidence) { e.Others++ },
		"answer":        func(e *Evidence) { e.Answer++ },
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
