package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is a server's methods, secrets and bounds. Zero bounds stand for the defaults.
type Config struct {
	Methods Methods
	// User and Password admit one user. Auth admits more, each a line of Bitcoin Core's rpcauth: USER:SALT$HASH.
	// CookieFile is where a password made for this run is left for programs of the same person. At least one is given.
	User, Password string
	Auth           []string
	CookieFile     string

	MaxBody  int64         // bytes of a request; 32 MiB, Bitcoin Core's bound
	MaxBatch int           // requests in a batch; 1,000
	Workers  int           // calls at once; 16, Bitcoin Core's number of threads
	Queue    int           // requests that wait for a worker; 64, Bitcoin Core's. The next is refused with status 503.
	MaxConns int           // connections; 128. The next waits for a place.
	Timeout  time.Duration // for a request to arrive, and for a client to take an answer; 30 s, Bitcoin Core's

	// Stop is called, once, after a client has called stop and been answered; nil: there is no such method.
	Stop    func()
	LogPath string // told by getrpcinfo
	Logger  *slog.Logger
	Metrics prometheus.Registerer // nil: none
}

func (c *Config) defaults() {
	if c.MaxBody <= 0 {
		c.MaxBody = 32 << 20
	}
	if c.MaxBatch <= 0 {
		c.MaxBatch = 1000
	}
	if c.Workers <= 0 {
		c.Workers = 16
	}
	if c.Queue <= 0 {
		c.Queue = 64
	}
	if c.MaxConns <= 0 {
		c.MaxConns = 128
	}
	if c.Timeout <= 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

// ErrNoPassword says that a server was to be made that anybody could use.
var ErrNoPassword = errors.New("RPC server has neither user and password nor cookie file")

// Server answers JSON-RPC. Make it with New, end it with Close.
type Server struct {
	cfg     Config
	log     *slog.Logger
	methods Methods
	users   []credential
	cookie  *cookie
	began   time.Time
	calls   *prometheus.CounterVec

	workers chan struct{} // holds one of each call under way
	waiting atomic.Int32

	ctx    context.Context // ends with the server
	cancel context.CancelFunc
	stop   sync.Once

	mu     sync.Mutex
	closed bool
	active map[*command]struct{}
	https  []*http.Server
	wg     sync.WaitGroup // Serve calls and open connections
}

// New makes a server and writes its cookie file.
func New(cfg Config) (*Server, error) {
	cfg.defaults()
	s := &Server{cfg: cfg, log: cfg.Logger, methods: maps.Clone(cfg.Methods), began: time.Now(),
		workers: make(chan struct{}, cfg.Workers), active: map[*command]struct{}{}}
	if s.methods == nil {
		s.methods = Methods{}
	}
	maps.Copy(s.methods, s.control())
	if (cfg.User == "") != (cfg.Password == "") {
		return nil, errors.New("RPC user and password are given together or not at all")
	}
	if cfg.User != "" {
		s.users = append(s.users, newCredential(cfg.User, cfg.Password))
	}
	for i, line := range cfg.Auth {
		c, err := parseAuth(line)
		if err != nil {
			return nil, fmt.Errorf("RPC user %d: %w", i+1, err)
		}
		s.users = append(s.users, c)
	}
	if cfg.CookieFile != "" {
		k, c, err := newCookie(cfg.CookieFile)
		if err != nil {
			return nil, err
		}
		s.cookie, s.users = k, append(s.users, c)
	}
	if len(s.users) == 0 {
		return nil, ErrNoPassword
	}
	s.calls = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "funai_ledger_rpc_calls_total", Help: "RPC calls answered."},
		[]string{"method", "outcome"})
	if cfg.Metrics != nil {
		if err := cfg.Metrics.Register(s.calls); err != nil {
			s.log.Warn("metrics", "err", err)
		}
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

const (
	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 16 << 10 // Bitcoin Core allows 8 KiB
)

// Serve answers on a listener until Close, which closes the listener. It returns an error if the listener fails before.
func (s *Server) Serve(l net.Listener) error {
	h := &http.Server{
		Handler:           s,
		BaseContext:       func(net.Listener) context.Context { return s.ctx },
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew: // called before Serve may return
				s.wg.Add(1)
			case http.StateClosed: // called after the connection's last request
				s.wg.Done()
			default:
			}
		},
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return l.Close()
	}
	s.https = append(s.https, h)
	s.wg.Add(1)
	s.mu.Unlock()
	defer s.wg.Done()
	err := h.Serve(&bounded{Listener: l, slots: make(chan struct{}, s.cfg.MaxConns), done: make(chan struct{})})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("RPC listener: %w", err)
}

// grace is how long Close waits for answers to be taken.
const grace = 2 * time.Second

// Close tells calls that wait to end, gives the rest a moment, closes listeners and connections, and removes the cookie
// file. What the methods use must stay open until it returns.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	https := s.https
	s.mu.Unlock()
	s.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	for _, h := range https {
		if h.Shutdown(ctx) != nil {
			h.Close()
		}
	}
	s.wg.Wait()
	if s.cfg.Metrics != nil {
		s.cfg.Metrics.Unregister(s.calls)
	}
	if s.cookie != nil {
		return s.cookie.remove()
	}
	return nil
}

// bounded is a listener with at most cap(slots) connections open at once; the next one waits in the kernel's queue.
type bounded struct {
	net.Listener
	slots chan struct{}
	once  sync.Once
	done  chan struct{} // closed with the listener, which may be waiting for a slot
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
	return &boundedConn{Conn: c, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

func (l *bounded) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

type boundedConn struct {
	net.Conn
	release func()
}

func (c *boundedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
