package differ

import (
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/consensus"
)

// wholes are about what a block is beside its transactions.
func (g *gen) wholes() []byte {
	var txs []*wire.MsgTx
	tx := g.simple(g.funds[0])
	for i := range g.IntN(8) {
		if i > 0 {
			tx = g.simple(outs(tx)...)
		}
		txs = append(txs, tx)
	}
	switch g.IntN(5) {
	case 0:
		return g.header(txs)
	case 1:
		return g.coinbases(txs)
	case 2:
		return g.commitments(txs)
	case 3:
		return g.merkle(txs)
	}
	return g.rewards(txs)
}

// header makes blocks with odd headers.
func (g *gen) header(txs []*wire.MsgTx) []byte {
	blk := g.block(g.now, txs...)
	h := &blk.Header
	switch g.IntN(5) {
	case 0:
		at := time.Unix(g.median(tipHeight)+int64(g.IntN(4))-1, 0)
		h.Timestamp = at
		g.note("time around the median", at.String())
	case 1:
		h.Timestamp = g.now.Add(2*time.Hour + time.Duration(g.IntN(4)-2)*time.Second)
		g.note("time around 2 hours ahead", h.Timestamp.String())
	case 2:
		h.Version = pick[int32](g, 0, 1, 2, 3, 4, 5, -1, -1<<31, 1<<31-1, 0x20000000, 0x3fffffff)
		g.note("version")
	case 3:
		h.Bits = pick[uint32](g, h.Bits, h.Bits-1, h.Bits+1, 0, 0x1d00ffff, 0x207ffffe, 0xff7fffff, 0x20ffffff, h.Bits)
		g.note("bits")
	case 4:
		h.PrevBlock = pick(g, g.blocks[tipHeight-2].BlockHash(), h.PrevBlock, g.hash(), h.PrevBlock, chainhash.Hash{})
		g.note("parent")
	}
	return serialize(blk)
}

// recommit commits to witnesses anew and sets the merkle root.
func recommit(blk *wire.MsgBlock) []byte {
	consensus.CommitWitnesses(blk)
	root(blk)
	return serialize(blk)
}

// coinbases makes blocks whose coinbase has an odd form.
func (g *gen) coinbases(txs []*wire.MsgTx) []byte {
	blk := g.uncommitted(g.now, txs...)
	in := blk.Transactions[0].TxIn[0]
	height := int64(g.next())
	minimal := script(height)
	switch g.IntN(7) {
	case 0:
		n := pick(g, 0, 1, 2, 3, 4, 99, 100, 101, 255)
		in.SignatureScript = slices.Concat(minimal, make([]byte, 255))[:n]
		g.note("coinbase script of a length")
	case 1:
		in.SignatureScript = slices.Concat(pick(g, minimal, pushBy(txscript.OP_PUSHDATA1, number(height)), pushBy(0, append(number(height), 0)),
			pushBy(0, append(number(height), 0, 0)), script(height+1), script(height-1), script(-height), []byte{txscript.OP_1}, []byte{txscript.OP_0},
			[]byte{1, byte(height)}, []byte{txscript.OP_16}, pushBy(0, binary.LittleEndian.AppendUint64(nil, uint64(height))), []byte{txscript.OP_1NEGATE},
			minimal, minimal[:1]), g.bytes(g.IntN(4)))
		g.note("height in the coinbase")
	case 2:
		extra := blk.Transactions[0].Copy()
		extra.LockTime = g.Uint32N(2)
		blk.Transactions = slices.Insert(blk.Transactions, 1+g.IntN(len(blk.Transactions)), extra)
		g.note("second coinbase")
	case 3:
		blk.Transactions = blk.Transactions[1:]
		if len(blk.Transactions) > 0 && g.chance(2) {
			consensus.CommitWitnesses(blk)
		}
		if len(blk.Transactions) > 0 {
			root(blk)
		}
		g.note("no coinbase")
		return serialize(blk)
	case 4:
		in.PreviousOutPoint = pick(g, wire.OutPoint{}, wire.OutPoint{Index: wire.MaxPrevOutIndex - 1}, wire.OutPoint{Hash: g.hash(), Index: wire.MaxPrevOutIndex},
			in.PreviousOutPoint)
		g.note("coinbase input")
	case 5:
		cb := blk.Transactions[0]
		in.Sequence = pick[uint32](g, 0, 1, seconds|5, wire.MaxTxInSequenceNum-1, wire.MaxTxInSequenceNum)
		cb.LockTime = g.lockTime()
		cb.Version = pick[int32](g, 1, 2, -1, 0)
		g.note("lock time of the coinbase")
	case 6:
		cb := blk.Transactions[0]
		if g.chance(3) {
			cb.TxOut = nil
		}
		cb.AddTxOut(wire.NewTxOut(pick[int64](g, 0, 0, -1, 1), pick(g, nil, []byte{txscript.OP_RETURN}, make([]byte, 10_001))))
		if g.chance(3) {
			cb.AddTxIn(wire.NewTxIn(&g.funds[1].at, nil, nil))
		}
		g.note("outputs of the coinbase")
	}
	return recommit(blk)
}

// commitment is the output script that commits to the witnesses of a block with a reserved value (BIP 141).
func commitment(blk *wire.MsgBlock, reserved []byte) []byte {
	r := blockchain.CalcMerkleRoot(btcutil.NewBlock(blk).Transactions(), true)
	return append(slices.Clone(blockchain.WitnessMagicBytes), chainhash.DoubleHashB(append(r[:], reserved...))...)
}

// commitments makes blocks with and without witnesses, and one, several, wrong or no commitments to them.
func (g *gen) commitments(txs []*wire.MsgTx) []byte {
	if g.chance(2) { // a spend with a witness
		tx, coins := g.fund(g.funds[1], g.next(), g.seal(inP2WSH, []byte{txscript.OP_1}, nil))
		spend := g.simple(coins...)
		spend.TxIn[0].Witness = wire.TxWitness{{txscript.OP_1}}
		txs = append(txs, tx, spend)
		g.note("with a witness;")
	}
	blk := g.uncommitted(g.now, txs...)
	cb := blk.Transactions[0]
	reserved := g.bytes(pick(g, 32, 32, 32, 32, 0, 31, 33, 64))
	switch g.IntN(6) {
	case 0:
		cb.TxIn[0].Witness = nil
	case 1:
		cb.TxIn[0].Witness = wire.TxWitness{reserved, g.bytes(g.IntN(33))}
	default:
		cb.TxIn[0].Witness = wire.TxWitness{reserved}
	}
	right := commitment(blk, reserved)
	wrong := g.flip(right)
	odd := [][]byte{right, right, wrong, append(slices.Clone(right), g.bytes(g.IntN(9))...), right[:37], right[:6], pushBy(0, right)}
	for range pick(g, 1, 1, 1, 2, 3, 0) {
		cb.AddTxOut(wire.NewTxOut(0, pick(g, odd...)))
	}
	if g.chance(10) && len(txs) > 0 { // counts in the coinbase only
		txs[len(txs)-1].AddTxOut(wire.NewTxOut(0, right))
	}
	g.note("commitments:", string('0'+rune(len(cb.TxOut)-1)))
	root(blk)
	return serialize(blk)
}

// merkle makes blocks with odd merkle trees (CVE-2012-2459 and CVE-2017-12842).
func (g *gen) merkle(txs []*wire.MsgTx) []byte {
	blk := g.block(g.now, txs...)
	list := blk.Transactions
	switch g.IntN(5) {
	case 0:
		blk.Header.MerkleRoot[g.IntN(32)] ^= 1 << g.IntN(8)
		g.note("merkle root wrong")
	case 1: // doubled at a level of the tree
		n := len(list)
		for width := 1; width <= n; width *= 2 {
			if n/width%2 == 1 && n%width == 0 {
				blk.Transactions = append(slices.Clone(list), list[n-width:]...)
				if g.chance(2) {
					break
				}
			}
		}
		g.note("transactions doubled under the same root")
	case 2:
		i := g.IntN(len(list))
		blk.Transactions = slices.Insert(slices.Clone(list), g.IntN(len(list)+1), list[i])
		if g.chance(2) {
			root(blk)
		}
		g.note("one transaction twice")
	case 3:
		g.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		root(blk)
		g.note("any order")
	case 4:
		if len(list) > 1 {
			blk.Transactions = list[:len(list)-1]
		}
		g.note("last transaction left out")
	}
	return serialize(blk)
}

// rewards makes blocks that claim what is due, or about that.
func (g *gen) rewards(txs []*wire.MsgTx) []byte {
	blk := g.uncommitted(g.now, txs...)
	due := g.params.Subsidy(g.next()) + int64(len(txs))*fee
	cb := blk.Transactions[0]
	cb.TxOut[0].Value = due + int64(g.IntN(3)-1)
	switch g.IntN(8) {
	case 0, 1:
		cb.TxOut[0].Value = g.params.Subsidy(g.next()-1) + int64(g.IntN(2)) // before the halving
	case 2, 3:
		cb.TxOut[0].Value -= 5
		cb.AddTxOut(wire.NewTxOut(pick[int64](g, 4, 5, 6, 7), nil))
	case 4:
		cb.TxOut[0].Value = pick[int64](g, 0, btcutil.MaxSatoshi, btcutil.MaxSatoshi+1, -1)
	}
	g.note("claims", strconv.FormatInt(cb.TxOut[0].Value-due, 10), "more than due")
	return recommit(blk)
}
