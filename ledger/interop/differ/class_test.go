package differ

import (
	"slices"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/txscript/v2"
)

// classes are Bitcoin Core's reasons to refuse a block, and what btcd's library, which our rules come from, calls the
// same. Of a block with several faults they may name different ones: among the codes are those of what ours looks at
// earlier, in all of a block's transactions, than at the fault itself.
var classes = map[string][]blockchain.ErrorCode{
	"bad-txnmrklroot": {blockchain.ErrBadMerkleRoot,
		blockchain.ErrMultipleCoinbases, blockchain.ErrFirstTxNotCoinbase, blockchain.ErrBadTxOutValue, blockchain.ErrNoTxOutputs,
		blockchain.ErrBadTxInput, blockchain.ErrBadCoinbaseScriptLen, blockchain.ErrDuplicateTxInputs, blockchain.ErrNoTransactions},
	"bad-txns-duplicate":            {blockchain.ErrDuplicateTx, blockchain.ErrMultipleCoinbases},
	"bad-blk-length":                {blockchain.ErrBlockTooBig, blockchain.ErrNoTransactions},
	"bad-blk-weight":                {blockchain.ErrBlockWeightTooHigh},
	"bad-cb-missing":                {blockchain.ErrFirstTxNotCoinbase},
	"bad-cb-multiple":               {blockchain.ErrMultipleCoinbases},
	"bad-cb-length":                 {blockchain.ErrBadCoinbaseScriptLen},
	"bad-cb-height":                 {blockchain.ErrBadCoinbaseHeight, blockchain.ErrMissingCoinbaseHeight},
	"bad-cb-amount":                 {blockchain.ErrBadCoinbaseValue},
	"bad-blk-sigops":                {blockchain.ErrTooManySigOps},
	"bad-diffbits":                  {blockchain.ErrUnexpectedDifficulty, blockchain.ErrBadMerkleRoot},
	"high-hash":                     {blockchain.ErrHighHash, blockchain.ErrUnexpectedDifficulty},
	"time-too-old":                  {blockchain.ErrTimeTooOld, blockchain.ErrBadMerkleRoot},
	"time-too-new":                  {blockchain.ErrTimeTooNew, blockchain.ErrBadMerkleRoot},
	"bad-version":                   {blockchain.ErrBlockVersionTooOld, blockchain.ErrBadMerkleRoot},
	"bad-prevblk":                   {blockchain.ErrInvalidAncestorBlock},
	"inconclusive-not-best-prevblk": {blockchain.ErrPrevBlockNotBest},
	"bad-witness-nonce-size":        {blockchain.ErrInvalidWitnessCommitment},
	"bad-witness-merkle-match": {blockchain.ErrWitnessCommitmentMismatch,
		blockchain.ErrDuplicateTx},
	"unexpected-witness":           {blockchain.ErrUnexpectedWitness},
	"bad-txns-nonfinal":            {blockchain.ErrUnfinalizedTx, blockchain.ErrMissingTxOut},
	"bad-txns-BIP30":               {blockchain.ErrOverwriteTx},
	"bad-txns-vin-empty":           {blockchain.ErrNoTxInputs},
	"bad-txns-vout-empty":          {blockchain.ErrNoTxOutputs},
	"bad-txns-oversize":            {blockchain.ErrTxTooBig, blockchain.ErrBlockTooBig},
	"bad-txns-vout-negative":       {blockchain.ErrBadTxOutValue},
	"bad-txns-vout-toolarge":       {blockchain.ErrBadTxOutValue},
	"bad-txns-txouttotal-toolarge": {blockchain.ErrBadTxOutValue},
	"bad-txns-inputs-duplicate":    {blockchain.ErrDuplicateTxInputs},
	"bad-txns-prevout-null":        {blockchain.ErrBadTxInput},
	"bad-txns-inputs-missingorspent": {blockchain.ErrMissingTxOut,
		blockchain.ErrDuplicateTx},
	"bad-txns-premature-spend-of-coinbase": {blockchain.ErrImmatureSpend, blockchain.ErrMissingTxOut},
	"bad-txns-in-belowout":                 {blockchain.ErrSpendTooHigh, blockchain.ErrMissingTxOut},
	"mandatory-script-verify-flag-failed": {blockchain.ErrScriptValidation, blockchain.ErrScriptMalformed,
		blockchain.ErrMissingTxOut, blockchain.ErrImmatureSpend, blockchain.ErrSpendTooHigh, blockchain.ErrUnfinalizedTx, blockchain.ErrTooManySigOps,
		blockchain.ErrBadCoinbaseValue},
	// Bitcoin Knots reads headers of negative versions as another format, which is not Bitcoin's.
	undecoded: {blockchain.ErrBlockVersionTooOld},
}

// falseEnd is Bitcoin Core's word for scripts that leave nothing, or what is false.
const falseEnd = "Script evaluated without error but finished with a false/empty top stack element"

// scriptClasses are Bitcoin Core's words for what is wrong with a script, and btcd's codes for the same.
var scriptClasses = map[string][]txscript.ErrorCode{
	falseEnd:                                                {txscript.ErrEvalFalse, txscript.ErrEmptyStack},
	"Script failed an OP_VERIFY operation":                  {txscript.ErrVerify},
	"Script failed an OP_EQUALVERIFY operation":             {txscript.ErrEqualVerify},
	"Script failed an OP_NUMEQUALVERIFY operation":          {txscript.ErrNumEqualVerify},
	"Script failed an OP_CHECKSIGVERIFY operation":          {txscript.ErrCheckSigVerify},
	"Script failed an OP_CHECKMULTISIGVERIFY operation":     {txscript.ErrCheckMultiSigVerify},
	"Script is too big":                                     {txscript.ErrScriptTooBig},
	"Push value size limit exceeded":                        {txscript.ErrElementTooBig},
	"Operation limit exceeded":                              {txscript.ErrTooManyOperations},
	"Stack size limit exceeded":                             {txscript.ErrStackOverflow},
	"Signature count negative or greater than pubkey count": {txscript.ErrInvalidSignatureCount},
	"Pubkey count negative or limit exceeded":               {txscript.ErrInvalidPubKeyCount},
	"Opcode missing or not understood":                      {txscript.ErrReservedOpcode, txscript.ErrMalformedPush},
	"Attempted to use a disabled opcode":                    {txscript.ErrDisabledOpcode},
	// btcd takes one operand from the stack and looks at it before it looks for the other.
	"Operation not valid with the current stack size":    {txscript.ErrInvalidStackOperation, txscript.ErrNumberTooBig},
	"Public key is neither compressed or uncompressed":   {txscript.ErrTaprootPubkeyIsEmpty},
	"Operation not valid with the current altstack size": {txscript.ErrInvalidStackOperation},
	"OP_RETURN was encountered":                          {txscript.ErrEarlyReturn},
	// Bitcoin Core has this of an OP_IF without an operand, too.
	"Invalid OP_IF construction":         {txscript.ErrUnbalancedConditional, txscript.ErrInvalidStackOperation},
	"Negative locktime":                  {txscript.ErrNegativeLockTime},
	"Locktime requirement not satisfied": {txscript.ErrUnsatisfiedLockTime},
	"Non-canonical DER signature": {txscript.ErrSigTooShort, txscript.ErrSigTooLong, txscript.ErrSigInvalidSeqID, txscript.ErrSigInvalidDataLen,
		txscript.ErrSigMissingSTypeID, txscript.ErrSigMissingSLen, txscript.ErrSigInvalidSLen, txscript.ErrSigInvalidRIntID, txscript.ErrSigZeroRLen,
		txscript.ErrSigNegativeR, txscript.ErrSigTooMuchRPadding, txscript.ErrSigInvalidSIntID, txscript.ErrSigZeroSLen, txscript.ErrSigNegativeS,
		txscript.ErrSigTooMuchSPadding,
		txscript.ErrSigNullDummy}, // btcd looks at that before the signatures
	"Only push operators allowed in signatures":                {txscript.ErrNotPushOnly},
	"Dummy CHECKMULTISIG argument must be zero":                {txscript.ErrSigNullDummy},
	"OP_IF/NOTIF argument must be minimal in tapscript":        {txscript.ErrMinimalIf},
	"OP_CHECKMULTISIG(VERIFY) is not available in tapscript":   {txscript.ErrTapscriptCheckMultisig},
	"Too much signature validation relative to witness weight": {txscript.ErrTaprootMaxSigOps},
	"Stack size must be exactly one after execution":           {txscript.ErrCleanStack},
	"Witness program has incorrect length":                     {txscript.ErrWitnessProgramWrongLength},
	"Witness program was passed an empty witness":              {txscript.ErrWitnessProgramEmpty},
	"Witness program hash mismatch": {txscript.ErrWitnessProgramMismatch, txscript.ErrTaprootMerkleProofInvalid,
		txscript.ErrTaprootOutputKeyParityMismatch, txscript.ErrInternal},
	"Witness requires empty scriptSig":             {txscript.ErrWitnessMalleated},
	"Witness requires only-redeemscript scriptSig": {txscript.ErrWitnessMalleatedP2SH},
	"Witness provided for non-witness script":      {txscript.ErrWitnessUnexpected},
	"Invalid Taproot control block size":           {txscript.ErrControlBlockTooSmall, txscript.ErrControlBlockTooLarge, txscript.ErrControlBlockInvalidLength},
	// btcd has few words for signatures of taproot: a key that is none has no code, a bad one in a tapscript is
	// ErrNullFail.
	"Invalid Schnorr signature size":      {txscript.ErrInvalidTaprootSigLen, txscript.ErrInternal},
	"Invalid Schnorr signature hash type": {txscript.ErrInvalidTaprootSigLen, txscript.ErrTaprootSigInvalid, txscript.ErrNullFail, txscript.ErrInternal},
	"Invalid Schnorr signature":           {txscript.ErrTaprootSigInvalid, txscript.ErrNullFail, txscript.ErrInternal},
	"unknown error":                       {txscript.ErrNumberTooBig}, // what a number's exception becomes
}

// early are the codes of what btcd looks at before it runs anything, and Bitcoin Core when it comes to it: with two
// faults in a spend they may name different ones.
var early = []txscript.ErrorCode{txscript.ErrWitnessUnexpected, txscript.ErrWitnessMalleated, txscript.ErrWitnessMalleatedP2SH, txscript.ErrNotPushOnly,
	txscript.ErrMalformedPush, txscript.ErrScriptTooBig}

// ofWitness are the codes of what is wrong with a witness. Of a program whose bytes are false when taken for a value,
// Bitcoin Core says that before it looks there.
var ofWitness = []txscript.ErrorCode{txscript.ErrWitnessProgramEmpty, txscript.ErrWitnessProgramMismatch, txscript.ErrWitnessProgramWrongLength,
	txscript.ErrControlBlockTooSmall, txscript.ErrControlBlockTooLarge, txscript.ErrControlBlockInvalidLength, txscript.ErrInvalidTaprootSigLen,
	txscript.ErrElementTooBig, txscript.ErrEqualVerify, txscript.ErrTaprootMerkleProofInvalid, txscript.ErrTaprootOutputKeyParityMismatch,
	txscript.ErrInternal}

// sameScriptFault says whether Bitcoin Core's word and btcd's code are of one class.
func sameScriptFault(word string, code txscript.ErrorCode) bool {
	return slices.Contains(scriptClasses[word], code) || slices.Contains(early, code) || word == falseEnd && slices.Contains(ofWitness, code)
}
