package check

import (
	"errors"
	"testing"

	"funai/clarity/syntax"
	"funai/clarity/types"
)

func TestLedgerWordsNeedTheOption(t *testing.T) {
	for expression, want := range map[string]string{
		"(get-ledger-block-info? header u)":            "(optional (buff 80))",
		"(get-ledger-block-info? time u)":              "(optional uint)",
		"(get-ledger-block-info? merkle-root u)":       "(optional (buff 32))",
		"(get-ledger-block-info? transaction-count u)": "(optional uint)",
		"(get-ledger-block-info? vrf-seed u)":          "!unknown-property",
		"(get-ledger-block-info? time i)":              "!type-mismatch",
		"(get-ledger-tx? u u)":                         "(optional (tuple (outputs (list 32 (tuple (script (buff 128)) (value uint)))) (txid (buff 32))))",
		"(verify-ledger-tx? u b lb u)":                 "(response bool uint)",
		"(verify-ledger-tx? u B lb u)":                 "!type-mismatch",
		"(fai-transfer? u p p)":                        "(response bool uint)",
		"(fai-transfer-memo? u p p b32)":               "(response bool uint)",
		"(fai-burn? u p)":                              "(response bool uint)",
		"(fai-get-balance p)":                          "uint",
		"(fai-account p)":                              "(tuple (locked uint) (unlock-height uint) (unlocked uint))",
		"fai-liquid-supply":                            "uint",
	} {
		ours := Options{Version: types.LatestVersion, Epoch: types.LatestEpoch, Ledger: true}
		if got := typeOf(t, expression, ours); got != want {
			t.Errorf("%s has type %s, want %s", expression, got, want)
		}
		theirs := ours
		theirs.Ledger = false
		if got := typeOf(t, expression, theirs); got != "!unknown-function" && got != "!unknown-variable" {
			t.Errorf("without the option %s has type %s", expression, got)
		}
		old := ours
		old.Version = types.Clarity2
		if got := typeOf(t, expression, old); got != "!unknown-function" && got != "!unknown-variable" {
			t.Errorf("in %v %s has type %s", old.Version, expression, got)
		}
	}
}

func TestNamesOfLedgerWordsAreFreeWithoutTheOption(t *testing.T) {
	p, err := syntax.Parse("(define-private (get-ledger-tx? (n uint)) n) (define-constant fai-liquid-supply u1)", syntax.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Version: types.LatestVersion, Epoch: types.LatestEpoch}
	if _, err := Contract(p, o); err != nil {
		t.Errorf("without the option: %v", err)
	}
	o.Ledger = true
	var d *Diagnostic
	if _, err := Contract(p, o); !errors.As(err, &d) || d.Code != NameReserved {
		t.Errorf("with the option: %v, want a fault of %s", err, NameReserved)
	}
}

func TestFaultsOfArgumentsLieAtTheArgument(t *testing.T) {
	for source, column := range map[string]int{
		"(define-constant c (+ 1 2 u3))":         27,
		"(define-constant c (pow u2 3))":         28,
		"(define-constant c (hash160 true))":     29,
		"(define-constant c (is-eq 1 true))":     29,
		"(define-constant c (concat 0x 1))":      31,
		"(define-constant c (map not (list 1)))": 20,
	} {
		p, err := syntax.Parse(source, syntax.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var d *Diagnostic
		if _, err := Contract(p, Options{Version: types.LatestVersion, Epoch: types.LatestEpoch}); !errors.As(err, &d) {
			t.Errorf("%s: %v", source, err)
		} else if d.Span.Start.Column != column {
			t.Errorf("%s: %q lies at column %d, want %d", source, d.Message, d.Span.Start.Column, column)
		}
	}
}
