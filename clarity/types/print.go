package types

import (
	"strconv"
	"strings"
)

// words are what the kinds are called in Clarity's notation.
var words = [...]string{
	KindNone: "UnknownType", KindInt: "int", KindUInt: "uint", KindBool: "bool", KindPrincipal: "principal",
	KindBuffer: "buff", KindASCII: "string-ascii", KindUTF8: "string-utf8", KindList: "list", KindTuple: "tuple",
	KindOptional: "optional", KindResponse: "response", KindTrait: "trait", KindContract: "principal",
}

// String writes a type in Clarity's notation, as the reference implementation's messages do.
func (t *Type) String() string {
	if t == nil {
		return "<nil>"
	}
	var b strings.Builder
	t.print(&b)
	return b.String()
}

func (t *Type) print(b *strings.Builder) {
	switch {
	case t.kind == KindTrait:
		b.WriteString("<" + t.more.trait.Contract + "." + t.more.trait.Name + ">")
	case t.kind <= KindPrincipal, t.kind == KindContract && len(t.more.contracts) > 1:
		b.WriteString(words[t.kind])
	default:
		b.WriteByte('(')
		b.WriteString(words[t.kind])
		t.printParts(b)
		b.WriteByte(')')
	}
}

func (t *Type) printParts(b *strings.Builder) {
	switch t.kind {
	case KindBuffer, KindASCII, KindUTF8, KindList:
		b.WriteByte(' ')
		b.WriteString(strconv.FormatUint(uint64(t.len), 10))
		if t.kind == KindList {
			b.WriteByte(' ')
			t.elem.print(b)
		}
	case KindOptional:
		b.WriteByte(' ')
		t.elem.print(b)
	case KindResponse:
		b.WriteByte(' ')
		t.elem.print(b)
		b.WriteByte(' ')
		t.err.print(b)
	case KindTuple:
		for _, f := range t.fields {
			b.WriteString(" (")
			b.WriteString(f.Name)
			b.WriteByte(' ')
			f.Type.print(b)
			b.WriteByte(')')
		}
	case KindContract:
		b.WriteByte(' ')
		b.WriteString(t.more.contracts[0])
	default: // the others have no parts
	}
}
