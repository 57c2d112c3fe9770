package syntax

import (
	"encoding/hex"
	"strconv"
	"strings"

	"funai/clarity/value"
)

// String prints the expression on one line, as it could be written in a source text.
func (e *Expr) String() string {
	var b strings.Builder
	e.print(&b)
	return b.String()
}

// print goes as deep as the parser did, which is bounded.
func (e *Expr) print(b *strings.Builder) {
	switch e.Kind {
	case Atom:
		b.WriteString(e.Name)
	case ContractRef:
		b.WriteString("." + e.Name)
	case TraitRef:
		b.WriteString("<" + e.Name + ">")
	case FieldRef:
		if e.Value.Kind() == value.KindPrincipal {
			printLiteral(b, e.Value)
		} else {
			b.WriteString("." + e.Contract)
		}
		b.WriteString("." + e.Name)
	case Literal:
		printLiteral(b, e.Value)
	case List:
		if e.Braces() {
			e.printTuple(b)
			return
		}
		b.WriteByte('(')
		for i, x := range e.List {
			if i > 0 {
				b.WriteByte(' ')
			}
			x.print(b)
		}
		b.WriteByte(')')
	}
}

func (e *Expr) printTuple(b *strings.Builder) {
	b.WriteByte('{')
	for i, pair := range e.List[1:] {
		if i > 0 {
			b.WriteString(", ")
		}
		pair.List[0].print(b)
		b.WriteString(": ")
		pair.List[1].print(b)
	}
	b.WriteByte('}')
}

// printLiteral prints a value of a kind that literals have.
func printLiteral(b *strings.Builder, v value.Value) {
	switch v.Kind() {
	case value.KindInt:
		b.WriteString(v.AsInt().String())
	case value.KindUInt:
		b.WriteString("u" + v.AsUInt().String())
	case value.KindBuffer:
		b.WriteString("0x" + hex.EncodeToString(v.Octets()))
	case value.KindPrincipal:
		b.WriteString("'" + v.AsPrincipal().String())
	case value.KindASCII:
		b.WriteByte('"')
		for _, c := range v.Octets() {
			printChar(b, rune(c))
		}
		b.WriteByte('"')
	case value.KindUTF8:
		b.WriteString(`u"`)
		for _, r := range v.Runes() {
			printChar(b, r)
		}
		b.WriteByte('"')
	default:
	}
}

// printChar prints a character as it is written in a string. A form feed, which has no escape, stays as it is, as it must
// in a string of ASCII.
func printChar(b *strings.Builder, r rune) {
	switch {
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\t':
		b.WriteString(`\t`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '"', r == '\\':
		b.WriteString(`\` + string(r))
	case r >= ' ' && r <= '~', r == '\f':
		b.WriteRune(r)
	default:
		b.WriteString(`\u{` + strconv.FormatInt(int64(r), 16) + "}")
	}
}
