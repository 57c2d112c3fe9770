package eval

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"sync"

	"golang.org/x/sync/errgroup"

	"funai/judge"
	"funai/model"
)

// Measured is what judging one pair with open thresholds found. Any policy's verdict follows from it without running a model.
type Measured struct {
	Pair        int            `json:"pair"`
	Kind        Kind           `json:"kind"`
	Calibration bool           `json:"calibration"`
	Same        bool           `json:"same,omitempty"`
	Verdict     string         `json:"verdict"` // with open thresholds
	Rule        judge.Rule     `json:"rule"`
	Evidence    judge.Evidence `json:"evidence"`
}

// Judges says which judges of the second line a measurement asks besides the rescore, and how.
func Judges(base judge.Policy, encoder string) judge.Policy {
	if base.Ask.How == judge.AskNothing {
		base.Ask = judge.Ask{How: judge.AskContrast, Others: 2, Tokens: 16}
	}
	base.Quality = judge.Quality{Encoder: encoder}
	base.Rescore.Dropped = 1 // anything but 0, so that it is looked at
	return base.Opened()
}

// Measurer judges pairs.
type Measurer struct {
	Engine   judge.Scorer
	Encoder  judge.Encoder // nil: none is asked
	Policy   judge.Policy  // opened
	Parallel int           // pairs judged at once
	Progress func(done, of int)
}

const measuredFormat = "funai/judge/measured/1"

// Measure judges the pairs that a file doesn't hold yet, writes each as it comes, and returns all that the file holds. An
// abstention ends it with an error: it says something about this machine, and nothing about the pair.
func (m *Measurer) Measure(ctx context.Context, path string, pairs []Pair) (all []Measured, err error) {
	info := m.Engine.Info()
	j, all, err := openJournal[Measured](path, measuredHeader(info, m.Policy))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.close()) }()
	done := map[int]bool{}
	for _, r := range all {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		done[r.Pair] = true
	}
	var mu sync.Mutex
	work, wctx := errgroup.WithContext(ctx)
	work.SetLimit(max(m.Parallel, 1))
	for _, p := range pairs {
		if done[p.ID] {
			continue
		}
		work.Go(func() error {
			r, err := m.one(wctx, p)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, r)
			if m.Progress != nil {
				m.Progress(len(all), len(pairs))
			}
			return j.add(r)
		})
	}
	return all, work.Wait()
}

// measuredHeader ties measurements to the weights and to what was asked of whom.
func measuredHeader(info model.Info, p judge.Policy) header {
	return header{measuredFormat, info.Name, fmt.Sprintf("%s ask %s %d %d quality %s short %d dropped", hex.EncodeToString(info.Hash[:]),
		p.Ask.How, p.Ask.Others, p.Ask.Tokens, p.Quality.Encoder, p.Short)}
}

func (m *Measurer) one(ctx context.Context, p Pair) (Measured, error) {
	c, err := p.Answer.Claim()
	if err != nil {
		return Measured{}, err
	}
	v := m.Policy.JudgeWith(ctx, m.Engine, m.Encoder, c)
	if v.Kind == judge.Abstain {
		return Measured{}, errors.Join(fmt.Errorf("eval: pair %d (%s) can't be judged, %s: %s", p.ID, p.Kind, v.Rule, v.Reason), ctx.Err())
	}
	return Measured{p.ID, p.Kind, p.Calibration, p.Same, v.Kind.String(), v.Rule, v.Evidence}, nil
}

// check refuses what no measurement writes.
func (r Measured) check() error {
	if r.Verdict != judge.Valid.String() && r.Verdict != judge.Invalid.String() {
		return fmt.Errorf("%w: pair %d has the verdict %q", ErrFile, r.Pair, r.Verdict)
	}
	return nil
}

// refused says that no threshold could save the pair: its counts, its end or its text are false.
func (r Measured) refused() bool { return r.Verdict != judge.Valid.String() }

// Decide says what a policy finds of the pair, and by which rule.
func (r Measured) Decide(p judge.Policy) (judge.Kind, judge.Rule) {
	if r.refused() {
		return judge.Invalid, r.Rule
	}
	return p.Decide(r.Evidence)
}

// suspicions are numbers that grow with how wrong a pair looks to one judge: what a curve is drawn of.
var suspicions = map[string]func(r Measured, p judge.Policy) float64{
	// Over 1 is over one of the policy's thresholds.
	"rescore": func(r Measured, p judge.Policy) float64 {
		e, t := r.Evidence, p.Rescore
		if r.refused() {
			return math.Inf(1)
		}
		most := max(e.MaxMargin/t.MaxMargin, e.MeanMargin/t.MeanMargin, e.Swaps/t.Swaps)
		if t.Dropped > 0 && e.Compared {
			most = max(most, (e.MeanMargin-e.Without)/t.Dropped)
		}
		return most
	},
	// What could not be asked is not suspicious. What was refused before it came to asking is left out by the caller.
	"ask": func(r Measured, _ judge.Policy) float64 {
		if r.Evidence.Asked == judge.AskNothing {
			return math.Inf(-1)
		}
		return -r.Evidence.Answer
	},
	"quality": func(r Measured, _ judge.Policy) float64 {
		if r.Evidence.Encoder == "" {
			return math.Inf(-1)
		}
		return -r.Evidence.Quality
	},
}
