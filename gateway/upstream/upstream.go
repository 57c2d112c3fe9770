// Package upstream asks OpenAI-compatible servers that the gateway's owner runs (vLLM, SGLang, llama.cpp, Ollama): what
// the network's own transactions can't carry, such as tools, schemas and embeddings, is asked of these. Nobody judges their
// answers. It may import gateway, model with its engine for such servers, and amount; the wire is OpenAI's API reference and the WHATWG's server-sent events.
package upstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"funai/amount"
	"funai/gateway"
)

// ErrConfig says that a server's configuration can't be meant.
var ErrConfig = errors.New("bad configuration of an upstream server")

// Bounds.
const (
	defaultIdle   = time.Minute
	defaultAnswer = 4096 // tokens, where neither client nor configuration says
	maxConns      = 4096 // to one server
	dialTimeout   = 5 * time.Second
	maxFailure    = 64 << 10 // bytes of an error's body
	maxEvent      = 1 << 20  // bytes of one event
	maxVectors    = 64 << 20 // bytes of embeddings
)

// Served is a model at a server.
type Served struct {
	ID        string          // what clients ask for
	There     string          // what the server calls it; "": the same
	Context   int             // tokens; 0: unknown
	MaxTokens int             // of an answer, where the client sets no limit. 0: 4096
	PriceIn   amount.Amount   // base units a token of the prompt
	PriceOut  amount.Amount   // base units a token of the answer
	Can       gateway.Ability // what it may be asked to do, of what a probe finds that it can; 0: all of that
}

// Config is one server.
type Config struct {
	Name    string // in Offer.Server and X-Funai-Server
	BaseURL string // with /v1
	Key     string // its API key; "": none
	Models  []Served
	Idle    time.Duration // how long it may send nothing in the middle of an answer. 0: 1 min
	MaxAsks int           // questions at once, the next one is asked elsewhere or gets 429; 0: no limit

	ProbeTime time.Duration // that finding out what a model can do may take. 0: 2 min
	Logger    *slog.Logger  // nil: none
}

// Server is a route.Source of one server.
type Server struct {
	Config
	base   string
	http   *http.Client
	slots  chan struct{} // nil: no limit
	log    *slog.Logger
	failed chan struct{} // holds one: a question failed since the last probe
	rest   time.Duration // between two probes, at least
	again  time.Duration // between two probes of a server that does not fail
	single atomic.Bool   // a connection is good for one question

	mu    sync.Mutex
	found map[string]found // by Served.ID; what isn't there isn't offered
}

// New makes a Server. Nothing is asked of it yet, and nothing offered, before Probe or Run.
func New(c Config) (*Server, error) {
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("%w: %.200q is no URL like http://127.0.0.1:8000/v1", ErrConfig, c.BaseURL)
	}
	if c.Name == "" || len(c.Models) == 0 {
		return nil, fmt.Errorf("%w: name %q and %d models; both are needed", ErrConfig, c.Name, len(c.Models))
	}
	known := map[string]bool{}
	for i, m := range c.Models {
		if m.ID == "" || known[m.ID] {
			return nil, fmt.Errorf("%w: model %d, %q, has no id, or that of another", ErrConfig, i, m.ID)
		}
		known[m.ID] = true
	}
	if c.Idle <= 0 {
		c.Idle = defaultIdle
	}
	if c.ProbeTime <= 0 {
		c.ProbeTime = defaultProbe
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{Config: c, log: c.Logger, failed: make(chan struct{}, 1), rest: leastRest, again: usualAgain, found: map[string]found{}, base: strings.TrimRight(c.BaseURL, "/"), http: &http.Client{
		Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext, MaxConnsPerHost: maxConns,
			MaxIdleConns: maxConns, MaxIdleConnsPerHost: maxConns, IdleConnTimeout: time.Minute, DisableCompression: true, TLSHandshakeTimeout: dialTimeout},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a key goes to no other host
	}}
	if c.MaxAsks > 0 {
		s.slots = make(chan struct{}, c.MaxAsks)
	}
	return s, nil
}

// Close lets go of idle connections.
func (s *Server) Close() { s.http.CloseIdleConnections() }

// Offers implements route.Source: models that answered the latest probe.
func (s *Server) Offers(context.Context) ([]gateway.Offer, error) {
	var out []gateway.Offer
	for _, m := range s.Models {
		if m, f := s.as(m); f.can != 0 {
			out = append(out, gateway.Offer{Server: s.Name, Queue: len(s.slots), Model: m.model(s.Name)})
		}
	}
	return out, nil
}

// Knows implements route.Knower: a model of a server that doesn't answer is one that nobody serves now.
func (s *Server) Knows(model string) bool {
	return slices.ContainsFunc(s.Models, func(m Served) bool { return m.ID == model })
}

// served finds a model.
func (s *Server) served(id string) (Served, found, error) {
	for _, m := range s.Models {
		if m.ID == id {
			m, f := s.as(m)
			return m, f, nil
		}
	}
	return Served{}, found{}, fmt.Errorf("%w: %q at %s", gateway.ErrNoModel, id, s.Name)
}

// as is a model with what was found of it.
func (s *Server) as(m Served) (Served, found) {
	s.mu.Lock()
	f := s.found[m.ID]
	s.mu.Unlock()
	m.There = cmp.Or(m.There, m.ID)
	m.Can = f.can
	if f.context > 0 && (m.Context == 0 || f.context < m.Context) {
		m.Context = f.context
	}
	return m, f
}

// enter takes a place at the server, or says that it is busy.
func (s *Server) enter() (leave func(), err error) {
	if s.slots == nil {
		return func() {}, nil
	}
	select {
	case s.slots <- struct{}{}:
		return func() { <-s.slots }, nil
	default:
		return nil, &gateway.BusyError{RetryAfter: time.Second}
	}
}

// model is what a Served looks like to the gateway.
func (m Served) model(owner string) gateway.Model {
	return gateway.Model{ID: m.ID, OwnedBy: owner, Context: m.Context, Longest: cmp.Or(m.MaxTokens, defaultAnswer), PriceIn: m.PriceIn,
		PriceOut: m.PriceOut, Servers: 1, Logprobs: m.Can&gateway.CanLogprobs != 0, Can: m.Can, Trust: []string{gateway.TrustNone}}
}

func (m Served) fee(in, out int) amount.Amount { return gateway.Fee(m.PriceIn, m.PriceOut, in, out) }
