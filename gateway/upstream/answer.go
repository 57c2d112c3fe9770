package upstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"funai/gateway"
	"funai/model"
)

// errEnd is a stream's own end.
var errEnd = errors.New("done")

// answer is a stream as it is read.
type answer struct {
	server    *Server
	model     Served
	request   gateway.Request
	templated bool // text to be continued was asked as a chat
	emit      func(gateway.Delta) error
	begin     func()
	alive     func()

	finish string
	usage  *usage
	pieces int
	done   bool
}

type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
}

// chunk is one event of chat completions or of completions.
type chunk struct {
	Choices []struct {
		Index int `json:"index"`
		Delta struct {
			Content *string     `json:"content"`
			Calls   []chunkCall `json:"tool_calls"`
		} `json:"delta"`
		Text         *string         `json:"text"`
		Logprobs     json.RawMessage `json:"logprobs"`
		FinishReason *string         `json:"finish_reason"`
	} `json:"choices"`
	Usage *usage          `json:"usage"`
	Error json.RawMessage `json:"error"`
}

type chunkCall struct {
	Index    int    `json:"index"`
	ID       string `json:"id"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// tokenBytes of a prompt are counted as one token where the server doesn't say how many it read.
const tokenBytes = 4

// read takes events until the stream's own end.
func (a *answer) read(body io.Reader) error {
	return lines(body, func(line []byte, more bool) error {
		data, ok := bytes.CutPrefix(line, []byte("data:"))
		if !ok { // an empty line, a comment, or the event's name
			return nil
		}
		a.alive()
		data = bytes.TrimSpace(data)
		if string(data) == "[DONE]" {
			a.done = true
			return errEnd
		}
		var c chunk
		if err := json.Unmarshal(data, &c); err != nil {
			return fmt.Errorf("%w: %s sends no JSON: %.100q", gateway.ErrUpstream, a.server.Name, a.server.says(string(data)))
		}
		return a.take(c, more)
	})
}

func (a *answer) take(c chunk, more bool) error {
	if len(c.Error) > 0 && string(c.Error) != "null" {
		return fmt.Errorf("%w: %s says: %.500s", gateway.ErrUpstream, a.server.Name, a.server.says(string(c.Error)))
	}
	if c.Usage != nil {
		a.usage = c.Usage
	}
	for _, ch := range c.Choices {
		if ch.Index != 0 {
			return fmt.Errorf("%w: %s sends choice %d, one was asked for", gateway.ErrUpstream, a.server.Name, ch.Index)
		}
		d := gateway.Delta{More: more}
		switch {
		case ch.Delta.Content != nil:
			d.Text = *ch.Delta.Content
		case ch.Text != nil:
			d.Text = *ch.Text
		}
		for _, k := range ch.Delta.Calls {
			d.Calls = append(d.Calls, gateway.ToolCallDelta{Index: k.Index, ID: k.ID, Name: k.Function.Name, Arguments: k.Function.Arguments})
		}
		if a.request.Logprobs {
			d.Tokens = tokens(ch.Logprobs)
		}
		if ch.FinishReason != nil && *ch.FinishReason != "" {
			a.finish = *ch.FinishReason
		}
		if d.Text == "" && len(d.Calls) == 0 && len(d.Tokens) == 0 {
			continue
		}
		a.pieces++
		a.begin()
		if err := a.emit(d); err != nil {
			return err
		}
	}
	return nil
}

// end says how the answer ended.
func (a *answer) end(ctx context.Context, err error) (gateway.Answer, error) {
	out := gateway.Answer{Server: a.server.Name, Trust: gateway.TrustNone, Finish: a.finish, CompletionTokens: a.pieces, Templated: a.templated}
	switch {
	case a.usage != nil:
		out.PromptTokens, out.CompletionTokens = max(a.usage.Prompt, 0), max(a.usage.Completion, 0)
	case a.pieces > 0: // left before the server said it, but the prompt was read
		out.PromptTokens = a.prompt()
	}
	out.Fee = a.model.fee(out.PromptTokens, out.CompletionTokens)
	cause := context.Cause(ctx)
	switch {
	case errors.Is(err, gateway.ErrStop):
		out.Finish = model.FinishStop
		a.begin()
		return out, nil
	case a.done || errors.Is(err, io.EOF) && a.finish != "": // some leave [DONE] out
		if a.finish == "" {
			return gateway.Answer{}, fmt.Errorf("%w: %s ended without saying why", gateway.ErrUpstream, a.server.Name)
		}
		a.begin()
		return out, nil
	case errors.Is(cause, errIdle):
		return gateway.Answer{}, fmt.Errorf("%w: %s sent nothing for %v", gateway.ErrUpstream, a.server.Name, a.server.Idle)
	case cause != nil: // the client went, or who asked gave up: what was made is to be paid
		return out, cause
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return gateway.Answer{}, fmt.Errorf("%w: %s broke off in the middle of the answer", gateway.ErrUpstream, a.server.Name)
	case errors.Is(err, gateway.ErrUpstream):
		return gateway.Answer{}, err
	}
	var closed interface{ Timeout() bool }
	if errors.As(err, &closed) { // a broken connection
		return gateway.Answer{}, a.server.broken("broke off", err)
	}
	return out, err // emit's: the client went
}

// prompt is about how many tokens the prompt has.
func (a *answer) prompt() (n int) {
	for _, m := range a.request.Messages {
		n += len(m.Content)
	}
	if n = (n + tokenBytes - 1) / tokenBytes; a.model.Context > 0 {
		n = min(n, a.model.Context)
	}
	return n
}

// tokens reads log-probabilities, of chat completions or of completions. Any other shape is none.
func tokens(raw json.RawMessage) (out []model.Token) {
	var l struct {
		Content []struct {
			Token   string
			Logprob float64
			Top     []struct {
				Token   string
				Logprob float64
			} `json:"top_logprobs"`
		}
		Tokens   []string
		Logprobs []float64            `json:"token_logprobs"`
		Top      []map[string]float64 `json:"top_logprobs"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &l) != nil {
		return nil
	}
	for _, c := range l.Content {
		t := model.Token{Logprob: model.Logprob{Text: c.Token, Logprob: c.Logprob}}
		for _, alt := range c.Top {
			t.Top = append(t.Top, model.Logprob{Text: alt.Token, Logprob: alt.Logprob})
		}
		out = append(out, t)
	}
	for i, text := range l.Tokens {
		t := model.Token{Logprob: model.Logprob{Text: text}}
		if i < len(l.Logprobs) {
			t.Logprob.Logprob = l.Logprobs[i]
		}
		if i < len(l.Top) {
			t.Top = sorted(l.Top[i])
		}
		out = append(out, t)
	}
	return out
}
