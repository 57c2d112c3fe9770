package check

import "funai/clarity/types"

// coinWords are the functions of the chain's own coin. They keep the names that tools know; ledgerWords has the same under
// names of our own.
var coinWords = map[string]word{
	"stx-transfer?":      coinTransfer,
	"stx-transfer-memo?": coinTransferMemo,
	"stx-burn?":          coinBurn,
	"stx-get-balance":    coinBalance,
	"stx-account":        coinAccount,
}

var (
	coinTransfer     = typed(types.Clarity1, boolOrUInt, types.UInt, types.Principal, types.Principal)
	coinTransferMemo = typed(types.Clarity2, boolOrUInt, types.UInt, types.Principal, types.Principal, types.MustBuffer(34))
	coinBurn         = plain(types.Clarity1, fixed(boolOrUInt, types.UInt, types.Principal))
	coinBalance      = plain(types.Clarity1, fixed(types.UInt, types.Principal))
	coinAccount      = plain(types.Clarity2, fixed(types.MustTuple(
		types.Field{Name: "locked", Type: types.UInt},
		types.Field{Name: "unlock-height", Type: types.UInt},
		types.Field{Name: "unlocked", Type: types.UInt},
	), types.Principal))
)
