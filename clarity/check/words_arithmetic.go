package check

import (
	"funai/clarity/syntax"
	"funai/clarity/types"
)

// arithmeticWords are the functions of numbers and of truth values. A number is an int or a uint, and both do not mix.
var arithmeticWords = map[string]word{
	"+":               plain(types.Clarity1, numbers),
	"-":               plain(types.Clarity1, numbers),
	"*":               plain(types.Clarity1, numbers),
	"/":               plain(types.Clarity1, numbers),
	"mod":             plain(types.Clarity1, twoNumbers),
	"pow":             plain(types.Clarity1, twoNumbers),
	"xor":             plain(types.Clarity1, twoNumbers),
	"sqrti":           plain(types.Clarity1, oneNumber),
	"log2":            plain(types.Clarity1, oneNumber),
	"bit-and":         plain(types.Clarity2, numbers),
	"bit-or":          plain(types.Clarity2, numbers),
	"bit-xor":         plain(types.Clarity2, numbers),
	"bit-not":         plain(types.Clarity2, oneNumber),
	"bit-shift-left":  plain(types.Clarity2, shifted),
	"bit-shift-right": plain(types.Clarity2, shifted),
	"to-int":          plain(types.Clarity1, fixed(types.Int, types.UInt)),
	"to-uint":         plain(types.Clarity1, fixed(types.UInt, types.Int)),
	"not":             plain(types.Clarity1, fixed(types.Bool, types.Bool)),
}

var intOrUInt = []*types.Type{types.Int, types.UInt}

// numbers takes one number or more, all of one type, which is the result's.
func numbers(c *checker, at *syntax.Expr, got []*types.Type) (*types.Type, error) {
	if err := c.countAtLeast(at, len(got), 1); err != nil {
		return nil, err
	}
	if err := c.among(argument(at, 0, len(got)), got[0], intOrUInt); err != nil {
		return nil, err
	}
	for i, t := range got[1:] {
		if !got[0].Admits(t) {
			return nil, c.mismatch(argument(at, i+1, len(got)), got[0], t)
		}
	}
	return got[0], nil
}

func oneNumber(c *checker, at *syntax.Expr, got []*types.Type) (*types.Type, error) {
	if err := c.count(at, len(got), 1); err != nil {
		return nil, err
	}
	return numbers(c, at, got)
}

func twoNumbers(c *checker, at *syntax.Expr, got []*types.Type) (*types.Type, error) {
	if err := c.count(at, len(got), 2); err != nil {
		return nil, err
	}
	return numbers(c, at, got)
}

// shifted takes a number and by how many bits to shift it.
func shifted(c *checker, at *syntax.Expr, got []*types.Type) (*types.Type, error) {
	if err := c.count(at, len(got), 2); err != nil {
		return nil, err
	}
	if err := c.among(argument(at, 0, 2), got[0], intOrUInt); err != nil {
		return nil, err
	}
	if got[1] != types.UInt {
		return nil, c.mismatch(argument(at, 1, 2), types.UInt, got[1])
	}
	return got[0], nil
}
