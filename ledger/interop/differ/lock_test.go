package differ

import (
	"bytes"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// mode is the way in which a coin names the script that unlocks it.
type mode int

const (
	bare mode = iota
	inP2SH
	inP2WSH
	inP2SHP2WSH
	inP2WPKH
	inP2SHP2WPKH
	inLeaf
	byKey
)

var modeNames = [...]string{"bare", "P2SH", "P2WSH", "P2SH-P2WSH", "P2WPKH", "P2SH-P2WPKH", "tapscript", "taproot key"}

func (m mode) String() string { return modeNames[m] }

// segwit0 says whether signatures are BIP 143's.
func (m mode) segwit0() bool { return m >= inP2WSH && m <= inP2SHP2WPKH }

// wrapped says whether the output is a script hash, and what it hashes is all that the signature script may push.
func (m mode) wrapped() bool { return m == inP2SHP2WSH || m == inP2SHP2WPKH }

// lock is a way to lock a coin, with all that it takes to unlock it.
type lock struct {
	mode   mode
	pk     []byte // the output's script
	redeem []byte // what a script hash hashes
	script []byte // what runs at last, on stack
	stack  []slot
	tree   *tree
	// What the transaction that spends it must have, beside.
	sequence uint32
	lockTime uint32
}

// tree is a taproot output's one leaf of interest and what proves it.
type tree struct {
	internal *btcec.PrivateKey
	leaf     txscript.TapLeaf
	root     []byte // nil: no tree
	control  []byte
}

// grow makes a taproot output with a leaf depth steps below the root. The other branches are made up.
func (g *gen) grow(version txscript.TapscriptLeafVersion, s []byte, depth int) (*tree, []byte) {
	t := &tree{internal: secret(g.IntN(8)), leaf: txscript.NewTapLeaf(version, s)}
	node := t.leaf.TapHash()
	var path []byte
	for range depth {
		sibling := g.bytes(chainhash.HashSize)
		path = append(path, sibling...)
		a, b := node[:], sibling
		if bytes.Compare(a, b) > 0 {
			a, b = b, a
		}
		node = *chainhash.TaggedHash(chainhash.TagTapBranch, a, b)
	}
	t.root = bytes.Clone(node[:])
	out := txscript.ComputeTaprootOutputKey(t.internal.PubKey(), t.root)
	t.control = append([]byte{byte(version) | out.SerializeCompressed()[0]&1}, xOnly(t.internal)...)
	t.control = append(t.control, path...)
	return t, script(txscript.OP_1, out.SerializeCompressed()[1:])
}

// depth is that of a leaf, mostly little.
func (g *gen) depth() int {
	if g.chance(12) {
		return pick(g, 20, 127, 128)
	}
	return g.IntN(4)
}

// seal puts a script into a mode.
func (g *gen) seal(m mode, s []byte, stack []slot) *lock {
	l := &lock{mode: m, script: s, stack: stack, sequence: wire.MaxTxInSequenceNum}
	switch m {
	case inP2SH:
		l.redeem, l.pk = s, p2sh(s)
	case inP2WSH:
		l.pk = p2wsh(s)
	case inP2SHP2WSH:
		l.redeem = p2wsh(s)
		l.pk = p2sh(l.redeem)
	case inLeaf:
		l.tree, l.pk = g.grow(txscript.BaseLeafVersion, s, g.depth())
	default:
		l.pk = s
	}
	return l
}

// locked is a random lock.
func (g *gen) locked() *lock {
	if g.chance(6) {
		return g.template()
	}
	m := pick(g, bare, inP2SH, inP2WSH, inP2WSH, inP2SHP2WSH, inLeaf, inLeaf, inLeaf)
	p := newProgram(g, m == inLeaf).random()
	if m == inP2SH && len(p.code) > txscript.MaxScriptElementSize {
		m = bare
	}
	return g.seal(m, p.code, p.stack())
}

// template is a random one of the usual locks.
func (g *gen) template() *lock {
	k := secret(g.IntN(8))
	pub := compressed(k)
	sig := slot{key: k, sepOp: noSeparator, hash: g.hashType(false)}
	l := &lock{sequence: wire.MaxTxInSequenceNum}
	switch g.IntN(7) {
	case 0: // P2PK
		l.pk = script(pub, txscript.OP_CHECKSIG)
		l.script, l.stack = l.pk, []slot{sig}
	case 1:
		l.pk = p2pkh(pub)
		l.script, l.stack = l.pk, []slot{sig, {data: pub}}
	case 2:
		l.mode, l.pk, l.script, l.stack = inP2WPKH, p2wpkh(pub), p2pkh(pub), []slot{sig, {data: pub}}
	case 3:
		l.mode, l.redeem, l.script, l.stack = inP2SHP2WPKH, p2wpkh(pub), p2pkh(pub), []slot{sig, {data: pub}}
		l.pk = p2sh(l.redeem)
	case 4: // bare multisig
		l.pk = script(txscript.OP_1, pub, compressed(secret(9)), txscript.OP_2, txscript.OP_CHECKMULTISIG)
		l.script, l.stack = l.pk, []slot{{dummy: true}, sig}
	default:
		l.mode, l.stack = byKey, []slot{{key: k, sepOp: noSeparator, hash: g.hashType(true)}}
		if g.chance(2) {
			l.tree, l.pk = g.grow(txscript.BaseLeafVersion, []byte{txscript.OP_1}, g.depth())
			l.stack[0].key = l.tree.internal
		} else {
			l.tree = &tree{internal: k}
			l.pk = script(txscript.OP_1, txscript.ComputeTaprootKeyNoScript(k.PubKey()).SerializeCompressed()[1:])
		}
	}
	return l
}
