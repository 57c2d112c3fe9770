package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Bounds of the HTTP server. Reading a body and writing have their own, which handlers move on as they progress (see New),
// so that none of these cuts a long answer.
const (
	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 32 << 10
	maxConnections = 1024 // the next one waits in the listener's backlog
)

// errCut is the cause of contexts of requests that Serve didn't let end.
var errCut error = &apiError{status: http.StatusServiceUnavailable, kind: "server_error", code: "draining", message: "this gateway shut down in the middle of the answer; ask again"}

// drainer is a handler that wants to know when it should end. A Gateway is one.
type drainer interface{ Drain() (grace time.Duration) }

// Serve answers HTTP on ln until ctx ends, then stops taking requests, gives those under way five seconds or what a
// Gateway's Config.Grace says, cuts the rest and returns nil once their handlers have returned. It closes ln.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, logger *slog.Logger) error {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	base, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	var conns sync.WaitGroup // open ones, their handlers included
	srv := &http.Server{
		Handler:     h,
		BaseContext: func(net.Listener) context.Context { return base },
		ConnState: func(_ net.Conn, s http.ConnState) { // Hijacked does not occur: HTTP/1 without upgrades
			switch s {
			case http.StateNew: // called before Serve may return
				conns.Add(1)
			case http.StateClosed: // called after the connection's last handler
				conns.Done()
			}
		},
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() {
		served <- srv.Serve(&bounded{Listener: ln, slots: make(chan struct{}, maxConnections), done: make(chan struct{})})
	}()
	var err error
	select {
	case err = <-served: // the listener broke
	case <-ctx.Done():
		grace := defaultGrace
		if d, ok := h.(drainer); ok {
			grace = d.Drain()
		}
		wait, cancel := context.WithTimeout(base, grace)
		_ = srv.Shutdown(wait) // what it did not end is cut below
		cancel()
		err = <-served
	}
	cut(errCut)
	srv.Close()
	conns.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// bounded is a listener with at most cap(slots) connections open at once.
type bounded struct {
	net.Listener
	slots chan struct{}
	once  sync.Once
	done  chan struct{} // closed with the listener, which may be waiting for a slot
}

func (l *bounded) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

func (l *bounded) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &boundedConn{Conn: c, slots: l.slots}, nil
}

type boundedConn struct {
	net.Conn
	slots chan struct{}
	once  sync.Once
}

func (c *boundedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { <-c.slots })
	return err
}
