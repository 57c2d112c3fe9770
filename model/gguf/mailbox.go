package gguf

import (
	"sync"

	"funai/model"
)

// event is what the loop tells a caller: a token, or the end.
type event struct {
	token model.Token
	last  bool // of the answer
	end   *ending
}

// ending is how a job ended.
type ending struct {
	finish string
	cached int // tokens of the prompt that were in the cache
	scores []model.TokenScore
	embeds [][]float32
	err    error
}

// mailbox holds what a job's caller hasn't read yet: at most a token for each that it asked for, and an end. So whoever puts in never
// waits, and a caller that reads slowly delays nobody.
type mailbox struct {
	mu     sync.Mutex
	events []event
	ready  chan struct{} // holds a value when there may be something
}

func newMailbox() *mailbox { return &mailbox{ready: make(chan struct{}, 1)} }

func (m *mailbox) put(v event) {
	m.mu.Lock()
	m.events = append(m.events, v)
	m.mu.Unlock()
	select {
	case m.ready <- struct{}{}:
	default:
	}
}

// take returns what there is.
func (m *mailbox) take() []event {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := m.events
	m.events = nil
	return out
}
