package peer

import (
	"hash/maphash"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/peer/addrbook"
)

// Addresses. Nodes tell one another where nodes are (addr, BIP-155's addrv2): each its own address once a day, a choice of
// what it knows to those that ask, and what it hears to one or two more. What a peer tells is taken at a bounded rate, so
// that nobody can fill the book.

const (
	// addrRate is how many addresses a second a peer may tell of, addrBurst how many at once after a pause or, beyond that,
	// in answer to our question (Bitcoin Core's MAX_ADDR_RATE_PER_SECOND and MAX_ADDR_PROCESSING_TOKEN_BUCKET).
	addrRate, addrBurst = 0.1, 1000
	// addrPercent is the part of our addresses that a peer may learn from us, and addrSampleTime how long the same ones are
	// told, so that nobody can list them all (Bitcoin Core's). A book that has grown to twice its size is told of anew.
	addrPercent    = 23
	addrSampleTime = 24 * time.Hour
	// addrInterval is the mean time between two addr messages to a peer, selfInterval between two of our own address.
	addrInterval = 30 * time.Second
	selfInterval = 24 * time.Hour
	// maxRelayed is how many addresses a message may have to be passed on, addrFresh how old they may be (Bitcoin Core's).
	maxRelayed = 10
	addrFresh  = 10 * time.Minute
	// addrPenalty makes addresses older than told, so that they don't stay fresh for ever by being passed around.
	addrPenalty = 2 * time.Hour
	// addrsKnown bounds the addresses remembered as known to a peer.
	addrsKnown = 5000
	// saveInterval is how often the addresses are stored.
	saveInterval = 15 * time.Minute
)

// gossip is a peer's part in telling addresses. The server's lock guards it.
type gossip struct {
	on      bool // addresses are told to it
	asked   bool // it was asked for addresses and has not sent its last message of them
	told    bool // it has been answered
	tokens  float64
	stamp   time.Time // of tokens
	known   addrCache
	out     []addrbook.Known
	next    time.Time  // when out is sent
	self    time.Time  // when our own address is told again
	seen    netip.Addr // where it sees us; invalid if it did not say
	taken   int        // addresses within the rate, and of use
	ignored int        // addresses beyond the rate
}

// sample is what those are told that ask for addresses.
type sample struct {
	addrs []addrbook.Known
	of    int // addresses that there were
	at    time.Time
}

// begin lets a peer take part.
func (g *gossip) begin(now time.Time) {
	if !g.on {
		g.on, g.next, g.self = true, now, now
	}
}

// take says whether one more address may be taken from the peer.
func (g *gossip) take(now time.Time) bool {
	g.tokens = min(g.tokens+now.Sub(g.stamp).Seconds()*addrRate, max(g.tokens, addrBurst))
	g.stamp = now
	if g.tokens < 1 {
		g.ignored++
		return false
	}
	g.tokens--
	return true
}

// push leaves an address to be told; a random one makes room.
func (g *gossip) push(k addrbook.Known) {
	switch {
	case !g.on || g.known.Contains(k.Addr):
	case len(g.out) < wire.MaxAddrPerMsg:
		g.out = append(g.out, k)
	default:
		g.out[rand.N(len(g.out))] = k
	}
}

// askAddrs asks a peer for addresses, and tells it ours. The lock is held, as in all functions here that take an outbox.
func (s *Server) askAddrs(r *remote, out *outbox) {
	if r.in() || r.kind == feeler || s.cfg.OnlyConnect {
		return
	}
	r.gossip.begin(time.Now())
	r.gossip.asked = true
	r.gossip.tokens += addrBurst
	out.add(r, wire.NewMsgGetAddr())
}

// onGetAddr answers a peer that connected to us, once.
func (s *Server) onGetAddr(r *remote) {
	s.locked(func(*outbox) {
		if !r.in() || r.gossip.told {
			return
		}
		now := time.Now()
		r.gossip.begin(now)
		r.gossip.told, r.gossip.next, r.gossip.out = true, now, nil
		if known := s.book.Len(); now.After(s.sample.at.Add(addrSampleTime)) || known > 2*s.sample.of {
			s.sample = sample{s.book.Sample(wire.MaxAddrPerMsg, addrPercent), known, now}
		}
		for _, k := range s.sample.addrs {
			if !s.shunned(k.Addr.String()) {
				r.gossip.push(k)
			}
		}
	})
	s.locked(s.tellAddrs)
}

// onAddrs takes in what a peer tells.
func (s *Server) onAddrs(r *remote, as []addrbook.Known) {
	now := time.Now()
	source, ok := ipOf(r.addr)
	if !ok {
		source = netip.IPv4Unspecified()
	}
	var good []addrbook.Known
	s.locked(func(*outbox) {
		r.gossip.begin(now)
		relay := !r.gossip.asked && len(as) <= maxRelayed
		for _, a := range as {
			if !r.gossip.take(now) {
				continue
			}
			if a.Services&(wire.SFNodeNetwork|wire.SFNodeNetworkLimited) == 0 || !s.book.Reachable(a.Addr) || s.shunned(a.Addr.String()) || s.isOwn(a.Addr) {
				continue
			}
			if a.Time.Before(time.Unix(100_000_000, 0)) || a.Time.After(now.Add(addrFresh)) {
				a.Time = now.Add(-5 * 24 * time.Hour)
			}
			r.gossip.known.Add(a.Addr)
			if relay && now.Sub(a.Time) < addrFresh {
				s.passAddr(r, a, now)
			}
			good = append(good, a)
			r.gossip.taken++
		}
		if len(as) < wire.MaxAddrPerMsg {
			r.gossip.asked = false
		}
	})
	s.book.Add(good, source, addrPenalty)
	if r.kind == fetch && len(as) > 1 {
		r.disconnect()
	}
}

// passAddr leaves an address to two peers, the same ones all day, so that telling it again does not spread it further.
func (s *Server) passAddr(from *remote, a addrbook.Known, now time.Time) {
	type pick struct {
		addr netip.AddrPort
		day  int64
		id   int32
	}
	weight := func(r *remote) uint64 {
		return maphash.Comparable(s.seed, pick{a.Addr, now.Unix() / (24 * 3600), r.id})
	}
	var to []*remote
	for r := range s.peers {
		if r != from && r.ready && r.gossip.on {
			to = append(to, r)
		}
	}
	slices.SortFunc(to, func(a, b *remote) int {
		if weight(a) < weight(b) {
			return -1
		}
		return 1
	})
	for _, r := range to[:min(2, len(to))] {
		r.gossip.push(a)
	}
}

// tellAddrs sends what is due.
func (s *Server) tellAddrs(out *outbox) {
	now := time.Now()
	for r := range s.peers {
		g := &r.gossip
		if !r.ready || !g.on {
			continue
		}
		if !now.Before(g.self) && (s.local || !s.c.InitialDownload()) {
			g.self = now.Add(poisson(selfInterval))
			if a, ok := s.ownFor(r); ok {
				g.known.Remove(a)
				g.push(addrbook.Known{Addr: a, Services: s.services(), Time: now})
			}
		}
		if now.Before(g.next) || len(g.out) == 0 {
			continue
		}
		g.next = now.Add(poisson(addrInterval))
		out.add(r, addrMsg(g.out, r.wantsV2))
		for _, k := range g.out {
			g.known.Add(k.Addr)
		}
		g.out = nil
	}
}

// own lists our addresses as others may reach them: those that the operator gave, and those of the listeners.
func (s *Server) own() []netip.AddrPort {
	var as []netip.AddrPort
	for _, e := range s.cfg.External {
		if a, err := netip.ParseAddrPort(s.withPort(e)); err == nil {
			as = append(as, a)
		}
	}
	for _, l := range s.cfg.Listeners {
		if a, err := netip.ParseAddrPort(l.Addr().String()); err == nil {
			as = append(as, netip.AddrPortFrom(a.Addr().Unmap(), a.Port()))
		}
	}
	return slices.DeleteFunc(as, func(a netip.AddrPort) bool { return !s.book.Reachable(a) })
}

func (s *Server) isOwn(a netip.AddrPort) bool {
	_, self := s.selves[a]
	return self || slices.Contains(s.own(), a)
}

// ownFor is the address of ours to tell a peer: one that is known to be ours or, if we listen everywhere, where the peer
// sees us.
func (s *Server) ownFor(r *remote) (netip.AddrPort, bool) {
	if own := s.own(); len(own) > 0 {
		return own[0], true
	}
	for _, l := range s.cfg.Listeners {
		a, err := netip.ParseAddrPort(l.Addr().String())
		if err != nil || !a.Addr().IsUnspecified() || r.in() {
			continue
		}
		if seen := netip.AddrPortFrom(r.gossip.seen, a.Port()); s.book.Reachable(seen) {
			return seen, true
		}
	}
	return netip.AddrPort{}, false
}

// shunned says whether no connection to an address is wanted.
func (s *Server) shunned(addr string) bool { return s.bans.banned(addr) || s.bans.discouraged(addr) }

// KnownAddrs is a random choice of the nodes that have been heard of, at most limit; all of them if limit is 0 or less.
func (s *Server) KnownAddrs(limit int) []AddrInfo {
	if limit <= 0 {
		limit = s.book.Len()
	}
	var is []AddrInfo
	for _, k := range s.book.Sample(limit, 100) {
		is = append(is, AddrInfo{Addr: k.Addr.String(), Time: k.Time, Services: k.Services})
	}
	return is
}

// addrMsg is the message that tells addresses.
func addrMsg(ks []addrbook.Known, v2 bool) wire.Message {
	if v2 {
		m := wire.NewMsgAddrV2()
		for _, k := range ks {
			m.AddrList = append(m.AddrList, wire.NetAddressV2FromBytes(k.Time, k.Services, k.Addr.Addr().AsSlice(), k.Addr.Port()))
		}
		return m
	}
	m := wire.NewMsgAddr()
	for _, k := range ks {
		m.AddrList = append(m.AddrList, wire.NewNetAddressTimestamp(k.Time, k.Services, k.Addr.Addr().AsSlice(), k.Addr.Port()))
	}
	return m
}

func fromAddr(m *wire.MsgAddr) []addrbook.Known {
	ks := make([]addrbook.Known, 0, len(m.AddrList))
	for _, a := range m.AddrList {
		ks = append(ks, addrbook.Known{Addr: addrPort(a.IP, a.Port), Services: a.Services, Time: a.Timestamp})
	}
	return ks
}

// fromAddrV2 keeps an invalid address in the place of each that is not on the Internet, so that it counts all the same.
func fromAddrV2(m *wire.MsgAddrV2) []addrbook.Known {
	ks := make([]addrbook.Known, 0, len(m.AddrList))
	for _, a := range m.AddrList {
		k := addrbook.Known{Services: a.Services, Time: a.Timestamp}
		if l := a.ToLegacy(); l != nil {
			k.Addr = addrPort(l.IP, l.Port)
		}
		ks = append(ks, k)
	}
	return ks
}

func addrPort(ip net.IP, port uint16) netip.AddrPort {
	a, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(a.Unmap(), port)
}

// poisson is a random time after which the next of events comes that come independently, once in mean on the average.
func poisson(mean time.Duration) time.Duration {
	return time.Duration(rand.ExpFloat64() * float64(mean))
}
