// Package gateway is the HTTP door of a node: an OpenAI-compatible API for asking models, with the node's own JSON API
// and pages mounted beside it. It may import model and amount; what it needs of the network it declares itself (Backend).
// The shapes are those of OpenAI's API reference (chat completions, models, errors); what the network adds (trust,
// max_fee, X-Funai-*) and what it refuses is written down in docs/api.md.
package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	defaultRequests     = 64
	defaultWriteTimeout = 30 * time.Second
)

// Config says how a gateway works. Only Backend is required.
type Config struct {
	Backend Backend
	API     http.Handler // mounted at /api/; nil: 404
	Web     http.Handler // mounted at /; nil: 404
	Metrics http.Handler // mounted at /metrics; nil: 404

	Hosts        []string      // host names it answers to, besides localhost and every IP literal
	Origins      []string      // web origins ("https://chat.example") that may use /v1/ from a browser; none by default
	MaxRequests  int           // questions at once; the next one gets 429. 0: 64
	WriteTimeout time.Duration // how long a client may leave what was written unread. 0: 30 s

	Logger     *slog.Logger          // nil: none
	Registerer prometheus.Registerer // nil: no metrics
}

type gateway struct {
	backend      Backend
	slots        chan struct{} // one for each question under way
	writeTimeout time.Duration
	metrics      metrics
	log          *slog.Logger
}

// New returns the handler of everything the gateway serves. It fails if there is no Backend or an origin is malformed.
func New(c Config) (http.Handler, error) {
	if c.Backend == nil {
		return nil, errors.New("gateway: no backend")
	}
	if c.MaxRequests <= 0 {
		c.MaxRequests = defaultRequests
	}
	if c.WriteTimeout <= 0 {
		c.WriteTimeout = defaultWriteTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	g := &gateway{backend: c.Backend, slots: make(chan struct{}, c.MaxRequests), writeTimeout: c.WriteTimeout, log: c.Logger}
	g.metrics = newMetrics(c.Registerer, g.slots)

	mux := http.NewServeMux()
	mux.HandleFunc("/v1/chat/completions", g.chatCompletions)
	mux.HandleFunc("GET /v1/models", g.models)
	mux.HandleFunc("GET /v1/models/{id...}", g.model) // an id may hold slashes
	mux.HandleFunc("/v1/", unknown)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	for path, h := range map[string]http.Handler{"/api/": c.API, "/": c.Web, "GET /metrics": c.Metrics} {
		if h == nil {
			h = http.HandlerFunc(unknown)
		}
		mux.Handle(path, h)
	}
	return guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Every request has its own deadline for writing, also on a connection where a stream left an older one behind;
		// who writes later than that, such as a stream, moves it on. A recorder in a test has none.
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(c.WriteTimeout))
		mux.ServeHTTP(w, r)
	}), c.Hosts, c.Origins)
}

func (g *gateway) models(w http.ResponseWriter, r *http.Request) {
	list, err := g.backend.Models(r.Context())
	if err != nil {
		fromBackend(err).write(w)
		return
	}
	data := make([]modelObject, len(list))
	for i, m := range list {
		data[i] = modelOf(m)
	}
	writeJSON(w, http.StatusOK, struct {
		Object string        `json:"object"`
		Data   []modelObject `json:"data"`
	}{"list", data})
}

func (g *gateway) model(w http.ResponseWriter, r *http.Request) {
	list, err := g.backend.Models(r.Context())
	if err != nil {
		fromBackend(err).write(w)
		return
	}
	id := r.PathValue("id")
	for _, m := range list {
		if m.ID == id {
			writeJSON(w, http.StatusOK, modelOf(m))
			return
		}
	}
	e := notFound("the model %q does not exist", clip(id))
	e.code, e.param = "model_not_found", "model"
	e.write(w)
}

func unknown(w http.ResponseWriter, r *http.Request) {
	e := notFound("unknown request URL: %s %s", r.Method, clip(r.URL.Path))
	e.code = "unknown_url"
	e.write(w)
}
