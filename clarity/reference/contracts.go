package reference

import "funai/clarity/types"

var contracts = []Entry{
	{
		Name: "contract-call?", Signature: "(contract-call? contract function argument ...)", Input: "a contract's name or a trait, name of a function, its arguments", Output: "the function's result",
		Text: "Calls a public or read-only function of another contract, which is written out (.name for one of the same " +
			"deployer, 'ADDRESS.name else) or held by a trait. If a public function answers err, what it did is undone. " +
			"In the called contract contract-caller is this one; tx-sender stays.",
		Examples: []Example{
			{Other: "(define-read-only (double (n int)) (* n 2))", Code: "(contract-call? .other double 21)", Result: "42"},
		},
	},
	{
		Name: "contract-of", Signature: "(contract-of contract)", Input: "trait", Output: "principal",
		Text: "Gives the principal of the contract that a trait holds.",
		Examples: []Example{
			{Other: "(define-public (ping) (ok true))",
				Setup: "(define-trait pinger ((ping () (response bool uint))))\n(define-private (who (c <pinger>)) (contract-of c))",
				Code:  "(is-eq (who .other) .other)", Result: "true"},
		},
	},
	{
		Name: "as-contract", Until: types.Clarity4, Signature: "(as-contract expr)", Input: "A", Output: "A",
		Text: "Evaluates an expression with this contract as tx-sender and as contract-caller, so that it can use the " +
			"contract's own assets. Clarity 4 has as-contract? and current-contract instead.",
		Examples: []Example{{Code: "(is-eq (as-contract tx-sender) tx-sender)", Result: "false"}},
	},
	{
		Name: "as-contract?", Since: types.Clarity4, Signature: "(as-contract? (allowance ...) expr ...)", Input: "allowances, any, ..., A", Output: "(response A uint)",
		Text: "Evaluates expressions with this contract as tx-sender and as contract-caller, and then holds what left the " +
			"contract to the allowances. If they are kept it gives ok and the last value. If not, all is undone and it " +
			"gives err and the number, from 0, of the first allowance that was exceeded, or u128 for an asset with no allowance.",
		Examples: []Example{{Code: "(as-contract? () (is-eq tx-sender current-contract))", Result: "(ok true)"}},
	},
	{
		Name: "restrict-assets?", Since: types.Clarity4, Signature: "(restrict-assets? owner (allowance ...) expr ...)", Input: "principal, allowances, any, ..., A", Output: "(response A uint)",
		Text: "Evaluates expressions and then holds what left a principal to the allowances. If they are kept it gives ok " +
			"and the last value, which must not be a response. If not, all is undone and it gives err and the number, from " +
			"0, of the first allowance that was exceeded, or u128 for an asset with no allowance.",
		Examples: []Example{
			{Code: "(restrict-assets? tx-sender () (+ u1 u2))", Result: "(ok u3)"},
			{Setup: fungible + "\n(ft-mint? coin u100 tx-sender)", Code: "(restrict-assets? tx-sender ((with-ft current-contract \"coin\" u9))\n  (unwrap-panic (ft-transfer? coin u10 tx-sender current-contract)))", Result: "(err u0)"},
		},
	},
	{
		Name: "at-block", Until: types.Clarity5, Signature: "(at-block block-id expr)", Input: "(buff 32), A", Output: "A",
		Text: "Evaluates an expression that only reads with the data as they were after a block. From epoch 3.4 on no " +
			"version of the language may use it (SIP-042).",
		Examples: []Example{{Setup: "(define-data-var n uint u7)\n(define-private (then (id (buff 32))) (at-block id (var-get n)))", Code: "(var-get n)", Result: "u7"}},
	},
	{
		Name: "contract-hash?", Since: types.Clarity4, Signature: "(contract-hash? contract)", Input: "principal", Output: "(response (buff 32) uint)",
		Text: "Gives the SHA-512/256 hash of a contract's source text. It gives (err u1) if the principal is not a contract's and (err u2) if there is no such contract.",
		Examples: []Example{
			{Other: "(define-read-only (one) 1)", Code: "(contract-hash? .other)", Result: "(ok 0xc3e80bb321654a20bf4d2f0a6f7f4a6b2da454d8259c995485273783dd02763b)"},
			{Code: "(contract-hash? 'ST2JHG361ZXG51QTKY2NQCVBPPRRE2KZB1HR05NNC)", Result: "(err u1)"},
		},
	},
	{
		Name: "principal-of?", Signature: "(principal-of? public-key)", Input: "(buff 33)", Output: "(response principal uint)",
		Text:     "Gives the principal of a compressed public key on this network, and (err u1) if the bytes are not one.",
		Examples: []Example{{Code: "(principal-of? 0x03adb8de4bfb65db2cfd6120d55c6526ae9c52e675db7e47308636534ba7786110)", Result: "(ok 'ST1AW6EKPGT61SQ9FNVDS17RKNWT8ZP582VF9HSCP)"}},
	},
	{
		Name: "principal-construct?", Since: types.Clarity2, Signature: "(principal-construct? version hash [name])", Input: "(buff 1), (buff 20), [(string-ascii 40)]",
		Output: "(response principal {error_code: uint, value: (optional principal)})",
		Text: "Makes a principal of its parts, of a contract if there is a name. It gives an err with error code 0 if the " +
			"version is another network's, which then holds the principal all the same, with 1 if the version is not one or " +
			"bytes are missing, and with 2 if the name cannot be a contract's.",
		Examples: []Example{
			{Code: "(principal-construct? 0x1a 0xfa6bf38ed557fe417333710d6033e9419391a320)", Result: "(ok 'ST3X6QWWETNBZWGBK6DRGTR1KX50S74D3425Q1TPK)"},
			{Code: `(principal-construct? 0x1a 0xfa6bf38ed557fe417333710d6033e9419391a320 "foo")`, Result: "(ok 'ST3X6QWWETNBZWGBK6DRGTR1KX50S74D3425Q1TPK.foo)"},
			{Code: "(principal-construct? 0x20 0xfa6bf38ed557fe417333710d6033e9419391a320)", Result: "(err { error_code: u1, value: none })"},
		},
	},
	{
		Name: "principal-destruct?", Since: types.Clarity2, Signature: "(principal-destruct? principal)", Input: "principal",
		Output: "(response P P), P {hash-bytes: (buff 20), name: (optional (string-ascii 40)), version: (buff 1)}",
		Text:   "Takes a principal into its parts. It gives them as ok if the principal is of this network and as err if not.",
		Examples: []Example{
			{Code: "(principal-destruct? 'ST3X6QWWETNBZWGBK6DRGTR1KX50S74D3425Q1TPK.foo)", Result: `(ok { hash-bytes: 0xfa6bf38ed557fe417333710d6033e9419391a320, name: (some "foo"), version: 0x1a })`},
		},
	},
	{
		Name: "is-standard", Since: types.Clarity2, Signature: "(is-standard principal)", Input: "principal", Output: "bool",
		Text: "Says whether a principal is one of this network, by the version in its address.",
		Examples: []Example{
			{Code: "(is-standard 'STB44HYPYAT2BB2QE513NSP81HTMYWBJP02HPGK6)", Result: "true"}, {Code: "(is-standard 'SP3X6QWWETNBZWGBK6DRGTR1KX50S74D3433WDGJY)", Result: "false"},
		},
	},
}
