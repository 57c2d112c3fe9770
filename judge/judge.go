// Package judge says whether a claimed answer is the one that the model owes to a request: by scoring the claimed tokens
// again with the judge's own copy of the model (Token-DiFR, arXiv 2511.20621), by asking whether the answer fits the
// question (FUN AI whitepaper, section 4), and by an encoder's score of the pair (proof of quality, arXiv 2405.17934). It imports package model and nothing else of the project; it reads no clock, no
// chain and no network, and a verdict is a function of policy, claim and what the engine computes.
//
// Everything fails closed. A claim is valid only when every check ran to its end and passed; it is invalid when it is
// provably wrong; when the judge's own engine can't say, the verdict is to abstain. What the server reports about
// probabilities is not even part of a claim, and the likelihood of a text alone never counts: a server could answer with
// a small model and report the large one's numbers.
package judge

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"funai/model"
)

// Kind is what a verdict says. The values are those of the inference chain's openings; zero is no verdict.
type Kind byte

const (
	// Valid says that every check passed.
	Valid Kind = 1
	// Invalid says that the claim is provably wrong.
	Invalid Kind = 2
	// Abstain says that this judge can't tell: its engine is missing, busy, broken or out of time.
	Abstain Kind = 3
)

// String returns the kind in one lower-case word.
func (k Kind) String() string {
	switch k {
	case Valid:
		return "valid"
	case Invalid:
		return "invalid"
	case Abstain:
		return "abstain"
	default:
		return "none"
	}
}

// MarshalText writes the kind as its word.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Rule names the check that decided a verdict. Rules are few and fixed, so that they can label a metric.
type Rule string

// The rules, in the order in which they are checked.
const (
	RulePolicy Rule = "policy" // the policy is malformed or for another model
	RuleEngine Rule = "engine" // the judge's engine can't answer
	RuleClaim  Rule = "claim"  // the claim contradicts itself or its request
	RulePrompt Rule = "prompt" // the request can't be answered, or its token count is another
	RuleEnd    Rule = "end"    // the answer goes on past its end, or ends where it shouldn't
	RuleText   Rule = "text"   // the tokens spell another text
	RuleMargin Rule = "margin" // one token is far from the model's choice
	RuleMean   Rule = "mean"   // the tokens together are far from the model's choices
	RuleSwaps  Rule = "swaps"  // too many tokens are not the model's choice
	// RuleDropped is about tokens that fit the request without its system messages better.
	RuleDropped Rule = "dropped"
	RuleAsk     Rule = "ask" // the answer doesn't fit the question
	// RuleQuality is about an answer that an encoder finds far from the question.
	RuleQuality Rule = "quality"
	RuleAll     Rule = "all" // every check passed
)

// Claim is what a server says it did.
type Claim struct {
	Request      model.Request
	Text         string  // the answer
	Tokens       []int32 // its token ids, the end token included if the model ended the answer
	PromptTokens int     // how many tokens the request's messages made
}

// Verdict is one judge's decision on one claim.
type Verdict struct {
	Kind     Kind     `json:"kind"`
	Rule     Rule     `json:"rule"`   // the check that decided
	Reason   string   `json:"reason"` // for people; holds no content of the request or the answer
	Evidence Evidence `json:"evidence"`
}

// Scorer is the part of a model.Engine that judging needs.
type Scorer interface {
	Info() model.Info
	Score(ctx context.Context, r model.Request, tokens []int32) (model.Score, error)
	CountPrompt(ctx context.Context, r model.Request) (int, error)
	Generate(ctx context.Context, r model.Request, emit func(model.Token) error) (model.Result, error)
}

// Judge decides on the claim with the judge's own copy of the model, and without an encoder: a policy that names one makes
// it abstain.
func (p Policy) Judge(ctx context.Context, e Scorer, c Claim) Verdict {
	return p.JudgeWith(ctx, e, nil, c)
}

// JudgeWith decides on the claim with the judge's own copy of the model and, where the policy names one, an encoder; nil is
// none. It always returns a verdict: whatever goes wrong on this side, a context that is done included, is an abstention
// that says why.
func (p Policy) JudgeWith(ctx context.Context, e Scorer, enc Encoder, c Claim) Verdict {
	v := Verdict{Evidence: Evidence{Model: p.Model}}
	if err := p.judge(ctx, e, enc, c, &v.Evidence); err != nil {
		var f *finding
		if !errors.As(err, &f) {
			f = &finding{Abstain, RuleEngine, err.Error()}
		}
		v.Kind, v.Rule, v.Reason = f.kind, f.rule, f.reason
		return v
	}
	v.Kind, v.Rule = Valid, RuleAll
	v.Reason = fmt.Sprintf("%d tokens are the model's own (largest margin %.3g of %.3g logits)",
		v.Evidence.Tokens, v.Evidence.MaxMargin, p.Rescore.MaxMargin)
	return v
}

// judge returns nil if every check ran and passed, and a finding or the engine's error otherwise.
func (p Policy) judge(ctx context.Context, e Scorer, enc Encoder, c Claim, ev *Evidence) error {
	if err := p.Validate(); err != nil {
		return &finding{Abstain, RulePolicy, err.Error()}
	}
	if err := p.suits(e, c); err != nil {
		return err
	}
	if err := p.Quality.suits(enc); err != nil {
		return err
	}
	s, err := p.rescore(ctx, e, c, ev)
	if err != nil {
		return err
	}
	if err := p.Rescore.check(*ev); err != nil {
		return err
	}
	if err := p.dropped(ctx, e, c, ev); err != nil {
		return err
	}
	if err := p.Rescore.checkDropped(*ev); err != nil {
		return err
	}
	if err := p.ask(ctx, e, c, s, ev); err != nil {
		return err
	}
	if !p.Agree {
		if err := p.Ask.check(*ev); err != nil {
			return err
		}
	}
	if err := p.Quality.measure(ctx, enc, c, ev); err != nil {
		return err
	}
	if err := p.second(*ev); err != nil {
		return err
	}
	// The last word: an engine that ignores its context must not turn a late answer into a vote.
	return ctx.Err()
}

// second hears the witnesses of the second line, those that could be asked.
func (p Policy) second(ev Evidence) error {
	ask, quality := p.Ask.check(ev), p.Quality.check(ev)
	if p.Agree && ev.Asked != AskNothing && (ask == nil || quality == nil) {
		return nil
	}
	return cmp.Or(ask, quality)
}

// Decide applies the policy's thresholds to evidence that judging by p.Opened() measured, and returns what judging by the
// policy itself would have found: Valid or Invalid, and the rule.
func (p Policy) Decide(ev Evidence) (Kind, Rule) {
	err := cmp.Or(p.Rescore.check(ev), p.Rescore.checkDropped(ev))
	if err == nil {
		err = p.second(ev)
	}
	var f *finding
	if errors.As(err, &f) {
		return f.kind, f.rule
	}
	return Valid, RuleAll
}

// suits says whether this engine can judge this claim at all.
func (p Policy) suits(e Scorer, c Claim) error {
	if e == nil {
		return abstain(RuleEngine, "no engine for model %q", p.Model)
	}
	switch info := e.Info(); {
	case info.Name != p.Model:
		return abstain(RulePolicy, "the policy is for model %q, the engine runs %q", p.Model, info.Name)
	case c.Request.Controls != nil || len(c.Request.Stop) > 0 || c.Request.Grammar != "" || len(c.Request.Schema) > 0:
		return abstain(RuleClaim, "nobody can redo an answer that was shaped by more than model.Sampling")
	case !info.Scores:
		return abstain(RuleEngine, "the engine can't score tokens")
	case c.Request.Sampling.TemperatureMilli > 0 && !info.Samples:
		return abstain(RuleEngine, "the engine can't redo sampling at temperature %d/1000", c.Request.Sampling.TemperatureMilli)
	}
	return nil
}

// finding ends a judgement.
type finding struct {
	kind   Kind
	rule   Rule
	reason string
}

func (f *finding) Error() string { return f.reason }

func abstain(r Rule, format string, args ...any) error {
	return &finding{Abstain, r, fmt.Sprintf(format, args...)}
}

func invalid(r Rule, format string, args ...any) error {
	return &finding{Invalid, r, fmt.Sprintf(format, args...)}
}
