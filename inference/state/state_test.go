package state

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

type none struct{}

func (none) Get([]byte) ([]byte, error) { return nil, nil }

// naiveRoot is the root by its definition, from nothing but the keys and values.
func naiveRoot(values map[string]string) hash {
	var leaves []leaf
	for k, v := range values {
		leaves = append(leaves, leaf{key: sha256.Sum256([]byte(k)), slot: slot{sum: sha256.Sum256([]byte(v))}})
	}
	return naiveSubtree(leaves, 0)
}

func naiveSubtree(leaves []leaf, depth int) hash {
	switch len(leaves) {
	case 0:
		return hash{}
	case 1:
		return sha256.Sum256(slices.Concat([]byte{0}, leaves[0].key[:], leaves[0].slot.sum[:]))
	}
	var half [2][]leaf
	for _, f := range leaves {
		b := f.key[depth/8] >> (7 - depth%8) & 1
		half[b] = append(half[b], f)
	}
	l, r := naiveSubtree(half[0], depth+1), naiveSubtree(half[1], depth+1)
	return sha256.Sum256(slices.Concat([]byte{1}, l[:], r[:]))
}

// testKeys are few, so that writes meet one another, and the last ones' hashes agree in many bits, so that paths are deep.
func testKeys(t testing.TB) (keys []string) {
	for i := range 40 {
		keys = append(keys, fmt.Sprintf("key %d", i))
	}
	met := make(map[[3]byte]string)
	for i := 0; len(keys) < 60 && i < 1_000_000; i++ {
		k := fmt.Sprintf("deep %d", i)
		h := sha256.Sum256([]byte(k))
		if other, ok := met[[3]byte(h[:])]; ok {
			keys = append(keys, k, other)
		}
		met[[3]byte(h[:])] = k
	}
	if len(keys) < 60 {
		t.Fatal("no keys with agreeing hashes")
	}
	return keys
}

func openDB(t testing.TB) *pebble.DB {
	db, err := pebble.Open("", &pebble.Options{FS: vfs.NewMem(), Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// silent drops what Pebble logs.
type silent struct{}

func (silent) Infof(string, ...any)         {}
func (silent) Errorf(string, ...any)        {}
func (silent) Fatalf(f string, args ...any) { panic(fmt.Sprintf(f, args...)) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// pages returns the trie that a reader's layers hold, for comparing.
func pages(layers ...*Layer) map[string]string {
	all := make(map[string]string)
	for _, l := range layers {
		for k, v := range l.values {
			if !reserved([]byte(k)) {
				continue
			}
			if v == nil {
				delete(all, k)
			} else {
				all[k] = string(v)
			}
		}
	}
	return all
}

// machine writes to a stack of layers, and to plain maps that say what the layers should hold.
type machine struct {
	keys   []string
	layers []*Layer
	want   map[string]string
	saved  []saved // marks of the top layer
}

type saved struct {
	mark int
	want map[string]string
}

func (m *machine) top() *Layer { return m.layers[len(m.layers)-1] }

func (m *machine) key(t *rapid.T) string { return rapid.SampledFrom(m.keys).Draw(t, "key") }

func (m *machine) Put(t *rapid.T) {
	k, v := m.key(t), rapid.StringN(0, 3, 5).Draw(t, "value")
	m.top().Put([]byte(k), []byte(v))
	m.want[k] = v
}

func (m *machine) PutMany(t *rapid.T) {
	for range rapid.IntRange(1, 30).Draw(t, "n") {
		m.Put(t)
	}
}

func (m *machine) Delete(t *rapid.T) {
	k := m.key(t)
	m.top().Delete([]byte(k))
	delete(m.want, k)
}

func (m *machine) DeleteMost(t *rapid.T) {
	for _, k := range m.keys {
		if rapid.IntRange(0, 9).Draw(t, "stay") > 0 {
			m.top().Delete([]byte(k))
			delete(m.want, k)
		}
	}
}

func (m *machine) Mark(*rapid.T) {
	m.saved = append(m.saved, saved{m.top().Mark(), maps.Clone(m.want)})
}

func (m *machine) Rollback(t *rapid.T) {
	if len(m.saved) == 0 {
		t.Skip("no mark")
	}
	i := rapid.IntRange(0, len(m.saved)-1).Draw(t, "to")
	m.top().Rollback(m.saved[i].mark)
	m.want = m.saved[i].want
	m.saved = m.saved[:i]
}

func (m *machine) Root(t *rapid.T) {
	if got := must(m.top().Root()); got != naiveRoot(m.want) {
		t.Fatalf("root %x, not %x", got, naiveRoot(m.want))
	}
	fresh := NewLayer(none{})
	for k, v := range m.want {
		fresh.Put([]byte(k), []byte(v))
	}
	must(fresh.Root())
	if got, want := pages(m.layers...), pages(fresh); !maps.Equal(got, want) {
		t.Fatalf("%d pages kept, not the %d of a trie made at once", len(got), len(want))
	}
}

func (m *machine) Fork(t *rapid.T) {
	m.Root(t)
	m.layers = append(m.layers, NewLayer(m.top()))
	m.saved = nil
}

func (m *machine) Merge(t *rapid.T) {
	if len(m.layers) < 2 {
		t.Skip("one layer")
	}
	n := len(m.layers)
	m.layers[n-2].Apply(m.layers[n-1].Diff())
	m.layers = m.layers[:n-1]
	m.saved = nil
}

func (m *machine) Check(t *rapid.T) {
	for _, k := range m.keys {
		got := must(m.top().Get([]byte(k)))
		if want, ok := m.want[k]; ok != (got != nil) || string(got) != want {
			t.Fatalf("%q is %q, not %q (%v)", k, got, want, ok)
		}
	}
}

func TestLayersHoldWhatWasWrittenAndTheRootIsThatOfTheSet(t *testing.T) {
	keys := testKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{keys: keys, layers: []*Layer{NewLayer(none{})}, want: make(map[string]string)}
		t.Repeat(map[string]func(*rapid.T){
			"": m.Check, "put": m.Put, "put many": m.PutMany, "delete": m.Delete, "delete most": m.DeleteMost, "mark": m.Mark,
			"rollback": m.Rollback, "root": m.Root, "fork": m.Fork, "merge": m.Merge,
		})
		m.Root(t)
	})
}
