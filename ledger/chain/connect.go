package chain

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2"

	"funai/amount"
	"funai/ledger/consensus"
)

// invalid is a block that broke a rule on its way to the best chain.
type invalid struct {
	n    *node
	rule error
}

// activate moves the tip until no known chain is preferred to it, and returns the blocks that turned out invalid on the way.
func (c *Chain) activate(ctx context.Context) (broken []invalid, err error) {
	for {
		best := c.next()
		if best == nil {
			return broken, nil
		}
		// Go no further at once than makes the chain better: a long row of blocks is many small batches, and a
		// reorganization as small a one as there can be.
		target := best
		if over := best.ancestor(c.tip.height + 1); over != nil && over.parent == c.tip {
			target = over
		} else {
			for target.parent.preferred(c.tip) {
				target = target.parent
			}
		}
		err := c.moveStored(ctx, target)
		if err == nil {
			continue
		}
		if _, ok := consensus.Broken(err); !ok {
			return broken, err
		}
		bad := target
		for bad.parent.invalid() {
			bad = bad.parent
		}
		broken = append(broken, invalid{bad, err})
	}
}

// moveStored makes target, whose block is stored, the tip.
func (c *Chain) moveStored(ctx context.Context, target *node) error {
	batch := c.db.db.NewBatch()
	defer batch.Close()
	return c.move(ctx, batch, goal{target: target})
}

// goal is where the tip is to go.
type goal struct {
	target *node
	came   *arrival // target's block, if it is not stored yet
	doomed *node    // a block of the chain to be left that is invalid from then on, as batch says already
}

// move makes g.target the tip, in one batch with what batch holds already. A block on the way that breaks a rule is
// condemned, and the tip stays.
func (c *Chain) move(ctx context.Context, batch *pebble.Batch, g goal) error {
	target, came := g.target, g.came
	base := fork(c.tip, target)
	if base != c.tip && base.height < c.bodies.through {
		return fmt.Errorf("from height %d to a fork at %d: %w", c.tip.height, base.height, ErrPruned)
	}
	ov := newOverlay(c.db)
	for n := c.tip; n != base; n = n.parent {
		if err := c.disconnect(batch, ov, n); err != nil {
			return err
		}
	}
	at, err := c.db.summary(base)
	if err != nil {
		return err
	}
	path := make([]*node, target.height-base.height)
	for n := target; n != base; n = n.parent {
		path[n.height-base.height-1] = n
	}
	recent := map[*node]amount.Amount{} // minted by blocks of this path
	states := map[*node]status{}        // of those connected for the first time
	for _, n := range path {
		b, st := (*btcutil.Block)(nil), n.status
		if came != nil && n == target {
			b, st = came.block, came.status
		} else {
			var err error
			if b, err = c.stored(n); err != nil {
				return err
			}
		}
		effect, err := c.connect(ctx, ov, n, b)
		if _, broken := consensus.Broken(err); broken {
			if err := c.condemn(n, err); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		if c.txIndex {
			if err := indexTxs(batch, n.height, b.MsgBlock(), func(i int) chainhash.Hash { return *b.Transactions()[i].Hash() }); err != nil {
				return err
			}
		}
		recent[n] = effect.Minted
		matured, err := c.matured(n, recent)
		if err != nil {
			return err
		}
		if at, err = at.after(effect, matured); err != nil {
			return fmt.Errorf("block %v: %w", n.hash, err)
		}
		if st.connected {
			continue // the records are there and the same
		}
		undo := encodeUndo(effect.Spent)
		st.connected, st.bytes = true, st.bytes+uint32(len(undo))
		if err := errors.Join(
			batch.Set(blockKey(keyUndo, n), undo, nil),
			batch.Set(blockKey(keySummary, n), at.encode(), nil),
			putHeader(batch, n, st),
		); err != nil {
			return err
		}
		states[n] = st
	}
	if err := batch.Set([]byte{keyTip}, target.hash[:], nil); err != nil {
		return err
	}
	later := c.downloading(g)
	if !later {
		if err := errors.Join(c.addCoins(batch, target), writeCoins(batch, ov.changed)); err != nil {
			return err
		}
	}
	full, err := c.publish(batch, g, tipState{ov.changed, later, states, at.totals})
	if err == nil && later {
		err = c.held(target, full)
	}
	return err
}

// tipState is what becomes visible with a new tip.
type tipState struct {
	coins  map[wire.OutPoint]change
	later  bool // the coins are not in the batch
	states map[*node]status
	totals Totals
}

// publish writes a change of tip and makes it visible. Readers wait, so that they never see the new coins with the old
// tip. It says whether there is no room for more coins that are to be written later.
func (c *Chain) publish(batch *pebble.Batch, g goal, s tipState) (full bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sync := c.db.sync
	if s.later {
		sync = pebble.NoSync
	}
	if err := batch.Commit(sync); err != nil {
		return false, err
	}
	c.unsynced.Store(s.later)
	if s.later {
		full = c.db.cache.hold(s.coins)
	} else {
		c.db.cache.written()
		c.db.cache.apply(s.coins)
		c.lag = lag{}
	}
	if old, target := c.tip, g.target; target.parent != old {
		c.log.Info("ledger reorganized", "from", old.hash, "from_height", old.height, "to", target.hash, "to_height", target.height)
	}
	for n, st := range s.states {
		c.enterBlock(n, st)
	}
	c.totals = s.totals
	c.setTip(g.target)
	if g.doomed != nil {
		c.fail(g.doomed, c.tip)
		c.offer(c.tip, maps.Values(c.nodes))
		c.dropUnreachable()
	}
	close(c.changed)
	c.changed = make(chan struct{})
	return full, nil
}

// connect checks a block against the coins of its parent and makes the change in ov. Scripts that ran well when the block
// was on the best chain before, or that are assumed to, are not run.
func (c *Chain) connect(ctx context.Context, ov *overlay, n *node, b *btcutil.Block) (consensus.Effect, error) {
	if err := ctx.Err(); err != nil {
		return consensus.Effect{}, err
	}
	c.db.warm(b)
	view, err := consensus.Gather(b, n.height, ov.coin)
	if err != nil {
		return consensus.Effect{}, err
	}
	effect, err := consensus.Connect(c.p, b, n.parent, view)
	if consensus.Is(err, blockchain.ErrMissingTxOut) {
		err = ov.overwrites(b, err)
	}
	if err != nil {
		return effect, err
	}
	if !n.connected && !c.assumed(n) {
		if err := consensus.CheckScripts(ctx, b, view, c.sigs); err != nil {
			return effect, err
		}
	}
	ov.connect(n, b)
	return effect, nil
}

// assumed says whether the scripts of n's block need not be run: it is the block assumed to be valid or below it, and the
// best header chain goes through that and has at least the work that the network's is known to have.
func (c *Chain) assumed(n *node) bool {
	a := c.nodes[c.assumeValid]
	return a != nil && a.ancestor(n.height) == n && c.best.ancestor(a.height) == a && c.best.work.cmp(c.minWork()) >= 0
}

// disconnect takes the block of n, the end of the chain that ov is of, back.
func (c *Chain) disconnect(batch *pebble.Batch, ov *overlay, n *node) error {
	msg, err := c.db.block(n)
	if err != nil {
		return err
	}
	spent, err := c.db.undo(n, msg)
	if err != nil {
		return err
	}
	b := btcutil.NewBlock(msg)
	if c.txIndex {
		for _, tx := range b.Transactions() {
			if err := batch.Delete(txKey(*tx.Hash()), nil); err != nil {
				return err
			}
		}
	}
	ov.disconnect(b, spent)
	return nil
}

// matured is what was minted by the block whose coinbase may first be spent in the child of n.
func (c *Chain) matured(n *node, recent map[*node]amount.Amount) (amount.Amount, error) {
	m := n.ancestor(n.height + 1 - int32(c.p.CoinbaseMaturity))
	if m == nil {
		return 0, nil
	}
	if a, ok := recent[m]; ok {
		return a, nil
	}
	s, err := c.db.summary(m)
	return s.minted, err
}

// after is the summary of a block from that of its parent, its effect, and what became mature with it.
func (s summary) after(e consensus.Effect, matured amount.Amount) (summary, error) {
	issued, err1 := s.totals.Issued.Add(e.Issued)
	burned, err2 := s.totals.Burned.Add(e.Burned)
	held, err3 := issued.Sub(burned)
	immature, err4 := s.totals.Immature.Add(e.Minted)
	immature, err5 := immature.Sub(matured)
	return summary{Totals{issued, held, burned, immature}, e.Minted}, errors.Join(err1, err2, err3, err4, err5)
}
