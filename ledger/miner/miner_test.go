package miner

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/key"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
	"funai/ledger/mempool"
)

const coinValue = 150_000_000 // of a dev coinbase

var nobody = []byte{txscript.OP_TRUE}

// setup is a chain with a pool, and n mature coinbases of the key.
func setup(t testing.TB, n int) (*chain.Chain, *mempool.Pool, *key.Private, []wire.OutPoint) {
	c, k := chaintest.New(t), chaintest.Key(t, 1)
	coins := chaintest.MineN(t, c, chaintest.Script(k), n)
	chaintest.MineN(t, c, nobody, int(c.Params().CoinbaseMaturity))
	p := mempool.New(c, mempool.Config{})
	t.Cleanup(func() { p.Close() })
	return c, p, k, coins
}

func accept(t testing.TB, p *mempool.Pool, txs ...*wire.MsgTx) {
	t.Helper()
	for _, tx := range txs {
		if _, err := p.Accept(tx); err != nil {
			t.Fatal(err)
		}
	}
}

// heavy spends one coin to so many outputs for a fee.
func heavy(t testing.TB, k *key.Private, coin wire.OutPoint, outputs int, fee int64) *wire.MsgTx {
	var outs []*wire.TxOut
	for range outputs {
		outs = append(outs, wire.NewTxOut(1000, chaintest.Script(k)))
	}
	outs[0].Value = coinValue - fee - int64(outputs-1)*1000
	return chaintest.Spend(t, k, coin, coinValue, outs...)
}

// solveOn makes a template, checks it against the chain and processes it.
func solveOn(t testing.TB, c *chain.Chain, src Source, now time.Time) *wire.MsgBlock {
	t.Helper()
	b, err := Template(c, src, nobody, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := Solve(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if o, err := c.ProcessBlock(t.Context(), b); err != nil || !o.MainChain {
		t.Fatal(o, err)
	}
	return b
}

func TestTemplateTakesWhatPaysMostAndFits(t *testing.T) {
	c, p, k, coins := setup(t, 12)
	const outputs = 3100 // 385,000 weight units: ten fit into a block
	want := map[chainhash.Hash]bool{}
	for i, coin := range coins {
		tx := heavy(t, k, coin, outputs, int64(200_000+1000*i))
		accept(t, p, tx)
		want[tx.TxHash()] = i >= 2
	}
	b := solveOn(t, c, p, time.Now())
	if len(b.Transactions) != 11 {
		t.Fatalf("%d transactions", len(b.Transactions))
	}
	var fees int64
	for _, tx := range b.Transactions[1:] {
		if !want[tx.TxHash()] {
			t.Error("takes one that pays less")
		}
		fees += coinValue
		for _, o := range tx.TxOut {
			fees -= o.Value
		}
	}
	if got := b.Transactions[0].TxOut[0].Value; got != coinValue+fees {
		t.Errorf("coinbase takes %d, want subsidy and fees %d", got, coinValue+fees)
	}
	if w := blockchain.GetBlockWeight(btcutil.NewBlock(b)); w > blockchain.MaxBlockWeight {
		t.Error("weight", w)
	}
}

func TestChildPaysForItsParent(t *testing.T) {
	c, p, k, coins := setup(t, 11)
	const outputs = 3100
	for _, coin := range coins[:10] {
		accept(t, p, heavy(t, k, coin, outputs, 300_000))
	}
	parent := heavy(t, k, coins[10], 1000, 50_000) // pays less than the others by weight
	child := chaintest.Spend(t, k, wire.OutPoint{Hash: parent.TxHash()}, parent.TxOut[0].Value, wire.NewTxOut(parent.TxOut[0].Value-1_000_000, chaintest.Script(k)))
	accept(t, p, parent, child)
	b := solveOn(t, c, p, time.Now())
	at := map[chainhash.Hash]int{}
	for i, tx := range b.Transactions {
		at[tx.TxHash()] = i
	}
	if at[parent.TxHash()] != 1 || at[child.TxHash()] != 2 {
		t.Errorf("parent at %d, child at %d", at[parent.TxHash()], at[child.TxHash()])
	}
}

func TestTemplateKeepsTheBoundOfSignatureOperations(t *testing.T) {
	c, p, k, coins := setup(t, 6)
	for i, coin := range coins { // each has 200 outputs of 20 signature operations, of cost 16,000 in all
		outs := []*wire.TxOut{wire.NewTxOut(coinValue-1_000_000, chaintest.Script(k))}
		for range 200 {
			outs = append(outs, wire.NewTxOut(1000, []byte{txscript.OP_CHECKMULTISIG}))
		}
		outs[0].Value -= int64(i)
		accept(t, p, chaintest.Spend(t, k, coin, coinValue, outs[:200]...), // one for the input
			chaintest.Spend(t, k, wire.OutPoint{Hash: chaintest.Spend(t, k, coin, coinValue, outs[:200]...).TxHash()}, outs[0].Value,
				wire.NewTxOut(outs[0].Value-500, chaintest.Script(k))))
	}
	got, err := NewTemplate(c, p, nobody, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var cost int64
	for _, n := range got.SigOps {
		cost += n
	}
	if most := int64(blockchain.MaxBlockSigOpsCost - reservedSigOps); cost > most || cost < most-16_000 || len(got.Fees) != 8 {
		t.Errorf("%d transactions of cost %d, want 4 with their children and at most %d", len(got.Fees), cost, most)
	}
}

func TestPriorityDecidesWhatIsMined(t *testing.T) {
	c, p, k, coins := setup(t, 12)
	const outputs = 3100
	var cheap *wire.MsgTx
	for i, coin := range coins {
		tx := heavy(t, k, coin, outputs, int64(200_000+1000*i))
		accept(t, p, tx)
		if i == 0 {
			cheap = tx
		}
	}
	p.Prioritise(cheap.TxHash(), 1_000_000)
	b, err := NewTemplate(c, p, nobody, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if b.Block.Transactions[1].TxHash() != cheap.TxHash() || b.Fees[0] != 200_000 {
		t.Errorf("first is %v with a fee of %d", b.Block.Transactions[1].TxHash(), b.Fees[0])
	}
}

func TestTemplateTellsWhatItHolds(t *testing.T) {
	c, p, k, coins := setup(t, 2)
	a := chaintest.Spend(t, k, coins[0], coinValue, wire.NewTxOut(coinValue-1000, chaintest.Script(k)))
	b := chaintest.Spend(t, k, wire.OutPoint{Hash: a.TxHash()}, coinValue-1000, wire.NewTxOut(coinValue-51_000, chaintest.Script(k)))
	d := chaintest.Spend(t, k, coins[1], coinValue, wire.NewTxOut(coinValue-10_000, chaintest.Script(k)))
	accept(t, p, a, d, b)
	now := time.Now()
	got, err := NewTemplate(c, p, nobody, now)
	if err != nil {
		t.Fatal(err)
	}
	if got.Parent != c.Tip() || got.Height != c.Tip().Height+1 || got.Seq != p.Seq() || !got.MinTime.Equal(c.MedianTime().Add(time.Second)) {
		t.Errorf("%+v", got)
	}
	if got.CoinbaseValue != coinValue+61_000 || got.Block.Transactions[0].TxOut[0].Value != coinValue+61_000 {
		t.Errorf("coinbase takes %d", got.CoinbaseValue)
	}
	for i, want := range []struct {
		tx      *wire.MsgTx
		fee     amount.Amount
		depends []int
	}{{a, 1000, nil}, {b, 50_000, []int{0}}, {d, 10_000, nil}} {
		tx := btcutil.NewTx(got.Block.Transactions[i+1])
		if *tx.Hash() != want.tx.TxHash() || got.Fees[i] != want.fee || !slices.Equal(got.Depends[i], want.depends) {
			t.Errorf("%d: %v pays %d, depends on %v", i, tx.Hash(), got.Fees[i], got.Depends[i])
		}
		if got.Weights[i] != blockchain.GetTransactionWeight(tx) || got.SigOps[i] != 1 {
			t.Errorf("%d: weight %d, signature operations %d", i, got.Weights[i], got.SigOps[i])
		}
	}
	coinbase := got.Block.Transactions[0]
	if !bytes.Equal(got.WitnessCommitment, coinbase.TxOut[len(coinbase.TxOut)-1].PkScript) {
		t.Errorf("witness commitment %x", got.WitnessCommitment)
	}
}

// fixed is a pool that does not follow the chain.
type fixed mempool.Snapshot

func (f fixed) Snapshot() (mempool.Snapshot, error) { return mempool.Snapshot(f), nil }

func TestTemplateOfAPoolThatIsWrongIsRefused(t *testing.T) {
	c, p, k, coins := setup(t, 1)
	accept(t, p, chaintest.Spend(t, k, coins[0], coinValue, wire.NewTxOut(coinValue-1000, chaintest.Script(k))))
	snap, err := p.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	chaintest.Mine(t, c, nobody, chaintest.Spend(t, k, coins[0], coinValue, wire.NewTxOut(coinValue-9000, chaintest.Script(k))))
	if _, err := NewTemplate(c, fixed(snap), nobody, time.Now()); !errors.Is(err, mempool.ErrBusy) {
		t.Error("of another tip:", err)
	}
	snap.At = c.Tip()
	_, err = NewTemplate(c, fixed(snap), nobody, time.Now())
	if _, invalid := errors.AsType[*InvalidError](err); !invalid || !isRule(err) {
		t.Error("spends what is spent:", err)
	}
}

func TestBlocksInAHurryNeverHaveAnInvalidTime(t *testing.T) {
	c := chaintest.New(t)
	now := time.Now()
	for range 200 {
		solveOn(t, c, nil, now)
	}
	if c.Tip().Height != 200 {
		t.Fatal(c.Tip())
	}
}

func TestBlockTime(t *testing.T) {
	now := time.Unix(1_800_000_000, 500)
	for name, c := range map[string]struct {
		median time.Duration // from now
		want   time.Duration
		wait   time.Duration
	}{
		"usual":                    {-time.Minute, 0, 0},
		"median is now":            {0, time.Second, 0},
		"median ahead":             {time.Minute, time.Minute + time.Second, 0},
		"last that is valid":       {2*time.Hour - time.Second, 2 * time.Hour, 0},
		"ahead of what is allowed": {2*time.Hour + time.Second, 2*time.Hour + 2*time.Second, 2 * time.Second},
	} {
		at, err := blockTime(time.Unix(now.Unix(), 0).Add(c.median), now)
		var early *EarlyError
		if errors.As(err, &early) != (c.wait > 0) || early != nil && early.Wait != c.wait {
			t.Errorf("%s: %v", name, err)
		}
		if !at.Equal(time.Unix(now.Unix(), 0).Add(c.want)) {
			t.Errorf("%s: %v", name, at)
		}
	}
}

func TestSolveStopsWithItsContext(t *testing.T) {
	c := chaintest.New(t)
	b, err := Template(c, nil, nobody, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b.Header.Bits = 0x03000001
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := Solve(ctx, b); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestSolveStopsWithinMilliseconds(t *testing.T) {
	b, err := Template(chaintest.New(t), nil, nobody, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b.Header.Bits = 0x03000001
	stop := &countdown{Context: t.Context(), left: 3}
	if _, err := grind(stop, &b.Header, targetBytes(b.Header.Bits)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if stop.left < -1 { // it asks once more for the error to return
		t.Errorf("went on for %d looks", -stop.left)
	}
}

// countdown is a context that ends when it has been asked so many times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left <= 0 {
		return context.Canceled
	}
	return nil
}

func TestExtraNonceChangesTheBlockAndLeavesItValid(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 6} {
		c, p, k, coins := setup(t, n)
		for _, coin := range coins {
			accept(t, p, chaintest.Spend(t, k, coin, coinValue, wire.NewTxOut(coinValue-1000, chaintest.Script(k))))
		}
		b, err := Template(c, p, nobody, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		root := b.Header.MerkleRoot
		w, err := newWork(b)
		if err != nil {
			t.Fatal(err)
		}
		w.setExtraNonce(1 << 40)
		w.apply(b)
		if b.Header.MerkleRoot == root {
			t.Fatal("nothing changed")
		}
		if err := c.CheckTemplate(t.Context(), b); err != nil {
			t.Fatalf("%d transactions: %v", n, err)
		}
	}
}

func TestBlockWithoutExtraNonceCanBeSolvedOrNot(t *testing.T) {
	c := chaintest.New(t)
	b, err := Template(c, nil, nobody, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b.Transactions[0].TxIn[0].SignatureScript = []byte{txscript.OP_1, txscript.OP_2}
	w, err := newWork(b)
	if err != nil || w.at >= 0 {
		t.Fatal("found an extra nonce where there is none", err)
	}
	if err := SolveOn(t.Context(), b, 4); err != nil || !consensus.Solved(&b.Header) {
		t.Fatal(err)
	}
}

func TestSeveralCoresSolveABlock(t *testing.T) {
	c := chaintest.New(t)
	for cores := range 5 {
		b, err := Template(c, nil, nobody, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		b.Header.Bits = 0x1f7fffff // one hash in 512
		if err := SolveOn(t.Context(), b, cores); err != nil {
			t.Fatal(err)
		}
		if !consensus.Solved(&b.Header) || b.Header.MerkleRoot != blockchain.CalcMerkleRoot(btcutil.NewBlock(b).Transactions(), false) {
			t.Fatalf("%d cores: %+v", cores, b.Header)
		}
	}
}

func TestTargetBytesAgreeWithBigNumbers(t *testing.T) {
	for _, bits := range []uint32{0x207fffff, 0x1d00ffff, 0x1e00ffff, 0x03123456, 0x01120000, 0} {
		target := targetBytes(bits)
		hash := chainhash.Hash(target)
		if blockchain.HashToBig(&hash).Cmp(blockchain.CompactToBig(bits)) != 0 {
			t.Errorf("%08x: %x", bits, target)
		}
		if !meets(hash, target) {
			t.Errorf("%08x: a hash equal to the target must meet it", bits)
		}
		for i := range hash { // one more
			if hash[i]++; hash[i] != 0 {
				break
			}
		}
		if meets(hash, target) {
			t.Errorf("%08x: a hash above the target must not meet it", bits)
		}
	}
}

func TestMinerKeepsItsIntervalAndTakesLateTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, k, coins := setup(t, 1)
		const slow = 10 * time.Second
		var interval atomic.Int64
		interval.Store(int64(slow))
		m := &Miner{Chain: c, Pool: p, PayTo: chaintest.Script(k), Interval: func() time.Duration { return time.Duration(interval.Load()) }}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		start, first := time.Now(), c.Tip().Height
		time.Sleep(9 * time.Second)
		late := chaintest.Spend(t, k, coins[0], coinValue, wire.NewTxOut(int64(amount.FAI), chaintest.Script(k)))
		accept(t, p, late)
		<-c.Changed()
		if d := time.Since(start); d != slow {
			t.Errorf("first block after %v", d)
		}
		b, err := c.Block(c.Tip().Hash)
		if err != nil || len(b.Transactions) != 2 || b.Transactions[1].TxHash() != late.TxHash() {
			t.Error("the late transaction is not in", err)
		}
		interval.Store(int64(100 * time.Millisecond)) // the interval under way was asked for before
		time.Sleep(slow + time.Second)
		if n := c.Tip().Height - first; n < 11 || n > 13 {
			t.Errorf("%d blocks after hurrying", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkSolve(b *testing.B) {
	c := chaintest.New(b)
	blk, err := Template(c, nil, nobody, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	var raw bytes.Buffer
	if err := blk.Header.Serialize(&raw); err != nil {
		b.Fatal(err)
	}
	target := targetBytes(0x03000001)
	for b.Loop() {
		for range 1000 {
			meets(chainhash.DoubleHashH(raw.Bytes()), target)
		}
	}
	b.ReportMetric(float64(1000*b.N)/b.Elapsed().Seconds(), "hashes/s")
}
