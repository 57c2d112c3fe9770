package judge

import (
	"context"
	_ "embed"
	"errors"
	"slices"
	"strings"

	"funai/model"
)

// questions is the list that contrast draws other questions from, one a line. A change of it changes verdicts.
//
//go:embed questions.txt
var questions string

// ask measures how the answer fits the question, in the way that the policy says. A question too long for the context
// leaves nothing to ask with; then the rescore, which has passed, stands alone, so that no asker can phrase a request that
// nobody may be paid for.
func (p Policy) ask(ctx context.Context, e Scorer, c Claim, s model.Score, ev *Evidence) error {
	switch p.Ask.How {
	case AskContrast:
		return p.contrast(ctx, e, c, s, ev)
	case AskYesNo:
		return p.yesno(ctx, e, c, ev)
	}
	return nil
}

// contrast compares how likely the answer is after its own question with how likely it is after others, all else being
// equal. Instructions inside the answer change nothing: they stand on both sides of the difference, and nothing that the
// model says is read.
func (p Policy) contrast(ctx context.Context, e Scorer, c Claim, own model.Score, ev *Evidence) error {
	n := min(len(c.Tokens), p.Ask.Tokens)
	total, others := 0.0, 0
	for _, q := range p.others(c) {
		r := c.Request
		r.Messages = slices.Clone(r.Messages)
		r.Messages[asked(r.Messages)].Content = q
		r.Sampling = model.Sampling{} // log-probabilities are before all sampling
		s, err := e.Score(ctx, r, c.Tokens[:n])
		if errors.Is(err, model.ErrTooLong) {
			continue
		}
		if err != nil {
			return abstain(RuleEngine, "another question's answer can't be scored: %v", err)
		}
		if err := whole(s, s.PromptTokens, n); err != nil {
			return err
		}
		for i := range n {
			total += own.Tokens[i].Logprob - s.Tokens[i].Logprob
		}
		others++
	}
	if others == 0 {
		return nil
	}
	ev.Asked, ev.Others = AskContrast, others
	ev.Answer = total / float64(others*max(n, p.Short))
	return nil
}

// check compares what asking measured, if it did, with the policy's least.
func (a Ask) check(ev Evidence) error {
	switch {
	case ev.Asked != a.How || ev.Answer >= a.Least:
		return nil
	case a.How == AskContrast:
		return invalid(RuleAsk, "the answer fits other questions better, by %.3g nats a token (%.3g at least)", -ev.Answer, a.Least)
	default:
		return invalid(RuleAsk, "the model finds that the answer doesn't fit: yes has probability %.3g (%.3g at least)", ev.Answer, a.Least)
	}
}

// asked returns the index of the message that the answer answers: the user's last one, or else the last one.
func asked(ms []model.Message) int {
	for i, m := range slices.Backward(ms) {
		if m.Role == "user" {
			return i
		}
	}
	return len(ms) - 1
}

// others returns the other questions for a claim: the same ones for every judge, from a place in the list that depends on
// the question, and never the question itself.
func (p Policy) others(c Claim) []string {
	own := c.Request.Messages[asked(c.Request.Messages)].Content
	all := slices.DeleteFunc(strings.Split(strings.TrimSpace(questions), "\n"), func(q string) bool {
		return strings.EqualFold(q, strings.TrimSpace(own))
	})
	h := digest(own)
	start := (int(h[0])<<8 | int(h[1])) % len(all)
	all = slices.Concat(all[start:], all[:start])
	return all[:min(p.Ask.Others, len(all))]
}
