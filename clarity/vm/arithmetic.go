package vm

import (
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// arithmeticBuiltins compute with integers, all signed or all unsigned.
var arithmeticBuiltins = map[string]builtin{
	"+":     {since: types.Clarity1, compile: integers(opAdd, cost.Add)},
	"-":     {since: types.Clarity1, compile: integers(opSub, cost.Sub)},
	"*":     {since: types.Clarity1, compile: integers(opMul, cost.Mul)},
	"/":     {since: types.Clarity1, compile: integers(opDiv, cost.Div)},
	"mod":   {since: types.Clarity1, compile: integers(opMod, cost.Mod)},
	"pow":   {since: types.Clarity1, compile: integers(opPow, cost.Pow)},
	"sqrti": {since: types.Clarity1, compile: strict1(cost.Sqrti, nil, sqrti)},
	"log2":  {since: types.Clarity1, compile: strict1(cost.Log2, nil, log2)},
}

// operation is what is done with two integers.
type operation uint8

const (
	opAdd operation = iota
	opSub
	opMul
	opDiv
	opMod
	opPow
	opAnd
	opOr
	opXor
)

var operationNames = [...]string{"+", "-", "*", "/", "mod", "pow", "bit-and", "bit-or", "bit-xor"}

func (op operation) String() string { return operationNames[op] }

// of applies an operation. The operands come by pointer because two values are more than registers hold.
func (op operation) of(a, b *value.Value) (value.Value, error) {
	switch a.Kind() {
	case value.KindInt:
		v, ok := op.signed(a.AsInt(), b.AsInt())
		if ok {
			return value.Int(v), nil
		}
	case value.KindUInt:
		v, ok := op.unsigned(a.AsUInt(), b.AsUInt())
		if ok {
			return value.UInt(v), nil
		}
	default:
		return value.None, bug("%v of kind %d", op, a.Kind())
	}
	return value.None, op.fault(*a, *b)
}

func (op operation) signed(a, b value.Int128) (value.Int128, bool) {
	switch op {
	case opAdd:
		return a.Add(b)
	case opSub:
		return a.Sub(b)
	case opMul:
		return a.Mul(b)
	case opDiv:
		return a.Div(b)
	case opMod:
		return a.Mod(b)
	case opPow:
		if e, ok := exponent(value.Uint128(a), value.Uint128(b)); ok {
			return a.Pow(e)
		}
		return a, false
	case opAnd:
		return a.And(b), true
	case opOr:
		return a.Or(b), true
	default:
		return a.Xor(b), true
	}
}

func (op operation) unsigned(a, b value.Uint128) (value.Uint128, bool) {
	switch op {
	case opAdd:
		return a.Add(b)
	case opSub:
		return a.Sub(b)
	case opMul:
		return a.Mul(b)
	case opDiv:
		return a.Div(b)
	case opMod:
		return a.Mod(b)
	case opPow:
		if e, ok := exponent(a, b); ok {
			return a.Pow(e)
		}
		return a, false
	case opAnd:
		return a.And(b), true
	case opOr:
		return a.Or(b), true
	default:
		return a.Xor(b), true
	}
}

// exponent is what a is to be raised to, which must have 32 bits. The powers of 0 and 1 are known for any exponent, negative
// ones too: their bits, here read as unsigned, are not 0.
func exponent(a, b value.Uint128) (e uint32, ok bool) {
	if a.Hi == 0 && a.Lo <= 1 && !b.IsZero() {
		return 1, true
	}
	return uint32(b.Lo), b.Hi == 0 && b.Lo>>32 == 0
}

// fault is why an operation has no result. As in the reference implementation, a quotient that does not fit, which is that of
// the least integer and -1, is called a division by zero, and all that a subtraction does not fit an underflow.
func (op operation) fault(a, b value.Value) error {
	_, fits := exponent(a.AsUInt(), b.AsUInt())
	switch {
	case op == opSub:
		return fault(ArithmeticUnderflow, "%v - %v is not what an integer holds", a, b)
	case op == opDiv || op == opMod:
		return fault(DivisionByZero, "(%v %v %v)", op, a, b)
	case op == opPow && !fits:
		return fault(Arithmetic, "exponent %v of (pow %v %v) has no 32 bits", b, a, b)
	default:
		return fault(ArithmeticOverflow, "(%v %v %v) is not what an integer holds", op, a, b)
	}
}

// one applies an operation to a single argument.
func (op operation) one(a value.Value) (value.Value, error) {
	if op != opSub {
		return a, nil
	}
	if a.Kind() == value.KindInt {
		if v, ok := a.AsInt().Neg(); ok {
			return value.Int(v), nil
		}
	} else if a.AsUInt().IsZero() {
		return a, nil
	}
	return value.None, fault(ArithmeticUnderflow, "(- %v) is not what an integer holds", a)
}

// integers compiles an operation on integers. Of two it is quickest.
func integers(op operation, charge cost.Function) func(*compiler, *syntax.Expr) (code, error) {
	one := strict1(charge, nil, func(_ *frame, a value.Value) (value.Value, error) { return op.one(a) })
	many := strict(charge, nil, func(_ *frame, vs []value.Value) (v value.Value, err error) {
		v = vs[0]
		for _, w := range vs[1:] {
			if v, err = op.of(&v, &w); err != nil {
				return value.None, err
			}
		}
		return v, nil
	})
	return func(c *compiler, call *syntax.Expr) (code, error) {
		switch len(args(call)) {
		case 0:
			return nil, bug("%v of nothing", op)
		case 1:
			return one(c, call)
		case 2:
			return c.pair(call, op, charge)
		}
		return many(c, call)
	}
}

func sqrti(_ *frame, a value.Value) (value.Value, error) {
	if a.Kind() == value.KindUInt {
		return value.UInt(a.AsUInt().Sqrt()), nil
	}
	root, ok := a.AsInt().Sqrt()
	if !ok {
		return value.None, fault(Arithmetic, "sqrti of %v, which is negative", a)
	}
	return value.Int(root), nil
}

func log2(_ *frame, a value.Value) (value.Value, error) {
	if a.Kind() == value.KindUInt {
		if n, ok := a.AsUInt().Log2(); ok {
			return value.UInt(n), nil
		}
	} else if n, ok := a.AsInt().Log2(); ok {
		return value.Int(n), nil
	}
	return value.None, fault(Arithmetic, "log2 of %v, which is not positive", a)
}
