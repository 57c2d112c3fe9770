package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// accept takes connections until the listener closes.
func (s *Server) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || !s.wait(s.cfg.Timeouts.Backoff) {
				return
			}
			s.log.Warn("accept", "addr", l.Addr(), "err", err) // out of descriptors, perhaps
			continue
		}
		ok := s.goes(func() {
			if err := s.admit(conn); err != nil {
				s.log.Debug("inbound connection", "addr", conn.RemoteAddr(), "err", err)
			}
		})
		if !ok {
			conn.Close()
		}
	}
}

// admit runs an inbound connection if there is room for it.
func (s *Server) admit(conn net.Conn) error {
	addr := conn.RemoteAddr().String()
	if s.shunned(addr) {
		return errors.Join(errBanned, conn.Close())
	}
	r, err := s.newRemote(conn, addr, inbound)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	return s.run(r)
}

// connect makes one connection and runs it to its end; ctx is for making it.
func (s *Server) connect(ctx context.Context, addr string, k kind) error {
	switch {
	case !s.Active():
		return ErrInactive
	case s.bans.banned(addr) || k != manual && s.bans.discouraged(addr):
		return errBanned
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeouts.Dial)
	conn, err := s.cfg.Dial(ctx, addr)
	cancel()
	if err != nil {
		return err
	}
	r, err := s.newRemote(conn, addr, k)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	err = s.run(r)
	if a, bad := netip.ParseAddrPort(addr); errors.Is(err, errSelf) && bad == nil {
		s.itself(a)
	}
	return err
}

// maxSelves bounds the addresses remembered as leading to ourselves.
const maxSelves = 100

// itself remembers that an address leads to ourselves.
func (s *Server) itself(a netip.AddrPort) {
	s.book.Forget(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.selves) >= maxSelves {
		clear(s.selves)
	}
	s.selves[a] = struct{}{}
}

// register counts a connection in. An inbound one for which there is no place takes that of a peer that matters less.
func (s *Server) register(r *remote) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.active {
		return ErrInactive
	}
	if r.in() && s.inbound >= s.cfg.MaxIn {
		victim := s.evict()
		if victim == nil {
			return fmt.Errorf("already %d inbound connections", s.cfg.MaxIn)
		}
		victim.evicted = true
		s.inbound--
		s.log.Debug("inbound connection makes room", "addr", victim.addr, "for", r.addr)
		victim.disconnect()
	}
	if r.in() {
		s.inbound++
	}
	s.lastID++
	r.id = s.lastID
	s.peers[r] = struct{}{}
	return nil
}

// wait waits, and says whether the server still runs.
func (s *Server) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}
