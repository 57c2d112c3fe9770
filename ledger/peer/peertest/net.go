// Package peertest is a network in memory for tests of ledger nodes: listeners and connections that behave as TCP's do,
// that can be cut by the pair, and that block on nothing but memory and timers, so that whole networks run in a
// testing/synctest bubble. It imports nothing of the project.
package peertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// ErrRefused says that nobody listens, or that the two are cut off from each other.
var ErrRefused = errors.New("connection refused")

// Net is a network. Addresses are "ip:port"; the zero value is not usable.
type Net struct {
	mu        sync.Mutex
	listeners map[string]*listener
	cut       map[[2]string]bool
	conns     map[*conn][2]string
}

// New makes an empty network.
func New() *Net {
	return &Net{listeners: map[string]*listener{}, cut: map[[2]string]bool{}, conns: map[*conn][2]string{}}
}

// Listen listens at an address.
func (n *Net) Listen(addr string) (net.Listener, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[addr] != nil {
		return nil, fmt.Errorf("listen %s: address in use", addr)
	}
	l := &listener{n: n, addr: net.TCPAddrFromAddrPort(at), queue: make(chan net.Conn, 16), closed: make(chan struct{})}
	n.listeners[addr] = l
	return l, nil
}

// Dialer returns what the node at address from dials with.
func (n *Net) Dialer(from string) func(ctx context.Context, addr string) (net.Conn, error) {
	return func(ctx context.Context, addr string) (net.Conn, error) {
		n.mu.Lock()
		l := n.listeners[addr]
		if l == nil || n.cut[pair(from, addr)] {
			n.mu.Unlock()
			return nil, fmt.Errorf("dial %s: %w", addr, ErrRefused)
		}
		near, far := n.pipe(from, addr)
		n.mu.Unlock()
		select {
		case l.queue <- far:
			return near, nil
		case <-l.closed:
			return nil, errors.Join(fmt.Errorf("dial %s: %w", addr, ErrRefused), near.Close())
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), near.Close())
		}
	}
}

// Cut ends the connections between two nodes and allows no new ones until Heal.
func (n *Net) Cut(a, b string) {
	n.mu.Lock()
	n.cut[pair(a, b)] = true
	var ended []*conn
	for c, ends := range n.conns {
		if ends == pair(a, b) {
			ended = append(ended, c)
		}
	}
	n.mu.Unlock()
	for _, c := range ended {
		c.Close()
	}
}

// Heal undoes Cut.
func (n *Net) Heal(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.cut, pair(a, b))
}

func pair(a, b string) [2]string { return [2]string{min(a, b), max(a, b)} }

// pipe makes a connection. The lock is held.
func (n *Net) pipe(from, to string) (near, far *conn) {
	up, down := newFlow(), newFlow()
	near = &conn{n: n, in: down, out: up, local: addrOf(from), remote: addrOf(to)}
	far = &conn{n: n, in: up, out: down, local: addrOf(to), remote: addrOf(from)}
	n.conns[near], n.conns[far] = pair(from, to), pair(from, to)
	return near, far
}

func addrOf(s string) net.Addr {
	at, err := netip.ParseAddrPort(s)
	if err != nil {
		return &net.TCPAddr{IP: net.IPv4zero}
	}
	return net.TCPAddrFromAddrPort(at)
}

type listener struct {
	n      *Net
	addr   net.Addr
	queue  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Addr() net.Addr { return l.addr }

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.n.mu.Lock()
		delete(l.n.listeners, l.addr.String())
		l.n.mu.Unlock()
	})
	for {
		select {
		case c := <-l.queue: // dialled, and never accepted
			c.Close()
		default:
			return nil
		}
	}
}
