package types

import "errors"

// The rules that a type can break.
var (
	ErrTooBig      = errors.New("type's values are too big")
	ErrTooDeep     = errors.New("type nests too deep")
	ErrNoSupertype = errors.New("types have no common supertype")
	ErrNoFields    = errors.New("tuple has no fields")
	ErrFieldTwice  = errors.New("tuple has a field twice")
	ErrNoType      = errors.New("type lacks a part")
)
