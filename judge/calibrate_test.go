package judge

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"golang.org/x/sync/errgroup"

	"funai/model"
)

var (
	calibrate     = flag.String("calibrate", "", "catalogue `model` to measure honest and forged answers of")
	calibrateN    = flag.Int("calibrate.n", 16, "`number` of prompts, at most 32; each is answered greedily and sampled")
	calibrateSave = flag.String("calibrate.save", "", "write honest answers to this `file` and end")
	calibrateLoad = flag.String("calibrate.load", "", "judge only the honest answers of this `file`, made by another processor, say")
)

// TestCalibrate measures where honest and forged answers of a model lie, and what its default policy says of them. It is
// the tool that docs/judging.md tells of, and does nothing unless asked, because it takes minutes.
func TestCalibrate(t *testing.T) {
	if *calibrate == "" {
		t.Skip("a measurement, not a test: run it with -calibrate MODEL")
	}
	ctx := t.Context()
	e := NewMemo(engine(t, *calibrate), 4096)
	set := honest(ctx, t, e)
	if *calibrateSave != "" {
		b, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(*calibrateSave, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if *calibrateLoad == "" {
		set = append(set, forgeries(ctx, t, e, set)...)
	}
	var rows []row
	for _, s := range set {
		rows = append(rows, measure(ctx, t, e, s))
	}
	table(t, rows)
}

// specimen is a claim and what it really is.
type specimen struct {
	Label string
	Claim Claim
}

// row is one measured specimen.
type row struct {
	label              string
	verdict            Verdict
	max, mean, swapped float64
	contrast           float64
}

// honest makes the answers of an honest server: for each prompt a greedy and a sampled one, of 32 to 64 tokens.
func honest(ctx context.Context, t *testing.T, e model.Engine) []specimen {
	t.Helper()
	if *calibrateLoad != "" {
		b, err := os.ReadFile(*calibrateLoad)
		if err != nil {
			t.Fatal(err)
		}
		var set []specimen
		if err := json.Unmarshal(b, &set); err != nil {
			t.Fatal(err)
		}
		return set
	}
	var set []specimen
	for i, q := range prompts(t, e.Info().Name)[:*calibrateN] {
		for _, temperature := range []uint32{0, 700} {
			r := model.Request{
				Messages:  []model.Message{{Role: "system", Content: "You are a friendly teacher. Answer briefly."}, {Role: "user", Content: q}},
				MaxTokens: 32 + i,
				Sampling:  model.Sampling{TemperatureMilli: temperature, RepeatPenaltyMilli: 1100},
			}
			r.Sampling.Seed[0] = byte(i)
			label := "honest greedy"
			if temperature > 0 {
				label = "honest sampled"
			}
			set = append(set, specimen{label, Claim{Request: r}})
		}
	}
	// Several at once, because a server's batches are what makes its logits differ from a judge's.
	var g errgroup.Group
	g.SetLimit(4)
	for i := range set {
		g.Go(func() (err error) {
			set[i].Claim, err = serve(ctx, e, set[i].Claim.Request)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return set
}

func prompts(t *testing.T, name string) []string {
	t.Helper()
	file := "testdata/prompts.txt"
	if strings.HasPrefix(name, "stories") {
		file = "testdata/openings.txt"
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// serve answers a request as an honest server does.
func serve(ctx context.Context, e model.Engine, r model.Request) (Claim, error) {
	res, err := e.Generate(ctx, r, func(model.Token) error { return nil })
	return Claim{Request: r, Text: res.Text, Tokens: res.Tokens, PromptTokens: res.PromptTokens}, err
}

// forgeries makes dishonest answers out of honest ones. A forger who knows the rules claims the right counts and the text
// that the tokens really spell, and ends with an end token if the honest answer did: what remains are the tokens.
func forgeries(ctx context.Context, t *testing.T, e model.Engine, set []specimen) []specimen {
	t.Helper()
	var forged []specimen
	add := func(label string, c Claim, tokens []int32) {
		s, err := e.Score(ctx, c.Request, tokens)
		if err != nil {
			t.Fatalf("%s: %v", label, err)
		}
		if n := len(tokens); n < c.Request.MaxTokens && !s.Tokens[n-1].End {
			c.Request.MaxTokens = n // the asker's request, not a forger's choice: here it only makes the ends match
		}
		c.Tokens, c.Text = tokens, s.Text
		forged = append(forged, specimen{label, c})
	}
	small := other(t, e.Info().Name)
	rng := rand.New(rand.NewPCG(1, 2))
	end, hasEnd := endToken(ctx, t, e, set)
	for i, s := range set {
		c, n := s.Claim, len(s.Claim.Tokens)
		answer := func(on model.Engine, change func(r *model.Request)) []int32 {
			r := c.Request
			r.Messages = slices.Clone(r.Messages)
			change(&r)
			forged, err := serve(ctx, on, r)
			if err != nil {
				t.Fatal(err)
			}
			return forged.Tokens
		}
		if small != nil {
			add("other model", c, answer(small, func(r *model.Request) { r.MaxTokens = min(r.MaxTokens, 48) }))
		}
		add("system prompt dropped", c, answer(e, func(r *model.Request) { r.Messages = r.Messages[1:] }))
		add("prompt cut in half", c, answer(e, func(r *model.Request) {
			r.Messages[1].Content = r.Messages[1].Content[:len(r.Messages[1].Content)/2]
		}))
		swapped := set[(i+2)%len(set)].Claim.Tokens
		add("swapped", c, swapped[:min(len(swapped), c.Request.MaxTokens)])
		add("made up", c, shuffled(rng, c.Tokens))
		at := rng.IntN(n)
		altered := slices.Clone(c.Tokens)
		altered[at] = c.Tokens[(at+n/2)%n] + 1
		add("one token altered", c, altered)
		if hasEnd && n > 8 {
			add("cut short", c, append(slices.Clone(c.Tokens[:n/2]), end))
		}
		if c.Request.Sampling.TemperatureMilli > 0 {
			add("seed ignored", c, answer(e, func(r *model.Request) { r.Sampling.Seed[1]++ }))
			add("greedy for sampled", c, answer(e, func(r *model.Request) { r.Sampling.TemperatureMilli = 0 }))
		} else {
			add("penalty ignored", c, answer(e, func(r *model.Request) { r.Sampling.RepeatPenaltyMilli = 0 }))
		}
	}
	return forged
}

// endToken finds an end token among honest answers.
func endToken(ctx context.Context, t *testing.T, e model.Engine, set []specimen) (int32, bool) {
	t.Helper()
	for _, s := range set {
		sc, err := e.Score(ctx, s.Claim.Request, s.Claim.Tokens)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(sc.Tokens); sc.Tokens[n-1].End {
			return s.Claim.Tokens[n-1], true
		}
	}
	return 0, false
}

// shuffled keeps the last token, which may be the end.
func shuffled(rng *rand.Rand, tokens []int32) []int32 {
	ts := slices.Clone(tokens)
	rng.Shuffle(len(ts)-1, func(i, j int) { ts[i], ts[j] = ts[j], ts[i] })
	return ts
}

// measure scores one specimen without any threshold, and judges it by the default policy.
func measure(ctx context.Context, t *testing.T, e *Memo, s specimen) row {
	t.Helper()
	name := e.Info().Name
	open := Policy{Model: name, Short: DefaultPolicy(name).Short}
	open.Rescore = Rescore{MaxMargin: maxLogits, MeanMargin: maxLogits, Swaps: 1}
	open.Ask = Ask{How: AskContrast, Others: 2, Tokens: 32, Least: -maxLogits}
	v := open.Judge(ctx, e, s.Claim)
	ev := v.Evidence
	if v.Kind == Abstain {
		t.Fatalf("%s: %s", s.Label, v.Reason)
	}
	return row{s.Label, DefaultPolicy(name).Judge(ctx, e, s.Claim), ev.MaxMargin, ev.MeanMargin, ev.Swaps, ev.Answer}
}

// table prints, for each label, how many were found invalid and by which rule, and the median and the extremes towards the
// threshold: the largest margins of honest answers, the smallest of forged ones.
func table(t *testing.T, rows []row) {
	t.Helper()
	var labels []string
	for _, r := range rows {
		if !slices.Contains(labels, r.label) {
			labels = append(labels, r.label)
		}
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "answers\tn\tinvalid\tby rule\tmax margin min/median/max\tmean margin\tswaps\tcontrast")
	for _, l := range labels {
		rules, n, found := map[Rule]int{}, 0, 0
		var maxs, means, swaps, contrasts []float64
		for _, r := range rows {
			if r.label != l {
				continue
			}
			n++
			if r.verdict.Kind == Invalid {
				found++
				rules[r.verdict.Rule]++
			}
			maxs, means = append(maxs, r.max), append(means, r.mean)
			swaps, contrasts = append(swaps, r.swapped), append(contrasts, r.contrast)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%v\t%s\t%s\t%s\t%s\n", l, n, found, rules, spread(maxs), spread(means), spread(swaps), spread(contrasts))
	}
	if err := w.Flush(); err != nil {
		t.Error(err)
	}
}

// spread is the least, the median and the greatest of some numbers.
func spread(xs []float64) string {
	slices.Sort(xs)
	return fmt.Sprintf("%.3g/%.3g/%.3g", xs[0], xs[len(xs)/2], xs[len(xs)-1])
}
