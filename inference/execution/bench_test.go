package execution

import (
	"encoding/binary"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/sortition"
	"funai/inference/state"
	"funai/inference/tx"
)

// crowd is a state of many accounts, on disk, and an Env for the block after it.
func crowd(b *testing.B, accounts uint64) (*state.Store, Env) {
	b.Helper()
	db, err := pebble.Open(b.TempDir(), &pebble.Options{Logger: silent{}, MemTableSize: 8 << 20})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	s := state.NewStore(db, 's')
	env := Env{Params: block.Dev(), Height: 1, Ledger: 1, Producer: who(1 << 40)}
	for i := range accounts {
		env.Mints = append(env.Mints, sortition.MintOp{To: who(i), Amount: amount.FAI})
	}
	l := state.NewLayer(s)
	m, err := Begin(env, l)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := m.End(); err != nil {
		b.Fatal(err)
	}
	if _, err := l.Root(); err != nil {
		b.Fatal(err)
	}
	batch := db.NewBatch()
	if err := s.Apply(batch, l.Diff()); err != nil {
		b.Fatal(err)
	}
	if err := batch.Commit(pebble.Sync); err != nil {
		b.Fatal(err)
	}
	if err := db.Flush(); err != nil {
		b.Fatal(err)
	}
	env.Height, env.Before, env.Mints = 2, 1, nil
	return s, env
}

// benchmarkBlock executes a block of transactions, each of its own account, up to the root and the difference: what a
// seat does with a proposed block, but for signatures (see BenchmarkVerify in package tx).
func benchmarkBlock(b *testing.B, payload func(i uint64) tx.Payload) {
	const accounts, txs = 100_000, 1_000
	s, env := crowd(b, accounts)
	var blocks [50][]*tx.Tx // of different accounts, so that reads are not all of what was read just before
	for n := range uint64(len(blocks)) {
		for i := range uint64(txs) {
			t := tx.New(env.Params.ChainID, payload(i))
			t.Signer = who((n*txs + i) * 7919 % accounts)
			if _, ok := t.Payload.(*tx.Open); !ok {
				t.Fee = env.Params.MinFee
			}
			blocks[n] = append(blocks[n], t)
		}
	}
	entries, size, n := 0, 0, 0
	b.ReportAllocs()
	for b.Loop() {
		l := state.NewLayer(s)
		m, err := Begin(env, l)
		if err != nil {
			b.Fatal(err)
		}
		for _, t := range blocks[n%len(blocks)] {
			if err := m.Apply(t); err != nil {
				b.Fatal(err)
			}
		}
		n++
		if _, err := m.End(); err != nil {
			b.Fatal(err)
		}
		if _, err := l.Root(); err != nil {
			b.Fatal(err)
		}
		d := l.Diff()
		entries, size = len(d), len(d.Encode())
	}
	b.ReportMetric(float64(b.N)*txs/b.Elapsed().Seconds(), "tx/s")
	b.ReportMetric(float64(entries)/txs, "entries/tx")
	b.ReportMetric(float64(size)/txs, "B/tx")
}

func BenchmarkTransfers(b *testing.B) {
	benchmarkBlock(b, func(i uint64) tx.Payload { return &tx.Transfer{To: who(i * 104_729 % 100_000), Amount: 1} })
}

func BenchmarkOpens(b *testing.B) {
	benchmarkBlock(b, func(i uint64) tx.Payload {
		o := &tx.Open{Server: who(i % 8), Expiry: 2 + uint32(i%75), GasLimit: 1000, GasPrice: 100, MaxTokens: 100}
		binary.BigEndian.PutUint64(o.Input[:], i)
		return o
	})
}

// BenchmarkReceipts packs results held by five seats, up to what a block may pack.
func BenchmarkReceipts(b *testing.B) {
	s, env := crowd(b, 100_000)
	server := who(5)
	l := state.NewLayer(s)
	m, err := Begin(env, l)
	if err != nil {
		b.Fatal(err)
	}
	lock := tx.New(env.Params.ChainID, &tx.Lock{Kind: tx.LockBond, Amount: amount.FAI / 2})
	lock.Signer, lock.Fee = server, env.Params.MinFee
	if err := m.Apply(lock); err != nil {
		b.Fatal(err)
	}
	var rs []*tx.Tx
	held := &tx.Held{}
	for i := range uint64(MaxResults) {
		o := tx.New(env.Params.ChainID, &tx.Open{Server: server, Expiry: 50, GasLimit: 1000, GasPrice: 1, MaxTokens: 100})
		o.Signer = who(100 + i)
		if err := m.Apply(o); err != nil {
			b.Fatal(err)
		}
		r := tx.New(env.Params.ChainID, &tx.Receipt{Task: o.ID(), TokensIn: 10, TokensOut: 20})
		r.Signer = server
		rs = append(rs, r)
		held.Receipts = append(held.Receipts, r.ID())
	}
	if _, err := m.End(); err != nil {
		b.Fatal(err)
	}
	for i := range uint64(5) {
		env.Set.Seats = append(env.Set.Seats, sortition.Seat{Address: who(100 + i), Signer: who(200 + i)})
	}
	b.ReportAllocs()
	for b.Loop() {
		l := state.NewLayer(l)
		m, err := Begin(env, l)
		if err != nil {
			b.Fatal(err)
		}
		for _, seat := range env.Set.Seats[:3] {
			h := tx.New(env.Params.ChainID, held)
			h.Signer = seat.Signer
			if err := m.Apply(h); err != nil {
				b.Fatal(err)
			}
		}
		for _, r := range rs {
			if err := m.Apply(r); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := m.End(); err != nil {
			b.Fatal(err)
		}
		if _, err := l.Root(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*MaxResults/b.Elapsed().Seconds(), "tx/s")
}
