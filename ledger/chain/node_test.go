package chain

import (
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// grown is a random tree of headers, parents before children.
func grown(rt *rapid.T, size int) []*node {
	ns := []*node{newNode(&wire.BlockHeader{Bits: 0x207fffff}, nil)}
	for i := range size {
		from := ns[max(0, len(ns)-1-rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 1, 2, 10, 100}).Draw(rt, "back"))]
		ns = append(ns, newNode(&wire.BlockHeader{PrevBlock: from.hash, Nonce: uint32(i), Bits: 0x207fffff, Timestamp: time.Unix(0, 0)}, from))
	}
	return ns
}

func TestSkippingFindsTheAncestorsThatWalkingFinds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ns := grown(rt, rapid.IntRange(1, 300).Draw(rt, "size"))
		n := rapid.SampledFrom(ns).Draw(rt, "node")
		for m := n; m != nil; m = m.parent {
			if got := n.ancestor(m.height); got != m {
				rt.Fatalf("ancestor of %d at %d: %v", n.height, m.height, got)
			}
		}
		if n.ancestor(-1) != nil || n.ancestor(n.height+1) != nil {
			rt.Fatal("an ancestor below genesis or above the node")
		}
		o := rapid.SampledFrom(ns).Draw(rt, "other")
		on := map[*node]bool{}
		for m := n; m != nil; m = m.parent {
			on[m] = true
		}
		want := o
		for !on[want] {
			want = want.parent
		}
		if got := fork(n, o); got != want {
			rt.Fatalf("fork of heights %d and %d at %d, want %d", n.height, o.height, got.height, want.height)
		}
	})
}

func TestAncestorsTakeFewSteps(t *testing.T) {
	n := newNode(&wire.BlockHeader{Bits: 0x207fffff}, nil)
	for range 1 << 16 {
		n = newNode(&wire.BlockHeader{PrevBlock: n.hash, Bits: 0x207fffff}, n)
	}
	most := 0
	for h := int32(0); h < n.height; h += 97 {
		steps := 0
		for m := n; m.height > h; steps++ {
			up, next := skipHeight(m.height), skipHeight(m.height-1)
			if up == h || up > h && (next >= up-2 || next < h) {
				m = m.skip
			} else {
				m = m.parent
			}
		}
		most = max(most, steps)
	}
	if most > 110 { // what Bitcoin Core's test of the same scheme finds typical
		t.Errorf("%d steps among %d", most, n.height)
	}
}

func TestCoinCacheKeepsItsBound(t *testing.T) {
	k := newCoinCache(150 * 200)
	for i := range uint32(10_000) {
		k.put(wire.OutPoint{Index: i}, entryFor(i))
		if got, _ := k.get(wire.OutPoint{Index: i}); got == nil || got.Amount() != int64(i) {
			t.Fatal("what was just put is gone")
		}
		k.get(wire.OutPoint{}) // in constant use: never dropped
		if n := len(k.young) + len(k.old); n > 130 {
			t.Fatalf("%d coins", n)
		}
	}
	_, used := k.get(wire.OutPoint{})
	if _, unused := k.get(wire.OutPoint{Index: 5000}); !used || unused {
		t.Error("the used coin went or the unused one stayed")
	}
}

// The bound is on memory, not on a count: what the garbage collector finds in use stays near it.
func TestCoinCacheTakesTheMemoryItIsBoundTo(t *testing.T) {
	const bound = 24 << 20
	inUse := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := inUse()
	k := newCoinCache(bound)
	next := uint32(0)
	made := func(n int) map[wire.OutPoint]change {
		changed := map[wire.OutPoint]change{}
		for range n {
			changed[wire.OutPoint{Hash: chainhash.Hash{byte(next), byte(next >> 8)}, Index: next}] = change{entryFor(next), true}
			next++
		}
		return changed
	}
	for round := range 3 { // as full as it gets in all its parts
		for !k.hold(made(1000)) {
			continue
		}
		if round < 2 {
			k.written()
		}
		for range 2 * bound / 3 / 180 / 1000 {
			k.apply(made(1000))
		}
	}
	took := inUse() - before
	t.Logf("%d MiB of %d: %d dirty, %d young, %d old", took>>20, bound>>20, len(k.dirty), len(k.young), len(k.old))
	if took < bound/2 || took > bound*5/4 {
		t.Errorf("%d bytes in use, bound %d", took, bound)
	}
	runtime.KeepAlive(k)
}

func TestSpentCoinLeavesBothGenerationsOfTheCache(t *testing.T) {
	k := newCoinCache(150 * 200)
	for i := range uint32(60) { // the first are in the old generation by now
		k.put(wire.OutPoint{Index: i}, entryFor(i))
	}
	if len(k.old) == 0 || len(k.young) == 0 {
		t.Fatal("one generation alone")
	}
	changed := map[wire.OutPoint]change{}
	for i := range uint32(60) {
		k.get(wire.OutPoint{Index: i % 7}) // some are in both
		changed[wire.OutPoint{Index: i}] = change{}
	}
	k.apply(changed)
	for o := range changed {
		if _, found := k.get(o); found {
			t.Fatalf("coin %v is still there", o)
		}
	}
}

// Compactions go through our scheduler; without it granting them the database would stop.
func TestDatabaseCompactsAndClosesUnderItsScheduler(t *testing.T) {
	s, err := openStore(Options{FS: vfs.NewMem(), NoSync: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint32(40) {
		for j := range uint32(500) {
			o := wire.OutPoint{Index: j*40 + i}
			o.Hash[0] = byte(j)
			if err := s.db.Set(coinKey(o), appendCoin(nil, entryFor(j)), pebble.NoSync); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.db.Compact(t.Context(), []byte{keyCoin}, []byte{keyCoin + 1}, true); err != nil {
		t.Fatal(err)
	}
	m := s.db.Metrics()
	if m.Compact.Count == 0 || m.Levels[0].TablesCount > 20 {
		t.Errorf("%d compactions, %d tables in level 0", m.Compact.Count, m.Levels[0].TablesCount)
	}
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
}
