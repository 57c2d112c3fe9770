package gateway

import (
	"funai/amount"
	"funai/model"
)

// The shapes of OpenAI's API reference, with the one field that the network adds: funai.

type completion struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   usage    `json:"usage"`
	Funai   extra    `json:"funai"`
}

type choice struct {
	Index        int            `json:"index"`
	Message      message        `json:"message"`
	Logprobs     *tokenLogprobs `json:"logprobs"`
	FinishReason string         `json:"finish_reason"`
}

type message struct {
	Role    string  `json:"role"`
	Content string  `json:"content"`
	Refusal *string `json:"refusal"`
}

// lastChunk ends the choices of a stream; usageChunk follows it where the client wants usage.
type lastChunk struct {
	ID      string       `json:"id"`
	Object  string       `json:"object"`
	Created int64        `json:"created"`
	Model   string       `json:"model"`
	Choices []lastChoice `json:"choices"`
	Funai   extra        `json:"funai"`
}

type lastChoice struct {
	Index        int            `json:"index"`
	Delta        struct{}       `json:"delta"`
	Logprobs     *tokenLogprobs `json:"logprobs"`
	FinishReason string         `json:"finish_reason"`
}

type usageChunk struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   usage    `json:"usage"`
}

type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

func usageOf(a Answer) usage {
	return usage{a.PromptTokens, a.CompletionTokens, a.PromptTokens + a.CompletionTokens}
}

// extra is what the network adds to an answer.
type extra struct {
	Receipt string        `json:"receipt"`
	Server  string        `json:"server"`
	Fee     amount.Amount `json:"fee"` // base units, paid if the verdict is valid
	Trust   string        `json:"trust"`
	Verdict string        `json:"verdict"` // always "pending": it comes later, at /api/receipts/{receipt}
}

func extraOf(a Answer, r Request) extra { return extra{a.Receipt, a.Server, a.Fee, r.Trust, "pending"} }

type tokenLogprobs struct {
	Content []tokenLogprob `json:"content"`
	Refusal *string        `json:"refusal"`
}

type tokenLogprob struct {
	token
	Top []token `json:"top_logprobs"`
}

type token struct {
	Token   string  `json:"token"`
	Logprob float64 `json:"logprob"`
	Bytes   []int   `json:"bytes"`
}

// minLogprob is what OpenAI reports for a token too unlikely to say; JSON has no infinities.
const minLogprob = -9999

func tokenOf(l model.Logprob) token {
	t := token{Token: l.Text, Logprob: l.Logprob, Bytes: make([]int, len(l.Text))}
	if !(t.Logprob >= minLogprob) { // also NaN
		t.Logprob = minLogprob
	}
	if t.Logprob > 0 { // no probability exceeds 1, whatever a server says
		t.Logprob = 0
	}
	for i := range len(l.Text) {
		t.Bytes[i] = int(l.Text[i])
	}
	return t
}

// logprobs is nil, JSON null, where there are none.
func logprobs(ts []model.Token) *tokenLogprobs {
	if len(ts) == 0 {
		return nil
	}
	l := &tokenLogprobs{Content: make([]tokenLogprob, len(ts))}
	for i, t := range ts {
		l.Content[i] = tokenLogprob{tokenOf(t.Logprob), make([]token, len(t.Top))}
		for j, alt := range t.Top {
			l.Content[i].Top[j] = tokenOf(alt)
		}
	}
	return l
}

// modelObject is an entry of /v1/models.
type modelObject struct {
	ID      string     `json:"id"`
	Object  string     `json:"object"`
	Created int64      `json:"created"`
	OwnedBy string     `json:"owned_by"`
	Funai   modelExtra `json:"funai"`
}

type modelExtra struct {
	PriceIn  amount.Amount `json:"price_in"` // base units a token
	PriceOut amount.Amount `json:"price_out"`
	Context  int           `json:"context"`
	Servers  int           `json:"servers"`
	Logprobs bool          `json:"logprobs"`
}

func modelOf(m Model) modelObject {
	o := modelObject{m.ID, "model", 0, m.OwnedBy, modelExtra{m.PriceIn, m.PriceOut, m.Context, m.Servers, m.Logprobs}}
	if o.OwnedBy == "" {
		o.OwnedBy = "funai"
	}
	if !m.Created.IsZero() {
		o.Created = m.Created.Unix()
	}
	return o
}
