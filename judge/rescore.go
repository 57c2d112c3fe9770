package judge

import (
	"context"
	"errors"
	"math"

	"funai/model"
)

// rescore checks that this model, on this prompt, under this sampling, makes these tokens. It returns the score of the
// claimed tokens, checked to be whole and finite.
func (p Policy) rescore(ctx context.Context, e Scorer, c Claim, ev *Evidence) (model.Score, error) {
	if err := c.check(); err != nil {
		return model.Score{}, err
	}
	n, err := e.CountPrompt(ctx, c.Request)
	if err != nil {
		return model.Score{}, p.blame(e, err, "the request's prompt can't be run")
	}
	ev.PromptTokens, ev.Tokens = n, len(c.Tokens)
	window := p.window(e)
	switch {
	case n != c.PromptTokens:
		return model.Score{}, invalid(RulePrompt, "the prompt has %d tokens, the claim says %d", n, c.PromptTokens)
	case n+len(c.Tokens) > window:
		return model.Score{}, invalid(RulePrompt, "%d tokens of prompt and %d of answer exceed the context of %d", n, len(c.Tokens), window)
	}
	s, err := e.Score(ctx, c.Request, c.Tokens)
	if err != nil {
		return model.Score{}, p.blame(e, err, "the claimed tokens can't be run")
	}
	if err := whole(s, n, len(c.Tokens)); err != nil {
		return model.Score{}, err
	}
	if err := ends(s.Tokens, c.Request.MaxTokens, window-n); err != nil {
		return model.Score{}, unsure(e, err)
	}
	if s.Text != c.Text {
		return model.Score{}, unsure(e, invalid(RuleText,
			"the tokens spell a text of %d bytes, not the %d bytes claimed", len(s.Text), len(c.Text)))
	}
	p.margins(s.Tokens, ev)
	return s, nil
}

// check finds what is wrong with a claim on its face.
func (c Claim) check() error {
	switch {
	case len(c.Request.Messages) == 0:
		return invalid(RuleClaim, "the request has no messages")
	case c.Request.MaxTokens < 1:
		return invalid(RuleClaim, "the request asks for %d tokens", c.Request.MaxTokens)
	case len(c.Tokens) == 0:
		return invalid(RuleClaim, "the answer has no tokens")
	case len(c.Tokens) > c.Request.MaxTokens:
		return invalid(RuleClaim, "the answer has %d tokens, the request asks for %d at most", len(c.Tokens), c.Request.MaxTokens)
	case c.PromptTokens < 1:
		return invalid(RuleClaim, "the claim says that the prompt has %d tokens", c.PromptTokens)
	}
	return nil
}

// window returns how many tokens prompt and answer may have together. It is the policy's, because nodes may run the same
// model with less memory; only where the policy is silent is it the engine's.
func (p Policy) window(e Scorer) int {
	if p.Context > 0 {
		return p.Context
	}
	return e.Info().Context
}

// blame says whose fault an engine's error is. A request or a token that no copy of the model can run was not answered by
// one: that is the server's. So is a prompt beyond the context, unless this engine's own context is the smaller one.
// Everything else is this side's.
func (p Policy) blame(e Scorer, err error, what string) error {
	switch {
	case errors.Is(err, model.ErrRequest):
		return invalid(RulePrompt, "%s: %v", what, err)
	case errors.Is(err, model.ErrTooLong) && e.Info().Context >= p.window(e):
		return invalid(RulePrompt, "%s: %v", what, err)
	default:
		return abstain(RuleEngine, "%s: %v", what, err)
	}
}

// whole refuses to judge by a score that is partial or isn't made of numbers.
func whole(s model.Score, prompt, tokens int) error {
	if s.PromptTokens != prompt {
		return abstain(RuleEngine, "the engine scored a prompt of %d tokens after counting %d", s.PromptTokens, prompt)
	}
	if len(s.Tokens) != tokens {
		return abstain(RuleEngine, "the engine scored %d of %d tokens", len(s.Tokens), tokens)
	}
	for i, t := range s.Tokens {
		if !finite(t.Margin) || !finite(t.Logprob) || t.Margin < 0 || t.Rank < 0 || (t.Rank == 0 && t.Margin > 0) {
			return abstain(RuleEngine, "the engine's score of token %d is no score: margin %v, rank %d, log-probability %v",
				i, t.Margin, t.Rank, t.Logprob)
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// ends checks that the answer stops where the model would: at an end token, at the request's limit or, with room tokens
// of context left after the prompt, at the context's.
func ends(ts []model.TokenScore, limit, room int) error {
	last := len(ts) - 1
	for i, t := range ts[:last] {
		if t.End {
			return invalid(RuleEnd, "token %d of %d is an end token, and the answer goes on", i+1, len(ts))
		}
	}
	if !ts[last].End && len(ts) != limit && len(ts) != room {
		return invalid(RuleEnd, "the answer stops after %d tokens without an end token; the request allows %d, the context %d",
			len(ts), limit, room)
	}
	return nil
}

// unsure makes an abstention of what an engine finds that doesn't follow the sampling rule itself: it stands before somebody
// else's server, which doesn't tell which tokens end an answer nor how exactly they are spelled.
func unsure(e Scorer, err error) error {
	var f *finding
	if e.Info().Samples || !errors.As(err, &f) {
		return err
	}
	return abstain(f.rule, "%s, as far as this engine can tell", f.reason)
}

// margins measures how far the tokens are from the ones that the sampling rule chooses.
func (p Policy) margins(ts []model.TokenScore, ev *Evidence) {
	sum, swaps := 0.0, 0
	for i, t := range ts {
		sum += t.Margin
		if t.Margin > ev.MaxMargin {
			ev.MaxMargin, ev.Worst = t.Margin, i
		}
		if t.Rank > 0 {
			swaps++
		}
	}
	over := float64(max(len(ts), p.Short))
	ev.MeanMargin, ev.Swaps = sum/over, float64(swaps)/over
}

// check compares the margins with how far honest answers get: engines add up in different orders, so that near ties fall
// differently, but never far.
func (r Rescore) check(ev Evidence) error {
	switch {
	case ev.MaxMargin > r.MaxMargin:
		return invalid(RuleMargin, "token %d of %d is %.3g logits from the model's choice (at most %.3g)",
			ev.Worst+1, ev.Tokens, ev.MaxMargin, r.MaxMargin)
	case ev.MeanMargin > r.MeanMargin:
		return invalid(RuleMean, "the tokens are %.3g logits from the model's choices on average (at most %.3g)",
			ev.MeanMargin, r.MeanMargin)
	case ev.Swaps > r.Swaps:
		return invalid(RuleSwaps, "a share of %.3g of %d tokens is not the model's choice (at most %.3g)",
			ev.Swaps, ev.Tokens, r.Swaps)
	}
	return nil
}
