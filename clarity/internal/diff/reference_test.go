package diff

import (
	"errors"
	"path/filepath"
	"testing"

	"funai/internal/npm"
)

// TestReferenceStillSaysSo asks the reference implementation again about some programs of the golden corpus.
func TestReferenceStillSaysSo(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Node.js")
	}
	all, err := ReadGolden(filepath.Join(goldenDir, "differences.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	ref, err := NewReference(t.Context())
	if errors.Is(err, npm.ErrNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer ref.Close()
	for i, g := range all[:min(len(all), 20)] {
		again, err := ref.Play(g.Program)
		if err != nil {
			t.Fatal(err)
		}
		g.Answer.tidy()
		if d := Compare(g.Program, g.Answer, again); d != nil {
			t.Errorf("program %d: the corpus has %v", i, d)
		}
	}
}

// TestReferenceComesBackAfterBreakdown ends the process between two programs.
func TestReferenceComesBackAfterBreakdown(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Node.js")
	}
	ref, err := NewReference(t.Context())
	if errors.Is(err, npm.ErrNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer ref.Close()
	p := Generate(1, 32)
	first, err := ref.Play(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := ref.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if a, err := ref.Play(p.readdressed()); err == nil && a.Panic == "" {
		t.Error("a process that was ended gave an answer")
	}
	second, err := ref.Play(p)
	if err != nil {
		t.Fatal(err)
	}
	if d := Compare(p, first, second); d != nil {
		t.Error(d)
	}
}
