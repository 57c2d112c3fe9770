package gguf

import (
	"fmt"

	"funai/model"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// Tokenize returns the tokens that spell a text inside an answer: without the mark of a beginning, and with control tokens
// spelled out rather than meant. A first word gets the space before it that the vocabulary is used to.
func (e *Engine) Tokenize(text string) ([]int32, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.shut {
		return nil, model.ErrClosed
	}
	found := llama.Tokenize(e.vocab.handle, text, false, false)
	out := make([]int32, len(found))
	for i, t := range found {
		out[i] = int32(t)
	}
	return out, nil
}

// Spell returns the text that tokens spell, end tokens left out, as Score and Generate do.
func (e *Engine) Spell(tokens []int32) (string, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.shut {
		return "", model.ErrClosed
	}
	for i, t := range tokens {
		if t < 0 || int(t) >= len(e.vocab.pieces) {
			return "", fmt.Errorf("%w: token %d is %d, the vocabulary has %d", model.ErrRequest, i, t, len(e.vocab.pieces))
		}
	}
	return e.vocab.spell(tokens), nil
}

// Ends returns the tokens that end an answer.
func (e *Engine) Ends() []int32 {
	var out []int32
	for i, end := range e.vocab.ends {
		if end {
			out = append(out, int32(i))
		}
	}
	return out
}
