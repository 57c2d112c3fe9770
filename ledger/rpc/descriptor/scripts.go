package descriptor

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
)

// Output is an output script, and what it takes to spend it besides signatures.
type Output struct {
	Script  []byte
	Redeem  []byte // under P2SH; nil: none
	Witness []byte // under P2WSH; nil: none
	Private []*btcec.PrivateKey
}

// Outputs are the scripts that the descriptor stands for at a number of its range: one, or what combo makes.
func (d *Descriptor) Outputs(index uint32) ([]Output, error) {
	if d.inner != nil {
		return d.wrap(index)
	}
	var publics [][]byte
	var privates []*btcec.PrivateKey
	for _, k := range d.keys {
		pub, priv, err := k.at(index)
		if err != nil {
			return nil, err
		}
		publics = append(publics, pub)
		if priv != nil {
			privates = append(privates, priv)
		}
	}
	var outs []Output
	switch d.function {
	case "addr", "raw":
		outs = []Output{{Script: d.script}}
	case "pk":
		outs = []Output{{Script: payToKey(publics[0])}}
	case "pkh":
		outs = []Output{{Script: payToKeyHash(publics[0])}}
	case "wpkh":
		outs = []Output{{Script: program(0, address.Hash160(publics[0]))}}
	case "combo":
		outs = []Output{{Script: payToKey(publics[0])}, {Script: payToKeyHash(publics[0])}}
		if len(publics[0]) == btcec.PubKeyBytesLenCompressed {
			w := program(0, address.Hash160(publics[0]))
			outs = append(outs, Output{Script: w}, Output{Script: payToScriptHash(w), Redeem: w})
		}
	case "tr", "rawtr":
		script, err := d.taproot(publics[0])
		if err != nil {
			return nil, err
		}
		outs = []Output{{Script: script}}
	default: // multi, sortedmulti
		if d.function == "sortedmulti" {
			slices.SortFunc(publics, bytes.Compare)
		}
		outs = []Output{{Script: payToMulti(d.required, publics)}}
	}
	for i := range outs {
		outs[i].Private = privates
	}
	return outs, nil
}

// wrap pays to the hash of what is within.
func (d *Descriptor) wrap(index uint32) ([]Output, error) {
	outs, err := d.inner.Outputs(index)
	for i, o := range outs {
		if d.function == "sh" {
			outs[i].Redeem, outs[i].Script = o.Script, payToScriptHash(o.Script)
		} else {
			hash := sha256.Sum256(o.Script)
			outs[i].Witness, outs[i].Script = o.Script, program(0, hash[:])
		}
	}
	return outs, err
}

func (d *Descriptor) taproot(public []byte) ([]byte, error) {
	k, err := schnorr.ParsePubKey(public[len(public)-schnorr.PubKeyBytesLen:])
	if err != nil {
		return nil, refuse("Pubkey '%x' is invalid", public)
	}
	if d.function == "tr" {
		k = txscript.ComputeTaprootKeyNoScript(k)
	}
	return program(1, schnorr.SerializePubKey(k)), nil
}

// The scripts below are short enough for every push to be one byte and the data.

func payToKey(public []byte) []byte {
	return append(push(nil, public), txscript.OP_CHECKSIG)
}

func payToKeyHash(public []byte) []byte {
	s := push([]byte{txscript.OP_DUP, txscript.OP_HASH160}, address.Hash160(public))
	return append(s, txscript.OP_EQUALVERIFY, txscript.OP_CHECKSIG)
}

func payToScriptHash(script []byte) []byte {
	return append(push([]byte{txscript.OP_HASH160}, address.Hash160(script)), txscript.OP_EQUAL)
}

func payToMulti(required int, publics [][]byte) []byte {
	b := txscript.NewScriptBuilder().AddInt64(int64(required))
	for _, k := range publics {
		b.AddData(k)
	}
	s, _ := b.AddInt64(int64(len(publics))).AddOp(txscript.OP_CHECKMULTISIG).Script() // far below the longest script
	return s
}

func program(version byte, data []byte) []byte {
	op := byte(txscript.OP_0)
	if version > 0 {
		op = txscript.OP_1 - 1 + version
	}
	return push([]byte{op}, data)
}

func push(s, data []byte) []byte { return append(append(s, byte(len(data))), data...) }
