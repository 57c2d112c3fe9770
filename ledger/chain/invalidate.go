package chain

import (
	"context"
	"fmt"

	"github.com/btcsuite/btcd/chainhash/v2"

	"funai/ledger/consensus"
)

// InvalidateBlock declares a block, and with it its descendants, invalid, as Bitcoin Core's invalidateblock does: if it is
// on the best chain, the tip goes to the best chain without it, in the same atomic batch. What is declared outlives the
// process, until ReconsiderBlock. ErrUnknown if the block is not known, ErrGenesis if it is genesis, ErrPruned if what
// would have to be taken back was deleted.
func (c *Chain) InvalidateBlock(ctx context.Context, hash chainhash.Hash) error {
	c.proc.Lock()
	defer c.proc.Unlock()
	if c.closed {
		return ErrClosed
	}
	n := c.nodes[hash]
	switch {
	case n == nil:
		return fmt.Errorf("%w: %v", ErrUnknown, hash)
	case n.height == 0:
		return ErrGenesis
	case n.failed:
		return nil
	case !c.onMain(n):
		return c.condemn(n, nil)
	}
	for {
		err := c.abandon(ctx, n)
		if _, broken := consensus.Broken(err); !broken {
			return err
		}
		// The chain gone over to turned out invalid: the next best.
	}
}

// abandon makes the best chain without a block of the present one the tip's, and the block invalid.
func (c *Chain) abandon(ctx context.Context, doomed *node) error {
	target := doomed.parent
	for _, n := range c.nodes {
		if n.linked && !n.invalid() && n.preferred(target) && n.ancestor(doomed.height) != doomed && c.reachable(n) {
			target = n
		}
	}
	batch := c.db.db.NewBatch()
	defer batch.Close()
	st := doomed.status
	st.failed = true
	if err := putHeader(batch, doomed, st); err != nil {
		return err
	}
	return c.move(ctx, batch, goal{target: target, doomed: doomed})
}

// PreciousBlock prefers a block to all others of as much work, as if it had been seen first (Bitcoin Core's preciousblock):
// if its chain has no less work than the tip's and is all here, it becomes the tip. A later call overrules an earlier one,
// and the tip outlives the process, but the preference does not. ErrUnknown if the block is not known; a broken rule is a
// blockchain.RuleError.
func (c *Chain) PreciousBlock(ctx context.Context, hash chainhash.Hash) error {
	c.proc.Lock()
	defer c.proc.Unlock()
	if c.closed {
		return ErrClosed
	}
	n := c.nodes[hash]
	switch {
	case n == nil:
		return fmt.Errorf("%w: %v", ErrUnknown, hash)
	case c.tip.better(n):
		return nil
	}
	c.mu.Lock()
	c.first--
	n.seq = c.first
	c.mu.Unlock()
	if n == c.tip || !n.linked || n.invalid() || !c.reachable(n) {
		return nil
	}
	return c.moveStored(ctx, n)
}

// ReconsiderBlock takes back that a block, its descendants and its ancestors are invalid, whether a rule or InvalidateBlock
// made them so, and moves the tip if that makes another chain the best; what breaks a rule will be found to do so again.
// ErrUnknown if the block is not known.
func (c *Chain) ReconsiderBlock(ctx context.Context, hash chainhash.Hash) error {
	c.proc.Lock()
	defer c.proc.Unlock()
	if c.closed {
		return ErrClosed
	}
	n := c.nodes[hash]
	if n == nil {
		return fmt.Errorf("%w: %v", ErrUnknown, hash)
	}
	batch := c.db.db.NewBatch()
	defer batch.Close()
	var cleared []*node
	for _, m := range c.nodes {
		if m.failed && (m.ancestor(n.height) == n || n.ancestor(m.height) == m) {
			st := m.status
			st.failed = false
			if err := putHeader(batch, m, st); err != nil {
				return err
			}
			cleared = append(cleared, m)
		}
	}
	if len(cleared) == 0 {
		return nil
	}
	if err := batch.Commit(c.db.sync); err != nil {
		return err
	}
	c.mu.Lock()
	for _, m := range cleared {
		m.failed = false
	}
	c.reassess(c.tip)
	c.dropUnreachable()
	c.mu.Unlock()
	_, err := c.activate(ctx)
	return err
}
