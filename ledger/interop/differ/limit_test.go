package differ

import (
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// repeat is n times the same opcodes.
func repeat(n int, ops ...byte) raw { return slices.Repeat(ops, max(n, 0)) }

// around is a number at an edge or beside it.
func (g *gen) around(edge int) int { return edge + pick(g, -1, 0, 0, 1) }

// limits are about scripts and blocks as large as may be.
func (g *gen) limits() []byte {
	switch g.IntN(6) {
	case 0:
		return g.sigops()
	case 1:
		return g.budget()
	}
	m := pick(g, bare, inP2SH, inP2WSH, inLeaf)
	s, items := g.large()
	if m == inP2SH && len(s) > txscript.MaxScriptElementSize+1 {
		m = pick(g, bare, inP2WSH, inLeaf)
	}
	l := g.seal(m, s, items)
	tx, coins := g.fresh(l)
	spend := g.spending(coins)
	g.note(m.String(), fmt.Sprintf("script of %d bytes", len(s)))
	g.unlock(spend, coins, false)
	return g.blockOf(tx, spend)
}

// large is a script around one of the limits, and the items that it starts with.
func (g *gen) large() (s []byte, items []slot) {
	const op1, drop, nop, checkMultisig = txscript.OP_1, txscript.OP_DROP, txscript.OP_NOP, txscript.OP_CHECKMULTISIG
	switch g.IntN(12) {
	case 0:
		g.note("push size")
		data := make([]byte, g.around(txscript.MaxScriptElementSize))
		if g.chance(2) {
			return script(data, drop, op1), nil
		}
		return script(int64(0), txscript.OP_IF, data, txscript.OP_ENDIF, op1), nil
	case 1:
		g.note("script size")
		var r raw
		for len(r) < txscript.MaxScriptSize-600 {
			r = append(r, script(make([]byte, 500), drop)...)
		}
		s = script(r, op1)
		pad := g.around(txscript.MaxScriptSize) - len(s) - 4
		return script(raw(pushBy(txscript.OP_PUSHDATA2, make([]byte, pad))), drop, raw(s)), nil
	case 2:
		g.note("opcodes")
		return script(op1, repeat(g.IntN(3), txscript.OP_0, drop), repeat(g.around(txscript.MaxOpsPerScript)-g.IntN(2), nop)), nil
	case 3:
		g.note("opcodes and keys")
		n := g.IntN(txscript.MaxPubKeysPerMultiSig + 2)
		return script(repeat(g.around(txscript.MaxOpsPerScript)-n-1, nop), 0, 0, repeat(n, op1), int64(n), checkMultisig), nil
	case 4:
		g.note("opcodes that do not run")
		return script(0, txscript.OP_IF, repeat(g.around(txscript.MaxOpsPerScript)-2, pick[byte](g, nop, txscript.OP_CHECKSIG, txscript.OP_VER)),
			txscript.OP_ENDIF, op1), nil
	case 5:
		g.note("stack size")
		n := g.around(txscript.MaxStackSize)
		return script(repeat(n, op1), repeat((n-1)/2, txscript.OP_2DROP)), nil
	case 6:
		g.note("both stacks' size")
		return script(repeat(90, op1, txscript.OP_TOALTSTACK), repeat(g.around(txscript.MaxStackSize-90), op1)), nil
	case 7:
		g.note("items at the start")
		n := g.around(txscript.MaxStackSize)
		for range n - g.IntN(2) {
			items = append(items, slot{data: []byte{1}})
		}
		return script(repeat(pick(g, 0, 1, 499, 500), txscript.OP_2DROP), pick(g, raw{}, raw{op1}, raw{drop})), items
	case 8:
		g.note("size of an item at the start")
		return script(drop, op1), []slot{{data: make([]byte, g.around(txscript.MaxScriptElementSize))}}
	case 9:
		g.note("numbers of keys and signatures")
		n := pick[int64](g, -1, 0, 1, 19, 20, 21, 1<<31-1, 1<<31)
		m := pick(g, -1, 0, 0, 1, n, n+1)
		return script(0, repeat(int(min(max(m, 0), 30)), 0), m, repeat(int(min(max(n, 0), 30)), op1), n, checkMultisig,
			pick(g, raw{}, raw{txscript.OP_NOT})), nil
	case 10:
		g.note("opcodes in parts of which one runs")
		n := g.around(txscript.MaxOpsPerScript) - 3
		return script(g.Int64N(2), txscript.OP_IF, repeat(n/2, nop), txscript.OP_ELSE, repeat(n-n/2, nop), txscript.OP_RESERVED,
			txscript.OP_ENDIF, op1), nil
	}
	g.note("a size doubled")
	n := pick(g, 64, 128, 130, 260, 261)
	return script(make([]byte, n), txscript.OP_DUP, txscript.OP_SIZE, int64(n), txscript.OP_EQUALVERIFY, txscript.OP_EQUAL), nil
}

// budget spends a tapscript with about as many signature checks as its witness allows (BIP 342).
func (g *gen) budget() []byte {
	checks := 1 + g.IntN(30)
	k := secret(1)
	p := newProgram(g, true)
	pub := xOnly(k)
	if g.chance(4) {
		pub = g.bytes(33) // an unknown kind of key costs the same
	}
	p.add(pub)
	for range checks {
		p.add(txscript.OP_2DUP, txscript.OP_CHECKSIGVERIFY)
	}
	p.add(txscript.OP_CHECKSIG)
	p.take(p.signer(k))
	l := g.seal(inLeaf, p.code, p.stack())
	tx, coins := g.fresh(l)
	spend := g.simple(coins...)
	u := &unlocking{gen: g, tx: spend, coins: coins, annex: []byte{txscript.TaprootAnnexTag}}
	u.assemble(u.fill(), "")
	// The annex makes up for what is lacking, or nearly.
	const each = 50
	lack := (checks+1)*each - each - spend.TxIn[0].Witness.SerializeSize()
	if lack += pick(g, -1, 0, 0, 1, 20); lack > 0 && lack < 0xfd-1 {
		u.annex = append(u.annex, make([]byte, lack)...)
	}
	u.assemble(u.fill(), "")
	g.note(fmt.Sprintf("%d checks, lacking %d", checks+1, lack))
	return g.blockOf(tx, spend)
}

// sigops makes a block whose signature operations cost about as much as may be (BIP 141).
func (g *gen) sigops() []byte {
	const scale = blockchain.WitnessScaleFactor
	several := pick(g, raw{txscript.OP_CHECKMULTISIG}, raw{txscript.OP_16, txscript.OP_CHECKMULTISIG}, raw{txscript.OP_2, txscript.OP_CHECKMULTISIGVERIFY},
		raw{txscript.OP_CHECKSIG}, raw{txscript.OP_1NEGATE, txscript.OP_CHECKMULTISIG})
	idle := script(0, txscript.OP_IF, slices.Repeat(several, g.IntN(150)), txscript.OP_ENDIF, txscript.OP_1)
	m := pick(g, bare, inP2SH, inP2WSH, inP2SHP2WSH, inLeaf)
	tx, coins := g.fresh(g.seal(m, idle, nil), g.template())
	spend := g.spending(coins)
	g.unlock(spend, coins, false)
	var cost int
	costs := map[wire.OutPoint]*wire.TxOut{coins[0].at: coins[0].out, coins[1].at: coins[1].out}
	cost = sigopCost(spend, costs) + sigopCost(tx, nil)
	blk := g.uncommitted(g.now, tx, spend)
	cb := blk.Transactions[0]
	want := blockchain.MaxBlockSigOpsCost + pick(g, -4, -1, 0, 0, 1, 3, 4)
	if g.chance(3) {
		cb.TxIn[0].SignatureScript = append(cb.TxIn[0].SignatureScript, repeat(g.IntN(90), txscript.OP_CHECKSIG)...)
		cost += blockchain.WitnessScaleFactor * txscript.GetSigOpCount(cb.TxIn[0].SignatureScript)
	}
	cb.AddTxOut(wire.NewTxOut(0, repeat((want-cost)/scale, pick[byte](g, txscript.OP_CHECKSIG, txscript.OP_CHECKSIGVERIFY))))
	if g.chance(3) { // not counted: after a push that is cut off
		cb.TxOut[1].PkScript = append(cb.TxOut[1].PkScript, txscript.OP_DATA_75, txscript.OP_CHECKSIG)
	}
	g.note(fmt.Sprintf("%v, signature operations' cost %d, about %d wanted", m, cost+(want-cost)/scale*scale, want))
	return recommit(blk)
}

// sigopCost counts a transaction's signature operations with our library, so that the case comes near the limit.
func sigopCost(tx *wire.MsgTx, spent map[wire.OutPoint]*wire.TxOut) (cost int) {
	for _, out := range tx.TxOut {
		cost += blockchain.WitnessScaleFactor * txscript.GetSigOpCount(out.PkScript)
	}
	for _, in := range tx.TxIn {
		cost += blockchain.WitnessScaleFactor * txscript.GetSigOpCount(in.SignatureScript)
		if out := spent[in.PreviousOutPoint]; out != nil {
			if txscript.IsPayToScriptHash(out.PkScript) {
				cost += blockchain.WitnessScaleFactor * txscript.GetPreciseSigOpCount(in.SignatureScript, out.PkScript, true)
			}
			cost += txscript.GetWitnessSigOpCount(in.SignatureScript, out.PkScript, in.Witness)
		}
	}
	return cost
}

// heavies is the number of ways to fill a block.
const heavies = 3

// heavy makes a block that weighs as much as may be, or 1 more, each in the ways there are.
func (g *gen) heavy(way int) []byte {
	l := &lock{pk: script(txscript.OP_2, []byte{1, 2}), sequence: wire.MaxTxInSequenceNum}
	tx, coins := g.fresh(l)
	spend := g.simple(coins...)
	over := way / heavies
	if way%heavies == 0 { // no witnesses: the size without them has the same bound
		blk := g.uncommitted(g.now, tx)
		root(blk)
		pad := blockchain.MaxBlockBaseSize - len(serialize(blk)) - 4 + over // the script's size takes 4 bytes more
		blk.Transactions[0].TxOut[0].PkScript = append(blk.Transactions[0].TxOut[0].PkScript, make([]byte, pad)...)
		root(blk)
		g.note(fmt.Sprintf("%d bytes without witnesses", blk.SerializeSizeStripped()))
		return serialize(blk)
	}
	const some = 100_000 // the size of the witness while its block is weighed: its encoding is as long as the final one's
	spend.TxIn[0].Witness = wire.TxWitness{make([]byte, some)}
	n := some + blockchain.MaxBlockWeight - int(blockchain.GetBlockWeight(btcutil.NewBlock(g.block(g.now, tx, spend)))) + over
	spend.TxIn[0].Witness[0] = make([]byte, n)
	if way%heavies == 1 { // as many items instead, one byte each: their number takes the bytes of the one's size
		spend.TxIn[0].Witness = make(wire.TxWitness, n+1)
	}
	blk := g.block(g.now, tx, spend)
	g.note(fmt.Sprintf("weight %d", blockchain.GetBlockWeight(btcutil.NewBlock(blk))))
	return serialize(blk)
}
