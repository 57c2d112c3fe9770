package chain

import (
	"fmt"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/wire/v2"
)

// UpdatesSince says how to get from the chain that ends at a block to the best chain: the blocks to take back, newest
// first, and those to apply, oldest first, at most limit of them together. The block may be on a fork that was once the
// best chain; the zero Index is before genesis. A consumer that has followed them calls again, with the parent of the
// last block reverted or the last one applied, until both are empty. A crash does not take back what it has told.
// ErrUnknown means that the block is not known here,
// ErrMissing that it is on a fork that was never the best chain, ErrPruned that blocks on the way were deleted: the consumer
// has to begin anew.
func (c *Chain) UpdatesSince(at Index, limit int) (reverted, applied []Update, err error) {
	if err := c.enter(); err != nil {
		return nil, nil, err
	}
	defer c.leave()
	back, forth, err := c.way(at, limit)
	if err == nil {
		err = c.durable()
	}
	if err != nil {
		return nil, nil, err
	}
	for _, n := range back {
		u, err := c.update(n)
		if err != nil {
			return nil, nil, err
		}
		reverted = append(reverted, u)
	}
	for _, n := range forth {
		u, err := c.update(n)
		if err != nil {
			return nil, nil, err
		}
		applied = append(applied, u)
	}
	return reverted, applied, nil
}

// way is the path from a block to the tip, or its first limit steps.
func (c *Chain) way(at Index, limit int) (back, forth []*node, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	next := 0
	if at != (Index{}) {
		n := c.nodes[at.Hash]
		if n == nil || n.height != at.Height {
			return nil, nil, fmt.Errorf("%w: %v at height %d", ErrUnknown, at.Hash, at.Height)
		}
		for ; !c.onMain(n); n = n.parent {
			if len(back) >= limit {
				return back, nil, nil
			}
			back = append(back, n)
		}
		next = int(n.height) + 1
	}
	if left := limit - len(back); left > 0 && next < len(c.main) {
		forth = append(forth, c.main[next:min(next+left, len(c.main))]...)
	}
	return back, forth, nil
}

// update reads a block that is or was on the best chain.
func (c *Chain) update(n *node) (Update, error) {
	b, coins, err := c.undone(n)
	if err != nil {
		return Update{}, err
	}
	return Update{n.index(), b, split(b, coins, func(e *blockchain.UtxoEntry) *wire.TxOut {
		return &wire.TxOut{Value: e.Amount(), PkScript: e.PkScript()}
	})}, nil
}

// undone reads a block that is or was on the best chain, and the coins that it spent.
func (c *Chain) undone(n *node) (*wire.MsgBlock, []*blockchain.UtxoEntry, error) {
	b, err := c.db.block(n)
	if err != nil {
		return nil, nil, c.gone(n, err)
	}
	coins, err := c.db.undo(n, b)
	return b, coins, c.gone(n, err)
}

// split deals the coins a block spent to its transactions, each as show shows it.
func split[T any](b *wire.MsgBlock, coins []*blockchain.UtxoEntry, show func(*blockchain.UtxoEntry) T) [][]T {
	spent := make([][]T, len(b.Transactions))
	for i, tx := range b.Transactions[1:] {
		spent[i+1] = make([]T, len(tx.TxIn))
		for j := range tx.TxIn {
			spent[i+1][j] = show(coins[j])
		}
		coins = coins[len(tx.TxIn):]
	}
	return spent
}
