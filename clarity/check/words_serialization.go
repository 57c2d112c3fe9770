package check

import (
	"math"

	"funai/clarity/syntax"
	"funai/clarity/types"
)

var serializationWords = map[string]word{
	"to-consensus-buff?":   {since: types.Clarity2, rule: toConsensus},
	"from-consensus-buff?": {since: types.Clarity2, rule: fromConsensus},
}

func toConsensus(c *checker, call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 1); err != nil {
		return nil, err
	}
	t, err := c.expr(args(call)[0])
	if err != nil {
		return nil, err
	}
	n, ok := encodedLength(t)
	if !ok {
		return nil, c.fail(args(call)[0], Undetermined, "cannot determine what '%s' is encoded as", t)
	}
	b, err := c.made(call)(types.Buffer(uint32(min(n, math.MaxUint32))))
	if err != nil {
		return nil, err
	}
	return c.optional(call, b)
}

// encodedLength is the most bytes that the consensus encoding (SIP-005) of a value of a type has; ok is false for a type that
// does not say: an optional of such a type counts as none, a response as its other side.
func encodedLength(t *types.Type) (n uint64, ok bool) {
	const prefix, length = 1, 4
	switch t.Kind() {
	case types.KindInt, types.KindUInt:
		return prefix + 16, true
	case types.KindBool:
		return prefix, true
	case types.KindPrincipal, types.KindContract, types.KindTrait:
		if len(t.Contracts()) > 1 { // what may be any of several contracts has no length in the reference
			return 0, false
		}
		return prefix + 1 + 20 + 1 + 128, true // a version, a hash, and a name with its length
	case types.KindBuffer, types.KindASCII:
		return prefix + length + uint64(t.Len()), true
	case types.KindUTF8:
		return prefix + length + 4*uint64(t.Len()), true
	case types.KindList:
		elem, ok := encodedLength(t.Elem())
		if !ok {
			return 0, false
		}
		return prefix + length + elem*uint64(t.Len()), true
	case types.KindTuple:
		n := uint64(prefix + length)
		for _, f := range t.Fields() {
			field, ok := encodedLength(f.Type)
			if !ok {
				return 0, false
			}
			n += 1 + uint64(len(f.Name)) + field
		}
		return n, true
	case types.KindOptional:
		some, _ := encodedLength(t.Elem())
		return prefix + some, true
	case types.KindResponse:
		yes, ok := encodedLength(t.Elem())
		no, orElse := encodedLength(t.Err())
		return prefix + max(yes, no), ok || orElse
	default: // types.KindNone
		return 0, false
	}
}

func fromConsensus(c *checker, call *syntax.Expr) (*types.Type, error) {
	if err := c.arity(call, 2); err != nil {
		return nil, err
	}
	t, err := c.typeExpr(args(call)[0])
	if err != nil {
		return nil, err
	}
	o, err := c.optional(call, t)
	if err != nil {
		return nil, err
	}
	if err := c.expect(args(call)[1], maxBuffer); err != nil {
		return nil, err
	}
	return o, nil
}
