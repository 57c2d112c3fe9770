package check

import "funai/clarity/types"

// bitcoinWords read and prove transactions of Bitcoin's format that the caller hands in (SIP-044).
var bitcoinWords = map[string]word{
	"get-bitcoin-tx-output?": typed(types.Clarity6, types.MustResponse(types.MustTuple(
		types.Field{Name: "amount", Type: types.UInt},
		types.Field{Name: "script", Type: types.MustBuffer(1024)},
		types.Field{Name: "txid", Type: buff32},
	), types.UInt), maxBuffer, types.UInt),
	"verify-merkle-proof": typed(types.Clarity6, types.Bool, buff32, buff32, types.UInt, types.UInt, types.MustList(buff32, 24)),
}

// Bounds of what contracts see of the ledger.
const (
	ledgerOutputs = 32   // of one transaction; later ones are left out
	ledgerScript  = 128  // bytes of an output's script; a longer one is cut
	ledgerTx      = 4096 // bytes of a transaction that is proven
	ledgerProof   = 20   // hashes on the way to a block's Merkle root: a million transactions
)

// ledgerWords are ours: the language has them only with Options.Ledger.
var ledgerWords = func() map[string]word {
	m := map[string]word{
		"get-ledger-block-info?": {since: types.Clarity3, rule: info("ledger block", ledgerProperties)},
		"get-ledger-tx?": typed(types.Clarity3, types.MustOptional(types.MustTuple(
			types.Field{Name: "outputs", Type: types.MustList(types.MustTuple(
				types.Field{Name: "script", Type: types.MustBuffer(ledgerScript)},
				types.Field{Name: "value", Type: types.UInt},
			), ledgerOutputs)},
			types.Field{Name: "txid", Type: buff32},
		)), types.UInt, types.UInt),
		"verify-ledger-tx?": typed(types.Clarity3, boolOrUInt,
			types.UInt, types.MustBuffer(ledgerTx), types.MustList(buff32, ledgerProof), types.UInt),
		"fai-transfer?":      coinTransfer,
		"fai-transfer-memo?": coinTransferMemo,
		"fai-burn?":          coinBurn,
		"fai-get-balance":    coinBalance,
		"fai-account":        coinAccount,
	}
	for name, w := range m {
		w.since, w.ledger = types.Clarity3, true
		m[name] = w
	}
	return m
}()

var ledgerProperties = map[string]property{
	"header":            {types.Clarity3, types.MustBuffer(80)},
	"time":              {types.Clarity3, types.UInt},
	"merkle-root":       {types.Clarity3, buff32},
	"transaction-count": {types.Clarity3, types.UInt},
}
