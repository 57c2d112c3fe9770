package openai

import (
	"context"
	"fmt"
	"strings"

	"funai/model"

	api "github.com/openai/openai-go/v3"
)

// noID is the id of a token whose server doesn't tell it.
const noID = -1

func check(r model.Request) error {
	if len(r.Messages) == 0 || r.MaxTokens < 1 || r.Top < 0 || r.Top > 20 {
		return fmt.Errorf("%w: %d messages, %d tokens, %d alternatives", model.ErrRequest, len(r.Messages), r.MaxTokens, r.Top)
	}
	for i, m := range r.Messages {
		if m.Role != "system" && m.Role != "user" && m.Role != "assistant" {
			return fmt.Errorf("%w: role %q of message %d is none of system, user, assistant", model.ErrRequest, m.Role, i)
		}
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
	ctx, end, err := e.begin(ctx)
	if err != nil {
		return model.Result{}, err
	}
	defer end()
	p := e.params(r)
	p.StreamOptions.IncludeUsage = api.Bool(true)
	stream := e.client.Chat.Completions.NewStreaming(ctx, p, e.wishes(r)...)
	defer stream.Close()
	var result model.Result
	var text strings.Builder
	whole, used := true, -1 // every token has its id; tokens as the server counts them
	for stream.Next() {
		chunk := stream.Current()
		if chunk.JSON.Usage.Valid() {
			result.PromptTokens, used = int(chunk.Usage.PromptTokens), int(chunk.Usage.CompletionTokens)
		}
		if len(chunk.Choices) == 0 {
			continue
		}
		choice := chunk.Choices[0]
		for _, t := range tokens(choice, read(chunk.RawJSON())) {
			if t.ID == noID {
				whole = false
			} else {
				result.Tokens = append(result.Tokens, t.ID)
			}
			text.WriteString(t.Text)
			if text.Len() > maxAnswerBytes {
				return model.Result{}, fmt.Errorf("%w: answer of more than %d bytes", ErrServer, maxAnswerBytes)
			}
			if err := emit(t); err != nil {
				return model.Result{}, err
			}
		}
		if choice.FinishReason != "" {
			result.Finish = choice.FinishReason
		}
	}
	if err := stream.Err(); err != nil {
		return model.Result{}, explain(ctx, err)
	}
	switch result.Finish {
	case model.FinishStop, model.FinishLength:
	case "":
		return model.Result{}, fmt.Errorf("%w: the answer broke off after %d bytes", ErrServer, text.Len())
	default:
		return model.Result{}, fmt.Errorf("%w: finish reason %q", ErrServer, result.Finish)
	}
	if !whole || used != len(result.Tokens) {
		result.Tokens = nil
	}
	result.Text = text.String()
	return result, nil
}

// tokens splits a chunk as its log-probabilities do. The texts together are the chunk's: should the pieces not spell it (half a
// character each), the last one carries it all.
func tokens(choice api.ChatCompletionChunkChoice, x extras) []model.Token {
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
		for _, t := range logprobs[i].TopLogprobs {
			out[i].Top = append(out[i].Top, model.Logprob{ID: noID, Text: t.Token, Logprob: t.Logprob})
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
	answer, err := e.client.Chat.Completions.New(ctx, e.params(r), e.wishes(r)...)
	if err != nil {
		return 0, explain(ctx, err)
	}
	if !answer.JSON.Usage.Valid() {
		return 0, fmt.Errorf("%w: counting tokens", model.ErrUnsupported)
	}
	return int(answer.Usage.PromptTokens), nil
}
