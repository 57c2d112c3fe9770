package diff

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Golden is a program with what the reference implementation answered. A file of the golden corpus has one a line.
type Golden struct {
	Program *Program `json:"program"`
	Answer  *Answer  `json:"answer"`
}

// ReadGolden reads a file of the golden corpus.
func ReadGolden(file string) (all []Golden, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for d := json.NewDecoder(bufio.NewReader(f)); ; {
		var g Golden
		if err := d.Decode(&g); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: program %d: %w", file, len(all)+1, err)
		}
		all = append(all, g)
	}
}

// writeGolden writes a file of the golden corpus.
func writeGolden(file string, all []Golden) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, g := range all {
		small, err := compact(g)
		if err != nil {
			return err
		}
		if err := e.Encode(small); err != nil {
			return err
		}
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// compact is a value's JSON without what is empty, which reads the same.
func compact(v any) (any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var x any
	if err := d.Decode(&x); err != nil {
		return nil, err
	}
	return pruned(x), nil
}

func pruned(x any) any {
	switch x := x.(type) {
	case map[string]any:
		for k, v := range x {
			switch v := v.(type) {
			case nil:
				delete(x, k)
			case string:
				if v == "" && k != "memo" {
					delete(x, k)
				}
			case json.Number:
				if v == "0" && k != "count" {
					delete(x, k)
				}
			default:
				x[k] = pruned(v)
			}
		}
	case []any:
		for i, v := range x {
			x[i] = pruned(v)
		}
	}
	return x
}

// Rewrite asks the reference implementation anew about every program of the golden corpus in a folder.
func Rewrite(ctx context.Context, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return err
	}
	ref, err := NewReference(ctx)
	if err != nil {
		return err
	}
	defer ref.Close()
	for _, file := range files {
		all, err := ReadGolden(file)
		if err != nil {
			return err
		}
		for i, g := range all {
			if err := ctx.Err(); err != nil {
				return err
			}
			g.Program.Fresh = true
			if all[i].Answer, err = ref.Play(g.Program); err != nil {
				return err
			}
		}
		if err := writeGolden(file, all); err != nil {
			return err
		}
	}
	return nil
}

// features are what a program shows of the language: the words of each version, classes of errors, kinds of events.
func features(p *Program, a *Answer) map[string]bool {
	seen := map[string]bool{}
	for i, c := range p.Contracts {
		if i < len(a.Deploys) && a.Deploys[i].Error == "" {
			for _, n := range read(c.Source).all() {
				if w := n.name(); w != "" {
					seen[fmt.Sprint(uint8(c.Version), " ", w)] = true
				}
			}
		}
	}
	for _, steps := range [][]Step{a.Deploys, a.Calls} {
		for _, s := range steps {
			seen[s.class] = true
			for _, e := range s.Events {
				seen[e.Event] = true
			}
		}
	}
	return seen
}

// pickGolden chooses programs that show all that any of them shows, short ones first.
func pickGolden(all []Golden) []Golden {
	slices.SortStableFunc(all, func(a, b Golden) int { return a.Program.size() - b.Program.size() })
	shown := map[string]bool{}
	var chosen []Golden
	for _, g := range all {
		more := false
		for f := range features(g.Program, g.Answer) {
			if !shown[f] {
				shown[f], more = true, true
			}
		}
		if more {
			chosen = append(chosen, g)
		}
	}
	return chosen
}
