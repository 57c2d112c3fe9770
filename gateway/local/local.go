// Package local asks engines that run in this process, so that whoever has a processor or a GPU can serve chats and embeddings
// through the gateway without a server beside it. Nobody judges their answers. It may import gateway, model and amount; what it
// needs of an engine it declares itself.
package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"funai/amount"
	"funai/gateway"
	"funai/gateway/route"
	"funai/model"
)

// Name is that of this process in Offer.Server and X-Funai-Server.
const Name = "local"

// defaultAnswer is how many tokens an answer may have whose client sets no limit. An engine keeps room for all of them.
const defaultAnswer = 1024

// ErrConfig says that a model can't be meant.
var ErrConfig = errors.New("bad configuration of a local model")

// Chatter answers chats. A model.Engine is one.
type Chatter interface {
	Info() model.Info
	Generate(ctx context.Context, r model.Request, emit func(model.Token) error) (model.Result, error)
	CountPrompt(ctx context.Context, r model.Request) (int, error)
}

// Encoder makes vectors of texts. A model.Engine is one, and so is an *encoder.Encoder.
type Encoder interface {
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// Served is a model that an engine runs.
type Served struct {
	ID        string        // what clients ask for
	Chatter   Chatter       // nil: it only embeds
	Encoder   Encoder       // nil: it only chats
	MaxTokens int           // of an answer, where the client sets no limit. 0: 1024
	PriceIn   amount.Amount // base units a token of the prompt
	PriceOut  amount.Amount // base units a token of the answer
}

// Source is a route.Source of this process.
type Source struct {
	models []Served
	under  []atomic.Int64 // questions under way, by model
}

var (
	_ route.Source   = (*Source)(nil)
	_ route.Embedder = (*Source)(nil)
)

// New makes a Source. The engines stay the caller's to close, after the last question.
func New(models []Served) (*Source, error) {
	known := map[string]bool{}
	for i, m := range models {
		if m.ID == "" || known[m.ID] || m.Chatter == nil && m.Encoder == nil {
			return nil, fmt.Errorf("%w: model %d, %q, has no name, that of another, or no engine", ErrConfig, i, m.ID)
		}
		known[m.ID] = true
	}
	return &Source{models: models, under: make([]atomic.Int64, len(models))}, nil
}

// Offers implements route.Source.
func (s *Source) Offers(context.Context) ([]gateway.Offer, error) {
	out := make([]gateway.Offer, len(s.models))
	for i, m := range s.models {
		out[i] = gateway.Offer{Server: Name, Queue: int(s.under[i].Load()), Model: m.model()}
	}
	return out, nil
}

// model is what a Served looks like to the gateway.
func (m Served) model() gateway.Model {
	out := gateway.Model{ID: m.ID, OwnedBy: Name, PriceIn: m.PriceIn, PriceOut: m.PriceOut, Servers: 1, Trust: []string{gateway.TrustNone}}
	if m.Encoder != nil {
		out.Can |= gateway.CanEmbed
	}
	if m.Chatter != nil {
		out.Context, out.Logprobs = m.Chatter.Info().Context, true
		out.Longest = min(cmp.Or(m.MaxTokens, defaultAnswer), out.Context)
		out.Can |= gateway.CanChat | gateway.CanTools | gateway.CanSchema | gateway.CanTopP | gateway.CanPenalties | gateway.CanBias |
			gateway.CanRepeat | gateway.CanLogprobs
	}
	return out
}

// enter finds a model and counts a question to it.
func (s *Source) enter(id string) (m Served, leave func(), err error) {
	for i, m := range s.models {
		if m.ID == id {
			s.under[i].Add(1)
			return m, func() { s.under[i].Add(-1) }, nil
		}
	}
	return m, nil, fmt.Errorf("%w: %q in this process", gateway.ErrNoModel, id)
}

// affordable says what a question may cost, if that is within its limit.
func affordable(most, limit amount.Amount) error {
	if limit > 0 && most > limit {
		return fmt.Errorf("%w: up to %v, your limit is %v", gateway.ErrMaxFee, most, limit)
	}
	return nil
}

// explain gives an engine's error its name in package gateway.
func explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	switch {
	case errors.Is(err, model.ErrBusy):
		return fmt.Errorf("%w: %w", &gateway.BusyError{RetryAfter: time.Second}, err)
	case errors.Is(err, model.ErrTooLong):
		return fmt.Errorf("%w: %w", gateway.ErrTooLong, err)
	case errors.Is(err, model.ErrRequest), errors.Is(err, model.ErrUnsupported):
		return fmt.Errorf("%w: %w", gateway.ErrRequest, err)
	}
	return fmt.Errorf("%w: %w", gateway.ErrUpstream, err)
}
