package gguf

import (
	"context"
	"fmt"
	"strings"

	"funai/model"
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
	rule   *sampling.Rule
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
	end    bool
	finish string
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
	select {
	case e.queue <- j:
		return nil
	default:
		return fmt.Errorf("%w: %d requests are waiting", model.ErrBusy, cap(e.queue))
	}
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
	prompt, err := e.prompt(r.Messages)
	if err != nil {
		return model.Result{}, err
	}
	room := e.info.Context - len(prompt)
	if room < 1 {
		return model.Result{}, fmt.Errorf("%w: %d tokens of prompt leave no room in %d", model.ErrTooLong, len(prompt), e.info.Context)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	j := &job{gone: ctx.Done(), prompt: prompt, max: min(r.MaxTokens, room), top: r.Top, rule: sampling.New(r.Sampling)}
	j.out = make(chan event, j.max+1) // holds the whole answer
	if err := e.submit(ctx, j); err != nil {
		return model.Result{}, err
	}
	result := model.Result{PromptTokens: len(prompt)}
	var text strings.Builder
	for {
		v, err := e.listen(ctx, j)
		if err != nil {
			return model.Result{}, err
		}
		if v.end {
			result.Text, result.Finish = text.String(), v.finish
			return result, nil
		}
		text.WriteString(v.token.Text)
		result.Tokens = append(result.Tokens, v.id)
		if err := emit(v.token); err != nil {
			return model.Result{}, err
		}
	}
}

// Score implements model.Engine.
func (e *Engine) Score(ctx context.Context, r model.Request, tokens []int32) (model.Score, error) {
	if len(tokens) == 0 {
		return model.Score{}, fmt.Errorf("%w: no tokens to score", model.ErrRequest)
	}
	for i, t := range tokens {
		if t < 0 || int(t) >= len(e.vocab.pieces) {
			return model.Score{}, fmt.Errorf("%w: token %d is %d, the vocabulary has %d", model.ErrRequest, i, t, len(e.vocab.pieces))
		}
	}
	prompt, err := e.prompt(r.Messages)
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
