package chain

import (
	"bytes"
	"cmp"
	"iter"
	"maps"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
)

// tree is every header known, each with valid proof of work and a known parent. maxSideHeaders bounds those that lead
// nowhere.
type tree struct {
	nodes map[chainhash.Hash]*node
	best  *node // the valid header with the most work; its blocks may still have to come
	// ready are the nodes whose blocks and ancestors' blocks are all here, that are not known to be invalid, and that
	// are preferred to the tip: what that may become.
	ready map[*node]struct{}
	// waiting are stored nodes, by parent, whose ancestors' blocks are not all here.
	waiting map[*node][]*node
	seq     int64 // of the next node linked
	first   int64 // the lowest that a node has
}

func newTree(genesis *node) tree {
	genesis.linked = true
	return tree{
		nodes: map[chainhash.Hash]*node{genesis.hash: genesis}, best: genesis,
		ready: map[*node]struct{}{}, waiting: map[*node][]*node{}, seq: 1,
	}
}

// add enters a header.
func (t *tree) add(n *node) {
	t.nodes[n.hash] = n
	if !n.invalid() && n.better(t.best) {
		t.best = n
	}
}

// link enters the block of a header in the tree, whose number of transactions the node says. It returns the nodes thereby linked: this one and those whose blocks
// waited for it, parents first; none if it has to wait itself.
func (t *tree) link(n *node) (linked []*node) {
	n.stored = true
	if !n.parent.linked {
		t.waiting[n.parent] = append(t.waiting[n.parent], n)
		return nil
	}
	linked = []*node{n}
	for i := 0; i < len(linked); i++ {
		n := linked[i]
		n.linked, n.seq, n.chainTxs = true, t.seq, n.parent.chainTxs+int64(n.txs)
		t.seq++
		linked = append(linked, t.waiting[n]...)
		delete(t.waiting, n)
	}
	return linked
}

// offer enters what the tip may become, of the nodes given.
func (t *tree) offer(tip *node, ns iter.Seq[*node]) {
	for n := range ns {
		if n.linked && !n.invalid() && n.preferred(tip) {
			t.ready[n] = struct{}{}
		}
	}
}

// settle forgets what is not preferred to a new tip.
func (t *tree) settle(tip *node) {
	for n := range t.ready {
		if !n.preferred(tip) {
			delete(t.ready, n)
		}
	}
}

// next is the best node that the tip may become, nil if there is none.
func (t *tree) next() (best *node) {
	for n := range t.ready {
		if best == nil || n.preferred(best) {
			best = n
		}
	}
	return best
}

// fail marks a node whose block broke a rule, and its descendants.
func (t *tree) fail(bad, tip *node) {
	bad.failed = true
	for _, n := range t.nodes {
		if n.height > bad.height && n.ancestor(bad.height) == bad {
			n.tainted = true
		}
	}
	for n := range t.ready {
		if n.invalid() {
			delete(t.ready, n)
		}
	}
	if t.best.invalid() {
		t.chooseBest(tip)
	}
}

// reassess follows nodes that are no longer failed: which descendants are tainted, what is best, what the tip may become.
func (t *tree) reassess(tip *node) {
	byHeight := func(a, b *node) int { return cmp.Compare(a.height, b.height) }
	for _, n := range slices.SortedFunc(maps.Values(t.nodes), byHeight) {
		n.tainted = n.parent != nil && n.parent.invalid()
	}
	t.chooseBest(tip)
	t.offer(tip, maps.Values(t.nodes))
}

// chooseBest looks for the best header among all.
func (t *tree) chooseBest(tip *node) {
	t.best = tip
	for _, n := range t.nodes {
		// Of equal ones any will do, but always the same.
		if !n.invalid() && (n.better(t.best) || t.best != tip && n.work.cmp(t.best.work) == 0 && bytes.Compare(n.hash[:], t.best.hash[:]) < 0) {
			t.best = n
		}
	}
}

// missing lists up to limit nodes of the best header chain, lowest first, above height from, that are not stored.
func (t *tree) missing(from int32, limit int) (ns []*node) {
	// Ancestors are looked up a window at a time, walking back within it.
	const window = 1024
	for low := from + 1; low <= t.best.height && len(ns) < limit; low += window {
		high := min(low+window-1, t.best.height)
		at := len(ns)
		for n := t.best.ancestor(high); n.height >= low; n = n.parent {
			if !n.stored {
				ns = append(ns, n)
			}
			if n.parent == nil {
				break
			}
		}
		slices.Reverse(ns[at:])
	}
	return ns[:min(len(ns), limit)]
}
