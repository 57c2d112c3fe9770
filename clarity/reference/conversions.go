package reference

import "funai/clarity/types"

var conversions = []Entry{
	{
		Name: "int-to-ascii", Since: types.Clarity2, Signature: "(int-to-ascii n)", Input: "int | uint", Output: "(string-ascii 40)",
		Text:     "Writes a number in decimal digits. A uint has no u before it.",
		Examples: []Example{{Code: "(int-to-ascii -1)", Result: `"-1"`}, {Code: "(int-to-ascii u42)", Result: `"42"`}},
	},
	{
		Name: "int-to-utf8", Since: types.Clarity2, Signature: "(int-to-utf8 n)", Input: "int | uint", Output: "(string-utf8 40)",
		Text:     "Writes a number in decimal digits as UTF-8 text.",
		Examples: []Example{{Code: "(int-to-utf8 u42)", Result: `u"42"`}},
	},
	{
		Name: "string-to-int?", Since: types.Clarity2, Signature: "(string-to-int? text)", Input: "(string-ascii n) | (string-utf8 n)", Output: "(optional int)",
		Text:     "Reads a number in decimal digits, and gives none if the text is not one or it is out of range.",
		Examples: []Example{{Code: `(string-to-int? "-12")`, Result: "(some -12)"}, {Code: `(string-to-int? "twelve")`, Result: "none"}},
	},
	{
		Name: "string-to-uint?", Since: types.Clarity2, Signature: "(string-to-uint? text)", Input: "(string-ascii n) | (string-utf8 n)", Output: "(optional uint)",
		Text:     "Reads a number in decimal digits without sign, and gives none if the text is not one or it is out of range.",
		Examples: []Example{{Code: `(string-to-uint? u"12")`, Result: "(some u12)"}, {Code: `(string-to-uint? "-1")`, Result: "none"}},
	},
	{
		Name: "buff-to-int-be", Since: types.Clarity2, Signature: "(buff-to-int-be bytes)", Input: "(buff 16)", Output: "int",
		Text:     "Reads bytes as a number in big-endian order. Fewer than 16 bytes are filled up with zeros in front, so that only 16 can be negative.",
		Examples: []Example{{Code: "(buff-to-int-be 0x0102)", Result: "258"}, {Code: "(buff-to-int-be 0xffffffffffffffffffffffffffffffff)", Result: "-1"}},
	},
	{
		Name: "buff-to-uint-be", Since: types.Clarity2, Signature: "(buff-to-uint-be bytes)", Input: "(buff 16)", Output: "uint",
		Text:     "Reads bytes as a number without sign in big-endian order.",
		Examples: []Example{{Code: "(buff-to-uint-be 0x0102)", Result: "u258"}},
	},
	{
		Name: "buff-to-int-le", Since: types.Clarity2, Signature: "(buff-to-int-le bytes)", Input: "(buff 16)", Output: "int",
		Text:     "Reads bytes as a number in little-endian order. Fewer than 16 bytes are filled up with zeros behind.",
		Examples: []Example{{Code: "(buff-to-int-le 0x0102)", Result: "513"}},
	},
	{
		Name: "buff-to-uint-le", Since: types.Clarity2, Signature: "(buff-to-uint-le bytes)", Input: "(buff 16)", Output: "uint",
		Text:     "Reads bytes as a number without sign in little-endian order.",
		Examples: []Example{{Code: "(buff-to-uint-le 0x0102)", Result: "u513"}},
	},
	{
		Name: "to-consensus-buff?", Since: types.Clarity2, Signature: "(to-consensus-buff? value)", Input: "any", Output: "(optional (buff n)), n what the longest value of the type needs",
		Text: "Encodes a value as SIP-005 says, the encoding in which transactions and events carry values. It gives none if that " +
			"is longer than a buffer can be.",
		Examples: []Example{{Code: "(to-consensus-buff? 1)", Result: "(some 0x0000000000000000000000000000000001)"}, {Code: "(to-consensus-buff? {a: true})", Result: "(some 0x0c00000001016103)"}},
	},
	{
		Name: "from-consensus-buff?", Since: types.Clarity2, Signature: "(from-consensus-buff? type bytes)", Input: "type, buff", Output: "(optional type)",
		Text: "Decodes a value of a type from its encoding (SIP-005), and gives none if the bytes are not exactly one.",
		Examples: []Example{
			{Code: "(from-consensus-buff? int 0x0000000000000000000000000000000001)", Result: "(some 1)"},
			{Code: "(from-consensus-buff? uint 0x0000000000000000000000000000000001)", Result: "none"},
		},
	},
	{
		Name: "to-ascii?", Since: types.Clarity4, Signature: "(to-ascii? value)", Input: "int | uint | bool | principal | (buff 524284) | (string-utf8 262144)",
		Output: "(response (string-ascii n) uint)",
		Text: "Writes a value as ASCII text: a buffer as 0x and its digits, a principal as its address. Of UTF-8 text with " +
			"other characters it gives (err u1); else it never fails.",
		Examples: []Example{
			{Code: "(to-ascii? true)", Result: `(ok "true")`}, {Code: "(to-ascii? u42)", Result: `(ok "u42")`}, {Code: "(to-ascii? 0x12ab)", Result: `(ok "0x12ab")`},
			{Code: `(to-ascii? u"\u{1F600}")`, Result: "(err u1)"},
		},
	},
}
