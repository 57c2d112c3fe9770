package chain_test

import (
	"errors"
	"testing"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/chain/chaintest"
	"funai/key"
)

// certify is a certificate by keys, as if they were the seats that vote.
func certify(w *chaintest.World, ks []*key.Private, b *block.Block, r block.Round) block.Certificate {
	votes := map[int]block.Vote{}
	for i, k := range ks {
		votes[i] = w.Vote(block.Commit, k, b, r)
	}
	return block.Certify(votes, len(ks))
}

func TestSeatsHandOverBehindTheFirstBlockOfTheNextCycle(t *testing.T) {
	w := chaintest.New(t, 1)
	w.Seated(1)
	old := w.Seats(cycle1)
	w.Elect(w.Producers[0], w.Stake(chaintest.Key(t, 110), 9*amount.FAI))
	w.Extend()
	w.TenuresUntil(2*cycle1 - 1)
	for i := range 2 {
		r := w.Elect(w.Producers[0])
		young := w.Seats(r.Height)
		if len(young) != 2 || r.Height != 2*cycle1+uint32(i) {
			t.Fatalf("%d seats at %d", len(young), r.Height)
		}
		right, wrong := old, young
		if i > 0 {
			right, wrong = young, old
		}
		b := w.Draft()
		if err := w.Chain.Add(b, certify(w, wrong, b, r)); !errors.Is(err, block.ErrCertificate) {
			t.Errorf("block %d of the cycle by the other group: %v", i+1, err)
		}
		if err := w.Chain.Add(b, certify(w, right, b, r)); err != nil {
			t.Errorf("block %d of the cycle: %v", i+1, err)
		}
	}
}
