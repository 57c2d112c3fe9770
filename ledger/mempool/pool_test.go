package mempool

import (
	"errors"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"funai/key"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
)

const coinValue = 150_000_000 // of a dev coinbase

// rig is a chain with a pool, and n mature coinbases of k.
type rig struct {
	testing.TB
	c     *chain.Chain
	p     *Pool
	k     *key.Private
	coins []wire.OutPoint
}

func newRig(t testing.TB, n int, cfg Config) *rig {
	r := &rig{TB: t, c: chaintest.New(t), k: chaintest.Key(t, 1)}
	r.coins = chaintest.MineN(t, r.c, r.script(), n)
	chaintest.MineN(t, r.c, []byte{txscript.OP_TRUE}, int(r.c.Params().CoinbaseMaturity))
	r.p = New(r.c, cfg)
	t.Cleanup(func() { r.p.Close() })
	return r
}

func (r *rig) script() []byte { return chaintest.Script(r.k) }

// pay spends one coin to ourselves for a fee.
func (r *rig) pay(from wire.OutPoint, value, fee int64) *wire.MsgTx {
	return chaintest.Spend(r, r.k, from, value, wire.NewTxOut(value-fee, r.script()))
}

func (r *rig) accept(txs ...*wire.MsgTx) {
	r.Helper()
	for _, tx := range txs {
		if _, err := r.p.Accept(tx); err != nil {
			r.Fatal(err)
		}
	}
}

// settled waits until the pool has followed the chain to its tip.
func (r *rig) settled() {
	r.Helper()
	deadline := time.After(10 * time.Second)
	for {
		changed := r.p.Changed()
		if r.p.Info().At == r.c.Tip() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			r.Fatalf("pool is at %v, chain at %v", r.p.Info().At, r.c.Tip())
		}
	}
}

func out(tx *wire.MsgTx, i uint32) wire.OutPoint { return wire.OutPoint{Hash: tx.TxHash(), Index: i} }

func TestAcceptSaysWhyItRefuses(t *testing.T) {
	r := newRig(t, 4, Config{})
	good := r.pay(r.coins[0], coinValue, 1000)
	r.accept(good)
	forged := r.pay(r.coins[1], coinValue, 1000)
	forged.TxIn[0].Witness[0][10] ^= 1
	stranger := chaintest.Spend(t, chaintest.Key(t, 9), r.coins[1], coinValue, wire.NewTxOut(coinValue-1000, r.script()))
	locked := r.pay(r.coins[1], coinValue, 1000)
	locked.LockTime, locked.TxIn[0].Sequence = 1000, 0
	tip := chaintest.Mine(t, r.c, r.script())
	mined := r.pay(r.coins[2], coinValue, 1000)
	chaintest.Mine(t, r.c, r.script(), mined)
	r.settled()
	big := chaintest.Spend(t, r.k, r.coins[1], coinValue)
	for range 13_000 {
		big.AddTxOut(wire.NewTxOut(1, r.script()))
	}
	for name, c := range map[string]struct {
		tx   *wire.MsgTx
		want error
	}{
		"the same again":         {good, ErrKnown},
		"double spend in pool":   {r.pay(r.coins[0], coinValue, 999), ErrFee},
		"coin spent on chain":    {r.pay(r.coins[2], coinValue, 5000), ErrMissing},
		"coin that never was":    {r.pay(wire.OutPoint{Hash: chainhash.Hash{1}}, coinValue, 1000), ErrMissing},
		"mined already":          {mined, ErrKnown},
		"altered signature":      {forged, ErrScript},
		"another key":            {stranger, ErrScript},
		"immature":               {r.pay(out(tip.Transactions[0], 0), coinValue, 1000), ErrImmature},
		"no fee":                 {r.pay(r.coins[1], coinValue, 0), ErrFee},
		"pays more than it has":  {r.pay(r.coins[1], coinValue, -1), ErrFunds},
		"locked":                 {locked, ErrLocked},
		"heavier than relayed":   {big, ErrPolicy},
		"smaller than relayed":   {chaintest.Spend(t, r.k, r.coins[1], coinValue, wire.NewTxOut(coinValue-1000, []byte{txscript.OP_TRUE})), ErrPolicy},
		"coinbase":               {tip.Transactions[0], ErrInvalid},
		"spends one input twice": {twice(r.pay(r.coins[1], coinValue, 1000)), ErrInvalid},
	} {
		hs, err := r.p.Accept(c.tx)
		if !errors.Is(err, c.want) || Reason(err) == "" || err.Error() == "" {
			t.Errorf("%s: accepted %v, error %v; want %v", name, hs, err, c.want)
		}
		if never := c.want == ErrScript || c.want == ErrFunds || c.want == ErrInvalid; Misbehaviour(err) != never {
			t.Errorf("%s: misbehaviour %v", name, !never)
		}
	}
	if n := r.p.Info().Count; n != 1 {
		t.Errorf("%d transactions in the pool, want 1", n)
	}
}

func twice(tx *wire.MsgTx) *wire.MsgTx {
	tx.TxIn = append(tx.TxIn, tx.TxIn[0])
	return tx
}

func TestOperationThatBurnsInItsFirstOutputIsAccepted(t *testing.T) {
	r := newRig(t, 1, Config{})
	script, err := txscript.NullDataScript(make([]byte, 80))
	if err != nil {
		t.Fatal(err)
	}
	r.accept(chaintest.Spend(t, r.k, r.coins[0], coinValue, wire.NewTxOut(1_000_000, script), wire.NewTxOut(100_000_000, r.script())))
}

func TestOrphansComeInWithTheirParents(t *testing.T) {
	r := newRig(t, 1, Config{})
	a := r.pay(r.coins[0], coinValue, 1000)
	b := r.pay(out(a, 0), coinValue-1000, 1000)
	c := r.pay(out(b, 0), coinValue-2000, 1000)
	for _, tx := range []*wire.MsgTx{c, b} {
		_, missing, err := r.p.AcceptFrom(tx, "peer")
		if !errors.Is(err, ErrMissing) || len(missing) != 1 || missing[0] != tx.TxIn[0].PreviousOutPoint.Hash {
			t.Fatal(missing, err)
		}
	}
	if in := r.p.Info(); in.Orphans != 2 || in.Count != 0 {
		t.Fatalf("%+v", in)
	}
	hs, err := r.p.Accept(a)
	if err != nil || len(hs) != 3 {
		t.Fatal(hs, err)
	}
	if in := r.p.Info(); in.Orphans != 0 || in.Count != 3 {
		t.Fatalf("%+v", in)
	}
}

// Whoever sends a child with a forged witness before its parent does not keep the good one out.
func TestForgedOrphanDoesNotReplaceTheGoodOne(t *testing.T) {
	r := newRig(t, 1, Config{})
	parent := r.pay(r.coins[0], coinValue, 1000)
	child := r.pay(out(parent, 0), coinValue-1000, 1000)
	forged := child.Copy()
	forged.TxIn[0].Witness[0][10] ^= 1
	for _, tx := range []*wire.MsgTx{forged, child} {
		if _, _, err := r.p.AcceptFrom(tx, "peer"); !errors.Is(err, ErrMissing) {
			t.Fatal(err)
		}
	}
	if _, _, err := r.p.AcceptFrom(child, "another"); !errors.Is(err, ErrKnown) {
		t.Fatal(err)
	}
	if hs, err := r.p.Accept(parent); err != nil || len(hs) != 2 {
		t.Fatal(hs, err)
	}
	if d, ok := r.p.Entry(child.TxHash()); !ok || d.Wtxid != child.WitnessHash() || r.p.Info().Orphans != 0 || len(r.p.orphans.ids) != 0 {
		t.Errorf("%v, %+v", ok, r.p.Info())
	}
}

// An orphan that spends many outputs of its parent is judged once when that comes, not for each.
func TestOrphanWaitsOnceForItsParent(t *testing.T) {
	r := newRig(t, 1, Config{})
	parent := r.pay(r.coins[0], coinValue, 1000)
	child := wire.NewMsgTx(2)
	for i := range uint32(50) {
		parent.AddTxOut(wire.NewTxOut(1000, r.script()))
		child.AddTxIn(wire.NewTxIn(&wire.OutPoint{Index: i}, nil, nil))
	}
	for _, in := range child.TxIn {
		in.PreviousOutPoint.Hash = parent.TxHash()
	}
	child.AddTxOut(wire.NewTxOut(1000, r.script()))
	if _, _, err := r.p.AcceptFrom(child, "peer"); !errors.Is(err, ErrMissing) {
		t.Fatal(err)
	}
	if n := len(r.p.orphans.waiting(newTx(parent))); n != 1 {
		t.Errorf("%d times", n)
	}
	if n := len(r.p.orphans.rivals(newTx(child))); n != 1 {
		t.Errorf("%d rivals", n)
	}
}

func TestOrphansAreBounded(t *testing.T) {
	r := newRig(t, 0, Config{})
	for i := range 3 * maxOrphans {
		peer := []string{"a", "b"}[i%2]
		r.p.AcceptFrom(r.pay(wire.OutPoint{Hash: chainhash.Hash{byte(i), byte(i >> 8), 1}}, coinValue, 1000), peer)
	}
	if n := r.p.Info().Orphans; n != maxOrphans {
		t.Fatalf("%d orphans", n)
	}
	r.p.DropOrphans("a")
	r.p.DropOrphans("b")
	if r.p.Info().Orphans != 0 || len(r.p.orphans.byCoin) != 0 {
		t.Fatalf("%d orphans, %d coins left", r.p.Info().Orphans, len(r.p.orphans.byCoin))
	}
}

func TestChainsOfUnconfirmedTransactionsAreBounded(t *testing.T) {
	r := newRig(t, 1, Config{})
	from, value := r.coins[0], int64(coinValue)
	for range MaxPackage {
		tx := r.pay(from, value, 1000)
		r.accept(tx)
		from, value = out(tx, 0), value-1000
	}
	if _, err := r.p.Accept(r.pay(from, value, 1000)); !errors.Is(err, ErrPackage) {
		t.Fatal(err)
	}
}

func TestDescendantsOfOneTransactionAreBounded(t *testing.T) {
	r := newRig(t, 1, Config{})
	var outs []*wire.TxOut
	for range MaxPackage {
		outs = append(outs, wire.NewTxOut(1_000_000, r.script()))
	}
	parent := chaintest.Spend(t, r.k, r.coins[0], coinValue, outs...)
	r.accept(parent)
	for i := range MaxPackage - 1 {
		r.accept(r.pay(out(parent, uint32(i)), 1_000_000, 1000))
	}
	if _, err := r.p.Accept(r.pay(out(parent, MaxPackage-1), 1_000_000, 1000)); !errors.Is(err, ErrPackage) {
		t.Fatal(err)
	}
}

func TestReorgBringsTransactionsBackAndDropsConflicts(t *testing.T) {
	r := newRig(t, 3, Config{})
	fork := r.c.Tip()
	a := r.pay(r.coins[0], coinValue, 1000)
	b := r.pay(out(a, 0), coinValue-1000, 1000)
	c := r.pay(r.coins[1], coinValue, 1000)
	rival := r.pay(r.coins[1], coinValue, 7000)
	chaintest.Mine(t, r.c, r.script(), a)
	chaintest.Mine(t, r.c, r.script(), c)
	r.settled()
	r.accept(b)
	side := chaintest.BlockOn(t, r.c, fork, r.script(), 77, rival)
	for i := uint64(78); r.c.Tip().Hash != side.BlockHash(); i++ {
		if _, err := r.c.ProcessBlock(t.Context(), side); err != nil {
			t.Fatal(err)
		}
		if tip := side.BlockHash(); r.c.Tip().Hash != tip {
			_, h, _ := r.c.Header(tip)
			side = chaintest.BlockOn(t, r.c, chain.Index{Height: h, Hash: tip}, r.script(), i)
		}
	}
	r.settled()
	if r.p.Get(a.TxHash()) == nil || r.p.Get(b.TxHash()) == nil || r.p.Get(c.TxHash()) != nil || r.p.Get(rival.TxHash()) != nil {
		t.Fatalf("pool holds %v", hashes(r.p.Descs()))
	}
	chaintest.Mine(t, r.c, r.script(), a, b)
	r.settled()
	if n := r.p.Info().Count; n != 0 {
		t.Fatalf("%d left", n)
	}
}

func TestFollowersSeeEveryTransaction(t *testing.T) {
	c := newRig(t, 40, Config{})
	rapid.Check(t, func(t *rapid.T) {
		r := *c
		seen := map[chainhash.Hash]bool{}
		u := r.p.UpdatesSince(0, nil)
		for i := range rapid.IntRange(1, 20).Draw(t, "n") {
			coin := rapid.SampledFrom(r.coins).Draw(t, "coin")
			tx := r.pay(coin, coinValue, int64(1000+rapid.IntRange(0, 5).Draw(t, "fee")))
			if by := r.p.spent[coin]; by != nil && rapid.Bool().Draw(t, "drop") {
				r.p.mu.Lock()
				r.p.remove(by)
				r.p.mu.Unlock()
			}
			_, err := r.p.Accept(tx)
			if err != nil && !errors.Is(err, ErrFee) && !errors.Is(err, ErrKnown) {
				t.Fatal(i, err)
			}
			var watched []chainhash.Hash
			for h := range seen {
				watched = append(watched, h)
			}
			next := r.p.UpdatesSince(u.Next, watched)
			for _, h := range next.Gone {
				delete(seen, h)
			}
			for _, e := range next.Added {
				seen[*e.Tx.Hash()] = true
			}
			u = next
		}
		for _, e := range u.Added {
			seen[*e.Tx.Hash()] = true
		}
		start := r.p.UpdatesSince(0, nil)
		for h := range seen {
			if r.p.Get(h) == nil {
				t.Fatal("follower holds what is gone")
			}
		}
		if start.Next != u.Next {
			t.Fatal(start.Next, u.Next)
		}
	})
}

func TestMetricsCountThePool(t *testing.T) {
	reg := prometheus.NewRegistry()
	r := newRig(t, 1, Config{Metrics: reg})
	tx := r.pay(r.coins[0], coinValue, 1000)
	r.accept(tx)
	got := map[string]float64{}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		got[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
	}
	if got["funai_ledger_mempool_transactions"] != 1 || got["funai_ledger_mempool_bytes"] != float64(r.p.Descs()[0].VSize) {
		t.Error(got)
	}
	r.p.Close()
	if left, err := reg.Gather(); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}
