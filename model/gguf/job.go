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
	out    chan event
}

// need is how many tokens a job may come to keep in the cache. The last one is never fed.
func (j *job) need() int {
	return len(j.prompt) + max(j.max, len(j.given)) - 1
}

// event is what the loop tells a caller: a token, or the end with result or error.
type event struct {
	token  model.Token
	id     int32
	last   bool // of the answer
	end    bool
	finish string
	cached int // tokens of the prompt that were in the cache
	scores []model.TokenScore
	embeds [][]float32
	err    error
}

// submit queues a job, or says that the queue is full.
func (e *Engine) submit(ctx context.Context, j *job) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.shut {
		return model.ErrClosed
	}
	return e.queue.push(j)
}

// listen returns the next event of a job.
func (e *Engine) listen(ctx context.Context, j *job) (event, error) {
	select {
	case v := <-j.out:
		return v, v.err
	case <-ctx.Done():
		return event{}, ctx.Err()
	case <-e.stopped:
		select {
		case v := <-j.out: // told before the loop ended
			return v, v.err
		default:
			return event{}, model.ErrClosed
		}
	}
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
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	j := &job{gone: ctx.Done(), prompt: prompt, max: min(r.MaxTokens, room), top: r.Top, rule: sampling.New(r.Sampling), stops: r.Stop, gbnf: gbnf}
	if r.Controls != nil {
		j.full = sampling.NewFull(*r.Controls)
	}
	j.out = make(chan event, j.max+1) // holds the whole answer
	if err := e.submit(ctx, j); err != nil {
		return model.Result{}, err
	}
	result := model.Result{PromptTokens: len(prompt)}
	filter := newCallFilter(len(r.Tools) > 0 && r.ToolChoice != model.ToolNone)
	for {
		v, err := e.listen(ctx, j)
		if err != nil {
			return model.Result{}, err
		}
		if v.end {
			result.Finish, result.CachedTokens = v.finish, v.cached
			if result.ToolCalls != nil && v.finish == model.FinishStop {
				result.Finish = model.FinishTools
			}
			return result, nil
		}
		v.token.Text = filter.add(v.token.Text)
		if v.last {
			var tail string
			result.ToolCalls, result.Text, tail = filter.end(r.Tools)
			v.token.Text += tail
		}
		result.Tokens = append(result.Tokens, v.id)
		if err := emit(v.token); err != nil {
			return model.Result{}, err
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
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	j := &job{gone: ctx.Done(), prompt: prompt, given: tokens, rule: sampling.New(r.Sampling), out: make(chan event, 1)}
	if err := e.submit(ctx, j); err != nil {
		return model.Score{}, err
	}
	v, err := e.listen(ctx, j)
	if err != nil {
		return model.Score{}, err
	}
	return model.Score{PromptTokens: len(prompt), Tokens: v.scores, Text: e.vocab.spell(tokens)}, nil
}
