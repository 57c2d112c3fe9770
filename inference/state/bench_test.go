package state

import (
	"encoding/binary"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// BenchmarkBlock is what a block of 1,000 changed keys costs the state when 100,000 are there: writes and root alone, and
// then with the difference and its undo stored in the same batch.
func BenchmarkBlock(b *testing.B) {
	const there, changed = 100_000, 1_000
	cache := pebble.NewCache(128 << 20)
	defer cache.Unref()
	db := must(pebble.Open(b.TempDir(), &pebble.Options{
		Cache: cache, MemTableSize: 32 << 20, Logger: silent{},
		Levels: [7]pebble.LevelOptions{{FilterPolicy: bloom.FilterPolicy(10)}},
	}))
	defer db.Close()
	s := NewStore(db, 's')
	number := uint64(0)
	write := func(l *Layer, n, step uint64) {
		for range n {
			number += step
			k := binary.BigEndian.AppendUint64([]byte("account/"), number%there)
			l.Put(k, binary.BigEndian.AppendUint64(make([]byte, 24, 32), number))
		}
	}
	l := NewLayer(s)
	write(l, there, 1)
	must(l.Root())
	apply(b, db, s, l.Diff())
	if err := db.Flush(); err != nil {
		b.Fatal(err)
	}

	b.Run("root", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			l := NewLayer(s)
			write(l, changed, 7919) // a prime, so that the keys are spread
			must(l.Root())
		}
	})
	b.Run("root and store", func(b *testing.B) {
		b.ReportAllocs()
		var entries, bytes int
		for b.Loop() {
			l := NewLayer(s)
			write(l, changed, 7919)
			must(l.Root())
			d := l.Diff()
			undo := must(d.Undo(s)).Encode()
			batch := db.NewBatch()
			if err := s.Apply(batch, d); err != nil {
				b.Fatal(err)
			}
			if err := batch.Set([]byte("undo"), undo, nil); err != nil {
				b.Fatal(err)
			}
			if err := batch.Commit(pebble.NoSync); err != nil {
				b.Fatal(err)
			}
			entries, bytes = len(d), len(undo)
		}
		b.ReportMetric(float64(entries), "entries/block")
		b.ReportMetric(float64(bytes), "undo-B/block")
	})
}

// BenchmarkGet reads through layers that do not hold the key.
func BenchmarkGet(b *testing.B) {
	var r Reader = none{}
	for range 8 {
		l := NewLayer(r)
		l.Put([]byte("other"), nil)
		r = l
	}
	key := []byte("account/12345678")
	for b.Loop() {
		must(r.Get(key))
	}
}
