package differ

import (
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"funai/ledger/chain"
)

var (
	casesFlag  = flag.Int("cases", 300, "number of random cases that both nodes judge")
	seedFlag   = flag.Uint64("seed", 1, "seed of the cases and of the tree")
	caseFlag   = flag.Int("case", -1, "judge only the case of this number, as a failure printed it")
	onlyFlag   = flag.String("only", "", "judge only the cases of this category")
	goldenFlag = flag.Bool("golden", false, "write testdata/golden.json anew from the cases")
)

// category is a kind of cases.
type category struct {
	name   string
	weight int               // its share
	make   func(*gen) []byte // a block, serialized
}

// categories are in an order that, with their weights, decides the number of each case.
var categories = []category{
	{"signature", 10, (*gen).signatures},
	{"program", 10, (*gen).programs},
	{"lock time", 8, (*gen).times},
	{"transaction", 6, (*gen).transactions},
	{"block", 8, (*gen).wholes},
	{"limit", 5, (*gen).limits},
	{"upgrade", 5, (*gen).upgrades},
	{"deletion", 3, (*gen).deletions},
	{"encoding", 5, (*gen).encodings},
	{"mutation", 10, (*gen).mutations},
}

// categoryOf is that of the case of a number.
func categoryOf(number int) *category {
	total := 0
	for i := range categories {
		total += categories[i].weight
	}
	at := number % total
	for i := range categories {
		if at -= categories[i].weight; at < 0 {
			return &categories[i]
		}
	}
	panic("weights do not add up")
}

// sample is one case.
type sample struct {
	seed     uint64
	number   int
	category string
	note     string
	block    []byte
}

// draw makes the case of a number.
func draw(b *base, seed uint64, number int) *sample {
	g, c := newGen(b, seed, number), categoryOf(number)
	block := c.make(g)
	return &sample{seed, number, c.name, strings.Join(g.notes, " "), block}
}

// tally counts verdicts, and bitcoind's reasons with btcd's codes for scripts.
type tally struct {
	accepted, refused int
	reasons           map[string]int
}

// report is what came of many cases.
type report struct {
	mu     sync.Mutex
	counts map[string]*tally
	golden collection
	kept   int // differences made golden files
}

func (r *report) add(s *sample, v verdict, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.counts[s.category]
	if k == nil {
		k = &tally{reasons: map[string]int{}}
		r.counts[s.category] = k
	}
	if v.scripts {
		k.reasons[reason+" = "+v.script.String()]++
	} else {
		k.reasons[reason]++
	}
	if reason == "" {
		k.accepted++
	} else {
		k.refused++
	}
	r.golden.offer(s, reason, v)
}

// differ tells of a case that the nodes do not agree on, and makes a golden file of it if that is so about the verdict.
func (r *report) differ(t *testing.T, b *base, s *sample, v verdict, reason string, verdict bool) {
	t.Helper()
	const mostFiles, mostHex = 20, 100_000
	block := hex.EncodeToString(s.block)
	if len(block) > mostHex {
		block = fmt.Sprintf("%s… (%d bytes)", block[:mostHex], len(s.block))
	}
	t.Errorf("case %d of seed %d (%s; %s): bitcoind says %q, we %v, %v; alone: go test -run RandomBlocks -seed %d -case %d\n%s",
		s.number, s.seed, s.category, s.note, reason, v.err, v.script, s.seed, s.number, block)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !verdict {
		return
	}
	if r.kept++; r.kept > mostFiles || len(s.block) > mostHex/2 {
		return
	}
	if err := s.keep(b, reason); err != nil {
		t.Error(err)
	}
}

// Both nodes judge the same of random blocks.
func TestRandomBlocksAreJudgedAsBitcoindJudgesThem(t *testing.T) {
	bitcoindPath(t)
	b := newBase()
	d := startBitcoind(t, b.now)
	feed(t, d, b)
	c := openBase(t, b)
	r := &report{counts: map[string]*tally{}, golden: collection{have: map[string]int{}}}
	from, to := 0, *casesFlag
	if *caseFlag >= 0 {
		from, to = *caseFlag, *caseFlag+1
	}
	var next atomic.Int64
	next.Store(int64(from) - 1)
	judge := func(n int) { r.judge(t, d, c, b, draw(b, *seedFlag, n)) }
	var wg sync.WaitGroup
	for range 2 { // bitcoind judges one while we make another
		wg.Go(func() {
			for n := int(next.Add(1)); n < to; n = int(next.Add(1)) {
				if *onlyFlag == "" || categoryOf(n).name == *onlyFlag {
					judge(n)
				}
			}
		})
	}
	wg.Wait()
	r.tell(t)
	if *goldenFlag {
		if err := r.golden.writeSorted(b); err != nil {
			t.Error(err)
		}
	}
}

// judge has both nodes judge a case.
func (r *report) judge(t *testing.T, d *bitcoind, c *chain.Chain, b *base, s *sample) {
	t.Helper()
	reason, err := d.judge(t.Context(), s.block)
	if err != nil {
		t.Errorf("case %d of seed %d (%s; %s): %v", s.number, s.seed, s.category, s.note, err)
		return
	}
	v := ours(t.Context(), c, s.block)
	if verdict, class := agree(v, reason); !verdict || !class {
		r.differ(t, b, s, v, reason, !verdict)
	}
	if again := ours(t.Context(), c, s.block); (again.err == nil) != (v.err == nil) {
		t.Errorf("case %d of seed %d (%s; %s): %v, but with its signatures known %v", s.number, s.seed, s.category, s.note, v.err, again.err)
	}
	r.add(s, v, reason)
}

// Blocks as heavy as may be, which are too large to be among the many.
func TestFullBlocksAreJudgedAsBitcoindJudgesThem(t *testing.T) {
	bitcoindPath(t)
	b := newBase()
	d := startBitcoind(t, b.now)
	feed(t, d, b)
	c := openBase(t, b)
	r := &report{counts: map[string]*tally{}, golden: collection{have: map[string]int{}}}
	for n := range 2 * heavies {
		g := newGen(b, *seedFlag, -1-n)
		block := g.heavy(n)
		r.judge(t, d, c, b, &sample{*seedFlag, -1 - n, "full", strings.Join(g.notes, " "), block})
	}
	r.tell(t)
	if k := r.counts["full"]; k.accepted != heavies || k.refused != heavies {
		t.Errorf("%d accepted, %d refused; want %d of each", k.accepted, k.refused, heavies)
	}
}

// tell logs the counts, and holds every category to have good cases and bad ones.
func (r *report) tell(t *testing.T) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(r.counts)) {
		k := r.counts[name]
		var lines []string
		for reason, n := range k.reasons {
			lines = append(lines, fmt.Sprintf("%8d %s", n, reason))
		}
		slices.Sort(lines)
		t.Logf("%s: %d accepted, %d refused\n%s", name, k.accepted, k.refused, strings.Join(lines, "\n"))
		const enough = 12
		if n := k.accepted + k.refused; n >= enough && (k.accepted == 0 || k.refused == 0) {
			t.Errorf("of %d cases of %s, %d are good: there must be both", n, name, k.accepted)
		}
	}
}
