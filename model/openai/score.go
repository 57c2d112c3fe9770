package openai

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"funai/model"

	api "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// promptLogprob is what vLLM says of a token at a place: rank 1 is the likeliest.
type promptLogprob struct {
	Logprob float64 `json:"logprob"`
	Rank    int     `json:"rank"`
	Text    string  `json:"decoded_token"`
}

// Score implements model.Engine, by vLLM's prompt_logprobs: of greedy requests without repeat penalty only, since how the
// server would have sampled can't be redone from outside. Text is empty if the server's spelling of single tokens doesn't
// make valid text; which tokens end an answer isn't told either, so End is false.
func (e *Engine) Score(ctx context.Context, r model.Request, given []int32) (model.Score, error) {
	r.MaxTokens = 1
	if err := check(r); err != nil {
		return model.Score{}, err
	}
	p := r.Sampling.RepeatPenaltyMilli
	switch {
	case r.Controls != nil || r.Grammar != "" || r.Schema != nil:
		return model.Score{}, fmt.Errorf("%w: scoring under controls or a grammar; sampling alone can be redone", model.ErrUnsupported)
	case !e.can.Scores:
		return model.Score{}, fmt.Errorf("%w: the server doesn't score given tokens", model.ErrUnsupported)
	case r.Sampling.TemperatureMilli > 0 || p != 0 && p != 1000:
		return model.Score{}, fmt.Errorf("%w: scoring at temperature %d‰ and repeat penalty %d‰", model.ErrUnsupported, r.Sampling.TemperatureMilli, p)
	case len(given) == 0:
		return model.Score{}, fmt.Errorf("%w: no tokens to score", model.ErrRequest)
	}
	ctx, end, err := e.begin(ctx)
	if err != nil {
		return model.Score{}, err
	}
	defer end()
	answer, err := e.ask(ctx, r)
	if err != nil {
		return model.Score{}, err
	}
	prompt := read(answer.RawJSON()).PromptTokenIDs
	if len(prompt) == 0 {
		return model.Score{}, fmt.Errorf("%w: no prompt_token_ids", ErrServer)
	}
	if n := len(prompt) + len(given); n > e.info.Context {
		return model.Score{}, fmt.Errorf("%w: %d tokens of prompt and %d of answer, %d fit", model.ErrTooLong, len(prompt), len(given), e.info.Context)
	}
	places, err := e.promptLogprobs(ctx, append(prompt, given...))
	if err != nil {
		return model.Score{}, err
	}
	out := model.Score{PromptTokens: len(prompt)}
	var text strings.Builder
	for i, id := range given {
		place := places[len(prompt)+i]
		mine, ok := place[strconv.Itoa(int(id))]
		if !ok || mine.Rank < 1 {
			return model.Score{}, fmt.Errorf("%w: prompt_logprobs lack token %d, %d", ErrServer, i, id)
		}
		s := model.TokenScore{Logprob: mine.Logprob, Rank: mine.Rank - 1}
		for _, other := range place {
			if s.Rank > 0 {
				s.Margin = max(s.Margin, other.Logprob-mine.Logprob)
			}
		}
		out.Tokens = append(out.Tokens, s)
		text.WriteString(mine.Text)
	}
	if s := text.String(); utf8.ValidString(s) && !strings.ContainsRune(s, utf8.RuneError) {
		out.Text = s
	}
	return out, nil
}

// promptLogprobs gives for every token what the model thought of it there, and the likeliest one. The first has none.
func (e *Engine) promptLogprobs(ctx context.Context, tokens []int32) ([]map[string]promptLogprob, error) {
	ids := make([]int64, len(tokens))
	for i, t := range tokens {
		ids[i] = int64(t)
	}
	answer, err := e.client.Completions.New(ctx, api.CompletionNewParams{
		Model: api.CompletionNewParamsModel(e.name), MaxTokens: api.Int(1), Temperature: api.Float(0),
		Prompt: api.CompletionNewParamsPromptUnion{OfArrayOfTokens: ids},
	}, option.WithJSONSet("prompt_logprobs", 1))
	if err != nil {
		return nil, explain(ctx, err)
	}
	var x struct {
		Choices []struct {
			PromptLogprobs []map[string]promptLogprob `json:"prompt_logprobs"`
		} `json:"choices"`
	}
	if err := json.Unmarshal([]byte(answer.RawJSON()), &x); err != nil {
		return nil, fmt.Errorf("%w: prompt_logprobs: %w", ErrServer, err)
	}
	if len(x.Choices) == 0 || len(x.Choices[0].PromptLogprobs) != len(tokens) {
		return nil, fmt.Errorf("%w: no prompt_logprobs for %d tokens", ErrServer, len(tokens))
	}
	return x.Choices[0].PromptLogprobs, nil
}

// Embed implements model.Engine.
func (e *Engine) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	if !e.can.Embeds {
		return nil, fmt.Errorf("%w: the server doesn't embed", model.ErrUnsupported)
	}
	ctx, end, err := e.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	return e.embed(ctx, texts)
}

func (e *Engine) embed(ctx context.Context, texts []string) ([][]float32, error) {
	var answer *api.CreateEmbeddingResponse
	err := again(ctx, func() (err error) {
		answer, err = e.client.Embeddings.New(ctx, api.EmbeddingNewParams{Model: e.name, Input: api.EmbeddingNewParamsInputUnion{OfArrayOfStrings: texts}})
		return explain(ctx, err)
	})
	if err != nil {
		return nil, err
	}
	out := make([][]float32, len(texts))
	for _, d := range answer.Data {
		if d.Index < 0 || int(d.Index) >= len(out) || len(d.Embedding) == 0 {
			return nil, fmt.Errorf("%w: embedding %d of %d texts", ErrServer, d.Index, len(texts))
		}
		v := make([]float32, len(d.Embedding))
		for i, x := range d.Embedding {
			v[i] = float32(x)
		}
		out[d.Index] = v
	}
	for i, v := range out {
		if v == nil {
			return nil, fmt.Errorf("%w: no embedding of text %d", ErrServer, i)
		}
	}
	return out, nil
}
