package chain_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/database"
	_ "github.com/btcsuite/btcd/database/ffldb"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/key"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

// kind is a way to pay and to spend.
type kind struct {
	name   string
	script func(testing.TB, *key.Private) []byte
	spend  func(testing.TB, *key.Private, wire.OutPoint, int64, ...*wire.TxOut) *wire.MsgTx
}

var kinds = []kind{
	{"P2WPKH", func(_ testing.TB, k *key.Private) []byte { return chaintest.Script(k) }, chaintest.Spend},
	{"P2TR", chaintest.Taproot, chaintest.SpendTaproot},
}

// spending is a bitcoin-regtest chain's blocks, as bytes, of which the last hold transactions of one input and two outputs
// each, no signature of which has been seen.
func spending(b *testing.B, kind kind, blocks, txs int) (raw [][]byte) {
	p := consensus.BitcoinRegtest()
	c, k := chaintest.Open(b, p, chain.Options{FS: vfs.NewMem(), NoSync: true}), chaintest.Key(b, 1)
	add := func(txs ...*wire.MsgTx) *wire.MsgBlock {
		m := chaintest.BlockOn(b, c, c.Tip(), chaintest.Script(k), 0, txs...)
		if len(raw) == 0 {
			m.Header.Timestamp = txscript.Bip16Activation.Add(time.Second) // btcd has BIP16 from then on
			chaintest.Solve(m)
		}
		if o, err := c.ProcessBlock(b.Context(), m); err != nil || !o.MainChain {
			b.Fatal(o, err)
		}
		var buf bytes.Buffer
		if err := m.Serialize(&buf); err != nil {
			b.Fatal(err)
		}
		raw = append(raw, buf.Bytes())
		return m
	}
	from := wire.OutPoint{Hash: add().Transactions[0].TxHash()}
	for range p.CoinbaseMaturity - 1 {
		add()
	}
	value := p.Subsidy(1) / int64(txs)
	var outs []*wire.TxOut
	for range txs {
		outs = append(outs, &wire.TxOut{Value: value, PkScript: kind.script(b, k)})
	}
	fan := chaintest.Spend(b, k, from, p.Subsidy(1), outs...)
	add(fan)
	coins := make([]wire.OutPoint, txs)
	for i := range coins {
		coins[i] = wire.OutPoint{Hash: fan.TxHash(), Index: uint32(i)}
	}
	for range blocks {
		var spent []*wire.MsgTx
		for i, o := range coins {
			tx := kind.spend(b, k, o, value, &wire.TxOut{Value: value - 1000, PkScript: kind.script(b, k)},
				&wire.TxOut{Value: 500, PkScript: kind.script(b, k)})
			spent, coins[i] = append(spent, tx), wire.OutPoint{Hash: tx.TxHash()}
		}
		value -= 1000
		add(spent...)
	}
	return raw
}

// ours takes blocks from their bytes to the disk, some headers first.
func ours(b *testing.B, o chain.Options, raw [][]byte, headers []*wire.BlockHeader) {
	b.StopTimer()
	o.Dir = b.TempDir()
	c, err := chain.Open(consensus.BitcoinRegtest(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.StartTimer()
	for row := range slices.Chunk(headers, wire.MaxBlockHeadersPerMsg) {
		if err := c.ProcessHeaders(row); err != nil {
			b.Fatal(err)
		}
	}
	for _, r := range raw {
		var m wire.MsgBlock
		if err := m.Deserialize(bytes.NewReader(r)); err != nil {
			b.Fatal(err)
		}
		if _, err := c.ProcessBlock(b.Context(), &m); err != nil {
			b.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
}

// btcds is the same with btcd's chain, as its node sets that up.
func btcds(b *testing.B, raw [][]byte) {
	b.StopTimer()
	db, err := database.Create("ffldb", filepath.Join(b.TempDir(), "db"), chaincfg.RegressionNetParams.Net)
	if err != nil {
		b.Fatal(err)
	}
	c, err := blockchain.New(&blockchain.Config{
		DB: db, UtxoCacheMaxSize: 250 << 20, ChainParams: &chaincfg.RegressionNetParams, TimeSource: blockchain.NewMedianTime(),
		SigCache: txscript.NewSigCache(100_000), HashCache: txscript.NewHashCache(100_000),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.StartTimer()
	for _, r := range raw {
		m, err := btcutil.NewBlockFromBytes(r)
		if err != nil {
			b.Fatal(err)
		}
		if main, _, err := c.ProcessBlock(m, blockchain.BFNone); err != nil || !main {
			b.Fatal(main, err)
		}
	}
	if err := c.FlushUtxoCache(blockchain.FlushRequired); err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSignedSpends takes blocks of a thousand signed spends from their bytes to the disk, here and in btcd.
func BenchmarkSignedSpends(b *testing.B) {
	const blocks, txs = 10, 1000
	for _, kind := range kinds {
		raw := spending(b, kind, blocks, txs)
		for _, side := range []struct {
			name string
			run  func(b *testing.B)
		}{
			{"ours", func(b *testing.B) { ours(b, chain.Options{}, raw, nil) }},
			{"btcd", func(b *testing.B) { btcds(b, raw) }},
		} {
			b.Run(kind.name+"/"+side.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					side.run(b)
				}
				b.ReportMetric(float64(b.N*blocks*txs)/b.Elapsed().Seconds(), "tx/s")
			})
		}
	}
}

// BenchmarkInitialSync is what a new node goes through: headers, then many small blocks.
func BenchmarkInitialSync(b *testing.B) {
	const blocks, txs = 2000, 5
	raw := spending(b, kinds[0], blocks, txs)
	var headers []*wire.BlockHeader
	for _, r := range raw {
		var h wire.BlockHeader
		if err := h.Deserialize(bytes.NewReader(r)); err != nil {
			b.Fatal(err)
		}
		headers = append(headers, &h)
	}
	last := headers[len(headers)-1].BlockHash()
	for _, side := range []struct {
		name string
		run  func(b *testing.B)
	}{
		{"ours", func(b *testing.B) { ours(b, chain.Options{}, raw, headers) }},
		{"assumed valid", func(b *testing.B) { ours(b, chain.Options{AssumeValid: &last}, raw, headers) }},
		{"btcd", func(b *testing.B) { btcds(b, raw) }},
	} {
		b.Run(side.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				side.run(b)
			}
			b.ReportMetric(float64(b.N*len(raw))/b.Elapsed().Seconds(), "blocks/s")
		})
	}
}

// BenchmarkColdCoins spends coins that are in the database alone, a thousand a block, from among 200,000.
func BenchmarkColdCoins(b *testing.B) {
	const funds, coins, each = 50, 4000, 1000
	p, dir := consensus.Dev(), b.TempDir()
	c, err := chain.Open(p, chain.Options{Dir: dir, CoinCacheBytes: 3 << 20, NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	var made []wire.OutPoint
	for i, from := range chaintest.MineN(b, c, anyone, funds+int(p.CoinbaseMaturity)) {
		if i < funds {
			fan := free(from, reward, coins)
			hash := chaintest.Mine(b, c, anyone, fan).Transactions[1].TxHash()
			for j := range fan.TxOut {
				made = append(made, wire.OutPoint{Hash: hash, Index: uint32(j)})
			}
		}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(made), func(i, j int) { made[i], made[j] = made[j], made[i] })
	var blocks []*wire.MsgBlock
	parent, height := head(b, c, c.Tip()), c.Tip().Height
	for spent := range slices.Chunk(made[:20*each], each) {
		var txs []*wire.MsgTx
		for _, o := range spent {
			txs = append(txs, free(o, reward/coins, 1))
		}
		m := chaintest.Block(b, p, parent, height, anyone, 0, 0, txs...)
		blocks, parent, height = append(blocks, m), m.Header, height+1
	}
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		fresh := b.TempDir()
		if err := os.CopyFS(fresh, os.DirFS(dir)); err != nil {
			b.Fatal(err)
		}
		c, err := chain.Open(p, chain.Options{Dir: fresh, NoSync: true})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		for _, m := range blocks {
			if o, err := c.ProcessBlock(b.Context(), m); err != nil || !o.MainChain {
				b.Fatal(o, err)
			}
		}
		b.StopTimer()
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N*len(blocks)*each)/b.Elapsed().Seconds(), "coins/s")
}

// BenchmarkEmptyBlocks is the cost of a block itself: a few records and a wait for the disk.
func BenchmarkEmptyBlocks(b *testing.B) {
	for name, noSync := range map[string]bool{"sync": false, "nosync": true} {
		b.Run(name, func(b *testing.B) {
			c := chaintest.Open(b, consensus.Dev(), chain.Options{Dir: b.TempDir(), NoSync: noSync})
			for b.Loop() {
				chaintest.Mine(b, c, anyone)
			}
		})
	}
}
