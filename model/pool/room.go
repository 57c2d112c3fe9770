package pool

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"funai/model"
)

// waiter is a request for a model that isn't loaded, or whose room others wait for.
type waiter struct {
	name   string
	size   int64
	served chan struct{} // closed when entry is set, or the pool was closed
	entry  *entry        // whose user the request is now
}

// wait makes the caller a user of a model when its turn comes.
func (p *Pool) wait(ctx context.Context, name string, size int64) (*entry, error) {
	w := &waiter{name: name, size: size, served: make(chan struct{})}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, model.ErrClosed
	}
	if n := len(p.waiting); n >= p.o.Waiting {
		p.mu.Unlock()
		return nil, fmt.Errorf("%w: %d requests wait for room for their models, %d may", model.ErrBusy, n, p.o.Waiting)
	}
	p.waiting = append(p.waiting, w)
	p.serve()
	p.mu.Unlock()
	select {
	case <-w.served:
		if w.entry == nil {
			return nil, model.ErrClosed
		}
		return w.entry, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	if at := slices.Index(p.waiting, w); at >= 0 {
		p.drop(at)
		p.serve()
	}
	p.mu.Unlock()
	if w.entry != nil { // it was served just now
		p.release(w.entry)
	}
	return nil, fmt.Errorf("%w: all %d bytes for models are in use: %w", model.ErrBusy, p.o.Bytes, ctx.Err())
}

// serve gives those who wait what there is: room for its model to the first of them, and models that are loaded and that the first
// doesn't need the room of to all. Like the rest of this file it is called with p.mu held, whenever something may have changed.
func (p *Pool) serve() {
	for !p.closed && len(p.waiting) > 0 {
		w := p.waiting[0]
		if e := p.models[w.name]; e != nil && e.free() {
			p.give(0, e)
			continue
		}
		out, fits := p.evict(w.size)
		if !fits {
			p.drain(w.size)
			break
		}
		if p.changing() {
			break
		}
		p.undrain()
		for _, old := range out {
			old.leaving = true
		}
		ctx, cancel := context.WithCancel(context.Background())
		e := &entry{name: w.name, size: w.size, ready: make(chan struct{}), cancel: cancel}
		p.models[w.name] = e // there is no other, for nothing is leaving, and what drains makes room for the first
		p.loads.Go(func() { p.load(ctx, e, out) })
	}
	for i := 0; i < len(p.waiting); {
		if e := p.models[p.waiting[i].name]; e != nil && e.free() {
			p.give(i, e)
		} else {
			i++
		}
	}
}

// give makes the i-th who waits a user of a model.
func (p *Pool) give(i int, e *entry) {
	w := p.waiting[i]
	e.users++
	w.entry = e
	close(w.served)
	p.drop(i)
}

// drop takes the i-th from those who wait.
func (p *Pool) drop(i int) {
	if i == 0 {
		p.undrain()
	}
	p.waiting = slices.Delete(p.waiting, i, i+1)
}

// changing says whether room comes free soon: it is given away then, and only then.
func (p *Pool) changing() bool {
	for _, e := range p.models {
		if e.leaving {
			return true
		}
	}
	return false
}

// evict picks models to close until there is room, longest unused first. If that isn't enough none is closed.
func (p *Pool) evict(need int64) (out []*entry, fits bool) {
	return p.pick(need, func(e *entry) bool { return e.loaded && e.users == 0 })
}

// drain keeps models from all but their users until the first who waits has room: those that nobody uses, and those longest unused.
func (p *Pool) drain(need int64) {
	for _, e := range p.models {
		if e.draining {
			return
		}
	}
	out, _ := p.pick(need, func(*entry) bool { return true })
	for _, e := range out {
		e.draining = true
	}
}

func (p *Pool) undrain() {
	for _, e := range p.models {
		e.draining = false
	}
}

// pick returns models that may go, in their order, without which another has room. None of them could stay.
func (p *Pool) pick(need int64, may func(*entry) bool) (out []*entry, fits bool) {
	all := p.oldest()
	used, count := need, 1
	for _, e := range all {
		if !e.leaving {
			used, count = used+e.size, count+1
		}
	}
	enough := func() bool { return used <= p.o.Bytes && count <= p.o.Count }
	for _, e := range all {
		if !enough() && !e.leaving && may(e) {
			out, used, count = append(out, e), used-e.size, count-1
		}
	}
	if !enough() {
		return nil, false
	}
	return slices.DeleteFunc(out, func(e *entry) bool {
		if used, count = used+e.size, count+1; enough() {
			return true
		}
		used, count = used-e.size, count-1
		return false
	}), true
}

// oldest returns all models, those that nobody uses first, and of them and the others the longest unused first.
func (p *Pool) oldest() []*entry {
	return slices.SortedFunc(maps.Values(p.models), func(a, b *entry) int {
		return cmp.Or(cmp.Compare(min(a.users, 1), min(b.users, 1)), cmp.Compare(a.used, b.used), cmp.Compare(a.name, b.name))
	})
}
