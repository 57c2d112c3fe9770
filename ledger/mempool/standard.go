package mempool

import (
	"bytes"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/consensus"
)

// Bounds of what is relayed: Bitcoin Core's src/policy/policy.h, version 29.
const (
	// MaxWeight bounds one transaction (MAX_STANDARD_TX_WEIGHT).
	MaxWeight = 400_000
	// MaxDataCarrier bounds the script of an OP_RETURN output, of which a transaction has at most one
	// (MAX_OP_RETURN_RELAY).
	MaxDataCarrier = 83
	// DustFeeRate is what dust is measured by, in base units per 1,000 virtual bytes: an output that costs more than its
	// value to spend at this rate is dust (DUST_RELAY_TX_FEE).
	DustFeeRate = 3000

	maxVersion       = 3
	minStrippedSize  = 65     // MIN_STANDARD_TX_NONWITNESS_SIZE: 64 bytes look like an inner node of a merkle tree
	maxSigOpCost     = 16_000 // MAX_STANDARD_TX_SIGOPS_COST
	maxSigScript     = 1650   // of 15-of-15 multisig in P2SH
	maxP2SHSigOps    = 15
	maxMultiSigKeys  = 3
	maxWitnessScript = 3600
	maxWitnessItems  = 100
	maxWitnessItem   = 80
	taprootAnnexTag  = 0x50
	leafMask         = 0xfe
	tapscriptLeaf    = 0xc0
)

// checkForm holds a transaction to the rules that need nothing but itself.
func (p *Pool) checkForm(tx *btcutil.Tx) error {
	if err := blockchain.CheckTransactionSanity(tx); err != nil {
		if words := consensus.ValueWords(tx.MsgTx()); words != "" && consensus.Is(err, blockchain.ErrBadTxOutValue) {
			return &Error{Kind: ErrInvalid, Reason: words, Text: err.Error(), cause: err}
		}
		return classify(err)
	}
	if blockchain.IsCoinBase(tx) {
		return refuse(ErrInvalid, "coinbase", "%v is a coinbase", tx.Hash())
	}
	if w := blockchain.GetTransactionWeight(tx); w > MaxWeight {
		return refuse(ErrPolicy, "tx-size", "%v weighs %d, more than %d", tx.Hash(), w, MaxWeight)
	}
	if n := tx.MsgTx().SerializeSizeStripped(); n < minStrippedSize {
		return refuse(ErrPolicy, "tx-size-small", "%v has %d bytes without its witness, fewer than %d", tx.Hash(), n, minStrippedSize)
	}
	if !p.standard {
		return nil
	}
	return checkStandard(tx)
}

// checkStandard is Bitcoin Core's IsStandardTx.
func checkStandard(tx *btcutil.Tx) error {
	msg := tx.MsgTx()
	if msg.Version < 1 || msg.Version > maxVersion {
		return refuse(ErrPolicy, "version", "%v has version %d, not 1 to %d", tx.Hash(), msg.Version, maxVersion)
	}
	for i, in := range msg.TxIn {
		if n := len(in.SignatureScript); n > maxSigScript {
			return refuse(ErrPolicy, "scriptsig-size", "input %v:%d has a script of %d bytes, more than %d", tx.Hash(), i, n, maxSigScript)
		}
		if !txscript.IsPushOnlyScript(in.SignatureScript) {
			return refuse(ErrPolicy, "scriptsig-not-pushonly", "input %v:%d has a script that does more than push", tx.Hash(), i)
		}
	}
	carriers := 0
	for i, out := range msg.TxOut {
		if reason := nonStandardOutput(out.PkScript); reason != "" {
			return refuse(ErrPolicy, reason, "output %v:%d has script %x", tx.Hash(), i, out.PkScript)
		}
		if isData(out.PkScript) {
			carriers++
		}
		if least := Dust(out); out.Value < least {
			return refuse(ErrPolicy, "dust", "output %v:%d pays %d base units, less than %d", tx.Hash(), i, out.Value, least)
		}
	}
	if carriers > 1 {
		return refuse(ErrPolicy, "multi-op-return", "%v has %d OP_RETURN outputs, more than 1", tx.Hash(), carriers)
	}
	return nil
}

// isData recognizes OP_RETURN followed by pushes.
func isData(script []byte) bool {
	return len(script) > 0 && script[0] == txscript.OP_RETURN && txscript.IsPushOnlyScript(script[1:])
}

// nonStandardOutput names the rule that an output script breaks, "" if none.
func nonStandardOutput(script []byte) string {
	switch class := txscript.GetScriptClass(script); {
	case isData(script):
		if len(script) > MaxDataCarrier {
			return "datacarrier"
		}
	case class == txscript.MultiSigTy:
		keys, sigs, err := txscript.CalcMultiSigStats(script)
		if err != nil || keys < 1 || keys > maxMultiSigKeys || sigs < 1 || sigs > keys {
			return "scriptpubkey"
		}
	case txscript.IsWitnessProgram(script): // of any version: to pay to it is standard, to spend a yet unknown one is not
		if script[0] == txscript.OP_0 && class == txscript.NonStandardTy {
			return "scriptpubkey"
		}
	case class == txscript.NonStandardTy, class == txscript.NullDataTy:
		return "scriptpubkey"
	}
	return ""
}

// Dust is the least value, in base units, at which an output is not dust: what spending it costs at DustFeeRate. It is 0
// for one that nobody can spend.
func Dust(out *wire.TxOut) int64 {
	if consensus.Unspendable(out.PkScript) {
		return 0
	}
	// An outpoint, a sequence number, an empty script's length, and a signature with a public key.
	const input, sigAndKey = 32 + 4 + 4 + 1, 107
	size := int64(out.SerializeSize()) + input
	if txscript.IsWitnessProgram(out.PkScript) {
		size += sigAndKey / blockchain.WitnessScaleFactor
	} else {
		size += sigAndKey
	}
	return size * DustFeeRate / 1000
}

// checkInputs is Bitcoin Core's AreInputsStandard and IsWitnessStandard.
func checkInputs(tx *btcutil.Tx, view *blockchain.UtxoViewpoint) error {
	for i, in := range tx.MsgTx().TxIn {
		script := view.FetchPrevOutput(in.PreviousOutPoint).PkScript
		if why := nonStandardInput(in, script); why != "" {
			return refuse(ErrPolicy, "bad-txns-nonstandard-inputs", "input %v:%d %s", tx.Hash(), i, why)
		}
		if why := nonStandardWitness(in, script); why != "" {
			return refuse(ErrPolicy, "bad-witness-nonstandard", "input %v:%d has a witness with %s", tx.Hash(), i, why)
		}
	}
	return nil
}

func nonStandardInput(in *wire.TxIn, script []byte) string {
	switch {
	case txscript.IsPayToAnchorScript(script):
	case txscript.IsPayToScriptHash(script):
		if n := txscript.GetPreciseSigOpCount(in.SignatureScript, script, true); n > maxP2SHSigOps {
			return "has a script with too many signature operations"
		}
	case txscript.IsWitnessProgram(script):
		if script[0] != txscript.OP_0 && !txscript.IsPayToTaproot(script) {
			return "spends a witness program of an unknown version"
		}
	case txscript.GetScriptClass(script) == txscript.NonStandardTy:
		return "spends an output of no standard form"
	}
	return ""
}

// nonStandardWitness says what is unusual about a witness.
func nonStandardWitness(in *wire.TxIn, script []byte) string {
	if len(in.Witness) == 0 {
		return ""
	}
	nested := txscript.IsPayToScriptHash(script)
	if nested {
		pushes, err := txscript.PushedData(in.SignatureScript)
		if err != nil || len(pushes) == 0 {
			return "no program to go with"
		}
		script = pushes[len(pushes)-1]
	}
	switch {
	case txscript.IsPayToAnchorScript(script), !txscript.IsWitnessProgram(script):
		return "nothing to prove"
	case txscript.IsPayToWitnessScriptHash(script):
		last := len(in.Witness) - 1
		if len(in.Witness[last]) > maxWitnessScript || last > maxWitnessItems || longest(in.Witness[:last]) > maxWitnessItem {
			return "a script or stack out of bounds"
		}
	case txscript.IsPayToTaproot(script) && !nested:
		return nonStandardTaproot(in.Witness)
	}
	return ""
}

func nonStandardTaproot(stack wire.TxWitness) string {
	last := len(stack) - 1
	if last >= 1 && bytes.HasPrefix(stack[last], []byte{taprootAnnexTag}) {
		return "an annex"
	}
	if last < 1 { // a key spend
		return ""
	}
	control := stack[last]
	if len(control) == 0 {
		return "an empty control block"
	}
	if control[0]&leafMask == tapscriptLeaf && longest(stack[:last-1]) > maxWitnessItem {
		return "an item out of bounds"
	}
	return ""
}

func longest(items [][]byte) (n int) {
	for _, b := range items {
		n = max(n, len(b))
	}
	return n
}
