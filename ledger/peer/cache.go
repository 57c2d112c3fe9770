package peer

import (
	"net/netip"

	"github.com/btcsuite/btcd/chainhash/v2"
	lru "github.com/hashicorp/golang-lru/v2"
)

// hashes is a bounded set of hashes; the one not used for longest makes room.
type hashes struct {
	*lru.Cache[chainhash.Hash, struct{}]
}

func newHashes(size int) hashes {
	c, _ := lru.New[chainhash.Hash, struct{}](size) // fails for sizes below 1 only
	return hashes{c}
}

// Add puts a hash into the set.
func (h hashes) Add(hash chainhash.Hash) { h.Cache.Add(hash, struct{}{}) }

// addrCache is a bounded set of addresses. The zero value is empty.
type addrCache struct {
	c *lru.Cache[netip.AddrPort, struct{}]
}

// Contains says whether an address is in the set.
func (s *addrCache) Contains(a netip.AddrPort) bool { return s.c != nil && s.c.Contains(a) }

// Add puts an address into the set.
func (s *addrCache) Add(a netip.AddrPort) {
	if s.c == nil {
		s.c, _ = lru.New[netip.AddrPort, struct{}](addrsKnown) // fails for sizes below 1 only
	}
	s.c.Add(a, struct{}{})
}

// Remove takes an address out.
func (s *addrCache) Remove(a netip.AddrPort) {
	if s.c != nil {
		s.c.Remove(a)
	}
}
