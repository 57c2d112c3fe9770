package chain

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// keepBlocks is the number of blocks below the tip whose bodies are never deleted, Bitcoin Core's MIN_BLOCKS_TO_KEEP: no
// reorganization in sight goes deeper.
const keepBlocks = 288

var (
	// ErrPruned says that the body of a block was deleted by pruning, or that a chain forks off where blocks were. It is
	// an ErrMissing, too.
	ErrPruned = fmt.Errorf("deleted by pruning: %w", ErrMissing)
	// ErrPruneIndex says that pruning was asked for together with a transaction index, which needs every block.
	ErrPruneIndex = errors.New("pruning and a transaction index exclude one another")
)

// pruning is what is known of the bodies stored and deleted. It is guarded as the tree is.
type pruning struct {
	limit   int64   // Options.PruneBytes
	through int32   // bodies of heights 1 to this are deleted; 0 if none are
	sizes   []int64 // bytes of the bodies stored, by height
	bytes   int64   // their sum
}

// grew notes that so many bytes of bodies were stored at a height.
func (p *pruning) grew(height int32, bytes uint32) {
	for int(height) >= len(p.sizes) {
		p.sizes = append(p.sizes, 0)
	}
	if height > p.through {
		p.sizes[height] += int64(bytes)
		p.bytes += int64(bytes)
	}
}

// shrunk notes that bodies up to a height are deleted.
func (p *pruning) shrunk(through int32) {
	for h := p.through + 1; h <= through && int(h) < len(p.sizes); h++ {
		p.bytes -= p.sizes[h]
		p.sizes[h] = 0
	}
	p.through = through
}

// due is the height through which bodies are to be deleted so that those left keep the limit, if none above last may be.
// A sixteenth more goes than has to, so that it is not done anew with every block.
func (p *pruning) due(last int32) int32 {
	if p.limit <= 0 || p.bytes <= p.limit {
		return p.through
	}
	h, left := p.through, p.bytes
	for h < last && left > p.limit-p.limit/16 {
		h++
		left -= p.sizes[h]
	}
	return h
}

// Pruned is the lowest height from which all blocks up to the tip are stored, and whether blocks are deleted, or have
// been.
func (c *Chain) Pruned() (first int32, pruned bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.bodies.through > 0 {
		first = c.bodies.through + 1
	}
	return first, c.bodies.limit > 0 || first > 0
}

// PruneTo deletes the bodies and undo data of blocks up to a height, genesis's aside, on the best chain and off it, but of
// none of the last 288 (Bitcoin Core's pruneblockchain). It returns the height through which they are deleted now.
func (c *Chain) PruneTo(height int32) (int32, error) {
	c.proc.Lock()
	defer c.proc.Unlock()
	if c.closed {
		return 0, ErrClosed
	}
	if c.txIndex {
		return 0, ErrPruneIndex
	}
	if through := min(height, c.tip.height-keepBlocks); through > c.bodies.through {
		if err := c.pruneThrough(through); err != nil {
			return c.bodies.through, err
		}
	}
	return c.bodies.through, nil
}

// prune keeps the bodies stored to Options.PruneBytes.
func (c *Chain) prune() error {
	if through := c.bodies.due(c.tip.height - keepBlocks); through > c.bodies.through {
		return c.pruneThrough(through)
	}
	return nil
}

func (c *Chain) pruneThrough(through int32) error {
	if int(c.tip.height)-c.lag.blocks < int(through) {
		if err := c.flushCoins(); err != nil { // the blocks are needed until the coins are past them
			return err
		}
	}
	batch := c.db.db.NewBatch()
	defer batch.Close()
	err := batch.Set([]byte{keyPruned}, binary.BigEndian.AppendUint32(nil, uint32(through)), nil)
	for _, kind := range []byte{keyBlock, keyUndo} {
		at := func(height int32) []byte { return binary.BigEndian.AppendUint32([]byte{kind}, uint32(height)) }
		err = errors.Join(err, batch.DeleteRange(at(c.bodies.through+1), at(through+1), nil))
	}
	// Not synced: what a crash loses of it is deleted again.
	if err := errors.Join(err, batch.Commit(pebble.NoSync)); err != nil {
		return err
	}
	c.log.Debug("pruned ledger blocks", "through_height", through)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bodies.shrunk(through)
	c.dropUnreachable()
	return nil
}

// pruned reads how far bodies are deleted.
func (s *store) pruned() (int32, error) {
	raw, err := s.get([]byte{keyPruned})
	if err != nil || raw == nil {
		return 0, err
	}
	if len(raw) != 4 || raw[0] > 0x7f {
		return 0, fmt.Errorf("%w: pruning record %x", ErrCorrupt, raw)
	}
	return int32(binary.BigEndian.Uint32(raw)), nil
}

// have says whether n's body is stored.
func (c *Chain) have(n *node) bool {
	return n.stored && (n.height == 0 || n.height > c.bodies.through)
}

// reachable says whether the tip could go to n: no body is deleted that would have to be taken back for it.
func (c *Chain) reachable(n *node) bool {
	return c.bodies.through == 0 || fork(n, c.tip).height >= c.bodies.through
}

// dropUnreachable forgets what the tip can no longer become.
func (c *Chain) dropUnreachable() {
	for n := range c.ready {
		if !c.reachable(n) {
			delete(c.ready, n)
		}
	}
}
