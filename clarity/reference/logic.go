package reference

var logic = []Entry{
	{
		Name: "and", Signature: "(and b ...)", Input: "bool, ...", Output: "bool",
		Text:     "Says whether all arguments are true. It evaluates them from the left and no further than the first that is false.",
		Examples: []Example{{Code: "(and true (is-eq 1 1))", Result: "true"}, {Code: "(and false (is-eq 1 (/ 1 0)))", Result: "false"}},
	},
	{
		Name: "or", Signature: "(or b ...)", Input: "bool, ...", Output: "bool",
		Text:     "Says whether any argument is true. It evaluates them from the left and no further than the first that is true.",
		Examples: []Example{{Code: "(or false true)", Result: "true"}, {Code: "(or true (is-eq 1 (/ 1 0)))", Result: "true"}},
	},
	{
		Name: "not", Signature: "(not b)", Input: "bool", Output: "bool",
		Text:     "Turns true into false and false into true.",
		Examples: []Example{{Code: "(not (is-eq 1 2))", Result: "true"}},
	},
	{
		Name: "is-eq", Signature: "(is-eq a ...)", Input: "A, A, ...", Output: "bool",
		Text: "Says whether all arguments are equal. They must have a type in common: lists, strings and buffers may " +
			"differ in how long they may be. With one argument the answer is true.",
		Examples: []Example{{Code: "(is-eq 1 1 1)", Result: "true"}, {Code: "(is-eq (some u1) none)", Result: "false"}},
	},
}

var control = []Entry{
	{
		Name: "begin", Signature: "(begin expr ...)", Input: "any, ..., A", Output: "A",
		Text: "Evaluates the expressions in order and gives the value of the last. Of the others none may be a response, " +
			"so that a failure is not passed over by mistake.",
		Examples: []Example{{Code: "(begin (+ 1 2) 4 5)", Result: "5"}},
	},
	{
		Name: "if", Signature: "(if condition then else)", Input: "bool, A, A", Output: "A",
		Text:     "Evaluates then if the condition is true, and else otherwise. Both must have a type in common, which is the result's.",
		Examples: []Example{{Code: "(if true 1 2)", Result: "1"}, {Code: "(if (> 1 2) (some 1) none)", Result: "none"}},
	},
	{
		Name: "let", Signature: "(let ((name value) ...) expr ...)", Input: "(name A), ..., any, ..., B", Output: "B",
		Text: "Gives names to values, each of which may use the names before it, and evaluates the expressions within. " +
			"The result is the value of the last. A name must not be in use already.",
		Examples: []Example{{Code: "(let ((a 2) (b (+ 5 a))) (+ a b))", Result: "9"}},
	},
	{
		Name: "match", Signature: "(match optional name some-expr none-expr) or (match response name ok-expr name err-expr)",
		Input: "(optional A), name, C, C | (response A B), name, C, name, C", Output: "C",
		Text: "Looks into an optional or a response. What it holds gets the name, and the expression of the side that it " +
			"is is evaluated. Both sides must have a type in common.",
		Examples: []Example{
			{Code: "(match (some 5) x (+ x 1) 0)", Result: "6"},
			{Setup: "(define-private (half (n int)) (if (is-eq (mod n 2) 0) (ok (/ n 2)) (err u1)))", Code: `(match (half 7) x "even" e "odd")`, Result: `"odd"`},
		},
	},
	{
		Name: "asserts!", Signature: "(asserts! condition thrown)", Input: "bool, A", Output: "bool",
		Text: "Gives true if the condition is. If not, the function that is running returns thrown at once, without " +
			"evaluating what follows; its type must fit what else the function returns.",
		Examples: []Example{{Setup: "(define-private (check (n uint)) (begin (asserts! (> n u9) (err u1)) (ok n)))", Code: "(check u5)", Result: "(err u1)"}},
	},
	{
		Name: "try!", Signature: "(try! input)", Input: "(optional A) | (response A B)", Output: "A",
		Text: "Gives what a some or an ok holds. Of none, or of an err, the function that is running returns it at once.",
		Examples: []Example{
			{Setup: "(define-private (half (n int)) (if (is-eq (mod n 2) 0) (ok (/ n 2)) (err n)))\n(define-private (quarter (n int)) (half (try! (half n))))",
				Code: "(list (quarter 12) (quarter 6) (quarter 3))", Result: "(list (ok 3) (err 3) (err 3))"},
		},
	},
	{
		Name: "print", Signature: "(print value)", Input: "A", Output: "A",
		Text:     "Emits an event with the value, which others than contracts can follow, and gives the value.",
		Examples: []Example{{Code: "(print (+ 1 2))", Result: "3"}},
	},
}
