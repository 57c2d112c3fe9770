package reference

import "funai/clarity/types"

var arithmetic = []Entry{
	{
		Name: "+", Signature: "(+ i ...)", Input: "int, ... | uint, ...", Output: "int | uint",
		Text:     "Adds its arguments, which are all int or all uint. A sum out of the range of 128 bits aborts the transaction.",
		Examples: []Example{{Code: "(+ 1 2 3)", Result: "6"}, {Code: "(+ u40 u2)", Result: "u42"}},
	},
	{
		Name: "-", Signature: "(- i ...)", Input: "int, ... | uint, ...", Output: "int | uint",
		Text: "Subtracts the other arguments from the first. With one argument it gives the number negated. A difference " +
			"out of range, such as a uint below zero, aborts the transaction.",
		Examples: []Example{{Code: "(- 10 3 2)", Result: "5"}, {Code: "(- 7)", Result: "-7"}},
	},
	{
		Name: "*", Signature: "(* i ...)", Input: "int, ... | uint, ...", Output: "int | uint",
		Text:     "Multiplies its arguments. A product out of range aborts the transaction.",
		Examples: []Example{{Code: "(* 2 3 7)", Result: "42"}},
	},
	{
		Name: "/", Signature: "(/ i ...)", Input: "int, ... | uint, ...", Output: "int | uint",
		Text: "Divides the first argument by each of the others in turn and drops what is behind the point, rounding " +
			"towards zero. Division by zero aborts the transaction.",
		Examples: []Example{{Code: "(/ 17 3)", Result: "5"}, {Code: "(/ -17 3)", Result: "-5"}, {Code: "(/ u100 u2 u5)", Result: "u10"}},
	},
	{
		Name: "mod", Signature: "(mod i j)", Input: "int, int | uint, uint", Output: "int | uint",
		Text:     "Gives what remains of i after division by j; it has the sign of i. A j of zero aborts the transaction.",
		Examples: []Example{{Code: "(mod 7 4)", Result: "3"}, {Code: "(mod -7 4)", Result: "-3"}},
	},
	{
		Name: "pow", Signature: "(pow i exponent)", Input: "int, int | uint, uint", Output: "int | uint",
		Text: "Raises i to a power. Anything to the power of 0 is 1. A result out of range, and a negative exponent of a " +
			"number other than 0 and 1, abort the transaction.",
		Examples: []Example{{Code: "(pow 2 10)", Result: "1024"}, {Code: "(pow u0 u0)", Result: "u1"}},
	},
	{
		Name: "sqrti", Signature: "(sqrti n)", Input: "int | uint", Output: "int | uint",
		Text:     "Gives the greatest integer whose square does not exceed n. A negative n aborts the transaction.",
		Examples: []Example{{Code: "(sqrti u17)", Result: "u4"}, {Code: "(sqrti 0)", Result: "0"}},
	},
	{
		Name: "log2", Signature: "(log2 n)", Input: "int | uint", Output: "int | uint",
		Text:     "Gives the greatest power to which 2 can be raised without exceeding n. An n below 1 aborts the transaction.",
		Examples: []Example{{Code: "(log2 u9)", Result: "u3"}, {Code: "(log2 1)", Result: "0"}},
	},
	{
		Name: "<", Signature: "(< a b)", Input: orderedInput, Output: "bool",
		Text:     "Says whether a is less than b. " + orderText,
		Examples: []Example{{Code: "(< 1 2)", Result: "true"}, {Code: `(< "abc" "abd")`, Result: "true"}},
	},
	{
		Name: "<=", Signature: "(<= a b)", Input: orderedInput, Output: "bool",
		Text:     "Says whether a is less than b or equal to it. " + orderText,
		Examples: []Example{{Code: "(<= u2 u2)", Result: "true"}, {Code: "(<= 0x02 0x0100)", Result: "false"}},
	},
	{
		Name: ">", Signature: "(> a b)", Input: orderedInput, Output: "bool",
		Text:     "Says whether a is greater than b. " + orderText,
		Examples: []Example{{Code: "(> 1 2)", Result: "false"}, {Code: `(> "b" "abc")`, Result: "true"}},
	},
	{
		Name: ">=", Signature: "(>= a b)", Input: orderedInput, Output: "bool",
		Text:     "Says whether a is greater than b or equal to it. " + orderText,
		Examples: []Example{{Code: "(>= 2 2)", Result: "true"}, {Code: `(>= u"a" u"b")`, Result: "false"}},
	},
	{
		Name: "to-int", Signature: "(to-int u)", Input: "uint", Output: "int",
		Text:     "Turns a uint into the int of the same value. One of 2^127 or more aborts the transaction.",
		Examples: []Example{{Code: "(to-int u238)", Result: "238"}},
	},
	{
		Name: "to-uint", Signature: "(to-uint i)", Input: "int", Output: "uint",
		Text:     "Turns an int into the uint of the same value. A negative one aborts the transaction.",
		Examples: []Example{{Code: "(to-uint 238)", Result: "u238"}},
	},
	{
		Name: "xor", Signature: "(xor i j)", Input: "int, int | uint, uint", Output: "int | uint",
		Text:     "Gives the number whose bits are set where exactly one of i and j has them set. bit-xor takes more than two.",
		Examples: []Example{{Code: "(xor 1 3)", Result: "2"}},
	},
	{
		Name: "bit-and", Since: types.Clarity2, Signature: "(bit-and i ...)", Input: "int, ... | uint, ...", Output: "int | uint",
		Text:     "Gives the number whose bits are set where all arguments have them set. An int is taken in two's complement.",
		Examples: []Example{{Code: "(bit-and 24 16)", Result: "16"}, {Code: "(bit-and 28 24 -1)", Result: "24"}},
	},
	{
		Name: "bit-or", Since: types.Clarity2, Signature: "(bit-or i ...)", Input: "int, ... | uint, ...", Output: "int | uint",
		Text:     "Gives the number whose bits are set where any argument has them set.",
		Examples: []Example{{Code: "(bit-or 4 8)", Result: "12"}, {Code: "(bit-or u1 u2 u4)", Result: "u7"}},
	},
	{
		Name: "bit-xor", Since: types.Clarity2, Signature: "(bit-xor i ...)", Input: "int, ... | uint, ...", Output: "int | uint",
		Text:     "Gives the number whose bits are set where an odd number of the arguments have them set.",
		Examples: []Example{{Code: "(bit-xor 1 2)", Result: "3"}, {Code: "(bit-xor u7 u3 u1)", Result: "u5"}},
	},
	{
		Name: "bit-not", Since: types.Clarity2, Signature: "(bit-not i)", Input: "int | uint", Output: "int | uint",
		Text:     "Turns every bit round. Of an int i it gives -i - 1.",
		Examples: []Example{{Code: "(bit-not 3)", Result: "-4"}, {Code: "(bit-not u0)", Result: "u340282366920938463463374607431768211455"}},
	},
	{
		Name: "bit-shift-left", Since: types.Clarity2, Signature: "(bit-shift-left i bits)", Input: "int | uint, uint", Output: "int | uint",
		Text: "Moves the bits of i up by a number of places, taken modulo 128. What leaves at the top is lost, and there " +
			"is no check for overflow.",
		Examples: []Example{{Code: "(bit-shift-left 1 u4)", Result: "16"}, {Code: "(bit-shift-left u1 u128)", Result: "u1"}},
	},
	{
		Name: "bit-shift-right", Since: types.Clarity2, Signature: "(bit-shift-right i bits)", Input: "int | uint, uint", Output: "int | uint",
		Text:     "Moves the bits of i down by a number of places, taken modulo 128. An int keeps its sign.",
		Examples: []Example{{Code: "(bit-shift-right u128 u2)", Result: "u32"}, {Code: "(bit-shift-right -64 u1)", Result: "-32"}},
	},
}

const (
	orderedInput = "int, int | uint, uint | string-ascii, string-ascii | string-utf8, string-utf8 | buff, buff"
	orderText    = "Strings and buffers are compared byte by byte, and are comparable since Clarity 2."
)
