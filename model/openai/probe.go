package openai

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"funai/model"

	api "github.com/openai/openai-go/v3"
)

// abilities are what a server showed that it can do.
type abilities struct {
	logprobs  bool // log-probabilities of answers
	tokenIDs  bool // ids of prompt and answer (vLLM's return_token_ids)
	scores    bool // log-probabilities of given tokens (vLLM's prompt_logprobs)
	embeds    bool
	tools     bool // calls of tools
	schemas   bool // answers that keep to a JSON schema
	newLimits bool // wants max_completion_tokens, not max_tokens
	context   int  // tokens; 0: not said
}

// extras are the fields beyond OpenAI's own that we read of an answer or a chunk of one.
type extras struct {
	PromptTokenIDs []int32 `json:"prompt_token_ids"`
	Choices        []struct {
		PromptTokenIDs []int32 `json:"prompt_token_ids"`
		TokenIDs       []int32 `json:"token_ids"`
		Logprobs       struct {
			Content []struct {
				ID *int32 `json:"id"` // llama.cpp
			} `json:"content"`
		} `json:"logprobs"`
	} `json:"choices"`
}

// read takes the extras out of raw JSON; what isn't as expected isn't there.
func read(raw string) (x extras) {
	if json.Unmarshal([]byte(raw), &x) != nil {
		return extras{}
	}
	if len(x.Choices) > 0 && x.PromptTokenIDs == nil {
		x.PromptTokenIDs = x.Choices[0].PromptTokenIDs
	}
	return x
}

// probe asks for one token with everything, then with less and less until the server says yes.
func (e *Engine) probe(ctx context.Context) error {
	hello := model.Request{Messages: []model.Message{{Role: "user", Content: "Hi"}}, MaxTokens: 1, Top: 1}
	var last error
	for _, e.can = range []abilities{{logprobs: true, tokenIDs: true}, {logprobs: true}, {}, {newLimits: true}} {
		answer, err := e.client.Chat.Completions.New(ctx, e.params(hello), e.wishes(hello)...)
		var refused *api.Error
		if errors.As(err, &refused) && (refused.StatusCode == http.StatusBadRequest || refused.StatusCode == http.StatusUnprocessableEntity) {
			last = err
			continue
		}
		if err != nil {
			return explain(ctx, err)
		}
		x := read(answer.RawJSON())
		e.can.logprobs = len(answer.Choices) > 0 && len(answer.Choices[0].Logprobs.Content) > 0
		e.can.tokenIDs = len(x.PromptTokenIDs) > 0 && len(x.Choices) > 0 && len(x.Choices[0].TokenIDs) > 0
		if e.can.tokenIDs {
			tokens := slices.Concat(x.PromptTokenIDs, x.Choices[0].TokenIDs)
			scores, err := e.promptLogprobs(ctx, tokens)
			e.can.scores = err == nil && len(scores) == len(tokens)
		}
		_, err = e.embed(ctx, []string{"Hi"})
		e.can.embeds = err == nil
		e.can.tools = e.takes(ctx, model.Request{Tools: []model.Tool{{Name: "nothing", Description: "Does nothing."}}})
		e.can.schemas = e.takes(ctx, model.Request{Schema: json.RawMessage(`{"type":"object","properties":{},"additionalProperties":false}`)})
		e.can.context = e.listed(ctx)
		return ctx.Err()
	}
	return explain(ctx, last)
}

// takes tries whether the server accepts a request for one token.
func (e *Engine) takes(ctx context.Context, r model.Request) bool {
	r.Messages, r.MaxTokens = []model.Message{{Role: "user", Content: "Hi"}}, 1
	_, err := e.client.Chat.Completions.New(ctx, e.params(r), e.wishes(r)...)
	return err == nil
}

// listed is the context that the server's list of models gives, in vLLM's or llama.cpp's field; 0 if in none.
func (e *Engine) listed(ctx context.Context) int {
	var list struct {
		Data []struct {
			ID          string `json:"id"`
			MaxModelLen int    `json:"max_model_len"`
			Meta        struct {
				NCtx int `json:"n_ctx"`
			} `json:"meta"`
		} `json:"data"`
	}
	if e.client.Get(ctx, "models", nil, &list) != nil {
		return 0
	}
	for _, m := range list.Data {
		if m.ID == e.name {
			return max(m.MaxModelLen, m.Meta.NCtx, 0)
		}
	}
	return 0
}
