package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"pgregory.net/rapid"

	"funai/clarity/store"
	"funai/clarity/vm"
)

// model is what a store should hold, with a copy for each mark that is still good.
type model struct {
	now   map[string]string
	marks []marked
}

type marked struct {
	mark int
	then map[string]string
}

func (m *model) compare(t *rapid.T, s vm.Reader, keys []string) {
	for _, k := range keys {
		got, err := s.Get([]byte(k))
		if err != nil {
			t.Fatal(err)
		}
		if want, ok := m.now[k]; ok != (got != nil) || want != string(got) {
			t.Fatalf("%q is %q, not %q (there: %v)", k, got, want, ok)
		}
	}
}

// step does something at random to a store and its model.
func (m *model) step(t *rapid.T, s vm.Store, keys []string) {
	key := rapid.SampledFrom(keys).Draw(t, "key")
	switch rapid.IntRange(0, 4).Draw(t, "step") {
	case 0, 1:
		v := rapid.StringN(0, 3, -1).Draw(t, "value")
		s.Put([]byte(key), []byte(v))
		m.now[key] = v
	case 2:
		s.Delete([]byte(key))
		delete(m.now, key)
	case 3:
		m.marks = append(m.marks, marked{s.Mark(), maps.Clone(m.now)})
	case 4:
		if n := len(m.marks); n > 0 {
			i := rapid.IntRange(0, n-1).Draw(t, "mark")
			s.Rollback(m.marks[i].mark)
			m.now, m.marks = maps.Clone(m.marks[i].then), m.marks[:i+1]
		}
	}
}

var someKeys = []string{"", "a", "ab", "b", "\x00", "\xff\xff"}

func TestMemoryIsWhatWasWrittenAndNotUndone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, m := store.NewMemory(), model{now: map[string]string{}}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			m.step(t, s, someKeys)
			m.compare(t, s, someKeys)
			if rapid.IntRange(0, 9).Draw(t, "commit") == 0 {
				s.Commit()
				m.marks = nil
				if s.Len() != len(m.now) {
					t.Fatalf("%d keys, not %d", s.Len(), len(m.now))
				}
			}
		}
	})
}

func TestOverlayLeavesItsBaseAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base, below := store.NewMemory(), model{now: map[string]string{}}
		for range 20 {
			below.step(t, base, someKeys)
		}
		o, m := store.NewOverlay(base), model{now: maps.Clone(below.now)}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			m.step(t, o, someKeys)
			m.compare(t, o, someKeys)
			below.compare(t, base, someKeys)
		}
		for k, v := range o.Changes() { // what changed, applied to the base, is what the overlay reads
			if v == nil {
				base.Delete(k)
			} else {
				base.Put(k, v)
			}
		}
		m.compare(t, base, someKeys)
	})
}

func TestChangesComeInOrder(t *testing.T) {
	o := store.NewOverlay(nil)
	o.Put([]byte("b"), nil)
	o.Put([]byte("c"), []byte("3"))
	o.Delete([]byte("a"))
	var got []string
	for k, v := range o.Changes() {
		got = append(got, fmt.Sprintf("%s %q %v", k, v, v == nil))
	}
	if want := `[a "" true b "" false c "3" false]`; fmt.Sprint(got) != want {
		t.Fatalf("%v, not %s", got, want)
	}
	for range o.Changes() { // a reader may stop
		break
	}
}

func open(t testing.TB, dir string) *store.DB {
	t.Helper()
	d, err := store.Open(dir, store.Options{CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDatabaseComesBackAsCommitted(t *testing.T) {
	dir := t.TempDir()
	d, m := open(t, dir), model{now: map[string]string{}}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	for range 10 {
		rapid.Check(t, func(t *rapid.T) {
			for range 5 {
				m.step(t, d, someKeys)
				m.compare(t, d, someKeys)
			}
			if rapid.Bool().Draw(t, "commit") {
				if err := d.Commit(); err != nil {
					t.Fatal(err)
				}
				m.marks = nil
			}
		})
		if err := d.Commit(); err != nil {
			t.Fatal(err)
		}
		d.Put([]byte("lost"), []byte("not committed"))
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d, m.marks = open(t, dir), nil
		rapid.Check(t, func(t *rapid.T) { m.compare(t, d, append(someKeys, "lost")) })
	}
}

func TestSnapshotStaysWhileBlocksAreCommitted(t *testing.T) {
	d := open(t, t.TempDir())
	defer d.Close()
	key := []byte("k")
	d.Put(key, []byte("1"))
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	s := d.Snapshot()
	d.Put(key, []byte("2"))
	what := store.NewOverlay(s)
	what.Put([]byte("if"), []byte("3"))
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	for reader, want := range map[vm.Reader]string{s: "1", what: "1", d: "2"} {
		if got, err := reader.Get(key); err != nil || string(got) != want {
			t.Errorf("%T: %q %v, not %q", reader, got, err, want)
		}
	}
	if got, err := d.Get([]byte("if")); got != nil || err != nil {
		t.Errorf("the what-if was written: %q %v", got, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestDatabaseOfSomethingElseIsRefused(t *testing.T) {
	for name, entry := range map[string][2]string{"another format": {"F", "clarity 99"}, "no format": {"x", "y"}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			p, err := pebble.Open(dir, &pebble.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(p.Set([]byte(entry[0]), []byte(entry[1]), pebble.Sync), p.Close()); err != nil {
				t.Fatal(err)
			}
			if d, err := store.Open(dir, store.Options{}); !errors.Is(err, store.ErrFormat) {
				t.Fatalf("%v %v, not %v", d, err, store.ErrFormat)
			}
		})
	}
}

func TestDamagedDatabaseIsAnError(t *testing.T) {
	for _, kind := range []string{"MANIFEST-*", "*.sst", "marker.manifest.*"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			d := open(t, dir)
			for i := range 20_000 { // more than one table in memory, so that files are written
				d.Put(fmt.Appendf(nil, "key %d", i), bytes.Repeat([]byte{byte(i), byte(i >> 8), 7}, 300))
			}
			if err := errors.Join(d.Commit(), d.Close()); err != nil {
				t.Fatal(err)
			}
			files, err := filepath.Glob(filepath.Join(dir, kind))
			if err != nil {
				t.Fatal(err)
			}
			if len(files) == 0 {
				t.Fatalf("Pebble writes no %s", kind)
			}
			for _, f := range files {
				raw, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				for i := len(raw) / 3; i < len(raw); i += max(1, len(raw)/50) {
					raw[i] ^= 0x55
				}
				if len(raw) == 0 { // a marker says all in its name
					if err := os.Rename(f, f+"9"); err != nil {
						t.Fatal(err)
					}
				} else if err := os.WriteFile(f, raw, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			d, err = store.Open(dir, store.Options{})
			if err != nil {
				t.Log(err)
				return
			}
			defer d.Close()
			for i := range 20_000 {
				v, err := d.Get(fmt.Appendf(nil, "key %d", i))
				if err != nil {
					t.Log(err)
					return
				}
				if want := bytes.Repeat([]byte{byte(i), byte(i >> 8), 7}, 300); !bytes.Equal(v, want) {
					t.Fatalf("key %d: wrong bytes and no error", i)
				}
			}
			t.Fatal("no error")
		})
	}
}

func BenchmarkOverlayGet(b *testing.B) {
	s := store.NewMemory()
	key := []byte("a key of some forty bytes, as they are in use")
	s.Put(key, make([]byte, 17))
	b.ReportAllocs()
	for b.Loop() {
		if v, err := s.Get(key); v == nil || err != nil {
			b.Fatal(v, err)
		}
	}
}

// BenchmarkCommit is what a block of 1,000 changed keys costs on disk.
func BenchmarkCommit(b *testing.B) {
	d := open(b, b.TempDir())
	defer d.Close()
	n := 0
	for b.Loop() {
		for range 1000 {
			n++
			d.Put(fmt.Appendf(nil, "key %d", n*7919%100_000), make([]byte, 40))
		}
		if err := d.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}
