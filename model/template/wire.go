package template

import (
	"encoding/json"

	"funai/model"
)

// The shapes that chat templates expect are those of OpenAI's API, with a call's arguments as an object.
type (
	wireInput struct {
		Messages []wireMessage `json:"messages"`
		Tools    []wireTool    `json:"tools,omitempty"`
	}
	wireMessage struct {
		Role       string     `json:"role"`
		Content    string     `json:"content"`
		ToolCalls  []wireCall `json:"tool_calls,omitempty"`
		ToolCallID string     `json:"tool_call_id,omitempty"`
	}
	wireCall struct {
		Type     string       `json:"type"`
		ID       string       `json:"id"`
		Function wireFunction `json:"function"`
	}
	wireFunction struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	}
	wireTool struct {
		Type     string     `json:"type"`
		Function model.Tool `json:"function"`
	}
)

func wire(in Input) wireInput {
	out := wireInput{Messages: []wireMessage{}}
	for _, m := range in.Messages {
		w := wireMessage{Role: m.Role, Content: m.Content, ToolCallID: m.ToolCallID}
		for _, c := range m.ToolCalls {
			arguments := json.RawMessage(c.Arguments)
			if !json.Valid(arguments) { // a model may write anything
				arguments, _ = json.Marshal(c.Arguments) // a string always can be
			}
			w.ToolCalls = append(w.ToolCalls, wireCall{"function", c.ID, wireFunction{c.Name, arguments}})
		}
		out.Messages = append(out.Messages, w)
	}
	for _, t := range in.Tools {
		if len(t.Parameters) == 0 {
			t.Parameters = json.RawMessage(`{"type": "object", "properties": {}}`)
		}
		out.Tools = append(out.Tools, wireTool{"function", t})
	}
	return out
}
