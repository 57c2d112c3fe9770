// Package openai runs models behind any server that speaks OpenAI's HTTP API: vLLM, SGLang, llama.cpp, Ollama, OpenAI itself.
// What a server can do is found out when it is opened, never assumed. It imports package model and the official client; the
// wire format is OpenAI's API reference (chat completions, completions, embeddings), and vLLM's extensions to it
// (return_token_ids, prompt_logprobs) where a server has them.
package openai

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"funai/model"

	api "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

var _ model.Engine = (*Engine)(nil)

var (
	// ErrServer says that the server failed or answered nonsense; the error holds its words.
	ErrServer = errors.New("openai: server failed")
	// ErrDenied says that the server wants another API key.
	ErrDenied = errors.New("openai: not allowed")
)

const (
	defaultContext     = 8192
	defaultConcurrency = 64
	maxAnswerBytes     = 4 << 20
	// defaultSilence is long because a slow machine says nothing while it reads a long prompt.
	defaultSilence = 5 * time.Minute
)

// Options of an Engine.
type Options struct {
	URL         string        // base, such as http://localhost:8000/v1
	Model       string        // as the server calls it
	Name        string        // for Info; default: Model
	APIKey      string        // empty: none is sent
	Hash        [32]byte      // identity of the weights the server is trusted to run; zero: a hash of URL and Model, equal to no file's
	Context     int           // tokens; default: what the server lists, or 8192
	Concurrency int           // requests at once, more are ErrBusy; default 64
	Silence     time.Duration // the longest that the server may say nothing at all during a request; default 5 minutes
	HTTP        *http.Client  // default: http.DefaultClient
	Logger      *slog.Logger
}

// Engine is one model of one server.
type Engine struct {
	info   model.Info
	name   string // of the model, to the server
	client api.Client
	can    Abilities
	mind   manners
	slots  chan struct{}
	log    *slog.Logger

	mu     sync.Mutex
	shut   bool
	calls  sync.WaitGroup
	cancel map[*context.CancelCauseFunc]struct{} // of calls in flight
}

// Open asks the server what it can do, by a few requests of one token each.
func Open(ctx context.Context, o Options) (*Engine, error) {
	if o.URL == "" || o.Model == "" {
		return nil, fmt.Errorf("%w: URL %q and model %q are both needed", model.ErrRequest, o.URL, o.Model)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Name == "" {
		o.Name = o.Model
	}
	if o.Hash == ([32]byte{}) {
		o.Hash = sha256.Sum256([]byte("openai:" + o.URL + "#" + o.Model))
	}
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.Silence <= 0 {
		o.Silence = defaultSilence
	}
	// Retries are ours: the client's own would also repeat what a server may have done.
	options := []option.RequestOption{option.WithBaseURL(strings.TrimSuffix(o.URL, "/") + "/"), option.WithMaxRetries(0), option.WithAPIKey(o.APIKey),
		option.WithMiddleware(silence(o.Silence), apart(), legible)}
	if o.APIKey == "" {
		options = append(options, option.WithHeaderDel("Authorization"))
	}
	if o.HTTP != nil {
		options = append(options, option.WithHTTPClient(o.HTTP))
	}
	e := &Engine{name: o.Model, client: api.NewClient(options...), slots: make(chan struct{}, o.Concurrency), log: o.Logger,
		cancel: map[*context.CancelCauseFunc]struct{}{}}
	if err := e.probe(ctx); err != nil {
		return nil, fmt.Errorf("opening %s at %s: %w", o.Model, o.URL, err)
	}
	if o.Context <= 0 {
		o.Context = e.can.Context
	}
	if o.Context <= 0 {
		o.Context = defaultContext
	}
	e.info = model.Info{Name: o.Name, Hash: o.Hash, Context: o.Context, Scores: e.can.Scores}
	e.log.Info("model served by", "url", o.URL, "model", o.Model, "abilities", fmt.Sprintf("%+v", e.can))
	return e, nil
}

// Info implements model.Engine. Samples is false: a server's sampler draws its noise in its own way.
func (e *Engine) Info() model.Info { return e.info }

// begin counts a call in, and ties it to the engine's life.
func (e *Engine) begin(ctx context.Context) (context.Context, func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.shut {
		return nil, nil, model.ErrClosed
	}
	select {
	case e.slots <- struct{}{}:
	default:
		return nil, nil, fmt.Errorf("%w: %d requests are running", model.ErrBusy, cap(e.slots))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	e.cancel[&cancel] = struct{}{}
	e.calls.Add(1)
	return ctx, func() {
		cancel(nil)
		e.mu.Lock()
		delete(e.cancel, &cancel)
		e.mu.Unlock()
		<-e.slots
		e.calls.Done()
	}, nil
}

// Close ends what runs with model.ErrClosed and waits for it.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.shut = true
	for c := range e.cancel {
		(*c)(model.ErrClosed)
	}
	e.mu.Unlock()
	e.calls.Wait()
	return nil
}
