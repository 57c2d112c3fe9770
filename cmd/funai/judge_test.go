package main

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"funai/judge"
	"funai/judge/eval"
)

// TestJudgeCommandsOnARealModel makes a set in two goes, sets thresholds by it, and shows what they find.
func TestJudgeCommandsOnARealModel(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the weights of stories15m")
	}
	dir := t.TempDir()
	set, policy, roc := filepath.Join(dir, "s.jsonl"), filepath.Join(dir, "policy.json"), filepath.Join(dir, "roc.png")
	funai := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		var out, problems bytes.Buffer
		a := newApp(strings.NewReader(""), &out, &problems, os.Getenv)
		if code := a.run(append([]string{"judge"}, args...)); code != want {
			t.Fatalf("funai judge %q ended with %d, want %d: %s", args, code, want, problems.String())
		}
		return out.String(), problems.String()
	}
	holds := func(text, want string) {
		t.Helper()
		if !strings.Contains(text, want) {
			t.Errorf("%q isn't in %s", want, text)
		}
	}
	making := []string{"--set", set, "--tokens", "16", "--other", "none", "--quantised", "none"}
	out, _ := funai(0, append(making, "make", "stories15m", "--groups", "2", "--json")...)
	holds(out, `"pairs":16`)
	out, _ = funai(0, append(making, "make", "stories15m", "--groups", "8")...)
	holds(out, "64 pairs, 32 of them for calibration")
	out, _ = funai(0, append(making, "calibrate", "stories15m", "--groups", "8", "--no-quality", "--save", policy)...)
	holds(out, `"max_margin": `)
	p, err := judge.LoadPolicy(policy)
	if err != nil || p.Model != "stories15m" || p.Rescore.MaxMargin > 1 {
		t.Errorf("saved %+v, %v", p, err)
	}
	out, _ = funai(0, "eval", "stories15m", "--set", set, "--no-quality", "--policy", policy, "--roc", roc)
	holds(out, "false alarms at most 1%: reached")
	holds(out, "swapped found in at least 95%: reached")
	b, err := os.ReadFile(roc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(b)); err != nil {
		t.Error(err)
	}
	out, _ = funai(0, "eval", "stories15m", "--set", set, "--no-quality", "--network-policy", "--json")
	var r eval.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Policy != judge.DefaultPolicy("stories15m") || len(r.Rows) != 6 {
		t.Errorf("%+v, %v", r, err)
	}

	// Files of another model, and policies for one, are refused.
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte(`{"format":"funai/judge/set/1","model":"m","of":"00"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, problems := funai(1, "eval", "stories15m", "--set", other, "--no-quality")
	holds(problems, "bad file")
	p.Model = "m"
	if b, err = json.Marshal(p); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(policy, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, problems = funai(1, "eval", "stories15m", "--set", set, "--no-quality", "--policy", policy)
	holds(problems, "is a policy for m, not for stories15m")
}
