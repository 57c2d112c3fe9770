package chain

import (
	"context"

	"github.com/btcsuite/btcd/wire/v2"
)

// Coins reads the whole coin set out of the database.
func (c *Chain) Coins() (map[wire.OutPoint]Coin, error) {
	coins := map[wire.OutPoint]Coin{}
	_, err := c.EachCoin(context.Background(), func(o wire.OutPoint, coin Coin) error {
		coins[o] = coin
		return nil
	})
	return coins, err
}

// SetMaxSide changes the bound on side headers.
func (c *Chain) SetMaxSide(n int) { c.maxSide = n }

// Known is the number of headers in the tree.
func (c *Chain) Known() int { return len(c.nodes) }

// Walk looks up some ancestors of the best header.
func (c *Chain) Walk(heights []int32) {
	for _, h := range heights {
		_ = c.best.ancestor(h)
	}
}
