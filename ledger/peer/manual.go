package peer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	// ErrNotConnected says that there is no such connection.
	ErrNotConnected = errors.New("not connected")
	// ErrNotAdded says that an address is not among those to stay connected to.
	ErrNotAdded = errors.New("address has not been added")
	// ErrInactive says that the operator has switched the network off.
	ErrInactive = errors.New("network is switched off")
	// ErrAddr says that an address is not "host:port".
	ErrAddr = errors.New("not an address")

	errClosed = errors.New("server is closed")
)

// AddedPeer is an address to stay connected to.
type AddedPeer struct {
	Addr      string
	Connected bool
}

// Connect adds an address to stay connected to; without a port, the network's own is meant.
func (s *Server) Connect(addr string) {
	addr = s.withPort(addr)
	s.mu.Lock()
	if _, twice := s.added[addr]; twice {
		s.mu.Unlock()
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.added[addr] = cancel
	s.mu.Unlock()
	if !s.goes(func() { s.keep(ctx, addr) }) {
		cancel()
	}
}

// Forget undoes Connect; the connection, if there is one, stays. ErrNotAdded if the address was not added.
func (s *Server) Forget(addr string) error {
	addr = s.withPort(addr)
	s.mu.Lock()
	defer s.mu.Unlock()
	cancel := s.added[addr]
	if cancel == nil {
		return fmt.Errorf("%w: %s", ErrNotAdded, addr)
	}
	cancel()
	delete(s.added, addr)
	return nil
}

// Added lists the addresses to stay connected to, in order.
func (s *Server) Added() []AddedPeer {
	s.mu.Lock()
	defer s.mu.Unlock()
	here := map[string]bool{}
	for r := range s.peers {
		if r.ready {
			here[r.addr] = true
		}
	}
	as := make([]AddedPeer, 0, len(s.added))
	for addr := range s.added {
		as = append(as, AddedPeer{Addr: addr, Connected: here[addr]})
	}
	slices.SortFunc(as, func(a, b AddedPeer) int { return cmp.Compare(a.Addr, b.Addr) })
	return as
}

// Try connects to an address once, in the background. It returns an error if it cannot even be tried.
func (s *Server) Try(addr string) error {
	addr = s.withPort(addr)
	if err := checkAddr(addr); err != nil {
		return err
	}
	switch {
	case !s.Active():
		return ErrInactive
	case s.bans.banned(addr):
		return fmt.Errorf("%w: %s", errBanned, addr)
	}
	if !s.goes(func() { s.log.Debug("outbound connection", "addr", addr, "err", s.connect(s.ctx, addr, manual)) }) {
		return errClosed
	}
	return nil
}

// checkAddr says whether an address can be dialled at all.
func checkAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAddr, err)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" || strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return fmt.Errorf("%w: %q", ErrAddr, addr)
	}
	return nil
}

// Disconnect ends the connections with an address: ErrNotConnected if there are none.
func (s *Server) Disconnect(addr string) error {
	return s.disconnect(addr, func(r *remote) bool { return r.addr == addr })
}

// DisconnectID ends the connection that Info gave an ID: ErrNotConnected if it has ended.
func (s *Server) DisconnectID(id int32) error {
	return s.disconnect(fmt.Sprint("peer ", id), func(r *remote) bool { return r.id == id })
}

func (s *Server) disconnect(who string, is func(*remote) bool) error {
	found := false
	for _, r := range s.all() {
		if is(r) {
			r.disconnect()
			found = true
		}
	}
	if !found {
		return fmt.Errorf("%w: %s", ErrNotConnected, who)
	}
	return nil
}

// SetActive switches the network on or off. Off, all connections end and none is made.
func (s *Server) SetActive(on bool) {
	s.mu.Lock()
	if s.active != on {
		s.active = on
		close(s.woken)
		s.woken = make(chan struct{})
		s.signal()
	}
	s.mu.Unlock()
	if on {
		return
	}
	for _, r := range s.all() {
		r.disconnect()
	}
}

// Active says whether the network is switched on.
func (s *Server) Active() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active
}

// keep stays connected to an address, waiting twice as long after each failure, with a random half to spread nodes that
// lost the same peer.
func (s *Server) keep(ctx context.Context, addr string) {
	backoff := s.cfg.Timeouts.Backoff
	for ctx.Err() == nil {
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		start := time.Now()
		err := s.connect(ctx, addr, manual)
		<-s.slots
		s.log.Debug("outbound connection", "addr", addr, "err", err)
		if errors.Is(err, errSelf) {
			return
		}
		if time.Since(start) > s.cfg.Timeouts.BackoffMax {
			backoff = s.cfg.Timeouts.Backoff
		}
		s.pause(ctx, backoff/2+rand.N(backoff/2+1))
		backoff = min(2*backoff, s.cfg.Timeouts.BackoffMax)
	}
}

// pause waits; it ends early when the network is switched on.
func (s *Server) pause(ctx context.Context, d time.Duration) {
	s.mu.Lock()
	woken := s.woken
	s.mu.Unlock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-woken:
	case <-ctx.Done():
	}
}
