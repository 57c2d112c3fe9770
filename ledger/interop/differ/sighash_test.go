package differ

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// leafSpend is what the signature of a tapscript signs beside (BIP 342).
type leafSpend struct {
	hash      chainhash.Hash
	separator uint32
}

// taprootHash is what a taproot signature signs (BIP 341), written for itself since the library's has no place for a
// key spend's annex. spent are the outputs that the inputs spend; annex and leaf may be nil.
func taprootHash(tx *wire.MsgTx, index int, spent []*wire.TxOut, kind txscript.SigHashType, annex []byte, leaf *leafSpend) []byte {
	var points, amounts, scripts, sequences, outs bytes.Buffer
	for i, in := range tx.TxIn {
		point(&points, in)
		binary.Write(&amounts, binary.LittleEndian, spent[i].Value)
		wire.WriteVarBytes(&scripts, 0, spent[i].PkScript)
		binary.Write(&sequences, binary.LittleEndian, in.Sequence)
	}
	for _, out := range tx.TxOut {
		wire.WriteTxOut(&outs, 0, 0, out)
	}
	var w bytes.Buffer
	w.Write([]byte{0, byte(kind)}) // epoch
	binary.Write(&w, binary.LittleEndian, tx.Version)
	binary.Write(&w, binary.LittleEndian, tx.LockTime)
	one := kind&txscript.SigHashAnyOneCanPay != 0
	if !one {
		for _, part := range []*bytes.Buffer{&points, &amounts, &scripts, &sequences} {
			w.Write(sum256(part.Bytes()))
		}
	}
	outputs := kind & 3
	if outputs < txscript.SigHashNone {
		w.Write(sum256(outs.Bytes()))
	}
	spendType := byte(0)
	if leaf != nil {
		spendType = 2
	}
	if annex != nil {
		spendType++
	}
	w.WriteByte(spendType)
	if one {
		point(&w, tx.TxIn[index])
		wire.WriteTxOut(&w, 0, 0, spent[index])
		binary.Write(&w, binary.LittleEndian, tx.TxIn[index].Sequence)
	} else {
		binary.Write(&w, binary.LittleEndian, uint32(index))
	}
	if annex != nil {
		h := sha256.New()
		wire.WriteVarBytes(h, 0, annex)
		w.Write(h.Sum(nil))
	}
	if outputs == txscript.SigHashSingle && index < len(tx.TxOut) {
		h := sha256.New()
		wire.WriteTxOut(h, 0, 0, tx.TxOut[index])
		w.Write(h.Sum(nil))
	}
	if leaf != nil {
		w.Write(leaf.hash[:])
		w.WriteByte(0) // version of keys
		binary.Write(&w, binary.LittleEndian, leaf.separator)
	}
	hash := chainhash.TaggedHash(chainhash.TagTapSighash, w.Bytes())
	return hash[:]
}

func point(w *bytes.Buffer, in *wire.TxIn) {
	w.Write(in.PreviousOutPoint.Hash[:])
	binary.Write(w, binary.LittleEndian, in.PreviousOutPoint.Index)
}
