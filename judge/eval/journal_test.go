package eval

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"funai/model"
)

var someModel = model.Info{Name: "m", Hash: [32]byte{1}}

func somePair(id int) Pair {
	return Pair{ID: id, Kind: Honest, Answer: Answer{Messages: []model.Message{{Role: "user", Content: "a"}}, MaxTokens: 3,
		Seed: strings.Repeat("0f", 32), Text: "b", Tokens: []int32{1, 2}, PromptTokens: 4}}
}

func TestSetGoesOnWhereItWasStopped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "set.jsonl")
	for round := range 3 {
		j, pairs, err := openSet(path, someModel)
		if err != nil || len(pairs) != round {
			t.Fatalf("round %d: %d pairs, %v", round, len(pairs), err)
		}
		if err := errors.Join(j.add(somePair(round)), j.close()); err != nil {
			t.Fatal(err)
		}
		// A killed process leaves half a line.
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(`{"id":7,"kind":"hon`); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	pairs, err := ReadSet(path, someModel)
	if err != nil || len(pairs) != 3 {
		t.Fatalf("%d pairs, %v", len(pairs), err)
	}
	c, err := pairs[2].Answer.Claim()
	if err != nil || c.Request.Sampling.Seed[31] != 0x0f || c.Text != "b" || !slices.Equal(c.Tokens, []int32{1, 2}) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestFileOfAnotherModelIsRefusedAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "set.jsonl")
	j, _, err := openSet(path, someModel)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.add(somePair(0)), j.close()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, info := range map[string]model.Info{"name": {Name: "n", Hash: someModel.Hash}, "weights": {Name: "m", Hash: [32]byte{2}}} {
		if _, err := ReadSet(path, info); !errors.Is(err, ErrFile) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed, %v", err)
	}
}

func TestFilesThatNobodyWroteAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing of ours": "hello\n",
		"unknown field":   `{"format":"x","model":"m","of":"","more":1}` + "\n",
		"two objects":     `{"format":"x"} {}` + "\n",
		"bad pair":        "{}\n[]\n",
		"long line":       "{}\n" + strings.Repeat(" ", maxLine+1) + "\n",
	} {
		if _, _, _, err := readLines[Pair](strings.NewReader(text)); !errors.Is(err, ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(p *Pair){
		"kind":  func(p *Pair) { p.Kind = "odd" },
		"group": func(p *Pair) { p.Group = -1 },
		"seed":  func(p *Pair) { p.Answer.Seed = "0f" },
		"hex":   func(p *Pair) { p.Answer.Seed = strings.Repeat("xy", 32) },
		"long":  func(p *Pair) { p.Answer.Seed += "00" },
	} {
		p := somePair(0)
		change(&p)
		if err := p.check(); !errors.Is(err, ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (Measured{Verdict: "abstain"}).check(); !errors.Is(err, ErrFile) {
		t.Errorf("measured: %v", err)
	}
}

func FuzzReadLines(f *testing.F) {
	path := filepath.Join(f.TempDir(), "set.jsonl")
	j, _, err := openSet(path, someModel)
	if err != nil {
		f.Fatal(err)
	}
	if err := errors.Join(j.add(somePair(0)), j.close()); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add([]byte("{}\n{\"Answer\":{\"seed\":\"\"}}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, pairs, whole, err := readLines[Pair](bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, ErrFile) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if whole > int64(len(b)) {
			t.Fatalf("%d whole bytes of %d", whole, len(b))
		}
		for _, p := range pairs {
			if err := p.check(); err != nil && !errors.Is(err, ErrFile) {
				t.Fatalf("untyped error %v", err)
			}
		}
	})
}
