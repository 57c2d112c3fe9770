// Package pool keeps several models loaded within a bound of memory: those that were used latest stay, others are closed when a new
// one needs their room and nobody uses them. It imports package model; how models are opened and what they take is told to it.
package pool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"funai/model"
)

// Options of a Pool.
type Options struct {
	Bytes int64 // of all loaded models together, at least 1
	Count int   // of loaded models at once; default 16
	// Size says about how many bytes a model will take, before it is opened.
	Size func(ctx context.Context, name string) (int64, error)
	// Open loads a model.
	Open   func(ctx context.Context, name string) (model.Engine, error)
	Logger *slog.Logger
}

// Pool holds loaded models.
type Pool struct {
	o       Options
	mu      sync.Mutex
	models  map[string]*entry
	clock   uint64
	closed  bool
	changed chan struct{} // closed and replaced when room may have come free
}

// entry is a model that is loaded, or about to be.
type entry struct {
	name   string
	size   int64
	users  int
	used   uint64
	ready  chan struct{} // closed when engine or err is set
	engine model.Engine
	err    error
}

// Loaded describes a model of a pool.
type Loaded struct {
	Name  string
	Bytes int64
	Users int // requests that hold it
}

// defaultCount bounds the models of a pool that wasn't told.
const defaultCount = 16

// New returns an empty pool.
func New(o Options) (*Pool, error) {
	if o.Bytes < 1 || o.Size == nil || o.Open == nil {
		return nil, fmt.Errorf("%w: a pool of %d bytes, or without Size or Open", model.ErrRequest, o.Bytes)
	}
	if o.Count <= 0 {
		o.Count = defaultCount
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Pool{o: o, models: map[string]*entry{}, changed: make(chan struct{})}, nil
}

// Acquire returns a loaded model, loading it first if need be, and a function that gives it back and must be called once. While all
// the room is in use it waits until ctx is done. A model that is larger than the bound is model.ErrMemory at once.
func (p *Pool) Acquire(ctx context.Context, name string) (model.Engine, func(), error) {
	for {
		e, back, err := p.acquire(ctx, name)
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			return e, back, err
		}
		// Who loaded it left; so we load it.
	}
}

func (p *Pool) acquire(ctx context.Context, name string) (model.Engine, func(), error) {
	size := int64(-1)
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, nil, model.ErrClosed
		}
		if e, ok := p.models[name]; ok {
			e.users++
			p.mu.Unlock()
			return p.await(ctx, e)
		}
		if size < 0 {
			p.mu.Unlock()
			var err error
			if size, err = p.size(ctx, name); err != nil {
				return nil, nil, err
			}
			continue
		}
		out, fits := p.evict(size)
		if fits {
			e := &entry{name: name, size: size, users: 1, ready: make(chan struct{})}
			p.models[name] = e
			p.mu.Unlock()
			p.shut(out)
			p.load(ctx, e)
			return p.await(ctx, e)
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("%w: all %d bytes for models are in use: %w", model.ErrBusy, p.o.Bytes, ctx.Err())
		}
	}
}

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

// evict picks models to close until there is room, longest unused first. If that isn't enough none is closed. The caller holds
// p.mu; what is returned is out of the pool.
func (p *Pool) evict(need int64) (out []*entry, fits bool) {
	var idle []*entry
	used, count := int64(0), len(p.models)
	for _, e := range p.models {
		used += e.size
		if e.users == 0 {
			idle = append(idle, e)
		}
	}
	slices.SortFunc(idle, func(a, b *entry) int {
		if a.used < b.used {
			return -1
		}
		return 1
	})
	for used+need > p.o.Bytes || count >= p.o.Count {
		if len(idle) == 0 {
			return nil, false
		}
		out, used, count = append(out, idle[0]), used-idle[0].size, count-1
		idle = idle[1:]
	}
	for _, e := range out {
		delete(p.models, e.name)
	}
	return out, true
}

func (p *Pool) shut(out []*entry) {
	for _, e := range out {
		p.o.Logger.Info("model unloaded", "name", e.name, "bytes", e.size)
		if err := e.engine.Close(); err != nil {
			p.o.Logger.Warn("unloading failed", "name", e.name, "error", err)
		}
	}
}

// load opens an entry's model, for everybody who waits for it. The context is that of who asked first.
func (p *Pool) load(ctx context.Context, e *entry) {
	engine, err := p.o.Open(ctx, e.name)
	p.mu.Lock()
	defer p.mu.Unlock()
	e.engine, e.err = engine, err
	if err != nil {
		delete(p.models, e.name)
		p.tell()
	}
	close(e.ready)
}

// tell wakes who waits for room. The caller holds p.mu.
func (p *Pool) tell() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// await waits for a model that the caller counts as a user of.
func (p *Pool) await(ctx context.Context, e *entry) (model.Engine, func(), error) {
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

func (p *Pool) release(e *entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clock++
	e.used = p.clock
	if e.users--; e.users == 0 {
		p.tell()
	}
}

// Loaded lists the models that are loaded or about to be, latest used first.
func (p *Pool) Loaded() (out []Loaded) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*entry
	for _, e := range p.models {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *entry) int {
		if a.used > b.used {
			return -1
		}
		return 1
	})
	for _, e := range all {
		out = append(out, Loaded{e.name, e.size, e.users})
	}
	return out
}

// Close closes every model, also those in use, whose requests end with model.ErrClosed.
func (p *Pool) Close() error {
	p.mu.Lock()
	all := p.models
	p.models, p.closed = map[string]*entry{}, true
	p.tell()
	p.mu.Unlock()
	for _, e := range all {
		<-e.ready
		if e.err == nil {
			p.shut([]*entry{e})
		}
	}
	return nil
}
