package consensus

import (
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"
)

// signedSpend is a transaction of one input, signed by a key, of P2WPKH or P2TR.
func signedSpend(t *rapid.T, seed []byte, taproot bool, hash txscript.SigHashType) (*wire.MsgTx, *wire.TxOut) {
	k, pub := btcec.PrivKeyFromBytes(seed)
	out := &wire.TxOut{Value: 1000, PkScript: append([]byte{txscript.OP_0, 20}, address.Hash160(pub.SerializeCompressed())...)}
	if taproot {
		out.PkScript, _ = txscript.PayToTaprootScript(txscript.ComputeTaprootKeyNoScript(pub))
	}
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: 7}, Sequence: 5})
	tx.AddTxOut(&wire.TxOut{Value: 900, PkScript: []byte{txscript.OP_TRUE}})
	fetcher := txscript.NewCannedPrevOutputFetcher(out.PkScript, out.Value)
	var err error
	if taproot {
		tx.TxIn[0].Witness, err = txscript.TaprootWitnessSignature(tx, txscript.NewTxSigHashes(tx, fetcher), 0, out.Value, out.PkScript, hash, k)
	} else {
		tx.TxIn[0].Witness, err = txscript.WitnessSignature(tx, txscript.NewTxSigHashes(tx, fetcher), 0, out.Value, out.PkScript, hash, k, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tx, out
}

// What is passed without running the script engine, the engine passes; and the usual spends are.
func TestDirectVerdictsAreTheScriptEngines(t *testing.T) {
	passed := map[bool]int{}
	rapid.Check(t, func(rt *rapid.T) {
		seed := sha256.Sum256(rapid.SliceOfN(rapid.Byte(), 1, 2).Draw(rt, "seed"))
		taproot := rapid.Bool().Draw(rt, "taproot")
		usual := txscript.SigHashAll
		if taproot {
			usual = txscript.SigHashDefault
		}
		hash := rapid.SampledFrom([]txscript.SigHashType{usual, usual, usual, txscript.SigHashAll, txscript.SigHashSingle, txscript.SigHashNone}).Draw(rt, "hash type")
		tx, out := signedSpend(rt, seed[:], taproot, hash)
		w := tx.TxIn[0].Witness
		byteOf := func(b []byte) *byte { return &b[rapid.IntRange(0, len(b)-1).Draw(rt, "at")] }
		fault := rapid.SampledFrom([]string{"none", "none", "witness", "script", "value", "sequence", "output", "signature script", "annex", "short"}).Draw(rt, "fault")
		switch fault {
		case "witness":
			*byteOf(w[rapid.IntRange(0, len(w)-1).Draw(rt, "item")]) ^= rapid.ByteRange(1, 255).Draw(rt, "by")
		case "script":
			*byteOf(out.PkScript) ^= rapid.ByteRange(1, 255).Draw(rt, "by")
		case "value":
			out.Value++
		case "sequence":
			tx.TxIn[0].Sequence++
		case "output":
			tx.TxOut[0].Value++
		case "signature script":
			tx.TxIn[0].SignatureScript = []byte{txscript.OP_TRUE}
		case "annex":
			tx.TxIn[0].Witness = slices.Concat(w, wire.TxWitness{{txscript.TaprootAnnexTag}})
		case "short":
			tx.TxIn[0].Witness = w[:len(w)-1]
		}
		view := blockchain.NewUtxoViewpoint()
		view.Entries()[tx.TxIn[0].PreviousOutPoint] = blockchain.NewUtxoEntry(out, 1, false)
		hashes := func() *txscript.TxSigHashes { return txscript.NewTxSigHashes(tx, view) }
		vm, err := txscript.NewEngine(out.PkScript, tx, 0, ScriptFlags, nil, hashes(), out.Value, view)
		if err == nil {
			err = vm.Execute()
		}
		for _, cache := range []*txscript.SigCache{nil, txscript.NewSigCache(10)} {
			for range 2 { // the second time from the cache
				direct := input{btcutil.NewTx(tx), 0, hashes}.direct(out, view, cache)
				if direct && err != nil {
					rt.Fatalf("fault %q, hash type %x: passed, but the engine says %v", fault, hash, err)
				}
				if fault == "none" && hash == usual && (!direct || err != nil) {
					rt.Fatalf("a good spend: %v, %v", direct, err)
				}
				passed[direct]++
			}
		}
	})
	if passed[true] == 0 || passed[false] == 0 {
		t.Error(passed)
	}
}
