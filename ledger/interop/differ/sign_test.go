package differ

import (
	"bytes"
	"slices"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// coin is an output to be spent, and how.
type coin struct {
	at     wire.OutPoint
	out    *wire.TxOut
	height int32
	lock   *lock
}

// Ways to go wrong with a signature. Not all make it invalid.
var (
	anyFaults = []string{"other type", "key", "bit", "truncated", "extended", "empty", "amount", "separator", "random"}
	derFaults = []string{"high S", "padded R", "padded S", "trailing byte", "bad length", "negative R", "negative S", "zero R",
		"zero S", "R of order", "S of order", "long R", "one and one", "no R", "not a sequence", "not an integer", "long form", "only a type", "script"}
	schnorrFaults = []string{"R above the field", "S of order", "zero S", "unknown type", "spelled default", "output script", "leaf", "leaf version", "annex", "as by key",
		"not the tweaked key", "other input"}
)

// unlocking makes what unlocks one input of a transaction that is complete but for that.
type unlocking struct {
	*gen
	tx     *wire.MsgTx
	coins  []coin
	i      int
	annex  []byte
	fault  string // of a signature
	faulty int    // its slot
}

func (u *unlocking) lock() *lock { return u.coins[u.i].lock }

// spent are the outputs spent, as the signer believes them to be.
func (u *unlocking) spent(fault string) (outs []*wire.TxOut) {
	for i, c := range u.coins {
		out := wire.TxOut{Value: c.out.Value, PkScript: c.out.PkScript}
		if i == len(u.coins)-1 && fault == "amount" {
			out.Value++
		}
		if i == len(u.coins)-1 && fault == "output script" {
			out.PkScript = append(slices.Clone(out.PkScript), txscript.OP_NOP)
		}
		outs = append(outs, &out)
	}
	return outs
}

// digest is what a signature of a slot signs.
func (u *unlocking) digest(s slot, kind txscript.SigHashType, fault string) ([]byte, error) {
	l := u.lock()
	code := l.script
	if l.mode != byKey && l.mode != inLeaf {
		code = code[s.sepByte:]
		if fault == "separator" {
			code = l.script[min(1, len(l.script)):]
		}
		if fault == "script" {
			code = append(slices.Clone(code), txscript.OP_NOP)
		}
	}
	index := u.i
	if fault == "other input" {
		index = (u.i + 1) % len(u.coins)
	}
	switch {
	case l.mode == byKey || l.mode == inLeaf:
		return u.taprootDigest(s, kind, fault, index), nil
	case l.mode.segwit0():
		value := u.coins[u.i].out.Value
		if fault == "amount" {
			value++
		}
		hashes := txscript.NewTxSigHashes(u.tx, txscript.NewCannedPrevOutputFetcher(nil, 0)) // BIP 143's need no outputs
		return txscript.CalcWitnessSigHash(code, hashes, kind, u.tx, index, value)
	}
	return txscript.CalcSignatureHash(code, kind, u.tx, index)
}

func (u *unlocking) taprootDigest(s slot, kind txscript.SigHashType, fault string, index int) []byte {
	annex := u.annex
	if fault == "annex" {
		if annex = []byte{txscript.TaprootAnnexTag, 1, 2}; bytes.Equal(annex, u.annex) {
			annex = nil
		}
	}
	l := u.lock()
	var spend *leafSpend
	if l.mode == inLeaf && fault != "as by key" {
		leaf := l.tree.leaf
		switch fault {
		case "leaf":
			leaf.Script = append(slices.Clone(leaf.Script), txscript.OP_NOP)
		case "leaf version":
			leaf.LeafVersion += 2
		}
		spend = &leafSpend{leaf.TapHash(), s.sepOp}
		if fault == "separator" {
			spend.separator ^= 1
		}
	}
	return taprootHash(u.tx, index, u.spent(fault), kind, annex, spend)
}

// signature fills a slot.
func (u *unlocking) signature(s slot, fault string) []byte {
	kind, signs, key := s.hash, s.hash, s.key
	taproot := u.lock().mode == byKey || u.lock().mode == inLeaf
	switch fault {
	case "other type":
		for signs == kind {
			signs = u.hashType(taproot)
		}
	case "unknown type":
		if kind = txscript.SigHashType(4 + u.IntN(124)); u.chance(2) {
			kind |= 0x80
		}
	case "key":
		key = secret(100)
	case "empty":
		return nil
	case "only a type":
		return []byte{byte(kind)}
	case "random":
		return u.bytes(1 + u.IntN(75))
	}
	hash, err := u.digest(s, signs, fault)
	if err != nil {
		hash = u.bytes(32)
	}
	if taproot {
		return u.schnorr(key, hash, kind, fault)
	}
	return u.ecdsa(key, hash, kind, fault)
}

func (u *unlocking) schnorr(key *btcec.PrivateKey, hash []byte, kind txscript.SigHashType, fault string) []byte {
	if u.lock().mode == byKey && fault != "not the tweaked key" {
		key = txscript.TweakTaprootPrivKey(*key, u.lock().tree.root)
	}
	s, err := schnorr.Sign(key, hash)
	if err != nil {
		panic(err) // it fails for keys of zero only
	}
	sig := s.Serialize()
	switch fault {
	case "R above the field":
		copy(sig, slices.Repeat([]byte{0xff}, 32))
	case "S of order":
		copy(sig[32:], btcec.S256().N.Bytes())
	case "zero S":
		clear(sig[32:])
	}
	if kind != txscript.SigHashDefault || fault == "spelled default" {
		sig = append(sig, byte(kind))
	}
	return u.damage(sig, fault)
}

func (u *unlocking) damage(sig []byte, fault string) []byte {
	switch fault {
	case "bit":
		return u.flip(sig)
	case "truncated":
		return sig[:len(sig)-1-u.IntN(len(sig)-1)]
	case "extended":
		return append(sig, u.bytes(1+u.IntN(3))...)
	}
	return sig
}

func (u *unlocking) ecdsa(key *btcec.PrivateKey, hash []byte, kind txscript.SigHashType, fault string) []byte {
	sig := ecdsa.Sign(key, hash)
	r, s := sig.R(), sig.S()
	if fault == "high S" {
		s.Negate()
	}
	rb, sb := r.Bytes(), s.Bytes()
	return u.damage(append(der(rb[:], sb[:], fault), byte(kind)), fault)
}

// integer is a positive DER integer's content.
func integer(b []byte) []byte {
	b = bytes.TrimLeft(b, "\x00")
	if len(b) == 0 || b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return b
}

// der encodes a signature, in the way told by fault.
func der(r, s []byte, fault string) []byte {
	order := btcec.S256().N.Bytes()
	switch fault {
	case "zero R":
		r = nil
	case "zero S":
		s = nil
	case "R of order":
		r = order
	case "S of order":
		s = order
	case "long R": // longer than any number below the order, though a good integer
		r, s = append([]byte{1}, append(r, r[:3]...)...), s[len(s)-20:]
	case "one and one":
		r, s = []byte{1}, []byte{1}
	}
	r, s = integer(r), integer(s)
	switch fault {
	case "padded R":
		r = append([]byte{0}, r...)
	case "padded S":
		s = append([]byte{0}, s...)
	case "negative R":
		r = append([]byte{0x80}, bytes.TrimLeft(r, "\x00")...)
	case "negative S":
		s = append([]byte{0xff}, bytes.TrimLeft(s, "\x00")...)
	case "no R":
		r = nil
	}
	tag := byte(2)
	if fault == "not an integer" {
		tag = 3
	}
	body := append([]byte{tag, byte(len(r))}, r...)
	body = append(body, 2, byte(len(s)))
	body = append(body, s...)
	head := []byte{0x30, byte(len(body))}
	switch fault {
	case "bad length":
		head[1]++
	case "not a sequence":
		head[0] = 0x31
	case "long form":
		head = []byte{0x30, 0x81, byte(len(body))}
	case "trailing byte":
		body = append(body, 0)
	}
	return append(head, body...)
}

// fill makes the stack that the script starts with.
func (u *unlocking) fill() (items [][]byte) {
	for j, s := range u.lock().stack {
		item := s.data
		if s.key != nil {
			fault := ""
			if u.fault != "" && u.faulty == j {
				fault = u.fault
			}
			item = u.signature(s, fault)
		}
		items = append(items, item)
	}
	return items
}

// signatures spends coins with all kinds of locks.
func (g *gen) signatures() []byte {
	var coins []coin
	var txs []*wire.MsgTx
	n := pick(g, 1, 1, 1, 2, 3)
	if g.chance(3) {
		for _, i := range g.Perm(len(g.coins))[:n] {
			coins = append(coins, g.coins[i])
		}
	} else {
		var locks []*lock
		for range n {
			locks = append(locks, g.locked())
		}
		if g.chance(40) { // numbers of inputs whose encoding has a byte or three
			locks = append(locks, slices.Repeat([]*lock{anyone()}, 250+g.IntN(5))...)
		}
		tx, fresh := g.fresh(locks...)
		txs, coins = append(txs, tx), fresh
	}
	tx := g.spending(coins)
	g.unlock(tx, coins, g.chance(2))
	return g.blockOf(append(txs, tx)...)
}
