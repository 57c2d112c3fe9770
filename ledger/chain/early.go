package chain

import "github.com/btcsuite/btcd/btcutil/v2"

// maxEarly bounds the blocks kept in memory until their parents come, in bytes as they are on the wire.
const maxEarly = 16 << 20

// early is the blocks stored lately before their turn, as most are that several peers send at once: they need not be read
// again, nor their transactions be hashed again, when it comes. It is guarded by Chain.proc.
type early struct {
	blocks map[*node]*btcutil.Block
	bytes  int
}

// put enters a block whose node has its size. When there is no room, those before it are forgotten.
func (e *early) put(n *node, b *btcutil.Block) {
	if e.bytes += int(n.bytes); e.blocks == nil || e.bytes > maxEarly {
		e.blocks, e.bytes = map[*node]*btcutil.Block{}, int(n.bytes)
	}
	e.blocks[n] = b
}

// take removes a block; nil if it is not there.
func (e *early) take(n *node) *btcutil.Block {
	b := e.blocks[n]
	if b != nil {
		delete(e.blocks, n)
		e.bytes -= int(n.bytes)
	}
	return b
}

// stored is n's block, which the database has.
func (c *Chain) stored(n *node) (*btcutil.Block, error) {
	if b := c.early.take(n); b != nil {
		return b, nil
	}
	msg, err := c.db.block(n)
	if err != nil {
		return nil, err
	}
	return btcutil.NewBlock(msg), nil
}
