package reference

import (
	"slices"
	"strings"

	"funai/clarity/types"
)

var coins = []Entry{
	{
		Name: "stx-transfer?", Signature: "(stx-transfer? amount sender recipient)", Input: "uint, principal, principal", Output: "(response bool uint)",
		Text: "Moves an amount of the chain's coin, in its smallest unit. It gives (err u1) if the sender has less that is not " +
			"locked, (err u2) if sender and recipient are the same, (err u3) if the amount is zero, and (err u4) if the " +
			"sender is not tx-sender.",
		Examples: []Example{
			{Code: "(stx-transfer? u0 tx-sender 'ST2JHG361ZXG51QTKY2NQCVBPPRRE2KZB1HR05NNC)", Result: "(err u3)"},
			{Code: "(stx-transfer? u5 'ST2JHG361ZXG51QTKY2NQCVBPPRRE2KZB1HR05NNC tx-sender)", Result: "(err u4)"},
		},
	},
	{
		Name: "stx-transfer-memo?", Since: types.Clarity2, Signature: "(stx-transfer-memo? amount sender recipient memo)", Input: "uint, principal, principal, (buff 34)", Output: "(response bool uint)",
		Text:     "Does what stx-transfer? does, with a memo that is part of the event.",
		Examples: []Example{{Code: "(stx-transfer-memo? u5 tx-sender tx-sender 0x010203)", Result: "(err u2)"}},
	},
	{
		Name: "stx-burn?", Signature: "(stx-burn? amount owner)", Input: "uint, principal", Output: "(response bool uint)",
		Text: "Destroys an amount of the chain's coin. It gives (err u1) if the owner has less that is not locked, (err u3) if " +
			"the amount is zero, and (err u4) if the owner is not tx-sender.",
		Examples: []Example{{Code: "(stx-burn? u0 tx-sender)", Result: "(err u3)"}},
	},
	{
		Name: "stx-get-balance", Signature: "(stx-get-balance owner)", Input: "principal", Output: "uint",
		Text:     "Says how much of the chain's coin a principal has that is not locked, in its smallest unit. Of who does not exist it is zero.",
		Examples: []Example{{Code: "(stx-get-balance 'ST2JHG361ZXG51QTKY2NQCVBPPRRE2KZB1HR05NNC.nothing-here)", Result: "u0"}},
	},
	{
		Name: "stx-account", Since: types.Clarity2, Signature: "(stx-account owner)", Input: "principal", Output: "{locked: uint, unlock-height: uint, unlocked: uint}",
		Text:     "Says how much of the chain's coin a principal has, locked and not, and at which height of the ledger the lock ends.",
		Examples: []Example{{Code: "(stx-account 'ST2JHG361ZXG51QTKY2NQCVBPPRRE2KZB1HR05NNC.nothing-here)", Result: "{ locked: u0, unlock-height: u0, unlocked: u0 }"}},
	},
}

// fai are the words of the chain's coin under names of our own.
var fai = func() []Entry {
	ours := func(k Kind, e Entry) Entry {
		rename := func(s string) string { return strings.ReplaceAll(s, "stx-", "fai-") }
		e.Text = "Is what " + e.Name + " is, under a name of this network. " + e.Text
		e.Name, e.Signature = rename(e.Name), rename(e.Signature)
		e.Kind, e.Since, e.Ledger = k, types.Clarity3, true
		e.Examples = slices.Clone(e.Examples)
		for i := range e.Examples {
			e.Examples[i].Code = rename(e.Examples[i].Code)
		}
		return e
	}
	var out []Entry
	for _, e := range coins {
		out = append(out, ours(Function, e))
	}
	for _, e := range keywords {
		if e.Name == "stx-liquid-supply" {
			out = append(out, ours(Keyword, e))
		}
	}
	return out
}()
