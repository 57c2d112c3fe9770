package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"funai/clarity/session"
	"funai/clarity/types"
)

// piped runs a script, and returns what was printed.
func piped(t *testing.T, script string) (string, error) {
	t.Helper()
	var out strings.Builder
	r, err := New(Config{Session: session.New(session.Options{}), Lines: Plain(strings.NewReader(script)), Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Run(context.Background())
	return out.String(), err
}

func TestScripts(t *testing.T) {
	counter := filepath.Join(t.TempDir(), "counter.clar")
	if err := os.WriteFile(counter, []byte(`(define-data-var n uint u0)
(define-fungible-token coin)
(define-public (up (by uint))
  (begin (print by) (try! (ft-mint? coin by tx-sender)) (ok (var-set n (+ (var-get n) by)))))
(define-read-only (total) (var-get n))
`), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.clar")
	if err := os.WriteFile(wrong, []byte("(+ 1 2)\n(+ 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	deploy := "::deploy counter " + counter + "\n"
	for _, c := range []struct {
		name, script, want string
		fails              bool
	}{
		{"values are printed", "(+ 1 2)\n\n;; nothing\n(list u1)", "3\n(list u1)\n", false},
		{"several on a line", "1 2", "2\n", false},
		{"an expression of several lines", "(+ 1\n;; two\n\n2)\n", "3\n", false},
		{"definitions are kept", "(define-constant a u6)\n(define-private (f (x uint)) (* x a))\n(f u7)", "u42\n", false},
		{"definitions are replaced", "(define-constant a u6)\n(define-constant b (* a u2))\n(define-constant a u7)\nb", "u14\n", false},
		{"syntax errors point at their place", "(+ 1 2))", "1:8: unexpected ')'\n    1 | (+ 1 2))\n      |        ^\n", true},
		{"errors behind definitions do, too", "(define-constant a u6)\n(+ a\n 1)", "2:2: expecting expression of type 'uint', found 'int'\n    2 |  1)\n      |  ^\n", true},
		{"a script that ends too early", "(+ 1", "2:1: expected ')' to close the '(' of line 1, column 1, found the end of the text\n    1 | (+ 1\n      | ^ opened here\n    2 |\n      | ^\n", true},
		{"what has a state does not last", "(define-data-var n int 1)", "what has a state lasts in contracts only: put it in a file and ::deploy NAME FILE\n", false},
		{"contracts", deploy + "(contract-call? .counter up u2)\n(contract-call? .counter total)", "ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM.counter prints u2\n" +
			"ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM.counter.coin 2 is made for ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM\n(ok true)\nu2\n", false},
		{"within a contract", deploy + "::within counter\n(var-set n u9)\n(var-get n)\n::within\n(contract-call? .counter total)", "true\nu9\nu9\n", false},
		{"contracts are listed", deploy + "::get_contracts", "ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM.counter\n  public    (up (by uint)) (response bool uint)\n  read_only (total) uint\n", false},
		{"faults of files name them", "::read " + wrong, wrong + ":2:5: expected ')' to close the '(' of line 2, column 1, found the end of the text\n    2 | (+ 1\n      |     ^\n", true},
		{"files that are not there", "::read nosuch", "error: open nosuch: no such file or directory\n", true},
		{"senders", "::set_tx_sender wallet_1\n(is-eq tx-sender (unwrap-panic (principal-construct? 0x1a 0x7700000000000000000000000000000000000001)))", "the sender is ST1VG000000000000000000000000000004D8FA62 (wallet_1)\ntrue\n", false},
		{"senders that are none", "::set_tx_sender me", "error: ", true},
		{"encoding", "::encode u1\n::decode 0x0100000000000000000000000000000001", "0x0100000000000000000000000000000001\nu1\n", false},
		{"epochs", "::set_epoch 3.4", "error: ", true},
		{"commands without arguments", "::deploy", "error: ::deploy NAME FILE: deploy a file as a contract of the sender\n", true},
		{"commands that are none", "::nosuch", "error: no command \"::nosuch\"; ::help lists them\n", true},
		{"leaving", "::quit\n1", "", false},
		{"aborted runs say where", "(define-private (f) (/ u1 u0))\n(f)", "error: DivisionByZero", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := piped(t, c.script)
			if out != c.want && !(c.fails && strings.HasPrefix(out, c.want)) { // advice may follow
				t.Errorf("got\n%s\nwant\n%s", out, c.want)
			}
			if errors.Is(err, ErrFailed) != c.fails || !c.fails && err != nil {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestCommandsSay runs commands whose numbers are other tests' matter.
func TestCommandsSay(t *testing.T) {
	for command, want := range map[string]string{
		"::help":                     "::get_costs EXPRESSION",
		"::describe fold":            "(fold ",
		"::get_costs (+ 1 2)":        "runtime",
		"::get_assets_maps":          "(wallet_3)",
		"::mint_stx wallet_1 u5":     "",
		"::advance_chain_tip 3":      "block ",
		"::advance_stacks_chain_tip": "block ",
		"::get_block_height":         "ledger ",
		"::get_epoch":                "epoch " + types.LatestEpoch.String(),
	} {
		if out, err := piped(t, command); err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}

func TestBlocksAreMade(t *testing.T) {
	out, err := piped(t, "burn-block-height\n::advance_chain_tip 7\nburn-block-height")
	lines := strings.Split(out, "\n")
	var before, after int
	if err == nil {
		_, err = fmt.Sscanf(lines[0]+" "+lines[2], "u%d u%d", &before, &after)
	}
	if err != nil || after != before+7 {
		t.Errorf("%v\n%s", err, out)
	}
}

// device is a terminal in memory: what a person types, and what is shown.
type device struct {
	io.Reader
	strings.Builder
}

func (d *device) Read(b []byte) (int, error) { return d.Reader.Read(b[:1]) } // a key at a time

// typed lets a person type, and returns what is on the screen in the end, as bytes.
func typed(t *testing.T, keys, history string) string {
	t.Helper()
	d := &device{Reader: strings.NewReader(keys)}
	h, err := OpenHistory(history)
	if err != nil {
		t.Fatal(err)
	}
	terminal := NewTerminal(d, h)
	r, err := New(Config{Session: session.New(session.Options{}), Lines: terminal, Out: terminal, Person: true, History: h})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return d.String()
}

const (
	up   = "\x1b[A"
	ctrl = "\x04" // Ctrl-D
)

func TestPersonIsPromptedAndErrsFreely(t *testing.T) {
	out := typed(t, "(+ 1\r2)\r(nosuch)\r"+ctrl, "")
	for _, want := range []string{">> (+ 1\r\n", ".. 2)\r\n", "3\r\n", "use of unresolved function 'nosuch'"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
}

func TestPersonGivesUpWhatIsOpen(t *testing.T) {
	if out := typed(t, "(+ 1\r"+ctrl+"u7\r"+ctrl, ""); !strings.Contains(out, "u7\r\n") || strings.Contains(out, "expected") {
		t.Errorf("%q", out)
	}
}

func TestTabCompletes(t *testing.T) {
	for _, c := range []struct{ keys, want string }{
		{"(default-\tnone 1)\r", "(default-tonone"},
		{"(define-constant sixteen u16)\r(+ sixt\t u1)\r", "u17\r\n"},
		{"::get_b\t\r", "ledger "},
		{"(tuple-\t\r)\r", "(tuple-"},
		{"::advance\t\t 2\r", "::advance_chain_tip         ::advance_stacks_chain_tip"},
		{"\tu3\r", "u3\r\n"},
	} {
		if out := typed(t, c.keys+ctrl, ""); !strings.Contains(out, c.want) {
			t.Errorf("%q gives %q, not %q", c.keys, out, c.want)
		}
	}
}

func TestHistoryIsKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config", "history")
	typed(t, "(+ 1\r;; c\r 2)\r(+ 1 2)\ru5\r"+ctrl, file)
	if b, err := os.ReadFile(file); err != nil || string(b) != "(+ 1 2)\nu5\n" {
		t.Errorf("%q, %v", b, err)
	}
	if out := typed(t, up+up+"\r"+ctrl, file); !strings.Contains(out, "3\r\n") {
		t.Errorf("%q", out)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history")
	if err := os.WriteFile(file, []byte(strings.Repeat("a\nb\n", maxHistory)), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		h, err := OpenHistory(file)
		if err != nil || h.Len() != maxHistory || h.At(0) != "b" || h.At(maxHistory-1) != "a" {
			t.Fatalf("%d entries, %v", h.Len(), err)
		}
	}
}
