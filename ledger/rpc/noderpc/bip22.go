package noderpc

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/consensus"
	"funai/ledger/rpc"
)

// reasons are Bitcoin Core's names of the rules that a block can break, which BIP-22 has miners told.
var reasons = map[blockchain.ErrorCode]string{
	blockchain.ErrDuplicateBlock:            "duplicate",
	blockchain.ErrKnownInvalidBlock:         "duplicate-invalid",
	blockchain.ErrPrevBlockNotBest:          "inconclusive-not-best-prevblk",
	blockchain.ErrPreviousBlockUnknown:      "prev-blk-not-found",
	blockchain.ErrInvalidAncestorBlock:      "bad-prevblk",
	blockchain.ErrBlockTooBig:               "bad-blk-length",
	blockchain.ErrNoTransactions:            "bad-blk-length",
	blockchain.ErrBlockWeightTooHigh:        "bad-blk-weight",
	blockchain.ErrTooManySigOps:             "bad-blk-sigops",
	blockchain.ErrBlockVersionTooOld:        "bad-version",
	blockchain.ErrInvalidTime:               "time-invalid",
	blockchain.ErrTimeTooOld:                "time-too-old",
	blockchain.ErrTimeTooNew:                "time-too-new",
	blockchain.ErrTimewarpAttack:            "time-timewarp-attack",
	blockchain.ErrDifficultyTooLow:          "high-hash",
	blockchain.ErrHighHash:                  "high-hash",
	blockchain.ErrUnexpectedDifficulty:      "bad-diffbits",
	blockchain.ErrBadMerkleRoot:             "bad-txnmrklroot",
	blockchain.ErrDuplicateTx:               "bad-txns-duplicate",
	blockchain.ErrOverwriteTx:               "bad-txns-BIP30",
	blockchain.ErrFirstTxNotCoinbase:        "bad-cb-missing",
	blockchain.ErrMultipleCoinbases:         "bad-cb-multiple",
	blockchain.ErrBadCoinbaseScriptLen:      "bad-cb-length",
	blockchain.ErrBadCoinbaseValue:          "bad-cb-amount",
	blockchain.ErrMissingCoinbaseHeight:     "bad-cb-height",
	blockchain.ErrBadCoinbaseHeight:         "bad-cb-height",
	blockchain.ErrUnfinalizedTx:             "bad-txns-nonfinal",
	blockchain.ErrNoTxInputs:                "bad-txns-vin-empty",
	blockchain.ErrNoTxOutputs:               "bad-txns-vout-empty",
	blockchain.ErrTxTooBig:                  "bad-txns-oversize",
	blockchain.ErrBadTxOutValue:             "bad-txns-vout-toolarge",
	blockchain.ErrDuplicateTxInputs:         "bad-txns-inputs-duplicate",
	blockchain.ErrBadTxInput:                "bad-txns-prevout-null",
	blockchain.ErrMissingTxOut:              "bad-txns-inputs-missingorspent",
	blockchain.ErrImmatureSpend:             "bad-txns-premature-spend-of-coinbase",
	blockchain.ErrSpendTooHigh:              "bad-txns-in-belowout",
	blockchain.ErrBadFees:                   "bad-txns-fee-outofrange",
	blockchain.ErrScriptMalformed:           "mandatory-script-verify-flag-failed",
	blockchain.ErrScriptValidation:          "mandatory-script-verify-flag-failed",
	blockchain.ErrUnexpectedWitness:         "unexpected-witness",
	blockchain.ErrInvalidWitnessCommitment:  "bad-witness-nonce-size",
	blockchain.ErrWitnessCommitmentMismatch: "bad-witness-merkle-match",
}

// reason is the name of the rule that err is the breaking of by a block, of which only the header need be known; false if
// it is none.
func reason(b *wire.MsgBlock, err error) (string, bool) {
	code, broken := consensus.Broken(err)
	if !broken {
		return "", false
	}
	r, ok := reasons[code]
	switch {
	case !ok:
		return "rejected", true
	case code == blockchain.ErrBlockVersionTooOld:
		return fmt.Sprintf("%s(0x%08x)", r, uint32(b.Header.Version)), true
	case code == blockchain.ErrBadTxOutValue:
		for _, tx := range b.Transactions {
			if words := consensus.ValueWords(tx); words != "" {
				return words, true
			}
		}
	case code == blockchain.ErrScriptMalformed, code == blockchain.ErrScriptValidation:
		if words := consensus.ScriptWords(err); words != "" {
			return r + " (" + words + ")", true
		}
	}
	return r, true
}

// verdict is a method's answer to a block handed in: null for one that is good, the reason for one that is not.
func verdict(b *wire.MsgBlock, err error) (any, error) {
	if err == nil {
		return nil, nil
	}
	if r, ok := reason(b, err); ok {
		return r, nil
	}
	return nil, rpc.Errorf(rpc.CodeVerify, "%v", err)
}

var errBlockDecode = rpc.Errorf(rpc.CodeDeserialization, "Block decode failed")

// needBlock decodes a block in hexadecimal.
func needBlock(s string) (*wire.MsgBlock, error) {
	var b wire.MsgBlock
	r := strings.NewReader(s)
	if err := b.Deserialize(hex.NewDecoder(r)); err != nil || r.Len() > 0 || len(b.Transactions) == 0 {
		return nil, errBlockDecode
	}
	return &b, nil
}

// known says what became of a block that was here before; "" if it was not.
func (n *node) known(b *wire.MsgBlock) (string, error) {
	info, err := n.Chain.Info(b.BlockHash())
	switch {
	case err != nil:
		return "", ignoreUnknown(err)
	case info.Invalid:
		return "duplicate-invalid", nil
	case !info.Stored:
		return "duplicate-inconclusive", nil
	}
	return "duplicate", nil
}

func ignoreUnknown(err error) error {
	if errors.Is(err, chain.ErrUnknown) {
		return nil
	}
	return err
}
