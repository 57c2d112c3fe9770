package value

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"funai/internal/npm"
)

// scriptTime bounds one run of the script.
const scriptTime = time.Minute

// answer is what testdata/js/values.mjs says of one value.
type answer struct {
	Text   string `json:"text"`
	Hex    string `json:"hex"`
	Pretty string `json:"pretty"`
	Parsed string `json:"parsed"` // "" if its parser cannot read its own print
}

// TestStacksTransactionsReadsAndWritesTheSameValues: @stacks/transactions, which wallets use, decodes what we encode to the
// same printed value, and we decode what it encodes, from values and from text.
func TestStacksTransactionsReadsAndWritesTheSameValues(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs Node")
	}
	dir := scriptDir(t)
	vs := []Value{Buffer(nil), ASCII(""), UTF8(""), Int(MinInt128), Int(MaxInt128), UInt(MaxUint128), parse(t, "(list)"), parse(t, "{B: 1, a: 2, a-b: 3, aB: 4}")}
	for seed := range 4000 {
		// The other side takes U+FEFF at the beginning of a text for a mark of its byte order, and drops it.
		if v := values.Example(seed).v; !strings.Contains(v.String(), `"\u{feff}`) {
			vs = append(vs, v)
		}
	}
	var in bytes.Buffer
	for _, v := range vs {
		in.WriteString(hex.EncodeToString(must(Encode(v))(t)) + "\n")
	}
	ctx, cancel := context.WithTimeout(t.Context(), scriptTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "values.mjs")
	var words bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stderr = dir, &in, &words
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the script: %v\n%s", err, &words)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(vs) {
		t.Fatalf("%d answers for %d values", len(lines), len(vs))
	}
	parsed := 0
	for i, line := range lines {
		var a answer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		if a.Text != vs[i].String() {
			t.Errorf("%v is printed as %s", vs[i], a.Text)
		}
		back, err := Decode(must(hex.DecodeString(a.Hex))(t))
		if err != nil || !Equal(back, vs[i]) {
			t.Errorf("%v comes back as %v: %v", vs[i], back, err)
		}
		if a.Parsed == "" {
			continue
		}
		parsed++
		if back, err := Decode(must(hex.DecodeString(a.Parsed))(t)); err != nil || !Equal(back, vs[i]) {
			t.Errorf("%v, read from its text, comes back as %v: %v", vs[i], back, err)
		}
		if v, err := ParseLiteral(a.Pretty); err != nil || !Equal(v, vs[i]) {
			t.Errorf("%s reads as %v: %v", a.Pretty, v, err)
		}
	}
	if parsed < len(vs)/4 {
		t.Errorf("the parser of the other side read %d of %d", parsed, len(vs))
	}
}

// scriptDir is a folder with the script and its packages.
func scriptDir(t *testing.T) string {
	t.Helper()
	run := t.TempDir()
	if err := npm.Dir(t.Context(), os.DirFS("testdata/js"), run); errors.Is(err, npm.ErrNone) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	return run
}
