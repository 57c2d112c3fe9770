package p2ptest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"funai/key"
	"funai/p2p"
)

// Handle is p2p.Host's.
func (h *Host) Handle(protocol string, serve p2p.Handler) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.handlers[protocol] = serve
}

// Open is p2p.Host's. It takes the delay of two hops.
func (h *Host) Open(ctx context.Context, to key.Public, protocol string) (p2p.Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.life, cancel)()
	n := h.net
	n.mu.Lock()
	if h.down {
		n.mu.Unlock()
		return nil, p2p.ErrClosed
	}
	kind := streamKind{to, protocol}
	h.opened[kind]++
	peer, parted := n.hosts[to], n.parted(h.pub, to)
	there, back := n.faults.MinDelay, n.faults.MinDelay
	var r *dice
	if peer != nil {
		r = &dice{n: n, from: h, to: peer, what: []byte(protocol), place: h.opened[kind] << 32}
		there, back = n.faults.delay(r.next()), n.faults.delay(r.next())
	}
	n.mu.Unlock()
	if parted {
		there = DialTimeout
	}
	if err := sleep(ctx, there); err != nil || peer == nil || parted {
		return nil, unreachable(to, err)
	}
	e, err := h.connect(peer, protocol, r)
	if late := sleep(ctx, back); late != nil {
		if e != nil {
			e.Reset()
		}
		return nil, unreachable(to, late)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s to %v: %w", protocol, to, err)
	}
	return e, nil
}

func unreachable(to key.Public, err error) error {
	if err == nil {
		return fmt.Errorf("%w: %v", p2p.ErrUnreachable, to)
	}
	return fmt.Errorf("%w: %v: %v", p2p.ErrUnreachable, to, err)
}

// connect makes a stream and starts its handler.
func (h *Host) connect(peer *Host, protocol string, r *dice) (*end, error) {
	n := h.net
	n.mu.Lock()
	defer n.mu.Unlock()
	kind := streamKind{h.pub, protocol}
	serve := peer.handlers[protocol]
	switch {
	case !n.linked(h, peer):
		return nil, p2p.ErrUnreachable
	case serve == nil:
		return nil, p2p.ErrProtocol
	case peer.serving[kind] >= p2p.MaxStreams:
		return nil, p2p.ErrReset
	}
	p := &pipe{changed: make(chan struct{})}
	there, back := &queue{}, &queue{}
	ours := &end{host: h, peer: peer, pipe: p, in: back, out: there, dice: r}
	theirs := &end{host: peer, peer: h, pipe: p, in: there, out: back,
		dice: &dice{n: n, from: peer, to: h, what: r.what, place: r.place}}
	h.ends[ours], peer.ends[theirs] = struct{}{}, struct{}{}
	peer.serving[kind]++
	peer.work.Go(func() {
		serve(peer.life, h.pub, theirs)
		_ = theirs.Close()
		n.mu.Lock()
		defer n.mu.Unlock()
		peer.serving[kind]--
	})
	return ours, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// pipe is what the two ends of a stream share.
type pipe struct {
	mu      sync.Mutex    // taken after the net's, if both are
	changed chan struct{} // closed, and made anew, at every change
	broken  bool
}

func (p *pipe) change() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *pipe) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = true
	p.change()
}

// queue holds the frames of one direction: at most p2p.MaxFrame bytes, or one frame; writers wait.
type queue struct {
	frames  []frame
	bytes   int
	last    time.Time // arrival of the newest frame: none overtakes another
	ended   bool      // by the writer
	dropped bool      // by the reader
}

type frame struct {
	data []byte
	at   time.Time
	eof  bool
}

// end is one host's side of a stream.
type end struct {
	host, peer *Host
	pipe       *pipe
	in, out    *queue
	dice       *dice // under the net's lock

	deadline time.Time // as all above, under the pipe's lock
	closed   bool      // likewise
}

// wait gives up the pipe's lock until something changes, or until a time. The lock is held.
func (e *end) wait(until time.Time) error {
	now := time.Now()
	if !e.deadline.IsZero() {
		if !now.Before(e.deadline) {
			return os.ErrDeadlineExceeded
		}
		if until.IsZero() || e.deadline.Before(until) {
			until = e.deadline
		}
	}
	changed := e.pipe.changed
	var at <-chan time.Time
	if !until.IsZero() {
		t := time.NewTimer(until.Sub(now))
		defer t.Stop()
		at = t.C
	}
	e.pipe.mu.Unlock()
	defer e.pipe.mu.Lock()
	select {
	case <-changed:
	case <-at:
	}
	return nil
}

func (e *end) ReadMsg(max int) ([]byte, error) {
	e.pipe.mu.Lock()
	defer e.pipe.mu.Unlock()
	for {
		if e.pipe.broken || e.in.dropped {
			return nil, p2p.ErrReset
		}
		var next time.Time
		if len(e.in.frames) > 0 {
			f := e.in.frames[0]
			if next = f.at; !time.Now().Before(next) {
				return e.take(f, max)
			}
		}
		if err := e.wait(next); err != nil {
			return nil, err
		}
	}
}

func (e *end) take(f frame, max int) ([]byte, error) {
	if f.eof {
		return nil, io.EOF
	}
	e.in.frames, e.in.bytes = e.in.frames[1:], e.in.bytes-len(f.data)
	if len(f.data) > max {
		e.pipe.broken = true
		f.data = nil
	}
	e.pipe.change()
	if e.pipe.broken {
		return nil, fmt.Errorf("%w: frame exceeds %d bytes", p2p.ErrTooLarge, max)
	}
	return f.data, nil
}

func (e *end) WriteMsg(b []byte) error {
	if len(b) > p2p.MaxFrame {
		return fmt.Errorf("%w: frame of %d bytes exceeds %d", p2p.ErrTooLarge, len(b), p2p.MaxFrame)
	}
	return e.put(frame{data: bytes.Clone(b)})
}

// put sends a frame over the link.
func (e *end) put(f frame) error {
	n := e.host.net
	n.mu.Lock()
	r, faults := e.dice.next(), n.faults
	breaks := r.Float64() < faults.Break || !n.linked(e.host, e.peer)
	delay := faults.delay(r)
	n.mu.Unlock()
	if breaks {
		e.pipe.reset()
		return p2p.ErrReset
	}
	e.pipe.mu.Lock()
	defer e.pipe.mu.Unlock()
	for {
		switch {
		case e.pipe.broken || e.out.ended:
			return p2p.ErrReset
		case e.out.dropped: // as on a real network, where nobody tells
			return nil
		case f.eof || e.out.bytes == 0 || e.out.bytes+len(f.data) <= p2p.MaxFrame:
			if f.at = time.Now().Add(delay); f.at.Before(e.out.last) {
				f.at = e.out.last
			}
			e.out.last, e.out.ended = f.at, f.eof
			e.out.frames, e.out.bytes = append(e.out.frames, f), e.out.bytes+len(f.data)
			e.pipe.change()
			return nil
		}
		if err := e.wait(time.Time{}); err != nil {
			return err
		}
	}
}

func (e *end) CloseWrite() error {
	e.pipe.mu.Lock()
	ended := e.out.ended
	e.pipe.mu.Unlock()
	if ended {
		return nil
	}
	return e.put(frame{eof: true})
}

func (e *end) Close() error {
	err := e.CloseWrite()
	e.pipe.mu.Lock()
	e.closed, e.in.dropped, e.in.frames, e.in.bytes = true, true, nil, 0
	e.pipe.change()
	e.pipe.mu.Unlock()
	e.forget()
	return err
}

func (e *end) Reset() {
	e.pipe.mu.Lock()
	closed := e.closed
	e.pipe.mu.Unlock()
	if !closed {
		e.pipe.reset()
		e.forget()
	}
}

func (e *end) forget() {
	e.host.net.mu.Lock()
	defer e.host.net.mu.Unlock()
	delete(e.host.ends, e)
}

func (e *end) SetDeadline(t time.Time) error {
	e.pipe.mu.Lock()
	defer e.pipe.mu.Unlock()
	e.deadline = t
	e.pipe.change()
	return nil
}

// dice gives each frame of one direction of a stream its own chance. It is guarded by the net's lock.
type dice struct {
	n        *Net
	from, to *Host
	what     []byte
	place    uint64
}

func (d *dice) next() *rand.Rand {
	d.place++
	return d.n.dice(d.from, d.to, d.what, d.place)
}
