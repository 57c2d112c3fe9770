package gguf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"funai/model"
	"funai/model/template"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// chatTemplate renders conversations as a model was trained to see them.
type chatTemplate struct {
	jinja   *template.Template // nil: the model has none
	begin   string             // begins every text of the model; the tokeniser writes it, so the template's is cut
	defuse  *strings.Replacer
	systems bool // the template takes system messages
	tools   bool // the template shows tools, calls and what they return
}

// readTemplate reads a model's template, and tries what it can do.
func readTemplate(ctx context.Context, m llama.Model, v *vocabulary) (*chatTemplate, error) {
	t := &chatTemplate{defuse: v.defuse}
	source := llama.ModelChatTemplate(m, "")
	if source == "" {
		return t, nil
	}
	begin, end := v.text(llama.VocabBOS(v.handle)), v.text(llama.VocabEOS(v.handle))
	if llama.VocabGetAddBOS(v.handle) {
		t.begin = begin
	}
	var err error
	if t.jinja, err = template.New(source, begin, end); err != nil {
		return nil, err
	}
	if err := t.try(ctx); err != nil {
		t.jinja.Close()
		return nil, err
	}
	return t, nil
}

// probe is a word that no template has in it.
const probe = "zq7xprobe"

func (t *chatTemplate) try(ctx context.Context) error {
	user := model.Message{Role: "user", Content: "x"}
	if _, err := t.jinja.Render(ctx, template.Input{Messages: []model.Message{user}}); err != nil {
		return err
	}
	var err error
	if t.systems, err = t.shows(ctx, template.Input{Messages: []model.Message{{Role: "system", Content: probe}, user}}); err != nil {
		return err
	}
	call := model.Message{Role: "assistant", ToolCalls: []model.ToolCall{{ID: "abcdefghi", Name: "f", Arguments: `{"a": 1}`}}}
	tool := []model.Tool{{Name: probe}}
	offers, err := t.shows(ctx, template.Input{Messages: []model.Message{user}, Tools: tool})
	if err != nil {
		return err
	}
	hears, err := t.shows(ctx, template.Input{Messages: []model.Message{user, call, {Role: "tool", Content: probe, ToolCallID: "abcdefghi"}}, Tools: []model.Tool{{Name: "f"}}})
	t.tools = offers && hears
	return err
}

// shows says whether the probe can be seen in what is rendered. A template that refuses doesn't show it.
func (t *chatTemplate) shows(ctx context.Context, in template.Input) (bool, error) {
	text, err := t.jinja.Render(ctx, in)
	if errors.Is(err, template.ErrTemplate) {
		return false, nil
	}
	return strings.Contains(text, probe), err
}

func (t *chatTemplate) close() {
	if t.jinja != nil {
		t.jinja.Close()
	}
}

// render writes messages up to where the assistant speaks; a model without a template is given the contents, joined by
// newlines. Names of control tokens inside a content ("</s>") get an invisible space, or a user could end the turn and speak as
// somebody else.
func (t *chatTemplate) render(ctx context.Context, messages []model.Message, tools []model.Tool) (string, error) {
	if len(tools) > 0 && !t.tools {
		messages = append([]model.Message{{Role: "system", Content: describe(tools)}}, messages...)
	}
	if !t.tools {
		messages = plainTurns(messages)
	}
	messages = slices.Clone(messages)
	for i := range messages {
		m := &messages[i]
		m.Content = t.defuse.Replace(m.Content)
		m.ToolCalls = slices.Clone(m.ToolCalls)
		for k := range m.ToolCalls {
			m.ToolCalls[k].Arguments = t.defuse.Replace(m.ToolCalls[k].Arguments)
		}
	}
	if t.jinja == nil {
		var contents []string
		for _, m := range messages {
			contents = append(contents, m.Content)
		}
		return strings.Join(contents, "\n"), nil
	}
	in := template.Input{Messages: merged(messages, t.systems)}
	if t.tools {
		for _, tool := range tools {
			tool.Description, tool.Parameters = t.defuse.Replace(tool.Description), []byte(t.defuse.Replace(string(tool.Parameters)))
			in.Tools = append(in.Tools, tool)
		}
	}
	text, err := t.jinja.Render(ctx, in)
	if errors.Is(err, template.ErrTemplate) { // such as roles in an order that the model doesn't know
		err = fmt.Errorf("%w: %w", model.ErrRequest, err)
	}
	return strings.TrimPrefix(text, t.begin), err
}

// merged puts system messages before what the user says next, for templates that know none.
func merged(messages []model.Message, systems bool) (out []model.Message) {
	if systems {
		return messages
	}
	for _, m := range messages {
		if m.Role == "system" {
			m.Role = "user"
		}
		if last := len(out) - 1; last >= 0 && m.Role == "user" && out[last].Role == "user" {
			out[last].Content += "\n\n" + m.Content
			continue
		}
		out = append(out, m)
	}
	return out
}
