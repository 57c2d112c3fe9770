package value

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"funai/clarity/types"
)

// ErrLiteral says that a text is no literal.
var ErrLiteral = errors.New("not a literal")

// LiteralError is what is wrong with a literal, and where.
type LiteralError struct {
	Offset int // bytes before it
	Err    error
}

func (e *LiteralError) Error() string { return fmt.Sprintf("literal at byte %d: %v", e.Offset, e.Err) }

func (e *LiteralError) Unwrap() error { return e.Err }

// MaxLiteral is the most bytes that ParseLiteral reads.
const MaxLiteral = 4 * types.MaxValueSize

// ParseLiteral reads a value as it is written in source text, and as arguments are given to wallets: 1, u1, true, none, 0x00,
// "text", u"text", 'address or only address, (some x), (ok x), (err x), (list x y), { a: x, b: y } and (tuple (a x) (b y)).
// Nothing is computed. It reads whatever String writes. The error is a *LiteralError.
func ParseLiteral(s string) (Value, error) {
	r := &reader{s: s}
	v, err := r.whole()
	if err != nil {
		return None, &LiteralError{r.at, err}
	}
	return v, nil
}

type reader struct {
	s  string
	at int
}

func (r *reader) whole() (Value, error) {
	if len(r.s) > MaxLiteral {
		return None, fmt.Errorf("%w: %d bytes exceed %d", ErrTooLong, len(r.s), MaxLiteral)
	}
	v, err := r.value(1)
	if err != nil {
		return None, err
	}
	if r.space(); r.at < len(r.s) {
		return None, fmt.Errorf("%w: %.20q follows the value", ErrLiteral, r.s[r.at:])
	}
	return v, Check(v)
}

func (r *reader) space() {
	for r.at < len(r.s) && strings.IndexByte(" \t\r\n", r.s[r.at]) >= 0 {
		r.at++
	}
}

// next is the next byte that is no space, or 0 at the end.
func (r *reader) next() byte {
	if r.space(); r.at < len(r.s) {
		return r.s[r.at]
	}
	return 0
}

// skip reads one byte that must be c.
func (r *reader) skip(c byte) error {
	if n := r.next(); n != c {
		return fmt.Errorf("%w: %q wanted, %.20q found", ErrLiteral, c, r.s[r.at:])
	}
	r.at++
	return nil
}

// word reads up to what ends a word.
func (r *reader) word() string {
	rest := r.s[r.at:]
	if i := strings.IndexAny(rest, " \t\r\n(){},:\""); i >= 0 {
		rest = rest[:i]
	}
	r.at += len(rest)
	return rest
}

func (r *reader) value(depth int) (Value, error) {
	if depth > types.MaxDepth {
		return None, fmt.Errorf("%w: %d exceeds %d", types.ErrTooDeep, depth, types.MaxDepth)
	}
	switch r.next() {
	case '(':
		r.at++
		return r.form(depth)
	case '{':
		r.at++
		return r.braces(depth)
	case '"':
		r.at++
		return r.ascii()
	case 'u':
		if strings.HasPrefix(r.s[r.at:], `u"`) {
			r.at += 2
			s, err := r.quoted()
			return UTF8Runes(s), err
		}
	}
	start := r.at
	v, err := scalar(r.word())
	if err != nil {
		r.at = start
	}
	return v, err
}

// scalar reads a value that is one word.
func scalar(w string) (Value, error) {
	switch {
	case w == "true", w == "false":
		return Bool(w == "true"), nil
	case w == "none":
		return None, nil
	case strings.HasPrefix(w, "0x"):
		b, err := hex.DecodeString(w[2:])
		if err != nil {
			return None, fmt.Errorf("%w: %.60q is not hexadecimal: %w", ErrLiteral, w, err)
		}
		return Buffer(b), nil
	case len(w) > 1 && w[0] == 'u':
		u, err := ParseUint128(w[1:])
		return UInt(u), err
	case strings.HasPrefix(w, "'"), strings.HasPrefix(w, "S"):
		p, err := ParsePrincipal(strings.TrimPrefix(w, "'"))
		if err != nil {
			return None, err
		}
		return OfPrincipal(p), nil
	case w != "" && (w[0] == '-' || w[0] >= '0' && w[0] <= '9'):
		i, err := ParseInt128(w)
		return Int(i), err
	}
	return None, fmt.Errorf("%w: %.60q", ErrLiteral, w)
}

func (r *reader) ascii() (Value, error) {
	s, err := r.quoted()
	if err != nil {
		return None, err
	}
	b := make([]byte, len(s))
	for i, c := range s {
		if c >= utf8.RuneSelf || !ValidASCII(byte(c)) {
			return None, fmt.Errorf("%w: %q in string-ascii", ErrCharacters, c)
		}
		b[i] = byte(c)
	}
	return ASCIIBytes(b), nil
}

// quoted reads up to the closing quote and past it.
func (r *reader) quoted() ([]rune, error) {
	var out []rune
	for r.at < len(r.s) {
		c, n := utf8.DecodeRuneInString(r.s[r.at:])
		switch {
		case c == '"':
			r.at++
			return out, nil
		case c == utf8.RuneError && n == 1:
			return nil, fmt.Errorf("%w: it is not UTF-8", ErrCharacters)
		case c == '\\':
			var err error
			if c, n, err = escape(r.s[r.at:]); err != nil {
				return nil, err
			}
		}
		out = append(out, c)
		r.at += n
	}
	return nil, fmt.Errorf("%w: no closing quote", ErrLiteral)
}

// escape reads what s begins with: a backslash and what it stands for, of n bytes together.
func escape(s string) (c rune, n int, err error) {
	if len(s) > 1 {
		if i := strings.IndexByte(`"\ntr0`, s[1]); i >= 0 {
			return rune("\"\\\n\t\r\x00"[i]), 2, nil
		}
		digits, _, closed := strings.Cut(s[2:], "}")
		if s[1] == 'u' && closed && strings.HasPrefix(digits, "{") && len(digits) <= 7 {
			if u, err := strconv.ParseUint(digits[1:], 16, 32); err == nil && utf8.ValidRune(rune(u)) {
				return rune(u), len(`\u}`) + len(digits), nil
			}
		}
	}
	return 0, 0, fmt.Errorf("%w: unknown escape %.9q", ErrLiteral, s)
}

// form reads what follows an opening parenthesis.
func (r *reader) form(depth int) (Value, error) {
	r.space()
	switch w := r.word(); w {
	case "some", "ok", "err":
		v, err := r.value(depth + 1)
		if err != nil {
			return None, err
		}
		k := KindSome
		switch w {
		case "ok":
			k = KindOk
		case "err":
			k = KindErr
		}
		return Value{kind: k, ref: &v}, r.skip(')')
	case "list":
		var elems []Value
		for r.next() != ')' {
			v, err := r.value(depth + 1)
			if err != nil {
				return None, err
			}
			elems = append(elems, v)
		}
		r.at++
		return List(elems)
	case "tuple":
		return r.tuple(depth)
	default:
		return None, fmt.Errorf("%w: (%.20s", ErrLiteral, w)
	}
}

// tuple reads fields in parentheses up to the closing one.
func (r *reader) tuple(depth int) (Value, error) {
	var fields []Field
	for r.next() != ')' {
		if err := r.skip('('); err != nil {
			return None, err
		}
		r.space()
		f, err := r.field(depth)
		if err != nil {
			return None, err
		}
		if err := r.skip(')'); err != nil {
			return None, err
		}
		fields = append(fields, f)
	}
	r.at++
	return Tuple(fields...)
}

// braces reads fields with colons and commas up to the closing brace.
func (r *reader) braces(depth int) (Value, error) {
	var fields []Field
	for r.next() != '}' {
		f, err := r.field(depth)
		if err != nil {
			return None, err
		}
		fields = append(fields, f)
		if r.next() != ',' {
			break
		}
		r.at++
	}
	if err := r.skip('}'); err != nil {
		return None, err
	}
	return Tuple(fields...)
}

// field reads a name, a colon if there is one, and a value.
func (r *reader) field(depth int) (f Field, err error) {
	f.Name = r.word()
	if r.next() == ':' {
		r.at++
	}
	f.Value, err = r.value(depth + 1)
	return f, err
}
