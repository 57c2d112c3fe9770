package value

import (
	"encoding/hex"
	"strconv"
	"unicode/utf8"
)

// String writes a value as it is written in source text, which ParseLiteral reads: { a: 1, b: (list u2) }.
func (v Value) String() string { return string(v.append(nil)) }

// AppendText appends what String returns; it does not fail.
func (v Value) AppendText(b []byte) ([]byte, error) { return v.append(b), nil }

func (v Value) append(b []byte) []byte {
	switch v.kind {
	case KindNone:
		return append(b, "none"...)
	case KindSome:
		return append(v.Inner().append(append(b, "(some "...)), ')')
	case KindOk:
		return append(v.Inner().append(append(b, "(ok "...)), ')')
	case KindErr:
		return append(v.Inner().append(append(b, "(err "...)), ')')
	case KindInt:
		return v.AsInt().append(b)
	case KindUInt:
		return v.AsUInt().append(append(b, 'u'))
	case KindBool:
		return strconv.AppendBool(b, v.IsTrue())
	case KindPrincipal, KindCallable:
		return append(append(b, '\''), v.AsPrincipal().String()...)
	case KindBuffer:
		return hex.AppendEncode(append(b, "0x"...), v.Octets())
	case KindASCII:
		b = append(b, '"')
		for _, c := range v.Octets() {
			b = appendEscaped(b, rune(c))
		}
		return append(b, '"')
	case KindUTF8:
		b = append(b, `u"`...)
		for _, r := range v.Runes() {
			b = appendEscaped(b, r)
		}
		return append(b, '"')
	case KindList:
		b = append(b, "(list"...)
		for _, e := range v.Elems() {
			b = e.append(append(b, ' '))
		}
		return append(b, ')')
	case KindTuple:
		for i, f := range v.carried().Fields() {
			b = append(b, ", "[:min(2, 2*i)]...)
			if i == 0 {
				b = append(b, "{ "...)
			}
			b = append(append(b, f.Name...), ": "...)
			b = v.Values()[i].append(b)
		}
		return append(b, " }"...)
	}
	return b
}

// appendEscaped writes a character as between quotes. Beyond what a keyboard of ASCII has it writes the code point, so that
// a text shows what it is made of and nothing in it can change how the rest is read.
func appendEscaped(b []byte, r rune) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(b, '\\', byte(r))
	case r == '\n':
		return append(b, `\n`...)
	case r == '\r':
		return append(b, `\r`...)
	case r == '\t':
		return append(b, `\t`...)
	case r >= ' ' && r < utf8.RuneSelf-1:
		return append(b, byte(r))
	}
	return append(strconv.AppendUint(append(b, `\u{`...), uint64(r), 16), '}')
}
