package gguf

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"funai/model"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// CountPrompt implements model.Engine.
func (e *Engine) CountPrompt(ctx context.Context, r model.Request) (int, error) {
	tokens, err := e.prompt(ctx, r)
	if err != nil {
		return 0, err
	}
	return len(tokens), ctx.Err()
}

// prompt checks messages and tools and turns them into tokens.
func (e *Engine) prompt(ctx context.Context, r model.Request) ([]int32, error) {
	if len(r.Messages) == 0 || len(r.Messages) > maxMessages {
		return nil, fmt.Errorf("%w: %d messages, between 1 and %d are allowed", model.ErrRequest, len(r.Messages), maxMessages)
	}
	if err := checkTools(r.Tools, r.ToolChoice); err != nil {
		return nil, err
	}
	size := 0
	for i, m := range r.Messages {
		if err := checkMessage(m); err != nil {
			return nil, fmt.Errorf("message %d: %w", i, err)
		}
		size += len(m.Content)
	}
	if size > maxPromptBytes {
		return nil, fmt.Errorf("%w: %d bytes, %d are allowed", model.ErrTooLong, size, maxPromptBytes)
	}
	tools := r.Tools
	if r.ToolChoice == model.ToolNone {
		tools = nil
	}
	text, err := e.template.render(ctx, r.Messages, tools)
	if err != nil {
		return nil, err
	}
	if text == "" {
		return nil, fmt.Errorf("%w: nothing is said in it", model.ErrRequest)
	}
	if err := checkText(text); err != nil { // a template may write anything
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.shut {
		return nil, model.ErrClosed
	}
	return e.tokens(text)
}

func checkMessage(m model.Message) error {
	switch m.Role {
	case "system", "user", "assistant", "tool":
	default:
		return fmt.Errorf("%w: role %.80q is none of system, user, assistant, tool", model.ErrRequest, m.Role)
	}
	if m.ToolCalls != nil && m.Role != "assistant" || len(m.ToolCalls) > maxCalls || (m.ToolCallID != "") != (m.Role == "tool") {
		return fmt.Errorf("%w: role %s with %d tool calls and tool call id %.80q: at most %d calls of an assistant, and an id where a tool speaks",
			model.ErrRequest, m.Role, len(m.ToolCalls), m.ToolCallID, maxCalls)
	}
	for _, c := range m.ToolCalls {
		if !toolName.MatchString(c.Name) || len(c.ID) > 128 || len(c.Arguments) > maxToolBytes {
			return fmt.Errorf("%w: call of tool %.80q with an id of %d bytes and %d bytes of arguments", model.ErrRequest, c.Name, len(c.ID), len(c.Arguments))
		}
		if err := checkText(c.Arguments); err != nil {
			return err
		}
	}
	return checkText(m.Content)
}

// checkText keeps from llama.cpp what it can't take: it ends strings at a zero byte, and throws where we can't catch it on what
// isn't UTF-8.
func checkText(s string) error {
	switch {
	case len(s) > maxPromptBytes:
		return fmt.Errorf("%w: %d bytes, %d are allowed", model.ErrTooLong, len(s), maxPromptBytes)
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return fmt.Errorf("%w: not UTF-8, or with a zero byte", model.ErrRequest)
	}
	return nil
}

// tokens is called with e.mu held for reading. Reading megabytes takes llama.cpp long, so what can't fit isn't read.
func (e *Engine) tokens(text string) ([]int32, error) {
	if most := e.info.Context * e.vocab.longest; len(text) > most {
		return nil, fmt.Errorf("%w: %d bytes; %d tokens stand for at most %d", model.ErrTooLong, len(text), e.info.Context, most)
	}
	found := llama.Tokenize(e.vocab.handle, text, true, true)
	out := make([]int32, len(found))
	for i, t := range found {
		out[i] = int32(t)
	}
	return out, nil
}
