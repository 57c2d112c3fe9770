package syntax

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"funai/clarity/value"
	"funai/key/c32"
)

// number is an integer or a buffer.
func (l *lexer) number(c byte) (token, error) {
	if d, ok := l.peek(1); ok && c == '0' && d == 'x' {
		return l.buffer()
	}
	return l.integer("int", 0)
}

// integer is a sign or prefix of so many bytes, and decimal digits.
func (l *lexer) integer(kind string, prefix int) (token, error) {
	n, err := l.run(prefix, classDigit, "an "+kind)
	if err != nil {
		return token{}, err
	}
	t := l.take(tokenLiteral, n)
	if kind == "uint" {
		u, err := value.ParseUint128(t.text[prefix:])
		if err != nil {
			return token{}, outOfRange(t, "uint", "0 to u340282366920938463463374607431768211455")
		}
		t.value = value.UInt(u)
		return t, nil
	}
	i, err := value.ParseInt128(t.text)
	if err != nil {
		return token{}, outOfRange(t, "int", "-170141183460469231731687303715884105728 to 170141183460469231731687303715884105727")
	}
	t.value = value.Int(i)
	return t, nil
}

func outOfRange(t token, kind, bounds string) error {
	return fail(CodeInteger, t.span, "%v is no %s: 128 bits hold %s", t, kind, bounds)
}

func (l *lexer) buffer() (token, error) {
	n, err := l.run(2, classHex, "a buffer")
	if err != nil {
		return token{}, err
	}
	t := l.take(tokenLiteral, n)
	b, err := hex.DecodeString(t.text[2:])
	switch {
	case err != nil:
		return token{}, fail(CodeBuffer, t.span, "%d hexadecimal digits are no whole number of bytes", len(t.text)-2).
			advise("every byte is two digits")
	case len(b) > maxValue:
		return token{}, tooLarge(t, len(b))
	}
	t.value = value.Buffer(b)
	return t, nil
}

// maxValue is how many bytes a value may have (SIP-002).
const maxValue = 1 << 20

func tooLarge(t token, size int) error {
	return fail(CodeString, t.span, "a literal of %d bytes, of at most %d", size, maxValue)
}

func (l *lexer) principal() (token, error) {
	n, err := l.run(1, classC32, "a principal")
	if err != nil {
		return token{}, err
	}
	t := l.take(tokenLiteral, n)
	version, hash, err := c32.Parse(t.text[1:])
	if err != nil {
		return token{}, fail(CodePrincipal, t.span, "no principal: %s", strings.TrimPrefix(err.Error(), c32.ErrAddress.Error()+": ")).
			advise("a principal is a quote and an address, as in 'SP000000000000000000002Q6VF78")
	}
	t.value = value.OfPrincipal(value.Principal{Version: version, Hash: hash})
	return t, nil
}

// escapes are what may follow a backslash in a string; \0 and \u only in one of UTF-8.
var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', '\\': '\\', '"': '"', '0': 0}

// unclosed says that the text or the line ends, n bytes on, before a string does.
func (l *lexer) unclosed(n int) error {
	return fail(CodeUnclosed, l.here(n), `expected '"' to end the string before the line does`).opened(l.here(0)).
		advise(`a string is on one line; \n stands for the end of a line in it`)
}

// escape reads what follows the backslash n bytes on.
func (l *lexer) escape(n int) (byte, error) {
	c, ok := l.peek(n + 1)
	if !ok {
		return 0, fail(CodeEscape, l.here(n+1), `a string ends with '\\'`).advise(`write \\ for a backslash`)
	}
	e, ok := escapes[c]
	if !ok {
		return 0, l.bad(n+1, CodeEscape, `unknown escape '\%s'`, l.char(n+1))
	}
	return e, nil
}

func (l *lexer) ascii() (token, error) {
	var b strings.Builder
	illegal := -1
	for n := 1; ; n++ {
		c, ok := l.peek(n)
		switch {
		case !ok, c == '\n':
			return token{}, l.unclosed(n)
		case c >= utf8.RuneSelf:
			return token{}, l.bad(n, CodeNonASCII, "")
		case c == '"':
			return l.endASCII(n+1, b.String(), illegal)
		case c == '\\':
			e, err := l.escape(n)
			if err != nil {
				return token{}, err
			}
			c = e
			n++
		}
		if (c < ' ' || c > '~') && c != '\t' && c != '\n' && c != '\f' && c != '\r' && illegal < 0 {
			illegal = n
		}
		b.WriteByte(c)
	}
}

// endASCII ends a string after n bytes.
func (l *lexer) endASCII(n int, s string, illegal int) (token, error) {
	if illegal >= 0 {
		return token{}, fail(CodeString, l.here(illegal), "a string of ASCII has no '%s'", l.char(illegal)).
			advise(`it has the printable characters, tabs, form feeds and line ends; u"…" has all`)
	}
	t := l.take(tokenLiteral, n)
	if len(s) > maxValue {
		return token{}, tooLarge(t, len(s))
	}
	t.value = value.ASCII(s)
	return t, nil
}

func (l *lexer) utf8() (token, error) {
	var runes []rune
	for n := 2; ; {
		c, ok := l.peek(n)
		switch {
		case !ok, c == '\n':
			return token{}, l.unclosed(n)
		case c >= utf8.RuneSelf:
			return token{}, l.bad(n, CodeNonASCII, "")
		case c == '"':
			return l.endUTF8(n+1, runes)
		case c != '\\':
			runes = append(runes, rune(c))
			n++
			continue
		}
		if u, _ := l.peek(n + 1); u == 'u' {
			r, size, err := l.codePoint(n)
			if err != nil {
				return token{}, err
			}
			runes = append(runes, r)
			n += size
			continue
		}
		e, err := l.escape(n)
		if err != nil {
			return token{}, err
		}
		runes = append(runes, rune(e))
		n += 2
	}
}

func (l *lexer) endUTF8(n int, runes []rune) (token, error) {
	t := l.take(tokenLiteral, n)
	if size := 4 * len(runes); size > maxValue { // each counts for four bytes (SIP-002)
		return token{}, tooLarge(t, size)
	}
	t.value = value.UTF8Runes(runes)
	return t, nil
}

// codePoint reads a \u{…} that begins n bytes on, and says how many bytes it is written in.
func (l *lexer) codePoint(n int) (r rune, size int, err error) {
	const advice = `write the code point in hexadecimal, as in \u{1f600}`
	if c, _ := l.peek(n + 2); c != '{' {
		return 0, 0, fail(CodeUnicode, Span{l.after(n), l.after(n + 2)}, `expected '{' after '\u'`).advise(advice)
	}
	end := n + 3
	for {
		c, ok := l.peek(end)
		switch {
		case ok && is(c, classHex):
			end++
			continue
		case ok && c == '}':
		case !ok, c == '"':
			return 0, 0, fail(CodeUnclosed, l.here(end), `expected '}' to end '\u{'`).opened(l.here(n + 2)).advise(advice)
		default:
			return 0, 0, l.bad(end, CodeCharacter, `invalid character '%s' in '\u{'`, l.char(end))
		}
		break
	}
	digits := l.source[l.after(n+3).Offset:l.after(end).Offset]
	at := Span{l.after(n), l.after(end + 1)}
	if digits == "" {
		return 0, 0, fail(CodeUnicode, at, `'\u{}' names no code point`).advise(advice)
	}
	u, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || u > utf8.MaxRune || !utf8.ValidRune(rune(u)) {
		return 0, 0, fail(CodeUnicode, at, `'\u{%.20s}' is no code point: they go to 10ffff, without d800 to dfff`, digits)
	}
	return rune(u), end + 1 - n, nil
}
