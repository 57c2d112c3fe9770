package mempool

import (
	"bytes"
	"runtime"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain/chaintest"
)

// crowd is a rig with so many coins of equal value, and a transaction in wire form that spends each.
func crowd(b *testing.B, n int) (*rig, [][]byte) {
	const outputs, value = 2000, coinValue/2000 - 1000
	r := newRig(b, (n+outputs-1)/outputs, Config{})
	var raw [][]byte
	for fans := range slices.Chunk(r.coins, 10) {
		var txs []*wire.MsgTx
		for _, coin := range fans {
			var outs []*wire.TxOut
			for range outputs {
				outs = append(outs, wire.NewTxOut(value, r.script()))
			}
			txs = append(txs, chaintest.Spend(b, r.k, coin, coinValue, outs...))
		}
		chaintest.Mine(b, r.c, []byte{txscript.OP_TRUE}, txs...)
		for _, fan := range txs {
			for i := uint32(0); i < outputs && len(raw) < n; i++ {
				var w bytes.Buffer
				if err := r.pay(out(fan, i), value, 200+int64(i)).Serialize(&w); err != nil {
					b.Fatal(err)
				}
				raw = append(raw, w.Bytes())
			}
		}
	}
	r.settled()
	return r, raw
}

func decode(b *testing.B, raw []byte) *wire.MsgTx {
	tx := &wire.MsgTx{}
	if err := tx.Deserialize(bytes.NewReader(raw)); err != nil {
		b.Fatal(err)
	}
	return tx
}

// BenchmarkAccept takes in transactions of one P2WPKH input and output, signatures checked.
func BenchmarkAccept(b *testing.B) {
	const n = 5000
	r, raw := crowd(b, n)
	for b.Loop() {
		b.StopTimer()
		p := New(r.c, Config{})
		b.StartTimer()
		for _, t := range raw {
			if _, err := p.Accept(decode(b, t)); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		p.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "tx/s")
}

// BenchmarkMemory fills a pool with 50,000 transactions of one P2WPKH input and output, and compares what they take with
// what the pool believes.
func BenchmarkMemory(b *testing.B) {
	const n = 50_000
	r, raw := crowd(b, n)
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	for b.Loop() {
		p := New(r.c, Config{})
		empty := heap()
		for _, t := range raw {
			if _, err := p.Accept(decode(b, t)); err != nil {
				b.Fatal(err)
			}
		}
		full := heap()
		b.ReportMetric((full-empty)/n, "B/tx")
		b.ReportMetric(float64(p.Info().Usage)/(full-empty), "believed/real")
		p.Close()
	}
}
