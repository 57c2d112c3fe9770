package differ

import (
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// simple is a transaction of coins that anyone can spend.
func (g *gen) simple(coins ...coin) *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	var sum int64
	for _, c := range coins {
		tx.AddTxIn(wire.NewTxIn(&c.at, nil, nil))
		sum += c.out.Value
	}
	tx.AddTxOut(wire.NewTxOut(sum-fee, []byte{txscript.OP_1}))
	return tx
}

// outs are the outputs of a transaction, as coins that anyone can spend.
func outs(tx *wire.MsgTx) (coins []coin) {
	for i, out := range tx.TxOut {
		coins = append(coins, coin{at: wire.OutPoint{Hash: tx.TxHash(), Index: uint32(i)}, out: out, lock: anyone()})
	}
	return coins
}

// transactions are about the form of transactions, what they spend and what they pay.
func (g *gen) transactions() []byte {
	a, b := g.funds[0], g.funds[1]
	tx := g.simple(a)
	txs := []*wire.MsgTx{tx}
	const most = btcutil.MaxSatoshi
	kinds := []struct {
		name string
		make func()
	}{
		{"good", func() { tx.TxIn = append(tx.TxIn, wire.NewTxIn(&b.at, nil, nil)) }},
		{"the same input twice", func() { tx.TxIn = append(tx.TxIn, wire.NewTxIn(&a.at, nil, nil)) }},
		{"no inputs", func() { tx.TxIn = nil }},
		{"no outputs", func() { tx.TxOut = nil }},
		{"output missing", func() { tx.TxIn[0].PreviousOutPoint.Index += 1 + g.Uint32N(3) }},
		{"transaction missing", func() { tx.TxIn[0].PreviousOutPoint.Hash[3] ^= 1 }},
		{"null input", func() { tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Index: wire.MaxPrevOutIndex}, nil, nil)) }},
		{"zero hash", func() { tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Index: g.Uint32N(2)}, nil, nil)) }},
		{"pays what it has, or one more", func() { tx.TxOut[0].Value = a.out.Value + int64(g.IntN(2)) }},
		{"negative output", func() { tx.AddTxOut(wire.NewTxOut(pick[int64](g, -1, -1<<63, -fee), nil)) }},
		{"output around the most there can be", func() { tx.TxOut[0].Value = pick[int64](g, most, most+1, 1<<63-1) }},
		{"sum around the most there can be", func() {
			tx.TxOut[0].Value = most / 2
			tx.AddTxOut(wire.NewTxOut(most/2+int64(g.IntN(2)), nil))
		}},
		{"sum that wraps around", func() {
			for range 2 + g.IntN(2) {
				tx.AddTxOut(wire.NewTxOut(pick[int64](g, 1<<62, 1<<63-1, most), nil))
			}
		}},
		{"output of nothing", func() { tx.AddTxOut(wire.NewTxOut(0, g.bytes(g.IntN(5)))) }},
		{"coinbase young or old enough", func() {
			tx = g.simple(append(slices.Clone(g.funds), g.young[:3]...)[g.IntN(5)])
			txs[0] = tx
		}},
		{"chain of transactions", func() { txs = append(txs, g.simple(outs(tx)...), g.simple(b)) }},
		{"chain in wrong order", func() { txs = []*wire.MsgTx{g.simple(outs(tx)...), tx} }},
		{"any order", func() {
			for range 1 + g.IntN(3) {
				txs = append(txs, g.simple(outs(txs[len(txs)-1])...))
			}
			g.Shuffle(len(txs), func(i, j int) {
				if g.chance(3) {
					txs[i], txs[j] = txs[j], txs[i]
				}
			})
		}},
		{"spent twice in the block", func() {
			again := g.simple(a)
			again.TxOut[0].Value--
			txs = append(txs, again)
		}},
		{"spent twice, one from the block", func() {
			again := g.simple(outs(tx)...)
			third := g.simple(outs(tx)...)
			third.LockTime = 1
			txs = append(txs, again, third)
		}},
		{"the same transaction twice", func() { txs = append(txs, tx) }},
		{"spends itself", func() { tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: g.hash(), Index: 0}, nil, nil)) }},
		{"output that cannot be spent", func() {
			tx.TxOut[0].PkScript = pick(g, []byte{txscript.OP_RETURN}, append([]byte{txscript.OP_1}, make([]byte, 10_000)...),
				append([]byte{txscript.OP_1}, slices.Repeat([]byte{txscript.OP_NOP}, pick(g, 200, 201, 202))...), []byte{txscript.OP_1, txscript.OP_PUSHDATA1})
			txs = append(txs, g.simple(outs(tx)...))
		}},
		{"large", func() { tx.TxOut[0].PkScript = make([]byte, pick(g, 10_000, 100_000, 249_000)) }},
		{"many outputs", func() {
			for range 1 + g.IntN(300) {
				tx.AddTxOut(wire.NewTxOut(0, []byte{txscript.OP_RETURN}))
			}
		}},
		{"spends the block's coinbase", func() {
			tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: g.block(g.now, tx).Transactions[0].TxHash()}, nil, nil))
		}},
		{"version", func() { tx.Version = int32(g.Uint32()) }},
		{"64 bytes", func() {
			tx.TxOut[0].PkScript = []byte{txscript.OP_1, txscript.OP_NOP, txscript.OP_NOP, txscript.OP_NOP}
		}},
		{"genesis output", func() {
			tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: g.params.GenesisBlock.Transactions[0].TxHash()}, nil, nil))
		}},
		{"long signature script", func() {
			first := g.simple(outs(tx)...)
			n := g.around(txscript.MaxScriptSize)
			parts := repeat(18, script(make([]byte, 520))...)
			first.TxIn[0].SignatureScript = script(parts, raw(pushBy(txscript.OP_PUSHDATA2, make([]byte, n-len(parts)-3))))
			txs = append(txs, first)
		}},
		{"empty scripts", func() {
			tx.TxOut[0].PkScript = nil
			next := g.simple(outs(tx)...)
			next.TxIn[0].SignatureScript = pick(g, nil, []byte{txscript.OP_1}, []byte{txscript.OP_0}, []byte{1, 0x80}, []byte{txscript.OP_NOP})
			txs = append(txs, next)
		}},
	}
	k := pick(g, kinds...)
	g.note(k.name)
	k.make()
	return g.blockOf(txs...)
}

func (g *gen) hash() (h chainhash.Hash) {
	copy(h[:], g.bytes(len(h)))
	return h
}
