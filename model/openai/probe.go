package openai

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"funai/model"

	api "github.com/openai/openai-go/v3"
)

// Abilities are what a server showed that it can do.
type Abilities struct {
	Chat      bool // answers
	Logprobs  bool // log-probabilities of answers
	TokenIDs  bool // ids of prompt and answer (vLLM's return_token_ids)
	Scores    bool // log-probabilities of given tokens (vLLM's prompt_logprobs)
	Embeds    bool
	Tools     bool // calls of tools
	Schemas   bool // answers that keep to a JSON schema
	NewLimits bool // wants max_completion_tokens, not max_tokens
	Context   int  // tokens; 0: not said
}

// Bounds of one trial. A server may take a quarter of the time that is left for each, so that one that hangs at some of them
// still gets through the others.
const (
	trialTime   = 20 * time.Second
	trialTokens = 256 // enough for a model that thinks before it calls
)

// extras are the fields beyond OpenAI's own that we read of an answer or a chunk of one.
type extras struct {
	PromptTokenIDs []int32 `json:"prompt_token_ids"`
	Choices        []struct {
		PromptTokenIDs []int32 `json:"prompt_token_ids"`
		TokenIDs       []int32 `json:"token_ids"`
		Logprobs       struct {
			Content []struct {
				ID  *int32 `json:"id"` // llama.cpp
				Top []struct {
					ID *int32 `json:"id"`
				} `json:"top_logprobs"`
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

// top is the id of the k-th alternative to the i-th token.
func (x extras) top(i, k int) int32 {
	if len(x.Choices) == 0 || i >= len(x.Choices[0].Logprobs.Content) {
		return noID
	}
	all := x.Choices[0].Logprobs.Content[i].Top
	if k >= len(all) || all[k].ID == nil {
		return noID
	}
	return *all[k].ID
}

// Abilities returns what was found when the engine was opened.
func (e *Engine) Abilities() Abilities { return e.can }

// probe finds out what the server can do. What only its time or a passing lack of room kept it from showing is an error.
func (e *Engine) probe(ctx context.Context) error {
	no, err := e.probeChat(ctx)
	if err != nil {
		return err
	}
	if e.can.Embeds, err = trial(ctx, func(ctx context.Context) (bool, error) {
		_, err := e.embed(ctx, []string{"Hi"})
		return err == nil, err
	}); err != nil {
		return err
	}
	if !e.can.Chat && !e.can.Embeds {
		return explain(ctx, no)
	}
	if e.can.Chat {
		if e.can.Tools, err = e.callsTools(ctx); err != nil {
			return err
		}
		if e.can.Schemas, err = trial(ctx, e.keepsSchema); err != nil {
			return err
		}
		if err := e.probeManners(ctx); err != nil {
			return err
		}
	}
	e.can.Context = e.listed(ctx)
	return ctx.Err()
}

// probeChat asks for one token with everything, then with less and less until the server says yes. no is its last refusal, of a
// server that only embeds.
func (e *Engine) probeChat(ctx context.Context) (no, err error) {
	hello := model.Request{Messages: []model.Message{{Role: "user", Content: "Hi"}}, MaxTokens: 1, Top: 1}
	for _, e.can = range []Abilities{{Logprobs: true, TokenIDs: true}, {Logprobs: true}, {}, {NewLimits: true}} {
		answer, err := e.client.Chat.Completions.New(ctx, e.params(hello), e.wishes(hello)...)
		var refused *api.Error
		if errors.As(err, &refused) && slices.Contains(cannot, refused.StatusCode) {
			no = err
			continue
		}
		if err != nil {
			return nil, explain(ctx, err)
		}
		x := read(answer.RawJSON())
		e.can.Chat = true
		e.can.Logprobs = len(answer.Choices) > 0 && len(answer.Choices[0].Logprobs.Content) > 0
		e.can.TokenIDs = len(x.PromptTokenIDs) > 0 && len(x.Choices) > 0 && len(x.Choices[0].TokenIDs) > 0
		if e.can.TokenIDs {
			tokens := slices.Concat(x.PromptTokenIDs, x.Choices[0].TokenIDs)
			e.can.Scores, err = trial(ctx, func(ctx context.Context) (bool, error) {
				scores, err := e.promptLogprobs(ctx, tokens)
				return err == nil && len(scores) == len(tokens), err
			})
		}
		return nil, err
	}
	e.can = Abilities{}
	return no, nil
}

// cannot are the statuses of servers that were asked for what they don't do.
var cannot = []int{http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnprocessableEntity, http.StatusNotImplemented}

// trial tries one ability. An error says only that nothing was found out: the server is busy, or the time is up.
func trial(ctx context.Context, try func(context.Context) (bool, error)) (bool, error) {
	wait := trialTime
	if end, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(end)/4)
	}
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	can, err := try(limited)
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case errors.Is(err, model.ErrBusy):
		return false, err
	}
	return can, nil
}

// callsTools tries whether tools get called: when one must be, which most servers see to, or when the model may, which some leave it at.
// A server that takes tools and says something else ignores them.
func (e *Engine) callsTools(ctx context.Context) (bool, error) {
	r := model.Request{Messages: []model.Message{{Role: "user", Content: "Call the function ping."}}, MaxTokens: trialTokens,
		Tools: []model.Tool{{Name: "ping", Description: "Must be called."}}}
	taken := false
	ask := func(ctx context.Context) (bool, error) {
		answer, err := e.client.Chat.Completions.New(ctx, e.params(r), e.wishes(r)...)
		taken = err == nil
		called := taken && len(answer.Choices) > 0 && len(answer.Choices[0].Message.ToolCalls) > 0
		return called && answer.Choices[0].Message.ToolCalls[0].Function.Name == "ping", explain(ctx, err)
	}
	may, err := trial(ctx, ask)
	if may || err != nil || !taken { // a server that refuses a mere offer has no use for tools
		return may, err
	}
	r.ToolChoice = "ping"
	return trial(ctx, ask)
}

// keepsSchema tries whether an answer keeps to a schema that the question doesn't speak of.
func (e *Engine) keepsSchema(ctx context.Context) (bool, error) {
	r := model.Request{Messages: []model.Message{{Role: "user", Content: "Hi"}}, MaxTokens: trialTokens,
		Schema: json.RawMessage(`{"type":"object","properties":{"answer":{"type":"integer"}},"required":["answer"],"additionalProperties":false}`)}
	answer, err := e.client.Chat.Completions.New(ctx, e.params(r), e.wishes(r)...)
	if err != nil || len(answer.Choices) == 0 {
		return false, explain(ctx, err)
	}
	var kept map[string]int
	err = json.Unmarshal([]byte(answer.Choices[0].Message.Content), &kept)
	_, answered := kept["answer"]
	return err == nil && answered && len(kept) == 1, nil
}

// listed is the context that the server's list of models gives, in vLLM's or llama.cpp's field; 0 if in none. A server of one model
// may take any name for it.
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
		if m.ID == e.name || len(list.Data) == 1 {
			return max(m.MaxModelLen, m.Meta.NCtx, 0)
		}
	}
	return 0
}
