package interop

import (
	"crypto/sha256"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// lock is one way to lock a coin and to unlock it again.
type lock struct {
	name     string
	script   []byte
	sequence uint32 // of the input that spends it; 0: final
	lockTime uint32 // of the transaction that does
	unlock   func(*input) (sigScript []byte, witness wire.TxWitness)
}

// input is an input that is being signed.
type input struct {
	testing.TB
	tx     *wire.MsgTx
	index  int
	spent  *wire.TxOut
	hashes *txscript.TxSigHashes
}

// secret is a private key that only its number decides.
func secret(number byte) *btcec.PrivateKey {
	sum := sha256.Sum256([]byte{number})
	k, _ := btcec.PrivKeyFromBytes(sum[:])
	return k
}

func public(number byte) []byte { return secret(number).PubKey().SerializeCompressed() }

func xOnly(number byte) []byte { return schnorr.SerializePubKey(secret(number).PubKey()) }

// build assembles a script of opcodes (untyped constants are ints), numbers (int64) and pushes.
func build(parts ...any) []byte {
	b := txscript.NewScriptBuilder()
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b.AddOp(byte(p))
		case int64:
			b.AddInt64(p)
		case []byte:
			b.AddData(p)
		}
	}
	s, err := b.Script()
	if err != nil {
		panic(err) // the parts are this file's
	}
	return s
}

func hash160(b []byte) []byte { return address.Hash160(b) }

func p2pkh(number byte) []byte {
	return build(txscript.OP_DUP, txscript.OP_HASH160, hash160(public(number)), txscript.OP_EQUALVERIFY, txscript.OP_CHECKSIG)
}

func p2sh(redeem []byte) []byte {
	return build(txscript.OP_HASH160, hash160(redeem), txscript.OP_EQUAL)
}

func p2wpkh(number byte) []byte { return build(txscript.OP_0, hash160(public(number))) }

func p2wsh(script []byte) []byte {
	sum := sha256.Sum256(script)
	return build(txscript.OP_0, sum[:])
}

func multisig(m int64, numbers ...byte) []byte {
	parts := []any{m}
	for _, n := range numbers {
		parts = append(parts, public(n))
	}
	return build(append(parts, int64(len(numbers)), txscript.OP_CHECKMULTISIG)...)
}

// legacy signs as before segwit.
func (in *input) legacy(script []byte, number byte, kind txscript.SigHashType) []byte {
	sig, err := txscript.RawTxInSignature(in.tx, in.index, script, kind, secret(number))
	return must(sig, err)(in)
}

// v0 signs by BIP143.
func (in *input) v0(script []byte, number byte, kind txscript.SigHashType) []byte {
	sig, err := txscript.RawTxInWitnessSignature(in.tx, in.hashes, in.index, in.spent.Value, script, kind, secret(number))
	return must(sig, err)(in)
}

// leaf signs a tapscript by BIP342.
func (in *input) leaf(leaf txscript.TapLeaf, number byte, kind txscript.SigHashType) []byte {
	sig, err := txscript.RawTxInTapscriptSignature(in.tx, in.hashes, in.index, in.spent.Value, in.spent.PkScript, leaf, kind, secret(number))
	return must(sig, err)(in)
}

// taproot is an output whose internal key is key number 1's, with these scripts as leaves.
func taproot(scripts ...[]byte) (script []byte, tree *txscript.IndexedTapScriptTree) {
	var leaves []txscript.TapLeaf
	for _, s := range scripts {
		leaves = append(leaves, txscript.NewBaseTapLeaf(s))
	}
	internal, root := secret(1).PubKey(), []byte{}
	if len(leaves) > 0 {
		tree = txscript.AssembleTaprootScriptTree(leaves...)
		hash := tree.RootNode.TapHash()
		root = hash[:]
	}
	return build(txscript.OP_1, schnorr.SerializePubKey(txscript.ComputeTaprootOutputKey(internal, root))), tree
}

// control is the control block that shows a leaf of a tree.
func control(t testing.TB, tree *txscript.IndexedTapScriptTree, leaf int) []byte {
	proof := tree.LeafMerkleProofs[leaf].ToControlBlock(secret(1).PubKey())
	return must(proof.ToBytes())(t)
}

// leafLock is the lock that a tapscript's first leaf makes, opened with what stack gives it.
func leafLock(name string, script []byte, sequence, lockTime uint32, stack func(*input, txscript.TapLeaf) wire.TxWitness) lock {
	// A second leaf, so that the control block holds a step of the path.
	pk, tree := taproot(script, build(txscript.OP_RETURN))
	return lock{name, pk, sequence, lockTime, func(in *input) ([]byte, wire.TxWitness) {
		return nil, append(stack(in, txscript.NewBaseTapLeaf(script)), script, control(in, tree, 0))
	}}
}

const final = wire.MaxTxInSequenceNum

// locks are the ways to lock a coin that Bitcoin's rules know, with each kind of signature hash somewhere among them.
// passed is a height, and past a median time, that the chain will be beyond when the coins are spent; the relative ones
// take waitBlocks blocks.
func locks(t testing.TB, passed int64, past int64) []lock {
	const all, none, single, anyone = txscript.SigHashAll, txscript.SigHashNone, txscript.SigHashSingle, txscript.SigHashAnyOneCanPay
	two := multisig(2, 1, 2, 3)
	wrap := p2wpkh(1)
	height := build(passed, txscript.OP_CHECKLOCKTIMEVERIFY, txscript.OP_DROP, public(1), txscript.OP_CHECKSIG)
	clock := build(past, txscript.OP_CHECKLOCKTIMEVERIFY, txscript.OP_DROP, public(1), txscript.OP_CHECKSIG)
	wait := build(int64(waitBlocks), txscript.OP_CHECKSEQUENCEVERIFY, txscript.OP_DROP, public(1), txscript.OP_CHECKSIG)
	branch := build(txscript.OP_IF, public(1), txscript.OP_CHECKSIG, txscript.OP_ELSE, int64(waitBlocks), txscript.OP_CHECKSEQUENCEVERIFY,
		txscript.OP_DROP, public(2), txscript.OP_CHECKSIG, txscript.OP_ENDIF)
	keyOnly, _ := taproot()
	withTree, tree := taproot(build(xOnly(2), txscript.OP_CHECKSIG))
	root := tree.RootNode.TapHash()
	return []lock{
		{"P2PK", build(public(1), txscript.OP_CHECKSIG), final, 0, func(in *input) ([]byte, wire.TxWitness) {
			return build(in.legacy(in.spent.PkScript, 1, all)), nil
		}},
		{"P2PKH", p2pkh(1), final, 0, func(in *input) ([]byte, wire.TxWitness) {
			return build(in.legacy(in.spent.PkScript, 1, all|anyone), public(1)), nil
		}},
		{"bare multisig", multisig(1, 1, 2), final, 0, func(in *input) ([]byte, wire.TxWitness) {
			return build(txscript.OP_0, in.legacy(in.spent.PkScript, 2, all)), nil
		}},
		{"P2SH multisig", p2sh(two), final, 0, func(in *input) ([]byte, wire.TxWitness) {
			return build(txscript.OP_0, in.legacy(two, 1, all), in.legacy(two, 3, none), two), nil
		}},
		{"P2SH CLTV by height", p2sh(height), final - 1, uint32(passed), func(in *input) ([]byte, wire.TxWitness) {
			return build(in.legacy(height, 1, all), height), nil
		}},
		{"P2SH-P2WPKH", p2sh(wrap), final, 0, func(in *input) ([]byte, wire.TxWitness) {
			return build(wrap), wire.TxWitness{in.v0(p2pkh(1), 1, all), public(1)}
		}},
		{"P2SH-P2WSH multisig", p2sh(p2wsh(two)), final, 0, func(in *input) ([]byte, wire.TxWitness) {
			return build(p2wsh(two)), wire.TxWitness{nil, in.v0(two, 2, all), in.v0(two, 3, all|anyone), two}
		}},
		{"P2WPKH", p2wpkh(1), final, 0, func(in *input) ([]byte, wire.TxWitness) {
			return nil, wire.TxWitness{in.v0(p2pkh(1), 1, single|anyone), public(1)}
		}},
		{"P2WSH multisig", p2wsh(two), final, 0, func(in *input) ([]byte, wire.TxWitness) {
			return nil, wire.TxWitness{nil, in.v0(two, 1, none|anyone), in.v0(two, 2, single), two}
		}},
		{"P2WSH CLTV by time", p2wsh(clock), final - 1, uint32(past), func(in *input) ([]byte, wire.TxWitness) {
			return nil, wire.TxWitness{in.v0(clock, 1, all), clock}
		}},
		{"P2WSH CSV", p2wsh(wait), waitBlocks, 0, func(in *input) ([]byte, wire.TxWitness) {
			return nil, wire.TxWitness{in.v0(wait, 1, all), wait}
		}},
		{"P2WSH either", p2wsh(branch), waitBlocks, 0, func(in *input) ([]byte, wire.TxWitness) {
			return nil, wire.TxWitness{in.v0(branch, 2, all), nil, branch}
		}},
		{"P2TR key", keyOnly, final, 0, func(in *input) ([]byte, wire.TxWitness) {
			sig, err := txscript.RawTxInTaprootSignature(in.tx, in.hashes, in.index, in.spent.Value, in.spent.PkScript, nil,
				txscript.SigHashDefault, secret(1))
			return nil, wire.TxWitness{must(sig, err)(in)}
		}},
		{"P2TR key with a tree", withTree, final, 0, func(in *input) ([]byte, wire.TxWitness) {
			sig, err := txscript.RawTxInTaprootSignature(in.tx, in.hashes, in.index, in.spent.Value, in.spent.PkScript, root[:],
				single|anyone, secret(1))
			return nil, wire.TxWitness{must(sig, err)(in)}
		}},
		leafLock("P2TR script", build(xOnly(2), txscript.OP_CHECKSIG), final, 0, func(in *input, l txscript.TapLeaf) wire.TxWitness {
			return wire.TxWitness{in.leaf(l, 2, txscript.SigHashDefault)}
		}),
		leafLock("P2TR script multisig", build(xOnly(1), txscript.OP_CHECKSIG, xOnly(2), txscript.OP_CHECKSIGADD, xOnly(3),
			txscript.OP_CHECKSIGADD, txscript.OP_2, txscript.OP_NUMEQUAL), final, 0, func(in *input, l txscript.TapLeaf) wire.TxWitness {
			return wire.TxWitness{in.leaf(l, 3, all), nil, in.leaf(l, 1, none)}
		}),
		leafLock("P2TR script CSV", build(int64(waitBlocks), txscript.OP_CHECKSEQUENCEVERIFY, txscript.OP_DROP, xOnly(1), txscript.OP_CHECKSIG),
			waitBlocks, 0, func(in *input, l txscript.TapLeaf) wire.TxWitness {
				return wire.TxWitness{in.leaf(l, 1, txscript.SigHashDefault)}
			}),
		leafLock("P2TR script CLTV", build(passed, txscript.OP_CHECKLOCKTIMEVERIFY, txscript.OP_DROP, xOnly(1), txscript.OP_CHECKSIG),
			final-1, uint32(passed), func(in *input, l txscript.TapLeaf) wire.TxWitness {
				return wire.TxWitness{in.leaf(l, 1, all|anyone)}
			}),
	}
}

// waitBlocks is how long coins with a relative lock wait.
const waitBlocks = 7

// coin is an output to be spent.
type coin struct {
	at  wire.OutPoint
	out *wire.TxOut
}

// fee is what the tests' transactions pay for each input, more than any of them owes.
const fee = 10_000

// fund spends one P2WPKH coin of key 1 to one output for each lock, and one that carries data.
func fund(t testing.TB, from coin, ls []lock) (tx *wire.MsgTx, coins []coin) {
	t.Helper()
	each := (from.out.Value - fee) / int64(len(ls))
	tx = wire.NewMsgTx(2)
	for _, l := range ls {
		tx.AddTxOut(wire.NewTxOut(each, l.script))
	}
	tx.AddTxOut(wire.NewTxOut(0, build(txscript.OP_RETURN, []byte("funai"))))
	sign(t, tx, []coin{from}, []lock{payment(1)})
	for i := range ls {
		coins = append(coins, coin{wire.OutPoint{Hash: tx.TxHash(), Index: uint32(i)}, tx.TxOut[i]})
	}
	return tx, coins
}

// payment is the lock of a P2WPKH coin of a key.
func payment(number byte) lock {
	return lock{"P2WPKH", p2wpkh(number), final, 0, func(in *input) ([]byte, wire.TxWitness) {
		return nil, wire.TxWitness{in.v0(p2pkh(number), number, txscript.SigHashAll), public(number)}
	}}
}

// pay makes a transaction of coins, with an output of a script for each.
func pay(t testing.TB, to []byte, coins []coin, ls []lock) *wire.MsgTx {
	t.Helper()
	tx := wire.NewMsgTx(2)
	for i, c := range coins {
		tx.AddTxOut(wire.NewTxOut(c.out.Value-fee, to))
		tx.LockTime = max(tx.LockTime, ls[i].lockTime)
	}
	sign(t, tx, coins, ls)
	return tx
}

// sign adds the coins as inputs, and unlocks them.
func sign(t testing.TB, tx *wire.MsgTx, coins []coin, ls []lock) {
	t.Helper()
	prev := txscript.NewMultiPrevOutFetcher(nil)
	for i, c := range coins {
		in := wire.NewTxIn(&c.at, nil, nil)
		in.Sequence = ls[i].sequence
		tx.AddTxIn(in)
		prev.AddPrevOut(c.at, c.out)
	}
	hashes := txscript.NewTxSigHashes(tx, prev)
	for i, c := range coins {
		tx.TxIn[i].SignatureScript, tx.TxIn[i].Witness = ls[i].unlock(&input{t, tx, i, c.out, hashes})
	}
}

// coinbase is the coin that a block's coinbase pays.
func coinbase(b *wire.MsgBlock) coin {
	tx := b.Transactions[0]
	return coin{wire.OutPoint{Hash: tx.TxHash()}, tx.TxOut[0]}
}
