// Package gguf runs models in GGUF inside the process: llama.cpp's shared libraries, called through yzma without cgo. One
// goroutine owns the context and decodes the tokens of all requests together (continuous batching); sampling is ours (package
// sampling), on the logits, so that scoring redoes exactly what generating did. It imports model and model/sampling, and of the
// machine only the files it is pointed to. Rules: llama.h of llama.cpp, and the documentation of package model.
package gguf

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"funai/model"

	"github.com/hybridgroup/yzma/pkg/llama"
)

var _ model.Engine = (*Engine)(nil)

// ErrLoad says that libraries or weights could not be loaded.
var ErrLoad = errors.New("gguf: can't load")

// Bounds and defaults.
const (
	// MaxContext is the default bound of prompt and answer together, in tokens, for models trained on more.
	MaxContext = 4096
	// sequences is how many answers are generated at once by default, and maxSequences the most: with one for scoring
	// for every scorers of them, llama.cpp's LLAMA_MAX_SEQ of 256 is the bound.
	sequences    = 16
	maxSequences = 200
	scorers      = 4
	// queued is how many more may wait by default.
	queued = 64
	// batchTokens is the most that one call of llama.cpp is given. On 2 cores TinyLlama prefills 86, 92, 98 and 100 tokens a
	// second by 64, 128, 256 and 512.
	batchTokens = 256
	// pause is about how long a step may take while an answer streams: prefill goes along for so long. At first, while it isn't
	// known how fast that is, it is sharedTokens; at least leastTokens go along.
	pause        = 250 * time.Millisecond
	sharedTokens = 64
	leastTokens  = 8
	// spareBytes, or a quarter of the weights, are what a cache of more than two contexts may take by default.
	spareBytes = 16 << 20
	// maxMessages and maxPromptBytes bound one request.
	maxMessages    = 1024
	maxPromptBytes = 4 << 20
)

// Options of an Engine.
type Options struct {
	Path    string   // GGUF file
	LibDir  string   // folder of llama.cpp's shared libraries; the first one opened serves the whole process
	Name    string   // for Info; default: the file's name
	Hash    [32]byte // SHA-256 of the file, if the caller knows it; zero: it is computed
	Threads int      // default: the physical cores less one
	Context int      // tokens of prompt and answer together; default: as trained, at most MaxContext
	Cache   int      // tokens of all running requests together, at least Context; default: twice Context, and more where they take little
	Running int      // answers that are generated at once; default 16, at most 200
	Queue   int      // requests that wait when so many run; default 64. One client can have four fifths of all places
	Memory  int64    // bytes that weights and cache may take; default: what the machine has free, where it says so
	Logger  *slog.Logger
}

// Engine is one loaded model.
type Engine struct {
	info  model.Info
	log   *slog.Logger
	queue *queue

	mu    sync.RWMutex // held for reading while the model's vocabulary is used, for writing to free it
	shut  bool
	model llama.Model
	vocab *vocabulary

	template *chatTemplate
	stop     chan struct{}
	stopped  chan struct{} // closed by the loop at its end
	loop     *loop
}

// Open loads a model. It takes seconds and the memory of the weights.
func Open(ctx context.Context, o Options) (*Engine, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Name == "" {
		o.Name = strings.TrimSuffix(filepath.Base(o.Path), ".gguf")
	}
	if o.Threads <= 0 {
		o.Threads = defaultThreads()
	}
	if o.Queue <= 0 {
		o.Queue = queued
	}
	if o.Hash == ([32]byte{}) {
		if err := hashFile(o.Path, &o.Hash); err != nil {
			return nil, err
		}
	}
	if err := loadLibraries(o.LibDir); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o.Running <= 0 {
		o.Running = sequences
	}
	o.Running = min(o.Running, maxSequences)
	e := &Engine{log: o.Logger, queue: newQueue(o.Running + o.Queue), stop: make(chan struct{}), stopped: make(chan struct{})}
	if err := e.load(ctx, o); err != nil {
		return nil, err
	}
	go e.run()
	e.log.Info("model loaded", "name", o.Name, "hash", fmt.Sprintf("%x", o.Hash[:8]), "description", llama.ModelDesc(e.model),
		"context", e.info.Context, "threads", o.Threads)
	return e, nil
}

func (e *Engine) load(ctx context.Context, o Options) (err error) {
	if o.Memory <= 0 && !llama.SupportsGpuOffload() { // a GPU has memory of its own, which llama.cpp asks for
		o.Memory = freeMemory()
	}
	weights, err := weigh(o)
	if err != nil {
		return err
	}
	trouble.reset()
	m, err := llama.ModelLoadFromFile(o.Path, llama.ModelDefaultParams())
	if err != nil {
		return fmt.Errorf("%w %s: %w: %s", ErrLoad, o.Path, err, trouble.last())
	}
	defer func() {
		if err != nil {
			_ = llama.ModelFree(m)
		}
	}()
	e.model = m
	trained := int(llama.ModelNCtxTrain(m))
	if o.Context <= 0 {
		o.Context = min(trained, MaxContext)
	}
	o.Context = min(o.Context, trained)
	if o.Cache <= 0 {
		o.Cache = defaultCache(m, o, weights)
	}
	o.Cache = max(o.Cache, o.Context)
	if need := weights + cacheBytes(m, o.Cache); o.Memory > 0 && need > o.Memory {
		return fmt.Errorf("%w: %s with a cache of %d tokens needs %d bytes, there are %d", model.ErrMemory, o.Path, o.Cache, need, o.Memory)
	}
	e.vocab = readVocabulary(m)
	if e.template, err = readTemplate(ctx, m, e.vocab); err != nil {
		return fmt.Errorf("%w %s: %w", ErrLoad, o.Path, err)
	}
	e.loop, err = newLoop(e, m, o)
	if err != nil {
		e.template.close()
		return fmt.Errorf("%w: %w %s: context of %d tokens: %w: %s", model.ErrMemory, ErrLoad, o.Path, o.Cache, err, trouble.last())
	}
	e.info = model.Info{Name: o.Name, Hash: o.Hash, Context: o.Context, Scores: true, Samples: true}
	return nil
}

// Info implements model.Engine.
func (e *Engine) Info() model.Info { return e.info }

// Close stops what runs with model.ErrClosed, waits for the loop and frees the model. Later calls do nothing.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.shut {
		return nil
	}
	e.shut = true
	close(e.stop)
	<-e.stopped // the loop never takes e.mu
	e.loop.free()
	e.template.close()
	return llama.ModelFree(e.model)
}

func hashFile(path string, sum *[32]byte) error {
	r, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLoad, err)
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return fmt.Errorf("%w: %w", ErrLoad, err)
	}
	h.Sum(sum[:0])
	return nil
}
