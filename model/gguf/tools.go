package gguf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"funai/model"
	"funai/model/grammar"
)

// Bounds of tools (package model).
const (
	maxTools     = 128
	maxToolBytes = 256 << 10
	maxCalls     = 64 // of one answer
)

var toolName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

// checkTools bounds tools and finds the one that is chosen, if one is.
func checkTools(tools []model.Tool, choice string) error {
	size, known := 0, choice == "" || choice == model.ToolAuto || choice == model.ToolNone || choice == model.ToolRequired && len(tools) > 0
	for i, t := range tools {
		if !toolName.MatchString(t.Name) {
			return fmt.Errorf("%w: name %.80q of tool %d: 1 to 64 of letters, digits, underscore, point and dash are allowed", model.ErrRequest, t.Name, i)
		}
		if len(t.Parameters) > 0 && (!json.Valid(t.Parameters) || bytes.TrimSpace(t.Parameters)[0] != '{') {
			return fmt.Errorf("%w: parameters of tool %q are no JSON object", model.ErrRequest, t.Name)
		}
		size += len(t.Description) + len(t.Parameters)
		known = known || t.Name == choice
		if err := checkText(t.Description); err != nil {
			return err
		}
	}
	switch {
	case len(tools) > maxTools || size > maxToolBytes:
		return fmt.Errorf("%w: %d tools of %d bytes, %d of %d are allowed", model.ErrRequest, len(tools), size, maxTools, maxToolBytes)
	case !known:
		return fmt.Errorf("%w: tool %.80q is chosen, but isn't there", model.ErrRequest, choice)
	}
	return nil
}

// callGrammar makes an answer a call of one of the tools, or of the one that is chosen.
func callGrammar(tools []model.Tool, choice string) (string, error) {
	var choices []json.RawMessage
	for _, t := range tools {
		if choice != model.ToolRequired && choice != t.Name {
			continue
		}
		parameters := t.Parameters
		if len(parameters) == 0 {
			parameters = json.RawMessage(`{"type":"object","properties":{},"additionalProperties":false}`)
		}
		schema, err := json.Marshal(map[string]any{"type": "object", "required": []string{"name", "arguments"},
			"properties": json.RawMessage(fmt.Sprintf(`{"name":{"const":%q},"arguments":%s}`, t.Name, parameters))})
		if err != nil {
			return "", fmt.Errorf("%w: parameters of tool %q: %w", model.ErrRequest, t.Name, err)
		}
		choices = append(choices, schema)
	}
	schema, err := json.Marshal(map[string]any{"anyOf": choices})
	if err != nil {
		return "", fmt.Errorf("%w: %w", model.ErrRequest, err)
	}
	return grammar.FromSchema(schema)
}

// Marks around calls, as models of Qwen's, Hermes' and Mistral's kinds were trained to write them.
const (
	openCall, shutCall = "<tool_call>", "</tool_call>"
	manyCalls          = "[TOOL_CALLS]"
)

// describe tells a model of tools whose template can't.
func describe(tools []model.Tool) string {
	var b strings.Builder
	b.WriteString("You may call these functions, given as JSON:\n")
	for _, t := range tools {
		line, _ := json.Marshal(t) // strings and valid JSON always can be
		b.Write(line)
		b.WriteByte('\n')
	}
	b.WriteString("To call one, write only " + openCall + `{"name": NAME, "arguments": {...}}` + shutCall)
	return b.String()
}

// plainTurns says calls and what they returned in words that every template can write.
func plainTurns(messages []model.Message) []model.Message {
	var out []model.Message
	for _, m := range messages {
		for _, c := range m.ToolCalls {
			arguments := json.RawMessage(c.Arguments)
			if !json.Valid(arguments) {
				arguments, _ = json.Marshal(c.Arguments)
			}
			line, _ := json.Marshal(called{Name: c.Name, Arguments: arguments})
			m.Content = strings.TrimPrefix(m.Content+"\n"+openCall+string(line)+shutCall, "\n")
		}
		if m.Role == "tool" {
			m.Role, m.Content = "user", "<tool_response>\n"+m.Content+"\n</tool_response>"
		}
		m.ToolCalls, m.ToolCallID = nil, ""
		if last := len(out) - 1; last >= 0 && m.Role == "user" && out[last].Role == "user" && strings.HasPrefix(m.Content, "<tool_response>") {
			out[last].Content += "\n" + m.Content // several calls were answered; roles have to take turns
			continue
		}
		out = append(out, m)
	}
	return out
}

// called is a call as models write it; Llama's say "parameters".
type called struct {
	Name       string          `json:"name"`
	Arguments  json.RawMessage `json:"arguments,omitempty"`
	Parameters json.RawMessage `json:"parameters,omitempty"`
}

// findCalls reads the calls in an answer and returns them with the text around them. What isn't a call of a known tool is text.
func findCalls(text string, tools []model.Tool) (string, []model.ToolCall) {
	if calls := readCalls(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), manyCalls)), tools, 0); calls != nil {
		return "", calls
	}
	var rest strings.Builder
	var calls []model.ToolCall
	left := text
	for len(calls) < maxCalls {
		before, after, ok := strings.Cut(left, openCall)
		if !ok {
			break
		}
		inner, next, closed := strings.Cut(after, shutCall)
		found := readCalls(strings.TrimSpace(inner), tools, len(calls))
		if found == nil {
			rest.WriteString(before + openCall)
			left = after
			continue
		}
		rest.WriteString(before)
		calls, left = append(calls, found...), next
		if !closed {
			break
		}
	}
	if calls == nil {
		return text, nil
	}
	return strings.TrimSpace(rest.String() + left), calls
}

// readCalls reads JSON that is a call or a list of them; nil if it isn't.
func readCalls(text string, tools []model.Tool, from int) (out []model.ToolCall) {
	var list []called
	if strings.HasPrefix(text, "{") {
		list = make([]called, 1)
		if json.Unmarshal([]byte(text), &list[0]) != nil {
			return nil
		}
	} else if json.Unmarshal([]byte(text), &list) != nil || len(list) > maxCalls {
		return nil
	}
	for i, c := range list {
		known := false
		for _, t := range tools {
			known = known || t.Name == c.Name
		}
		arguments := c.Arguments
		if arguments == nil {
			arguments = c.Parameters
		}
		if arguments == nil {
			arguments = json.RawMessage("{}")
		}
		var inner string // some models write the arguments as a string of JSON
		if json.Unmarshal(arguments, &inner) == nil && json.Valid([]byte(inner)) {
			arguments = json.RawMessage(inner)
		}
		if !known {
			return nil
		}
		out = append(out, model.ToolCall{ID: fmt.Sprintf("call_%d", from+i), Name: c.Name, Arguments: string(arguments)})
	}
	return out
}

// callFilter holds back what may be a call while an answer streams.
type callFilter struct {
	on    bool
	marks stopper
	whole strings.Builder // all of the answer
	shown int             // bytes of it that were let through
	hold  bool
}

func newCallFilter(on bool) *callFilter {
	return &callFilter{on: on, marks: stopper{stops: []string{openCall, manyCalls}}}
}

// add takes a piece of the answer and returns what surely is text.
func (f *callFilter) add(piece string) string {
	f.whole.WriteString(piece)
	if !f.on {
		f.shown += len(piece)
		return piece
	}
	if start := strings.TrimLeft(f.whole.String()[f.shown:], " \n\t"); f.shown == 0 && (start == "" || start[0] == '{' || start[0] == '[') {
		f.hold = f.hold || start != ""
		f.marks.held += piece
		return ""
	}
	if f.hold {
		return ""
	}
	var sure string
	sure, f.hold = f.marks.add(piece)
	f.shown += len(sure)
	return sure
}

// end returns the calls of the finished answer, its text, and what of the text was not let through yet.
func (f *callFilter) end(tools []model.Tool) (calls []model.ToolCall, text, tail string) {
	all := f.whole.String()
	if !f.on {
		return nil, all, ""
	}
	if _, calls = findCalls(all, tools); calls == nil {
		return nil, all, all[f.shown:]
	}
	return calls, all[:f.shown], ""
}
