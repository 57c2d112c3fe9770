package differ

import (
	"slices"

	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/txscript/v2"
)

// deletions are about how pushes of a signature are deleted from the script that it signs, before segwit. No output's
// script can hold a signature of what spends it; the signature script can, and can check it, too.
func (g *gen) deletions() []byte {
	tx, coins := g.fresh(anyone())
	spend := g.spending(coins)
	k := secret(g.IntN(4))
	pub := compressed(k)
	kind := g.hashType(false)
	// What comes before the check: pushes that stay, copies of the signature and separators.
	type piece struct {
		raw
		sig bool // a push of the signature
	}
	drop := piece{raw: raw{txscript.OP_DROP}}
	var pieces []piece
	for range g.IntN(5) {
		switch g.IntN(4) {
		case 0:
			pieces = append(pieces, piece{sig: true}, drop)
		case 1:
			pieces = append(pieces, piece{raw: push(g.bytes(g.IntN(80)))}, drop)
		case 2:
			pieces = append(pieces, piece{raw: raw{txscript.OP_CODESEPARATOR}})
		case 3:
			pieces = append(pieces, piece{raw: raw{pick[byte](g, txscript.OP_NOP, txscript.OP_0)}})
		}
	}
	multi := g.chance(2)
	if multi {
		pieces = append(pieces, piece{raw: raw{txscript.OP_0}})
	}
	pieces = append(pieces, piece{sig: true})
	if g.chance(4) {
		pieces = append(pieces, piece{raw: raw{txscript.OP_CODESEPARATOR}})
	}
	if multi {
		pieces = append(pieces, piece{raw: script(txscript.OP_1, pub, compressed(secret(9)), txscript.OP_2, txscript.OP_CHECKMULTISIG)})
	} else {
		pieces = append(pieces, piece{raw: script(pub, txscript.OP_CHECKSIG)})
	}
	if g.chance(3) {
		pieces = append(pieces, piece{raw: script(txscript.OP_VERIFY, txscript.OP_1)}, piece{sig: true}, drop)
	}
	// The output is anyone's: only the check's result counts, if at all.
	pieces = append(pieces, piece{raw: raw{pick[byte](g, txscript.OP_VERIFY, txscript.OP_VERIFY, txscript.OP_DROP)}})
	last := 0
	for i, p := range pieces {
		if slices.Equal(p.raw, raw{txscript.OP_CODESEPARATOR}) {
			last = i + 1
		}
	}
	var signed []byte
	keep := g.chance(5) // sign what is not to be signed
	for _, p := range pieces[last:] {
		signed = append(signed, p.raw...)
		if p.sig && keep {
			signed = append(signed, txscript.OP_0)
			keep = false
			g.note("signs a push too many;")
		}
	}
	hash, err := txscript.CalcSignatureHash(signed, kind, spend, 0)
	if err != nil {
		panic(err) // the pieces are whole
	}
	sig := append(ecdsa.Sign(k, hash).Serialize(), byte(kind))
	var s []byte
	for _, p := range pieces {
		s = append(s, p.raw...)
		if p.sig && g.chance(12) {
			s = append(s, pushBy(txscript.OP_PUSHDATA1, sig)...)
			g.note("not the push that is deleted;")
		} else if p.sig {
			s = append(s, push(sig)...)
		}
	}
	spend.TxIn[0].SignatureScript = s
	return g.blockOf(tx, spend)
}
