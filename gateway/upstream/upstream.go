// Package upstream asks OpenAI-compatible servers that the gateway's owner runs (vLLM, SGLang, llama.cpp, Ollama): what
// the network's own transactions can't carry, such as tools, schemas and embeddings, is asked of these. Nobody judges their
// answers. It may import gateway, model and amount; the wire is OpenAI's API reference and the WHATWG's server-sent events.
package upstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
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
	Can       gateway.Ability // what it can do; see Probe
}

// Config is one server.
type Config struct {
	Name    string // in Offer.Server and X-Funai-Server
	BaseURL string // with /v1
	Key     string // its API key; "": none
	Models  []Served
	Idle    time.Duration // how long it may send nothing in the middle of an answer. 0: 1 min
	MaxAsks int           // questions at once, the next one is asked elsewhere or gets 429; 0: no limit
}

// Server is a route.Source of one server.
type Server struct {
	Config
	base  string
	http  *http.Client
	slots chan struct{} // nil: no limit
}

// New makes a Server. Nothing is asked of it yet.
func New(c Config) (*Server, error) {
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("%w: %.200q is no URL like http://127.0.0.1:8000/v1", ErrConfig, c.BaseURL)
	}
	if c.Name == "" || len(c.Models) == 0 {
		return nil, fmt.Errorf("%w: name %q and %d models; both are needed", ErrConfig, c.Name, len(c.Models))
	}
	for i, m := range c.Models {
		if m.ID == "" {
			return nil, fmt.Errorf("%w: model %d has no id", ErrConfig, i)
		}
	}
	if c.Idle <= 0 {
		c.Idle = defaultIdle
	}
	s := &Server{Config: c, base: strings.TrimRight(c.BaseURL, "/"), http: &http.Client{
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

// Offers implements route.Source.
func (s *Server) Offers(context.Context) ([]gateway.Offer, error) {
	out := make([]gateway.Offer, len(s.Models))
	for i, m := range s.Models {
		out[i] = gateway.Offer{Server: s.Name, Queue: len(s.slots), Model: m.model(s.Name)}
	}
	return out, nil
}

// served finds a model.
func (s *Server) served(id string) (Served, error) {
	for _, m := range s.Models {
		if m.ID == id {
			if m.There == "" {
				m.There = m.ID
			}
			return m, nil
		}
	}
	return Served{}, fmt.Errorf("%w: %q at %s", gateway.ErrNoModel, id, s.Name)
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
