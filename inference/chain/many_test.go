package chain_test

import (
	"testing"

	"funai/inference/chain/chaintest"
	"funai/inference/execution"
	"funai/key"
)

// After a long silence the first block credits all that the ledger brought meanwhile, which may be more than a message of
// a peer may ever hold.
func TestABlockCreditsMoreThanAMessageMayList(t *testing.T) {
	if testing.Short() {
		t.Skip("66,000 credits")
	}
	const each, blocks = 6_600, 10
	fs := newCrashFS()
	w := chaintest.NewOn(t, fs, 1)
	w.Tenures(1)
	before := w.Chain.Tip()
	to := func(i int) (h key.Hash160) {
		h[0], h[1], h[2] = byte(i), byte(i>>8), byte(i>>16)
		return h
	}
	for b := range blocks {
		var ops []chaintest.Op
		for i := range each {
			ops = append(ops, w.MintTo(w.Producers[0].Key, to(b*each+i), 1))
		}
		w.Ledger.Mine(ops...)
	}
	for range w.Params.MintDelay {
		w.Ledger.Mine()
	}
	w.Sync()
	w.Tenures(1)
	root := w.Root()

	back := *w
	back.Chain = w.OpenOn(fs.CrashClone(lastSynced))
	if back.Root() != root {
		t.Error("another state comes back")
	}
	_, applied, err := back.Chain.UpdatesSince(before, 10)
	if err != nil || len(applied) != 1 {
		t.Fatal(len(applied), err)
	}
	credits := 0
	for _, e := range applied[0].Events {
		if e.Kind == execution.EventMint {
			credits++
		}
	}
	if a, err := back.Chain.Account(to(each*blocks - 1)); err != nil || a.Balance != 1 || credits != each*blocks {
		t.Errorf("%d credits, the last account has %v, %v", credits, a.Balance, err)
	}
	// And it can be undone.
	back.Reorganize(w.Ledger.At(4))
	if back.Chain.Tip() != before {
		t.Errorf("the tip is %+v", back.Chain.Tip())
	}
	if err := back.Chain.Audit(); err != nil {
		t.Error(err)
	}
}
