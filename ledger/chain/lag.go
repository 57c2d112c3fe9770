package chain

import (
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/cockroachdb/pebble/v2"
)

// While a long row of blocks is downloaded, the tip goes ahead of the coins in the database, and of what the disk has
// confirmed.
//
// A block that extends the tip and is more than lagBehind below the best header is written with its undo data, summary and
// tip, but its coins go to the dirty part of the cache. They are written, in one batch that notes the block they are of,
// when that part is full or the lag has become so long that opening the database would take a while: Open makes the blocks'
// changes again, from the block that the coins are of to the tip. Their rules were found kept before, so that this costs
// no more than reading them. Every other change of tip takes all coins with it in its batch, so the database's coins are
// always of an ancestor of its tip.
//
// Nor are such blocks waited for until they are on the disk. After a crash the tip can be an older one then, but not older
// than one that UpdatesSince has told of: what a consumer may have built on is made to last before it is told.

const (
	// lagBehind is the number of blocks to the best header up to which the chain counts as caught up.
	lagBehind = 144
	// maxLagBlocks and maxLagBytes bound what Open may have to do again: some seconds' worth.
	maxLagBlocks = 5000
	maxLagBytes  = 64 << 20
)

// lag is how far the coins in the database are behind the tip. It is guarded by Chain.proc.
type lag struct {
	blocks int
	bytes  int64
}

// downloading says whether a change of tip is one of a long row.
func (c *Chain) downloading(g goal) bool {
	return g.target.parent == c.tip && g.doomed == nil && c.best.height-g.target.height > lagBehind
}

// flushCoins writes the coins that have changed to the database.
func (c *Chain) flushCoins() error {
	if c.lag == (lag{}) {
		return nil
	}
	return c.writeHeld(c.tip)
}

// writeHeld writes the coins that have changed as those after n's block.
func (c *Chain) writeHeld(n *node) error {
	batch := c.db.db.NewBatch()
	defer batch.Close()
	if err := c.addCoins(batch, n); err != nil {
		return err
	}
	// Not synced: it comes after the tip that it goes with in the journal.
	if err := batch.Commit(pebble.NoSync); err != nil {
		return err
	}
	c.db.cache.written()
	c.lag = lag{}
	return nil
}

// addCoins adds the coins that have changed to a batch, as those after n's block.
func (c *Chain) addCoins(batch *pebble.Batch, n *node) error {
	return errors.Join(c.db.cache.write(batch), batch.Set([]byte{keyCoins}, n.hash[:], nil))
}

// held notes that the coins are a block further behind.
func (c *Chain) held(n *node, full bool) error {
	c.lag.blocks++
	c.lag.bytes += int64(n.bytes)
	if full || c.lag.blocks >= maxLagBlocks || c.lag.bytes >= maxLagBytes {
		return c.flushCoins()
	}
	return nil
}

// catchUp makes the changes of the blocks that the database's coins are behind the tip. What a crash interrupts is begun
// again where it got to.
func (c *Chain) catchUp() error {
	raw, err := c.db.get([]byte{keyCoins})
	if err != nil {
		return err
	}
	var hash chainhash.Hash
	if err := hash.SetBytes(raw); err != nil {
		return fmt.Errorf("%w: block of the coins: %v", ErrCorrupt, err)
	}
	n := c.nodes[hash]
	if n == nil || !c.onMain(n) {
		return fmt.Errorf("%w: the coins are of block %v, which is not below the tip %v", ErrCorrupt, hash, c.tip.hash)
	}
	if n == c.tip {
		return nil
	}
	c.log.Info("bringing the ledger's coins up to its tip", "from_height", n.height, "to_height", c.tip.height)
	for _, n := range c.main[n.height+1:] {
		msg, err := c.db.block(n)
		if err != nil {
			return err
		}
		ov := newOverlay(c.db)
		ov.connect(n, btcutil.NewBlock(msg))
		c.lag.blocks++
		if c.db.cache.hold(ov.changed) {
			if err := c.writeHeld(n); err != nil {
				return err
			}
		}
	}
	return c.writeHeld(c.tip)
}

// durable waits until the disk holds every tip so far.
func (c *Chain) durable() error {
	c.syncing.Lock()
	defer c.syncing.Unlock()
	if !c.unsynced.Swap(false) {
		return nil
	}
	if err := c.db.db.LogData(nil, c.db.sync); err != nil {
		c.unsynced.Store(true)
		return err
	}
	return nil
}
