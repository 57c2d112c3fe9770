package chain_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/chain/chaintest"
	"funai/inference/tx"
	"funai/key"
)

// funded makes a chain of tenures up to a ledger height in which a key has coins.
func funded(t *testing.T, height uint32) (w *chaintest.World, k *key.Private) {
	w, k = chaintest.New(t, 2), chaintest.Key(t, 50)
	w.Elect(w.Producers[0], w.Mint(k, 100*amount.FAI))
	w.Extend()
	w.TenuresUntil(height)
	return w, k
}

// page is what people see of a chain.
type page struct {
	tip    chain.Index
	root   [32]byte
	recent []tx.ID
}

func pageOf(t *testing.T, w *chaintest.World) (p page) {
	t.Helper()
	recent, err := w.Chain.Recent(100, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range recent {
		p.recent = append(p.recent, x.ID)
	}
	p.tip, p.root = w.Chain.Tip(), w.Root()
	if err := w.Chain.Audit(); err != nil {
		t.Error(err)
	}
	return p
}

func (p page) same(q page) bool {
	return p.tip == q.tip && p.root == q.root && slices.Equal(p.recent, q.recent)
}

func TestALedgerReorganizationAndBackRestoresEverything(t *testing.T) {
	w, k := funded(t, 10)
	server := w.Producers[0].Hash()
	pages := map[uint32]page{}
	for nonce := range uint64(6) {
		r := w.Elect(w.Producers[nonce%2])
		w.Extend(w.Ask(k, 2*nonce, server), w.Transfer(k, 2*nonce+1, server, amount.FAI))
		pages[r.Height] = pageOf(t, w)
	}
	end := w.Ledger.Tip()
	for back := uint32(1); back < 6; back++ {
		at := uint32(end.Height) - back
		w.Reorganize(w.Ledger.At(at))
		if got := pageOf(t, w); !got.same(pages[at]) || len(got.recent) != int(6-back) {
			t.Errorf("%d back: %+v, it was %+v", back, got, pages[at])
		}
		// On the other fork something else happens.
		w.Elect(w.Producers[1])
		w.Extend()
		pageOf(t, w)
		w.Reorganize(end)
		if got := pageOf(t, w); !got.same(pages[uint32(end.Height)]) {
			t.Fatalf("%d back and forth: %+v, it was %+v", back, got, pages[uint32(end.Height)])
		}
	}
}

func TestUndoneTransactionsComeFirstForAWhile(t *testing.T) {
	w, k := funded(t, 10)
	p := w.Producers[0]
	other := w.Another()
	w.CatchUp(other.Chain)
	w.Elect(p)
	var undone [][]byte
	for i := range uint64(3) {
		undone = append(undone, w.Extend(w.Transfer(k, i, p.Hash(), amount.FAI)).Txs...)
	}
	at := w.Ledger.Tip()
	w.Reorganize(w.Ledger.At(10))
	w.Elect(p)
	other.Sync()

	uninformed := other.Draft()
	if err := w.Chain.Validate(uninformed); err != nil {
		t.Fatal(err)
	}
	if err := w.Chain.CheckReplay(uninformed); !errors.Is(err, chain.ErrInvalid) {
		t.Errorf("without them: %v", err)
	}
	if err := other.Chain.CheckReplay(uninformed); err != nil {
		t.Errorf("who saw nothing undone asks for it: %v", err)
	}
	good := w.Draft()
	if !slices.EqualFunc(good.Txs, undone, slices.Equal) {
		t.Fatalf("the draft begins with %d of %d undone ones", len(good.Txs), len(undone))
	}
	swapped := other.Draft()
	swapped.Txs = [][]byte{undone[1], undone[0], undone[2]}
	for name, c := range map[string]struct {
		b    *block.Block
		want error
	}{"all in order": {good, nil}, "another order": {swapped, chain.ErrInvalid}, "too few": {&block.Block{Header: good.Header, Txs: undone[:2]}, chain.ErrInvalid}} {
		if err := w.Chain.CheckReplay(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Producers that never learn of it do not stop the chain.
	for w.Chain.CheckReplay(uninformed) != nil {
		if w.Ledger.Mine().Height > at.Height+10 {
			t.Fatal("the demand never ends")
		}
		w.Sync()
	}
	// A draft still takes them up, until a block on the tip has.
	w.Elect(p)
	if b := w.Extend(); len(b.Txs) != 3 {
		t.Errorf("%d transactions done again", len(b.Txs))
	}
	if b := w.Draft(); len(b.Txs) != 0 {
		t.Errorf("%d transactions done twice", len(b.Txs))
	}
}

func TestTheDemandForUndoneTransactionsOutlivesARestart(t *testing.T) {
	fs := newCrashFS()
	w := chaintest.NewOn(t, fs, 1)
	k := chaintest.Key(t, 50)
	w.Elect(w.Producers[0], w.Mint(k, 100*amount.FAI))
	w.Extend()
	w.TenuresUntil(10)
	w.Elect(w.Producers[0])
	w.Extend(w.Transfer(k, 0, key.Hash160{1}, amount.FAI))
	w.Reorganize(w.Ledger.At(10))
	w.Elect(w.Producers[0])
	back := *w
	back.Chain = w.OpenOn(fs.CrashClone(lastSynced))
	if b := back.Draft(); len(b.Txs) != 1 {
		t.Errorf("%d transactions come first", len(b.Txs))
	}
}

// follower keeps the ids of the chain by what UpdatesSince tells it.
type follower struct {
	ids []chain.Index
}

func (f *follower) follow(t *testing.T, c *chain.Chain, limit int) {
	t.Helper()
	for {
		var at chain.Index
		if len(f.ids) > 0 {
			at = f.ids[len(f.ids)-1]
		}
		reverted, applied, err := c.UpdatesSince(at, limit)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(reverted) + len(applied); n == 0 {
			break
		} else if n > limit {
			t.Fatalf("%d updates, %d asked for", n, limit)
		}
		for _, u := range reverted {
			if u.Index != f.ids[len(f.ids)-1] {
				t.Fatalf("%v reverted, the last is %v", u.Index, f.ids[len(f.ids)-1])
			}
			f.ids = f.ids[:len(f.ids)-1]
		}
		for _, u := range applied {
			if u.Height != uint64(len(f.ids))+1 {
				t.Fatalf("%v applied on %d blocks", u.Index, len(f.ids))
			}
			f.ids = append(f.ids, u.Index)
		}
	}
	if tip := c.Tip(); tip.Height != uint64(len(f.ids)) || tip.Height > 0 && f.ids[tip.Height-1] != tip {
		t.Fatalf("followed to %d, the tip is %v", len(f.ids), tip)
	}
}

// churn makes random history: tenures of one or more blocks, silent ones, ledger forks and returns to old ones.
func churn(w *chaintest.World, rng *rand.Rand, steps int, each func()) {
	for range steps {
		switch tip := w.Ledger.Tip(); rng.IntN(10) {
		case 0:
			w.Ledger.Mine()
			w.Sync()
		case 1, 2:
			if tip.Height < 8 {
				continue
			}
			w.Ledger.Reset(w.Ledger.At(uint32(tip.Height) - uint32(rng.IntN(5))))
			for range rng.IntN(3) {
				w.Ledger.Mine()
			}
			w.Sync()
			if rng.IntN(2) == 0 {
				w.Reorganize(tip)
			}
		case 3, 4, 5:
			if w.Chain.TipInfo().Tenure == w.Latest().Round {
				w.Extend()
			}
		default:
			var ops []chaintest.Op
			if rng.IntN(8) == 0 {
				k := chaintest.Key(w, 100+uint64(rng.IntN(3)))
				ops = append(ops, w.Stake(k, amount.FAI), w.Mint(k, amount.FAI))
			}
			w.Elect(w.Producers[rng.IntN(len(w.Producers))], ops...)
			switch b := w.Draft(); rng.IntN(6) {
			case 0: // a silent tenure
			case 1: // the next round certifies its block
				w.Elect(w.Producers[rng.IntN(len(w.Producers))])
				w.Add(b, w.Certify(b, w.Latest().Round))
			default:
				w.Add(b, w.Certify(b, w.Latest().Round))
			}
		}
		each()
	}
}

func TestAnyHistoryLeavesAChainAsAFreshOneGivenItsBlocks(t *testing.T) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 1))
		w := chaintest.New(t, 2)
		w.Tenures(1)
		var f follower
		churn(w, rng, 150, func() { f.follow(t, w.Chain, 1+rng.IntN(5)) })
		fresh := w.Another()
		w.CatchUp(fresh.Chain)
		if got, want := pageOf(t, fresh), pageOf(t, w); !got.same(want) {
			t.Errorf("seed %d: %+v, not %+v", seed, got, want)
		}
		t.Logf("seed %d: ledger %d, %d blocks, %d seats", seed, w.Ledger.Tip().Height, w.Chain.Tip().Height, len(w.Set(uint32(w.Ledger.Tip().Height)).Seats))
	}
}
