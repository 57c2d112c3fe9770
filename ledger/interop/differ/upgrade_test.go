package differ

import (
	"slices"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// upgrades are about what is kept open for later rules: versions of witness programs and of leaves, opcodes that
// succeed.
func (g *gen) upgrades() []byte {
	l := &lock{sequence: wire.MaxTxInSequenceNum}
	var sigScript []byte
	var witness wire.TxWitness
	switch g.IntN(4) {
	case 0, 1:
		l.pk, sigScript, witness = g.witnessProgram()
	case 2:
		l.pk, witness = g.otherLeaf()
	case 3:
		l.pk, witness = g.success()
	}
	tx, coins := g.fresh(l)
	spend := g.simple(coins...)
	spend.TxIn[0].SignatureScript, spend.TxIn[0].Witness = sigScript, witness
	return g.blockOf(tx, spend)
}

// junk is a witness of anything.
func (g *gen) junk() (w wire.TxWitness) {
	for range g.IntN(4) {
		w = append(w, g.bytes(pick(g, 0, 1, 32, 64, 65, 520, 521, 5000)))
	}
	return w
}

// witnessProgram is an output that looks like a witness program, with something that may unlock it.
func (g *gen) witnessProgram() (pk, sigScript []byte, w wire.TxWitness) {
	version := pick(g, 0, 1, 1, 2, 3, 15, 16)
	data := g.bytes(pick(g, 1, 2, 3, 20, 31, 32, 33, 39, 40, 41))
	if g.chance(6) {
		clear(data) // a program that is not true
		if g.chance(2) {
			data[len(data)-1] = 0x80
		}
	}
	if g.chance(6) {
		version, data = 1, []byte{0x4e, 0x73} // pay to anchor
	}
	w = g.junk()
	s := []byte{txscript.OP_1}
	if version == 0 && len(data) == 32 && g.chance(2) {
		s = pick(g, s, nil, []byte{txscript.OP_0})
		data, w = sum256(s), wire.TxWitness{s}
		if len(s) == 0 && g.chance(2) {
			w = wire.TxWitness{{1}, {}}
		}
	}
	push := pushBy(0, data)
	if g.chance(10) { // not the direct push that a witness program is
		push = pushBy(txscript.OP_PUSHDATA1, data)
	}
	pk = script(int64(version), raw(push))
	if g.chance(12) {
		pk[0] = txscript.OP_1NEGATE
	}
	if g.chance(12) {
		pk = append(pk, txscript.OP_NOP)
	}
	if g.chance(3) {
		g.note("witness program in P2SH")
		sigScript = script(pk)
		if g.chance(5) {
			sigScript = pick(g, nil, script(int64(1), pk), pushBy(txscript.OP_PUSHDATA1, pk), append(sigScript, txscript.OP_NOP), sigScript[:len(sigScript)-1])
		}
		return p2sh(pk), sigScript, w
	}
	g.note("witness program")
	if g.chance(8) {
		sigScript = pick(g, []byte{txscript.OP_1}, []byte{txscript.OP_0}, []byte{txscript.OP_NOP})
	}
	return pk, sigScript, w
}

// otherLeaf is a taproot output with a leaf of some version, shown to be there.
func (g *gen) otherLeaf() (pk []byte, w wire.TxWitness) {
	version := txscript.TapscriptLeafVersion(g.IntN(128) * 2)
	if g.chance(2) {
		version = pick[txscript.TapscriptLeafVersion](g, 0xc0, 0xc2, 0xbe, 0x50, 0x00, 0xfe, 0x66)
	}
	s := pick(g, []byte{txscript.OP_1}, []byte{txscript.OP_0}, []byte{txscript.OP_RETURN}, g.bytes(g.IntN(50)), nil, make([]byte, 10_001),
		[]byte{txscript.OP_DATA_75, 1})
	t, pk := g.grow(version, s, g.depth())
	g.note("leaf version")
	w = append(g.junk(), s, t.control)
	if g.chance(3) {
		w = wire.TxWitness{s, t.control}
	}
	if g.chance(4) {
		w = append(w, append([]byte{txscript.TaprootAnnexTag}, g.bytes(g.IntN(600))...))
	}
	return pk, w
}

// successes are the opcodes that make a tapscript succeed (BIP 342).
var successes = func() (ops []byte) {
	for op := 80; op < 255; op++ {
		if op == 80 || op == 98 || op >= 126 && op <= 129 || op >= 131 && op <= 134 || op >= 137 && op <= 138 || op >= 141 && op <= 142 ||
			op >= 149 && op <= 153 || op >= 187 {
			ops = append(ops, byte(op))
		}
	}
	return ops
}()

// success is a tapscript with such an opcode somewhere, among things that would fail.
func (g *gen) success() (pk []byte, w wire.TxWitness) {
	before := pick(g, nil, []byte{txscript.OP_RETURN}, []byte{txscript.OP_VERIF}, make([]byte, 10_001), script(make([]byte, 521)), script(0, txscript.OP_IF),
		[]byte{txscript.OP_CHECKMULTISIG}, []byte{txscript.OP_DATA_2}, []byte{txscript.OP_PUSHDATA1, 1}, []byte{txscript.OP_PUSHDATA4, 255, 255, 255, 255},
		[]byte{txscript.OP_INVALIDOPCODE})
	op := []byte{pick(g, successes...)}
	if g.chance(5) {
		op = []byte{byte(g.IntN(256))}
	}
	after := pick(g, nil, g.bytes(10), []byte{txscript.OP_DATA_75}, []byte{txscript.OP_PUSHDATA2, 255}, []byte{txscript.OP_ENDIF})
	s := slices.Concat(before, op, after)
	t, pk := g.grow(txscript.BaseLeafVersion, s, g.depth())
	g.note("success opcode")
	w = g.junk()
	if g.chance(20) { // more items than a stack may hold
		w = slices.Repeat(wire.TxWitness{nil}, 1001)
	}
	return pk, append(w, s, t.control)
}
