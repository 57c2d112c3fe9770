// Package gateway is the HTTP door of a node: an OpenAI-compatible API for asking models, with the node's own JSON API
// and pages mounted beside it. It may import model, amount and its own account; what it needs of the network it declares
// itself (Backend). The shapes are those of OpenAI's API reference (chat completions, completions, responses, embeddings,
// models, errors); what the network adds (trust, max_fee, provider, X-Funai-*) and what it refuses is in docs/api.md.
package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"funai/amount"
	"funai/gateway/account"
)

const (
	defaultRequests     = 64
	defaultQueueWait    = 10 * time.Second
	defaultWriteTimeout = 30 * time.Second
	defaultMaxDuration  = 30 * time.Minute // shorter than account.HoldFor
	defaultGrace        = 5 * time.Second
)

// Config says how a gateway works. Only Backend is required.
type Config struct {
	Backend Backend
	API     http.Handler // mounted at /api/; nil: 404
	Web     http.Handler // mounted at /; nil: 404
	Metrics http.Handler // mounted at /metrics; nil: 404

	Hosts   []string // host names it answers to, besides localhost and every IP literal
	Origins []string // web origins ("https://chat.example") that may use /v1/ from a browser; none by default

	MaxRequests  int           // questions at once. 0: 64
	MaxQueue     int           // questions that wait for one of those to end; the next one gets 429. 0: as many as MaxRequests; below 0: none
	QueueWait    time.Duration // how long one waits before it gets 429. 0: 10 s
	WriteTimeout time.Duration // how long a client may leave what was written unread. 0: 30 s
	MaxDuration  time.Duration // how long one request may take, half an hour at most. 0: 30 min
	Grace        time.Duration // how long Serve lets answers under way go on when it is told to stop. 0: 5 s

	Accounts   account.Store // API keys; nil: none, and whoever reaches the gateway asks on its owner's account
	RequireKey bool          // with Accounts: nobody asks without a key, but who has Admin
	Admin      string        // token that makes, lists and revokes keys; "": nobody may
	MaxFee     amount.Amount // base units for an answer where neither the client nor a key sets a limit; 0: none

	Logger     *slog.Logger          // nil: none
	Registerer prometheus.Registerer // nil: no metrics
}

// Gateway is the handler of everything the gateway serves.
type Gateway struct {
	handler      http.Handler
	backend      Backend
	queue        queue
	writeTimeout time.Duration
	maxDuration  time.Duration
	grace        time.Duration
	accounts     account.Store
	requireKey   bool
	admin        string
	maxFee       amount.Amount
	draining     atomic.Bool
	metrics      metrics
	log          *slog.Logger
}

// New makes a gateway. It fails if there is no Backend or an origin is malformed.
func New(c Config) (*Gateway, error) {
	if c.Backend == nil {
		return nil, errors.New("gateway: no backend")
	}
	if c.RequireKey && c.Accounts == nil {
		return nil, errors.New("gateway: keys are required and there is no store of them")
	}
	if c.MaxRequests <= 0 {
		c.MaxRequests = defaultRequests
	}
	if c.MaxQueue == 0 {
		c.MaxQueue = c.MaxRequests
	}
	orDefault(&c.QueueWait, defaultQueueWait)
	orDefault(&c.WriteTimeout, defaultWriteTimeout)
	orDefault(&c.MaxDuration, defaultMaxDuration)
	orDefault(&c.Grace, defaultGrace)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	g := &Gateway{backend: c.Backend, writeTimeout: c.WriteTimeout, maxDuration: min(c.MaxDuration, defaultMaxDuration), grace: c.Grace,
		queue:    queue{slots: make(chan struct{}, c.MaxRequests), room: int64(max(c.MaxQueue, 0)), wait: c.QueueWait},
		accounts: c.Accounts, requireKey: c.RequireKey, admin: c.Admin, maxFee: c.MaxFee, log: c.Logger}
	g.metrics = newMetrics(c.Registerer, &g.queue)
	mux := g.routes(c)
	var err error
	g.handler, err = guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Every request has its own deadline for writing, also on a connection where a stream left an older one behind;
		// who writes later than that, such as a stream, moves it on. A recorder in a test has none.
		rc, now := http.NewResponseController(w), time.Now()
		rc.SetWriteDeadline(now.Add(c.WriteTimeout))
		if r.Body != http.NoBody {
			rc.SetReadDeadline(now.Add(bodyTimeout)) // moved away once it is read
		}
		mux.ServeHTTP(w, r)
	}), c.Hosts, c.Origins)
	return g, err
}

func orDefault(d *time.Duration, usual time.Duration) {
	if *d <= 0 {
		*d = usual
	}
}

func (g *Gateway) routes(c Config) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/chat/completions", g.asks(endpoint{"chat", decodeChat,
		func(rs *response) sink { return &collected{response: rs} }, func(rs *response) sink { return &streamed{events: events{response: rs}} }}))
	mux.HandleFunc("/v1/completions", g.asks(endpoint{"completions", decodeCompletion,
		func(rs *response) sink { return &collectedText{response: rs} }, func(rs *response) sink { return &streamedText{events: events{response: rs}} }}))
	mux.HandleFunc("/v1/responses", g.asks(endpoint{"responses", decodeReply,
		func(rs *response) sink { return &collectedReply{newReply(rs)} }, func(rs *response) sink { return &streamedReply{reply: newReply(rs)} }}))
	mux.HandleFunc("/v1/responses/", notStored)
	mux.HandleFunc("/v1/embeddings", g.embeddings)
	mux.HandleFunc("GET /v1/models", g.models)
	mux.HandleFunc("GET /v1/models/{id...}", g.model) // an id may hold slashes
	mux.HandleFunc("GET /v1/catalogue", g.catalogue)
	mux.HandleFunc("/v1/", unknown)
	g.adminRoutes(mux)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", g.ready)
	for path, h := range map[string]http.Handler{"/api/": c.API, "/": c.Web, "GET /metrics": c.Metrics} {
		if h == nil {
			h = http.HandlerFunc(unknown)
		}
		mux.Handle(path, h)
	}
	return mux
}

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.handler.ServeHTTP(w, r) }

// Drain makes the gateway refuse new questions, with 503, and say at /readyz that it is going. It returns how long those
// under way may go on. Serve calls it.
func (g *Gateway) Drain() time.Duration {
	g.draining.Store(true)
	return g.grace
}

// ready is GET /readyz, for load balancers.
func (g *Gateway) ready(w http.ResponseWriter, _ *http.Request) {
	if g.draining.Load() {
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("ok\n"))
}

func unknown(w http.ResponseWriter, r *http.Request) {
	e := notFound("unknown request URL: %s %s", r.Method, clip(r.URL.Path))
	e.code = "unknown_url"
	e.write(w)
}
