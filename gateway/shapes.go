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
	Role    string     `json:"role"`
	Content *string    `json:"content"`
	Refusal *string    `json:"refusal"`
	Calls   []callBody `json:"tool_calls,omitempty"`
}

// callBody is a tool call, or with an index a piece of one.
type callBody struct {
	Index    *int         `json:"index,omitempty"`
	ID       string       `json:"id,omitempty"`
	Type     string       `json:"type,omitempty"`
	Function callFunction `json:"function"`
}

type callFunction struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

func callsOf(calls []ToolCall) (out []callBody) {
	for _, c := range calls {
		out = append(out, callBody{ID: c.ID, Type: "function", Function: callFunction{c.Name, c.Arguments}})
	}
	return out
}

func callChunks(calls []ToolCallDelta) []callBody {
	out := make([]callBody, len(calls))
	for i, c := range calls {
		out[i] = callBody{Index: &calls[i].Index, ID: c.ID, Function: callFunction{c.Name, c.Arguments}}
		if c.ID != "" {
			out[i].Type = "function"
		}
	}
	return out
}

// lastChunk ends the choices of a stream; usageChunk follows it where the client wants usage.
type lastChunk struct {
	ID      string       `json:"id"`
	Object  string       `json:"object"`
	Created int64        `json:"created"`
	Model   string       `json:"model"`
	Choices []lastChoice `json:"choices"`
	Funai   *extra       `json:"funai,omitempty"`
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

// usageOf adds up: every answer is a question of its own, with its own prompt.
func usageOf(as []Answer) (u usage) {
	for _, a := range as {
		u.PromptTokens += a.PromptTokens
		u.CompletionTokens += a.CompletionTokens
	}
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
	return u
}

// extra is what the network adds to an answer.
type extra struct {
	Receipt  string        `json:"receipt"`
	Receipts []string      `json:"receipts,omitempty"` // of every choice, where there are several
	Server   string        `json:"server"`
	Fee      amount.Amount `json:"fee"` // base units, paid if the verdict is valid
	Trust    string        `json:"trust"`
	Verdict  string        `json:"verdict"`          // "pending": it comes later, at /api/receipts/{receipt}; "none" where nobody judges
	Prompt   string        `json:"prompt,omitempty"` // "chat" where a raw prompt was asked as a user's message
}

func extraOf(as []Answer) extra {
	first := as[0]
	e := extra{Receipt: first.Receipt, Server: first.Server, Fee: feeOf(as), Trust: first.Trust, Verdict: "pending"}
	if e.Trust == TrustNone {
		e.Verdict = "none"
	}
	if first.Templated {
		e.Prompt = "chat"
	}
	if len(as) > 1 && first.Receipt != "" {
		for _, a := range as {
			e.Receipts = append(e.Receipts, a.Receipt)
		}
	}
	return e
}

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
