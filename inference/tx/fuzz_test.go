package tx

import (
	"bytes"
	"errors"
	"testing"
)

func FuzzDecode(f *testing.F) {
	for _, v := range vectors(f)[:2] {
		f.Add(unhex(f, v.Hex))
	}
	for _, p := range []Payload{
		&Open{Model: 1, Extra: []byte{1}}, &Receipt{}, &Held{make([]ID, 2)}, &Seal{}, &Opening{Verdicts: []byte{1, 2, 3}},
		&Lock{Kind: LockStake}, &Unlock{Kind: LockBond}, &Conflict{A: []byte{1}, B: []byte{2}},
	} {
		f.Add(New(ChainIDDev, p).Encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if !bytes.Equal(x.Encode(), b) {
			t.Fatal("a second encoding was taken")
		}
		if c, ok := x.Payload.(*Conflict); ok {
			_, _, _ = c.Verify()
		}
		_, _ = x.Verify()
	})
}

func BenchmarkDecode(b *testing.B) {
	x := New(ChainIDDev, &Open{})
	raw := x.Encode()
	for b.Loop() {
		if _, err := Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkID(b *testing.B) {
	x := New(ChainIDDev, &Open{})
	for b.Loop() {
		x.ID()
	}
}

func BenchmarkSign(b *testing.B) {
	x, k := New(ChainIDDev, &Open{}), testKey(b, 1)
	for b.Loop() {
		x.Sign(k)
	}
}

func BenchmarkVerify(b *testing.B) {
	x := New(ChainIDDev, &Open{})
	x.Sign(testKey(b, 1))
	for b.Loop() {
		if _, err := x.Verify(); err != nil {
			b.Fatal(err)
		}
	}
}
