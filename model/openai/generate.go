package openai

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"funai/model"
	"funai/model/sampling"

	api "github.com/openai/openai-go/v3"
)

// noID is the id of a token whose server doesn't tell it.
const noID = -1

// check finds what no server could answer.
func check(r model.Request) error {
	if len(r.Messages) == 0 || r.MaxTokens < 1 || r.Top < 0 || r.Top > 20 {
		return fmt.Errorf("%w: %d messages, %d tokens, %d alternatives", model.ErrRequest, len(r.Messages), r.MaxTokens, r.Top)
	}
	for i, m := range r.Messages {
		switch m.Role {
		case "system", "user", "assistant", "tool":
		default:
			return fmt.Errorf("%w: role %.80q of message %d is none of system, user, assistant, tool", model.ErrRequest, m.Role, i)
		}
	}
	for i, t := range r.Tools {
		var fields map[string]any
		if t.Name == "" || len(t.Parameters) > 0 && json.Unmarshal(t.Parameters, &fields) != nil {
			return fmt.Errorf("%w: tool %d, %.80q, has no name, or parameters that are no JSON object", model.ErrRequest, i, t.Name)
		}
	}
	if named(r) && len(offers(r)) == 0 {
		return fmt.Errorf("%w: tool %.80q must be called and isn't among the %d tools", model.ErrRequest, r.ToolChoice, len(r.Tools))
	}
	if r.Schema != nil && !json.Valid(r.Schema) {
		return fmt.Errorf("%w: the schema isn't JSON", model.ErrRequest)
	}
	return sampling.CheckControls(r.Controls)
}

// able says what a request asks for that the server didn't show it can do: servers that don't know a field mostly leave it out
// without a word.
func (e *Engine) able(r model.Request) error {
	switch {
	case !e.can.Chat:
		return fmt.Errorf("%w: the server only embeds", model.ErrUnsupported)
	case r.Grammar != "":
		return fmt.Errorf("%w: GBNF grammars over OpenAI's API", model.ErrUnsupported)
	case len(r.Tools) > 0 && !e.can.Tools:
		return fmt.Errorf("%w: the server takes no tools", model.ErrUnsupported)
	case r.Schema != nil && !e.can.Schemas:
		return fmt.Errorf("%w: the server takes no JSON schemas", model.ErrUnsupported)
	}
	return nil
}

// Generate implements model.Engine. Where the server gives no log-probabilities, one emitted Token is one chunk of its stream
// with Logprob 0. Ids are -1, and Result.Tokens is empty, unless the server gives the id of every token: only such answers can be
// scored. The seed is only passed on.
func (e *Engine) Generate(ctx context.Context, r model.Request, emit func(model.Token) error) (model.Result, error) {
	if err := check(r); err != nil {
		return model.Result{}, err
	}
	if err := e.able(r); err != nil {
		return model.Result{}, err
	}
	ctx, end, err := e.begin(ctx)
	if err != nil {
		return model.Result{}, err
	}
	defer end()
	a := &answer{emit: emit, top: r.Top, whole: true, used: -1}
	p := e.params(r)
	p.StreamOptions.IncludeUsage = api.Bool(true)
	err = again(ctx, func() error {
		stream := e.client.Chat.Completions.NewStreaming(ctx, p, e.wishes(r)...)
		defer stream.Close()
		for stream.Next() {
			if err := a.take(stream.Current()); err != nil {
				return err
			}
		}
		return explain(ctx, stream.Err())
	})
	if err != nil {
		return model.Result{}, err
	}
	return a.finish(r)
}

// tokens splits a chunk as its log-probabilities do. The texts together are the chunk's: should the pieces not spell it (half a
// character each), the last one carries it all. Each has top alternatives at most.
func tokens(choice api.ChatCompletionChunkChoice, x extras, top int) []model.Token {
	delta, logprobs := choice.Delta.Content, choice.Logprobs.Content
	var ids []int32
	if len(x.Choices) > 0 {
		ids = x.Choices[0].TokenIDs
		for _, c := range x.Choices[0].Logprobs.Content {
			if c.ID != nil && len(x.Choices[0].TokenIDs) == 0 {
				ids = append(ids, *c.ID)
			}
		}
	}
	n := max(len(logprobs), len(ids))
	if n == 0 && delta == "" {
		return nil
	}
	out := make([]model.Token, max(n, 1))
	var spelled strings.Builder
	for i := range out {
		out[i].ID = noID
		if len(ids) == len(out) {
			out[i].ID = ids[i]
		}
		if i >= len(logprobs) {
			continue
		}
		out[i].Text, out[i].Logprob.Logprob = logprobs[i].Token, logprobs[i].Logprob
		spelled.WriteString(logprobs[i].Token)
		for k, t := range logprobs[i].TopLogprobs[:min(top, len(logprobs[i].TopLogprobs))] {
			out[i].Top = append(out[i].Top, model.Logprob{ID: x.top(i, k), Text: t.Token, Logprob: t.Logprob})
		}
	}
	if spelled.String() != delta {
		for i := range out {
			out[i].Text = ""
		}
		out[len(out)-1].Text = delta
	}
	return out
}

// CountPrompt implements model.Engine: the server's count, for which it generates one token.
func (e *Engine) CountPrompt(ctx context.Context, r model.Request) (int, error) {
	r.MaxTokens = 1
	if err := check(r); err != nil {
		return 0, err
	}
	ctx, end, err := e.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer end()
	answer, err := e.ask(ctx, r)
	if err != nil {
		return 0, err
	}
	if !answer.JSON.Usage.Valid() {
		return 0, fmt.Errorf("%w: counting tokens", model.ErrUnsupported)
	}
	return int(answer.Usage.PromptTokens), nil
}
