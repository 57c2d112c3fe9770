package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"funai/amount"
)

// Message is one turn of a chat.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Question is what goes to /v1/chat/completions. Zero values leave the choice to the node.
type Question struct {
	Model       string    `json:"model"`
	Messages    []Message `json:"messages"`
	MaxTokens   int       `json:"max_tokens,omitempty"`
	Temperature *float64  `json:"temperature,omitempty"`
}

// Started is known as soon as the answer begins.
type Started struct {
	Receipt string
	Server  string
}

// Answer is how it ended.
type Answer struct {
	Receipt   string
	Server    string
	Finish    string // "stop" or "length"
	TokensIn  int
	TokensOut int
	Fee       amount.Amount // paid if the verdict is valid
	Trust     string
}

// Model is an entry of /v1/models.
type Model struct {
	ID    string     `json:"id"`
	Funai ModelExtra `json:"funai"`
}

// ModelExtra is what the network says of a model; prices are for each token.
type ModelExtra struct {
	PriceIn  amount.Amount `json:"price_in"`
	PriceOut amount.Amount `json:"price_out"`
	Context  int           `json:"context"`
	Servers  int           `json:"servers"`
}

// Models is GET /v1/models, in the order in which the node would have them shown.
func (c *Client) Models(ctx context.Context) ([]Model, error) {
	list, err := get[struct{ Data []Model }](ctx, c, "/v1/models")
	return list.Data, err
}

// ErrCut says that an answer's stream ended before the answer did.
var ErrCut = errors.New("the answer was cut off")

// errDone ends a stream at its [DONE].
var errDone = errors.New("done")

// chunk is one event of a streamed answer, as far as it matters here.
type chunk struct {
	Choices []struct {
		Delta        struct{ Content string }
		FinishReason string `json:"finish_reason"`
	}
	Usage *struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
	}
	Funai *struct {
		Receipt, Server, Trust string
		Fee                    amount.Amount
	}
	Error *struct{ Message, Code string }
}

// Ask streams an answer: started is called once, before the first text, and text for every piece. It returns what is
// known of the answer also beside an error. Cancelling ctx ends the question.
func (c *Client) Ask(ctx context.Context, q Question, started func(Started), text func(string)) (a Answer, err error) {
	body := struct {
		Question
		Stream  bool            `json:"stream"`
		Options map[string]bool `json:"stream_options"`
	}{q, true, map[string]bool{"include_usage": true}}
	res, err := c.do(ctx, http.MethodPost, "/v1/chat/completions", body)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	a.Receipt, a.Server = res.Header.Get("X-Funai-Receipt"), res.Header.Get("X-Funai-Server")
	started(Started{a.Receipt, a.Server})
	err = events(res.Body, func(data []byte) error { return a.take(data, text) })
	switch {
	case errors.Is(err, errDone):
		return a, nil
	case ctx.Err() != nil:
		return a, context.Cause(ctx)
	case err == nil:
		return a, fmt.Errorf("%w: %s closed the stream", ErrCut, c.base)
	}
	var refused *Error
	if errors.As(err, &refused) || errors.Is(err, ErrShape) || errors.Is(err, ErrTooLong) {
		return a, err
	}
	return a, fmt.Errorf("%w: %w", ErrCut, err)
}

// take reads one event.
func (a *Answer) take(data []byte, text func(string)) error {
	if string(data) == "[DONE]" {
		return errDone
	}
	var k chunk
	if err := json.Unmarshal(data, &k); err != nil {
		return fmt.Errorf("%w in the stream: %w", ErrShape, err)
	}
	if k.Error != nil {
		return &Error{Status: http.StatusBadGateway, Code: k.Error.Code, Message: k.Error.Message}
	}
	for _, choice := range k.Choices {
		if choice.Delta.Content != "" {
			text(choice.Delta.Content)
		}
		if choice.FinishReason != "" {
			a.Finish = choice.FinishReason
		}
	}
	if k.Usage != nil {
		a.TokensIn, a.TokensOut = k.Usage.PromptTokens, k.Usage.CompletionTokens
	}
	if f := k.Funai; f != nil {
		a.Receipt, a.Server, a.Fee, a.Trust = f.Receipt, f.Server, f.Fee, f.Trust
	}
	return nil
}
