package chain_test

import (
	"errors"
	"testing"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/chain/chaintest"
	"funai/inference/tx"
	"funai/key"
)

func TestSeatedAreThoseOfThisCycleTheLastAndTheNext(t *testing.T) {
	w := chaintest.New(t, 2)
	stranger := chaintest.Key(t, 1).Public().Hash160()
	newcomer := chaintest.Key(t, 120)
	if w.Chain.Seated(chaintest.Key(t, 100).Public().Hash160()) {
		t.Error("seated before there is a group")
	}
	w.Seated(5)
	length := w.Params.Sortition.CycleLength
	seats := w.Seats(length)
	w.Elect(w.Producers[0], w.Stake(newcomer, 9*amount.FAI))
	w.Extend()
	if w.Chain.Seated(newcomer.Public().Hash160()) {
		t.Error("seated by staking alone")
	}
	w.TenuresUntil(2*length - 1) // the next set is fixed
	if !w.Chain.Seated(newcomer.Public().Hash160()) {
		t.Error("who sits in the next cycle does not count")
	}
	w.TenuresUntil(3*length - 2)
	out := 0 // who made room for the newcomer still speaks for packs of the last cycle
	for _, k := range seats {
		if !w.Chain.Seated(k.Public().Hash160()) {
			t.Errorf("seat %v of the last cycle does not count", k.Public().Hash160())
		}
	}
	w.TenuresUntil(3 * length)
	for _, k := range seats {
		if !w.Chain.Seated(k.Public().Hash160()) {
			out++
		}
	}
	if out != 1 || w.Chain.Seated(stranger) {
		t.Errorf("%d seats of two cycles ago count no more; a stranger counts: %v", out, w.Chain.Seated(stranger))
	}
}

func TestElectedAreTheLatestWinnerAndTheTips(t *testing.T) {
	w := chaintest.New(t, 3)
	w.Elect(w.Producers[0])
	w.Extend()
	w.Elect(w.Producers[1])
	for i, want := range []bool{true, true, false} {
		if got := w.Chain.Elected(w.Producers[i].Hash()); got != want {
			t.Errorf("producer %d is elected: %v", i, got)
		}
	}
	w.Extend()
	if w.Chain.Elected(w.Producers[0].Hash()) {
		t.Error("still elected")
	}
}

// A signature is remembered by the transaction's id, which covers it: no other transaction passes for one that was good.
func TestForgedTransactionsAreFoundAmongVerifiedOnes(t *testing.T) {
	w := chaintest.New(t, 1)
	k := chaintest.Key(t, 1)
	w.Elect(w.Producers[0], w.Mint(k, amount.FAI))
	w.Extend()
	for range w.Params.MintDelay + 1 {
		w.Tenures(1)
	}
	var good []*tx.Tx
	for nonce := range uint64(20) {
		good = append(good, w.Transfer(k, nonce, key.Hash160{1}, 5))
	}
	for range 2 {
		for _, x := range good {
			if err := w.Chain.Verify(x); err != nil {
				t.Fatal(err)
			}
		}
	}
	b := w.Draft(good...)
	forged := *good[13]
	forged.Signature[40] ^= 1
	if err := w.Chain.Verify(&forged); !errors.Is(err, key.ErrSignature) {
		t.Errorf("forged: %v", err)
	}
	bad := &block.Block{Header: b.Header, Txs: append([][]byte(nil), b.Txs...)}
	bad.Txs[13] = forged.Encode()
	bad.Header.TxRoot = block.TxRoot(bad.Txs)
	bad.Header.Sign(w.Producers[0].Key)
	if err := w.Chain.Validate(bad); !errors.Is(err, chain.ErrInvalid) || !errors.Is(err, key.ErrSignature) {
		t.Errorf("a block with a forged transaction: %v", err)
	}
	if err := w.Chain.Validate(b); err != nil {
		t.Error(err)
	}
}
