package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"funai/amount"
)

// replyWire is the body of POST /v1/responses (OpenAI API reference, "Create a model response"). The gateway keeps no
// responses: each request carries the whole conversation, as with store false. Fields not named here are harmless.
type replyWire struct {
	Model              string          `json:"model"`
	Input              replyInput      `json:"input"`
	Instructions       *string         `json:"instructions"`
	Stream             bool            `json:"stream"`
	MaxOutputTokens    *int            `json:"max_output_tokens"`
	Temperature        *float64        `json:"temperature"`
	TopP               *float64        `json:"top_p"`
	TopLogprobs        *int            `json:"top_logprobs"`
	Tools              []wireTool      `json:"tools"`
	ToolChoice         json.RawMessage `json:"tool_choice"`
	ParallelToolCalls  *bool           `json:"parallel_tool_calls"`
	Text               *replyText      `json:"text"`
	Metadata           json.RawMessage `json:"metadata"`
	PreviousResponseID *string         `json:"previous_response_id"`
	Conversation       json.RawMessage `json:"conversation"`
	Prompt             json.RawMessage `json:"prompt"`
	Background         bool            `json:"background"`
	Trust              string          `json:"trust"`
	MaxFee             *amount.Amount  `json:"max_fee"`
	Provider           *wireRoute      `json:"provider"`
}

type replyText struct {
	Format *struct {
		Type string `json:"type"`
		wireSchema
	} `json:"format"`
}

// replyInput is a text or a list of items.
type replyInput []replyItem

type replyItem struct {
	Type      string          `json:"type"`
	Role      string          `json:"role"`
	Content   content         `json:"content"`
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments string          `json:"arguments"`
	Output    json.RawMessage `json:"output"`
}

func (in *replyInput) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '"' {
		c := content{set: true}
		if err := json.Unmarshal(b, &c.text); err != nil {
			return err
		}
		*in = replyInput{{Type: "message", Role: "user", Content: c}}
		return nil
	}
	var items []replyItem
	if err := json.Unmarshal(b, &items); err != nil {
		return errors.New("input must be a string or an array of items")
	}
	*in = items
	return nil
}

// replyRequest is what a response repeats of its request.
type replyRequest struct {
	Instructions *string         `json:"instructions"`
	MaxTokens    *int            `json:"max_output_tokens"`
	Temperature  *float64        `json:"temperature"`
	TopP         *float64        `json:"top_p"`
	Tools        []replyTool     `json:"tools"`
	ToolChoice   json.RawMessage `json:"tool_choice"`
	Parallel     bool            `json:"parallel_tool_calls"`
	Metadata     json.RawMessage `json:"metadata"`
	Store        bool            `json:"store"` // false: nothing is kept
}

type replyTool struct {
	Type string `json:"type"`
	Function
}

// decodeReply reads the body of POST /v1/responses and makes a chat of it.
func decodeReply(body []byte) (*chat, *apiError) {
	var in replyWire
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, badJSON(err)
	}
	switch {
	case in.PreviousResponseID != nil && *in.PreviousResponseID != "":
		return nil, unsupported("previous_response_id", "responses are not stored: send the whole conversation as input")
	case given(in.Conversation):
		return nil, unsupported("conversation", "conversations are not stored: send the whole conversation as input")
	case given(in.Prompt):
		return nil, unsupported("prompt", "stored prompts are not supported: send instructions and input")
	case in.Background:
		return nil, unsupported("background", "responses in the background are not supported: they would have to be stored")
	}
	w := wire{Model: in.Model, Stream: in.Stream, MaxCompletionTokens: in.MaxOutputTokens, Temperature: in.Temperature, TopP: in.TopP,
		Tools: in.Tools, ToolChoice: in.ToolChoice, ParallelToolCalls: in.ParallelToolCalls, Trust: in.Trust, MaxFee: in.MaxFee, Provider: in.Provider}
	if in.TopLogprobs != nil && *in.TopLogprobs > 0 {
		w.Logprobs, w.TopLogprobs = true, in.TopLogprobs
	}
	if in.Text != nil && in.Text.Format != nil {
		w.ResponseFormat = &wireFormat{Type: in.Text.Format.Type, JSONSchema: &in.Text.Format.wireSchema}
	}
	c := &chat{stream: w.Stream, n: 1}
	var bad *apiError
	if w.Messages, bad = in.messages(); bad != nil {
		return nil, bad
	}
	for _, check := range []func(*wire) *apiError{c.named, c.messages, c.sampling, c.lengths, c.tools, c.format, c.extras, refuse} {
		if bad := check(&w); bad != nil {
			return nil, bad
		}
	}
	c.reply = in.repeat(c)
	return c, nil
}

// messages makes chat messages of items. Calls that follow one another are one assistant's.
func (in *replyWire) messages() (out []wireMessage, bad *apiError) {
	if in.Instructions != nil && *in.Instructions != "" {
		out = append(out, wireMessage{Role: "system", Content: content{text: *in.Instructions, set: true}})
	}
	for i, item := range in.Input {
		at := fmt.Sprintf("input[%d]", i)
		switch item.Type {
		case "", "message":
			out = append(out, wireMessage{Role: item.Role, Content: item.Content})
		case "function_call":
			call := wireCall{ID: item.CallID, Type: "function"}
			call.Function.Name, call.Function.Arguments = item.Name, item.Arguments
			if n := len(out); n > 0 && out[n-1].Role == "assistant" {
				out[n-1].ToolCalls = append(out[n-1].ToolCalls, call)
			} else {
				out = append(out, wireMessage{Role: "assistant", ToolCalls: []wireCall{call}})
			}
		case "function_call_output":
			var c content
			if err := json.Unmarshal(item.Output, &c); err != nil || !c.set {
				return nil, badRequest(at+".output", "output must be a string or text parts")
			}
			out = append(out, wireMessage{Role: "tool", ToolCallID: item.CallID, Content: c})
		case "reasoning": // a model's own notes to itself; no model here takes them back
		default:
			return nil, unsupported(at+".type", "items of type %q are not supported; message, function_call and function_call_output are", clip(item.Type))
		}
	}
	return out, nil
}

// repeat says what the answer says of the request.
func (in *replyWire) repeat(c *chat) *replyRequest {
	r := &replyRequest{Instructions: in.Instructions, MaxTokens: in.MaxOutputTokens, Temperature: in.Temperature, TopP: in.TopP,
		Tools: []replyTool{}, ToolChoice: in.ToolChoice, Parallel: in.ParallelToolCalls == nil || *in.ParallelToolCalls, Metadata: in.Metadata}
	for _, f := range c.Tools.Functions {
		r.Tools = append(r.Tools, replyTool{"function", f})
	}
	if !given(r.ToolChoice) {
		r.ToolChoice = json.RawMessage(`"auto"`)
	}
	if !given(r.Metadata) {
		r.Metadata = json.RawMessage(`{}`)
	}
	return r
}

// notStored answers for everything under /v1/responses/.
func notStored(w http.ResponseWriter, _ *http.Request) {
	e := notFound("responses are not stored here")
	e.code = "response_not_found"
	e.write(w)
}
