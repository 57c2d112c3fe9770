package gguf

import (
	"context"
	"errors"
	"fmt"

	"funai/model"
	"funai/model/grammar"
	"funai/model/sampling"
)

// maxTop is how many alternatives of a token can be asked for (package model).
const maxTop = 20

// job is one request on its way through the loop. The loop owns it from the queue on; the caller listens to out.
type job struct {
	client string
	from   *line           // once it runs
	gone   <-chan struct{} // closed when the caller doesn't wait any more
	prompt []int32
	given  []int32 // to be scored; nil: an answer is generated
	max    int     // tokens to generate
	top    int
	rule   *sampling.Rule // of model.Sampling; scoring goes by it
	full   *sampling.Full // of model.Controls; nil: rule
	stops  []string
	gbnf   string    // grammar that the answer keeps to; empty: none
	texts  [][]int32 // to be embedded; nil otherwise
	out    *mailbox
}

// need is how many tokens a job may come to keep in the cache. The last one is never fed.
func (j *job) need() int {
	if j.texts != nil {
		return 0
	}
	return len(j.prompt) + max(j.max, len(j.given)) - 1
}

// submit queues a job, or says that the queue is full. The context it returns is the job's, which ends, and its place with it, when
// leave is called.
func (e *Engine) submit(ctx context.Context, j *job) (_ context.Context, leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.shut {
		return nil, nil, model.ErrClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	j.gone, j.out = ctx.Done(), newMailbox()
	if err := e.queue.push(j); err != nil {
		cancel()
		return nil, nil, err
	}
	return ctx, func() { cancel(); e.queue.forget(j) }, nil
}

// listen returns the next events of a job: tokens, and the end after the last of them.
func (e *Engine) listen(ctx context.Context, j *job) ([]event, error) {
	select {
	case <-j.out.ready:
		return j.out.take(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-e.stopped:
		if events := j.out.take(); len(events) > 0 { // told before the loop ended
			return events, nil
		}
		return nil, model.ErrClosed
	}
}

// result waits for the end of a job that tells nothing before it.
func (e *Engine) result(ctx context.Context, j *job) (*ending, error) {
	events, err := e.listen(ctx, j)
	if err != nil {
		return nil, err
	}
	return events[0].end, events[0].end.err
}

// Generate implements model.Engine. A slow emit delays nobody else: the loop's side of a stream never waits.
func (e *Engine) Generate(ctx context.Context, r model.Request, emit func(model.Token) error) (model.Result, error) {
	if r.MaxTokens < 1 || r.Top < 0 || r.Top > maxTop {
		return model.Result{}, fmt.Errorf("%w: %d tokens and %d alternatives; at least 1 and at most %d", model.ErrRequest, r.MaxTokens, r.Top, maxTop)
	}
	gbnf, err := shape(r)
	if err := errors.Join(err, checkStops(r.Stop), sampling.CheckControls(r.Controls)); err != nil {
		return model.Result{}, err
	}
	prompt, err := e.prompt(ctx, r)
	if err != nil {
		return model.Result{}, err
	}
	room := e.info.Context - len(prompt)
	if room < 1 {
		return model.Result{}, fmt.Errorf("%w: %d tokens of prompt leave no room in %d", model.ErrTooLong, len(prompt), e.info.Context)
	}
	j := &job{client: r.Client, prompt: prompt, max: min(r.MaxTokens, room), top: r.Top, rule: sampling.New(r.Sampling), stops: r.Stop, gbnf: gbnf}
	if r.Controls != nil {
		j.full = sampling.NewFull(*r.Controls)
	}
	ctx, leave, err := e.submit(ctx, j)
	if err != nil {
		return model.Result{}, err
	}
	defer leave()
	result := model.Result{PromptTokens: len(prompt)}
	filter := newCallFilter(len(r.Tools) > 0 && r.ToolChoice != model.ToolNone)
	for {
		events, err := e.listen(ctx, j)
		if err != nil {
			return model.Result{}, err
		}
		for _, v := range events {
			if v.end != nil {
				result.Finish, result.CachedTokens = v.end.finish, v.end.cached
				if result.ToolCalls != nil && result.Finish == model.FinishStop {
					result.Finish = model.FinishTools
				}
				if v.end.err != nil {
					result = model.Result{}
				}
				return result, v.end.err
			}
			v.token.Text = filter.add(v.token.Text)
			if v.last {
				var tail string
				result.ToolCalls, result.Text, tail = filter.end(r.Tools)
				v.token.Text += tail
			}
			result.Tokens = append(result.Tokens, v.token.ID)
			if err := emit(v.token); err != nil {
				return model.Result{}, err
			}
		}
	}
}

// shape is the grammar that a request asks for, in one of three ways.
func shape(r model.Request) (string, error) {
	forced := r.ToolChoice == model.ToolRequired
	for _, t := range r.Tools {
		forced = forced || t.Name == r.ToolChoice
	}
	switch {
	case r.Grammar != "" && r.Schema != nil || forced && (r.Grammar != "" || r.Schema != nil):
		return "", fmt.Errorf("%w: grammar, schema and a tool that must be called: one of them is allowed", model.ErrRequest)
	case forced:
		if err := checkTools(r.Tools, r.ToolChoice); err != nil {
			return "", err
		}
		return callGrammar(r.Tools, r.ToolChoice)
	case r.Schema != nil:
		return grammar.FromSchema(r.Schema)
	case r.Grammar != "":
		return r.Grammar, grammar.Check(r.Grammar)
	}
	return "", nil
}

// Score implements model.Engine.
func (e *Engine) Score(ctx context.Context, r model.Request, tokens []int32) (model.Score, error) {
	if len(tokens) == 0 {
		return model.Score{}, fmt.Errorf("%w: no tokens to score", model.ErrRequest)
	}
	if r.Controls != nil || r.Grammar != "" || r.Schema != nil {
		return model.Score{}, fmt.Errorf("%w: scoring under controls or a grammar; sampling alone can be redone", model.ErrUnsupported)
	}
	for i, t := range tokens {
		if t < 0 || int(t) >= len(e.vocab.pieces) {
			return model.Score{}, fmt.Errorf("%w: token %d is %d, the vocabulary has %d", model.ErrRequest, i, t, len(e.vocab.pieces))
		}
	}
	prompt, err := e.prompt(ctx, r)
	if err != nil {
		return model.Score{}, err
	}
	if len(prompt)+len(tokens) > e.info.Context {
		return model.Score{}, fmt.Errorf("%w: %d tokens of prompt and %d of answer, %d fit", model.ErrTooLong, len(prompt), len(tokens), e.info.Context)
	}
	j := &job{client: r.Client, prompt: prompt, given: tokens, rule: sampling.New(r.Sampling)}
	ctx, leave, err := e.submit(ctx, j)
	if err != nil {
		return model.Score{}, err
	}
	defer leave()
	v, err := e.result(ctx, j)
	if err != nil {
		return model.Score{}, err
	}
	return model.Score{PromptTokens: len(prompt), Tokens: v.scores, Text: e.vocab.spell(tokens)}, nil
}
