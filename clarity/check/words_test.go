package check

import (
	"bufio"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// nativeSource is the contract that the expressions of natives.tsv stand in.
const nativeSource = `(define-fungible-token ft)(define-non-fungible-token nft uint)(define-data-var v uint u0)(define-map m uint int)
(define-trait trt ((method (uint) (response uint uint))))
(define-private (f (i int) (u uint) (z bool) (p principal) (b (buff 10)) (b20 (buff 20)) (b32 (buff 32)) (b33 (buff 33))
 (b64 (buff 64)) (b65 (buff 65)) (s (string-ascii 10)) (t (string-utf8 10)) (l (list 5 int)) (lb (list 7 (buff 3)))
 (o (optional int)) (r (response int uint)) (k {a: int, b: uint}) (B (buff 1048576)) (S (string-ascii 1048576))
 (T (string-utf8 262144)) (L (list 60000 uint)) (LL (list 3 (list 4 int))) (LO (list 3 (optional uint))) (tr <trt>))
`

// typeOf is the type of an expression in nativeSource, in text, or ! and the fault's code.
func typeOf(t *testing.T, expression string, o Options) string {
	t.Helper()
	p, err := syntax.Parse(nativeSource+expression+")", syntax.Options{Version: o.Version, Epoch: o.Epoch})
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	if o.ID, err = value.ParsePrincipal("ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM.C"); err != nil {
		t.Fatal(err)
	}
	a, err := Contract(p, o)
	var d *Diagnostic
	if errors.As(err, &d) {
		return "!" + string(d.Code)
	}
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	define := p.Exprs[len(p.Exprs)-1].List
	return a.Types[define[len(define)-1].ID].String()
}

func TestNativeFunctionsHaveTheTypesOfTheReference(t *testing.T) {
	f, err := os.Open("testdata/natives.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := 0
	for s := bufio.NewScanner(f); s.Scan(); lines++ {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		row := strings.Split(s.Text(), "\t")
		if len(row) != 4 {
			t.Fatalf("line %d: %q", lines+1, s.Text())
		}
		version, err := strconv.Atoi(row[0])
		if err != nil {
			t.Fatal(err)
		}
		epoch, err := strconv.Atoi(strings.ReplaceAll(row[1], ".", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := typeOf(t, row[2], Options{Version: types.Version(version), Epoch: types.Epoch(epoch)}); got != row[3] {
			t.Errorf("Clarity %s, epoch %s: %s has type %s, want %s", row[0], row[1], row[2], got, row[3])
		}
	}
	if lines < 1000 {
		t.Fatalf("read %d lines", lines)
	}
}
