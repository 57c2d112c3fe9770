package noderpc

import (
	"context"
	"time"

	"funai/ledger/chain"
	"funai/ledger/rpc"
)

func (n *node) waitMethods() rpc.Methods {
	return rpc.Methods{
		"waitfornewblock": {Params: []string{"timeout", "current_tip"},
			Help: "waitfornewblock ( timeout \"current_tip\" )\n\nWait for the tip to change, at most so many milliseconds (0: for ever).", Do: n.waitForNewBlock},
		"waitforblock": {Params: []string{"blockhash", "timeout"},
			Help: "waitforblock \"blockhash\" ( timeout )\n\nWait for a block to become the tip, at most so many milliseconds (0: for ever).", Do: n.waitForBlock},
		"waitforblockheight": {Params: []string{"height", "timeout"},
			Help: "waitforblockheight height ( timeout )\n\nWait for the tip to reach a height, at most so many milliseconds (0: for ever).", Do: n.waitForHeight},
	}
}

// tipNow is the answer of all of these: the tip when the wait ended.
type tipNow struct {
	Hash   string `json:"hash"`
	Height int32  `json:"height"`
}

func (n *node) waitForNewBlock(ctx context.Context, a rpc.Args) (any, error) {
	from := n.Chain.Tip().Hash
	if a.Has(1) {
		var err error
		if from, err = rpc.Hash(a, 1, "current_tip"); err != nil {
			return nil, err
		}
	}
	return n.waitFor(ctx, a, 0, func(tip chain.Index) bool { return tip.Hash != from })
}

func (n *node) waitForBlock(ctx context.Context, a rpc.Args) (any, error) {
	hash, err := rpc.Hash(a, 0, "blockhash")
	if err != nil {
		return nil, err
	}
	return n.waitFor(ctx, a, 1, func(tip chain.Index) bool { return tip.Hash == hash })
}

func (n *node) waitForHeight(ctx context.Context, a rpc.Args) (any, error) {
	height, err := rpc.Need[int32](a, 0, "height")
	if err != nil {
		return nil, err
	}
	return n.waitFor(ctx, a, 1, func(tip chain.Index) bool { return tip.Height >= height })
}

// maxWait bounds a wait: longer ones are as good as endless.
const maxWait = 365 * 24 * time.Hour

// waitFor waits until the tip is as wanted, or for the milliseconds in parameter i.
func (n *node) waitFor(ctx context.Context, a rpc.Args, i int, wanted func(chain.Index) bool) (any, error) {
	ms, err := rpc.Arg(a, i, int64(0))
	if err != nil {
		return nil, err
	}
	if ms < 0 {
		return nil, rpc.Errorf(rpc.CodeMisc, "Negative timeout")
	}
	var timeout <-chan time.Time
	if ms > 0 {
		t := time.NewTimer(time.Duration(min(ms, maxWait.Milliseconds())) * time.Millisecond)
		defer t.Stop()
		timeout = t.C
	}
	for {
		changed, tip := n.Chain.Changed(), n.Chain.Tip()
		if wanted(tip) {
			return tipNow{tip.Hash.String(), tip.Height}, nil
		}
		over := false
		rpc.Idle(ctx, func() {
			select {
			case <-changed:
			case <-timeout:
				over = true
			case <-ctx.Done():
			}
		})
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if over {
			tip := n.Chain.Tip()
			return tipNow{tip.Hash.String(), tip.Height}, nil
		}
	}
}
