package miner

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/database"
	_ "github.com/btcsuite/btcd/database/ffldb" // the store of btcd's chain
	"github.com/btcsuite/btcd/mining"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/key"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
	"funai/ledger/mempool"
)

// crowd is a chain whose pool holds far more than a block.
func crowd(b *testing.B, txs int) (*chain.Chain, *mempool.Pool, []*wire.MsgBlock) {
	const outputs, value, maturity = 2000, 1_000_000, 100
	c := chaintest.Open(b, consensus.BitcoinRegtest(), chain.Options{FS: vfs.NewMem(), NoSync: true})
	k := chaintest.Key(b, 1)
	var blocks []*wire.MsgBlock
	mine := func(script []byte, txs ...*wire.MsgTx) *wire.MsgBlock {
		blk := chaintest.BlockOn(b, c, c.Tip(), script, 0, txs...)
		blk.Header.Timestamp = time.Unix(1_700_000_000+int64(len(blocks)), 0) // when all of Bitcoin's rules were in force
		chaintest.Solve(blk)
		if _, err := c.ProcessBlock(b.Context(), blk); err != nil {
			b.Fatal(err)
		}
		blocks = append(blocks, blk)
		return blk
	}
	var coinbases []wire.OutPoint
	for range (txs + outputs - 1) / outputs {
		coinbases = append(coinbases, wire.OutPoint{Hash: mine(chaintest.Script(k)).Transactions[0].TxHash()})
	}
	for range maturity {
		mine(nobody)
	}
	var coins []wire.OutPoint
	for _, coinbase := range coinbases {
		var outs []*wire.TxOut
		for range outputs {
			outs = append(outs, wire.NewTxOut(value, chaintest.Script(k)))
		}
		fan := chaintest.Spend(b, k, coinbase, 5_000_000_000, outs...)
		mine(nobody, fan)
		for i := range outputs {
			coins = append(coins, wire.OutPoint{Hash: fan.TxHash(), Index: uint32(i)})
		}
	}
	p := mempool.New(c, mempool.Config{})
	b.Cleanup(func() { p.Close() })
	fill(b, p, k, coins[:txs], value)
	return c, p, blocks
}

// fill gives the pool a transaction for each coin. Every third pays little and has a child that pays much; the child takes
// the next coin too, and so its place.
func fill(b *testing.B, p *mempool.Pool, k *key.Private, coins []wire.OutPoint, value int64) {
	for i, coin := range coins {
		if i%3 == 2 {
			continue // the child's
		}
		fee := int64(200 + i*7919%20_000) // spread over the rates
		if i%3 == 1 {
			fee = 150
		}
		tx := chaintest.Spend(b, k, coin, value, wire.NewTxOut(value-fee, chaintest.Script(k)))
		accept(b, p, tx)
		if i%3 == 1 && i+1 < len(coins) {
			accept(b, p, chaintest.Spend(b, k, wire.OutPoint{Hash: tx.TxHash()}, value-fee, wire.NewTxOut(value-fee-int64(300+i*104729%20_000), chaintest.Script(k))))
		}
	}
}

// source is the pool as btcd's generator of templates sees one.
type source struct{ p *mempool.Pool }

func (s source) LastUpdated() time.Time                    { return time.Time{} }
func (s source) HaveTransaction(hash *chainhash.Hash) bool { return s.p.Get(*hash) != nil }
func (s source) MiningDescs() (ds []*mining.TxDesc) {
	for _, e := range s.p.Descs() {
		ds = append(ds, &mining.TxDesc{Tx: e.Tx, Added: e.Added, Height: e.Height, Fee: int64(e.Fee), FeePerKB: int64(e.FeeRate())})
	}
	return ds
}

// btcds is btcd's generator over btcd's chain of the same blocks. It shares our cache of signatures.
func btcds(b *testing.B, c *chain.Chain, p *mempool.Pool, blocks []*wire.MsgBlock) *mining.BlkTmplGenerator {
	db, err := database.Create("ffldb", filepath.Join(b.TempDir(), "db"), chaincfg.RegressionNetParams.Net)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	clock := blockchain.NewMedianTime()
	bc, err := blockchain.New(&blockchain.Config{DB: db, UtxoCacheMaxSize: 250 << 20, ChainParams: &chaincfg.RegressionNetParams,
		TimeSource: clock, SigCache: c.SigCache(), HashCache: txscript.NewHashCache(100_000)})
	if err != nil {
		b.Fatal(err)
	}
	for _, blk := range blocks {
		if main, _, err := bc.ProcessBlock(btcutil.NewBlock(blk), blockchain.BFNone); err != nil || !main {
			b.Fatal(main, err)
		}
	}
	policy := &mining.Policy{BlockMaxWeight: blockchain.MaxBlockWeight - reservedWeight, BlockMaxSize: blockchain.MaxBlockBaseSize, TxMinFreeFee: 1000}
	return mining.NewBlkTmplGenerator(policy, &chaincfg.RegressionNetParams, source{p}, bc, clock, c.SigCache(), txscript.NewHashCache(100_000))
}

// BenchmarkTemplate makes a full block of a pool of 20,000 transactions, here, here without the chain's check, and with
// btcd's generator, which checks too. fees is what the block's transactions pay.
func BenchmarkTemplate(b *testing.B) {
	const txs = 20_000
	c, p, blocks := crowd(b, txs)
	if n := p.Info().Count; n < txs*99/100 {
		b.Fatalf("%d transactions in the pool", n)
	}
	b.Run("ours", func(b *testing.B) {
		var t *BlockTemplate
		for b.Loop() {
			var err error
			if t, err = NewTemplate(c, p, nobody, time.Now()); err != nil {
				b.Fatal(err)
			}
		}
		report(b, t)
	})
	b.Run("ours unchecked", func(b *testing.B) {
		var t *BlockTemplate
		for b.Loop() {
			var err error
			if t, err = newTemplate(c, p, nobody, time.Now()); err != nil {
				b.Fatal(err)
			}
		}
		report(b, t)
	})
	b.Run("btcd", func(b *testing.B) {
		g := btcds(b, c, p, blocks)
		var t *mining.BlockTemplate
		for b.Loop() {
			var err error
			if t, err = g.NewBlockTemplate(nil); err != nil {
				b.Fatal(err)
			}
		}
		var fees int64
		for _, f := range t.Fees[1:] {
			fees += f
		}
		b.ReportMetric(float64(fees), "fees")
		b.ReportMetric(float64(len(t.Fees)-1), "txs")
		b.ReportMetric(float64(blockchain.GetBlockWeight(btcutil.NewBlock(t.Block))), "weight")
	})
}

func report(b *testing.B, t *BlockTemplate) {
	var fees float64
	for _, f := range t.Fees {
		fees += float64(f)
	}
	b.ReportMetric(fees, "fees")
	b.ReportMetric(float64(len(t.Fees)), "txs")
	b.ReportMetric(float64(blockchain.GetBlockWeight(btcutil.NewBlock(t.Block))), "weight")
}
