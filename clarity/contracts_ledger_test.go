package clarity_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"funai/clarity/session"
	"funai/clarity/vm"
)

// payment is a ledger transaction: coins to a script, and an OP_RETURN output with a tag. The salt makes it another one.
type payment struct {
	salt   uint32
	script []byte
	coins  uint64
	tag    []byte
}

func (p payment) outputs() []vm.TxOut {
	return []vm.TxOut{{Value: p.coins, Script: p.script}, {Script: append([]byte{0x6a, 0x20}, p.tag...)}}
}

// raw is the transaction in Bitcoin's format: version, one input, outputs, lock time.
func (p payment) raw() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 2)
	b = append(append(b, 1), make([]byte, 32)...)
	b = append(binary.LittleEndian.AppendUint32(b, p.salt), 0)
	b = append(binary.LittleEndian.AppendUint32(b, 0xffffffff), byte(len(p.outputs())))
	for _, o := range p.outputs() {
		b = append(binary.LittleEndian.AppendUint64(b, o.Value), byte(len(o.Script)))
		b = append(b, o.Script...)
	}
	return append(b, 0, 0, 0, 0)
}

func hashTwice(b []byte) [32]byte {
	h := sha256.Sum256(b)
	return sha256.Sum256(h[:])
}

func (p payment) tx() vm.BurnTx { return vm.BurnTx{TxID: hashTwice(p.raw()), Outputs: p.outputs()} }

func buffer(b []byte) string { return "0x" + hex.EncodeToString(b) }

var shopScript = append([]byte{0x00, 0x14}, bytes.Repeat([]byte{0xab}, 20)...)

// sale is a world with an invoice over 1,000 coins, for 50 tokens from dora to bob.
func sale(t *testing.T) (w *world, tag []byte) {
	t.Helper()
	w = newWorld(t, session.Options{Ledger: true}, "ft-trait", "token", "ledger-sale")
	w.must("(ok true)", "dora", "token.mint", "u100", "@dora")
	w.must("(ok u1)", "dora", "ledger-sale.open", "@bob", buffer(shopScript), "u1000", "u50", "u100")
	return w, w.read("ledger-sale.get-tag", "u1").Octets()
}

func TestLedgerPaymentReleasesTokensOnce(t *testing.T) {
	w, tag := sale(t)
	height := w.s.MineLedger(
		payment{0, shopScript, 1000, make([]byte, 32)}.tx(),
		payment{1, shopScript, 999, tag}.tx(),
		payment{2, []byte{0x51}, 1000, tag}.tx(),
		payment{3, shopScript, 1001, tag}.tx(),
	)
	show := func(want string, index, output uint64) {
		t.Helper()
		w.must(want, "carol", "ledger-sale.settle", "u1", u(height), u(index), u(output))
	}
	show("(err u106)", 3, 0)
	w.s.Mine(6)
	w.must("(err u107)", "carol", "ledger-sale.settle", "u1", "u1", "u0", "u0") // before the invoice
	w.must("(err u101)", "carol", "ledger-sale.settle", "u2", u(height), "u3", "u0")
	show("(err u108)", 4, 0)
	show("(err u109)", 3, 2)
	show("(err u112)", 0, 0)
	show("(err u111)", 1, 0)
	show("(err u110)", 2, 0)
	show("(err u110)", 3, 1) // the tag's own output
	w.conserved()
	show("(ok true)", 3, 0)
	show("(err u103)", 3, 0)
	if got := w.tokens("token", "@bob"); got != 50 {
		t.Fatalf("bob has %d tokens, not 50", got)
	}
	if got := w.tokens("token", "@.ledger-sale"); got != 0 {
		t.Fatalf("%d tokens are left in the contract", got)
	}
	txid := payment{3, shopScript, 1001, tag}.tx().TxID
	if got := w.read("ledger-sale.paid-by", buffer(txid[:]), "u0").String(); got != "(some u1)" {
		t.Fatalf("paid-by = %s", got)
	}
	w.conserved()
}

func TestLedgerSaleRefusesBadInvoices(t *testing.T) {
	w, _ := sale(t)
	w.must("(err u114)", "dora", "ledger-sale.open", "@bob", buffer(shopScript), "u0", "u50", "u100")
	w.must("(err u114)", "dora", "ledger-sale.open", "@bob", "0x", "u1", "u50", "u100")
	w.must("(err u104)", "dora", "ledger-sale.open", "@bob", buffer(shopScript), "u1", "u50", "u1")
	w.must("(err u1)", "dora", "ledger-sale.open", "@bob", buffer(shopScript), "u1", "u51", "u100") // 50 are left
	w.must("(err u1)", "bob", "ledger-sale.open", "@bob", buffer(shopScript), "u1", "u1", "u100")
	w.must("(err u101)", "dora", "ledger-sale.cancel", "u2")
	w.must("(err u102)", "bob", "ledger-sale.cancel", "u1")
	w.must("(err u105)", "dora", "ledger-sale.cancel", "u1")
	w.s.Mine(100)
	w.must("(ok true)", "dora", "ledger-sale.cancel", "u1")
	w.must("(err u103)", "dora", "ledger-sale.cancel", "u1")
	if got := w.tokens("token", "@dora"); got != 100 {
		t.Fatalf("dora has %d tokens, not 100", got)
	}
	w.conserved()
}

// TestLedgerPaymentPaysOneInvoice puts the tags of two invoices beside one output.
func TestLedgerPaymentPaysOneInvoice(t *testing.T) {
	w, first := sale(t)
	w.must("(ok u2)", "dora", "ledger-sale.open", "@carol", buffer(shopScript), "u1000", "u0", "u100") // a bill for no tokens
	second := w.read("ledger-sale.get-tag", "u2").Octets()
	if bytes.Equal(first, second) {
		t.Fatal("two invoices have one tag")
	}
	tx := payment{9, shopScript, 1000, first}.tx()
	tx.Outputs = append(tx.Outputs, vm.TxOut{Script: append([]byte{0x6a, 0x20}, second...)}, vm.TxOut{Value: 1000, Script: shopScript})
	height := w.s.MineLedger(tx)
	w.s.Mine(6)
	w.must("(ok true)", "bob", "ledger-sale.settle", "u1", u(height), "u0", "u0")
	w.must("(err u113)", "bob", "ledger-sale.settle", "u2", u(height), "u0", "u0")
	r := w.must("(ok true)", "bob", "ledger-sale.settle", "u2", u(height), "u0", "u3") // another output is another payment
	if len(r.Events) != 1 || r.Events[0].Kind != vm.EventPrint {
		t.Fatalf("events of a bill for no tokens: %v", r.Events)
	}
	invoice := w.read("ledger-sale.get-invoice", "u2").Inner()
	if state, _ := invoice.Field("state"); string(state.Octets()) != "paid" {
		t.Fatalf("the bill is %s", state)
	}
	w.conserved()
}

// TestLedgerPaymentIsProvedByItsBytes shows payments with the hashes beside their way to the Merkle root.
func TestLedgerPaymentIsProvedByItsBytes(t *testing.T) {
	w, tag := sale(t)
	good, poor := payment{1, shopScript, 1000, tag}, payment{2, shopScript, 999, tag}
	untagged, elsewhere := payment{3, shopScript, 1000, make([]byte, 32)}, payment{4, []byte{0x51}, 1000, tag}
	all := []payment{poor, good, untagged, elsewhere}
	txs := make([]vm.BurnTx, len(all))
	for i, p := range all {
		txs[i] = p.tx()
	}
	height := w.s.MineLedger(txs...)
	pair := func(i int) [32]byte { return hashTwice(append(txs[i].TxID[:], txs[i+1].TxID[:]...)) }
	show := func(want string, p payment, index int, outputs ...uint64) {
		t.Helper()
		beside := txs[index^1].TxID
		above := pair(2 - index/2*2)
		siblings := fmt.Sprintf("(list %s %s)", buffer(beside[:]), buffer(above[:]))
		args := []string{"u1", u(height), buffer(p.raw()), siblings, u(uint64(index))}
		for _, o := range outputs {
			args = append(args, u(o))
		}
		w.must(want, "carol", "ledger-sale.settle-with-proof", args...)
	}
	show("(err u106)", good, 1, 0, 1)
	w.s.Mine(6)
	show("(err u115)", good, 0, 0, 1) // another's place
	show("(err u115)", payment{5, shopScript, 1000, tag}, 1, 0, 1)
	show("(err u109)", good, 1, 2, 1)
	show("(err u112)", good, 1, 0, 2)
	show("(err u112)", good, 1, 0, 0)
	show("(err u112)", untagged, 2, 0, 1)
	show("(err u110)", elsewhere, 3, 0, 1)
	show("(err u111)", poor, 0, 0, 1)
	w.must("(err u108)", "carol", "ledger-sale.settle-with-proof", "u1", u(height), "0x00", "(list)", "u0", "u0", "u1")
	show("(ok true)", good, 1, 0, 1)
	show("(err u103)", good, 1, 0, 1)
	if got := w.tokens("token", "@bob"); got != 50 {
		t.Fatalf("bob has %d tokens, not 50", got)
	}
	w.conserved()
}

// TestLedgerSaleNeedsTheLedger: the words are there only on a chain that says so.
func TestLedgerSaleNeedsTheLedger(t *testing.T) {
	w := newWorld(t, session.Options{}, "ft-trait", "token")
	_, err := w.s.Deploy("ledger-sale", sourceOf(t, "ledger-sale"), 0)
	if err == nil || !strings.Contains(err.Error(), "ledger-tx?") {
		t.Fatalf("deployed where contracts can't read the ledger: %v", err)
	}
}
