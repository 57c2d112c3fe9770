package check

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"funai/clarity/types"
)

func abiJSON(a *Analysis) ([]byte, error) { return json.Marshal(a.ABI()) }

// interfaces are the contracts of testdata/abi.json, in the order in which they are deployed.
var interfaces = []struct {
	name, source string
	version      types.Version
}{
	{"tr", "(define-trait t ((g (int) (response int uint))))", types.Clarity4},
	{"a", `(use-trait t .tr.t)(impl-trait .tr.t)
(define-constant c1 u1)(define-constant c2 .tr)(define-constant c0 (list none (some 1)))
(define-data-var v1 (optional (string-ascii 10)) none)(define-data-var a1 {b: int, a: uint} {a: u1, b: 2})
(define-map m1 {k: principal} (buff 20))(define-map m0 uint (list 3 bool))
(define-fungible-token ft)(define-fungible-token fa u100)(define-non-fungible-token nf {id: uint})(define-non-fungible-token n2 (string-utf8 5))
(define-public (z (x <t>) (y (response int bool))) (ok true))
(define-public (g (x int)) (if true (ok x) (err u1)))
(define-read-only (b) none)(define-private (a (q (list 2 (string-utf8 3)))) (err 1))`, types.Clarity4},
	{"v1", "(define-public (f) (ok 1))", types.Clarity1},
	{"v2", "(define-public (f) (ok 1))", types.Clarity2},
	{"v3", "(define-public (f) (ok 1))", types.Clarity3},
}

func TestInterfacesAreThoseOfTheReference(t *testing.T) {
	golden, err := os.ReadFile("testdata/abi.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(golden, &want); err != nil {
		t.Fatal(err)
	}
	c := make(chain)
	for _, i := range interfaces {
		a, err := deploy(t, c, i.name, i.source, i.version, types.Epoch40)
		if err != nil {
			t.Fatalf("%s: %v", i.name, err)
		}
		b, err := abiJSON(a)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want[i.name]) {
			t.Errorf("%s is %s", i.name, b)
		}
	}
}
