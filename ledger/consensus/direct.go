package consensus

import (
	"bytes"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/consensus/secp256k1"
)

// direct says whether an input spends its output in one of the two ways that nearly all do, P2WPKH with a signature over
// everything (BIP143) or a P2TR key without an annex (BIP341), and does so validly. What it passes the script engine
// passes, by the same hashes but several times faster; of what it does not, the engine is the judge.
func (in input) direct(prev *wire.TxOut, fetcher txscript.PrevOutputFetcher, cache *txscript.SigCache) bool {
	tx := in.tx.MsgTx()
	at := tx.TxIn[in.at]
	if len(at.SignatureScript) > 0 {
		return false
	}
	switch w := at.Witness; {
	case len(w) == 2 && txscript.IsPayToWitnessPubKeyHash(prev.PkScript):
		sig, key := w[0], w[1]
		if len(sig) == 0 || txscript.SigHashType(sig[len(sig)-1]) != txscript.SigHashAll || !bytes.Equal(address.Hash160(key), prev.PkScript[2:]) {
			return false
		}
		hash, err := txscript.CalcWitnessSigHash(prev.PkScript, in.hashes(), txscript.SigHashAll, tx, in.at, prev.Value)
		return err == nil && signed(hash, sig[:len(sig)-1], key, secp256k1.VerifyECDSA, cache)
	case len(w) == 1 && len(w[0]) == 64 && txscript.IsPayToTaproot(prev.PkScript):
		hash, err := txscript.CalcTaprootSignatureHash(in.hashes(), txscript.SigHashDefault, tx, in.at, fetcher)
		return err == nil && signed(hash, w[0], prev.PkScript[2:], secp256k1.VerifySchnorr, cache)
	}
	return false
}

// signed looks for a signature among those found good before, under the key the script engine gives it, and else checks
// it.
func signed(hash, sig, key []byte, verify func(key, sig, hash []byte) bool, cache *txscript.SigCache) bool {
	if cache == nil {
		return verify(key, sig, hash)
	}
	id := chainhash.Hash(hash)
	if cache.Exists(id, sig, key) {
		return true
	}
	if !verify(key, sig, hash) {
		return false
	}
	cache.Add(id, bytes.Clone(sig), bytes.Clone(key)) // slices of a whole transaction and of a coin
	return true
}
