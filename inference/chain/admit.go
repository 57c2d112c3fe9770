package chain

import (
	"runtime"
	"sync"
	"sync/atomic"

	"funai/inference/tx"
	"funai/key"
)

// Seated says whether a key signs for a seat of the present cycle, the one before, or the next as far as it is known.
func (c *Chain) Seated(signer key.Hash160) bool {
	now := uint32(max(c.Followed().Height, 0))
	heights := []uint32{now, now + 1}
	if l := c.params.Sortition.CycleLength; now >= l {
		heights = append(heights, now-l)
	}
	for _, h := range heights {
		set, err := c.Set(h)
		if err != nil {
			continue // not known here
		}
		for _, s := range set.Seats {
			if s.Signer == signer {
				return true
			}
		}
	}
	return false
}

// Elected says whether a key won the latest election, or the tip's: blocks may pack what it answered as the producer.
func (c *Chain) Elected(who key.Hash160) bool {
	if c.TipInfo().Producer == who {
		return true
	}
	t, _, err := c.Latest()
	return err == nil && t != nil && t.Registration.Actor == who
}

// Verify checks a transaction's signature, once for as long as its id is remembered: a transaction is met in gossip, in
// drafts and in blocks.
func (c *Chain) Verify(t *tx.Tx) error {
	id := t.ID() // covers the signature
	if c.verified.Contains(id) {
		return nil
	}
	if _, err := t.Verify(); err != nil {
		return err
	}
	c.verified.Add(id, struct{}{})
	return nil
}

// verifyAll checks many signatures on all cores, and returns the error of the first bad one with its index.
func (c *Chain) verifyAll(txs []*tx.Tx) (bad int, err error) {
	errs := make([]error, len(txs))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(txs)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(txs); i = int(next.Add(1)) - 1 {
				errs[i] = c.Verify(txs[i])
			}
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return i, err
		}
	}
	return 0, nil
}
