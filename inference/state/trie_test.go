package state

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestReservedKeysAreRefused(t *testing.T) {
	for _, write := range []func(*Layer){
		func(l *Layer) { l.Put([]byte{trieByte}, nil) },
		func(l *Layer) { l.Put(nil, nil) },
		func(l *Layer) { l.Delete([]byte{trieByte, 1}) },
	} {
		l := NewLayer(none{})
		write(l)
		if _, err := l.Root(); !errors.Is(err, ErrReserved) {
			t.Errorf("got %v", err)
		}
		if len(l.Diff()) != 0 {
			t.Errorf("written all the same: %v", l.Diff())
		}
	}
}

func TestEmptyValuesAreThere(t *testing.T) {
	l := NewLayer(none{})
	l.Put([]byte("k"), nil)
	if v := must(l.Get([]byte("k"))); v == nil {
		t.Error("absent")
	}
	if got := must(l.Root()); got != naiveRoot(map[string]string{"k": ""}) {
		t.Errorf("root %x", got)
	}
	d := must(DecodeDiff(l.Diff().Encode()))
	if v := must(l.Get(d[len(d)-1].Key)); v == nil || d[len(d)-1].Value == nil {
		t.Error("lost in the difference")
	}
}

// broken is a reader that lost, or altered, the trie's pages of keys whose hashes begin with 0xf.
type broken struct {
	Reader
	page []byte
	err  error
}

func (b broken) Get(key []byte) ([]byte, error) {
	if reserved(key) && len(key) > 2 && key[2] >= 0xf0 {
		return b.page, b.err
	}
	return b.Reader.Get(key)
}

func TestADamagedTrieIsAnErrorThatChangesNothing(t *testing.T) {
	good := NewLayer(none{})
	for i := range 200 {
		good.Put(fmt.Appendf(nil, "key %d", i), []byte("v"))
	}
	must(good.Root())
	disk := errors.New("disk")
	var lost string // a key whose page is damaged
	for i := 0; sha256.Sum256([]byte(lost))[0] < 0xf0; i++ {
		lost = fmt.Sprintf("key %d", i)
	}
	for name, c := range map[string]struct {
		r    broken
		want error
	}{
		"page lost":      {broken{good, nil, nil}, ErrCorrupt},
		"page cut":       {broken{good, []byte{1, 2, 3}, nil}, ErrCorrupt},
		"page too short": {broken{good, []byte{0, 0, 0, 1}, nil}, ErrCorrupt},
		"page too long":  {broken{good, make([]byte, 9), nil}, ErrCorrupt},
		"unknown kind":   {broken{good, append([]byte{0, 0, 0, 3}, make([]byte, 64)...), nil}, ErrCorrupt},
		"disk fails":     {broken{good, nil, disk}, disk},
	} {
		l := NewLayer(c.r)
		for _, k := range append(testKeys(t), lost) {
			l.Put([]byte(k), []byte("new"))
		}
		written := len(l.Diff())
		if _, err := l.Root(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, not %v", name, err, c.want)
		}
		if n := len(l.Diff()); n != written {
			t.Errorf("%s: %d entries changed, not the %d written", name, n, written)
		}
		if _, err := Prove(l, []byte(lost)); !errors.Is(err, c.want) {
			t.Errorf("%s: proof: %v, not %v", name, err, c.want)
		}
	}
}

func TestProofsShowWhatIsThereAndWhatIsNotAndNothingElse(t *testing.T) {
	keys := testKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		l, want := NewLayer(none{}), make(map[string]string)
		for _, k := range rapid.SliceOfN(rapid.SampledFrom(keys), 0, 50).Draw(t, "keys") {
			want[k] = rapid.StringN(0, 3, 5).Draw(t, "value")
			l.Put([]byte(k), []byte(want[k]))
		}
		root := must(l.Root())
		k := rapid.SampledFrom(keys).Draw(t, "key")
		v := must(l.Get([]byte(k)))
		proof := must(Prove(l, []byte(k)))
		if err := proof.Verify(root, []byte(k), v); err != nil {
			t.Fatal(err)
		}
		wrong := append(bytes.Clone(v), 'x')
		if err := proof.Verify(root, []byte(k), wrong); !errors.Is(err, ErrProof) {
			t.Fatalf("a wrong value: %v", err)
		}
		if v != nil {
			if err := proof.Verify(root, []byte(k), nil); !errors.Is(err, ErrProof) {
				t.Fatalf("absence of what is there: %v", err)
			}
		}
		for other := range want {
			if err := proof.Verify(root, []byte(other), nil); !errors.Is(err, ErrProof) {
				t.Fatalf("absence of %q by the proof for %q: %v", other, k, err)
			}
		}
		if len(proof.Siblings) > 0 {
			i := rapid.IntRange(0, len(proof.Siblings)-1).Draw(t, "sibling")
			proof.Siblings[i][0] ^= 1
			if err := proof.Verify(root, []byte(k), v); !errors.Is(err, ErrProof) {
				t.Fatalf("an altered sibling: %v", err)
			}
		}
	})
}

func TestAnyOtherLeafProvesNoAbsence(t *testing.T) {
	l := NewLayer(none{})
	for i := range 100 {
		l.Put(fmt.Appendf(nil, "key %d", i), []byte("v"))
	}
	root := must(l.Root())
	proof := must(Prove(l, []byte("key 1")))
	proof.Other = &Leaf{sha256.Sum256([]byte("key 2")), sha256.Sum256([]byte("v"))}
	if err := proof.Verify(root, []byte("key 1"), nil); !errors.Is(err, ErrProof) {
		t.Errorf("got %v", err)
	}
	proof.Siblings = make([]hash, 257)
	if err := proof.Verify(root, []byte("key 1"), nil); !errors.Is(err, ErrProof) {
		t.Errorf("257 siblings: %v", err)
	}
}

func FuzzDecodeDiff(f *testing.F) {
	f.Add(Diff{}.Encode())
	f.Add(Diff{{[]byte{}, []byte("v")}, {[]byte("a"), nil}, {[]byte("b"), []byte{}}}.Encode())
	f.Add([]byte{0, 0, 0, 2, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 'a', 0, 0, 0, 1, 0, 0, 0, 0, 'a'})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := DecodeDiff(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if !bytes.Equal(d.Encode(), b) {
			t.Fatal("a second encoding was taken")
		}
		for i := range d {
			if i > 0 && bytes.Compare(d[i-1].Key, d[i].Key) >= 0 {
				t.Fatalf("key %x follows %x", d[i].Key, d[i-1].Key)
			}
		}
	})
}

func FuzzDecodePage(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0})
	f.Add((&page{{kind: kindLeaf}, {kind: kindInner}}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		var p page
		if err := p.decode(b); err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if !bytes.Equal(p.encode(), b) {
			t.Fatal("a second encoding was taken")
		}
	})
}
