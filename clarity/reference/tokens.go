package reference

const (
	fungible    = "(define-fungible-token coin)"
	nonFungible = "(define-non-fungible-token ticket uint)"
)

var tokens = []Entry{
	{
		Name: "ft-mint?", Signature: "(ft-mint? token amount recipient)", Input: "name of a fungible token, uint, principal", Output: "(response bool uint)",
		Text: "Makes an amount of one of the contract's fungible tokens and gives it to a principal. An amount of zero is " +
			"(err u1). More than the token's greatest supply aborts the transaction.",
		Examples: []Example{{Setup: fungible, Code: "(ft-mint? coin u100 tx-sender)", Result: "(ok true)"}, {Setup: fungible, Code: "(ft-mint? coin u0 tx-sender)", Result: "(err u1)"}},
	},
	{
		Name: "ft-transfer?", Signature: "(ft-transfer? token amount sender recipient)", Input: "name of a fungible token, uint, principal, principal", Output: "(response bool uint)",
		Text: "Moves an amount of one of the contract's fungible tokens. It gives (err u1) if the sender has less, (err u2) if " +
			"sender and recipient are the same and (err u3) if the amount is zero. It does not ask who calls: the contract has to.",
		Examples: []Example{{Setup: fungible + "\n(ft-mint? coin u100 tx-sender)", Code: "(ft-transfer? coin u500 tx-sender 'ST2JHG361ZXG51QTKY2NQCVBPPRRE2KZB1HR05NNC)", Result: "(err u1)"}},
	},
	{
		Name: "ft-burn?", Signature: "(ft-burn? token amount owner)", Input: "name of a fungible token, uint, principal", Output: "(response bool uint)",
		Text:     "Destroys an amount of one of the contract's fungible tokens. It gives (err u1) if the owner has less or the amount is zero.",
		Examples: []Example{{Setup: fungible + "\n(ft-mint? coin u100 tx-sender)", Code: "(list (ft-burn? coin u50 tx-sender) (ft-burn? coin u51 tx-sender))", Result: "(list (ok true) (err u1))"}},
	},
	{
		Name: "ft-get-balance", Signature: "(ft-get-balance token owner)", Input: "name of a fungible token, principal", Output: "uint",
		Text:     "Says how much of one of the contract's fungible tokens a principal has.",
		Examples: []Example{{Setup: fungible + "\n(ft-mint? coin u100 tx-sender)", Code: "(ft-get-balance coin tx-sender)", Result: "u100"}},
	},
	{
		Name: "ft-get-supply", Signature: "(ft-get-supply token)", Input: "name of a fungible token", Output: "uint",
		Text:     "Says how much there is of one of the contract's fungible tokens: what was minted less what was burnt.",
		Examples: []Example{{Setup: fungible + "\n(ft-mint? coin u100 tx-sender)", Code: "(ft-get-supply coin)", Result: "u100"}},
	},
	{
		Name: "nft-mint?", Signature: "(nft-mint? token id recipient)", Input: "name of a non-fungible token of A, A, principal", Output: "(response bool uint)",
		Text:     "Makes one of the contract's non-fungible tokens and gives it to a principal. It gives (err u1) if there is one with the id.",
		Examples: []Example{{Setup: nonFungible, Code: "(list (nft-mint? ticket u1 tx-sender) (nft-mint? ticket u1 tx-sender))", Result: "(list (ok true) (err u1))"}},
	},
	{
		Name: "nft-transfer?", Signature: "(nft-transfer? token id sender recipient)", Input: "name of a non-fungible token of A, A, principal, principal", Output: "(response bool uint)",
		Text: "Moves one of the contract's non-fungible tokens. It gives (err u1) if the sender does not own it, (err u2) if sender and " +
			"recipient are the same and (err u3) if there is no such token. It does not ask who calls: the contract has to.",
		Examples: []Example{{Setup: nonFungible, Code: "(nft-transfer? ticket u9 tx-sender 'ST2JHG361ZXG51QTKY2NQCVBPPRRE2KZB1HR05NNC)", Result: "(err u3)"}},
	},
	{
		Name: "nft-burn?", Signature: "(nft-burn? token id owner)", Input: "name of a non-fungible token of A, A, principal", Output: "(response bool uint)",
		Text:     "Destroys one of the contract's non-fungible tokens. It gives (err u1) if the owner does not own it and (err u3) if there is none.",
		Examples: []Example{{Setup: nonFungible + "\n(nft-mint? ticket u1 tx-sender)", Code: "(list (nft-burn? ticket u1 tx-sender) (nft-burn? ticket u1 tx-sender))", Result: "(list (ok true) (err u3))"}},
	},
	{
		Name: "nft-get-owner?", Signature: "(nft-get-owner? token id)", Input: "name of a non-fungible token of A, A", Output: "(optional principal)",
		Text:     "Says who owns one of the contract's non-fungible tokens, and none if there is no such token.",
		Examples: []Example{{Setup: nonFungible + "\n(nft-mint? ticket u1 tx-sender)", Code: "(list (is-eq (nft-get-owner? ticket u1) (some tx-sender)) (is-none (nft-get-owner? ticket u2)))", Result: "(list true true)"}},
	},
}
