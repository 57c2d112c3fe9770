package client_test

import (
	"testing"
	"testing/synctest"

	"funai/amount"
	"funai/inference/execution"
	"funai/inference/partytest"
	"funai/inference/task"
	"funai/inference/tx"
	"funai/p2p"
)

// liar adds a server that signs one answer for the asker and files another.
func liar(w *world) *acting {
	return w.act(0, func(p *partytest.Party, st p2p.Stream, open *tx.Tx, _ task.Input) {
		told, filed := sign(p.Key, open, "so it is", []int32{0, 1}), sign(p.Key, open, "never mind", []int32{0, 1})
		if err := p.Pool.Submit(w.Context(), open); err != nil {
			w.Error(err)
		}
		if err := p.Pool.Submit(w.Context(), filed); err != nil {
			w.Error(err)
		}
		send(st, append(words("so ", "it is"), done(told, 0, 1))...)
	})
}

// conflicts are the proofs that wait in a pool.
func conflicts(p *partytest.Party) (ts []*tx.Tx) {
	all, _ := p.Pool.Since(0)
	for _, t := range all {
		if _, ok := t.Payload.(*tx.Conflict); ok {
			ts = append(ts, t)
		}
	}
	return ts
}

func TestAServerThatSignsTwoReceiptsIsShownToTheChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		s := liar(w)
		a, err := w.client.Ask(t.Context(), question(), nil, deaf)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := len(conflicts(w.asker)); n != 0 {
			t.Errorf("%d proofs before the task is certified", n)
		}
		w.Next(w.asker.Pool)
		if n := len(conflicts(s.Party)); n != 1 {
			t.Fatalf("%d proofs reached the network", n)
		}
		w.Next(w.asker.Pool)
		info, err := w.Chain.Task(a.Task)
		if err != nil || info.Settled.Height == 0 || info.Verdict != execution.Invalid {
			t.Fatalf("%+v, %v", info, err)
		}
		if got := w.asker.Account().Balance; got != amount.FAI-w.Params.MinFee {
			t.Errorf("the asker has %v", got)
		}
		if got := s.Account().Bond; got >= partytest.Bond {
			t.Errorf("the server's bond is %v", got)
		}
		w.Next(w.asker.Pool)
		if n := len(conflicts(w.asker)); n != 0 {
			t.Errorf("%d proofs after it is settled", n)
		}
	})
}

func TestAProofIsShownAgainAfterAReorganization(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		liar(w)
		a, err := w.client.Ask(t.Context(), question(), nil, deaf)
		if err != nil {
			t.Fatal(err)
		}
		before := w.Ledger.Tip()
		w.Next(w.asker.Pool)
		w.Ledger.Reset(before)
		w.Ledger.Mine()
		w.Ledger.Mine()
		w.Sync()
		synctest.Wait()
		for range 3 {
			w.Next(w.asker.Pool)
		}
		if info, err := w.Chain.Task(a.Task); err != nil || info.Verdict != execution.Invalid {
			t.Errorf("%+v, %v", info, err)
		}
	})
}

func TestNothingIsShownOfHonestServersAndOthersTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		w.honest(0, 100)
		if _, err := w.client.Ask(t.Context(), question(), nil, deaf); err != nil {
			t.Fatal(err)
		}
		// A stranger's server lies to the stranger.
		asker, other := w.Party(partytest.Key(t, 1)), partytest.Key(t, 9)
		x := w.Answer(asker.Key, other, 0, "so")
		y := w.Again(x, other, x.Contents.Input, "or so")
		for _, z := range []*tx.Tx{x.Open, x.Receipt, y.Receipt} {
			if err := asker.Pool.Submit(t.Context(), z); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			w.Next(w.asker.Pool)
			if n := len(conflicts(w.asker)); n != 0 {
				t.Errorf("%d proofs", n)
			}
		}
	})
}
