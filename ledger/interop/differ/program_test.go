package differ

import (
	"bytes"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/txscript/v2"
)

// slot is an item of the stack that a script starts with: data, or a signature still to be made.
type slot struct {
	data []byte
	key  *btcec.PrivateKey // the signer; nil: data
	// Where the last code separator before the check is: the script from there on is what an ECDSA signature signs, the
	// opcode's place is what a tapscript's does.
	sepByte int
	sepOp   uint32
	flag    bool // data is the operand of an IF
	dummy   bool // data is the item that CHECKMULTISIG takes too much
	hash    txscript.SigHashType
}

// noSeparator is the place of a code separator that is not there (BIP 342).
const noSeparator = 0xffffffff

// program is a script that runs well if its slots are filled.
type program struct {
	g         *gen
	tapscript bool
	code      []byte
	ops       uint32
	sepByte   int
	sepOp     uint32
	parts     [][]slot // the items that each part takes, bottom first
}

func newProgram(g *gen, tapscript bool) *program {
	return &program{g: g, tapscript: tapscript, sepOp: noSeparator}
}

// add appends opcodes and pushes; each part is one opcode.
func (p *program) add(parts ...any) {
	p.code = append(p.code, script(parts...)...)
	p.ops += uint32(len(parts))
}

// take says what items a part of the script takes.
func (p *program) take(s ...slot) { p.parts = append(p.parts, s) }

// stack is the items of all parts; the last part's are lowest.
func (p *program) stack() (s []slot) {
	for i := len(p.parts) - 1; i >= 0; i-- {
		s = append(s, p.parts[i]...)
	}
	return s
}

func (p *program) signer(k *btcec.PrivateKey) slot {
	return slot{key: k, sepByte: p.sepByte, sepOp: p.sepOp, hash: p.g.hashType(p.tapscript)}
}

// hashType is a way to sign. Any byte is one before taproot.
func (g *gen) hashType(taproot bool) txscript.SigHashType {
	switch {
	case taproot:
		return pick[txscript.SigHashType](g, 0, 0, 1, 2, 3, 0x81, 0x82, 0x83)
	case g.chance(6):
		return txscript.SigHashType(g.IntN(256))
	}
	return pick[txscript.SigHashType](g, 1, 1, 2, 3, 0x81, 0x82, 0x83)
}

func (p *program) separate() {
	at := p.ops
	p.add(txscript.OP_CODESEPARATOR)
	p.sepByte, p.sepOp = len(p.code), at
}

// public is a form of k's public key that the script can use.
func (p *program) public(k *btcec.PrivateKey) []byte {
	if p.tapscript {
		return xOnly(k)
	}
	switch p.g.IntN(6) {
	case 0:
		return k.PubKey().SerializeUncompressed()
	case 1:
		return hybrid(k, false)
	}
	return compressed(k)
}

// single checks one signature.
func (p *program) single() {
	k := secret(p.g.IntN(8))
	p.add(p.public(k), txscript.OP_CHECKSIGVERIFY)
	p.take(p.signer(k))
}

// refused checks a signature that must be wrong.
func (p *program) refused() {
	s := slot{}
	if !p.tapscript && p.g.chance(2) { // a signature, but another key's
		s = p.signer(secret(9))
	}
	k := p.public(secret(p.g.IntN(8)))
	if p.g.chance(3) {
		k = p.g.notPublic(p.tapscript)
	}
	p.add(k, txscript.OP_CHECKSIG, txscript.OP_NOT, txscript.OP_VERIFY)
	p.take(s)
}

// notPublic is something of a public key's length that is none.
func (g *gen) notPublic(taproot bool) []byte {
	x := make([]byte, 32)
	x[31] = pick[byte](g, 0, 5) // neither is the abscissa of a point
	if g.chance(3) {
		x = bytes.Repeat([]byte{0xff}, 32) // above the field's prime
	}
	if taproot {
		return x
	}
	k := secret(g.IntN(8))
	wrong := k.PubKey().SerializeUncompressed()
	wrong[64] ^= 2
	return pick(g, append([]byte{2}, x...), append([]byte{3}, x...), append([]byte{5}, x...), wrong, hybrid(k, true), nil, []byte{4},
		append([]byte{4}, compressed(k)[1:]...))
}

// unknown checks a signature by a kind of key that is not defined yet, for which any will do; of no kind, before
// taproot, for which none will.
func (p *program) unknown() {
	k := p.g.bytes(pick(p.g, 1, 2, 31, 33, 34, 65, 520))
	if p.tapscript {
		p.add(k)
		s := slot{data: p.g.bytes(1 + p.g.IntN(70))}
		if p.g.chance(3) { // adding counts it, and an empty one does not count
			n := p.g.Int64N(5)
			sum := n + 1
			if p.g.chance(2) {
				s.data, sum = nil, n
			}
			p.add(n, txscript.OP_SWAP, txscript.OP_CHECKSIGADD, sum, txscript.OP_NUMEQUALVERIFY)
		} else {
			p.add(txscript.OP_CHECKSIGVERIFY)
		}
		p.take(s)
		return
	}
	k[0] = pick[byte](p.g, 0, 1, 5, 8, k[0])
	p.add(k, txscript.OP_CHECKSIG, txscript.OP_NOT, txscript.OP_VERIFY)
	p.take(p.signer(secret(1)))
}

// several checks signatures of m of n keys.
func (p *program) several() {
	n := 1 + p.g.IntN(4)
	if p.g.chance(10) {
		n = 1 + p.g.IntN(txscript.MaxPubKeysPerMultiSig)
	}
	m := p.g.IntN(n + 1)
	if m > 4 && p.g.chance(2) {
		m = 1 + p.g.IntN(3)
	}
	signs := map[int]bool{}
	for _, i := range p.g.Perm(n)[:m] {
		signs[i] = true
	}
	if p.tapscript {
		p.added(n, m, signs)
		return
	}
	s := []slot{{dummy: true}}
	p.add(int64(m))
	for i := range n {
		k := secret(10 + i)
		p.add(p.public(k))
		if signs[i] {
			s = append(s, p.signer(k))
		}
	}
	p.add(int64(n), txscript.OP_CHECKMULTISIGVERIFY)
	p.take(s...)
}

// added is several in tapscript.
func (p *program) added(n, m int, signs map[int]bool) {
	var s []slot
	for i := range n {
		k := secret(10 + i)
		p.add(xOnly(k))
		if i == 0 {
			p.add(txscript.OP_CHECKSIG)
		} else {
			p.add(txscript.OP_CHECKSIGADD)
		}
		sig := slot{}
		if signs[i] {
			sig = p.signer(k)
		}
		s = append([]slot{sig}, s...)
	}
	p.add(int64(m), txscript.OP_NUMEQUALVERIFY)
	p.take(s...)
}

// branch checks one signature or another.
func (p *program) branch() {
	a, b := secret(p.g.IntN(8)), secret(p.g.IntN(8))
	first := p.g.chance(2)
	inverse := p.g.chance(3)
	if inverse {
		p.add(txscript.OP_NOTIF)
	} else {
		p.add(txscript.OP_IF)
	}
	var sig slot
	sepByte, sepOp := p.sepByte, p.sepOp
	side := func(k *btcec.PrivateKey, taken bool) {
		if p.g.chance(3) {
			p.separate()
		}
		p.add(p.public(k), txscript.OP_CHECKSIGVERIFY)
		if taken {
			sig = p.signer(k)
			sepByte, sepOp = p.sepByte, p.sepOp
		}
		p.sepByte, p.sepOp = sepByte, sepOp
	}
	side(a, first)
	p.add(txscript.OP_ELSE)
	side(b, !first)
	p.add(txscript.OP_ENDIF)
	flag := slot{flag: true}
	if first != inverse {
		flag.data = []byte{1}
	}
	p.take(sig, flag)
}

// idle does work that changes nothing.
func (p *program) idle() {
	g := p.g
	a, b := g.Int64N(1<<31), g.Int64N(1<<31)
	d := g.bytes(g.IntN(40))
	switch g.IntN(8) {
	case 0:
		p.add(a, b, txscript.OP_ADD, a+b, txscript.OP_EQUALVERIFY)
	case 1:
		p.add(a, b, txscript.OP_SUB, a-b, txscript.OP_EQUALVERIFY)
	case 2:
		p.add(d, txscript.OP_HASH160, hash160(d), txscript.OP_EQUALVERIFY)
	case 3:
		p.add(pick(g, txscript.OP_NOP, txscript.OP_NOP1, txscript.OP_NOP4, txscript.OP_NOP10))
	case 4:
		p.add(txscript.OP_DEPTH, txscript.OP_DROP)
	case 5:
		p.add(d, txscript.OP_TOALTSTACK, txscript.OP_FROMALTSTACK, txscript.OP_DROP)
	case 6:
		p.add(int64(0), txscript.OP_IF, txscript.OP_VER, txscript.OP_RETURN, txscript.OP_ENDIF)
	case 7:
		p.add(d, txscript.OP_SIZE, int64(len(d)), txscript.OP_EQUALVERIFY, txscript.OP_DROP)
	}
}

// secretData asks for data by its hash.
func (p *program) secretData() {
	d := p.g.bytes(p.g.IntN(100))
	p.add(txscript.OP_SHA256, sum256(d), txscript.OP_EQUALVERIFY)
	p.take(slot{data: d})
}

// random adds parts, of which at least one checks a signature if they are to be checks.
func (p *program) random() *program {
	for range 1 + p.g.IntN(4) {
		switch p.g.IntN(14) {
		case 0, 1:
			p.idle()
		case 2:
			p.secretData()
		case 3:
			p.separate()
		case 4, 5:
			p.several()
		case 6, 7:
			p.branch()
		case 8:
			p.refused()
		case 9:
			p.unknown()
		default:
			p.single()
		}
	}
	p.single()
	p.add(txscript.OP_1)
	return p
}
