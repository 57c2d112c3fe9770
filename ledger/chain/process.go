package chain

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2"

	"funai/ledger/consensus"
)

// ProcessHeaders enters headers, parents before children, at most wire.MaxBlockHeadersPerMsg of them; known ones are
// passed over. The first that breaks a rule ends it with a blockchain.RuleError (ErrPreviousBlockUnknown where the parent
// is not known, ErrInvalidAncestorBlock where it is invalid); those before it stay. Of headers off the best chains only so
// many are kept: when there are more, those with the least work are forgotten.
func (c *Chain) ProcessHeaders(hs []*wire.BlockHeader) error {
	if len(hs) > wire.MaxBlockHeadersPerMsg {
		return fmt.Errorf("%w: %d exceed %d", ErrTooMany, len(hs), wire.MaxBlockHeadersPerMsg)
	}
	c.proc.Lock()
	defer c.proc.Unlock()
	if c.closed {
		return ErrClosed
	}
	now := c.now()
	batch := c.db.db.NewBatch()
	defer batch.Close()
	fresh := make(map[chainhash.Hash]*node)
	var order []*node
	var broken error
	for _, h := range hs {
		hash := h.BlockHash()
		if n := c.nodes[hash]; n != nil {
			if broken = n.verdict(); broken != nil {
				break
			}
			continue
		}
		parent := c.nodes[h.PrevBlock]
		if parent == nil {
			parent = fresh[h.PrevBlock]
		}
		if fresh[hash] != nil {
			continue
		}
		var n *node
		if n, broken = c.checkHeader(h, hash, parent, now); broken != nil {
			break
		}
		if err := putHeader(batch, n, status{}); err != nil {
			return err
		}
		fresh[hash] = n
		order = append(order, n)
	}
	if len(order) > 0 {
		// Not synced: a header lost in a crash comes again, and what is written later is not kept without it.
		if err := batch.Commit(pebble.NoSync); err != nil {
			return err
		}
		c.mu.Lock()
		for _, n := range order {
			c.add(n)
		}
		c.mu.Unlock()
		c.growing.grew(len(hs) == wire.MaxBlockHeadersPerMsg, order, now)
		if err := c.boundSide(); err != nil {
			return err
		}
	}
	return broken
}

// verdict is the error for a known node that is not valid.
func (n *node) verdict() error {
	switch {
	case n.failed:
		return consensus.Rule(blockchain.ErrKnownInvalidBlock, "block %v at height %d is known to be invalid", n.hash, n.height)
	case n.tainted:
		return consensus.Rule(blockchain.ErrInvalidAncestorBlock, "block %v at height %d has an invalid ancestor", n.hash, n.height)
	}
	return nil
}

// checkHeader makes the node of a new header, which has this hash.
func (c *Chain) checkHeader(h *wire.BlockHeader, hash chainhash.Hash, parent *node, now time.Time) (*node, error) {
	if err := consensus.CheckHeader(c.p, h, now); err != nil {
		return nil, err
	}
	if err := checkParent(h, parent); err != nil {
		return nil, err
	}
	if err := consensus.CheckHeaderContext(c.p, h, parent); err != nil {
		return nil, err
	}
	return newNodeOf(h, hash, parent), nil
}

func checkParent(h *wire.BlockHeader, parent *node) error {
	if parent == nil {
		return consensus.Rule(blockchain.ErrPreviousBlockUnknown, "parent %v of block %v is not known", h.PrevBlock, h.BlockHash())
	}
	if parent.invalid() {
		return consensus.Rule(blockchain.ErrInvalidAncestorBlock, "parent %v of block %v is invalid", h.PrevBlock, h.BlockHash())
	}
	return nil
}

// ProcessBlock checks a block, stores it, and makes the best chain the one with the most work. Its header may be known
// already; its ancestors' headers must be, while their blocks may come later. A broken rule is a blockchain.RuleError,
// and the block and its descendants stay refused; ErrDuplicateBlock means that it was here before. Other errors, ctx's
// among them, leave the chain as it was or further on with blocks that came before. ErrPruned means that the block's chain
// forks off where blocks were deleted. The block must not be changed afterwards.
func (c *Chain) ProcessBlock(ctx context.Context, msg *wire.MsgBlock) (Outcome, error) {
	b := btcutil.NewBlock(msg)
	// What needs no other block, the hashes of all transactions among it, is done while another block has its turn.
	sane := consensus.CheckBlock(c.p, b, c.now())
	c.proc.Lock()
	defer c.proc.Unlock()
	if c.closed {
		return Outcome{}, ErrClosed
	}
	n, err := c.accept(ctx, b, sane)
	if consensus.Is(err, blockchain.ErrDuplicateBlock) && c.next() != nil {
		err = nil // stored by a call that ended before it could use it
	}
	if err != nil {
		o := Outcome{Orphan: consensus.Is(err, blockchain.ErrPreviousBlockUnknown)}
		if n != nil {
			o.Height, o.MainChain = n.height, c.onMain(n)
		}
		return o, err
	}
	broken, err := c.activate(ctx)
	if err == nil && n.invalid() {
		err = n.verdict()
		for _, i := range broken {
			if n.ancestor(i.n.height) == i.n {
				err = i.rule
			}
		}
	}
	if err == nil {
		err = c.prune()
	}
	return Outcome{Height: n.height, MainChain: c.onMain(n)}, err
}

// accept checks a block as far as its headers allow and enters it; one on top of the tip is checked whole. What CheckBlock
// says of it is handed in.
func (c *Chain) accept(ctx context.Context, b *btcutil.Block, sane error) (*node, error) {
	h := &b.MsgBlock().Header
	n := c.nodes[*b.Hash()]
	if n != nil {
		if err := n.verdict(); err != nil {
			return n, err
		}
		if n.stored {
			return n, consensus.Rule(blockchain.ErrDuplicateBlock, "already have block %v at height %d", n.hash, n.height)
		}
	}
	if sane != nil {
		return n, c.refuse(n, b, sane)
	}
	var err error
	if n == nil {
		if n, err = c.checkHeader(h, *b.Hash(), c.nodes[h.PrevBlock], c.now()); err != nil {
			return nil, err
		}
	}
	if err := consensus.CheckBlockContext(b, n.parent); err != nil {
		return n, c.refuse(n, b, err)
	}
	if !c.reachable(n.parent) {
		return n, fmt.Errorf("block %v at height %d is on a chain that forks off where blocks were %w", n.hash, n.height, ErrPruned)
	}
	batch := c.db.db.NewBatch()
	defer batch.Close()
	st := n.status
	st.stored, st.txs = true, uint32(len(b.Transactions()))
	if st.bytes, err = putBlock(batch, n, b.MsgBlock()); err != nil {
		return nil, err
	}
	if n.parent == c.tip {
		return n, c.move(ctx, batch, goal{target: n, came: &arrival{b, st}})
	}
	if err := putHeader(batch, n, st); err != nil {
		return nil, err
	}
	// Not synced, as headers are not.
	if err := batch.Commit(pebble.NoSync); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enterBlock(n, st)
	c.early.put(n, b)
	return n, nil
}

// arrival is a block that is not stored yet, and the status that its node has once it is.
type arrival struct {
	block *btcutil.Block
	status
}

// enterBlock enters a block that the database has taken.
func (c *Chain) enterBlock(n *node, st status) {
	if c.nodes[n.hash] == nil {
		c.add(n)
	}
	came := st.stored && !n.stored
	c.bodies.grew(n.height, st.bytes-n.bytes)
	n.status = st
	if came {
		c.offer(c.tip, slices.Values(c.link(n)))
	}
}

// refuse passes on why a block is refused, and condemns its header if that stands for these very bytes; n is nil if the
// header is not known to be good.
func (c *Chain) refuse(n *node, b *btcutil.Block, rule error) error {
	if code, ok := consensus.Broken(rule); !ok || code == blockchain.ErrTimeTooNew || n == nil || !consensus.Committed(b) {
		return rule
	}
	if err := c.condemn(n, rule); err != nil {
		return err
	}
	return rule
}

// condemn marks a block off the best chain, and with it its descendants, as invalid, in the database first. The rule is
// nil if that is by declaration.
func (c *Chain) condemn(n *node, rule error) error {
	c.log.Warn("invalid ledger block", "height", n.height, "hash", n.hash, "rule", rule)
	st := n.status
	st.failed = true
	h := n.header()
	if err := c.db.db.Set(blockKey(keyHeader, n), encodeHeader(&h, st), c.db.sync); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nodes[n.hash] == nil {
		c.nodes[n.hash] = n
	}
	c.fail(n, c.tip)
	return nil
}
