package reference

import "funai/clarity/types"

var keywords = []Entry{
	{Name: "true", Signature: "true", Output: "bool", Text: "Is the truth value true.", Examples: []Example{{Code: "(not true)", Result: "false"}}},
	{Name: "false", Signature: "false", Output: "bool", Text: "Is the truth value false.", Examples: []Example{{Code: "(or true false)", Result: "true"}}},
	{Name: "none", Signature: "none", Output: "(optional A)", Text: "Is the optional that holds no value.", Examples: []Example{{Code: "(is-none none)", Result: "true"}}},
	{
		Name: "tx-sender", Signature: "tx-sender", Output: "principal",
		Text: "Is who sent the transaction, or the contract within as-contract, as-contract? and what they call. A contract that only " +
			"asks it can be tricked by a contract that the sender calls for another reason; contract-caller is the stricter question.",
		Examples: []Example{{Code: "(is-standard tx-sender)", Result: "true"}},
	},
	{
		Name: "contract-caller", Signature: "contract-caller", Output: "principal",
		Text: "Is who called the function: tx-sender if it was called by the transaction itself, else the contract that called.",
		Examples: []Example{
			{Other: "(define-read-only (caller) contract-caller)", Code: "(is-eq (contract-call? .other caller) current-contract)", Result: "true"},
		},
	},
	{
		Name: "tx-sponsor?", Since: types.Clarity2, Signature: "tx-sponsor?", Output: "(optional principal)",
		Text:     "Is who pays the transaction's fee in place of its sender, if anyone does.",
		Examples: []Example{{Code: "tx-sponsor?", Result: "none"}},
	},
	{
		Name: "current-contract", Since: types.Clarity4, Signature: "current-contract", Output: "principal",
		Text:     "Is the contract that the text is part of.",
		Examples: []Example{{Code: "(is-eq current-contract tx-sender)", Result: "false"}},
	},
	{
		Name: "block-height", Until: types.Clarity3, Signature: "block-height", Output: "uint",
		Text:     "Is the height of this chain's block that the transaction is in. Since epoch 3.0 it counts tenures; Clarity 3 has stacks-block-height and tenure-height instead.",
		Examples: []Example{{Code: "(>= block-height u0)", Result: "true"}},
	},
	{
		Name: "stacks-block-height", Since: types.Clarity3, Signature: "stacks-block-height", Output: "uint",
		Text:     "Is the height of this chain's block that the transaction is in.",
		Examples: []Example{{Code: "(>= stacks-block-height u0)", Result: "true"}},
	},
	{
		Name: "tenure-height", Since: types.Clarity3, Signature: "tenure-height", Output: "uint",
		Text:     "Is how many tenures there were on this chain up to the block that the transaction is in.",
		Examples: []Example{{Code: "(<= tenure-height stacks-block-height)", Result: "true"}},
	},
	{
		Name: "burn-block-height", Signature: "burn-block-height", Output: "uint",
		Text:     "Is the height of the ledger's newest block, as the tenure that the transaction is in sees it.",
		Examples: []Example{{Code: "(>= burn-block-height u0)", Result: "true"}},
	},
	{
		Name: "stacks-block-time", Since: types.Clarity4, Signature: "stacks-block-time", Output: "uint",
		Text:     "Is the time of this chain's block that the transaction is in, in seconds since 1970.",
		Examples: []Example{{Code: "(> stacks-block-time u0)", Result: "true"}},
	},
	{
		Name: "stx-liquid-supply", Signature: "stx-liquid-supply", Output: "uint",
		Text:     "Is how much there is of the chain's coin that can move, in its smallest unit.",
		Examples: []Example{{Code: "(>= stx-liquid-supply u0)", Result: "true"}},
	},
	{
		Name: "is-in-mainnet", Since: types.Clarity2, Signature: "is-in-mainnet", Output: "bool",
		Text:     "Says whether this is the main network.",
		Examples: []Example{{Code: "is-in-mainnet", Result: "false"}},
	},
	{
		Name: "is-in-regtest", Signature: "is-in-regtest", Output: "bool",
		Text:     "Says whether this is a network for tests on one machine.",
		Examples: []Example{{Code: "(or is-in-regtest true)", Result: "true"}},
	},
	{
		Name: "chain-id", Since: types.Clarity2, Signature: "chain-id", Output: "uint",
		Text:     "Is the number of the network, which transactions name so that none is valid on another.",
		Examples: []Example{{Code: "(> chain-id u0)", Result: "true"}},
	},
}
