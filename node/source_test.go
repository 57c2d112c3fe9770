package node

import (
	"errors"
	"testing"

	"funai/amount"
	"funai/inference/api"
	"funai/inference/chain/chaintest"
	"funai/inference/tx"
)

// view is a source over a chain whose tenures have blocks or not, as its ledger heights say.
func view(t *testing.T) (*chaintest.World, *source) {
	w := chaintest.New(t, 1)
	p := w.Producers[0]
	asker := chaintest.Key(t, 7)
	w.Elect(p, w.Mint(asker, amount.FAI))
	w.Extend()
	w.Elect(p)
	w.Ledger.Mine() // nobody stands
	w.Sync()
	w.Extend()
	w.Extend()
	w.Elect(p) // without a block
	w.Elect(p)
	w.Extend()
	w.Tenures(int(w.Params.MintDelay))
	for n := range uint64(4) { // three questions in a block, four times
		var asked []*tx.Tx
		for i := range uint64(3) {
			asked = append(asked, w.Ask(asker, 3*n+i, p.Hash()))
		}
		w.Extend(asked...)
	}
	w.Elect(p)
	network := Dev()
	return w, &source{&Node{cfg: Config{Network: network}, chain: w.Chain}}
}

func TestTheLastBlockOfATenureIsFoundAtEveryHeight(t *testing.T) {
	w, s := view(t)
	for ledger := range uint32(w.Ledger.Tip().Height) + 3 {
		want := uint64(0)
		for h := uint64(1); h <= w.Chain.Tip().Height; h++ {
			if i, err := w.Chain.InfoAt(h); err != nil {
				t.Fatal(err)
			} else if i.Tenure.Height <= ledger {
				want = h
			}
		}
		if got, err := s.lastOfTenure(ledger); err != nil || got != want {
			t.Errorf("ledger height %d: %d, not %d, %v", ledger, got, want, err)
		}
	}
	empty := chaintest.New(t, 1)
	if got, err := (&source{&Node{chain: empty.Chain}}).lastOfTenure(5); err != nil || got != 0 {
		t.Errorf("%d, %v", got, err)
	}
}

func TestElectionsListTheBlocksOfTheirTenures(t *testing.T) {
	w, s := view(t)
	es, err := s.Elections(t.Context(), api.Page{Limit: 1000})
	if err != nil || len(es) != int(w.Ledger.Tip().Height) {
		t.Fatalf("%d elections, %v", len(es), err)
	}
	next := w.Chain.Tip().Height
	for _, e := range es { // newest first
		for i := len(e.Tenure) - 1; i >= 0; i-- {
			if e.Tenure[i].Height != next {
				t.Errorf("election %d lists block %d, not %d", e.LedgerHeight, e.Tenure[i].Height, next)
			}
			next--
		}
	}
	if next != 0 {
		t.Errorf("%d blocks are in no election", next)
	}
}

func TestPagesShowEveryBlockOnce(t *testing.T) {
	w, s := view(t)
	tip := w.Chain.Tip().Height
	for limit := 1; limit <= int(tip)+1; limit += 3 {
		next, before := tip, uint64(0)
		for {
			bs, err := s.InferenceBlocks(t.Context(), api.Page{Limit: limit, Before: before})
			if err != nil || len(bs) > limit {
				t.Fatalf("%d blocks of %d, %v", len(bs), limit, err)
			}
			if len(bs) == 0 {
				break
			}
			for _, b := range bs {
				if b.Height != next {
					t.Fatalf("block %d, not %d", b.Height, next)
				}
				next--
			}
			if before = next + 1; before == 1 {
				break
			}
		}
		if next != 0 {
			t.Errorf("pages of %d end at %d", limit, next)
		}
	}
	for before, want := range map[uint64]int{1: 0, 2: 1, tip: int(tip) - 1, tip + 1: int(tip), tip + 100: int(tip), 1 << 63: int(tip), ^uint64(0): int(tip)} {
		if bs, err := s.InferenceBlocks(t.Context(), api.Page{Limit: 1000, Before: before}); err != nil || len(bs) != want {
			t.Errorf("before %d: %d blocks, not %d, %v", before, len(bs), want, err)
		}
		es, err := s.Elections(t.Context(), api.Page{Limit: 1000, Before: before})
		if most := int(min(before-1, uint64(w.Ledger.Tip().Height))); err != nil || len(es) != most {
			t.Errorf("before %d: %d elections, not %d, %v", before, len(es), most, err)
		}
	}
}

func TestPagesShowEveryReceiptOnce(t *testing.T) {
	_, s := view(t)
	for limit := 1; limit <= 13; limit++ {
		seen, before := map[string]bool{}, ""
		for {
			rs, err := s.Receipts(t.Context(), limit, before)
			if err != nil || len(rs) > limit {
				t.Fatalf("%d receipts of %d, %v", len(rs), limit, err)
			}
			if len(rs) == 0 {
				break
			}
			for _, r := range rs {
				if seen[r.ID] {
					t.Errorf("pages of %d show %s twice", limit, r.ID)
				}
				seen[r.ID] = true
				if got, err := s.Receipt(t.Context(), r.ID); err != nil || got.ID != r.ID {
					t.Errorf("%+v, %v", got, err)
				}
			}
			before = rs[len(rs)-1].ID
		}
		if len(seen) != 12 {
			t.Errorf("pages of %d show %d of 12 receipts", limit, len(seen))
		}
	}
	for before, want := range map[string]error{"nonsense": api.ErrRequest, (tx.ID{9}).String(): api.ErrNotFound} {
		if _, err := s.Receipts(t.Context(), 5, before); !errors.Is(err, want) {
			t.Errorf("before %s: %v", before, err)
		}
	}
}
