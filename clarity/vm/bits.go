package vm

import (
	"funai/clarity/cost"
	"funai/clarity/types"
	"funai/clarity/value"
)

// bitBuiltins compute with the bits of integers; signed ones are in two's complement.
var bitBuiltins = map[string]builtin{
	"xor":             {since: types.Clarity1, compile: integers(opXor, cost.Xor)},
	"bit-and":         {since: types.Clarity2, compile: integers(opAnd, cost.BitwiseAnd)},
	"bit-or":          {since: types.Clarity2, compile: integers(opOr, cost.BitwiseOr)},
	"bit-xor":         {since: types.Clarity2, compile: integers(opXor, cost.Xor)},
	"bit-not":         {since: types.Clarity2, compile: strict1(cost.BitwiseNot, nil, bitNot)},
	"bit-shift-left":  {since: types.Clarity2, compile: strict2(cost.BitwiseLeftShift, nil, shiftLeft)},
	"bit-shift-right": {since: types.Clarity2, compile: strict2(cost.BitwiseRightShift, nil, shiftRight)},
}

func bitNot(_ *frame, a value.Value) (value.Value, error) {
	if a.Kind() == value.KindInt {
		return value.Int(a.AsInt().Not()), nil
	}
	return value.UInt(a.AsUInt().Not()), nil
}

// shiftLeft shifts by n modulo 128, and drops what is shifted out.
func shiftLeft(_ *frame, a, n value.Value) (value.Value, error) {
	if a.Kind() == value.KindInt {
		return value.Int(a.AsInt().Shl(n.AsUInt())), nil
	}
	return value.UInt(a.AsUInt().Shl(n.AsUInt())), nil
}

// shiftRight shifts by n modulo 128, and keeps the sign of a signed integer.
func shiftRight(_ *frame, a, n value.Value) (value.Value, error) {
	if a.Kind() == value.KindInt {
		return value.Int(a.AsInt().Shr(n.AsUInt())), nil
	}
	return value.UInt(a.AsUInt().Shr(n.AsUInt())), nil
}
