package devnet

import (
	"context"

	"funai/model"
)

// cheater is an engine that does not do what it is paid for, so that the network can be seen to find out.
type cheater struct {
	model.Engine
	other model.Engine
	how   string
}

// The ways to cheat.
const (
	cheatNowhere = "made-up" // answers from nowhere
	cheatOther   = "other-model"
	cheatCut     = "cut-prompt"
)

// cheat turns an engine into a cheating one; i chooses the way.
func cheat(i int, e, other model.Engine) *cheater {
	ways := []string{cheatNowhere, cheatCut}
	if other != nil {
		ways = []string{cheatNowhere, cheatOther, cheatCut}
	}
	return &cheater{Engine: e, other: other, how: ways[i%len(ways)]}
}

// Generate implements model.Engine, dishonestly.
func (c *cheater) Generate(ctx context.Context, r model.Request, emit func(model.Token) error) (model.Result, error) {
	switch c.how {
	case cheatNowhere:
		// An answer to nothing that was asked.
		r.Messages = []model.Message{{Role: "user", Content: "Tell me about your favourite colour."}}
		r.MaxTokens = min(r.MaxTokens, 24)
	case cheatOther:
		return c.other.Generate(ctx, r, emit)
	case cheatCut:
		// Half of each message, and no system prompt: a shorter prompt is cheaper to run.
		var cut []model.Message
		for _, m := range r.Messages {
			if m.Role != "system" {
				text := []rune(m.Content)
				cut = append(cut, model.Message{Role: m.Role, Content: string(text[:(len(text)+1)/2])})
			}
		}
		r.Messages = cut
	}
	return c.Engine.Generate(ctx, r, emit)
}
