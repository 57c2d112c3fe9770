package reference

import "funai/clarity/types"

const anySequence = "(list n A) | (buff n) | (string-ascii n) | (string-utf8 n)"

var sequences = []Entry{
	{
		Name: "list", Signature: "(list value ...)", Input: "A, ...", Output: "(list n A)",
		Text:     "Makes a list of its arguments, which must have a type in common.",
		Examples: []Example{{Code: "(list (+ 1 2) 4 5)", Result: "(list 3 4 5)"}},
	},
	{
		Name: "append", Signature: "(append list value)", Input: "(list n A), A", Output: "(list n+1 A)",
		Text:     "Gives the list with one element more at its end. The result's type is one longer than the list's.",
		Examples: []Example{{Code: "(append (list 1 2 3 4) 5)", Result: "(list 1 2 3 4 5)"}},
	},
	{
		Name: "concat", Signature: "(concat a b ...)", Input: "(list n A), (list m A) | (buff n), (buff m) | (string-ascii n), (string-ascii m) | (string-utf8 n), (string-utf8 m)",
		Output: "a sequence of the same kind, as long as all together",
		Text: "Joins sequences of one kind. Before Clarity 6 it takes exactly two. The length in the result's type is the " +
			"sum of the lengths in the arguments' types.",
		Examples: []Example{
			{Code: `(concat "hello " "world")`, Result: `"hello world"`}, {Code: "(concat 0x01 0x02 0x03)", Result: "0x010203"},
			{Code: "(concat (list 1) (list 2 3))", Result: "(list 1 2 3)"},
		},
	},
	{
		Name: "as-max-len?", Signature: "(as-max-len? sequence length)", Input: anySequence + ", uint",
		Output: "(optional S), S the sequence's type with the new length",
		Text: "Gives the sequence as one of a type of another length, and none if it is longer than that. The length must " +
			"be written out as a number.",
		Examples: []Example{{Code: "(as-max-len? (list 2 2 2) u3)", Result: "(some (list 2 2 2))"}, {Code: `(as-max-len? "hello" u4)`, Result: "none"}},
	},
	{
		Name: "len", Signature: "(len sequence)", Input: anySequence, Output: "uint",
		Text:     "Says how many elements, bytes or characters a sequence has. Of UTF-8 text it counts code points.",
		Examples: []Example{{Code: `(len "lighthouse")`, Result: "u10"}, {Code: "(len 0x010203)", Result: "u3"}},
	},
	{
		Name: "element-at?", Since: types.Clarity2, Signature: "(element-at? sequence index)", Input: anySequence + ", uint",
		Output: "(optional A), A the list's elements' type, or a sequence of length 1",
		Text:   "Gives the element at an index, counted from 0, and none if the sequence ends before.",
		Examples: []Example{
			{Code: "(element-at? (list 1 2 3) u1)", Result: "(some 2)"}, {Code: `(element-at? "abcd" u0)`, Result: `(some "a")`},
			{Code: "(element-at? 0xfbfc u9)", Result: "none"},
		},
	},
	{
		Name: "element-at", Signature: "(element-at sequence index)", Input: anySequence + ", uint",
		Output:   "(optional A), A the list's elements' type, or a sequence of length 1",
		Text:     "Is what element-at? is, under its name in Clarity 1.",
		Examples: []Example{{Code: "(element-at (list u4 u5) u1)", Result: "(some u5)"}},
	},
	{
		Name: "index-of?", Since: types.Clarity2, Signature: "(index-of? sequence element)",
		Input: "(list n A), A | (buff n), (buff 1) | (string-ascii n), (string-ascii 1) | (string-utf8 n), (string-utf8 1)", Output: "(optional uint)",
		Text:     "Says at which index, counted from 0, an element is for the first time, and none if it is not in the sequence.",
		Examples: []Example{{Code: `(index-of? "lighthouse" "h")`, Result: "(some u3)"}, {Code: "(index-of? (list 1 2 3) 9)", Result: "none"}},
	},
	{
		Name: "index-of", Signature: "(index-of sequence element)",
		Input: "(list n A), A | (buff n), (buff 1) | (string-ascii n), (string-ascii 1) | (string-utf8 n), (string-utf8 1)", Output: "(optional uint)",
		Text:     "Is what index-of? is, under its name in Clarity 1.",
		Examples: []Example{{Code: "(index-of 0xfb01 0x01)", Result: "(some u1)"}},
	},
	{
		Name: "slice?", Since: types.Clarity2, Signature: "(slice? sequence from to)", Input: anySequence + ", uint, uint",
		Output: "(optional S), S the sequence's type",
		Text: "Gives the part of a sequence from an index up to, and not with, another. It is none if the first is at " +
			"the end or after it, or after the second, or if the second is after the end.",
		Examples: []Example{{Code: `(slice? "lighthouse" u5 u10)`, Result: `(some "house")`}, {Code: "(slice? (list 1 2) u1 u3)", Result: "none"}},
	},
	{
		Name: "replace-at?", Since: types.Clarity2, Signature: "(replace-at? sequence index element)",
		Input:    "(list n A), uint, A | (buff n), uint, (buff 1) | (string-ascii n), uint, (string-ascii 1) | (string-utf8 n), uint, (string-utf8 1)",
		Output:   "(optional S), S the sequence's type",
		Text:     "Gives the sequence with another element at an index, and none if it has no element there.",
		Examples: []Example{{Code: "(replace-at? (list 1 2 3) u0 9)", Result: "(some (list 9 2 3))"}, {Code: `(replace-at? "ab" u2 "c")`, Result: "none"}},
	},
	{
		Name: "map", Signature: "(map function sequence ...)", Input: "function of A, B, ... giving X, sequences of A, B, ...", Output: "(list n X)",
		Text: "Applies a function to the first elements of all sequences, to the second, and so on, and gives the list of " +
			"the results. It ends with the shortest sequence. The function is one of the contract's own or a native one " +
			"that only looks at its arguments' types.",
		Examples: []Example{
			{Code: "(map + (list 1 2 3) (list 10 20 30 40))", Result: "(list 11 22 33)"},
			{Setup: "(define-private (twice (n int)) (* 2 n))", Code: "(map twice (list 1 2 3))", Result: "(list 2 4 6)"},
		},
	},
	{
		Name: "filter", Signature: "(filter function sequence)", Input: "function of A giving bool, sequence of A", Output: "the sequence's type",
		Text:     "Gives the sequence of those elements for which a function says true.",
		Examples: []Example{{Setup: "(define-private (even (n int)) (is-eq 0 (mod n 2)))", Code: "(filter even (list 1 2 3 4))", Result: "(list 2 4)"}},
	},
	{
		Name: "fold", Signature: "(fold function sequence initial)", Input: "function of A, B giving B, sequence of A, B", Output: "B",
		Text: "Goes through a sequence with a value in hand: for each element the function is given the element and the " +
			"value so far, and says the next. The last is the result.",
		Examples: []Example{
			{Code: "(fold + (list 1 2 3) 0)", Result: "6"},
			{Setup: "(define-private (before (c (string-ascii 1)) (rest (string-ascii 9))) (unwrap-panic (as-max-len? (concat c rest) u9)))",
				Code: `(fold before "abc" "")`, Result: `"cba"`},
		},
	},
	{
		Name: "tuple", Signature: "(tuple (name value) ...) or {name: value, ...}", Input: "(name A), ...", Output: "(tuple (name A) ...)",
		Text:     "Makes a record of named values. Both ways of writing mean the same.",
		Examples: []Example{{Code: "(tuple (id 7) (open true))", Result: "{ id: 7, open: true }"}, {Code: "{b: u2, a: u1}", Result: "{ a: u1, b: u2 }"}},
	},
	{
		Name: "get", Signature: "(get name tuple)", Input: "name, (tuple (name A) ...) | name, (optional (tuple (name A) ...))", Output: "A | (optional A)",
		Text:     "Gives one of a record's values. Of an optional record it gives an optional of the value, so that the answer of map-get? can be used as it is.",
		Examples: []Example{{Code: "(get id {id: 7, open: true})", Result: "7"}, {Code: "(get id (some {id: 7}))", Result: "(some 7)"}},
	},
	{
		Name: "merge", Signature: "(merge a b)", Input: "tuple, tuple", Output: "tuple",
		Text:     "Gives a record with the values of both. Where both have a name, b's value counts, and its type.",
		Examples: []Example{{Code: "(merge {a: 1, b: 2} {b: u3})", Result: "{ a: 1, b: u3 }"}},
	},
}
