package gguf

import (
	"context"

	"funai/model"
)

// Rendered is what a model is shown of a conversation, and whether its template takes system messages and tools.
func Rendered(ctx context.Context, e model.Engine, ms []model.Message, tools []model.Tool) (text string, systems, shows bool, err error) {
	t := e.(*Engine).template
	text, err = t.render(ctx, ms, tools)
	return text, t.systems, t.tools, err
}

// Places is how many requests wait or run.
func Places(e model.Engine) int {
	q := e.(*Engine).queue
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.taken
}
