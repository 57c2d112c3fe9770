package ledger

import (
	"crypto/sha256"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// kind is a form of output.
type kind int

const (
	p2wpkh kind = iota
	p2tr        // spent with its key
	p2pkh
	p2wsh // two signatures of three
)

// owner has keys and can spend what is paid to them. All owners are the same one.
type owner struct {
	keys    [3]*btcec.PrivateKey
	scripts map[kind][]byte
	witness []byte // script of p2wsh
}

func newOwner(t testing.TB) *owner {
	o := &owner{scripts: map[kind][]byte{}}
	for i := range o.keys {
		o.keys[i], _ = btcec.PrivKeyFromBytes(append(make([]byte, 31), byte(i+1)))
	}
	var err error
	if o.scripts[p2tr], err = txscript.PayToTaprootScript(txscript.ComputeTaprootKeyNoScript(o.keys[0].PubKey())); err != nil {
		t.Fatal(err)
	}
	hash := address.Hash160(o.keys[0].PubKey().SerializeCompressed())
	multi := txscript.NewScriptBuilder().AddInt64(2)
	for _, k := range o.keys {
		multi.AddData(k.PubKey().SerializeCompressed())
	}
	o.witness = script(t, multi.AddInt64(3).AddOp(txscript.OP_CHECKMULTISIG))
	program := sha256.Sum256(o.witness)
	o.scripts[p2wpkh] = script(t, txscript.NewScriptBuilder().AddInt64(0).AddData(hash))
	o.scripts[p2wsh] = script(t, txscript.NewScriptBuilder().AddInt64(0).AddData(program[:]))
	o.scripts[p2pkh] = script(t, txscript.NewScriptBuilder().AddOp(txscript.OP_DUP).AddOp(txscript.OP_HASH160).AddData(hash).
		AddOp(txscript.OP_EQUALVERIFY).AddOp(txscript.OP_CHECKSIG))
	return o
}

func script(t testing.TB, b *txscript.ScriptBuilder) []byte {
	t.Helper()
	s, err := b.Script()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// coin is an output that its owner can spend.
type coin struct {
	at    wire.OutPoint
	value int64
	kind  kind
}

// sign fills in what unlocks the inputs of tx, which spend these coins in order.
func (o *owner) sign(tx *wire.MsgTx, coins []coin) (err error) {
	prev := txscript.NewMultiPrevOutFetcher(nil)
	for _, c := range coins {
		prev.AddPrevOut(c.at, &wire.TxOut{Value: c.value, PkScript: o.scripts[c.kind]})
	}
	hashes := txscript.NewTxSigHashes(tx, prev)
	for i, c := range coins {
		in, pay := tx.TxIn[i], o.scripts[c.kind]
		switch c.kind {
		case p2wpkh:
			in.Witness, err = txscript.WitnessSignature(tx, hashes, i, c.value, pay, txscript.SigHashAll, o.keys[0], true)
		case p2tr:
			in.Witness, err = txscript.TaprootWitnessSignature(tx, hashes, i, c.value, pay, txscript.SigHashDefault, o.keys[0])
		case p2pkh:
			in.SignatureScript, err = txscript.SignatureScript(tx, i, pay, txscript.SigHashAll, o.keys[0], true)
		case p2wsh:
			in.Witness, err = o.signMulti(tx, hashes, i, c.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *owner) signMulti(tx *wire.MsgTx, hashes *txscript.TxSigHashes, i int, value int64) (w wire.TxWitness, err error) {
	w = append(w, nil) // what OP_CHECKMULTISIG takes beyond its arguments
	for _, k := range o.keys[:2] {
		sig, err := txscript.RawTxInWitnessSignature(tx, hashes, i, value, o.witness, txscript.SigHashAll, k)
		if err != nil {
			return nil, err
		}
		w = append(w, sig)
	}
	return append(w, o.witness), nil
}
