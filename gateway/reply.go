package gateway

import "funai/model"

// The shapes of OpenAI's responses.
type replyBody struct {
	ID         string `json:"id"`
	Object     string `json:"object"`
	CreatedAt  int64  `json:"created_at"`
	Status     string `json:"status"`
	Model      string `json:"model"`
	Error      any    `json:"error"`
	Incomplete any    `json:"incomplete_details"`
	Output     []any  `json:"output"`
	*replyRequest
	Usage *replyUsage `json:"usage"`
	Funai *extra      `json:"funai,omitempty"`
}

type replyUsage struct {
	InputTokens  int            `json:"input_tokens"`
	InputDetails map[string]int `json:"input_tokens_details"`
	OutputTokens int            `json:"output_tokens"`
	OutDetails   map[string]int `json:"output_tokens_details"`
	TotalTokens  int            `json:"total_tokens"`
}

type replyMessage struct {
	ID      string      `json:"id"`
	Type    string      `json:"type"`
	Status  string      `json:"status"`
	Role    string      `json:"role"`
	Content []replyPart `json:"content"`
}

type replyPart struct {
	Type        string         `json:"type"`
	Text        string         `json:"text"`
	Annotations []any          `json:"annotations"`
	Logprobs    []tokenLogprob `json:"logprobs"`
}

type replyCall struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Status    string `json:"status"`
	CallID    string `json:"call_id"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

const (
	inProgress = "in_progress"
	completed  = "completed"
	incomplete = "incomplete"
)

// reply gathers one response: its text, then its calls, each an item of the output.
type reply struct {
	*response
	part part
	name string
	text string // id of the message
	ids  []string
}

func newReply(rs *response) *reply {
	return &reply{response: rs, text: randomID("msg_")}
}

// body is the response as it stands.
func (r *reply) body(status string, output []any) replyBody {
	if r.name == "" {
		r.name = r.id("resp_")
	}
	return replyBody{ID: r.name, Object: "response", CreatedAt: r.begun.Unix(), Status: status, Model: r.chat.Model, Output: output, replyRequest: r.chat.reply}
}

func (r *reply) textPart(text string, tokens []model.Token) replyPart {
	p := replyPart{Type: "output_text", Text: text, Annotations: []any{}, Logprobs: []tokenLogprob{}}
	if l := logprobs(tokens); l != nil {
		p.Logprobs = l.Content
	}
	return p
}

func (r *reply) message(status string) replyMessage {
	m := replyMessage{ID: r.text, Type: "message", Status: status, Role: "assistant", Content: []replyPart{}}
	if status != inProgress {
		m.Content = append(m.Content, r.textPart(r.part.text.String(), r.part.tokens))
	}
	return m
}

func (r *reply) call(i int, status string) replyCall {
	for len(r.ids) <= i {
		r.ids = append(r.ids, randomID("fc_"))
	}
	c := r.part.calls[i]
	out := replyCall{ID: r.ids[i], Type: "function_call", Status: status, CallID: c.ID, Name: c.Name}
	if status != inProgress {
		out.Arguments = c.Arguments
	}
	return out
}

// ended is the whole response.
func (r *reply) ended(a Answer) replyBody {
	status := completed
	if a.Finish == model.FinishLength || a.Finish == FinishFilter {
		status = incomplete
	}
	output := []any{}
	if r.part.text.Len() > 0 || len(r.part.calls) == 0 {
		output = append(output, r.message(status))
	}
	for i := range r.part.calls {
		output = append(output, r.call(i, status))
	}
	b := r.body(status, output)
	if status == incomplete {
		reason := "max_output_tokens"
		if a.Finish == FinishFilter {
			reason = FinishFilter
		}
		b.Incomplete = map[string]string{"reason": reason}
	}
	b.Usage = &replyUsage{a.PromptTokens, map[string]int{"cached_tokens": 0}, a.CompletionTokens, map[string]int{"reasoning_tokens": 0}, a.PromptTokens + a.CompletionTokens}
	e := extraOf([]Answer{a})
	b.Funai = &e
	return b
}

// collectedReply sends a response whole.
type collectedReply struct{ *reply }

func (c *collectedReply) delta(_ int, d Delta) error {
	c.part.add(d, c.chat.Logprobs)
	return nil
}

func (c *collectedReply) finish(as []Answer) error { return c.whole(as, c.ended(as[0])) }
