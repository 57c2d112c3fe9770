package openai

import (
	"context"

	"funai/model"
)

// manners are what a request has to mind at a server, beside what the server can do.
type manners struct {
	toolLogprobs bool // streams log-probabilities of answers that may have calls; llama.cpp refuses
	filters      bool // takes top_k 0 and min_p 0
}

// probeManners tries them.
func (e *Engine) probeManners(ctx context.Context) (err error) {
	hello := model.Request{Messages: []model.Message{{Role: "user", Content: "Hi"}}, MaxTokens: 1}
	if e.can.Tools && e.can.Logprobs {
		r := hello
		r.Tools = []model.Tool{{Name: "ping"}}
		e.mind.toolLogprobs = true
		if e.mind.toolLogprobs, err = trial(ctx, func(ctx context.Context) (bool, error) { return e.streams(ctx, r) }); err != nil {
			return err
		}
	}
	r := hello
	r.Controls = &model.Controls{Temperature: 1}
	e.mind.filters = true
	e.mind.filters, err = trial(ctx, func(ctx context.Context) (bool, error) { return e.streams(ctx, r) })
	return err
}

// streams says whether the server answers a request in a stream.
func (e *Engine) streams(ctx context.Context, r model.Request) (bool, error) {
	stream := e.client.Chat.Completions.NewStreaming(ctx, e.params(r), e.wishes(r)...)
	defer stream.Close()
	for stream.Next() {
	}
	err := explain(ctx, stream.Err())
	return err == nil, err
}
