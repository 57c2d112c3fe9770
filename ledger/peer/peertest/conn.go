package peertest

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// flowSize bounds the bytes under way in one direction, as a socket's buffers do.
const flowSize = 1 << 20

// flow is one direction of a connection.
type flow struct {
	mu            sync.Mutex
	moved         *sync.Cond
	buf           []byte
	closed        bool
	reads, writes deadline
}

type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func newFlow() *flow {
	f := &flow{}
	f.moved = sync.NewCond(&f.mu)
	return f
}

func (f *flow) read(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.buf) == 0 && !f.closed && !f.reads.passed() {
		f.moved.Wait()
	}
	switch {
	case f.reads.passed():
		return 0, os.ErrDeadlineExceeded
	case len(f.buf) == 0:
		return 0, io.EOF
	}
	n := copy(b, f.buf)
	f.buf = f.buf[n:]
	f.moved.Broadcast()
	return n, nil
}

func (f *flow) write(b []byte) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(b) > 0 {
		for len(f.buf) >= flowSize && !f.closed && !f.writes.passed() {
			f.moved.Wait()
		}
		switch {
		case f.closed:
			return n, io.ErrClosedPipe
		case f.writes.passed():
			return n, os.ErrDeadlineExceeded
		}
		k := min(len(b), flowSize-len(f.buf))
		f.buf, b, n = append(f.buf, b[:k]...), b[k:], n+k
		f.moved.Broadcast()
	}
	return n, nil
}

func (f *flow) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.reads.stop()
	f.writes.stop()
	f.moved.Broadcast()
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}

// limit sets a deadline of the flow's.
func (f *flow) limit(d *deadline, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d.stop()
	if d.at = at; !at.IsZero() && !f.closed {
		d.timer = time.AfterFunc(time.Until(at), func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.moved.Broadcast()
		})
	}
	f.moved.Broadcast()
}

// conn is one end of a connection. What was written before the other end closed can still be read.
type conn struct {
	n             *Net
	in, out       *flow
	local, remote net.Addr
}

func (c *conn) Read(b []byte) (int, error)  { return c.in.read(b) }
func (c *conn) Write(b []byte) (int, error) { return c.out.write(b) }
func (c *conn) LocalAddr() net.Addr         { return c.local }
func (c *conn) RemoteAddr() net.Addr        { return c.remote }

func (c *conn) Close() error {
	c.in.close()
	c.out.close()
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	delete(c.n.conns, c)
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.limit(&c.in.reads, t)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.limit(&c.out.writes, t)
	return nil
}

func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
