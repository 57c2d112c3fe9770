package chain

import (
	"context"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/consensus"
)

// CheckTemplate says whether a block on top of the tip would be valid but for its proof of work, and changes nothing. Its
// errors are those of ProcessBlock; ErrPrevBlockNotBest is that of a block that is not on top of the tip.
func (c *Chain) CheckTemplate(ctx context.Context, msg *wire.MsgBlock) error {
	c.proc.Lock()
	defer c.proc.Unlock()
	if c.closed {
		return ErrClosed
	}
	if msg.Header.PrevBlock != c.tip.hash {
		return consensus.Rule(blockchain.ErrPrevBlockNotBest, "parent %v is not the tip %v", msg.Header.PrevBlock, c.tip.hash)
	}
	b := btcutil.NewBlock(msg)
	if err := consensus.CheckTemplate(b, c.now()); err != nil {
		return err
	}
	if err := consensus.CheckHeaderContext(c.p, &msg.Header, c.tip); err != nil {
		return err
	}
	if err := consensus.CheckBlockContext(b, c.tip); err != nil {
		return err
	}
	_, err := c.connect(ctx, newOverlay(c.db), newNode(&msg.Header, c.tip), b)
	return err
}
