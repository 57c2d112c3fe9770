package vm

import (
	"bytes"
	"errors"
	"testing"

	"funai/clarity/check"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

const manyTypes = `
(define-trait t ((a (int (optional uint)) (response bool {x: int, y: (list 3 (buff 7))})) (b () (response (string-utf8 9) (string-ascii 2)))))
(define-trait empty ())
(define-public (f (a {x: int, y: (list 2 bool)}) (b (response int uint)) (c <t>) (d principal)) (ok none))
(define-read-only (g) (list 1 2 3))
(define-private (h (x (optional (optional (buff 1))))) (err x))`

func analysis(t testing.TB, source string) *check.Analysis {
	t.Helper()
	id, err := value.ParsePrincipal("ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM.c")
	if err != nil {
		t.Fatal(err)
	}
	p, err := syntax.Parse(source, syntax.Options{Version: types.Clarity3, Epoch: types.Epoch33})
	if err != nil {
		t.Fatal(err)
	}
	a, err := check.Contract(p, check.Options{ID: id, Version: types.Clarity3, Epoch: types.Epoch33})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestInterfaceReadsAsItWasWritten(t *testing.T) {
	a := analysis(t, manyTypes)
	a.Implements = []types.TraitID{{Contract: "ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM.other", Name: "t"}}
	b := encodeInterface(a)
	got := &check.Analysis{ID: a.ID}
	if err := decodeInterface(b, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encodeInterface(got), b) {
		t.Error("written again it is not the same")
	}
	for name, f := range a.Functions {
		g := got.Functions[name]
		if g.Access != f.Access || len(g.Args) != len(f.Args) || !g.Result.Equal(f.Result) {
			t.Errorf("%s: %+v, want %+v", name, g, f)
			continue
		}
		for i, p := range f.Args {
			if !g.Args[i].Type.Equal(p.Type) || g.Args[i].Name != p.Name {
				t.Errorf("%s: argument %v, want %v", name, g.Args[i], p)
			}
		}
	}
	for n := range b {
		if err := decodeInterface(b[:n], &check.Analysis{ID: a.ID}); !errors.Is(err, errStored) {
			t.Fatalf("%d of %d bytes: %v, want %v", n, len(b), err, errStored)
		}
	}
}

func FuzzInterface(f *testing.F) {
	b := encodeInterface(analysis(f, manyTypes))
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add(bytes.Repeat([]byte{byte(types.KindOptional)}, 200))
	f.Fuzz(func(t *testing.T, b []byte) {
		a := new(check.Analysis)
		if err := decodeInterface(b, a); err != nil {
			if !errors.Is(err, errStored) {
				t.Fatal(err)
			}
			return
		}
		again := new(check.Analysis)
		if err := decodeInterface(encodeInterface(a), again); err != nil {
			t.Fatalf("written again: %v", err)
		}
	})
}
