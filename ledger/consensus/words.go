package consensus

import (
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// Bitcoin Core's words for what btcd's codes put under one name or leave to prose. Miners and wallets go by them.

// scriptWords are Bitcoin Core's for the ways in which a script fails (ScriptErrorString).
var scriptWords = map[txscript.ErrorCode]string{
	txscript.ErrEarlyReturn:            "OP_RETURN was encountered",
	txscript.ErrEmptyStack:             wordsFalse,
	txscript.ErrEvalFalse:              wordsFalse,
	txscript.ErrScriptTooBig:           "Script is too big",
	txscript.ErrElementTooBig:          "Push value size limit exceeded",
	txscript.ErrTooManyOperations:      "Operation limit exceeded",
	txscript.ErrStackOverflow:          "Stack size limit exceeded",
	txscript.ErrInvalidPubKeyCount:     "Pubkey count negative or limit exceeded",
	txscript.ErrInvalidSignatureCount:  "Signature count negative or greater than pubkey count",
	txscript.ErrVerify:                 "Script failed an OP_VERIFY operation",
	txscript.ErrEqualVerify:            "Script failed an OP_EQUALVERIFY operation",
	txscript.ErrNumEqualVerify:         "Script failed an OP_NUMEQUALVERIFY operation",
	txscript.ErrCheckSigVerify:         "Script failed an OP_CHECKSIGVERIFY operation",
	txscript.ErrCheckMultiSigVerify:    "Script failed an OP_CHECKMULTISIGVERIFY operation",
	txscript.ErrDisabledOpcode:         "Attempted to use a disabled opcode",
	txscript.ErrReservedOpcode:         wordsOpcode,
	txscript.ErrMalformedPush:          wordsOpcode,
	txscript.ErrInvalidStackOperation:  "Operation not valid with the current stack size",
	txscript.ErrUnbalancedConditional:  "Invalid OP_IF construction",
	txscript.ErrMinimalData:            "Data push larger than necessary",
	txscript.ErrInvalidSigHashType:     "Signature hash type missing or not understood",
	txscript.ErrSigHighS:               "Non-canonical signature: S value is unnecessarily high",
	txscript.ErrNotPushOnly:            "Only push operators allowed in signatures",
	txscript.ErrSigNullDummy:           "Dummy CHECKMULTISIG argument must be zero",
	txscript.ErrPubKeyType:             "Public key is neither compressed or uncompressed",
	txscript.ErrCleanStack:             "Stack size must be exactly one after execution",
	txscript.ErrNullFail:               "Signature must be zero for failed CHECK(MULTI)SIG operation",
	txscript.ErrNegativeLockTime:       "Negative locktime",
	txscript.ErrUnsatisfiedLockTime:    "Locktime requirement not satisfied",
	txscript.ErrMinimalIf:              "OP_IF/NOTIF argument must be minimal",
	txscript.ErrNonConstScriptCode:     "Signature is found in scriptCode",
	txscript.ErrCodeSeparator:          "Using OP_CODESEPARATOR in non-witness script",
	txscript.ErrTaprootMaxSigOps:       "Too much signature validation relative to witness weight",
	txscript.ErrTapscriptCheckMultisig: "OP_CHECKMULTISIG(VERIFY) is not available in tapscript",

	txscript.ErrWitnessMalleated:          "Witness requires empty scriptSig",
	txscript.ErrWitnessMalleatedP2SH:      "Witness requires only-redeemscript scriptSig",
	txscript.ErrWitnessProgramEmpty:       "Witness program was passed an empty witness",
	txscript.ErrWitnessProgramMismatch:    wordsMismatch,
	txscript.ErrWitnessProgramWrongLength: "Witness program has incorrect length",
	txscript.ErrWitnessUnexpected:         "Witness provided for non-witness script",
	txscript.ErrWitnessPubKeyType:         "Using non-compressed keys in segwit",

	txscript.ErrTaprootSigInvalid:               "Invalid Schnorr signature",
	txscript.ErrInvalidTaprootSigLen:            "Invalid Schnorr signature size",
	txscript.ErrTaprootMerkleProofInvalid:       wordsMismatch,
	txscript.ErrTaprootOutputKeyParityMismatch:  wordsMismatch,
	txscript.ErrControlBlockTooSmall:            wordsControl,
	txscript.ErrControlBlockTooLarge:            wordsControl,
	txscript.ErrControlBlockInvalidLength:       wordsControl,
	txscript.ErrTaprootPubkeyIsEmpty:            "Public key is neither compressed or uncompressed",
	txscript.ErrDiscourageUpgradableNOPs:        "NOPx reserved for soft-fork upgrades",
	txscript.ErrDiscourageOpSuccess:             "OP_SUCCESSx reserved for soft-fork upgrades",
	txscript.ErrDiscourageUpgradeablePubKeyType: "Public key version reserved for soft-fork upgrades",

	txscript.ErrDiscourageUpgradableWitnessProgram:  "Witness version reserved for soft-fork upgrades",
	txscript.ErrDiscourageUpgradeableTaprootVersion: "Taproot version reserved for soft-fork upgrades",
}

const (
	wordsFalse    = "Script evaluated without error but finished with a false/empty top stack element"
	wordsOpcode   = "Opcode missing or not understood"
	wordsMismatch = "Witness program hash mismatch"
	wordsControl  = "Invalid Taproot control block size"
	wordsDER      = "Non-canonical DER signature"
	wordsOther    = "unknown error"
)

// ScriptWords are Bitcoin Core's for why a script fails, given the error of CheckScripts or of txscript; "" if it is
// neither.
func ScriptWords(err error) string {
	e, ok := errors.AsType[txscript.Error](err)
	if !ok {
		return ""
	}
	if w, ok := scriptWords[e.ErrorCode]; ok {
		return w
	}
	if e.ErrorCode >= txscript.ErrSigTooShort && e.ErrorCode <= txscript.ErrSigTooMuchSPadding {
		return wordsDER
	}
	return wordsOther
}

// scriptFault is the error of a block with a script that fails.
type scriptFault struct {
	rule  blockchain.RuleError
	cause error // txscript's
}

func failedScript(code blockchain.ErrorCode, tx *btcutil.Tx, at int, cause error) error {
	return &scriptFault{blockchain.RuleError{ErrorCode: code, Description: fmt.Sprintf("input %v:%d: %v", tx.Hash(), at, cause)}, cause}
}

// Error names the input.
func (e *scriptFault) Error() string { return e.rule.Error() }

// Unwrap lets errors.As see the rule and the script engine's error.
func (e *scriptFault) Unwrap() []error { return []error{e.rule, e.cause} }

// ValueWords is Bitcoin Core's name of the rule that the values of a transaction's outputs break, which btcd has one code
// for (ErrBadTxOutValue); "" if they keep them.
func ValueWords(tx *wire.MsgTx) string {
	var sum int64 // of values of at most 21 million coins each: past that it goes no further
	for _, out := range tx.TxOut {
		if out.Value < 0 {
			return "bad-txns-vout-negative"
		}
		if out.Value > btcutil.MaxSatoshi {
			return "bad-txns-vout-toolarge"
		}
		if sum += out.Value; sum > btcutil.MaxSatoshi {
			return "bad-txns-txouttotal-toolarge"
		}
	}
	return ""
}
