package openai

import (
	"encoding/json"
	"fmt"
	"strings"

	"funai/model"

	api "github.com/openai/openai-go/v3"
)

// maxCalls bounds the tool calls of one answer.
const maxCalls = 64

// answer gathers a stream.
type answer struct {
	emit   func(model.Token) error
	top    int // alternatives that were asked for
	result model.Result
	text   strings.Builder
	calls  []model.ToolCall
	size   int  // bytes of text and calls
	whole  bool // every token has its id
	used   int  // tokens as the server counts them; -1: not said
}

// take reads a chunk.
func (a *answer) take(chunk api.ChatCompletionChunk) error {
	if chunk.JSON.Usage.Valid() {
		a.result.PromptTokens, a.used = int(chunk.Usage.PromptTokens), int(chunk.Usage.CompletionTokens)
		a.result.CachedTokens = int(chunk.Usage.PromptTokensDetails.CachedTokens)
	}
	if len(chunk.Choices) == 0 {
		return nil
	}
	choice := chunk.Choices[0]
	for _, c := range choice.Delta.ToolCalls {
		if err := a.call(c); err != nil {
			return err
		}
	}
	for _, t := range tokens(choice, read(chunk.RawJSON()), a.top) {
		if t.ID == noID {
			a.whole = false
		} else {
			a.result.Tokens = append(a.result.Tokens, t.ID)
		}
		a.text.WriteString(t.Text)
		if err := a.grow(len(t.Text)); err != nil {
			return err
		}
		if err := a.emit(t); err != nil {
			return err
		}
	}
	if choice.FinishReason != "" {
		a.result.Finish = choice.FinishReason
	}
	return nil
}

func (a *answer) grow(n int) error {
	if a.size += n; a.size > maxAnswerBytes {
		return fmt.Errorf("%w: answer of more than %d bytes", ErrServer, maxAnswerBytes)
	}
	return nil
}

// call adds a piece of a tool call; a call's name comes with its first piece. Ollama sends calls whole, each with index 0 but an id
// of its own.
func (a *answer) call(c api.ChatCompletionChunkChoiceDeltaToolCall) error {
	at := int(c.Index)
	if last := len(a.calls) - 1; c.ID != "" && at >= 0 && at <= last && a.calls[at].ID != c.ID && a.calls[at].ID != "" {
		at = last + 1
	}
	if at < 0 || at > len(a.calls) || at >= maxCalls {
		return fmt.Errorf("%w: tool call %d after %d; at most %d", ErrServer, at, len(a.calls), maxCalls)
	}
	if at == len(a.calls) {
		a.calls = append(a.calls, model.ToolCall{})
	}
	k := &a.calls[at]
	if k.ID == "" {
		k.ID = c.ID
	}
	k.Name += c.Function.Name
	k.Arguments += c.Function.Arguments
	return a.grow(len(c.ID) + len(c.Function.Name) + len(c.Function.Arguments))
}

// finish checks that the answer is whole and what was asked for.
func (a *answer) finish(r model.Request) (model.Result, error) {
	a.result.Text, a.result.ToolCalls = a.text.String(), a.calls
	switch a.result.Finish {
	case model.FinishStop, model.FinishLength, model.FinishTools:
	case "":
		return model.Result{}, fmt.Errorf("%w: the answer broke off after %d bytes", ErrServer, a.size)
	default:
		return model.Result{}, fmt.Errorf("%w: finish reason %.80q", ErrServer, a.result.Finish)
	}
	for i, c := range a.calls {
		known := false
		for _, t := range offers(r) {
			known = known || t.Name == c.Name
		}
		if !known {
			return model.Result{}, fmt.Errorf("%w: call %d is of tool %.80q, which wasn't offered", ErrServer, i, c.Name)
		}
		if c.ID == "" {
			a.calls[i].ID = fmt.Sprintf("call_%d", i)
		}
	}
	switch {
	case len(a.calls) > 0 && r.ToolChoice == model.ToolNone:
		return model.Result{}, fmt.Errorf("%w: %d calls, none was wanted", ErrServer, len(a.calls))
	case len(a.calls) == 0 && a.result.Finish == model.FinishStop && (named(r) || r.ToolChoice == model.ToolRequired && len(r.Tools) > 0):
		return model.Result{}, fmt.Errorf("%w: no call, though %.80q had to be called", ErrServer, r.ToolChoice)
	case len(a.calls) > 0 && a.result.Finish == model.FinishStop: // Ollama, and vLLM where a tool must be called
		a.result.Finish = model.FinishTools
	case a.result.Finish == model.FinishTools && len(a.calls) == 0:
		return model.Result{}, fmt.Errorf("%w: finish reason %q without a call", ErrServer, model.FinishTools)
	case r.Schema != nil && a.result.Finish == model.FinishStop && !json.Valid([]byte(a.result.Text)):
		return model.Result{}, fmt.Errorf("%w: the answer to a request with a JSON schema isn't JSON: %.80q", ErrServer, a.result.Text)
	}
	if !a.whole || a.used != len(a.result.Tokens) {
		a.result.Tokens = nil
	}
	return a.result, nil
}
