package reference

import "funai/clarity/types"

var definitions = []Entry{
	{
		Name: "define-constant", Signature: "(define-constant name expr)", Input: "name, A",
		Text:     "Gives a name to a value, which is found once, when the contract is deployed.",
		Examples: []Example{{Setup: "(define-constant four (+ 2 2))", Code: "(+ 4 four)", Result: "8"}},
	},
	{
		Name: "define-data-var", Signature: "(define-data-var name type expr)", Input: "name, type, A",
		Text:     "Makes a variable that keeps its value from transaction to transaction, with the value it begins with. Only the contract itself can set it (var-set).",
		Examples: []Example{{Setup: "(define-data-var size uint u0)", Code: "(begin (var-set size u3) (var-get size))", Result: "u3"}},
	},
	{
		Name: "define-map", Signature: "(define-map name key-type value-type)", Input: "name, type, type",
		Text:     "Makes a table from keys to values, empty at first. Only the contract itself can change it.",
		Examples: []Example{{Setup: "(define-map squares {x: int} {square: int})", Code: "(begin (map-set squares {x: 3} {square: 9}) (map-get? squares {x: 3}))", Result: "(some { square: 9 })"}},
	},
	{
		Name: "define-private", Signature: "(define-private (name (argument type) ...) expr ...)", Input: "name, arguments, any, ..., A",
		Text:     "Makes a function that only the contract itself can call. Several expressions are as in begin. No function may call itself, not even by way of another.",
		Examples: []Example{{Setup: "(define-private (larger (a int) (b int)) (if (> a b) a b))", Code: "(larger 4 5)", Result: "5"}},
	},
	{
		Name: "define-public", Signature: "(define-public (name (argument type) ...) expr ...)", Input: "name, arguments, any, ..., (response A B)",
		Text:     "Makes a function that transactions and other contracts can call. It must return a response: of err, all that it did to data and assets is undone.",
		Examples: []Example{{Setup: "(define-public (hello (n uint)) (begin (print n) (ok n)))", Code: "(hello u3)", Result: "(ok u3)"}},
	},
	{
		Name: "define-read-only", Signature: "(define-read-only (name (argument type) ...) expr ...)", Input: "name, arguments, any, ..., A",
		Text:     "Makes a function that anyone can call, without a transaction too, and that changes nothing. It may return any type.",
		Examples: []Example{{Setup: "(define-read-only (one-plus (n int)) (+ 1 n))", Code: "(one-plus 41)", Result: "42"}},
	},
	{
		Name: "define-fungible-token", Signature: "(define-fungible-token name [greatest-supply])", Input: "name, [uint]",
		Text:     "Makes a kind of asset of which principals hold amounts, with a greatest supply if one is given. The chain keeps the amounts; post-conditions can hold a transaction to what it may move.",
		Examples: []Example{{Setup: "(define-fungible-token coin u1000)", Code: "(begin (unwrap-panic (ft-mint? coin u10 tx-sender)) (ft-get-supply coin))", Result: "u10"}},
	},
	{
		Name: "define-non-fungible-token", Signature: "(define-non-fungible-token name id-type)", Input: "name, type",
		Text:     "Makes a kind of asset of which each has an id of a type and one owner.",
		Examples: []Example{{Setup: "(define-non-fungible-token ticket (string-ascii 4))", Code: `(nft-mint? ticket "row1" tx-sender)`, Result: "(ok true)"}},
	},
	{
		Name: "define-trait", Signature: "(define-trait name ((function (type ...) (response type type)) ...))", Input: "name, functions",
		Text: "Names a set of public functions that a contract may offer, so that another can be given any contract that offers them.",
		Examples: []Example{
			{Other: "(define-public (get-price) (ok u7))",
				Setup: "(define-trait priced ((get-price () (response uint uint))))\n(define-public (twice (c <priced>)) (ok (* u2 (try! (contract-call? c get-price)))))",
				Code:  "(twice .other)", Result: "(ok u14)"},
		},
	},
	{
		Name: "use-trait", Signature: "(use-trait name contract.trait)", Input: "name, a trait of a contract",
		Text: "Gives a name in this contract to a trait that another contract defines.",
		Examples: []Example{
			{Other: "(define-trait priced ((get-price () (response uint uint))))\n(define-public (get-price) (ok u7))",
				Setup: "(use-trait priced .other.priced)\n(define-public (price (c <priced>)) (contract-call? c get-price))", Code: "(price .other)", Result: "(ok u7)"},
		},
	},
	{
		Name: "impl-trait", Signature: "(impl-trait contract.trait)", Input: "a trait of a contract",
		Text: "Says that this contract offers a trait's functions, which is checked when it is deployed. A contract can be given for a trait without it.",
		Examples: []Example{
			{Other: "(define-trait priced ((get-price () (response uint uint))))", Setup: "(impl-trait .other.priced)\n(define-public (get-price) (ok u9))", Code: "(get-price)", Result: "(ok u9)"},
		},
	},
}

var allowances = []Entry{
	{
		Name: "with-stx", Since: types.Clarity4, Signature: "(with-stx amount)", Input: "uint",
		Text:     "Allows an amount of the chain's coin to leave.",
		Examples: []Example{{Code: "(restrict-assets? tx-sender ((with-stx u100)) (+ 1 1))", Result: "(ok 2)"}},
	},
	{
		Name: "with-ft", Since: types.Clarity4, Signature: "(with-ft contract token amount)", Input: "principal, (string-ascii 128), uint",
		Text: `Allows an amount of a contract's fungible token to leave. "*" stands for all of the contract's tokens.`,
		Examples: []Example{
			{Setup: fungible + "\n(ft-mint? coin u100 tx-sender)", Code: "(restrict-assets? tx-sender ((with-ft current-contract \"coin\" u10))\n  (unwrap-panic (ft-transfer? coin u10 tx-sender current-contract)))", Result: "(ok true)"},
		},
	},
	{
		Name: "with-nft", Since: types.Clarity4, Signature: "(with-nft contract token ids)", Input: "principal, (string-ascii 128), (list 128 A)",
		Text: `Allows a contract's non-fungible tokens with some ids to leave. "*" stands for all of the contract's tokens.`,
		Examples: []Example{
			{Setup: nonFungible + "\n(nft-mint? ticket u4 tx-sender)", Code: "(restrict-assets? tx-sender ((with-nft current-contract \"ticket\" (list u1 u2)))\n  (unwrap-panic (nft-transfer? ticket u4 tx-sender current-contract)))", Result: "(err u0)"},
		},
	},
	{
		Name: "with-stacking", Since: types.Clarity4, Until: types.Clarity6, Signature: "(with-stacking amount)", Input: "uint",
		Text:     "Allows an amount of the chain's coin to be locked. Clarity 6 calls it with-staking.",
		Examples: []Example{{Code: "(restrict-assets? tx-sender ((with-stacking u100)) true)", Result: "(ok true)"}},
	},
	{
		Name: "with-staking", Since: types.Clarity6, Signature: "(with-staking amount)", Input: "uint",
		Text:     "Allows an amount of the chain's coin to be locked.",
		Examples: []Example{{Code: "(restrict-assets? tx-sender ((with-staking u100)) true)", Result: "(ok true)"}},
	},
	{
		Name: "with-pox", Since: types.Clarity6, Signature: "(with-pox)",
		Text:     "Allows what the contract that locks coins does for a principal other than locking them.",
		Examples: []Example{{Code: "(restrict-assets? tx-sender ((with-pox)) true)", Result: "(ok true)"}},
	},
	{
		Name: "with-all-assets-unsafe", Since: types.Clarity4, Signature: "(with-all-assets-unsafe)",
		Text:     "Allows everything to leave, and stands alone. Only as-contract? takes it; use it only around code that is trusted.",
		Examples: []Example{{Code: "(as-contract? ((with-all-assets-unsafe)) (+ u1 u2))", Result: "(ok u3)"}},
	},
}
