package syntax

import (
	"funai/clarity/types"
	"funai/clarity/value"
)

// Bounds of a source text.
const (
	MaxSource       = 2 << 20 // bytes; ours: no transaction of the network that the language comes from is longer
	MaxName         = 128     // characters of a name (SIP-002)
	MaxContractName = 40      // characters of a contract's name (SIP-002)
)

// Options say which rules a source text is held to.
type Options struct {
	Version types.Version // zero is the latest
	Epoch   types.Epoch   // zero is the latest
}

// callDepth is how deep calls may nest, from which the bounds of nesting brackets are made.
func (o Options) callDepth() int {
	if o.Epoch != 0 && o.Epoch < types.Epoch34 {
		return 64
	}
	return 128
}

// Parse reads a source text. The error is an *Error, the first fault in the order of the text.
func Parse(source string, o Options) (*Program, error) {
	if len(source) > MaxSource {
		return nil, fail(CodeSource, Span{Pos{Line: 1, Column: 1}, Pos{Line: 1, Column: 1}}, "a source text of %d bytes, of at most %d", len(source), MaxSource)
	}
	// The reference's parser counts two for a brace, and up to here; a later pass counts one, up to two fewer.
	p := parser{lexer: newLexer(source), maxNesting: o.callDepth() + 6, maxDepth: o.callDepth() + 4}
	program := &Program{Source: source}
	for {
		t, err := p.skip()
		if err != nil {
			return nil, err
		}
		if t.kind == tokenEnd {
			program.Count, program.Comments = p.count, p.comments
			return program, nil
		}
		e, err := p.expr(t)
		if err != nil {
			return nil, err
		}
		program.Exprs = append(program.Exprs, e)
	}
}

type parser struct {
	lexer               *lexer
	comments            []Comment
	count               int
	depth, maxDepth     int // of brackets
	nesting, maxNesting int // of brackets, where a brace counts for two
	spare               []Expr
	elements            []*Expr // of the lists that are open, outermost first
	spareLists          []*Expr
}

// new makes an expression, which gets the next ID.
func (p *parser) new(kind Kind, at Span) *Expr {
	if len(p.spare) == 0 {
		p.spare = make([]Expr, min(max(16, p.count), 1024))
	}
	e := &p.spare[0]
	p.spare = p.spare[1:]
	e.ID, e.Kind, e.Span = p.count, kind, at
	p.count++
	return e
}

// close makes a list of the elements since it was opened, and ends it.
func (p *parser) close(e *Expr, base int, end Pos) *Expr {
	n := len(p.elements) - base
	if len(p.spareLists) < n {
		p.spareLists = make([]*Expr, max(n, min(max(16, p.count), 1024)))
	}
	e.List = p.spareLists[:n:n]
	copy(e.List, p.elements[base:])
	p.spareLists, p.elements = p.spareLists[n:], p.elements[:base]
	e.Span.End = end
	return e
}

// next returns the next token, and notes comments.
func (p *parser) next() (token, error) {
	t, err := p.lexer.next()
	if t.kind == tokenComment {
		p.comments = append(p.comments, Comment{t.span, t.text})
	}
	return t, err
}

// skip returns the next token that is neither layout nor a comment.
func (p *parser) skip() (token, error) {
	for {
		t, err := p.next()
		if err != nil || t.kind != tokenSpace && t.kind != tokenComment {
			return t, err
		}
	}
}

// expr parses the expression that begins with t.
func (p *parser) expr(t token) (*Expr, error) {
	switch t.kind {
	case tokenLeftParen:
		return p.nested(1, t, p.list)
	case tokenLeftBrace:
		return p.nested(2, t, p.tuple)
	case tokenDot:
		return p.contract(t.span.Start, value.None)
	case tokenLiteral:
		if t.value.Kind() == value.KindPrincipal {
			if c, _ := p.lexer.peek(0); c == '.' {
				p.lexer.take(tokenDot, 1)
				return p.contract(t.span.Start, t.value)
			}
		}
		e := p.new(Literal, t.span)
		e.Value = t.value
		return e, nil
	case tokenName, tokenOperator, tokenTrait:
		name := t.name()
		if len(name) > MaxName {
			return nil, tooLong(t)
		}
		kind := Atom
		if t.kind == tokenTrait {
			kind = TraitRef
		}
		e := p.new(kind, t.span)
		e.Name = name
		return e, nil
	default:
		return nil, fail(CodeUnexpected, t.span, "unexpected %v", t)
	}
}

func tooLong(t token) error {
	return fail(CodeName, t.span, "%v has %d characters, and a name at most %d", t, len(t.name()), MaxName)
}

// nested parses what a bracket opens, which counts for so many in the bound of nesting.
func (p *parser) nested(weight int, open token, inside func(open token) (*Expr, error)) (*Expr, error) {
	p.depth++
	p.nesting += weight
	if p.depth > p.maxDepth || p.nesting > p.maxNesting {
		return nil, fail(CodeDepth, open.span, "brackets nest deeper than %d", p.maxDepth).
			advise("move a part into a function of its own")
	}
	e, err := inside(open)
	p.depth--
	p.nesting -= weight
	return e, err
}

func (p *parser) list(open token) (*Expr, error) {
	e, base := p.new(List, open.span), len(p.elements)
	apart := true // whitespace or nothing is before the next element
	for {
		t, err := p.next()
		if err != nil {
			return nil, err
		}
		switch t.kind {
		case tokenSpace, tokenComment:
			apart = true
			continue
		case tokenRightParen:
			return p.close(e, base, t.span.End), nil
		case tokenEnd:
			return nil, unclosed(t, open, ")")
		case tokenRightBrace, tokenColon, tokenComma:
			return nil, p.stray(t, open)
		default:
		}
		x, err := p.expr(t)
		if err != nil {
			return nil, err
		}
		if !apart { // the reference finds it after the faults of the expression
			return nil, fail(CodeWhitespace, t.span, "expected whitespace before %v", t)
		}
		p.elements = append(p.elements, x)
		apart = false
	}
}

func unclosed(found, open token, closing string) error {
	return fail(CodeUnclosed, found.span, "expected '%s' to close the '%s' of line %d, column %d, found %v",
		closing, open.text, open.span.Start.Line, open.span.Start.Column, found).opened(open.span)
}

// stray is a token of tuples in a list.
func (p *parser) stray(t, open token) error {
	e := fail(CodeUnexpected, t.span, "unexpected %v in a list", t)
	if t.kind == tokenRightBrace {
		e.Opened = open.span
		return e.advise("the list that is open here ends with ')'")
	}
	return e.advise("elements of a list are parted by whitespace alone; a tuple is in braces: {name: value}")
}

// tuple parses {name: value, …} and makes (tuple (name value) …) of it.
func (p *parser) tuple(open token) (*Expr, error) {
	e, base := p.new(List, open.span), len(p.elements)
	word := p.new(Atom, open.span)
	word.Name = "tuple"
	p.elements = append(p.elements, word)
	for {
		t, err := p.skip()
		if err != nil {
			return nil, err
		}
		switch t.kind {
		case tokenRightBrace:
			return p.close(e, base, t.span.End), nil
		case tokenEnd:
			return nil, unclosed(t, open, "}")
		default:
		}
		pair, err := p.field(t)
		if err != nil {
			return nil, err
		}
		p.elements = append(p.elements, pair)
		if t, err = p.skip(); err != nil {
			return nil, err
		}
		switch t.kind {
		case tokenComma:
		case tokenRightBrace:
			return p.close(e, base, t.span.End), nil
		case tokenEnd:
			return nil, unclosed(t, open, "}")
		default:
			return nil, fail(CodeExpectComma, t.span, "expected ',' or '}' after a field of a tuple, found %v", t).opened(open.span)
		}
	}
}

// field parses the field of a tuple that begins with t.
func (p *parser) field(t token) (*Expr, error) {
	pair, base := p.new(List, t.span), len(p.elements)
	key, err := p.expr(t)
	if err != nil {
		return nil, err
	}
	if t, err = p.skip(); err != nil {
		return nil, err
	}
	if t.kind != tokenColon {
		return nil, fail(CodeExpectColon, t.span, "expected ':' after the name of a field, found %v", t).
			advise("a tuple is written {name: value, other: value}")
	}
	if t, err = p.skip(); err != nil {
		return nil, err
	}
	switch t.kind {
	case tokenEnd:
		return nil, fail(CodeExpectValue, t.span, "expected the value of a field after ':', found %v", t)
	case tokenRightBrace, tokenComma, tokenColon, tokenRightParen:
		return nil, fail(CodeUnexpected, t.span, "expected the value of a field after ':', found %v", t)
	default:
	}
	val, err := p.expr(t)
	if err != nil {
		return nil, err
	}
	p.elements = append(p.elements, key, val)
	return p.close(pair, base, val.Span.End), nil
}

// contract parses what follows the dot before a contract's name: of a principal, or of the same deployer.
func (p *parser) contract(start Pos, of value.Value) (*Expr, error) {
	t, err := p.lexer.next()
	if err != nil {
		return nil, err
	}
	if t.kind != tokenName {
		return nil, fail(CodeExpectContract, t.span, "expected the name of a contract after '.', found %v", t)
	}
	if err := contractName(t); err != nil {
		return nil, err
	}
	at := Span{start, t.span.End}
	if c, _ := p.lexer.peek(0); c == '.' {
		return p.trait(at, of, t.text)
	}
	if of.Kind() == value.KindPrincipal {
		e := p.new(Literal, at)
		e.Value = contractOf(of, t.text)
		return e, nil
	}
	e := p.new(ContractRef, at)
	e.Name = t.text
	return e, nil
}

func contractOf(of value.Value, name string) value.Value {
	principal := of.AsPrincipal()
	principal.Contract = name
	return value.OfPrincipal(principal)
}

// trait parses the dot and the trait's name behind a contract.
func (p *parser) trait(at Span, of value.Value, contract string) (*Expr, error) {
	p.lexer.take(tokenDot, 1)
	t, err := p.lexer.next()
	if err != nil {
		return nil, err
	}
	switch {
	case t.kind != tokenName:
		return nil, fail(CodeExpectTrait, t.span, "expected the name of a trait after the '.' behind a contract, found %v", t)
	case len(t.text) > MaxName:
		return nil, tooLong(t)
	}
	e := p.new(FieldRef, Span{at.Start, t.span.End})
	e.Name = t.text
	if of.Kind() == value.KindPrincipal {
		e.Value = contractOf(of, contract)
	} else {
		e.Contract = contract
	}
	return e, nil
}

func contractName(t token) error {
	if len(t.text) > MaxContractName {
		return fail(CodeContractName, t.span, "%v has %d characters, and the name of a contract at most %d", t, len(t.text), MaxContractName)
	}
	for i := range len(t.text) {
		if !is(t.text[i], classTrait) {
			return fail(CodeContractName, t.span, "the name of a contract has no '%c', as %v does", t.text[i], t).
				advise("it is made of letters, digits, '-' and '_'")
		}
	}
	return nil
}
