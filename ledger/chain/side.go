package chain

import (
	"cmp"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// maxSideHeaders bounds the headers known that are neither on the best chain nor on the best header chain, apart from
// those whose blocks are stored: about 12 MB. Headers of little difficulty cost their maker next to nothing, so a peer
// could send branches that fork off far below the tip without end; those with the least work go first.
//
// The best header chain itself is kept whole. To hold headers back until they show as much work as the network is known to
// have is up to whoever hands them in. So are branches that grow by full messages (maxGrowing): the chain of most work may
// be any number of headers longer than the bound above the fork, and has less work than ours until most of them are here.
const maxSideHeaders = 50_000

const (
	// maxGrowing is how many branches may be on their way to become the best beyond the bound of side headers, and
	// growingTime how long one may pause.
	maxGrowing  = 8
	growingTime = 5 * time.Minute
)

// growing are the ends of the branches that are told of by full messages of headers, and when the last one of each came.
// It is guarded by Chain.proc.
type growing map[*node]time.Time

// grew follows the headers of a message, of which at least one is new. One that goes on where another ended keeps that
// one's place; a new one, which must be full, gets one if there is room.
func (g growing) grew(full bool, order []*node, now time.Time) {
	for n, at := range g {
		if now.Sub(at) > growingTime {
			delete(g, n)
		}
	}
	end := order[len(order)-1]
	before := order[0].parent
	if _, goesOn := g[before]; goesOn {
		delete(g, before)
	} else if !full || len(g) >= maxGrowing {
		return
	}
	g[end] = now
}

// exempt is the number of side headers that the growing branches have together.
func (c *Chain) exempt() (sum int) {
	var counted []*node
	for n := range c.growing {
		from := max(fork(n, c.tip).height, fork(n, c.best).height)
		for _, m := range counted {
			from = max(from, fork(n, m).height)
		}
		sum += int(n.height - from)
		counted = append(counted, n)
	}
	return sum
}

// sideHeaders is the number of headers off the best chain and the best header chain.
func (c *Chain) sideHeaders() int {
	return len(c.nodes) - int(c.best.height+1) - int(c.tip.height-fork(c.best, c.tip).height)
}

// boundSide forgets the branches with the least work, ends first, when there are too many side headers, until three
// quarters of the bound are left, so that it is not done anew with every message.
func (c *Chain) boundSide() error {
	excess := c.sideHeaders() - c.maxSide
	if excess <= 0 {
		return nil
	}
	if excess -= c.exempt(); excess <= 0 {
		return nil
	}
	weak := c.weakest(excess + c.maxSide/4)
	batch := c.db.db.NewBatch()
	defer batch.Close()
	for _, n := range weak {
		if err := batch.Delete(blockKey(keyHeader, n), nil); err != nil {
			return err
		}
	}
	if err := batch.Commit(pebble.NoSync); err != nil {
		return err
	}
	c.log.Debug("forgot side headers", "count", len(weak))
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range weak {
		delete(c.nodes, n.hash)
	}
	return nil
}

// weakest lists at most count side headers whose blocks are not stored, none without all its children, and none of a
// growing branch.
func (c *Chain) weakest(count int) (ns []*node) {
	children := map[*node]int{} // of side nodes
	side := func(n *node) bool { return !c.onMain(n) && c.best.ancestor(n.height) != n }
	var all []*node
	for _, n := range c.nodes {
		if side(n) {
			all = append(all, n)
			children[n.parent]++
		}
	}
	var ends []*node
	for _, n := range all {
		if _, grows := c.growing[n]; !grows && children[n] == 0 {
			ends = append(ends, n)
		}
	}
	slices.SortFunc(ends, func(a, b *node) int {
		return cmp.Or(a.work.cmp(b.work), slices.Compare(a.hash[:], b.hash[:]))
	})
	for _, n := range ends {
		for ; children[n] == 0 && !n.stored && side(n); n = n.parent {
			if _, grows := c.growing[n]; grows {
				break
			}
			if len(ns) == count {
				return ns
			}
			ns = append(ns, n)
			children[n.parent]--
		}
	}
	return ns
}
