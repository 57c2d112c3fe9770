package reference

var data = []Entry{
	{
		Name: "var-get", Signature: "(var-get name)", Input: "name of a data variable of A", Output: "A",
		Text:     "Gives the value of one of the contract's data variables.",
		Examples: []Example{{Setup: "(define-data-var cursor int 6)", Code: "(var-get cursor)", Result: "6"}},
	},
	{
		Name: "var-set", Signature: "(var-set name value)", Input: "name of a data variable of A, A", Output: "bool",
		Text:     "Gives one of the contract's data variables a value. The result is always true.",
		Examples: []Example{{Setup: "(define-data-var cursor int 6)", Code: "(begin (var-set cursor (+ (var-get cursor) 1)) (var-get cursor))", Result: "7"}},
	},
	{
		Name: "map-get?", Signature: "(map-get? name key)", Input: "name of a map of A to B, A", Output: "(optional B)",
		Text: "Gives what one of the contract's maps has for a key, and none if it has nothing.",
		Examples: []Example{
			{Setup: "(define-map names {id: int} {name: (string-ascii 10)})\n(map-set names {id: 0} {name: \"ada\"})", Code: "(map-get? names {id: 0})", Result: `(some { name: "ada" })`},
			{Setup: "(define-map ages principal uint)", Code: "(map-get? ages tx-sender)", Result: "none"},
		},
	},
	{
		Name: "map-set", Signature: "(map-set name key value)", Input: "name of a map of A to B, A, B", Output: "bool",
		Text:     "Puts a value into one of the contract's maps under a key, in place of what is there. The result is always true.",
		Examples: []Example{{Setup: "(define-map scores uint uint)", Code: "(begin (map-set scores u1 u5) (map-set scores u1 u6) (map-get? scores u1))", Result: "(some u6)"}},
	},
	{
		Name: "map-insert", Signature: "(map-insert name key value)", Input: "name of a map of A to B, A, B", Output: "bool",
		Text:     "Puts a value into one of the contract's maps under a key if it has nothing there, and says whether it did.",
		Examples: []Example{{Setup: "(define-map scores uint uint)", Code: "(list (map-insert scores u1 u5) (map-insert scores u1 u6))", Result: "(list true false)"}},
	},
	{
		Name: "map-delete", Signature: "(map-delete name key)", Input: "name of a map of A to B, A", Output: "bool",
		Text:     "Takes a key out of one of the contract's maps, and says whether it was there.",
		Examples: []Example{{Setup: "(define-map scores uint uint)\n(map-set scores u1 u5)", Code: "(list (map-delete scores u1) (map-delete scores u1))", Result: "(list true false)"}},
	},
}
