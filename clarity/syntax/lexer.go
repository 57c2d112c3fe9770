package syntax

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"funai/clarity/value"
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenSpace
	tokenComment
	tokenLeftParen
	tokenRightParen
	tokenLeftBrace
	tokenRightBrace
	tokenColon
	tokenComma
	tokenDot
	tokenLiteral  // an integer, a buffer, a string, a standard principal
	tokenName     // a name
	tokenOperator // a name of signs: + - * / < <= > >=
	tokenTrait    // <name>
)

// token is a piece of a source text. Every byte of a text is in one token, so layout and comments can be had from them.
type token struct {
	kind  tokenKind
	span  Span
	text  string      // as written
	value value.Value // of a literal
}

// name is what a tokenTrait's brackets hold, and the text of others.
func (t token) name() string {
	if t.kind == tokenTrait {
		return t.text[1 : len(t.text)-1]
	}
	return t.text
}

// String describes the token in an error.
func (t token) String() string {
	switch t.kind {
	case tokenEnd:
		return "the end of the text"
	case tokenSpace:
		return "whitespace"
	case tokenComment:
		return "a comment"
	default:
		text := clean(t.text) // a string may hold anything
		if len(t.text) > 40 {
			text = text[:37] + "…"
		}
		return "'" + text + "'"
	}
}

// lexer cuts a source text into tokens.
type lexer struct {
	source string
	at     Pos // next byte
}

func newLexer(source string) *lexer { return &lexer{source: source, at: Pos{Line: 1, Column: 1}} }

// character classes.
const (
	classSpace     = 1 << iota // blank, tab, newline
	classSeparator             // what may follow an integer, a name, an operator, a principal
	classLetter
	classDigit
	classHex
	className  // may go on a name
	classTrait // may go on a trait's name in <>, and a contract's
	classC32   // may be in a principal
)

var classes = func() (t [256]uint8) {
	set := func(class uint8, chars string) {
		for i := range len(chars) {
			t[chars[i]] |= class
		}
	}
	const upper, lower, digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789"
	set(classSpace, " \t\n")
	set(classSeparator, " \t\n\r\f(){},:;.") // carriage returns and form feeds then are faults of their own
	set(classLetter, upper+lower)
	set(classDigit, digits)
	set(classHex, digits+"abcdefABCDEF")
	set(className, upper+lower+digits+"-_!?+<>=/*")
	set(classTrait, upper+lower+digits+"-_")
	set(classC32, "0123456789ABCDEFGHJKMNPQRSTVWXYZ")
	return t
}()

func is(c byte, class uint8) bool { return classes[c]&class != 0 }

// peek returns the byte n after the next; ok is false beyond the end.
func (l *lexer) peek(n int) (c byte, ok bool) {
	if i := l.at.Offset + n; i < len(l.source) {
		return l.source[i], true
	}
	return 0, false
}

// after returns the place n bytes on, none of which ends a line.
func (l *lexer) after(n int) Pos {
	return Pos{l.at.Line, l.at.Column + n, l.at.Offset + n}
}

// here is the span of the next character, empty at the end.
func (l *lexer) here(n int) Span {
	p := l.after(n)
	if p.Offset >= len(l.source) {
		return Span{p, p}
	}
	_, size := utf8.DecodeRuneInString(l.source[p.Offset:])
	return Span{p, Pos{p.Line, p.Column + 1, p.Offset + size}}
}

// char prints the character n after the next.
func (l *lexer) char(n int) string {
	r, _ := utf8.DecodeRuneInString(l.source[l.at.Offset+n:])
	return charText(r)
}

func charText(r rune) string {
	if r == '\'' {
		return `'`
	}
	q := fmt.Sprintf("%q", r)
	return q[1 : len(q)-1]
}

// take ends a token n bytes on, none of which ends a line.
func (l *lexer) take(kind tokenKind, n int) token {
	end := l.after(n)
	t := token{kind: kind, span: Span{l.at, end}, text: l.source[l.at.Offset:end.Offset]}
	l.at = end
	return t
}

// next returns the next token. The error is an *Error.
func (l *lexer) next() (token, error) {
	c, ok := l.peek(0)
	if !ok {
		return l.take(tokenEnd, 0), nil
	}
	switch {
	case is(c, classSpace):
		return l.space(), nil
	case is(c, classDigit):
		return l.number(c)
	case is(c, classLetter):
		return l.word(c)
	}
	switch c {
	case '(':
		return l.take(tokenLeftParen, 1), nil
	case ')':
		return l.take(tokenRightParen, 1), nil
	case '{':
		return l.take(tokenLeftBrace, 1), nil
	case '}':
		return l.take(tokenRightBrace, 1), nil
	case ':':
		return l.take(tokenColon, 1), nil
	case ',':
		return l.take(tokenComma, 1), nil
	case '.':
		return l.take(tokenDot, 1), nil
	case '"':
		return l.ascii()
	case '\'':
		return l.principal()
	case ';':
		return l.comment()
	case '<':
		if d, ok := l.peek(1); ok && is(d, classLetter) {
			return l.trait()
		}
		return l.operator()
	case '-':
		if d, ok := l.peek(1); ok && is(d, classDigit) {
			return l.integer("int", 1)
		}
		return l.operator()
	case '+', '*', '/', '>':
		return l.operator()
	case '\r':
		return token{}, l.carriageReturn(0)
	}
	return token{}, l.bad(0, CodeSymbol, "unknown symbol '%s'", l.char(0))
}

// bad is a fault at the byte n after the next. A character beyond ASCII is a fault wherever it is.
func (l *lexer) bad(n int, code Code, format string, a ...any) error {
	if c, ok := l.peek(n); ok && c >= utf8.RuneSelf {
		return fail(CodeNonASCII, l.here(n), "'%s' is not an ASCII character", l.char(n)).
			advise(`a source text is ASCII throughout, comments too; in a u"…" string write \u{…} with the code point in hexadecimal`)
	}
	return fail(code, l.here(n), format, a...)
}

func (l *lexer) carriageReturn(n int) error {
	return fail(CodeLineEnd, l.here(n), `lines end with '\r', where only '\n' may be`).
		advise("set the editor from CRLF line ends to LF; formatting does it too")
}

func (l *lexer) space() token {
	start := l.at
	for l.at.Offset < len(l.source) && is(l.source[l.at.Offset], classSpace) {
		if l.source[l.at.Offset] == '\n' {
			l.at = Pos{l.at.Line + 1, 1, l.at.Offset + 1}
		} else {
			l.at = l.after(1)
		}
	}
	return token{kind: tokenSpace, span: Span{start, l.at}, text: l.source[start.Offset:l.at.Offset]}
}

func (l *lexer) comment() (token, error) {
	if c, _ := l.peek(1); c != ';' {
		return token{}, fail(CodeComment, l.here(0), "a single ';'").advise("a comment begins with ;;")
	}
	rest := l.source[l.at.Offset:]
	if end := strings.IndexByte(rest, '\n'); end >= 0 {
		rest = rest[:end]
	}
	for i := range len(rest) {
		switch {
		case rest[i] == '\r':
			return token{}, l.carriageReturn(i)
		case rest[i] >= utf8.RuneSelf:
			return token{}, l.bad(i, CodeNonASCII, "")
		}
	}
	return l.take(tokenComment, len(rest)), nil
}

// run counts the bytes of a class that follow the first n. Behind them a separator or the end must be, if what says so.
func (l *lexer) run(n int, class uint8, what string) (int, error) {
	for {
		c, ok := l.peek(n)
		switch {
		case ok && is(c, class):
			n++
			continue
		case ok && !is(c, classSeparator):
			return 0, l.bad(n, CodeCharacter, "invalid character '%s' in %s", l.char(n), what)
		}
		return n, nil
	}
}

// word is a name, an unsigned integer or a UTF-8 string.
func (l *lexer) word(c byte) (token, error) {
	if d, ok := l.peek(1); ok && c == 'u' {
		switch {
		case d == '"':
			return l.utf8()
		case is(d, classDigit):
			return l.integer("uint", 1)
		}
	}
	n, err := l.run(1, className, "a name")
	if err != nil {
		return token{}, err
	}
	return l.take(tokenName, n), nil
}

func (l *lexer) operator() (token, error) {
	n := 1
	if c, _ := l.peek(0); c == '<' || c == '>' {
		if d, _ := l.peek(1); d == '=' {
			n++
		}
	}
	if c, ok := l.peek(n); ok && !is(c, classSeparator) {
		op := l.source[l.at.Offset : l.at.Offset+n]
		return token{}, l.bad(n, CodeSeparator, "expected whitespace between '%s' and '%s'", op, l.char(n))
	}
	return l.take(tokenOperator, n), nil
}

func (l *lexer) trait() (token, error) {
	n := 1
	for {
		c, ok := l.peek(n)
		switch {
		case ok && is(c, classTrait):
			n++
			continue
		case ok && c == '>':
			return l.take(tokenTrait, n+1), nil
		case ok && !is(c, classSeparator):
			return token{}, l.bad(n, CodeCharacter, "invalid character '%s' in the name of a trait", l.char(n))
		}
		return token{}, fail(CodeUnclosed, l.here(n), "expected '>' after the name of a trait").opened(l.here(0)).
			advise("as an operator, '<' is followed by whitespace")
	}
}
