// Package api is a node's JSON API over HTTP: both chains, elections, receipts with their verdicts, balances, supply, a
// stream of events, and sending from the node's wallet. It may import amount and the standard library; what it shows it
// gets from a Source. The paths and shapes are documented in docs/api.md, and follow the stages of the whitepaper's
// sections 2 to 8. Serve it behind gateway.New, which keeps foreign web pages out.
package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"funai/amount"
)

// Bounds of one request.
const (
	// MaxLimit is how many entries a list has at most.
	MaxLimit     = 100
	defaultLimit = 20
	maxAddress   = 128 // bytes
	readTimeout  = 10 * time.Second
)

const (
	defaultClients      = 256
	defaultWriteTimeout = 30 * time.Second
	defaultHeartbeat    = 15 * time.Second
)

// Config says how an API works. Only Source is required.
type Config struct {
	Source       Source
	Token        string                // bearer token of /api/wallet; empty: no wallet over HTTP
	MaxClients   int                   // of the event stream at once; 0: 256
	WriteTimeout time.Duration         // how long a client may leave what was written unread; 0: 30 s
	Heartbeat    time.Duration         // between comments that keep an idle event stream open; 0: 15 s
	Logger       *slog.Logger          // nil: none
	Registerer   prometheus.Registerer // nil: no metrics
}

// API serves /api/. Close ends its event streams.
type API struct {
	src   Source
	token string
	hub   *hub
	mux   *http.ServeMux
	log   *slog.Logger
}

// New makes an API. It starts no goroutine; Publish is called by whoever has news.
func New(c Config) *API {
	if c.MaxClients <= 0 {
		c.MaxClients = defaultClients
	}
	if c.WriteTimeout <= 0 {
		c.WriteTimeout = defaultWriteTimeout
	}
	if c.Heartbeat <= 0 {
		c.Heartbeat = defaultHeartbeat
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	a := &API{src: c.Source, token: c.Token, mux: http.NewServeMux(), log: c.Logger}
	a.hub = newHub(c)
	get := func(path string, h func(*http.Request) (any, error)) {
		a.mux.HandleFunc(path, a.only(http.MethodGet, a.answer(h)))
	}
	get("/api/status", func(r *http.Request) (any, error) { return a.src.Status(r.Context()) })
	get("/api/ledger/blocks", pages(a.src.LedgerBlocks))
	get("/api/elections", pages(a.src.Elections))
	get("/api/inference/blocks", pages(a.src.InferenceBlocks))
	get("/api/receipts", a.receipts)
	get("/api/receipts/{id}", a.receipt)
	get("/api/balances", a.balances)
	get("/api/supply", a.supply)
	a.mux.HandleFunc("/api/events", a.only(http.MethodGet, a.events))
	a.mux.HandleFunc("/api/wallet/send", a.only(http.MethodPost, a.send))
	a.mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		a.fail(w, r, fmt.Errorf("%w: %s %.200s", ErrNotFound, r.Method, r.URL.Path))
	})
	return a
}

// ServeHTTP answers a request under /api/.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// Publish hands an event to every listener. It never waits: a listener whose buffer is full is dropped, and comes back
// with a new request.
func (a *API) Publish(e Event) { a.hub.publish(e) }

// Close ends every event stream and waits until their handlers have returned; later ones are refused.
func (a *API) Close() error {
	a.hub.close()
	return nil
}

// only lets one method through; HEAD goes with GET.
func (a *API) only(method string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == method || r.Method == http.MethodHead && method == http.MethodGet {
			h(w, r)
			return
		}
		w.Header().Set("Allow", method)
		a.fail(w, r, fmt.Errorf("%w: %.20s, %s is", errMethod, r.Method, method))
	}
}

func (a *API) events(w http.ResponseWriter, r *http.Request) {
	l, ok := a.hub.add()
	if !ok {
		w.Header().Set("Retry-After", "5")
		a.fail(w, r, fmt.Errorf("%w, more than %d, or the node is closing", errTooMany, a.hub.max))
		return
	}
	a.hub.run(w, r, l)
}

func (a *API) answer(h func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := h(r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		a.write(w, http.StatusOK, v)
	}
}

func (a *API) write(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil { // an unencodable number in what Source gave
		a.log.Error("answer cannot be encoded", "err", err)
		status, b = http.StatusInternalServerError, []byte(`{"error":{"message":"the answer cannot be encoded","code":"internal"}}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
}

// Failure is the body of every error.
type Failure struct {
	Error FailureInfo `json:"error"`
}

// FailureInfo says what went wrong: Message for people, Code for programs.
type FailureInfo struct {
	Message string `json:"message"`
	Code    string `json:"code"`
}

// statuses maps errors to what a client sees. Those with a small letter are the API's own.
var statuses = []struct {
	err    error
	status int
	code   string
}{
	{ErrRequest, http.StatusBadRequest, "bad_request"},
	{ErrNoFunds, http.StatusPaymentRequired, "no_funds"},
	{ErrNotFound, http.StatusNotFound, "not_found"},
	{ErrSyncing, http.StatusServiceUnavailable, "syncing"},
	{errMethod, http.StatusMethodNotAllowed, "method_not_allowed"},
	{errUnauthorized, http.StatusUnauthorized, "unauthorized"},
	{errNoWallet, http.StatusForbidden, "no_wallet"},
	{errMediaType, http.StatusUnsupportedMediaType, "unsupported_media_type"},
	{errTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
	{errTooMany, http.StatusTooManyRequests, "too_many"},
}

var (
	errMethod       = errors.New("method is not allowed")
	errUnauthorized = errors.New("the bearer token is missing or wrong")
	errNoWallet     = errors.New("this node's wallet is not open to HTTP")
	errMediaType    = errors.New("content type is not application/json")
	errTooLarge     = errors.New("request body is too large")
	errTooMany      = errors.New("too many listeners")
)

func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			a.write(w, s.status, Failure{FailureInfo{err.Error(), s.code}})
			return
		}
	}
	if r.Context().Err() == nil {
		a.log.Error("request failed", "path", r.URL.Path, "err", err)
	}
	a.write(w, http.StatusInternalServerError, Failure{FailureInfo{err.Error(), "internal"}})
}

// limit reads ?limit=, 1 to MaxLimit.
func limit(r *http.Request) (int, error) {
	s := r.URL.Query().Get("limit")
	if s == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > MaxLimit {
		return 0, fmt.Errorf("%w: limit %.20q is not 1 to %d", ErrRequest, s, MaxLimit)
	}
	return n, nil
}

// pages serves a list of blocks.
func pages[T any](list func(context.Context, Page) ([]T, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		n, err := limit(r)
		if err != nil {
			return nil, err
		}
		p := Page{Limit: n}
		if s := r.URL.Query().Get("before"); s != "" {
			if p.Before, err = strconv.ParseUint(s, 10, 64); err != nil || p.Before == 0 {
				return nil, fmt.Errorf("%w: before %.20q is no height above 0", ErrRequest, s)
			}
		}
		return some(list(r.Context(), p))
	}
}

// some makes an empty list [] rather than null.
func some[T any](list []T, err error) (any, error) {
	if list == nil {
		list = []T{}
	}
	return list, err
}

func (a *API) receipts(r *http.Request) (any, error) {
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	before := r.URL.Query().Get("before")
	if before != "" {
		if err := checkID(before); err != nil {
			return nil, err
		}
	}
	return some(a.src.Receipts(r.Context(), n, before))
}

func (a *API) receipt(r *http.Request) (any, error) {
	id := r.PathValue("id")
	if err := checkID(id); err != nil {
		return nil, err
	}
	return a.src.Receipt(r.Context(), id)
}

func checkID(id string) error {
	if b, err := hex.DecodeString(id); err != nil || len(b) != 32 || hex.EncodeToString(b) != id {
		return fmt.Errorf("%w: %.80q is not 64 lower-case hex digits", ErrRequest, id)
	}
	return nil
}

func (a *API) balances(r *http.Request) (any, error) {
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	v := r.URL.Query()
	q := BalanceQuery{Of: v.Get("of"), Addresses: v["address"], Limit: n}
	switch q.Of {
	case "":
		q.Of = BalancesOwn
	case BalancesOwn, BalancesKnown, BalancesAll:
	default:
		return nil, fmt.Errorf("%w: of %.20q is not own, known or all", ErrRequest, q.Of)
	}
	if len(q.Addresses) > MaxLimit {
		return nil, fmt.Errorf("%w: %d addresses, more than %d", ErrRequest, len(q.Addresses), MaxLimit)
	}
	for _, s := range q.Addresses {
		if s == "" || len(s) > maxAddress {
			return nil, fmt.Errorf("%w: an address has %d bytes, not 1 to %d", ErrRequest, len(s), maxAddress)
		}
	}
	return some(a.src.Balances(r.Context(), q))
}

// SupplyAnswer is Supply with what follows from it, reckoned here and not by the Source.
type SupplyAnswer struct {
	Supply
	Total    amount.Amount `json:"total"` // held on both layers
	Cap      amount.Amount `json:"cap"`
	Balanced bool          `json:"balanced"` // no coin was made or lost, nor made twice when moving between the layers
}

func (a *API) supply(r *http.Request) (any, error) {
	s, err := a.src.Supply(r.Context())
	if err != nil {
		return nil, err
	}
	return check(s), nil
}

// check adds up: each layer's coins came from somewhere and are somewhere, the inference layer has no more from below
// than was burned there, and both hold no more than the cap.
func check(s Supply) SupplyAnswer {
	a := SupplyAnswer{Supply: s, Cap: amount.Max}
	total, err := s.Ledger.Held.Add(s.Inference.Held)
	if err != nil {
		return a
	}
	a.Total = total
	a.Balanced = s.Ledger.balanced() && s.Inference.balanced() && s.Inference.Credited <= s.Ledger.Burned && total <= amount.Max
	return a
}

func (l LayerSupply) balanced() bool {
	in, err := l.Issued.Add(l.Credited)
	if err != nil {
		return false
	}
	out, err := l.Held.Add(l.Burned)
	if err != nil || in != out {
		return false
	}
	parts, err := amount.Sum(l.Escrow, l.Staked, l.Bonded)
	return err == nil && parts <= l.Held
}
