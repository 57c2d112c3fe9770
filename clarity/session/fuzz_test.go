package session_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"funai/clarity/cost"
	"funai/clarity/internal/diff"
	"funai/clarity/session"
	"funai/clarity/types"
	"funai/clarity/value"
)

// pieces are what a fuzzer puts into contracts: it would take it long to find words by itself.
var pieces = []string{
	"(", ")", "{a: ", "}", " ", "u1", "-1", "0x", "none", "true", "tx-sender", "contract-caller", ".c0", ".c1", "'ST000000000000000000002AMW42H",
	"(begin ", "(let ((x ", "(if ", "(list ", "(some ", "(ok ", "(err ", "(try! ", "(unwrap! ", "(unwrap-panic ", "(match ", "(asserts! ",
	"(map + ", "(map f ", "(fold + ", "(filter not ", "(append ", "(concat ", "(as-max-len? ", "(slice? ", "(element-at? ", "(index-of? ", "(replace-at? ",
	"(merge ", "(get a ", "(tuple (a ", "(default-to ", "(print ", "(at-block 0x", "(as-contract ", "(as-contract? ((with-stx u1)) ",
	"(restrict-assets? tx-sender ((with-stx u1)) ", "(stx-transfer? u1 tx-sender ", "(stx-burn? u1 tx-sender)", "(contract-call? .c0 f ",
	"(to-consensus-buff? ", "(from-consensus-buff? (list 8 (optional int)) ", "(string-to-int? ", "(int-to-ascii ", "(to-ascii? ", "(sha256 ", "(pow ",
	"(define-constant k ", "(define-data-var v (list 4 int) ", "(define-map m int ", "(define-public (f (x (list 4 (optional int)))) ",
	"(define-private (f (x int)) ", "(define-read-only (f) ", "(define-trait t ((f (int) (response int int)))) ", "(use-trait t .c0.t)", "<t>",
	"(impl-trait .c0.t)", "(var-get v)", "(var-set v ", "(map-set m ", "(map-get? m ", "(ft-mint? t u1 ", "(nft-mint? n 1 ", "stx-liquid-supply", "block-height",
}

// altered is a text with what edits say done to it: each takes four bytes, which say what and where.
func altered(text string, edits []byte) string {
	for ; len(edits) >= 4; edits = edits[4:] {
		at := (int(edits[1])<<8 | int(edits[2])) % (len(text) + 1)
		n := min(int(edits[3]), len(text)-at)
		switch op := int(edits[0]); op {
		case 0: // out
			text = text[:at] + text[at+n:]
		case 1: // twice
			text = text[:at+n] + text[at:]
		default:
			p := pieces[op%len(pieces)]
			text = text[:at] + strings.Repeat(p, 1+n%3) + text[at:]
		}
	}
	return text
}

// FuzzSession plays random programs, altered: nothing may panic, every step must end within its limit, a second play must give
// the same, and coins may neither come to be nor get lost.
func FuzzSession(f *testing.F) {
	for seed := range uint64(12) {
		f.Add(seed, uint8(seed), []byte{})
		f.Add(seed, uint8(seed), []byte{byte(20 + seed), 0, byte(40 * seed), 9, 1, 0, 99, 30})
	}
	epochs := types.Epochs()
	f.Fuzz(func(t *testing.T, seed uint64, epoch uint8, edits []byte) {
		if len(edits) > 64 {
			edits = edits[:64]
		}
		p := diff.Generate(seed, epochs[int(epoch)%len(epochs)])
		for i := range p.Contracts {
			p.Contracts[i].Source = altered(p.Contracts[i].Source, edits[len(edits)*i/len(p.Contracts):])
		}
		p.Limit = cost.Cost{Runtime: 2_000_000, ReadCount: 1000, ReadLength: 2_000_000, WriteCount: 1000, WriteLength: 1_000_000}
		first := play(t, p.Script)
		if second := play(t, p.Script); second != first {
			t.Fatalf("%s\nand then\n%s", first, second)
		}
	})
}

// play plays a script, holds it to the law that coins are moved and burned alone, and returns all that came of it but times.
func play(t *testing.T, script session.Script) string {
	t.Helper()
	supply := value.Uint128{}
	owners := map[string]bool{}
	for who, n := range script.Balances {
		u, err := value.ParseUint128(n)
		if err != nil {
			t.Fatal(err)
		}
		supply, _ = supply.Add(u)
		owners[who] = true
	}
	r, err := session.Play(script)
	if err != nil {
		t.Fatal(err)
	}
	burned := value.Uint128{}
	for _, o := range slices.Concat(r.Deploys, r.Calls) {
		if o.Costs != nil && o.Costs.Total.Exceeds(&script.Limit) {
			t.Fatalf("%+v costs more than %+v", o, script.Limit)
		}
		raw, err := json.Marshal(o.Events)
		if err != nil {
			t.Fatal(err)
		}
		var events []struct {
			Event string
			Data  struct{ Amount, Recipient string }
		}
		if err := json.Unmarshal(raw, &events); err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			switch e.Event {
			case "stx_transfer_event":
				owners[e.Data.Recipient] = true
			case "stx_burn_event":
				n, err := value.ParseUint128(e.Data.Amount)
				if err != nil {
					t.Fatal(err)
				}
				burned, _ = burned.Add(n)
			}
		}
	}
	names := slices.Sorted(maps.Keys(owners))
	probe := script
	probe.Calls = append(slices.Clone(script.Calls), session.Action{Fn: "eval", Snippet: "stx-liquid-supply"})
	for _, who := range names {
		probe.Calls = append(probe.Calls, session.Action{Fn: "eval", Snippet: "(stx-get-balance '" + who + ")"})
	}
	probed, err := session.Play(probe)
	if err != nil {
		t.Fatal(err)
	}
	after := probed.Calls[len(script.Calls):]
	sum := value.Uint128{}
	for _, o := range after[1:] {
		n, err := value.ParseUint128(strings.TrimPrefix(o.Pretty, "u"))
		if err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
		sum, _ = sum.Add(n)
	}
	if left, _ := supply.Sub(burned); after[0].Pretty != "u"+left.String() || sum != left {
		t.Fatalf("%v coins, %v burned: the supply is %v, and %v have %v", supply, burned, after[0].Pretty, names, sum)
	}
	var b strings.Builder
	for _, o := range slices.Concat(r.Deploys, r.Calls) {
		o.MS, o.Min, o.Median = 0, 0, 0
		raw, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", raw)
	}
	return b.String()
}
