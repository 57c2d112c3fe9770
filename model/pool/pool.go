// Package pool keeps several models loaded within a bound of memory: those that were used latest stay, others are closed when a new
// one needs their room and nobody uses them. It is first come, first served: a model whose room the first who waits needs is given
// to nobody else, and so comes free however much it is asked for. It imports package model; how models are opened and what they take
// is told to it.
package pool

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"funai/model"
)

// Options of a Pool.
type Options struct {
	Bytes   int64 // of all loaded models together, at least 1
	Count   int   // of loaded models at once; default 16
	Waiting int   // requests that wait for room at once; default 256
	// Size says about how many bytes a model will take, before it is opened.
	Size func(ctx context.Context, name string) (int64, error)
	// Open loads a model.
	Open   func(ctx context.Context, name string) (model.Engine, error)
	Logger *slog.Logger
}

// Pool holds loaded models.
type Pool struct {
	o       Options
	loads   sync.WaitGroup
	mu      sync.Mutex
	models  map[string]*entry
	waiting []*waiter // first come first
	clock   uint64
	closed  bool
}

// entry is a model that is loaded, or about to be.
type entry struct {
	name     string
	size     int64
	users    int
	used     uint64
	loaded   bool
	leaving  bool          // it is closed just now, or loaded for nobody; who wants it waits until that is over
	draining bool          // the first who waits needs its room; who wants it waits behind
	ready    chan struct{} // closed when engine or err is set
	cancel   context.CancelFunc
	engine   model.Engine
	err      error
}

// Loaded describes a model of a pool.
type Loaded struct {
	Name  string
	Bytes int64
	Users int // requests that hold it
}

// Defaults of Options.
const (
	defaultCount   = 16
	defaultWaiting = 256
)

// New returns an empty pool.
func New(o Options) (*Pool, error) {
	if o.Bytes < 1 || o.Size == nil || o.Open == nil {
		return nil, fmt.Errorf("%w: a pool of %d bytes, or without Size or Open", model.ErrRequest, o.Bytes)
	}
	if o.Count <= 0 {
		o.Count = defaultCount
	}
	if o.Waiting <= 0 {
		o.Waiting = defaultWaiting
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Pool{o: o, models: map[string]*entry{}}, nil
}

// Acquire returns a loaded model, loading it first if need be, and a function that gives it back and must be called once. While all
// the room is in use it waits until ctx is done; if too many wait, that is model.ErrBusy at once. A model that is larger than the
// bound is model.ErrMemory at once.
func (p *Pool) Acquire(ctx context.Context, name string) (model.Engine, func(), error) {
	e, err := p.find(name)
	if err != nil {
		return nil, nil, err
	}
	if e == nil {
		size, err := p.size(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		if e, err = p.wait(ctx, name, size); err != nil {
			return nil, nil, err
		}
	}
	back := sync.OnceFunc(func() { p.release(e) })
	select {
	case <-e.ready:
	case <-ctx.Done():
		back()
		return nil, nil, ctx.Err()
	}
	if e.err != nil {
		return nil, nil, e.err
	}
	return e.engine, back, nil
}

// find makes the caller a user of a model if nobody comes first; nil if it isn't to be had.
func (p *Pool) find(name string) (*entry, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, model.ErrClosed
	}
	if e := p.models[name]; e != nil && e.free() {
		e.users++
		return e, nil
	}
	return nil, nil
}

func (e *entry) free() bool { return !e.leaving && !e.draining }

func (p *Pool) size(ctx context.Context, name string) (int64, error) {
	n, err := p.o.Size(ctx, name)
	if err != nil {
		return 0, err
	}
	if n < 0 || n > p.o.Bytes {
		return 0, fmt.Errorf("%w: %s takes %d bytes, models may take %d", model.ErrMemory, name, n, p.o.Bytes)
	}
	return n, nil
}

// load makes room and opens a model for everybody who waits for it. It ends early when nobody does any more.
func (p *Pool) load(ctx context.Context, e *entry, out []*entry) {
	for _, old := range out {
		p.shut(old)
	}
	p.mu.Lock()
	for _, old := range out {
		delete(p.models, old.name)
	}
	p.serve()
	p.mu.Unlock()
	err := ctx.Err()
	if err == nil {
		e.engine, err = p.o.Open(ctx, e.name)
	}
	e.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed && err != nil {
		err = model.ErrClosed
	}
	e.loaded, e.leaving, e.err = true, false, err
	if err != nil {
		delete(p.models, e.name)
	}
	close(e.ready)
	p.serve()
}

func (p *Pool) shut(e *entry) {
	p.o.Logger.Info("model unloaded", "name", e.name, "bytes", e.size)
	if err := e.engine.Close(); err != nil {
		p.o.Logger.Warn("unloading failed", "name", e.name, "error", err)
	}
}

func (p *Pool) release(e *entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clock++
	e.used = p.clock
	if e.users--; e.users > 0 {
		return
	}
	if !e.loaded {
		e.leaving = true
		e.cancel()
	}
	p.serve()
}

// Loaded lists the models that are loaded or about to be: those in use first, and of them and the others the latest used.
func (p *Pool) Loaded() (out []Loaded) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.oldest() {
		out = append(out, Loaded{e.name, e.size, e.users})
	}
	slices.Reverse(out)
	return out
}

// Close closes every model, also those in use, whose requests end with model.ErrClosed.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	for _, w := range p.waiting {
		close(w.served)
	}
	p.waiting = nil
	for _, e := range p.models {
		e.cancel()
	}
	p.mu.Unlock()
	p.loads.Wait()
	p.mu.Lock()
	all := p.models
	p.models = map[string]*entry{}
	p.mu.Unlock()
	for _, e := range all {
		p.shut(e)
	}
	return nil
}
