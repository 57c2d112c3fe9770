package judge

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"funai/model"
)

// fake is an engine that finds every claim honest until a test changes what it says.
type fake struct {
	info   model.Info
	prompt int
	score  model.Score
	others func(question string, n int) (model.Score, error) // for requests other than the claim's
	bare   func() (model.Score, error)                       // for the claim's without its system message
	top    []model.Logprob
	err    struct{ count, score, generate error }
	asked  []string // the questions that Score saw
	shown  []model.Message
	after  func() // called at the end of Score
}

func (f *fake) Info() model.Info { return f.info }

func (f *fake) CountPrompt(context.Context, model.Request) (int, error) { return f.prompt, f.err.count }

func (f *fake) Score(_ context.Context, r model.Request, tokens []int32) (model.Score, error) {
	if f.after != nil {
		defer f.after()
	}
	q := r.Messages[asked(r.Messages)].Content
	f.asked = append(f.asked, q)
	if len(r.Messages) == 1 {
		return f.bare()
	}
	if q != honestClaim().Request.Messages[1].Content {
		return f.others(q, len(tokens))
	}
	return f.score, f.err.score
}

func (f *fake) Generate(_ context.Context, r model.Request, emit func(model.Token) error) (model.Result, error) {
	f.shown = r.Messages
	if f.err.generate != nil {
		return model.Result{}, f.err.generate
	}
	return model.Result{}, emit(model.Token{Top: f.top})
}

// honestClaim is an answer of four tokens, the last one an end token.
func honestClaim() Claim {
	return Claim{
		Request: model.Request{
			Messages:  []model.Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: "What colour is the sky?"}},
			MaxTokens: 8,
		},
		Text:         "It is blue.",
		Tokens:       []int32{10, 11, 12, 2},
		PromptTokens: 20,
	}
}

func honestFake() *fake {
	f := &fake{
		info:   model.Info{Name: "m", Context: 64, Scores: true, Samples: true},
		prompt: 20,
		score:  model.Score{PromptTokens: 20, Text: "It is blue.", Tokens: honestTokens(4, -1)},
		top:    []model.Logprob{{Text: " Yes", Logprob: math.Log(0.7)}, {Text: "no", Logprob: math.Log(0.2)}},
	}
	f.score.Tokens[3].End = true
	f.others = func(_ string, n int) (model.Score, error) {
		return model.Score{PromptTokens: 25, Tokens: honestTokens(n, -3)}, nil
	}
	f.bare = func() (model.Score, error) {
		ts := honestTokens(4, -1)
		ts[1].Rank, ts[1].Margin = 1, 0.4
		return model.Score{PromptTokens: 12, Tokens: ts}, nil
	}
	return f
}

// droppedAt makes a claim's tokens those of a request without its system message: a bit off with it, exact without.
func droppedAt(p *Policy, f *fake, threshold float64) {
	p.Rescore.Dropped = threshold
	f.score.Tokens[1].Rank, f.score.Tokens[1].Margin = 1, 0.38 // with the near tie of 0.02: 0.1 on average
	f.bare = func() (model.Score, error) {
		return model.Score{PromptTokens: 12, Tokens: honestTokens(4, -1)}, nil // 0.005 on average
	}
}

// honestTokens are tokens of the given log-probability that the model chose, but for one near tie.
func honestTokens(n int, logprob float64) []model.TokenScore {
	ts := make([]model.TokenScore, n)
	for i := range ts {
		ts[i].Logprob = logprob
	}
	ts[0].Rank, ts[0].Margin = 1, 0.02
	return ts
}

func strict() Policy {
	return Policy{
		Model: "m", Short: 2,
		Rescore: Rescore{MaxMargin: 1, MeanMargin: 0.3, Swaps: 0.5},
		Ask:     Ask{How: AskContrast, Others: 3, Tokens: 3, Least: -0.5},
	}
}

func TestHonestClaimIsValid(t *testing.T) {
	for how, p := range map[string]Policy{
		"contrast": strict(),
		"nothing":  {Model: "m", Short: 2, Rescore: strict().Rescore},
		"yesno":    {Model: "m", Short: 2, Rescore: strict().Rescore, Ask: Ask{How: AskYesNo, Least: 0.5}},
	} {
		v := p.Judge(t.Context(), honestFake(), honestClaim())
		if v.Kind != Valid || v.Rule != RuleAll {
			t.Errorf("asking %s: %v by %q: %s", how, v.Kind, v.Rule, v.Reason)
		}
		if v.Evidence.Tokens != 4 || v.Evidence.PromptTokens != 20 || v.Evidence.MaxMargin != 0.02 {
			t.Errorf("asking %s: evidence %+v", how, v.Evidence)
		}
	}
}

// TestEveryCheckFailsClosed changes one thing at a time about a claim that is valid, or about the engine that judges it.
func TestEveryCheckFailsClosed(t *testing.T) {
	broken := errors.New("out of memory")
	tests := []struct {
		name   string
		change func(p *Policy, f *fake, c *Claim)
		kind   Kind
		rule   Rule
	}{
		{"policy without thresholds", func(p *Policy, _ *fake, _ *Claim) { p.Rescore = Rescore{} }, Abstain, RulePolicy},
		{"policy threshold NaN", func(p *Policy, _ *fake, _ *Claim) { p.Rescore.MaxMargin = math.NaN() }, Abstain, RulePolicy},
		{"policy of another model", func(p *Policy, _ *fake, _ *Claim) { p.Model = "other" }, Abstain, RulePolicy},
		{"engine can't score", func(_ *Policy, f *fake, _ *Claim) { f.info.Scores = false }, Abstain, RuleEngine},
		{"engine can't sample", func(_ *Policy, f *fake, c *Claim) {
			f.info.Samples = false
			c.Request.Sampling.TemperatureMilli = 700
		}, Abstain, RuleEngine},
		{"answer shaped by what nobody can redo", func(_ *Policy, _ *fake, c *Claim) { c.Request.Controls = &model.Controls{} }, Abstain, RuleClaim},
		{"answer stopped at a text", func(_ *Policy, _ *fake, c *Claim) { c.Request.Stop = []string{"x"} }, Abstain, RuleClaim},
		{"answer kept to a grammar", func(_ *Policy, _ *fake, c *Claim) { c.Request.Grammar = "root ::= x" }, Abstain, RuleClaim},
		{"answer kept to a schema", func(_ *Policy, _ *fake, c *Claim) { c.Request.Schema = []byte("{}") }, Abstain, RuleClaim},

		{"no messages", func(_ *Policy, _ *fake, c *Claim) { c.Request.Messages = nil }, Invalid, RuleClaim},
		{"request for no tokens", func(_ *Policy, _ *fake, c *Claim) { c.Request.MaxTokens = 0 }, Invalid, RuleClaim},
		{"no tokens", func(_ *Policy, f *fake, c *Claim) { c.Tokens, f.score.Tokens = nil, nil }, Invalid, RuleClaim},
		{"more tokens than asked for", func(_ *Policy, _ *fake, c *Claim) { c.Request.MaxTokens = 3 }, Invalid, RuleClaim},
		{"prompt of no tokens", func(_ *Policy, f *fake, c *Claim) { c.PromptTokens, f.prompt = 0, 0 }, Invalid, RuleClaim},

		{"prompt count too high", func(_ *Policy, _ *fake, c *Claim) { c.PromptTokens++ }, Invalid, RulePrompt},
		{"prompt count too low", func(_ *Policy, _ *fake, c *Claim) { c.PromptTokens-- }, Invalid, RulePrompt},
		{"prompt that can't be rendered", func(_ *Policy, f *fake, _ *Claim) { f.err.count = model.ErrRequest }, Invalid, RulePrompt},
		{"prompt beyond the context", func(_ *Policy, f *fake, _ *Claim) { f.err.count = model.ErrTooLong }, Invalid, RulePrompt},
		{"answer beyond the context", func(p *Policy, _ *fake, _ *Claim) { p.Context = 23 }, Invalid, RulePrompt},
		{"answer beyond this engine's smaller context", func(p *Policy, f *fake, _ *Claim) {
			p.Context, f.err.score = 128, model.ErrTooLong
		}, Abstain, RuleEngine},
		{"token outside the vocabulary", func(_ *Policy, f *fake, _ *Claim) { f.err.score = model.ErrRequest }, Invalid, RulePrompt},
		{"counting fails", func(_ *Policy, f *fake, _ *Claim) { f.err.count = broken }, Abstain, RuleEngine},
		{"engine busy", func(_ *Policy, f *fake, _ *Claim) { f.err.score = model.ErrBusy }, Abstain, RuleEngine},
		{"engine closed", func(_ *Policy, f *fake, _ *Claim) { f.err.score = model.ErrClosed }, Abstain, RuleEngine},
		{"scoring fails", func(_ *Policy, f *fake, _ *Claim) { f.err.score = broken }, Abstain, RuleEngine},
		{"scoring out of time", func(_ *Policy, f *fake, _ *Claim) { f.err.score = context.DeadlineExceeded }, Abstain, RuleEngine},

		{"empty score", func(_ *Policy, f *fake, _ *Claim) { f.score = model.Score{} }, Abstain, RuleEngine},
		{"no scores", func(_ *Policy, f *fake, _ *Claim) { f.score.Tokens = nil }, Abstain, RuleEngine},
		{"partial score", func(_ *Policy, f *fake, _ *Claim) { f.score.Tokens = f.score.Tokens[:3] }, Abstain, RuleEngine},
		{"score of another prompt", func(_ *Policy, f *fake, _ *Claim) { f.score.PromptTokens-- }, Abstain, RuleEngine},
		{"margin NaN", func(_ *Policy, f *fake, _ *Claim) { f.score.Tokens[0].Margin = math.NaN() }, Abstain, RuleEngine},
		{"margin infinite", func(_ *Policy, f *fake, _ *Claim) { f.score.Tokens[0].Margin = math.Inf(1) }, Abstain, RuleEngine},
		{"margin negative", func(_ *Policy, f *fake, _ *Claim) { f.score.Tokens[0].Margin = -5 }, Abstain, RuleEngine},
		{"margin of the chosen token", func(_ *Policy, f *fake, _ *Claim) { f.score.Tokens[1].Margin = 0.5 }, Abstain, RuleEngine},
		{"rank negative", func(_ *Policy, f *fake, _ *Claim) { f.score.Tokens[0].Rank = -1 }, Abstain, RuleEngine},
		{"log-probability NaN", func(_ *Policy, f *fake, _ *Claim) { f.score.Tokens[1].Logprob = math.NaN() }, Abstain, RuleEngine},
		{"log-probability infinite", func(_ *Policy, f *fake, _ *Claim) { f.score.Tokens[1].Logprob = math.Inf(-1) }, Abstain, RuleEngine},

		{"end in the middle", func(_ *Policy, f *fake, _ *Claim) { f.score.Tokens[1].End = true }, Invalid, RuleEnd},
		{"cut short", func(_ *Policy, f *fake, _ *Claim) { f.score.Tokens[3].End = false }, Invalid, RuleEnd},
		{"end that the engine can't tell", func(_ *Policy, f *fake, _ *Claim) {
			f.info.Samples, f.score.Tokens[3].End = false, false
		}, Abstain, RuleEnd},
		{"text that the engine can't tell", func(_ *Policy, f *fake, _ *Claim) {
			f.info.Samples, f.score.Text = false, ""
		}, Abstain, RuleText},
		{"other text", func(_ *Policy, _ *fake, c *Claim) { c.Text = "It is green." }, Invalid, RuleText},
		{"no text", func(_ *Policy, _ *fake, c *Claim) { c.Text = "" }, Invalid, RuleText},
		{"text with a space more", func(_ *Policy, _ *fake, c *Claim) { c.Text += " " }, Invalid, RuleText},

		{"one token far away", func(_ *Policy, f *fake, _ *Claim) {
			f.score.Tokens[2] = model.TokenScore{Logprob: -4, Rank: 1, Margin: 1.01}
		}, Invalid, RuleMargin},
		{"all tokens somewhat away", func(_ *Policy, f *fake, _ *Claim) {
			for i := range f.score.Tokens[:2] {
				f.score.Tokens[i].Rank, f.score.Tokens[i].Margin = 1, 0.9
			}
		}, Invalid, RuleMean},
		{"many near ties", func(_ *Policy, f *fake, _ *Claim) {
			for i := range f.score.Tokens[:3] {
				f.score.Tokens[i].Rank, f.score.Tokens[i].Margin = 1, 0.01
			}
		}, Invalid, RuleSwaps},
		{"likely but not chosen", func(_ *Policy, f *fake, _ *Claim) {
			for i := range f.score.Tokens {
				f.score.Tokens[i].Logprob, f.score.Tokens[i].Rank, f.score.Tokens[i].Margin = -0.01, 1, 2
			}
		}, Invalid, RuleMargin},

		{"system message dropped", func(p *Policy, f *fake, _ *Claim) { droppedAt(p, f, 0.09) }, Invalid, RuleDropped},
		{"system message dropped, perhaps", func(p *Policy, f *fake, _ *Claim) { droppedAt(p, f, 0.096) }, Valid, RuleAll},
		{"system message dropped, and nobody looks", func(p *Policy, f *fake, _ *Claim) { droppedAt(p, f, 0) }, Valid, RuleAll},
		{"system message that the model can't do without", func(p *Policy, f *fake, _ *Claim) {
			droppedAt(p, f, 0.01)
			f.bare = func() (model.Score, error) { return model.Score{}, model.ErrRequest }
		}, Valid, RuleAll},
		{"request without system message fails", func(p *Policy, f *fake, _ *Claim) {
			droppedAt(p, f, 0.01)
			f.bare = func() (model.Score, error) { return model.Score{}, model.ErrBusy }
		}, Abstain, RuleEngine},
		{"request without system message scored in part", func(p *Policy, f *fake, _ *Claim) {
			droppedAt(p, f, 0.01)
			f.bare = func() (model.Score, error) { return model.Score{PromptTokens: 12, Tokens: honestTokens(3, -1)}, nil }
		}, Abstain, RuleEngine},

		{"fits other questions better", func(_ *Policy, f *fake, _ *Claim) {
			f.others = func(_ string, n int) (model.Score, error) {
				return model.Score{PromptTokens: 9, Tokens: honestTokens(n, -0.1)}, nil
			}
		}, Invalid, RuleAsk},
		{"other question fails", func(_ *Policy, f *fake, _ *Claim) {
			f.others = func(string, int) (model.Score, error) { return model.Score{}, model.ErrBusy }
		}, Abstain, RuleEngine},
		{"other question scored in part", func(_ *Policy, f *fake, _ *Claim) {
			f.others = func(_ string, n int) (model.Score, error) {
				return model.Score{PromptTokens: 9, Tokens: honestTokens(n-1, -3)}, nil
			}
		}, Abstain, RuleEngine},
		{"other question scored NaN", func(_ *Policy, f *fake, _ *Claim) {
			f.others = func(_ string, n int) (model.Score, error) {
				return model.Score{PromptTokens: 9, Tokens: honestTokens(n, math.NaN())}, nil
			}
		}, Abstain, RuleEngine},

		{"model says no", func(p *Policy, f *fake, _ *Claim) {
			p.Ask = Ask{How: AskYesNo, Least: 0.5}
			f.top = []model.Logprob{{Text: "No", Logprob: math.Log(0.6)}, {Text: "yes", Logprob: math.Log(0.3)}}
		}, Invalid, RuleAsk},
		{"model says something else", func(p *Policy, f *fake, _ *Claim) {
			p.Ask = Ask{How: AskYesNo, Least: 0.5}
			f.top = []model.Logprob{{Text: "yesterday", Logprob: -0.1}, {Text: "yes", Logprob: -5}}
		}, Abstain, RuleAsk},
		{"model says nothing", func(p *Policy, f *fake, _ *Claim) {
			p.Ask = Ask{How: AskYesNo, Least: 0.5}
			f.top = nil
		}, Abstain, RuleAsk},
		{"yes with no probability", func(p *Policy, f *fake, _ *Claim) {
			p.Ask = Ask{How: AskYesNo, Least: 0.5}
			f.top = []model.Logprob{{Text: "yes", Logprob: math.NaN()}}
		}, Abstain, RuleEngine},
		{"model can't be asked", func(p *Policy, f *fake, _ *Claim) {
			p.Ask = Ask{How: AskYesNo, Least: 0.5}
			f.err.generate = model.ErrBusy
		}, Abstain, RuleEngine},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, f, c := strict(), honestFake(), honestClaim()
			tt.change(&p, f, &c)
			v := p.Judge(t.Context(), f, c)
			if v.Kind != tt.kind || v.Rule != tt.rule {
				t.Errorf("%v by %q (%s), want %v by %q", v.Kind, v.Rule, v.Reason, tt.kind, tt.rule)
			}
			if v.Reason == "" {
				t.Error("no reason given")
			}
			if _, err := json.Marshal(v); err != nil {
				t.Errorf("verdict can't be shown: %v", err)
			}
		})
	}
}

// TestSystemMessageIsLookedForOnlyInDoubt: a margin within the threshold can't exceed it by a difference.
func TestSystemMessageIsLookedForOnlyInDoubt(t *testing.T) {
	for _, c := range []struct {
		name      string
		threshold float64
		system    bool
		want      int
	}{
		{"in doubt", 0.004, true, 2}, {"not in doubt", 0.005, true, 1}, {"without one", 0.004, false, 1}, {"opened", maxLogits, true, 2},
	} {
		p, f, claim := strict(), honestFake(), honestClaim()
		p.Ask, p.Rescore.Dropped = Ask{}, c.threshold
		if !c.system {
			claim.Request.Messages = []model.Message{{Role: "user", Content: "Hello."}, claim.Request.Messages[1]}
		}
		v := p.Judge(t.Context(), f, claim)
		if v.Kind != Valid || len(f.asked) != c.want || v.Evidence.Compared != (c.want == 2) {
			t.Errorf("%s: %v by %q after %d scores, not %d: %+v", c.name, v.Kind, v.Rule, len(f.asked), c.want, v.Evidence)
		}
	}
}

func TestNoEngineAbstains(t *testing.T) {
	if v := strict().Judge(t.Context(), nil, honestClaim()); v.Kind != Abstain || v.Rule != RuleEngine {
		t.Errorf("%v by %q: %s", v.Kind, v.Rule, v.Reason)
	}
}

// TestLateScoreIsNoVote has an engine that ignores its context and answers when the time is over.
func TestLateScoreIsNoVote(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := honestFake()
	f.after = cancel
	if v := strict().Judge(ctx, f, honestClaim()); v.Kind != Abstain || v.Rule != RuleEngine {
		t.Errorf("%v by %q: %s", v.Kind, v.Rule, v.Reason)
	}
}

func TestAnswerMayEndAtTheLimitOrAtTheContext(t *testing.T) {
	f, c := honestFake(), honestClaim()
	f.score.Tokens[3].End = false
	c.Request.MaxTokens = 4
	if v := strict().Judge(t.Context(), f, c); v.Kind != Valid {
		t.Errorf("at the request's limit: %v by %q: %s", v.Kind, v.Rule, v.Reason)
	}
	p := strict()
	p.Context, c.Request.MaxTokens = 24, 8
	if v := p.Judge(t.Context(), f, c); v.Kind != Valid {
		t.Errorf("at the context: %v by %q: %s", v.Kind, v.Rule, v.Reason)
	}
}

func TestShortAnswerMayHoldANearTie(t *testing.T) {
	p, f, c := strict(), honestFake(), honestClaim()
	p.Short, p.Rescore.Swaps = 16, 0.1
	c.Tokens, c.Text = []int32{10, 2}, "It"
	f.score.Tokens, f.score.Text = []model.TokenScore{{Logprob: -1, Rank: 1, Margin: 0.3}, {Logprob: -1, End: true}}, "It"
	if v := p.Judge(t.Context(), f, c); v.Kind != Valid {
		t.Errorf("%v by %q: %s", v.Kind, v.Rule, v.Reason)
	}
}

// TestOnlyHonestScoresAreEverValid is the rule that everything else serves: whatever numbers an engine returns, valid is
// said only of whole, finite scores within the thresholds.
func TestOnlyHonestScoresAreEverValid(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	odd := []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, math.MaxFloat64, 0}
	number := func() float64 {
		if rng.IntN(8) == 0 {
			return odd[rng.IntN(len(odd))]
		}
		return rng.Float64() * 1.2
	}
	seen := make(map[Kind]int)
	for range 5000 {
		p, f, c := strict(), honestFake(), honestClaim()
		p.Ask = Ask{}
		n := len(c.Tokens)
		if rng.IntN(8) == 0 {
			n = rng.IntN(7)
		}
		f.score.Tokens = make([]model.TokenScore, n)
		for i := range f.score.Tokens {
			s := model.TokenScore{Logprob: -1, End: i == 3}
			if rng.IntN(3) == 0 {
				s.Rank, s.Margin = rng.IntN(4)-1, number()
			}
			if rng.IntN(20) == 0 {
				s.Logprob, s.End = -number(), !s.End
			}
			f.score.Tokens[i] = s
		}
		v := p.Judge(t.Context(), f, c)
		sum, swaps, honest := 0.0, 0, n == len(c.Tokens)
		for i, s := range f.score.Tokens {
			honest = honest && s.Margin >= 0 && s.Margin <= p.Rescore.MaxMargin && s.Rank >= 0 &&
				!math.IsNaN(s.Logprob) && !math.IsInf(s.Logprob, 0) && (s.Rank > 0 || s.Margin == 0) &&
				s.End == (i == len(c.Tokens)-1)
			sum += s.Margin
			if s.Rank > 0 {
				swaps++
			}
		}
		honest = honest && sum/4 <= p.Rescore.MeanMargin && float64(swaps)/4 <= p.Rescore.Swaps
		if seen[v.Kind]++; (v.Kind == Valid) != honest {
			t.Fatalf("%v by %q (%s) of %+v", v.Kind, v.Rule, v.Reason, f.score.Tokens)
		}
	}
	if seen[Valid] < 100 || seen[Invalid] < 100 || seen[Abstain] < 100 {
		t.Errorf("too few of a kind to say anything: %v", seen)
	}
}
