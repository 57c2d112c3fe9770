package differ

import (
	"bytes"
	"encoding/binary"

	"github.com/btcsuite/btcd/wire/v2"
)

// encoder writes a block with oddities that wire's own does not make.
type encoder struct {
	bytes.Buffer
	*gen
	oddities int // still to be made
}

// odd is true for the few places where the encoding goes wrong.
func (e *encoder) odd() bool {
	if e.oddities == 0 || !e.chance(6) {
		return false
	}
	e.oddities--
	return true
}

func (e *encoder) le(v any) { binary.Write(&e.Buffer, binary.LittleEndian, v) }

// size writes a compact size, sometimes longer than need be or wrong.
func (e *encoder) size(n int) {
	if e.odd() {
		switch e.IntN(5) {
		case 0:
			e.note("size in 3 bytes;")
			e.WriteByte(0xfd)
			e.le(uint16(n))
			return
		case 1:
			e.note("size in 5 bytes;")
			e.WriteByte(0xfe)
			e.le(uint32(n))
			return
		case 2:
			e.note("size in 9 bytes;")
			e.WriteByte(0xff)
			e.le(uint64(n))
			return
		case 3:
			e.note("size off by one;")
			n += 1 - 2*e.IntN(2)
			if n < 0 {
				n = 0
			}
		case 4:
			e.note("size of much;")
			e.WriteByte(0xfe)
			e.le(pick[uint32](e.gen, 1<<25, 1<<25+1, 1<<32-1, 4_000_001, 70_000))
			return
		}
	}
	if err := wire.WriteVarInt(&e.Buffer, 0, uint64(n)); err != nil {
		panic(err) // a buffer takes everything
	}
}

func (e *encoder) blob(b []byte) {
	e.size(len(b))
	e.Write(b)
}

func (e *encoder) tx(tx *wire.MsgTx) {
	e.le(tx.Version)
	witness := tx.HasWitness()
	if e.odd() {
		e.note("witness flag turned;")
		witness = !witness
	}
	if witness {
		flag := []byte{0, 1}
		if e.odd() {
			e.note("another flag;")
			flag[1] = pick[byte](e.gen, 0, 2, 3, 0x81)
		}
		e.Write(flag)
	}
	e.size(len(tx.TxIn))
	for _, in := range tx.TxIn {
		e.Write(in.PreviousOutPoint.Hash[:])
		e.le(in.PreviousOutPoint.Index)
		e.blob(in.SignatureScript)
		e.le(in.Sequence)
	}
	e.size(len(tx.TxOut))
	for _, out := range tx.TxOut {
		e.le(out.Value)
		e.blob(out.PkScript)
	}
	if witness {
		for _, in := range tx.TxIn {
			e.size(len(in.Witness))
			for _, item := range in.Witness {
				e.blob(item)
			}
		}
	}
	e.le(tx.LockTime)
}

// encodings are blocks whose bytes are not quite what they should be.
func (g *gen) encodings() []byte {
	tx, coins := g.fresh(g.locked())
	spend := g.spending(coins)
	g.unlock(spend, coins, false)
	blk := g.block(g.now, tx, spend)
	if g.chance(6) { // whatever it says of itself, a transaction without inputs cannot be told from one with witnesses
		blk.Transactions[1].TxIn = nil
	}
	e := &encoder{gen: g, oddities: g.IntN(3)}
	if err := blk.Header.Serialize(&e.Buffer); err != nil {
		panic(err)
	}
	e.size(len(blk.Transactions))
	for _, tx := range blk.Transactions {
		e.tx(tx)
	}
	b := e.Bytes()
	switch g.IntN(8) {
	case 0:
		g.note("cut off;")
		b = b[:g.IntN(len(b))]
	case 1:
		g.note("a bit turned;")
		b = g.flip(b)
	}
	return b
}
