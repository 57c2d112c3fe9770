package chain_test

import (
	"errors"
	"testing"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/chain/chaintest"
	"funai/inference/execution"
	"funai/inference/state"
)

// certifiedLate makes a block of one tenure that the group certifies in the round of the next one.
func certifiedLate(t *testing.T) (w *chaintest.World, before chain.Index, b *block.Block) {
	w = chaintest.New(t, 1)
	w.Seated(1)
	before = w.Chain.Tip()
	tenure := w.Elect(w.Producers[0])
	b = w.Draft()
	w.Add(b, w.Certify(b, w.Elect(w.Producers[0])))
	if w.Chain.Tip().ID != b.ID() || w.Chain.TipInfo().Tenure != tenure {
		t.Fatal("it is not the tip")
	}
	return w, before, b
}

func TestABlockFallsWithTheRoundThatCertifiedIt(t *testing.T) {
	w, before, b := certifiedLate(t)
	root := b.Header.StateRoot
	round := w.Ledger.Tip()
	w.Ledger.Reset(w.Ledger.At(uint32(round.Height) - 1))
	w.Ledger.Mine()
	w.Ledger.Mine()
	w.Sync()
	if w.Chain.Tip() != before {
		t.Fatalf("the tip is %+v, its certificate's round is gone", w.Chain.Tip())
	}
	if err := w.Chain.Audit(); err != nil {
		t.Error(err)
	}
	// Nobody builds on it as it is,
	child := *b
	child.Header.Height, child.Header.Parent = b.Header.Height+1, b.ID()
	child.Header.Sign(w.Producers[0].Key)
	if err := w.Chain.Validate(&child); !errors.Is(err, chain.ErrOrphaned) {
		t.Errorf("a block on it: %v", err)
	}
	// but it can be certified again, and then the chain goes on.
	r := w.Elect(w.Producers[0])
	w.Add(b, w.Certify(b, r))
	if w.Chain.Tip().ID != b.ID() || w.Root() != root {
		t.Fatalf("certified again, the tip is %+v", w.Chain.Tip())
	}
	w.Tenures(2)
	if got := w.Chain.Tip().Height; got != b.Header.Height+2 {
		t.Errorf("the tip is at %d", got)
	}
	if err := w.Chain.Audit(); err != nil {
		t.Error(err)
	}
}

func TestABlockStandsAgainWithTheRoundThatCertifiedIt(t *testing.T) {
	w, before, b := certifiedLate(t)
	round := w.Ledger.Tip()
	w.Ledger.Reset(w.Ledger.At(uint32(round.Height) - 1))
	w.Ledger.Mine()
	w.Sync()
	if w.Chain.Tip() != before {
		t.Fatalf("the tip is %+v", w.Chain.Tip())
	}
	w.Ledger.Reset(round)
	w.Ledger.Mine()
	w.Sync()
	if w.Chain.Tip().ID != b.ID() {
		t.Errorf("the tip is %+v", w.Chain.Tip())
	}
}

func TestABadCertificateDoesNotTakeThePlaceOfALostOne(t *testing.T) {
	w, before, b := certifiedLate(t)
	round := block.Round{Height: uint32(w.Ledger.Tip().Height), Hash: w.Ledger.Tip().Hash}
	old := w.Certify(b, round)
	w.Reorganize(w.Ledger.At(round.Height - 1))
	r := w.Elect(w.Producers[0])
	forged := w.Certify(b, r)
	forged.Votes[0].Signature[40]++
	for name, c := range map[string]struct {
		cert block.Certificate
		want error
	}{
		"of the lost round":   {old, chain.ErrOrphaned},
		"forged":              {forged, block.ErrCertificate},
		"of prepares":         {w.Votes(block.Prepare, b, r), block.ErrCertificate},
		"before its tenure":   {w.Certify(b, block.Round{Height: 20, Hash: w.Ledger.At(20).Hash}), chain.ErrInvalid},
		"of a ledger to come": {w.Certify(b, block.Round{Height: r.Height + 1}), chain.ErrLedger},
	} {
		if err := w.Chain.Add(b, c.cert); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.Chain.Add(b, block.Certificate{}); err != nil || w.Chain.Tip() != before {
		t.Errorf("without a certificate: %v, tip %+v", err, w.Chain.Tip())
	}
}

// A stake burned in a ledger block that was taken away is credited only in the blocks of its tenure. Whoever could build on
// those would keep it, without any coin burned on the ledger.
func TestNothingIsBuiltOnWhatTheLedgerTookAway(t *testing.T) {
	w := chaintest.New(t, 1)
	p := w.Producers[0]
	w.TenuresUntil(7)
	safe := w.Chain.TipInfo()
	w.Elect(p, w.Stake(chaintest.Key(t, 50), 1000*amount.FAI))
	w.Extend()
	there := w.Another()
	w.CatchUp(there.Chain) // and it stays there
	on := there.Chain.TipInfo()

	w.Reorganize(w.Ledger.At(7))
	w.ElectOn(p, safe)
	r := w.ElectOn(p, on)
	if w.Chain.TipInfo() != safe {
		t.Fatalf("the tip is %+v", w.Chain.TipInfo())
	}
	// In all else the block is as it should be.
	tenure := w.Latest()
	proof := p.Prover.Prove(tenure.Snapshot.S[:])
	b := &block.Block{Header: block.Header{ChainID: w.Params.ChainID, Height: on.Height + 1, Parent: on.ID, Tenure: r, Time: on.Time + 1000,
		TxRoot: block.TxRoot(nil), Proof: proof[:]}}
	b.Header.StateRoot = after(there, execution.Env{Params: w.Params, Height: on.Height + 1, Parent: on.ID, TxRoot: b.Header.TxRoot,
		Ledger: r.Height, Before: on.Tenure.Height, Producer: p.Hash()})
	b.Header.Sign(p.Key)
	if err := w.Chain.Add(b, block.Certificate{}); !errors.Is(err, chain.ErrOrphaned) {
		t.Errorf("taken in: %v", err)
	}
	if tot, err := w.Chain.Totals(); err != nil || tot.Bridged != 0 {
		t.Errorf("bridged %v, %v", tot.Bridged, err)
	}
}

// after is the root of the state after an empty block on the tip.
func after(w *chaintest.World, env execution.Env) (root [32]byte) {
	w.Helper()
	err := w.Chain.Read(func(r state.Reader) error {
		s := state.NewLayer(r)
		m, err := execution.Begin(env, s)
		if err != nil {
			return err
		}
		if _, err := m.End(); err != nil {
			return err
		}
		root, err = s.Root()
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return root
}
