package psbts

import (
	"bytes"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
)

// Missing is what an input lacks before it can be finished, as far as its script is of a known kind. Keys and redeem
// scripts are told by their 20-byte hashes, witness scripts by their 32-byte ones.
type Missing struct {
	PubKeys       [][]byte
	Signatures    [][]byte // by the key's hash
	RedeemScript  []byte
	WitnessScript []byte
}

// Empty says whether nothing is missing, or nobody can tell what.
func (m *Missing) Empty() bool { return m.unknown() == 0 && len(m.Signatures) == 0 }

// unknown counts what an updater has to add.
func (m *Missing) unknown() int {
	n := len(m.PubKeys)
	for _, s := range [][]byte{m.RedeemScript, m.WitnessScript} {
		if s != nil {
			n++
		}
	}
	return n
}

// lacks tells what an input lacks to meet a script, and whether it has all that it takes.
func lacks(in *psbt.PInput, script []byte) (m Missing, done bool) {
	if txscript.IsPayToScriptHash(script) {
		if in.RedeemScript == nil {
			m.RedeemScript = script[2:22]
			return m, false
		}
		script = in.RedeemScript
	}
	if txscript.IsPayToWitnessScriptHash(script) {
		if in.WitnessScript == nil {
			m.WitnessScript = script[2:34]
			return m, false
		}
		script = in.WitnessScript
	}
	switch {
	case txscript.IsPayToTaproot(script):
		return m, in.TaprootKeySpendSig != nil || len(in.TaprootScriptSpendSig) > 0
	case txscript.IsPayToWitnessPubKeyHash(script):
		return m, m.key(in, script[2:22])
	case txscript.IsPayToPubKeyHash(script):
		return m, m.key(in, script[3:23])
	}
	class, keys, required := multisig(script)
	if class == txscript.NonStandardTy {
		return m, len(in.PartialSigs) > 0
	}
	signatures := 0
	for _, k := range keys {
		hash := address.Hash160(k)
		if signedBy(in, hash) {
			signatures++
		} else {
			m.Signatures = append(m.Signatures, hash)
		}
	}
	if signatures >= required {
		return Missing{}, true
	}
	return m, false
}

// key adds what is missing of one key, and says whether nothing is.
func (m *Missing) key(in *psbt.PInput, hash []byte) bool {
	if signedBy(in, hash) {
		return true
	}
	for _, d := range in.Bip32Derivation {
		if bytes.Equal(address.Hash160(d.PubKey), hash) {
			m.Signatures = append(m.Signatures, hash)
			return false
		}
	}
	m.PubKeys = append(m.PubKeys, hash)
	return false
}

func signedBy(in *psbt.PInput, hash []byte) bool {
	for _, s := range in.PartialSigs {
		if bytes.Equal(address.Hash160(s.PubKey), hash) {
			return true
		}
	}
	return false
}

// multisig takes a script apart that names its keys, of which some must sign; txscript.NonStandardTy if it is none.
func multisig(script []byte) (class txscript.ScriptClass, keys [][]byte, required int) {
	class = txscript.GetScriptClass(script)
	if class != txscript.MultiSigTy && class != txscript.PubKeyTy {
		return txscript.NonStandardTy, nil, 0
	}
	t := txscript.MakeScriptTokenizer(0, script)
	for t.Next() {
		if len(t.Data()) > 0 {
			keys = append(keys, t.Data())
		}
	}
	required = 1
	if class == txscript.MultiSigTy {
		required = int(script[0]) - (txscript.OP_1 - 1)
	}
	return class, keys, required
}
