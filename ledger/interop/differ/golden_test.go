package differ

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/consensus"
)

// golden is a file of cases with bitcoind's verdicts.
type golden struct {
	Tip   string       `json:"tip"` // of the base that the blocks are built upon
	Cases []goldenCase `json:"cases"`
}

// goldenCase is a case as a file keeps it.
type goldenCase struct {
	Category string `json:"category"`
	Note     string `json:"note,omitempty"`
	Seed     uint64 `json:"seed"`
	Number   int    `json:"case"`
	Reason   string `json:"reason"` // bitcoind's to refuse the block; empty if it is good
	Block    string `json:"block"`  // in hex
}

func (s *sample) golden(reason string) goldenCase {
	return goldenCase{s.category, s.note, s.seed, s.number, reason, hex.EncodeToString(s.block)}
}

// newGolden is a file of cases that build upon b. It makes sure that b itself is in testdata: the programs that make
// the cases may change, and the base with them.
func newGolden(b *base, cases ...goldenCase) (*golden, error) {
	tip := b.tip().BlockHash().String()
	var blocks []byte
	for _, blk := range b.blocks {
		blocks = append(hex.AppendEncode(blocks, serialize(blk)), '\n')
	}
	return &golden{tip, cases}, os.WriteFile(basePath(tip), blocks, 0o600)
}

// basePath is the file that holds the base with this tip, a block in hex on each line.
func basePath(tip string) string {
	return filepath.Join("testdata", fmt.Sprintf("base-%.8s.hex", tip))
}

// loadBase reads a base, as far as a chain needs it.
func loadBase(t *testing.T, tip string) *base {
	t.Helper()
	text, err := os.ReadFile(basePath(tip))
	if err != nil {
		t.Fatal(err)
	}
	b := &base{params: consensus.BitcoinRegtest()}
	for line := range strings.Lines(string(text)) {
		var blk wire.MsgBlock
		if err := blk.Deserialize(hex.NewDecoder(strings.NewReader(strings.TrimSpace(line)))); err != nil {
			t.Fatalf("%s: %v", basePath(tip), err)
		}
		b.blocks = append(b.blocks, &blk)
	}
	if got := b.tip().BlockHash().String(); got != tip {
		t.Fatalf("%s ends at %s, not %s", basePath(tip), got, tip)
	}
	b.stopClock()
	return b
}

// write makes a file of testdata, with one case on a line.
func (f *golden) write(name string) error {
	out := fmt.Appendf(nil, "{\"tip\": %q, \"cases\": [\n", f.Tip)
	for i, c := range f.Cases {
		line, err := json.Marshal(c)
		if err != nil {
			return err
		}
		out = append(out, line...)
		if i < len(f.Cases)-1 {
			out = append(out, ',')
		}
		out = append(out, '\n')
	}
	return os.WriteFile(filepath.Join("testdata", name), append(out, "]}\n"...), 0o600)
}

// keep makes a golden file of a case that the nodes do not agree on, which fails from then on without bitcoind, too.
func (s *sample) keep(b *base, reason string) error {
	f, err := newGolden(b, s.golden(reason))
	return errors.Join(err, f.write(fmt.Sprintf("difference-%d-%d.json", s.seed, s.number)))
}

// collection gathers cases for a golden file: one of each category, verdict, class of reason and theme, and no large
// ones.
type collection struct {
	cases []goldenCase
	have  map[string]int
}

func (c *collection) offer(s *sample, reason string, v verdict) {
	const (
		small    = 640 // bytes
		perTheme = 6   // of the good ones without a theme
	)
	key, most := s.category+reason+s.theme(), 1
	if v.scripts && s.category != "mutation" {
		key += v.script.String()
	}
	if reason == "" && s.theme() == "" {
		most = perTheme
	}
	if len(s.block) > small || c.have[key] >= most {
		return
	}
	c.have[key]++
	c.cases = append(c.cases, s.golden(reason))
}

// theme is what a case's note says of its kind, without what differs from case to case; empty if it says nothing.
func (s *sample) theme() string {
	switch s.category {
	case "mutation", "encoding", "program", "lock time": // no end of combinations
		return ""
	}
	if _, fault, found := strings.Cut(s.note, ": "); found {
		return fault
	}
	const words = 3
	f := strings.Fields(s.note)
	return strings.Join(f[:min(words, len(f))], " ")
}

// writeSorted makes the golden file, in an order that does not hang on who was first.
func (c *collection) writeSorted(b *base) error {
	slices.SortFunc(c.cases, func(x, y goldenCase) int { return cmp.Compare(x.Number, y.Number) })
	f, err := newGolden(b, c.cases...)
	return errors.Join(err, f.write("golden.json"))
}

// The cases in testdata are judged as bitcoind did.
func TestGoldenBlocksAreJudgedAsBitcoindDid(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no golden files", err)
	}
	chains := map[string]*chain.Chain{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var f golden
		if err := json.Unmarshal(raw, &f); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		c := chains[f.Tip]
		if c == nil {
			c = openBase(t, loadBase(t, f.Tip))
			chains[f.Tip] = c
		}
		for _, g := range f.Cases {
			block, err := hex.DecodeString(g.Block)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			v := ours(t.Context(), c, block)
			if verdict, class := agree(v, g.Reason); !verdict || !class {
				t.Errorf("%s: case %d of seed %d (%s; %s): bitcoind said %q, we %v, %v", path, g.Number, g.Seed, g.Category, g.Note, g.Reason, v.err, v.script)
			}
		}
	}
}
