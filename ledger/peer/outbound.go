package peer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"funai/internal/atomicfile"
	"funai/ledger/peer/addrbook"
)

const (
	// dialEvery is the time between two attempts to connect to nodes of the book.
	dialEvery = 500 * time.Millisecond
	// lookEvery is how often the book is looked at while nothing happens.
	lookEvery = time.Minute
	// retryAfter is how long an address is left alone after an attempt (Bitcoin Core's). On networks where everything is
	// near it is Timeouts.BackoffMax.
	retryAfter = 10 * time.Minute
	// feelerInterval is the mean time between two feelers (Bitcoin Core's).
	feelerInterval = 2 * time.Minute
	// seedInterval is how often the seeds are asked while too few addresses are known, and enoughAddrs how many are enough.
	seedInterval = 10 * time.Minute
	enoughAddrs  = 1000
	// maxSeeded bounds the addresses taken from one seed.
	maxSeeded = 256
	// fetchTime is how long a connection for addresses may last.
	fetchTime = 30 * time.Second
)

// seek keeps as many connections to nodes of the book as there are places for, feels for others from time to time, and asks the seeds while it
// knows few. It runs until the server closes.
func (s *Server) seek() {
	s.askSeeds()
	feel, seed := time.Now().Add(poisson(feelerInterval)), time.Now().Add(seedInterval)
	for s.ctx.Err() == nil {
		changed, learned := s.Changed(), s.book.Changed()
		wait := min(lookEvery, s.cfg.Timeouts.BackoffMax)
		if a, ok := s.choose(); ok {
			s.dial(a, full)
			wait = dialEvery
			changed, learned = nil, nil
		}
		now := time.Now()
		if now.After(feel) {
			feel = now.Add(poisson(feelerInterval))
			s.feel()
		}
		if now.After(seed) {
			seed = now.Add(seedInterval)
			s.askSeeds()
		}
		t := time.NewTimer(min(wait, max(0, feel.Sub(now))+time.Millisecond))
		select {
		case <-t.C:
		case <-changed:
		case <-learned:
		case <-s.ctx.Done():
		}
		t.Stop()
	}
}

// choose finds a node to connect to, if there is a place for it.
func (s *Server) choose() (netip.AddrPort, bool) {
	s.mu.Lock()
	if !s.active || len(s.dialing) >= s.places() {
		s.mu.Unlock()
		return netip.AddrPort{}, false
	}
	busy, groups := s.busy()
	hosts := s.hosts()
	s.mu.Unlock()
	now := time.Now()
	pause := retryAfter
	if s.local {
		pause = s.cfg.Timeouts.BackoffMax
	}
	return s.book.Select(false, func(c addrbook.Candidate) bool {
		return busy[c.Addr] || hosts[c.Addr.Addr()] || groups[s.book.Group(c.Addr)] || now.Sub(c.LastTry) < pause ||
			c.Services != 0 && c.Services&services != services || s.shunned(c.Addr.String())
	})
}

// busy is which addresses need no connection, ours among them, and in which parts of the network there is one.
// The lock is held.
func (s *Server) busy() (addrs map[netip.AddrPort]bool, groups map[string]bool) {
	addrs, groups = map[netip.AddrPort]bool{}, map[string]bool{}
	for _, a := range s.own() {
		addrs[a] = true
	}
	for a := range s.selves {
		addrs[a] = true
	}
	for addr := range s.added {
		if a, err := netip.ParseAddrPort(addr); err == nil {
			addrs[a] = true
		}
	}
	for r := range s.peers {
		if a, err := netip.ParseAddrPort(r.addr); err == nil && !r.in() {
			addrs[a] = true
		}
	}
	for a := range s.dialing {
		addrs[a] = true
		groups[s.book.Group(a)] = true
	}
	return addrs, groups
}

// hosts is where there are connections with already, whoever made them; on local networks one host has many nodes. The
// lock is held.
func (s *Server) hosts() map[netip.Addr]bool {
	hosts := map[netip.Addr]bool{}
	if s.local {
		return hosts
	}
	for r := range s.peers {
		if ip, ok := ipOf(r.addr); ok {
			hosts[ip] = true
		}
	}
	return hosts
}

// dial connects to a node of the book.
func (s *Server) dial(a netip.AddrPort, k kind) {
	s.book.Attempt(a)
	if k == full {
		s.mu.Lock()
		s.dialing[a] = struct{}{}
		s.mu.Unlock()
	}
	done := func() {
		if k != full {
			return
		}
		s.mu.Lock()
		delete(s.dialing, a)
		s.signal()
		s.mu.Unlock()
	}
	if !s.goes(func() {
		defer done()
		err := s.connect(s.ctx, a.String(), k)
		s.log.Debug("outbound connection", "addr", a, "kind", k, "err", err)
	}) {
		done()
	}
}

// feel looks whether a node is there: one that stands in another's way, or one that was only heard of.
func (s *Server) feel() {
	s.mu.Lock()
	busy, _ := s.busy()
	off := !s.active
	s.mu.Unlock()
	if off {
		return
	}
	a, ok := s.book.Contested()
	if !ok || busy[a] {
		a, ok = s.book.Select(true, func(c addrbook.Candidate) bool {
			return busy[c.Addr] || time.Since(c.LastTry) < retryAfter || s.shunned(c.Addr.String())
		})
	}
	if ok {
		s.dial(a, feeler)
	}
}

// reached notes that a node was reached at the address we dialled.
func (s *Server) reached(r *remote) {
	a, err := netip.ParseAddrPort(r.addr)
	if r.in() || err != nil {
		return
	}
	s.book.Add([]addrbook.Known{{Addr: a, Services: r.hello.Services, Time: time.Now()}}, a.Addr(), 0)
	s.book.Good(a, r.hello.Services)
}

// askSeeds asks all seeds for addresses if few are known.
func (s *Server) askSeeds() {
	if s.book.Len() >= enoughAddrs {
		return
	}
	for _, seed := range s.cfg.Seeds {
		s.goes(func() {
			if err := s.askSeed(seed); err != nil && s.ctx.Err() == nil {
				s.log.Info("seed", "addr", seed, "err", err)
			}
		})
	}
}

// askSeed takes the addresses that a name has, or asks the node at "host:port".
func (s *Server) askSeed(seed string) error {
	if _, _, err := net.SplitHostPort(seed); err == nil {
		return s.connect(s.ctx, seed, fetch)
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.cfg.Timeouts.Dial)
	defer cancel()
	ips, err := s.cfg.Resolve(ctx, seed)
	if err != nil {
		return err
	}
	port, err := strconv.ParseUint(s.c.Params().DefaultPort, 10, 16)
	if err != nil {
		return fmt.Errorf("port of %s: %w", s.c.Params().Name, err)
	}
	ks := make([]addrbook.Known, 0, min(len(ips), maxSeeded))
	for _, ip := range ips[:min(len(ips), maxSeeded)] {
		// Bitcoin Core's: 3 to 7 days old, so that what peers tell of counts as fresher.
		age := 3*24*time.Hour + rand.N(4*24*time.Hour)
		ks = append(ks, addrbook.Known{Addr: addrPort(ip, uint16(port)), Services: services, Time: time.Now().Add(-age)})
	}
	// Each seed is a source of its own; one that lies fills its own buckets.
	h := chainhash.HashH([]byte(seed))
	s.book.Add(ks, netip.AddrFrom16([16]byte(h[:16])), 0)
	return nil
}

// openBook reads the addresses of an earlier run.
func (s *Server) openBook() error {
	s.book = addrbook.New(s.local)
	if s.cfg.AddrFile == "" {
		return nil
	}
	b, err := os.ReadFile(s.cfg.AddrFile)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return s.book.Unmarshal(b)
}

// saveSometimes stores the addresses now and then.
func (s *Server) saveSometimes() error {
	if time.Since(s.saved) < saveInterval {
		return nil
	}
	s.saved = time.Now()
	return s.saveBook()
}

// saveBook stores the addresses.
func (s *Server) saveBook() error {
	if s.cfg.AddrFile == "" {
		return nil
	}
	b, err := s.book.Marshal()
	if err != nil {
		return err
	}
	return atomicfile.Write(s.cfg.AddrFile, b)
}
