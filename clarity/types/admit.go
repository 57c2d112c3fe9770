package types

import "strings"

// Admits says whether every value of type o is one of type t.
func (t *Type) Admits(o *Type) bool {
	if t == o {
		return true
	}
	if t.kind != o.kind {
		return t.kind == KindPrincipal && o.kind == KindContract && o.isPrincipal()
	}
	switch t.kind {
	case KindBuffer, KindASCII, KindUTF8:
		return o.len <= t.len
	case KindList:
		return o.len == 0 || o.len <= t.len && t.elem.Admits(o.elem)
	case KindOptional:
		return o.elem.kind == KindNone || t.elem.Admits(o.elem)
	case KindResponse:
		return (o.elem.kind == KindNone || t.elem.Admits(o.elem)) && (o.err.kind == KindNone || t.err.Admits(o.err))
	case KindTuple:
		if len(t.fields) != len(o.fields) {
			return false
		}
		for i := range t.fields {
			if t.fields[i].Name != o.fields[i].Name || !t.fields[i].Type.Admits(o.fields[i].Type) {
				return false
			}
		}
		return true
	case KindTrait, KindContract:
		return t.Equal(o)
	default:
		return true
	}
}

// isPrincipal says whether a KindContract has contracts alone. A trait is no principal, though all that implement it are: the
// reference implementation refuses it where a principal is wanted.
func (t *Type) isPrincipal() bool {
	for _, c := range t.more.contracts {
		if strings.Count(c, ".") > 1 {
			return false
		}
	}
	return true
}
