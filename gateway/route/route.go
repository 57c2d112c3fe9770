// Package route makes one Backend of many servers: it picks among those that can answer a request, by what the request
// wants and what was seen of them, and asks the next one when a server fails before its first token. It may import gateway.
package route

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"funai/amount"
	"funai/gateway"
)

const (
	maxTries          = 4   // servers asked for one answer
	leastQuality      = 0.9 // of a server's judged answers right, else it is asked after the others
	defaultFirstToken = time.Minute
)

// Source is a way to servers: the network, or one that the gateway's owner runs.
type Source interface {
	// Offers lists what can be asked now. What it leaves zero in Stats the Router fills in.
	Offers(ctx context.Context) ([]gateway.Offer, error)
	// Ask is gateway.Backend's, at one server of Offers.
	Ask(ctx context.Context, server string, r gateway.Request, started func(gateway.Start), emit func(gateway.Delta) error) (gateway.Answer, error)
}

// Embedder is a Source that makes embeddings.
type Embedder interface {
	Embed(ctx context.Context, server string, r gateway.EmbedRequest) (gateway.Embeddings, error)
}

// Knower is a Source that knows models which nobody may serve now.
type Knower interface{ Knows(model string) bool }

// Config says how a Router works.
type Config struct {
	Sources    []Source
	FirstToken time.Duration // how long a server may take to begin, before the next one is asked. 0: 1 min
	Logger     *slog.Logger  // nil: none
}

// Router is a gateway.Backend over all servers of its sources.
type Router struct {
	sources    []Source
	firstToken time.Duration
	log        *slog.Logger
	book       *book
	random     func() float64 // in [0, 1)
}

var (
	_ gateway.Backend    = (*Router)(nil)
	_ gateway.Quoter     = (*Router)(nil)
	_ gateway.Embedder   = (*Router)(nil)
	_ gateway.Cataloguer = (*Router)(nil)
)

// New makes a Router.
func New(c Config) *Router {
	if c.FirstToken <= 0 {
		c.FirstToken = defaultFirstToken
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Router{sources: c.Sources, firstToken: c.FirstToken, log: c.Logger, book: newBook(time.Now), random: rand.Float64}
}

// candidate is an offer and whom to ask there.
type candidate struct {
	gateway.Offer
	source Source
	lot    float64 // the less, the sooner among equals
}

// offers asks every source. One that fails is left out, unless all do.
func (r *Router) offers(ctx context.Context) ([]candidate, error) {
	var all []candidate
	var errs []error
	for _, s := range r.sources {
		list, err := s.Offers(ctx)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, o := range list {
			o.Stats = r.book.fill(o)
			all = append(all, candidate{Offer: o, source: s})
		}
	}
	if len(errs) > 0 && len(errs) == len(r.sources) {
		return nil, errors.Join(errs...)
	}
	return all, nil
}

// Catalogue implements gateway.Cataloguer.
func (r *Router) Catalogue(ctx context.Context) ([]gateway.Offer, error) {
	all, err := r.offers(ctx)
	out := make([]gateway.Offer, len(all))
	for i, c := range all {
		out[i] = c.Offer
	}
	return out, err
}

// Models implements gateway.Backend: each model once, with the best that any server of it offers.
func (r *Router) Models(ctx context.Context) ([]gateway.Model, error) {
	all, err := r.offers(ctx)
	if err != nil {
		return nil, err
	}
	var out []gateway.Model
	for _, c := range all {
		i := slices.IndexFunc(out, func(m gateway.Model) bool { return m.ID == c.Model.ID })
		if i < 0 {
			m := c.Model
			m.Servers, m.Trust = 1, slices.Clone(m.Trust)
			out = append(out, m)
			continue
		}
		m := &out[i]
		m.PriceIn, m.PriceOut = min(m.PriceIn, c.Model.PriceIn), min(m.PriceOut, c.Model.PriceOut)
		m.Context = max(m.Context, c.Model.Context)
		m.Servers++
		m.Logprobs = m.Logprobs || c.Model.Logprobs
		m.Can |= c.Model.Can
		for _, t := range c.Model.Trust {
			if !slices.Contains(m.Trust, t) {
				m.Trust = append(m.Trust, t)
			}
		}
	}
	return out, nil
}

// Quote implements gateway.Quoter.
func (r *Router) Quote(ctx context.Context, q gateway.Request) (amount.Amount, error) {
	list, err := r.match(ctx, q.Model, q.Trust, q.Route)
	most := amount.Amount(0)
	for _, c := range list {
		most = max(most, c.Model.Cost(q))
	}
	return most, err
}

// Ask implements gateway.Backend.
func (r *Router) Ask(ctx context.Context, q gateway.Request, started func(gateway.Start), emit func(gateway.Delta) error) (gateway.Answer, error) {
	list, err := r.choose(ctx, q.Model, q.Trust, q.Route, q.Needs())
	if err != nil {
		return gateway.Answer{}, err
	}
	var failed []error
	for _, c := range list {
		a := attempt{router: r, at: c, emit: emit, begun: time.Now()}
		answer, err := a.ask(ctx, q, started)
		if err == nil || a.final(ctx, err) {
			return answer, err
		}
		r.log.Info("server failed before its first token", "server", c.Server, "model", q.Model, "err", err)
		failed = append(failed, fmt.Errorf("%s: %w", c.Server, err))
	}
	return gateway.Answer{}, errors.Join(failed...)
}

// Embed implements gateway.Embedder.
func (r *Router) Embed(ctx context.Context, q gateway.EmbedRequest) (gateway.Embeddings, error) {
	need := gateway.CanEmbed
	if q.Dimensions > 0 {
		need |= gateway.CanDimensions
	}
	list, err := r.choose(ctx, q.Model, q.Trust, q.Route, need)
	if err != nil {
		return gateway.Embeddings{}, err
	}
	var failed []error
	for _, c := range list {
		e, ok := c.source.(Embedder)
		if !ok {
			return gateway.Embeddings{}, gateway.Refuse(q.Model, need)
		}
		begun := time.Now()
		out, err := e.Embed(ctx, c.Server, q)
		a := attempt{router: r, at: c, begun: begun}
		a.note(ctx, gateway.Answer{}, err)
		if err == nil || a.final(ctx, err) {
			return out, err
		}
		failed = append(failed, fmt.Errorf("%s: %w", c.Server, err))
	}
	return gateway.Embeddings{}, errors.Join(failed...)
}
