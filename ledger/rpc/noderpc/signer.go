package noderpc

import (
	"bytes"
	"crypto/sha256"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/rpc/txjson"
)

// signer makes the input scripts and witnesses of one transaction, from private keys and from what was signed before.
type signer struct {
	tx       *wire.MsgTx
	spent    txscript.PrevOutputFetcher
	hashes   *txscript.TxSigHashes
	keys     map[string]*btcec.PrivateKey // by public key, as it stands in scripts
	scripts  [][]byte                     // that outputs may pay to by their hash
	hashType txscript.SigHashType         // SigHashDefault: all, by the short form where there is one
}

func newSigner(tx *wire.MsgTx, spent map[wire.OutPoint]*wire.TxOut) *signer {
	f := txscript.NewMultiPrevOutFetcher(spent)
	return &signer{tx: tx, spent: f, hashes: txscript.NewTxSigHashes(tx, whole{f}), keys: map[string]*btcec.PrivateKey{}}
}

// whole has some output for every input, as the making of hashes needs it; what is signed by those of unknown outputs is
// never used.
type whole struct{ txscript.PrevOutputFetcher }

func (w whole) FetchPrevOutput(o wire.OutPoint) *wire.TxOut {
	if out := w.PrevOutputFetcher.FetchPrevOutput(o); out != nil {
		return out
	}
	return &wire.TxOut{}
}

// addKey adds a private key.
func (s *signer) addKey(k *btcec.PrivateKey, compressed bool) {
	if compressed {
		pub := k.PubKey().SerializeCompressed()
		s.keys[string(pub)] = k
		s.scripts = append(s.scripts, program(address.Hash160(pub))) // which P2SH may wrap
		return
	}
	s.keys[string(k.PubKey().SerializeUncompressed())] = k
}

// input is one input of the transaction, with all data in any earlier version of it, among which signatures and keys are.
type input struct {
	*signer
	at   int
	out  *wire.TxOut
	data [][]byte
}

// sign fills in an input as far as it can be. The versions are those of the same transaction that may be signed already.
func (s *signer) sign(at int, versions ...*wire.MsgTx) {
	in := input{signer: s, at: at, out: s.spent.FetchPrevOutput(s.tx.TxIn[at].PreviousOutPoint)}
	if in.out == nil {
		return
	}
	for _, v := range versions {
		pushed, err := txscript.PushedData(v.TxIn[at].SignatureScript)
		if err == nil {
			in.data = append(in.data, pushed...)
		}
		in.data = append(in.data, v.TxIn[at].Witness...)
	}
	script, witness, ok := in.solve()
	if !ok {
		return
	}
	s.tx.TxIn[at].SignatureScript, s.tx.TxIn[at].Witness = script, witness
}

// solve finds input script and witness; ok is false where nothing is to be added.
func (in *input) solve() (script []byte, witness wire.TxWitness, ok bool) {
	inner := in.out.PkScript
	var pushes [][]byte
	if txjson.Type(inner) == txjson.ScriptHash {
		redeem := in.scriptOf(inner[2:22], address.Hash160)
		if redeem == nil {
			return nil, nil, false
		}
		inner, pushes = redeem, [][]byte{redeem}
	}
	switch txjson.Type(inner) {
	case txjson.WitnessV1Taproot:
		witness = in.taproot(inner[2:])
		ok = witness != nil
	case txjson.WitnessV0KeyHash:
		witness, ok = in.stack(keyHashScript(inner[2:]), true)
	case txjson.WitnessV0ScriptHash:
		code := in.scriptOf(inner[2:], func(b []byte) []byte {
			sum := sha256.Sum256(b)
			return sum[:]
		})
		if code == nil {
			return nil, nil, false
		}
		if witness, ok = in.stack(code, true); ok {
			witness = append(witness, code)
		}
	default:
		var stack [][]byte
		stack, ok = in.stack(inner, false)
		pushes = append(stack, pushes...)
	}
	return inputScript(pushes), witness, ok
}

// inputScript pushes data, the empty one as the number 0.
func inputScript(pushes [][]byte) []byte {
	if len(pushes) == 0 {
		return nil
	}
	b := txscript.NewScriptBuilder()
	for _, p := range pushes {
		b.AddFullData(p)
	}
	script, err := b.Script()
	if err != nil {
		return nil
	}
	return script
}

func keyHashScript(hash []byte) []byte {
	s := append([]byte{txscript.OP_DUP, txscript.OP_HASH160, byte(len(hash))}, hash...)
	return append(s, txscript.OP_EQUALVERIFY, txscript.OP_CHECKSIG)
}

// scriptOf is a known script, or one in the data, with a hash.
func (in *input) scriptOf(hash []byte, of func([]byte) []byte) []byte {
	for _, list := range [][][]byte{in.scripts, in.data} {
		for _, s := range list {
			if bytes.Equal(of(s), hash) {
				return s
			}
		}
	}
	return nil
}

// stack is what satisfies a script of keys, as far as there are signatures; ok is false if there are none.
func (in *input) stack(script []byte, segwit bool) (stack wire.TxWitness, ok bool) {
	switch txjson.Type(script) {
	case txjson.PubKey:
		sig := in.signature(script[1:len(script)-1], script, segwit)
		return wire.TxWitness{sig}, sig != nil
	case txjson.PubKeyHash:
		pub := in.keyOf(script[3:23])
		sig := in.signature(pub, script, segwit)
		return wire.TxWitness{sig, pub}, sig != nil
	case txjson.MultiSig:
		required, _, err := txjson.CountMultiSig(script)
		keys, err2 := txscript.PushedData(script)
		if err != nil || err2 != nil {
			return nil, false
		}
		stack = wire.TxWitness{nil} // which OP_CHECKMULTISIG takes without looking
		for _, pub := range keys {
			if sig := in.signature(pub, script, segwit); sig != nil && len(stack) <= required {
				stack = append(stack, sig)
			}
		}
		return stack, len(stack) > 1
	}
	return nil, false
}

// keyOf is a public key, of a private key or in the data, with a hash.
func (in *input) keyOf(hash []byte) []byte {
	for pub := range in.keys {
		if bytes.Equal(address.Hash160([]byte(pub)), hash) {
			return []byte(pub)
		}
	}
	for _, d := range in.data {
		if bytes.Equal(address.Hash160(d), hash) {
			return d
		}
	}
	return nil
}

// signature signs, or finds the signature by a key in the data; nil if it can do neither.
func (in *input) signature(pub, script []byte, segwit bool) []byte {
	if k := in.keys[string(pub)]; k != nil {
		kind := in.hashType
		if kind == txscript.SigHashDefault {
			kind = txscript.SigHashAll
		}
		hash := in.hash(script, segwit, kind)
		if hash == nil {
			return nil
		}
		return append(ecdsa.Sign(k, hash).Serialize(), byte(kind))
	}
	key, err := btcec.ParsePubKey(pub)
	if err != nil {
		return nil
	}
	for _, d := range in.data {
		if len(d) < 9 {
			continue
		}
		sig, err := ecdsa.ParseDERSignature(d[:len(d)-1])
		if err != nil {
			continue
		}
		if hash := in.hash(script, segwit, txscript.SigHashType(d[len(d)-1])); hash != nil && sig.Verify(hash, key) {
			return d
		}
	}
	return nil
}

// hash is what is signed for a script.
func (in *input) hash(script []byte, segwit bool, kind txscript.SigHashType) []byte {
	var hash []byte
	var err error
	if segwit {
		hash, err = txscript.CalcWitnessSigHash(script, in.hashes, kind, in.tx, in.at, in.out.Value)
	} else {
		hash, err = txscript.CalcSignatureHash(script, kind, in.tx, in.at)
	}
	if err != nil {
		return nil
	}
	return hash
}

// taproot spends by the key, which commits to no scripts; nil if it is not known and nobody has done so before.
func (in *input) taproot(output []byte) wire.TxWitness {
	for _, k := range in.keys {
		if !bytes.Equal(schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(k.PubKey())), output) {
			continue
		}
		sig, err := txscript.RawTxInTaprootSignature(in.tx, in.hashes, in.at, in.out.Value, in.out.PkScript, []byte{}, in.hashType, k)
		if err != nil {
			return nil
		}
		return wire.TxWitness{sig}
	}
	return nil
}

// check runs an input's scripts.
func (s *signer) check(at int) error {
	out := s.spent.FetchPrevOutput(s.tx.TxIn[at].PreviousOutPoint)
	if out == nil {
		return errMissingOutput
	}
	vm, err := txscript.NewEngine(out.PkScript, s.tx, at, txscript.StandardVerifyFlags, nil, s.hashes, out.Value, s.spent)
	if err != nil {
		return err
	}
	return vm.Execute()
}
