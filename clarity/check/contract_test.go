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

// deployer is who deploys the contracts of testdata.
const deployer = "ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM"

// chain is the contracts that are deployed.
type chain map[value.Principal]*Analysis

func (c chain) Analysis(id value.Principal) (*Analysis, error) { return c[id], nil }

// contractID is the principal of a contract of the deployer.
func contractID(t testing.TB, name string) value.Principal {
	t.Helper()
	id, err := value.ParsePrincipal(deployer + "." + name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// deploy analyses a contract and keeps it if it passes.
func deploy(t testing.TB, c chain, name, source string, v types.Version, e types.Epoch) (*Analysis, error) {
	t.Helper()
	p, err := syntax.Parse(source, syntax.Options{Version: v, Epoch: e})
	if err != nil {
		return nil, err
	}
	a, err := Contract(p, Options{ID: contractID(t, name), Version: v, Epoch: e, Contracts: c})
	if err == nil {
		c[a.ID] = a
	}
	return a, err
}

// verdict is OK and the type of the function f as an ABI has it, or the code of the fault.
func verdict(t *testing.T, a *Analysis, err error) string {
	t.Helper()
	var d *Diagnostic
	var s *syntax.Error
	switch {
	case errors.As(err, &d):
		return "!" + string(d.Code)
	case errors.As(err, &s):
		return "!syntax"
	case err != nil:
		t.Fatal(err)
	}
	f, ok := a.Functions["f"]
	if !ok {
		return "OK"
	}
	return "OK " + notation(f.Result)
}

// notation writes a type without what an interface does not tell: which contract and which trait.
func notation(t *types.Type) string {
	n := strconv.Itoa(int(t.Len()))
	switch t.Kind() {
	case types.KindList:
		return "(list " + n + " " + notation(t.Elem()) + ")"
	case types.KindOptional:
		return "(optional " + notation(t.Elem()) + ")"
	case types.KindResponse:
		return "(response " + notation(t.Elem()) + " " + notation(t.Err()) + ")"
	case types.KindBuffer:
		return "(buff " + n + ")"
	case types.KindASCII:
		return "(string-ascii " + n + ")"
	case types.KindUTF8:
		return "(string-utf8 " + n + ")"
	case types.KindTuple:
		var fields []string
		for _, f := range t.Fields() {
			fields = append(fields, f.Name+": "+notation(f.Type))
		}
		return "{" + strings.Join(fields, ", ") + "}"
	default:
		return abiNames[t.Kind()]
	}
}

func TestContractsHaveTheFaultsAndTypesOfTheReference(t *testing.T) {
	path := "testdata/contracts.tsv"
	if p := os.Getenv("CLARITY_CONTRACTS"); p != "" {
		path = p
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var epoch types.Epoch
	var c chain
	lines := 0
	for s := bufio.NewScanner(f); s.Scan(); lines++ {
		switch {
		case strings.HasPrefix(s.Text(), "#"):
		case strings.HasPrefix(s.Text(), "== "):
			n, err := strconv.Atoi(strings.ReplaceAll(s.Text()[3:], ".", ""))
			if err != nil {
				t.Fatal(err)
			}
			epoch, c = types.Epoch(n), make(chain)
		default:
			row := strings.Split(s.Text(), "\t")
			if len(row) != 4 {
				t.Fatalf("line %d: %q", lines+1, s.Text())
			}
			v, err := strconv.Atoi(row[0])
			if err != nil {
				t.Fatal(err)
			}
			a, err := deploy(t, c, row[1], row[2], types.Version(v), epoch)
			if got := verdict(t, a, err); got != row[3] {
				t.Errorf("line %d: Clarity %d, epoch %s:\n  %s\n  is %s, want %s (%v)", lines+1, v, epoch, row[2], got, row[3], err)
			}
		}
	}
	if lines < 900 {
		t.Fatalf("read %d lines", lines)
	}
}
