package reference

var wrapping = []Entry{
	{
		Name: "some", Signature: "(some value)", Input: "A", Output: "(optional A)",
		Text:     "Makes an optional that holds a value. The optional that holds none is the keyword none.",
		Examples: []Example{{Code: "(some 1)", Result: "(some 1)"}},
	},
	{
		Name: "ok", Signature: "(ok value)", Input: "A", Output: "(response A B)",
		Text:     "Makes a response that says success. A public function that returns one keeps what it did to data and assets.",
		Examples: []Example{{Code: "(ok u1)", Result: "(ok u1)"}},
	},
	{
		Name: "err", Signature: "(err value)", Input: "B", Output: "(response A B)",
		Text:     "Makes a response that says failure. All that a public function did to data and assets is undone when it returns one.",
		Examples: []Example{{Code: "(err u404)", Result: "(err u404)"}},
	},
	{
		Name: "default-to", Signature: "(default-to default optional)", Input: "A, (optional A)", Output: "A",
		Text: "Gives what a some holds, and of none the default. Both arguments are evaluated.",
		Examples: []Example{
			{Code: "(default-to u0 (some u7))", Result: "u7"},
			{Setup: "(define-map ages (string-ascii 10) uint)", Code: `(default-to u0 (map-get? ages "eve"))`, Result: "u0"},
		},
	},
	{
		Name: "is-some", Signature: "(is-some optional)", Input: "(optional A)", Output: "bool",
		Text:     "Says whether an optional holds a value.",
		Examples: []Example{{Code: "(is-some (some 1))", Result: "true"}},
	},
	{
		Name: "is-none", Signature: "(is-none optional)", Input: "(optional A)", Output: "bool",
		Text:     "Says whether an optional holds no value.",
		Examples: []Example{{Code: "(is-none (some 1))", Result: "false"}},
	},
	{
		Name: "is-ok", Signature: "(is-ok response)", Input: "(response A B)", Output: "bool",
		Text:     "Says whether a response is one of success.",
		Examples: []Example{{Code: "(is-ok (ok 1))", Result: "true"}},
	},
	{
		Name: "is-err", Signature: "(is-err response)", Input: "(response A B)", Output: "bool",
		Text:     "Says whether a response is one of failure.",
		Examples: []Example{{Code: "(is-err (ok 1))", Result: "false"}},
	},
	{
		Name: "unwrap!", Signature: "(unwrap! input thrown)", Input: "(optional A), C | (response A B), C", Output: "A",
		Text: "Gives what a some or an ok holds. If it is none or an err, the function that is running returns thrown at once.",
		Examples: []Example{
			{Setup: "(define-map names int (string-ascii 12))\n(define-private (name-of (id int)) (ok (unwrap! (map-get? names id) (err 1))))", Code: "(name-of 5)", Result: "(err 1)"},
		},
	},
	{
		Name: "unwrap-err!", Signature: "(unwrap-err! response thrown)", Input: "(response A B), C", Output: "B",
		Text: "Gives what an err holds. If it is an ok, the function that is running returns thrown at once.",
		Examples: []Example{
			{Setup: "(define-private (reason (r (response int uint))) (unwrap-err! r u0))", Code: "(list (reason (err u9)) (reason (ok 1)))", Result: "(list u9 u0)"},
		},
	},
	{
		Name: "unwrap-panic", Signature: "(unwrap-panic input)", Input: "(optional A) | (response A B)", Output: "A",
		Text:     "Gives what a some or an ok holds. None or an err aborts the transaction: use it where that cannot be.",
		Examples: []Example{{Code: "(unwrap-panic (some 3))", Result: "3"}},
	},
	{
		Name: "unwrap-err-panic", Signature: "(unwrap-err-panic response)", Input: "(response A B)", Output: "B",
		Text:     "Gives what an err holds. An ok aborts the transaction.",
		Examples: []Example{{Code: "(unwrap-err-panic (err u3))", Result: "u3"}},
	},
}
