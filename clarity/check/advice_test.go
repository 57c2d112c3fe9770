package check

import (
	"errors"
	"strings"
	"testing"

	"funai/clarity/syntax"
	"funai/clarity/types"
)

func TestFaultsSayWhereAndWhatToDo(t *testing.T) {
	for _, c := range []struct {
		source, at, message, advice string
		version                     types.Version
	}{
		{"(define-data-var counter uint u0)\n(define-public (f) (ok (var-get conter)))", "2:33", "'conter'", "did you mean 'counter'?", types.Clarity4},
		{"(define-private (f (amount uint)) (+ amuont u1))", "1:38", "'amuont'", "did you mean 'amount'?", types.Clarity4},
		{"(define-private (total) 1) (define-private (f) (totla))", "1:49", "'totla'", "did you mean 'total'?", types.Clarity4},
		{"(define-data-var n int 1) (define-private (f) n)", "1:47", "unresolved variable 'n'", "(var-get n)", types.Clarity4},
		{"(define-private (f) block-height)", "1:21", "'block-height'", "stacks-block-height", types.Clarity3},
		{"(define-private (f) (slice? 0x00 u0 u1))", "1:22", "'slice?'", "since Clarity 2", types.Clarity1},
		{"(define-private (f) (as-contract tx-sender))", "1:22", "'as-contract'", "use as-contract?", types.Clarity4},
		{"(define-private (f) (length 0x00))", "1:22", "'length'", "'len'", types.Clarity4},
		{"(define-data-var n uint 1)", "1:25", "type 'uint', found 'int'", "u5", types.Clarity4},
		{"(define-data-var n int (some 1))", "1:24", "type 'int', found '(optional int)'", "unwrap!", types.Clarity4},
		{"(define-data-var n int (if true (ok 1) (err 1)))", "1:24", "(response int int)", "try!", types.Clarity4},
		{"(define-data-var n (buff 2) 0x112233)", "1:29", "'(buff 2)', found '(buff 3)'", "as-max-len?", types.Clarity4},
		{"(define-private (f) (unwrap-panic none))", "1:35", "indeterminate", "(if …)", types.Clarity4},
		{"(define-private (f (a int)) (let ((a 1)) a))", "1:36", "'a'", "no shadowing", types.Clarity4},
		{"(define-public (f) true)", "1:20", "found 'bool'", "(ok …)", types.Clarity4},
		{"(define-private (map) 1)", "1:18", "'map' is a word", "another name", types.Clarity4},
		{"(define-public (f) (begin (ok 1) (ok 2)))", "1:27", "intermediary", "try!", types.Clarity4},
		{"(define-private (f (x (optionl int))) x)", "1:23", "(optionl int)", "(optional type)", types.Clarity4},
	} {
		_, err := deploy(t, make(chain), "c", c.source, c.version, types.Epoch34)
		var d *Diagnostic
		if !errors.As(err, &d) {
			t.Errorf("%s: %v", c.source, err)
			continue
		}
		if !strings.HasPrefix(d.Error(), c.at+":") || !strings.Contains(d.Message, c.message) || !strings.Contains(d.Advice, c.advice) {
			t.Errorf("%s\nis %v; advice %q, want %s, %q, %q", c.source, err, d.Advice, c.at, c.message, c.advice)
		}
	}
}

func TestExpressionsSeeTheContractTheyStandIn(t *testing.T) {
	c := make(chain)
	in, err := deploy(t, c, "c", `(define-constant one u1) (define-data-var n uint u0) (define-map m uint bool) (define-trait tr ((g () (response int int))))
		(define-private (writes) (var-set n u1)) (define-private (reads) (var-get n)) (define-fungible-token ft)`, types.Clarity4, types.Epoch34)
	if err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{
		"(+ one (var-get n))":                             "uint",
		"(map-get? m one)":                                "(optional bool)",
		"(define-private (g) (reads)) (g)":                "uint",
		"(define-read-only (g) (reads)) (g)":              "uint",
		"(define-read-only (g) (writes))":                 "!writes-in-read-only",
		"(define-private (g (x <tr>)) (contract-of x)) 1": "int",
		"(define-private (reads) 1)":                      "!name-already-used",
		"(ft-get-supply ft)":                              "uint",
		"two":                                             "!unknown-variable",
	} {
		p, err := syntax.Parse(source, syntax.Options{Version: types.Clarity4, Epoch: types.Epoch34})
		if err != nil {
			t.Fatal(err)
		}
		a, err := Expression(p, in, Options{ID: in.ID, Version: types.Clarity4, Epoch: types.Epoch34, Contracts: c})
		got := "!" + string(code(t, err))
		if err == nil {
			got = a.Types[p.Exprs[len(p.Exprs)-1].ID].String()
		}
		if got != want {
			t.Errorf("%s is %s, want %s (%v)", source, got, want, err)
		}
	}
	if len(in.Functions) != 2 {
		t.Errorf("the contract has %d functions after its use", len(in.Functions))
	}
}
