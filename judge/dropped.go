package judge

import (
	"context"
	"errors"
	"slices"

	"funai/model"
)

// dropped looks whether the answer is rather one to the request without its system messages, which is the cheapest prompt to
// leave out. A model that hardly heeds them answers nearly as it owes, so that no margin is large; but where the two
// prompts part, the tokens of such a server follow the wrong one, and their margins there are smaller by the shorter prompt.
// Engines' noise is on both sides and cancels, so a much smaller difference tells than a mean margin could.
//
// Without system messages there is nothing to drop, and while the mean margin is itself within the threshold, no difference
// can exceed it: most honest answers cost nothing here.
func (p Policy) dropped(ctx context.Context, e Scorer, c Claim, ev *Evidence) error {
	opened := p.Rescore.Dropped == maxLogits
	if p.Rescore.Dropped == 0 || ev.MeanMargin <= p.Rescore.Dropped && !opened {
		return nil
	}
	r := c.Request
	r.Messages = slices.DeleteFunc(slices.Clone(r.Messages), func(m model.Message) bool { return m.Role == "system" })
	if len(r.Messages) == len(c.Request.Messages) || len(r.Messages) == 0 {
		return nil
	}
	s, err := e.Score(ctx, r, c.Tokens)
	switch {
	case errors.Is(err, model.ErrRequest):
		return nil // this model can't be asked without
	case err != nil:
		return abstain(RuleEngine, "the answer can't be scored without the system messages: %v", err)
	}
	if err := whole(s, s.PromptTokens, len(c.Tokens)); err != nil {
		return err
	}
	without := Evidence{}
	p.margins(s.Tokens, &without)
	ev.Compared, ev.Without = true, without.MeanMargin
	return nil
}

// checkDropped compares what dropped measured with the policy's threshold.
func (r Rescore) checkDropped(ev Evidence) error {
	if by := ev.MeanMargin - ev.Without; r.Dropped > 0 && ev.Compared && by > r.Dropped {
		return invalid(RuleDropped, "the tokens are nearer to the model's choices without the system messages, by %.3g logits on average (at most %.3g)",
			by, r.Dropped)
	}
	return nil
}
