package differ

import (
	"bytes"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// mutations are cases of the other categories with a few bits of their transactions changed, under a new merkle root
// and a new commitment to the witnesses.
func (g *gen) mutations() []byte {
	var msg wire.MsgBlock
	makers := []func(*gen) []byte{(*gen).signatures, (*gen).signatures, (*gen).programs, (*gen).times, (*gen).transactions, (*gen).upgrades, (*gen).deletions}
	block := pick(g, makers...)(g)
	if msg.Deserialize(bytes.NewReader(block)) != nil || len(msg.Transactions) < 2 {
		return block
	}
	for range 1 + g.IntN(2) {
		i := 1 + g.IntN(len(msg.Transactions)-1)
		if tx := g.mutate(msg.Transactions[i]); tx != nil {
			rewire(&msg, i, tx)
		}
	}
	return reseal(&msg)
}

// mutate is a copy of a transaction with something changed; nil if that is none.
func (g *gen) mutate(tx *wire.MsgTx) *wire.MsgTx {
	var w bytes.Buffer
	if err := tx.Serialize(&w); err != nil {
		panic(err) // a buffer takes everything
	}
	b, at := w.Bytes(), g.IntN(w.Len())
	switch g.IntN(4) {
	case 0:
		b[at] = byte(g.Uint32())
	case 1: // all of an opcode's neighbours are opcodes
		b[at] += pick[byte](g, 1, 255)
	default:
		b = g.flip(b)
	}
	c := new(wire.MsgTx)
	if r := bytes.NewReader(b); c.Deserialize(r) != nil || r.Len() > 0 {
		return nil
	}
	return c
}

// rewire puts a transaction in place of another, and has the later ones of the block spend it in its stead.
func rewire(msg *wire.MsgBlock, i int, tx *wire.MsgTx) {
	old := msg.Transactions[i].TxHash()
	msg.Transactions[i] = tx
	for _, later := range msg.Transactions[i+1:] {
		for _, in := range later.TxIn {
			if in.PreviousOutPoint.Hash == old {
				in.PreviousOutPoint.Hash = tx.TxHash()
			}
		}
	}
}

// reseal makes commitment and merkle root fit the transactions again.
func reseal(msg *wire.MsgBlock) []byte {
	cb := msg.Transactions[0]
	for _, out := range cb.TxOut {
		if bytes.HasPrefix(out.PkScript, blockchain.WitnessMagicBytes) && len(cb.TxIn[0].Witness) == 1 {
			r := blockchain.CalcMerkleRoot(btcutil.NewBlock(msg).Transactions(), true)
			copy(out.PkScript[len(blockchain.WitnessMagicBytes):], chainhash.DoubleHashB(append(r[:], cb.TxIn[0].Witness[0]...)))
		}
	}
	root(msg)
	return serialize(msg)
}
