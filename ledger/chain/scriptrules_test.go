package chain_test

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

// good is the verdict on what breaks no rule.
const good = blockchain.ErrorCode(-1)

// verdict is what the chain says of a block on its tip; it does not process it.
func verdict(t *testing.T, c *chain.Chain, b *wire.MsgBlock, want blockchain.ErrorCode) {
	t.Helper()
	err := c.CheckTemplate(t.Context(), b)
	if want == good && err != nil || want != good && !consensus.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}

// script assembles opcodes (int), numbers (int64) and pushes ([]byte).
func script(t testing.TB, parts ...any) []byte {
	b := txscript.NewScriptBuilder(txscript.WithScriptAllocSize(100))
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
		t.Fatal(err)
	}
	return s
}

// program is the script that pays to a witness program.
func program(t testing.TB, version int64, hash []byte) []byte { return script(t, version, hash) }

func p2wsh(t testing.TB, s []byte) []byte {
	h := sha256.Sum256(s)
	return program(t, 0, h[:])
}

func p2sh(t testing.TB, s []byte) []byte {
	return script(t, txscript.OP_HASH160, address.Hash160(s), txscript.OP_EQUAL)
}

// tapscript is the output that commits to one script of a leaf version, and what reveals it.
func tapscript(t testing.TB, version txscript.TapscriptLeafVersion, s []byte) (out, control []byte) {
	inner := chaintest.Key(t, 1).Secp256k1().PubKey()
	tree := txscript.AssembleTaprootScriptTree(txscript.NewTapLeaf(version, s))
	root := tree.RootNode.TapHash()
	out, err := txscript.PayToTaprootScript(txscript.ComputeTaprootOutputKey(inner, root[:]))
	if err != nil {
		t.Fatal(err)
	}
	block := tree.LeafMerkleProofs[0].ToControlBlock(inner)
	if control, err = block.ToBytes(); err != nil {
		t.Fatal(err)
	}
	return out, control
}

// spend is a way to spend an output, which a block is then judged by.
type spend struct {
	name     string
	script   []byte // of the output
	input    []byte // signature script
	witness  wire.TxWitness
	sign     func(tx *wire.MsgTx, out *wire.TxOut) // makes them instead, if not nil
	locktime uint32
	sequence uint32
	version  int32
	want     blockchain.ErrorCode
}

// spends lists the script rules, each with what keeps it and what breaks it. The outputs are of height 12, and spent in
// block 13, which follows a block of median time now.
func spendsOf(t testing.TB, now int64) []spend {
	const (
		drop, yes, cltv, csv = txscript.OP_DROP, txscript.OP_TRUE, txscript.OP_CHECKLOCKTIMEVERIFY, txscript.OP_CHECKSEQUENCEVERIFY
		bad                  = blockchain.ErrScriptValidation
		malformed            = blockchain.ErrScriptMalformed
		final                = wire.MaxTxInSequenceNum
	)
	k := chaintest.Key(t, 1).Secp256k1()
	pub := k.PubKey().SerializeCompressed()
	seconds := uint32(wire.SequenceLockTimeIsSeconds)
	// ecdsa signs, and lets edit change the signature.
	ecdsa := func(s []byte, edit func(sig []byte) []byte) func(*wire.MsgTx, *wire.TxOut) {
		return func(tx *wire.MsgTx, _ *wire.TxOut) {
			sig, err := txscript.RawTxInSignature(tx, 0, s, txscript.SigHashAll, k)
			if err != nil {
				t.Fatal(err)
			}
			tx.TxIn[0].SignatureScript = script(t, edit(sig))
		}
	}
	// schnorr signs for a key spend, and lets edit change the witness.
	taproot := func(hash txscript.SigHashType, edit func(w wire.TxWitness) wire.TxWitness) func(*wire.MsgTx, *wire.TxOut) {
		return func(tx *wire.MsgTx, out *wire.TxOut) {
			hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(out.PkScript, out.Value))
			w, err := txscript.TaprootWitnessSignature(tx, hashes, 0, out.Value, out.PkScript, hash, k)
			if err != nil {
				t.Fatal(err)
			}
			tx.TxIn[0].Witness = edit(w)
		}
	}
	same := func(w wire.TxWitness) wire.TxWitness { return w }
	p2pk := script(t, pub, txscript.OP_CHECKSIG)
	multi := script(t, int64(0), int64(0), txscript.OP_CHECKMULTISIG) // asks for no signature, but for a dummy
	leaf := func(version txscript.TapscriptLeafVersion, s []byte, want blockchain.ErrorCode, name string, stack ...[]byte) spend {
		out, control := tapscript(t, version, s)
		return spend{name: name, script: out, witness: append(append(wire.TxWitness{}, stack...), s, control), want: want}
	}
	base := txscript.BaseLeafVersion
	out, control := tapscript(t, base, []byte{yes})
	otherControl := bytes.Clone(control)
	otherControl[5]++
	xonly := schnorr.SerializePubKey(k.PubKey())
	// Two signature opcodes that a signature of a key of unknown kind passes: they cost 50 each, of the size of the witness
	// and 50 more.
	sigops := func(fill int) []byte {
		s := []byte{txscript.OP_2DUP, txscript.OP_CHECKSIGVERIFY, txscript.OP_2DUP, txscript.OP_CHECKSIGVERIFY, txscript.OP_2DROP, yes}
		return append(bytes.Repeat([]byte{txscript.OP_NOP}, fill), s...)
	}
	any32 := bytes.Repeat([]byte{7}, 32)
	return []spend{
		{name: "BIP65 height reached", script: script(t, int64(12), cltv, drop, yes), locktime: 12, want: good},
		{name: "BIP65 height not reached", script: script(t, int64(13), cltv, drop, yes), locktime: 12, want: bad},
		{name: "BIP65 time against height", script: script(t, int64(500_000_000), cltv, drop, yes), locktime: 12, want: bad},
		{name: "BIP65 time reached", script: script(t, now-1, cltv, drop, yes), locktime: uint32(now - 1), want: good},
		{name: "BIP65 with a final input", script: script(t, int64(12), cltv, drop, yes), locktime: 12, sequence: final, want: bad},
		{name: "BIP65 negative", script: script(t, int64(-1), cltv, drop, yes), locktime: 12, want: bad},
		{name: "BIP113 lock time of the median time", script: anyone, locktime: uint32(now), want: blockchain.ErrUnfinalizedTx},
		{name: "BIP113 lock time before the median time", script: anyone, locktime: uint32(now - 1), want: good},
		{name: "lock time of this height", script: anyone, locktime: 13, want: blockchain.ErrUnfinalizedTx},
		{name: "lock time of the height before", script: anyone, locktime: 12, want: good},
		{name: "lock time with final inputs", script: anyone, locktime: 1 << 31, sequence: final, want: good},
		{name: "BIP68 one block", script: anyone, sequence: 1, want: good},
		{name: "BIP68 two blocks", script: anyone, sequence: 2, want: blockchain.ErrUnfinalizedTx},
		{name: "BIP68 two blocks, version 1", script: anyone, version: 1, sequence: 2, want: good},
		{name: "BIP68 two blocks, disabled", script: anyone, sequence: 2 | wire.SequenceLockTimeDisabled, want: good},
		{name: "BIP68 no time", script: anyone, sequence: seconds, want: good},
		{name: "BIP68 512 seconds", script: anyone, sequence: seconds | 1, want: blockchain.ErrUnfinalizedTx},
		{name: "BIP112 one block", script: script(t, int64(1), csv, drop, yes), sequence: 1, want: good},
		{name: "BIP112 two blocks", script: script(t, int64(2), csv, drop, yes), sequence: 1, want: bad},
		{name: "BIP112 version 1", script: script(t, int64(1), csv, drop, yes), version: 1, sequence: 1, want: bad},
		{name: "BIP112 time against blocks", script: script(t, int64(seconds), csv, drop, yes), sequence: 1, want: bad},
		{name: "BIP112 disabled by its operand", script: script(t, int64(1)<<31, csv, drop, yes), want: good},
		{name: "BIP112 disabled by the input", script: script(t, int64(1), csv, drop, yes), sequence: wire.SequenceLockTimeDisabled | 1, want: bad},

		{name: "BIP66 signature in DER", script: p2pk, sign: ecdsa(p2pk, func(s []byte) []byte { return s }), want: good},
		{name: "BIP66 padded number", script: p2pk, sign: ecdsa(p2pk, func(s []byte) []byte {
			// One more zero before R, and the lengths of it all.
			return append(append([]byte{s[0], s[1] + 1, s[2], s[3] + 1, 0}, s[4:4+s[3]]...), s[4+s[3]:]...)
		}), want: bad},
		{name: "BIP147 empty dummy", script: multi, input: []byte{txscript.OP_0}, want: good},
		{name: "BIP147 dummy of one byte", script: multi, input: []byte{txscript.OP_1}, want: bad},

		{name: "BIP16 script", script: p2sh(t, []byte{yes}), input: []byte{1, yes}, want: good},
		{name: "BIP16 other script", script: p2sh(t, []byte{yes}), input: []byte{1, drop}, want: bad},
		{name: "BIP16 script that fails", script: p2sh(t, []byte{txscript.OP_0}), input: []byte{1, txscript.OP_0}, want: bad},
		{name: "BIP16 no push", script: p2sh(t, []byte{yes}), input: []byte{txscript.OP_NOP, 1, yes}, want: malformed},

		{name: "BIP141 script", script: p2wsh(t, []byte{yes}), witness: wire.TxWitness{{yes}}, want: good},
		{name: "BIP141 other script", script: p2wsh(t, []byte{yes}), witness: wire.TxWitness{{yes, yes}}, want: bad},
		{name: "BIP141 no witness", script: p2wsh(t, []byte{yes}), want: bad},
		{name: "BIP141 more than one item left", script: p2wsh(t, []byte{yes}), witness: wire.TxWitness{{1}, {yes}}, want: bad},
		{name: "BIP141 signature script not empty", script: p2wsh(t, []byte{yes}), input: []byte{yes}, witness: wire.TxWitness{{yes}}, want: malformed},
		{name: "BIP141 item of 520 bytes", script: p2wsh(t, []byte{drop, yes}), witness: wire.TxWitness{make([]byte, 520), {drop, yes}}, want: good},
		{name: "BIP141 item of 521 bytes", script: p2wsh(t, []byte{drop, yes}), witness: wire.TxWitness{make([]byte, 521), {drop, yes}}, want: bad},
		{name: "BIP141 version 0 of 21 bytes", script: program(t, 0, make([]byte, 21)), witness: wire.TxWitness{{yes}}, want: bad},
		{name: "BIP141 version 2", script: program(t, 2, any32), want: good},
		{name: "BIP141 version 2 of nothing but zeros is false", script: program(t, 2, make([]byte, 32)), want: bad},
		{name: "BIP141 version 16 with a witness", script: program(t, 16, append(any32, any32[:8]...)), witness: wire.TxWitness{{}}, want: good},
		{name: "BIP141 witness where none belongs", script: anyone, witness: wire.TxWitness{{1}}, want: malformed},
		{name: "BIP141 nested", script: p2sh(t, p2wsh(t, []byte{yes})), input: script(t, p2wsh(t, []byte{yes})), witness: wire.TxWitness{{yes}}, want: good},
		{name: "BIP141 nested, pushed twice", script: p2sh(t, p2wsh(t, []byte{yes})), input: script(t, int64(1), p2wsh(t, []byte{yes})), witness: wire.TxWitness{{yes}}, want: malformed},
		{name: "BIP143 key of 33 bytes", script: program(t, 0, address.Hash160(pub)), sign: func(tx *wire.MsgTx, out *wire.TxOut) {
			hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(out.PkScript, out.Value))
			tx.TxIn[0].Witness, _ = txscript.WitnessSignature(tx, hashes, 0, out.Value, out.PkScript, txscript.SigHashAll, k, true)
		}, want: good},
		{name: "BIP143 other amount", script: program(t, 0, address.Hash160(pub)), sign: func(tx *wire.MsgTx, out *wire.TxOut) {
			hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(out.PkScript, out.Value))
			tx.TxIn[0].Witness, _ = txscript.WitnessSignature(tx, hashes, 0, out.Value+1, out.PkScript, txscript.SigHashAll, k, true)
		}, want: bad},

		{name: "BIP341 key spend", script: chaintest.Taproot(t, chaintest.Key(t, 1)), sign: taproot(txscript.SigHashDefault, same), want: good},
		{name: "BIP341 all, said", script: chaintest.Taproot(t, chaintest.Key(t, 1)), sign: taproot(txscript.SigHashAll, same), want: good},
		{name: "BIP341 default, said", script: chaintest.Taproot(t, chaintest.Key(t, 1)), sign: taproot(txscript.SigHashDefault,
			func(w wire.TxWitness) wire.TxWitness { return wire.TxWitness{append(w[0], 0)} }), want: bad},
		{name: "BIP341 another's signature", script: chaintest.Taproot(t, chaintest.Key(t, 2)), sign: taproot(txscript.SigHashDefault, same), want: bad},
		{name: "BIP341 annex not signed", script: chaintest.Taproot(t, chaintest.Key(t, 1)), sign: taproot(txscript.SigHashDefault,
			func(w wire.TxWitness) wire.TxWitness { return append(w, []byte{txscript.TaprootAnnexTag, 1}) }), want: bad},
		{name: "BIP341 no witness", script: chaintest.Taproot(t, chaintest.Key(t, 1)), want: bad},
		{name: "BIP341 version 1 of 33 bytes", script: program(t, 1, append(any32, 7)), want: good},
		{name: "BIP341 version 1, nested", script: p2sh(t, program(t, 1, any32)), input: script(t, program(t, 1, any32)), want: good},
		{name: "BIP341 script", script: out, witness: wire.TxWitness{{yes}, control}, want: good},
		{name: "BIP341 script with an annex", script: out, witness: wire.TxWitness{{yes}, control, {txscript.TaprootAnnexTag}}, want: good},
		{name: "BIP341 other script", script: out, witness: wire.TxWitness{{yes, yes}, control}, want: bad},
		{name: "BIP341 other control block", script: out, witness: wire.TxWitness{{yes}, otherControl}, want: bad},
		{name: "BIP341 control block of 34 bytes", script: out, witness: wire.TxWitness{{yes}, append(bytes.Clone(control), 0)}, want: bad},
		leaf(0xfa, []byte{txscript.OP_RETURN}, good, "BIP341 unknown leaf version"),
		leaf(base, []byte{0x50}, good, "BIP342 OP_SUCCESS80"),
		leaf(base, []byte{0xfe, 0x4b}, good, "BIP342 OP_SUCCESS254 before what does not parse"),
		leaf(base, multi, bad, "BIP342 OP_CHECKMULTISIG"),
		leaf(base, []byte{txscript.OP_IF, yes, txscript.OP_ELSE, yes, txscript.OP_ENDIF}, good, "BIP342 minimal IF", []byte{1}),
		leaf(base, []byte{txscript.OP_IF, yes, txscript.OP_ELSE, yes, txscript.OP_ENDIF}, bad, "BIP342 IF of 2", []byte{2}),
		leaf(base, script(t, make([]byte, 33), txscript.OP_CHECKSIG), good, "BIP342 key of unknown kind", []byte{1}),
		leaf(base, script(t, int64(0), txscript.OP_CHECKSIG), bad, "BIP342 empty key", []byte{1}),
		leaf(base, script(t, xonly, txscript.OP_CHECKSIG, txscript.OP_NOT), good, "BIP342 empty signature", []byte{}),
		leaf(base, script(t, xonly, txscript.OP_CHECKSIG, txscript.OP_NOT), bad, "BIP342 wrong signature", make([]byte, 64)),
		leaf(base, script(t, xonly, int64(5), txscript.OP_CHECKSIGADD, int64(5), txscript.OP_EQUAL), bad, "BIP342 OP_CHECKSIGADD out of order", []byte{}),
		leaf(base, script(t, int64(5), xonly, txscript.OP_CHECKSIGADD, int64(5), txscript.OP_EQUAL), good, "BIP342 OP_CHECKSIGADD", []byte{}),
		leaf(base, bytes.Repeat([]byte{txscript.OP_NOP}, 10_001), bad, "BIP342 a long script that leaves nothing"),
		leaf(base, append(bytes.Repeat([]byte{txscript.OP_NOP}, 10_001), yes), good, "BIP342 a script of more than 10,000 bytes"),
		leaf(base, sigops(3), good, "BIP342 signature operations within the budget", []byte{1}, []byte{2, 2}),
		leaf(base, sigops(2), bad, "BIP342 signature operations beyond the budget", []byte{1}, []byte{2, 2}),
	}
}

// Every script rule in force, at the point where keeping it turns into breaking it.
func TestScriptRules(t *testing.T) {
	c := chaintest.New(t)
	coins := chaintest.MineN(t, c, anyone, 11)
	// The median time before the block that spends; it holds with every block a second after its parent.
	now := c.Params().GenesisBlock.Header.Timestamp.Unix() + 7
	rows := spendsOf(t, now)
	value := reward / int64(len(rows))
	fund := wire.NewMsgTx(2)
	fund.AddTxIn(wire.NewTxIn(&coins[0], nil, nil))
	for _, r := range rows {
		fund.AddTxOut(&wire.TxOut{Value: value, PkScript: r.script})
	}
	chaintest.Mine(t, c, anyone, fund)
	if got := c.MedianTime().Unix(); got != now || c.Tip().Height != 12 {
		t.Fatalf("median time %d, want %d, at %+v", got, now, c.Tip())
	}
	for i, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			tx := wire.NewMsgTx(2)
			if r.version != 0 {
				tx.Version = r.version
			}
			tx.LockTime = r.locktime
			tx.AddTxIn(&wire.TxIn{
				PreviousOutPoint: wire.OutPoint{Hash: fund.TxHash(), Index: uint32(i)},
				SignatureScript:  r.input, Witness: r.witness, Sequence: r.sequence,
			})
			tx.AddTxOut(&wire.TxOut{Value: value, PkScript: anyone})
			if r.sign != nil {
				r.sign(tx, fund.TxOut[i])
			}
			verdict(t, c, chaintest.BlockOn(t, c, c.Tip(), anyone, 0, tx), r.want)
		})
	}
}
