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
	tokens, err := e.prompt(r.Messages)
	if err != nil {
		return 0, err
	}
	return len(tokens), ctx.Err()
}

// prompt checks messages and turns them into tokens.
func (e *Engine) prompt(messages []model.Message) ([]int32, error) {
	if len(messages) == 0 || len(messages) > maxMessages {
		return nil, fmt.Errorf("%w: %d messages, between 1 and %d are allowed", model.ErrRequest, len(messages), maxMessages)
	}
	size := 0
	for i, m := range messages {
		if m.Role != "system" && m.Role != "user" && m.Role != "assistant" {
			return nil, fmt.Errorf("%w: role %q of message %d is none of system, user, assistant", model.ErrRequest, m.Role, i)
		}
		if err := checkText(m.Content); err != nil {
			return nil, fmt.Errorf("message %d: %w", i, err)
		}
		size += len(m.Content)
	}
	if size > maxPromptBytes {
		return nil, fmt.Errorf("%w: %d bytes, %d are allowed", model.ErrTooLong, size, maxPromptBytes)
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.shut {
		return nil, model.ErrClosed
	}
	text, err := e.template.render(messages, e.vocab.defuse)
	if err != nil {
		return nil, err
	}
	if text == "" {
		return nil, fmt.Errorf("%w: nothing is said in it", model.ErrRequest)
	}
	return e.tokens(text)
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
