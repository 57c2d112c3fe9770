package check

import (
	"funai/clarity/syntax"
	"funai/clarity/types"
)

// conversionWords turn numbers, text and bytes into one another. A number has at most 40 characters: the digits of 2^127 and
// a sign (SIP-015).
var conversionWords = map[string]word{
	"int-to-ascii":    plain(types.Clarity2, union(types.MustASCII(40), intOrUInt...)),
	"int-to-utf8":     plain(types.Clarity2, union(types.MustUTF8(40), intOrUInt...)),
	"string-to-int?":  plain(types.Clarity2, union(types.MustOptional(types.Int), maxASCII, maxUTF8)),
	"string-to-uint?": plain(types.Clarity2, union(optionalUInt, maxASCII, maxUTF8)),
	"buff-to-int-le":  plain(types.Clarity2, fixed(types.Int, buff16)),
	"buff-to-uint-le": plain(types.Clarity2, fixed(types.UInt, buff16)),
	"buff-to-int-be":  plain(types.Clarity2, fixed(types.Int, buff16)),
	"buff-to-uint-be": plain(types.Clarity2, fixed(types.UInt, buff16)),
	"to-ascii?":       {since: types.Clarity4, rule: toASCII},
}

var buff16 = types.MustBuffer(16)

// The longest texts that to-ascii? answers (SIP-033).
const (
	asciiNumber    = 40              // a sign and the digits of 2^127
	asciiBool      = 5               // false
	asciiPrincipal = 41 + 1 + 128    // an address, a point and a contract's name
	asciiBuffer    = (1<<20 - 8) / 2 // the most bytes of which the text still fits in a response
)

// asciiable are what to-ascii? takes.
var asciiable = []*types.Type{types.Int, types.UInt, types.Bool, types.Principal, types.MustBuffer(asciiBuffer), maxUTF8}

// toASCII answers text as long as the longest value of its argument's type needs.
func toASCII(c *checker, call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 1); err != nil {
		return nil, err
	}
	e := args(call)[0]
	t, err := c.expr(e)
	if err != nil {
		return nil, err
	}
	var n uint32
	switch t.Kind() {
	case types.KindInt, types.KindUInt:
		n = asciiNumber
	case types.KindBool:
		n = asciiBool
	case types.KindContract:
		if len(t.Contracts()) > 1 { // the reference does not take a union of contracts for a principal here
			return nil, c.mismatchOf(e, alternatives(asciiable), t)
		}
		n = asciiPrincipal
	case types.KindPrincipal, types.KindTrait:
		n = asciiPrincipal
	case types.KindBuffer:
		if t.Len() > asciiBuffer {
			return nil, c.among(e, t, asciiable)
		}
		n = 2 + 2*t.Len() // 0x and two digits a byte
	case types.KindUTF8:
		n = t.Len()
	default:
		return nil, c.among(e, t, asciiable)
	}
	text, err := c.made(call)(types.ASCII(n))
	if err != nil {
		return nil, err
	}
	return c.made(call)(types.Response(text, types.UInt))
}
