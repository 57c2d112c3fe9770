package diff

import (
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"funai/clarity/types"
	"funai/internal/cachedir"
)

// batchSize is how many programs of one epoch are made, played and kept together.
const batchSize = 100

// Options say what Run plays.
type Options struct {
	Seed    uint64        // of the first program
	Count   int           // rounded up to whole batches
	Epochs  []types.Epoch // in turn, a batch each; none is all
	Workers int           // processes of the reference
	Shrink  int           // how many differences, one of each kind, to make small
	Kept    bool          // only programs to which the reference's answers are kept; it is not run
	Golden  string        // the file of the golden corpus that gets a choice of what was played, or ""
	Out     io.Writer
}

// record is a program's answer as it is kept.
type record struct {
	Program string  `json:"program"` // its hash
	Answer  *Answer `json:"answer"`
}

// finding is a program on which the two differ.
type finding struct {
	program *Program
	diff    *Difference
}

// played is what came of a batch.
type played struct {
	found  []finding
	agreed []Golden
	tally  *tally
}

// Run plays programs, and writes a table of what was compared and the differences. The reference's answers are kept in the
// user's cache, so that a run that was stopped goes on where it was, and one after a change here needs no reference.
func Run(ctx context.Context, o Options) error {
	if len(o.Epochs) == 0 {
		o.Epochs = types.Epochs()
	}
	cache, err := cachedir.Path()
	if err != nil {
		return err
	}
	dir := filepath.Join(cache, "clarity-diff")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var (
		batches = make(chan int)
		lock    sync.Mutex
		all     = played{tally: newTally()}
		failed  error
		group   sync.WaitGroup
	)
	for range min(max(o.Workers, 1), 2) {
		group.Go(func() {
			var ref *Reference
			var err error
			if !o.Kept {
				if ref, err = NewReference(ctx); err == nil {
					defer ref.Close()
				}
			}
			for b := range batches {
				if err == nil {
					var p *played
					if p, err = batch(ctx, ref, dir, o, b); err == nil {
						lock.Lock()
						all.found = append(all.found, p.found...)
						all.agreed = append(all.agreed, p.agreed...)
						all.tally.merge(p.tally)
						lock.Unlock()
					}
				}
				if err != nil {
					lock.Lock()
					failed = err
					lock.Unlock()
				}
			}
		})
	}
feed:
	for b := range (o.Count + batchSize - 1) / batchSize {
		select {
		case batches <- b:
		case <-ctx.Done():
			break feed
		}
	}
	close(batches)
	group.Wait()
	all.tally.write(o.Out)
	if failed != nil {
		fmt.Fprintln(o.Out, "stopped:", failed)
	}
	if o.Golden != "" {
		slices.SortFunc(all.agreed, func(a, b Golden) int { return cmp.Compare(a.Program.Seed, b.Program.Seed) })
		if err := writeGolden(o.Golden, pickGolden(all.agreed)); err != nil {
			return err
		}
	}
	return report(ctx, o, all.found)
}

// batch makes the programs of one batch and compares.
func batch(ctx context.Context, ref *Reference, dir string, o Options, b int) (*played, error) {
	epoch := o.Epochs[b%len(o.Epochs)]
	first := o.Seed + uint64(b*batchSize)
	file := filepath.Join(dir, fmt.Sprintf("%v-%d.gz", epoch, first))
	kept := recall(file)
	var (
		out   = &played{tally: newTally()}
		all   []record
		asked bool
	)
	for i := range batchSize {
		p := Generate(first+uint64(i), epoch)
		key, err := keyOf(p)
		if err != nil {
			return nil, err
		}
		want := kept[key]
		if want == nil {
			if o.Kept {
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			asked = true
			if want, err = ref.Play(p); err != nil {
				return nil, err
			}
		} else {
			want.tidy()
		}
		all = append(all, record{key, want})
		d := Compare(p, want, play(p))
		out.tally.count(epoch, p, want, d)
		switch {
		case d != nil:
			out.found = append(out.found, finding{p, d})
		case want.Panic == "" && o.Golden != "":
			out.agreed = append(out.agreed, Golden{p, want})
		}
	}
	if asked {
		if err := keep(file, all); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// keyOf is what a program's answer is kept under.
func keyOf(p *Program) (string, error) {
	small, err := compact(p)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(small)
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), err
}

// recall reads the answers that are kept; what can't be read is as if it were not there.
func recall(file string) map[string]*Answer {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil
	}
	kept := map[string]*Answer{}
	for d := json.NewDecoder(z); ; {
		var r record
		if d.Decode(&r) != nil {
			return kept
		}
		kept[r.Program] = r.Answer
	}
}

func keep(file string, all []record) error {
	f, err := os.CreateTemp(filepath.Dir(file), "batch-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	z := gzip.NewWriter(f)
	e := json.NewEncoder(z)
	for _, r := range all {
		if err := e.Encode(r); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// report writes the differences by kind, the shortest program of each first made small.
func report(ctx context.Context, o Options, found []finding) error {
	kinds := map[string][]finding{}
	for _, f := range found {
		kinds[f.diff.What] = append(kinds[f.diff.What], f)
	}
	names := slices.SortedFunc(maps.Keys(kinds), func(a, b string) int {
		return cmp.Or(len(kinds[b])-len(kinds[a]), cmp.Compare(a, b))
	})
	ref, err := NewReference(ctx)
	if err != nil {
		return err
	}
	defer ref.Close()
	for i, name := range names {
		fs := kinds[name]
		slices.SortFunc(fs, func(a, b finding) int { return a.program.size() - b.program.size() })
		f := fs[0]
		fmt.Fprintf(o.Out, "\n## %d x %s\n", len(fs), name)
		if i < o.Shrink && ctx.Err() == nil {
			f = shrink(ctx, ref, f)
		}
		fmt.Fprintf(o.Out, "epoch %s seed %d\n%s%v\n", f.program.Epoch, f.program.Seed, f.program.show(), f.diff)
	}
	if len(found) > 0 {
		return fmt.Errorf("%d programs differ, in %d ways", len(found), len(kinds))
	}
	return nil
}
