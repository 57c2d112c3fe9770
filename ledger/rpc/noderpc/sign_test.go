package noderpc

import (
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
)

// wif is a key's private form on the dev network.
func (w *world) wif(number byte) string {
	w.Helper()
	k, err := btcutil.NewWIF(chaintest.Key(w, number).Secp256k1(), w.c.Params().Params, true)
	if err != nil {
		w.Fatal(err)
	}
	return k.String()
}

func (w *world) pub(number byte) string {
	return hexOf(chaintest.Key(w, number).Secp256k1().PubKey().SerializeCompressed())
}

// TestEveryKindOfOutputIsSpent pays to each kind of output by its descriptor, signs what spends it with the keys, and has a
// block confirm it.
func TestEveryKindOfOutputIsSpent(t *testing.T) {
	w := newWorld(t, 30, chain.Options{})
	multi := "multi(2," + w.pub(1) + "," + w.pub(2) + "," + w.pub(3) + ")"
	for i, desc := range []string{"pk(" + w.pub(1) + ")", "pkh(" + w.pub(1) + ")", "wpkh(" + w.pub(1) + ")", "sh(wpkh(" + w.pub(1) + "))", "tr(" + w.pub(1) + ")",
		multi, "sh(" + multi + ")", "wsh(" + multi + ")", "sh(wsh(" + multi + "))", "wsh(pkh(" + w.pub(1) + "))", "sh(pk(" + w.pub(1) + "))"} {
		d, err := (&node{p: w.c.Params()}).descriptor(desc, false)
		if err != nil {
			t.Fatal(err)
		}
		out, err := d.Outputs(0)
		if err != nil {
			t.Fatal(err)
		}
		pay := chaintest.Spend(t, w.k, w.coins[i], w.subsidy(), wire.NewTxOut(w.subsidy()-1000, out[0].Script))
		if _, err := w.pool.Accept(pay); err != nil {
			t.Fatalf("%s: %v", desc, err)
		}
		prev := map[string]any{"txid": pay.TxHash().String(), "vout": 0, "scriptPubKey": hexOf(out[0].Script), "amount": rpc.Amount(w.subsidy() - 1000)}
		if out[0].Redeem != nil {
			prev["redeemScript"] = hexOf(out[0].Redeem)
		}
		if out[0].Witness != nil {
			prev["witnessScript"] = hexOf(out[0].Witness)
		}
		raw := ask[string](w, "createrawtransaction", []any{map[string]any{"txid": pay.TxHash().String(), "vout": 0}},
			map[string]any{txjson.Address(w.c.Params(), chaintest.Script(w.k)): rpc.Amount(w.subsidy() - 10_000)})
		none := ask[signResult](w, "signrawtransactionwithkey", raw, []string{w.wif(9)}, []any{prev})
		if none.Complete || len(none.Errors) != 1 || none.Hex != raw {
			t.Errorf("%s with another key: %+v", desc, none)
		}
		signed := w.signed(desc, raw, prev)
		id := ask[string](w, "sendrawtransaction", signed)
		if again := ask[string](w, "sendrawtransaction", signed); again != id {
			t.Errorf("%s: sent again as %s", desc, again)
		}
		ask[[]string](w, "generatetodescriptor", 1, "raw(51)")
		w.refused(rpc.CodeVerifyAlreadyInUTXO, "Transaction outputs already in utxo set", "sendrawtransaction", `["`+signed+`"]`)
	}
}

// signed is a transaction signed with key 1, and with key 2 apart where that is needed, put together afterwards.
func (w *world) signed(desc, raw string, prev any) string {
	w.Helper()
	one := ask[signResult](w, "signrawtransactionwithkey", raw, []string{w.wif(1)}, []any{prev})
	if !strings.Contains(desc, "multi") {
		if !one.Complete || len(one.Errors) != 0 {
			w.Fatalf("%s: %+v", desc, one)
		}
		return one.Hex
	}
	if one.Complete {
		w.Errorf("%s is complete with one signature of two", desc)
	}
	two := ask[signResult](w, "signrawtransactionwithkey", raw, []string{w.wif(2)}, []any{prev})
	both := ask[string](w, "combinerawtransaction", []string{one.Hex, two.Hex})
	after := ask[signResult](w, "signrawtransactionwithkey", one.Hex, []string{w.wif(3)}, []any{prev})
	if !after.Complete {
		w.Errorf("%s signed by 1, then 3: %+v", desc, after)
	}
	if direct := ask[signResult](w, "signrawtransactionwithkey", raw, []string{w.wif(1), w.wif(2)}, []any{prev}); !direct.Complete || direct.Hex != both {
		w.Errorf("%s signed at once differs from signed apart: %+v", desc, direct)
	}
	return both
}

func TestSigningWithoutKnowingWhatIsSpent(t *testing.T) {
	w := newWorld(t, 12, chain.Options{})
	id := strings.Repeat("11", 32)
	raw := ask[string](w, "createrawtransaction", []any{map[string]any{"txid": id, "vout": 3}}, map[string]any{"data": "00ff"})
	got := ask[signResult](w, "signrawtransactionwithkey", raw, []string{w.wif(1)})
	if got.Complete || len(got.Errors) != 1 || got.Errors[0].TxID != id || got.Errors[0].Vout != 3 || got.Errors[0].Error != "Input not found or already spent" {
		t.Errorf("%+v", got)
	}
	w.refused(rpc.CodeVerify, "Input not found or already spent", "combinerawtransaction", `[["`+raw+`"]]`)
	script := hexOf(chaintest.Script(w.k))
	w.refused(rpc.CodeType, "Missing amount", "signrawtransactionwithkey", `["`+raw+`",["`+w.wif(1)+`"],[{"txid":"`+id+`","vout":3,"scriptPubKey":"`+script+`"}]]`)
	w.refused(rpc.CodeInvalidParameter, "Missing redeemScript/witnessScript", "signrawtransactionwithkey",
		`["`+raw+`",["`+w.wif(1)+`"],[{"txid":"`+id+`","vout":3,"scriptPubKey":"a914`+strings.Repeat("00", 20)+`87"}]]`)
	own := ask[string](w, "createrawtransaction", []any{map[string]any{"txid": w.coins[0].Hash.String(), "vout": 0}}, map[string]any{"data": "00"})
	w.refused(rpc.CodeDeserialization, "Previous output scriptPubKey mismatch", "signrawtransactionwithkey",
		`["`+own+`",["`+w.wif(1)+`"],[{"txid":"`+w.coins[0].Hash.String()+`","vout":0,"scriptPubKey":"51"}]]`)
	kind := ask[signResult](w, "signrawtransactionwithkey", own, []string{w.wif(1)}, []any{}, "SINGLE|ANYONECANPAY")
	tx, err := txjson.Parse(kind.Hex)
	if err != nil || !kind.Complete || tx.TxIn[0].Witness[0][len(tx.TxIn[0].Witness[0])-1] != 0x83 {
		t.Errorf("%+v, %v", kind, err)
	}
}

// TestCreateKeepsTheOrderOfOutputs though objects have none in most languages.
func TestCreateKeepsTheOrderOfOutputs(t *testing.T) {
	w := newWorld(t, 1, chain.Options{})
	a, b := txjson.Address(w.c.Params(), chaintest.Script(chaintest.Key(t, 7))), txjson.Address(w.c.Params(), chaintest.Script(chaintest.Key(t, 8)))
	raw, err := w.call("createrawtransaction", `[[{"txid":"`+strings.Repeat("11", 32)+`","vout":1,"sequence":5}],{"`+b+`":"0.1","data":"`+strings.Repeat("ab", 80)+`","`+a+`":2e-8},77,false]`)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := txjson.Parse(strings.Trim(string(raw), `"`))
	if err != nil || tx.LockTime != 77 || tx.TxIn[0].Sequence != 5 || tx.TxOut[0].Value != 1e7 || tx.TxOut[2].Value != 2 || len(tx.TxOut[1].PkScript) != 83 {
		t.Errorf("%+v, %v", tx, err)
	}
	for params, want := range map[string]uint32{`,{}]`: 0xfffffffd, `,{},5,false]`: 0xfffffffe, `,{},0,false]`: 0xffffffff} {
		raw, err := w.call("createrawtransaction", `[[{"txid":"`+strings.Repeat("11", 32)+`","vout":1}]`+params)
		if err != nil {
			t.Fatal(err)
		}
		if tx, err := txjson.Parse(strings.Trim(string(raw), `"`)); err != nil || tx.TxIn[0].Sequence != want {
			t.Errorf("%s: %+v, %v", params, tx, err)
		}
	}
	psbt := ask[string](w, "createpsbt", []any{}, map[string]any{a: "1"})
	if !strings.HasPrefix(psbt, "cHNidP8B") {
		t.Error(psbt)
	}
}

func TestMessagesAreSignedAndVerified(t *testing.T) {
	w := newWorld(t, 1, chain.Options{})
	sig := ask[string](w, "signmessagewithprivkey", w.wif(1), "hello")
	d, err := (&node{p: w.c.Params()}).descriptor("pkh("+w.pub(1)+")", false)
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Outputs(0)
	if err != nil {
		t.Fatal(err)
	}
	address := txjson.Address(w.c.Params(), out[0].Script)
	if !ask[bool](w, "verifymessage", address, sig, "hello") || ask[bool](w, "verifymessage", address, sig, "hallo") || ask[bool](w, "verifymessage", address, "AAAA", "hello") {
		t.Error("a message is verified wrongly")
	}
}

func TestPackagesEnterTogether(t *testing.T) {
	w := newWorld(t, 12, chain.Options{})
	parent := w.spend(0, 300)
	child := chaintest.Spend(t, w.k, wire.OutPoint{Hash: parent.TxHash()}, parent.TxOut[0].Value, wire.NewTxOut(parent.TxOut[0].Value-5000, chaintest.Script(w.k)))
	txs := []string{txjson.Hex(parent), txjson.Hex(child)}
	test := ask[[]acceptResult](w, "testmempoolaccept", txs)
	if len(test) != 2 || !*test[0].Allowed || !*test[1].Allowed || test[1].Fees.Base != 5000 {
		t.Errorf("%+v", test)
	}
	if got := ask[[]acceptResult](w, "testmempoolaccept", []string{txs[1], txs[0]}); got[0].PackageError == "" || got[0].Allowed != nil {
		t.Errorf("%+v", got)
	}
	if got := ask[[]acceptResult](w, "testmempoolaccept", txs[1:]); *got[0].Allowed || got[0].Reason != "missing-inputs" {
		t.Errorf("%+v", got)
	}
	got := ask[packageResult](w, "submitpackage", txs)
	if got.Message != "success" || len(got.Results) != 2 || got.Results[child.WitnessHash().String()].Fees.Base != 5000 || len(got.Replaced) != 0 {
		t.Errorf("%+v", got)
	}
	if n := ask[mempoolInfo](w, "getmempoolinfo").Size; n != 2 {
		t.Errorf("%d in the pool", n)
	}
	if got := ask[[]string](w, "getmempoolancestors", child.TxHash().String()); len(got) != 1 || got[0] != parent.TxHash().String() {
		t.Error(got)
	}
	if got := ask[map[string]mempoolEntry](w, "getmempooldescendants", parent.TxHash().String(), true); got[child.TxHash().String()].AncestorCount != 2 {
		t.Errorf("%+v", got)
	}
	better := w.spend(0, 50_000)
	if got := ask[packageResult](w, "submitpackage", []string{txjson.Hex(better)}); got.Message != "success" || len(got.Replaced) != 1 || got.Replaced[0] != parent.TxHash().String() {
		t.Errorf("%+v", got)
	}
}

// FuzzTransactions decodes, signs and combines whatever may come.
func FuzzTransactions(f *testing.F) {
	w := newWorld(f, 12, chain.Options{})
	f.Add(txjson.Hex(w.spend(0, 1000)))
	f.Add("0200000001" + strings.Repeat("11", 32) + "0000000000ffffffff0100000000000000000151" + "00000000")
	f.Add("00")
	n := &node{Node: Node{Chain: w.c, Pool: w.pool}, p: w.c.Params()}
	f.Fuzz(func(t *testing.T, s string) {
		tx, err := txjson.Parse(s)
		if err != nil {
			return
		}
		txjson.New(n.p, tx)
		spent, err := n.spentBy(tx)
		if err != nil {
			t.Fatal(err)
		}
		s2 := newSigner(tx, spent)
		s2.addKey(w.k.Secp256k1(), true)
		s2.finish(tx.Copy())
	})
}
