package chain

import (
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// BestHeader is the valid header with the most work, whose blocks may still have to come.
func (c *Chain) BestHeader() Index {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.best.index()
}

// Locator names the best header chain to a peer, so that it can find what it has in common with its own: the last ten
// blocks, then ever fewer, and genesis (Bitcoin's getheaders).
func (c *Chain) Locator() (hashes []chainhash.Hash) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	step := int32(1)
	for h := c.best.height; h > 0; h -= step {
		hashes = append(hashes, c.best.ancestor(h).hash)
		if len(hashes) >= 10 {
			step *= 2
		}
	}
	return append(hashes, c.main[0].hash)
}

// HeadersAfter answers a getheaders: up to limit headers of the best chain after the first block of locator that is on it,
// up to and with stop. An empty locator asks for the header of stop alone; one with nothing in common starts after
// genesis.
func (c *Chain) HeadersAfter(locator []chainhash.Hash, stop chainhash.Hash, limit int) (hs []wire.BlockHeader) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if len(locator) == 0 {
		if n := c.nodes[stop]; n != nil && !n.invalid() && limit > 0 {
			hs = append(hs, n.header())
		}
		return hs
	}
	from := 0
	for _, hash := range locator {
		if n := c.nodes[hash]; n != nil && c.onMain(n) {
			from = int(n.height)
			break
		}
	}
	for _, n := range c.main[from+1:] {
		if len(hs) >= limit {
			break
		}
		hs = append(hs, n.header())
		if n.hash == stop {
			break
		}
	}
	return hs
}

// Missing lists up to limit blocks of the best header chain that are not stored, lowest first: what to ask peers for. There
// are none if that chain forks off where pruning has deleted blocks.
func (c *Chain) Missing(limit int) (ids []Index) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.reachable(c.best) {
		return nil // of no use if they came
	}
	for _, n := range c.missing(fork(c.tip, c.best).height, limit) {
		ids = append(ids, n.index())
	}
	return ids
}
