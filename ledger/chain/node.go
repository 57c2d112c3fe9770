package chain

import (
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// node is one header of the tree. What is above the line never changes once the node is made, so that rules may follow
// it without a lock; what is below is guarded by Chain.mu. It is kept small, as there is one for every header known: the
// header's own fields are here but for the parent's hash, which the parent has.
type node struct {
	hash   chainhash.Hash
	merkle chainhash.Hash
	parent *node
	skip   *node // some ancestor further up, so that ancestor takes a logarithmic number of steps
	work   work  // of the whole chain up to here
	height int32
	// version, time (in Unix seconds), bits and nonce are the header's.
	version     int32
	time        uint32
	bits, nonce uint32
	// ----
	status
	linked  bool // its block and all its ancestors' have come
	tainted bool // an ancestor is failed
	// chainTxs is the number of transactions up to this block, once it is linked.
	chainTxs int64
	// seq is the order in which nodes were linked: of two equal chains the first seen stays the best, or becomes it again.
	// What was on the best chain when this process began has 0; those that PreciousBlock prefers have negative ones.
	seq int64
}

// status is what the database holds of a node besides its header.
type status struct {
	stored    bool   // its block has come; pruning may have deleted it since
	failed    bool   // its block broke a rule, or was declared invalid
	connected bool   // it was on the best chain once: its summary and undo records were written
	txs       uint32 // in its block, once that has come
	bytes     uint32 // of its block and undo records
}

// newNode makes the child of parent that has this header; the parent is nil for genesis.
func newNode(h *wire.BlockHeader, parent *node) *node {
	return newNodeOf(h, h.BlockHash(), parent)
}

// newNodeOf is newNode for a header whose hash is known.
func newNodeOf(h *wire.BlockHeader, hash chainhash.Hash, parent *node) *node {
	n := &node{
		hash: hash, merkle: h.MerkleRoot, parent: parent,
		version: h.Version, time: uint32(h.Timestamp.Unix()), bits: h.Bits, nonce: h.Nonce,
	}
	if parent != nil {
		n.height = parent.height + 1
		n.skip = parent.ancestor(skipHeight(n.height))
		n.tainted = parent.invalid()
	}
	n.work = n.ownWork()
	if parent != nil {
		n.work = n.work.add(parent.work)
	}
	return n
}

// ownWork is the work of n's block alone. As a rule it is the parent's.
func (n *node) ownWork() work {
	switch p := n.parent; {
	case p == nil || p.bits != n.bits:
		return workOf(n.bits)
	case p.parent == nil:
		return p.work
	default:
		return p.work.sub(p.parent.work)
	}
}

// header is the node's header.
func (n *node) header() wire.BlockHeader {
	h := wire.BlockHeader{
		Version: n.version, MerkleRoot: n.merkle, Timestamp: time.Unix(int64(n.time), 0), Bits: n.bits, Nonce: n.nonce,
	}
	if n.parent != nil {
		h.PrevBlock = n.parent.hash
	}
	return h
}

func (n *node) index() Index  { return Index{n.height, n.hash} }
func (n *node) invalid() bool { return n.failed || n.tainted }

// better says whether n's chain has more work than o's.
func (n *node) better(o *node) bool { return n.work.cmp(o.work) > 0 }

// preferred says whether n is to be the tip rather than o, both linked: it has more work, or as much and came first.
func (n *node) preferred(o *node) bool {
	c := n.work.cmp(o.work)
	return c > 0 || c == 0 && n.seq < o.seq
}

// ancestor is the node of n's chain at a height, n itself included; nil if there is none.
func (n *node) ancestor(height int32) *node {
	if height < 0 || height > n.height {
		return nil
	}
	for n.height > height {
		up, next := skipHeight(n.height), skipHeight(n.height-1)
		// Take the skip unless stepping to the parent first would let a longer one be taken, as Bitcoin Core does.
		if n.skip != nil && (up == height || up > height && (next >= up-2 || next < height)) {
			n = n.skip
		} else {
			n = n.parent
		}
	}
	return n
}

// skipHeight is where the skip pointer of a node at this height leads, the scheme of Bitcoin Core's GetSkipHeight.
func skipHeight(height int32) int32 {
	if height < 2 {
		return 0
	}
	dropLowestOne := func(x int32) int32 { return x & (x - 1) }
	if height&1 == 1 {
		return dropLowestOne(dropLowestOne(height-1)) + 1
	}
	return dropLowestOne(height)
}

// fork is the last node that two chains share.
func fork(a, b *node) *node {
	if h := min(a.height, b.height); a.height != b.height {
		a, b = a.ancestor(h), b.ancestor(h)
	}
	for a != b {
		if a.skip != b.skip { // of equal heights, so are the skips
			a, b = a.skip, b.skip
		} else {
			a, b = a.parent, b.parent
		}
	}
	return a
}

// Height makes, with the methods below it, a node a context for the rules.
func (n *node) Height() int32 { return n.height }

// Bits is the difficulty.
func (n *node) Bits() uint32 { return n.bits }

// Timestamp is in Unix seconds.
func (n *node) Timestamp() int64 { return int64(n.time) }

// Parent is nil for genesis.
func (n *node) Parent() blockchain.HeaderCtx {
	if n.parent == nil {
		return nil // not a nil *node in an interface, which would not compare equal to nil
	}
	return n.parent
}

// RelativeAncestorCtx is the ancestor so many blocks below, nil if there is none.
func (n *node) RelativeAncestorCtx(distance int32) blockchain.HeaderCtx {
	if a := n.ancestor(n.height - distance); a != nil {
		return a
	}
	return nil
}

var _ blockchain.HeaderCtx = (*node)(nil)
