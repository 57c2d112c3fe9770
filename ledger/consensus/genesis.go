package consensus

import (
	"time"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// Nonces that give the genesis blocks the proof of work their networks ask of any block.
const (
	mainNonce = 5_208_124
	testNonce = 9_037
	devNonce  = 2
)

// genesis is what tells one network's first block from another's.
type genesis struct {
	time  int64 // Unix seconds
	nonce uint32
}

// block builds a genesis block whose coinbase pays nothing to nobody, so that anyone can read off the chain that no coin
// existed before block 1.
func (g genesis) block(network string, bits uint32) *wire.MsgBlock {
	text := "FUN AI " + network + ": no coin exists before block 1"
	tx := wire.NewMsgTx(1)
	tx.AddTxIn(&wire.TxIn{
		PreviousOutPoint: wire.OutPoint{Index: wire.MaxPrevOutIndex},
		SignatureScript:  append([]byte{byte(len(text))}, text...), // one push, below 76 bytes
		Sequence:         wire.MaxTxInSequenceNum,
	})
	tx.AddTxOut(&wire.TxOut{PkScript: []byte{txscript.OP_RETURN}})
	return &wire.MsgBlock{
		Header: wire.BlockHeader{
			Version: 4, MerkleRoot: tx.TxHash(), Timestamp: time.Unix(g.time, 0), Bits: bits, Nonce: g.nonce,
		},
		Transactions: []*wire.MsgTx{tx},
	}
}
