package vm

import (
	"math"

	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// bitcoinBuiltins read and prove transactions that the caller hands in (SIP-044).
var bitcoinBuiltins = map[string]builtin{
	"get-bitcoin-tx-output?": {since: types.Clarity6, compile: strict(cost.GetBitcoinTxOutput, txBytes, bitcoinTxOutput)},
	"verify-merkle-proof":    {since: types.Clarity6, compile: strict(cost.VerifyMerkleProof, proofSteps, verifyMerkleProof)},
}

// ledgerBuiltins are ours, which contracts have only on a chain that says so: they read the ledger that the chain lives on,
// and move its coin under its own name.
var ledgerBuiltins = map[string]builtin{
	"get-ledger-block-info?": {since: types.Clarity3, compile: info(cost.BurnBlockInfo, ledgerProperties)},
	"get-ledger-tx?":         {since: types.Clarity3, compile: strict(cost.BurnBlockInfo, nil, ledgerTxInfo)},
	"verify-ledger-tx?":      {since: types.Clarity3, compile: verifyLedgerTx},

	"fai-get-balance":    {since: types.Clarity3, compile: coinBalance},
	"fai-transfer?":      {since: types.Clarity3, compile: coin(cost.STXTransfer, 3, coinTransfer)},
	"fai-burn?":          {since: types.Clarity3, compile: coin(cost.STXTransfer, 2, coinBurn)},
	"fai-transfer-memo?": {since: types.Clarity3, compile: coin(cost.STXTransferMemo, 4, coinTransfer)},
	"fai-account":        {since: types.Clarity3, compile: coinAccount},
}

// ledgerKeywords are ours, likewise.
var ledgerKeywords = map[string]keyword{
	"fai-liquid-supply": {since: types.Clarity3, read: liquidSupply},
}

// Codes of get-bitcoin-tx-output?.
const (
	badTx         = 1
	noOutput      = 2
	scriptTooLong = 3
)

const maxOutputScript = 1024

func txBytes(a []value.Value) (uint64, error) { return uint64(a[0].Len()), nil }

func bitcoinTxOutput(_ *frame, a []value.Value) (value.Value, error) {
	index, ok := a[1].AsUInt().Uint64()
	if !ok || index > math.MaxUint32 {
		return errCode(noOutput), nil
	}
	tx, ok := parseTx(a[0].Octets())
	if !ok {
		return errCode(badTx), nil
	}
	if index >= uint64(len(tx.outputs)) {
		return errCode(noOutput), nil
	}
	out := tx.outputs[index]
	if len(out.Script) > maxOutputScript {
		return errCode(scriptTooLong), nil
	}
	t, err := value.Tuple(
		value.Field{Name: "amount", Value: value.UInt64(out.Value)},
		value.Field{Name: "script", Value: value.Buffer(out.Script)},
		value.Field{Name: "txid", Value: value.Buffer(tx.id[:])},
	)
	return value.Ok(t), err
}

func proofSteps(a []value.Value) (uint64, error) { return uint64(a[4].Len()), nil }

func verifyMerkleProof(_ *frame, a []value.Value) (value.Value, error) {
	for _, h := range a[:2] {
		if h.Len() != 32 {
			return value.None, fault(Unchecked, "TypeValueError: a hash of %d bytes, not 32", h.Len())
		}
	}
	leaf, root := [32]byte(a[0].Octets()), [32]byte(a[1].Octets())
	return value.Bool(inTree(leaf, root, a[2].AsUInt(), a[3].AsUInt(), a[4].Elems())), nil
}

var ledgerProperties = map[string]property{
	"header":            ofBurnBlock(func(b *BurnBlock) (value.Value, error) { return value.Buffer(b.Header), nil }),
	"time":              ofBurnBlock(func(b *BurnBlock) (value.Value, error) { return value.UInt64(b.Time), nil }),
	"merkle-root":       ofBurnBlock(func(b *BurnBlock) (value.Value, error) { return value.Buffer(b.MerkleRoot[:]), nil }),
	"transaction-count": ofBurnBlock(func(b *BurnBlock) (value.Value, error) { return value.UInt64(b.TransactionCount), nil }),
}

// What contracts see of a transaction: so many outputs, and so many bytes of each one's script. What is more is left out,
// so a script of all those bytes may be the beginning of a longer one.
const (
	maxLedgerOutputs = 32
	maxLedgerScript  = 128
)

// ledgerTxInfo is get-ledger-tx?: (get-ledger-tx? height index).
func ledgerTxInfo(f *frame, a []value.Value) (value.Value, error) {
	height, ok := a[0].AsUInt().Uint64()
	index, fits := a[1].AsUInt().Uint64()
	if !ok || !fits || height > f.env.BurnHeight() {
		return value.None, nil
	}
	tx, err := f.env.BurnTx(height, index)
	if err != nil || tx == nil {
		return value.None, err
	}
	outputs := make([]value.Value, min(len(tx.Outputs), maxLedgerOutputs))
	for i := range outputs {
		o := tx.Outputs[i]
		outputs[i], err = value.Tuple(
			value.Field{Name: "script", Value: value.Buffer(o.Script[:min(len(o.Script), maxLedgerScript)])},
			value.Field{Name: "value", Value: value.UInt64(o.Value)},
		)
		if err != nil {
			return value.None, err
		}
	}
	list, err := value.List(outputs)
	if err != nil {
		return value.None, err
	}
	t, err := value.Tuple(value.Field{Name: "outputs", Value: list}, value.Field{Name: "txid", Value: value.Buffer(tx.TxID[:])})
	return value.Some(t), err
}

// Codes of verify-ledger-tx?.
const (
	noLedgerBlock = 1
	noLedgerTx    = 2 // the bytes are no transaction, or one that could be a node of a Merkle tree
)

// nodeBytes is the length of what is hashed to a node of a Merkle tree. A transaction of this length could be passed off as
// a node, and a node as a transaction.
const nodeBytes = 64

// verifyLedgerTx is verify-ledger-tx?: (verify-ledger-tx? height transaction siblings position) says whether the block of
// the ledger at a height has the transaction at that position. The transaction is given with its witnesses or without.
func verifyLedgerTx(c *compiler, call *syntax.Expr) (code, error) {
	return eager(func(f *frame, a []value.Value) (value.Value, error) {
		raw, path := a[1].Octets(), a[2].Elems()
		if err := f.chargeProof(len(raw), len(path)); err != nil {
			return value.None, err
		}
		height, ok := a[0].AsUInt().Uint64()
		if !ok || height > f.env.BurnHeight() {
			return errCode(noLedgerBlock), nil
		}
		block, err := f.env.BurnBlock(height)
		if err != nil || block == nil {
			return errCode(noLedgerBlock), err
		}
		tx, ok := parseTx(raw)
		if !ok || tx.size == nodeBytes {
			return errCode(noLedgerTx), nil
		}
		return value.Ok(value.Bool(inTree(tx.id, block.MerkleRoot, a[3].AsUInt(), value.U64(block.TransactionCount), path))), nil
	})(c, call)
}

// chargeProof charges for finding a block of the ledger and hashing twice a transaction and then a node for each sibling.
func (f *frame) chargeProof(txBytes, siblings int) error {
	if err := f.charge(cost.BurnBlockInfo, 0); err != nil {
		return err
	}
	for range 2 {
		if err := f.charge(cost.SHA256, uint64(txBytes)); err != nil {
			return err
		}
		for range siblings {
			if err := f.charge(cost.SHA256, nodeBytes); err != nil {
				return err
			}
		}
	}
	return nil
}
