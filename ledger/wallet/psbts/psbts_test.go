package psbts

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"reflect"
	"runtime"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

func key(n byte) *btcec.PrivateKey {
	k, _ := btcec.PrivKeyFromBytes(bytes.Repeat([]byte{n}, 32))
	return k
}

// keyScript is a P2WPKH script.
func keyScript(k *btcec.PrivateKey) []byte {
	return append([]byte{0, 20}, address.Hash160(k.PubKey().SerializeCompressed())...)
}

func trScript(t testing.TB, k *btcec.PrivateKey) []byte {
	t.Helper()
	s, err := txscript.PayToTaprootScript(txscript.ComputeTaprootKeyNoScript(k.PubKey()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// two is a PSBT of a P2WPKH and a P2TR input, of keys 1 and 2, with the transactions that made them.
func two(t testing.TB) *psbt.Packet {
	t.Helper()
	tx := wire.NewMsgTx(2)
	var prevs []*wire.MsgTx
	for _, script := range [][]byte{keyScript(key(1)), trScript(t, key(2))} {
		prev := wire.NewMsgTx(2)
		prev.AddTxIn(&wire.TxIn{Sequence: uint32(len(prevs))})
		prev.AddTxOut(wire.NewTxOut(10_000, script))
		prevs = append(prevs, prev)
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: prev.TxHash()}})
	}
	tx.AddTxOut(wire.NewTxOut(19_000, keyScript(key(3))))
	p, err := psbt.NewFromUnsignedTx(tx)
	if err != nil {
		t.Fatal(err)
	}
	for i, prev := range prevs {
		p.Inputs[i].NonWitnessUtxo = prev
		p.Inputs[i].WitnessUtxo = prev.TxOut[0]
	}
	p.Inputs[0].Bip32Derivation = []*psbt.Bip32Derivation{{PubKey: key(1).PubKey().SerializeCompressed()}}
	return p
}

// sign adds the signature of one input.
func sign(t testing.TB, p *psbt.Packet, i int) {
	t.Helper()
	prev := txscript.NewMultiPrevOutFetcher(Outputs(p))
	hashes := txscript.NewTxSigHashes(p.UnsignedTx, prev)
	out := p.Inputs[i].WitnessUtxo
	if i == 1 {
		w, err := txscript.TaprootWitnessSignature(p.UnsignedTx, hashes, i, out.Value, out.PkScript, txscript.SigHashDefault, key(2))
		if err != nil {
			t.Fatal(err)
		}
		p.Inputs[i].TaprootKeySpendSig = w[0]
		return
	}
	w, err := txscript.WitnessSignature(p.UnsignedTx, hashes, i, out.Value, out.PkScript, txscript.SigHashAll, key(1), true)
	if err != nil {
		t.Fatal(err)
	}
	p.Inputs[i].PartialSigs = []*psbt.PartialSig{{PubKey: w[1], Signature: w[0]}}
}

func encode(t testing.TB, p *psbt.Packet) []byte {
	t.Helper()
	b, err := Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTwoSignersOneAfterAnotherOrAtOnce(t *testing.T) {
	p := two(t)
	if a := Analyze(p); a.Next != Signer || !a.FeeKnown || a.Fee != 1000 || a.VSize == 0 {
		t.Errorf("%+v", a)
	}
	a, b := two(t), two(t)
	sign(t, a, 0)
	sign(t, b, 1)
	if n := Analyze(a); n.Next != Signer || n.Inputs[0].Next != Finalizer {
		t.Errorf("%+v", n)
	}
	all, err := Combine(p, a, b)
	if err != nil {
		t.Fatal(err)
	}
	if n := Analyze(all); n.Next != Finalizer {
		t.Errorf("%+v", n)
	}
	if _, err := Extract(all); !errors.Is(err, ErrIncomplete) {
		t.Error(err)
	}
	if Finalize(a) || !Finalize(all) || !Finalize(all) {
		t.Error("complete too early, or not at all")
	}
	back, err := Parse(encode(t, all))
	if err != nil {
		t.Fatal(err)
	}
	if n := Analyze(back); n.Next != Extractor {
		t.Errorf("%+v", n)
	}
	tx, err := Extract(back)
	if err != nil || len(tx.TxIn[0].Witness) != 2 || len(tx.TxIn[1].Witness) != 1 || VSize(tx) != Analyze(back).VSize {
		t.Fatal(tx, err)
	}
	other := two(t)
	other.UnsignedTx.LockTime = 1
	if _, err := Combine(p, other); !errors.Is(err, ErrCombine) {
		t.Error(err)
	}
	if _, err := Combine(); !errors.Is(err, ErrPSBT) {
		t.Error(err)
	}
}

func TestWrongSignaturesDoNotFinish(t *testing.T) {
	for i := range 2 {
		p := two(t)
		sign(t, p, 0)
		sign(t, p, 1)
		if i == 0 {
			p.Inputs[0].PartialSigs[0].Signature[20] ^= 1
		} else {
			p.Inputs[1].TaprootKeySpendSig[20] ^= 1
		}
		if Finalize(p) || Final(&p.Inputs[i]) || !Final(&p.Inputs[1-i]) {
			t.Errorf("input %d with a wrong signature", i)
		}
	}
	p := two(t)
	sign(t, p, 0)
	p.Inputs[0].PartialSigs[0].PubKey = key(5).PubKey().SerializeCompressed()
	if Finalize(p) || Final(&p.Inputs[0]) {
		t.Error("finished with another's key")
	}
}

func TestMultisigOfOthersIsFinished(t *testing.T) {
	keys := []*btcec.PrivateKey{key(1), key(2)}
	b := txscript.NewScriptBuilder().AddOp(txscript.OP_2)
	for _, k := range keys {
		b.AddData(k.PubKey().SerializeCompressed())
	}
	script, err := b.AddOp(txscript.OP_2).AddOp(txscript.OP_CHECKMULTISIG).Script()
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(script)
	prev := wire.NewMsgTx(2)
	prev.AddTxIn(&wire.TxIn{})
	prev.AddTxOut(wire.NewTxOut(10_000, append([]byte{0, 32}, hash[:]...)))
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: prev.TxHash()}})
	tx.AddTxOut(wire.NewTxOut(9000, keyScript(key(3))))
	p, err := psbt.NewFromUnsignedTx(tx)
	if err != nil {
		t.Fatal(err)
	}
	p.Inputs[0].NonWitnessUtxo, p.Inputs[0].WitnessScript = prev, script // and no output by itself
	hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(prev.TxOut[0].PkScript, 10_000))
	p.Inputs[0].WitnessScript = nil
	if a := Analyze(p).Inputs[0]; a.Next != Updater || !bytes.Equal(a.Missing.WitnessScript, hash[:]) {
		t.Errorf("without the script: %+v", a)
	}
	p.Inputs[0].WitnessScript = script
	for i, k := range keys {
		if Finalize(p) {
			t.Fatal("complete too early")
		}
		if a := Analyze(p).Inputs[0]; a.Next != Signer || len(a.Missing.Signatures) != 2-i || !bytes.Equal(a.Missing.Signatures[0], address.Hash160(k.PubKey().SerializeCompressed())) {
			t.Errorf("with %d signatures: %+v", i, a)
		}
		sig, err := txscript.RawTxInWitnessSignature(tx, hashes, 0, 10_000, script, txscript.SigHashAll, k)
		if err != nil {
			t.Fatal(err)
		}
		p.Inputs[0].PartialSigs = append(p.Inputs[0].PartialSigs, &psbt.PartialSig{PubKey: k.PubKey().SerializeCompressed(), Signature: sig})
	}
	if a := Analyze(p).Inputs[0]; a.Next != Finalizer || !a.Missing.Empty() {
		t.Errorf("with both: %+v", a)
	}
	if !Finalize(p) || p.Inputs[0].NonWitnessUtxo == nil {
		t.Error("not complete, or what it spends is gone")
	}
}

func TestWhatAnInputLacksIsTold(t *testing.T) {
	hash := address.Hash160(key(1).PubKey().SerializeCompressed())
	nested := append(append([]byte{txscript.OP_HASH160, 20}, hash...), txscript.OP_EQUAL)
	for _, c := range []struct {
		name   string
		script []byte
		edit   func(*psbt.PInput)
		want   InputAnalysis
	}{
		{"signature", keyScript(key(1)), func(*psbt.PInput) {}, InputAnalysis{Next: Signer, Missing: Missing{Signatures: [][]byte{hash}}}},
		{"key", keyScript(key(1)), func(in *psbt.PInput) { in.Bip32Derivation = nil }, InputAnalysis{Next: Updater, Missing: Missing{PubKeys: [][]byte{hash}}}},
		{"redeem script", nested, func(*psbt.PInput) {}, InputAnalysis{Next: Updater, Missing: Missing{RedeemScript: hash}}},
		{"nested key", nested, func(in *psbt.PInput) { in.RedeemScript = keyScript(key(1)) }, InputAnalysis{Next: Signer, Missing: Missing{Signatures: [][]byte{hash}}}},
		{"nothing that could be told", nested, func(in *psbt.PInput) { in.RedeemScript = nested }, InputAnalysis{Next: Signer}},
		{"output", nil, func(in *psbt.PInput) { in.WitnessUtxo, in.NonWitnessUtxo = nil, nil }, InputAnalysis{Next: Updater}},
	} {
		p := two(t)
		p.Inputs[0].NonWitnessUtxo, p.Inputs[0].WitnessUtxo = nil, wire.NewTxOut(10_000, c.script)
		c.edit(&p.Inputs[0])
		c.want.HasUTXO = c.script != nil
		if got := Analyze(p).Inputs[0]; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestContradictionsAreRefused(t *testing.T) {
	for name, change := range map[string]func(*psbt.Packet){
		"another transaction":   func(p *psbt.Packet) { p.Inputs[0].NonWitnessUtxo = p.Inputs[1].NonWitnessUtxo },
		"an output beyond":      func(p *psbt.Packet) { p.UnsignedTx.TxIn[0].PreviousOutPoint.Index = 7 },
		"another value":         func(p *psbt.Packet) { p.Inputs[0].WitnessUtxo = wire.NewTxOut(1, keyScript(key(1))) },
		"a negative value":      func(p *psbt.Packet) { p.Inputs[0] = psbt.PInput{WitnessUtxo: wire.NewTxOut(-1, keyScript(key(1)))} },
		"a coin twice":          func(p *psbt.Packet) { p.UnsignedTx.TxIn[1].PreviousOutPoint = p.UnsignedTx.TxIn[0].PreviousOutPoint },
		"outputs out of range":  func(p *psbt.Packet) { p.UnsignedTx.TxOut[0].Value = -1 },
		"a billion of witness":  func(p *psbt.Packet) { p.Inputs[0].FinalScriptWitness = []byte{0xfe, 0, 0, 0, 0x40} },
		"a witness that breaks": func(p *psbt.Packet) { p.Inputs[0].FinalScriptWitness = []byte{2, 1, 0} },
		"more than a witness":   func(p *psbt.Packet) { p.Inputs[0].FinalScriptWitness = []byte{1, 1, 0, 0} },
	} {
		p := two(t)
		change(p)
		if err := Check(p); !errors.Is(err, ErrPSBT) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Parse(encode(t, p)); !errors.Is(err, ErrPSBT) {
			t.Errorf("%s, read: %v", name, err)
		}
	}
	good := encode(t, two(t))
	for name, b := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "cut": good[:len(good)-1], "more": append(bytes.Clone(good), 0), "large": make([]byte, 2*MaxSize),
	} {
		if _, err := Parse(b); !errors.Is(err, ErrPSBT) {
			t.Errorf("%s: %v", name, err)
		}
	}
	text := base64.StdEncoding.EncodeToString(good)
	if _, err := Parse([]byte(text[:30] + "\n " + text[30:] + "\r\n")); err != nil {
		t.Error("base64 with line ends:", err)
	}
}

// TestClaimsTakeNoMemory reads PSBTs of a few bytes that claim to hold hundreds of thousands of inputs.
func TestClaimsTakeNoMemory(t *testing.T) {
	claim := []byte{2, 0, 0, 0, 0xfe, 0, 0, 0x0c, 0} // the beginning of a transaction of 786,432 inputs
	global := append([]byte(magic), 1, 0, byte(len(claim)))
	global = append(global, claim...)
	for name, b := range map[string][]byte{"of the transaction": global, "of what it spends": withInput(t, claim), "of bytes": append([]byte(magic), 1, 0, 0xfe, 0, 0, 0x3d, 0)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Parse(b)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrPSBT) || took > 1<<20 {
			t.Errorf("%s: %d bytes to say %v", name, took, err)
		}
	}
}

// withInput is a PSBT whose first input is said to spend an output of these bytes.
func withInput(t *testing.T, previous []byte) []byte {
	t.Helper()
	p := two(t)
	p.Inputs[0], p.Inputs[1] = psbt.PInput{}, psbt.PInput{}
	b := encode(t, p)
	maps := len(p.Inputs) + len(p.Outputs) // each empty: one 0
	head := b[: len(b)-maps : len(b)-maps]
	return append(append(append(head, 1, 0, byte(len(previous))), previous...), make([]byte, maps)...)
}

func FuzzParse(f *testing.F) {
	p := two(f)
	f.Add(encode(f, p))
	sign(f, p, 0)
	f.Add(encode(f, p))
	sign(f, p, 1)
	Finalize(p)
	f.Add(encode(f, p))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrPSBT) {
				t.Fatal(err)
			}
			return
		}
		Analyze(p)
		if all, err := Combine(p, p); err == nil {
			p = all
		}
		if !Finalize(p) {
			return
		}
		if _, err := Extract(p); err != nil {
			t.Fatalf("complete, but: %v", err)
		}
	})
}
