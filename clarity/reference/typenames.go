package reference

var typeNames = []Entry{
	{Name: "int", Signature: "int", Text: "Is a whole number of 128 bits with sign, from -2^127 to 2^127-1. It is written -12.", Examples: []Example{{Code: "(from-consensus-buff? int 0x00000000000000000000000000000000ff)", Result: "(some 255)"}}},
	{Name: "uint", Signature: "uint", Text: "Is a whole number of 128 bits without sign, up to 2^128-1. It is written u12.", Examples: []Example{{Setup: "(define-data-var n uint u12)", Code: "(var-get n)", Result: "u12"}}},
	{Name: "bool", Signature: "bool", Text: "Is true or false.", Examples: []Example{{Setup: "(define-data-var open bool true)", Code: "(var-get open)", Result: "true"}}},
	{
		Name: "principal", Signature: "principal",
		Text: "Is who can own things and call: an address, written 'ST…, or a contract, written 'ST….name, or .name for one of the same deployer.",
		Examples: []Example{
			{Setup: "(define-data-var owner principal 'ST2JHG361ZXG51QTKY2NQCVBPPRRE2KZB1HR05NNC)", Code: "(var-get owner)", Result: "'ST2JHG361ZXG51QTKY2NQCVBPPRRE2KZB1HR05NNC"},
		},
	},
	{Name: "buff", Signature: "(buff length)", Input: "number", Text: "Is bytes, up to a length. It is written 0x00ff.", Examples: []Example{{Setup: "(define-data-var b (buff 4) 0x00ff)", Code: "(var-get b)", Result: "0x00ff"}}},
	{
		Name: "string-ascii", Signature: "(string-ascii length)", Input: "number", Text: `Is text of the printable characters of ASCII, up to a length. It is written "text".`,
		Examples: []Example{{Setup: `(define-data-var s (string-ascii 9) "text")`, Code: "(var-get s)", Result: `"text"`}},
	},
	{
		Name: "string-utf8", Signature: "(string-utf8 length)", Input: "number", Text: `Is text of any characters, up to a length in code points. It is written u"text", with \u{1F600} for a character by its number.`,
		Examples: []Example{{Setup: `(define-data-var s (string-utf8 9) u"text")`, Code: "(var-get s)", Result: `u"text"`}},
	},
	{Name: "list", Signature: "(list length type)", Input: "number, type", Text: "Is values of one type in order, up to a length.", Examples: []Example{{Setup: "(define-data-var l (list 3 int) (list 1 2))", Code: "(var-get l)", Result: "(list 1 2)"}}},
	{Name: "optional", Signature: "(optional type)", Input: "type", Text: "Is a value, written (some value), or none.", Examples: []Example{{Setup: "(define-data-var o (optional int) none)", Code: "(var-get o)", Result: "none"}}},
	{
		Name: "response", Signature: "(response ok-type err-type)", Input: "type, type", Text: "Is a success with a value, written (ok value), or a failure with one, written (err value).",
		Examples: []Example{{Setup: "(define-data-var r (response int uint) (ok 1))", Code: "(var-get r)", Result: "(ok 1)"}},
	},
	{
		Name: "tuple", Signature: "(tuple (name type) ...) or {name: type, ...}", Input: "(name type), ...", Text: "Is a record of named values.",
		Examples: []Example{{Setup: "(define-data-var t {a: int, b: bool} {a: 1, b: true})", Code: "(var-get t)", Result: "{ a: 1, b: true }"}},
	},
}
