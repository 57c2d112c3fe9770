package peer

import (
	"cmp"
	"hash/maphash"
	"net/netip"
	"slices"
	"time"
)

// How many inbound peers are kept for each thing that makes them hard to imitate (Bitcoin Core's).
const (
	keepByGroup = 4 // from parts of the network that a key chooses
	keepByPing  = 8
	keepByTx    = 4 // that have told of transactions last
	keepByBlock = 4 // of blocks
)

// evict finds the inbound peer that matters least, for a newcomer to take its place: of those that nothing speaks for, the
// youngest from the part of the network that has the most of them. So whoever opens many connections pushes out his own. It
// returns nil if all are to be kept. The lock is held.
func (s *Server) evict() *remote {
	var rs []*remote
	for r := range s.peers {
		if r.in() && !r.evicted {
			rs = append(rs, r)
		}
	}
	group := func(r *remote) string {
		if a, err := netip.ParseAddrPort(r.addr); err == nil {
			return s.book.Group(netip.AddrPortFrom(a.Addr(), 0))
		}
		return r.addr
	}
	rs = keep(rs, keepByGroup, func(r *remote) uint64 { return maphash.String(s.seed, group(r)) })
	rs = keep(rs, keepByPing, func(r *remote) int64 {
		if p := r.pinged.min; p > 0 {
			return -int64(p)
		}
		return -int64(time.Hour) // no answer yet
	})
	rs = keep(rs, keepByTx, func(r *remote) int64 { return nanos(r.lastTx) })
	rs = keep(rs, keepByBlock, func(r *remote) int64 { return nanos(r.lastBlock) })
	rs = keep(rs, len(rs)/2, func(r *remote) int64 { return -int64(r.id) })
	if len(rs) == 0 {
		return nil
	}
	groups := map[string][]*remote{}
	for _, r := range rs {
		groups[group(r)] = append(groups[group(r)], r)
	}
	var most []*remote
	for _, g := range groups {
		slices.SortFunc(g, func(a, b *remote) int { return cmp.Compare(b.id, a.id) })
		if len(g) > len(most) || len(g) == len(most) && g[0].id > most[0].id {
			most = g
		}
	}
	return most[0]
}

// keep takes the n with the highest value away from those that may have to go.
func keep[T cmp.Ordered](rs []*remote, n int, value func(*remote) T) []*remote {
	slices.SortFunc(rs, func(a, b *remote) int {
		return cmp.Or(cmp.Compare(value(b), value(a)), cmp.Compare(a.id, b.id))
	})
	return rs[min(n, len(rs)):]
}

// nanos orders moments, the zero one first.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
