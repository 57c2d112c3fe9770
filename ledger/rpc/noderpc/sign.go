package noderpc

import (
	"bytes"
	"context"
	"errors"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
)

func (n *node) signMethods() rpc.Methods {
	return rpc.Methods{
		"signrawtransactionwithkey": {Params: []string{"hexstring", "privkeys", "prevtxs", "sighashtype"},
			Help: "signrawtransactionwithkey \"hexstring\" [\"privatekey\",...] ( [{\"txid\":\"hex\",\"vout\":n,\"scriptPubKey\":\"hex\",\"redeemScript\":\"hex\"," +
				"\"witnessScript\":\"hex\",\"amount\":amount},...] \"sighashtype\" )\n\nSign a transaction's inputs. Outputs that the chain and the memory pool " +
				"don't have are described in prevtxs.", Do: n.signWithKey},
		"combinerawtransaction": {Params: []string{"txs"},
			Help: "combinerawtransaction [\"hexstring\",...]\n\nPut together what several have signed of one transaction.", Do: n.combine},
	}
}

var errMissingOutput = errors.New("Input not found or already spent") //nolint:staticcheck // Bitcoin Core's words

// prevTx describes an output.
type prevTx struct {
	outPoint
	Script  string           `json:"scriptPubKey"`
	Redeem  string           `json:"redeemScript"`
	Witness string           `json:"witnessScript"`
	Amount  *rpc.NonNegative `json:"amount"`
}

// signError tells why an input is not complete.
type signError struct {
	TxID      string   `json:"txid"`
	Vout      uint32   `json:"vout"`
	Witness   []string `json:"witness"`
	ScriptSig string   `json:"scriptSig"`
	Sequence  uint32   `json:"sequence"`
	Error     string   `json:"error"`
}

type signResult struct {
	Hex      string      `json:"hex"`
	Complete bool        `json:"complete"`
	Errors   []signError `json:"errors,omitempty"`
}

func (n *node) signWithKey(_ context.Context, a rpc.Args) (any, error) {
	tx, err := needTx(a)
	if err != nil {
		return nil, err
	}
	keys, err := rpc.Need[[]string](a, 1, "privkeys")
	if err != nil {
		return nil, err
	}
	prevs, err := rpc.Arg(a, 2, []prevTx(nil))
	if err != nil {
		return nil, err
	}
	kind, err := sigHashType(a, 3)
	if err != nil {
		return nil, err
	}
	spent, err := n.spentBy(tx)
	if err != nil {
		return nil, err
	}
	var scripts [][]byte
	for _, p := range prevs {
		more, err := p.add(spent)
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, more...)
	}
	s := newSigner(tx, spent)
	s.scripts, s.hashType = append(s.scripts, scripts...), kind
	for _, k := range keys {
		wif, err := n.privateKey(k)
		if err != nil {
			return nil, err
		}
		s.addKey(wif.PrivKey, wif.CompressPubKey)
	}
	return s.finish(tx.Copy()), nil
}

// finish signs all inputs and says which are complete. The versions may be signed in part.
func (s *signer) finish(versions ...*wire.MsgTx) signResult {
	j := signResult{Complete: true}
	for i, in := range s.tx.TxIn {
		s.sign(i, versions...)
		if err := s.check(i); err != nil {
			e := signError{TxID: in.PreviousOutPoint.Hash.String(), Vout: in.PreviousOutPoint.Index, Witness: []string{},
				ScriptSig: hexOf(in.SignatureScript), Sequence: in.Sequence, Error: err.Error()}
			for _, w := range in.Witness {
				e.Witness = append(e.Witness, hexOf(w))
			}
			j.Complete, j.Errors = false, append(j.Errors, e)
		}
	}
	j.Hex = txjson.Hex(s.tx)
	return j
}

// spentBy are the outputs that a transaction spends, those that are there.
func (n *node) spentBy(tx *wire.MsgTx) (map[wire.OutPoint]*wire.TxOut, error) {
	spent := map[wire.OutPoint]*wire.TxOut{}
	for _, in := range tx.TxIn {
		c, err := n.output(in.PreviousOutPoint)
		if err != nil {
			return nil, err
		}
		if c != nil {
			spent[in.PreviousOutPoint] = &c.Out
		}
	}
	return spent, nil
}

// add puts a described output among those spent, and returns the scripts that it may pay to by their hash.
func (p prevTx) add(spent map[wire.OutPoint]*wire.TxOut) (scripts [][]byte, err error) {
	at, err := p.parse()
	if err != nil {
		return nil, err
	}
	script, err := rpc.ParseHex("scriptPubKey", p.Script)
	if err != nil {
		return nil, err
	}
	old := spent[at]
	if old != nil && !bytes.Equal(old.PkScript, script) {
		return nil, rpc.Errorf(rpc.CodeDeserialization, "Previous output scriptPubKey mismatch:\n%s\nvs:\n%s",
			txjson.Asm(old.PkScript, false), txjson.Asm(script, false))
	}
	out := wire.NewTxOut(0, script)
	switch kind := txjson.Type(script); {
	case p.Amount != nil:
		out.Value = int64(*p.Amount)
	case old != nil:
		out.Value = old.Value
	case txscript.IsWitnessProgram(script) || kind == txjson.ScriptHash && p.Witness != "":
		return nil, rpc.Errorf(rpc.CodeType, "Missing amount for CTxOut with scriptPubKey=%s", p.Script)
	case kind == txjson.ScriptHash && p.Redeem == "":
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Missing redeemScript/witnessScript")
	}
	spent[at] = out
	for _, s := range []struct{ name, hex string }{{"redeemScript", p.Redeem}, {"witnessScript", p.Witness}} {
		if s.hex == "" {
			continue
		}
		script, err := rpc.ParseHex(s.name, s.hex)
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, script, wrapped(script))
	}
	return scripts, nil
}

// wrapped is the witness program that pays to a script.
func wrapped(script []byte) []byte {
	inner, ok := segwitOf(script, txjson.NonStandard)
	if !ok {
		return nil
	}
	return inner
}

// sigHashType is parameter i, what signatures cover.
func sigHashType(a rpc.Args, i int) (txscript.SigHashType, error) {
	s, err := rpc.Arg(a, i, "DEFAULT")
	if err != nil {
		return 0, err
	}
	for name, kind := range map[string]txscript.SigHashType{
		"DEFAULT": txscript.SigHashDefault, "ALL": txscript.SigHashAll, "NONE": txscript.SigHashNone, "SINGLE": txscript.SigHashSingle,
		"ALL|ANYONECANPAY":    txscript.SigHashAll | txscript.SigHashAnyOneCanPay,
		"NONE|ANYONECANPAY":   txscript.SigHashNone | txscript.SigHashAnyOneCanPay,
		"SINGLE|ANYONECANPAY": txscript.SigHashSingle | txscript.SigHashAnyOneCanPay,
	} {
		if s == name {
			return kind, nil
		}
	}
	return 0, rpc.Errorf(rpc.CodeInvalidParameter, "'%s' is not a valid sighash parameter.", shorten(s))
}

func (n *node) combine(_ context.Context, a rpc.Args) (any, error) {
	hexes, err := rpc.Need[[]string](a, 0, "txs")
	if err != nil {
		return nil, err
	}
	var versions []*wire.MsgTx
	for i, s := range hexes {
		tx, err := txjson.Parse(s)
		if err != nil {
			return nil, rpc.Errorf(rpc.CodeDeserialization, "TX decode failed for tx %d. Make sure the tx has at least one input.", i)
		}
		if i > 0 && !sameButForScripts(tx, versions[0]) {
			return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Transaction %d is another than the first", i)
		}
		versions = append(versions, tx)
	}
	if len(versions) == 0 {
		return nil, rpc.Errorf(rpc.CodeDeserialization, "Missing transactions")
	}
	tx := versions[0].Copy()
	spent, err := n.spentBy(tx)
	if err != nil {
		return nil, err
	}
	for _, in := range tx.TxIn {
		if spent[in.PreviousOutPoint] == nil {
			return nil, rpc.Errorf(rpc.CodeVerify, "Input not found or already spent")
		}
	}
	s := newSigner(tx, spent)
	for i, in := range tx.TxIn {
		s.sign(i, versions...)
		script, witness := in.SignatureScript, in.Witness
		for k := 0; s.check(i) != nil; k++ { // one that is complete by itself will do
			if k == len(versions) {
				in.SignatureScript, in.Witness = script, witness
				break
			}
			in.SignatureScript, in.Witness = versions[k].TxIn[i].SignatureScript, versions[k].TxIn[i].Witness
		}
	}
	return txjson.Hex(tx), nil
}

// sameButForScripts says whether two transactions differ in what their inputs carry at most.
func sameButForScripts(a, b *wire.MsgTx) bool {
	bare := func(tx *wire.MsgTx) *wire.MsgTx {
		c := tx.Copy()
		for _, in := range c.TxIn {
			in.SignatureScript, in.Witness = nil, nil
		}
		return c
	}
	return bare(a).TxHash() == bare(b).TxHash()
}
