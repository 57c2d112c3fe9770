package chain_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
)

// A year of fake time between blocks passes at once: nothing in the chain or its database waits for a ticker.
func TestChainLivesOnAFakeClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := chaintest.New(t)
		started := time.Now()
		var seen []chain.Index
		var wg sync.WaitGroup
		wg.Go(func() {
			var at chain.Index
			for at.Height < 200 {
				changed := c.Changed()
				_, applied, err := c.UpdatesSince(at, 10)
				if err != nil {
					t.Error(err)
					return
				}
				for _, u := range applied {
					at = u.Index
					seen = append(seen, at)
				}
				if len(applied) == 0 {
					<-changed
				}
			}
		})
		for range 200 {
			time.Sleep(2 * time.Second)
			chaintest.Mine(t, c, anyone)
		}
		wg.Wait()
		time.Sleep(365 * 24 * time.Hour)
		chaintest.Mine(t, c, anyone)
		if len(seen) != 201 || time.Since(started) != 400*time.Second+365*24*time.Hour {
			t.Error(len(seen), time.Since(started))
		}
	})
}
