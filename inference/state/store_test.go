package state

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"pgregory.net/rapid"
)

// apply commits a difference.
func apply(t testing.TB, db *pebble.DB, s *Store, d Diff) {
	b := db.NewBatch()
	if err := errors.Join(s.Apply(b, d), b.Commit(pebble.NoSync)); err != nil {
		t.Fatal(err)
	}
}

// contents is everything a store keeps for a caller.
func contents(t testing.TB, s *Store) map[string]string {
	all := make(map[string]string)
	if err := s.Each(nil, func(k, v []byte) error { all[string(k)] = string(v); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

// raw is everything a store keeps, the trie included.
func raw(t testing.TB, db *pebble.DB) map[string]string {
	it := must(db.NewIter(nil))
	all := make(map[string]string)
	for it.First(); it.Valid(); it.Next() {
		all[string(it.Key())] = string(must(it.ValueAndErr()))
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBlocksAppliedAndUndoneLeaveTheStoreAsItWas(t *testing.T) {
	keys := testKeys(t)
	rapid.Check(t, func(rt *rapid.T) {
		db := openDB(t)
		s := NewStore(db, 's')
		var undos []Diff
		var before []map[string]string
		want := make(map[string]string)
		for range rapid.IntRange(1, 6).Draw(rt, "blocks") {
			l := NewLayer(s)
			for range rapid.IntRange(0, 40).Draw(rt, "writes") {
				k := rapid.SampledFrom(keys).Draw(rt, "key")
				if rapid.Bool().Draw(rt, "delete") {
					l.Delete([]byte(k))
					delete(want, k)
				} else {
					v := rapid.String().Draw(rt, "value")
					l.Put([]byte(k), []byte(v))
					want[k] = v
				}
			}
			if got := must(l.Root()); got != naiveRoot(want) {
				rt.Fatalf("root %x, not %x", got, naiveRoot(want))
			}
			d := must(DecodeDiff(l.Diff().Encode()))
			undos, before = append(undos, must(d.Undo(s))), append(before, raw(t, db))
			apply(t, db, s, d)
			if got := contents(t, s); !maps.Equal(got, want) {
				rt.Fatalf("store holds %v, not %v", got, want)
			}
			if got := must(Root(s)); got != naiveRoot(want) {
				rt.Fatalf("stored root %x, not %x", got, naiveRoot(want))
			}
		}

		view := NewLayer(s)
		for i := range slices.Backward(undos) {
			view.Apply(undos[i])
		}
		if got := must(Root(view)); got != (hash{}) {
			rt.Fatalf("root %x with every block undone", got)
		}
		for i := range slices.Backward(undos) {
			apply(t, db, s, must(DecodeDiff(undos[i].Encode())))
			if got := raw(t, db); !maps.Equal(got, before[i]) {
				rt.Fatalf("block %d undone leaves %d rows, not %d", i, len(got), len(before[i]))
			}
		}
	})
}

func TestStoresOfOneDatabaseDoNotMeet(t *testing.T) {
	db := openDB(t)
	for _, p := range []byte{0x00, 'a', 'b', 0xff} {
		l := NewLayer(NewStore(db, p))
		l.Put([]byte{p | 1}, []byte{p})
		must(l.Root())
		apply(t, db, NewStore(db, p), l.Diff())
	}
	for _, p := range []byte{0x00, 'a', 'b', 0xff} {
		s := NewStore(db, p)
		if got := contents(t, s); len(got) != 1 || must(Root(s)) != naiveRoot(got) {
			t.Errorf("store %02x holds %v", p, got)
		}
	}
}

func TestASnapshotStays(t *testing.T) {
	db := openDB(t)
	s := NewStore(db, 's')
	apply(t, db, s, Diff{{[]byte("k"), []byte("old")}})
	snapshot := db.NewSnapshot()
	defer snapshot.Close()
	apply(t, db, s, Diff{{[]byte("k"), []byte("new")}})
	if got := must(NewStore(snapshot, 's').Get([]byte("k"))); string(got) != "old" {
		t.Errorf("snapshot reads %q", got)
	}
	if got := must(s.Get([]byte("k"))); string(got) != "new" {
		t.Errorf("store reads %q", got)
	}
}

func TestEachWalksAPrefixInOrderUntilToldToStop(t *testing.T) {
	db := openDB(t)
	s := NewStore(db, 0xff)
	l := NewLayer(s)
	for _, k := range []string{"a", "b1", "b2", "b\xff", "b\xff\xff", "c"} {
		l.Put([]byte(k), []byte("v"))
	}
	must(l.Root())
	apply(t, db, s, l.Diff())
	var got []string
	each := func(k, _ []byte) error { got = append(got, string(k)); return nil }
	if err := s.Each([]byte("b"), each); err != nil || strings.Join(got, " ") != "b1 b2 b\xff b\xff\xff" {
		t.Errorf("under b: %q, %v", got, err)
	}
	if got = nil; s.Each([]byte("b\xff"), each) != nil || strings.Join(got, " ") != "b\xff b\xff\xff" {
		t.Errorf("under b ff: %q", got)
	}
	stop := errors.New("stop")
	n := 0
	if err := s.Each(nil, func(_, _ []byte) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("walked %d after the stop: %v", n, err)
	}
}
