package vm

import (
	"crypto/sha256"
	"crypto/sha512"
	"slices"

	"github.com/btcsuite/btcd/address/v2"
	"golang.org/x/crypto/sha3"

	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// hashBuiltins are hashes of buffers, and of integers: those of their 16 bytes in little endian.
var hashBuiltins = map[string]builtin{
	"hash160":    {since: types.Clarity1, compile: hashing(cost.Hash160, hash160)},
	"sha256":     {since: types.Clarity1, compile: hashing(cost.SHA256, func(b []byte) value.Value { h := sha256.Sum256(b); return value.BufferCopy(h[:]) })},
	"sha512":     {since: types.Clarity1, compile: hashing(cost.SHA512, func(b []byte) value.Value { h := sha512.Sum512(b); return value.BufferCopy(h[:]) })},
	"sha512/256": {since: types.Clarity1, compile: hashing(cost.SHA512t256, func(b []byte) value.Value { h := sha512.Sum512_256(b); return value.BufferCopy(h[:]) })},
	"keccak256":  {since: types.Clarity1, compile: hashing(cost.Keccak256, keccak256)},
}

func hash160(b []byte) value.Value { return value.Buffer(address.Hash160(b)) }

func keccak256(b []byte) value.Value {
	h := sha3.NewLegacyKeccak256()
	h.Write(b) // never fails
	return value.Buffer(h.Sum(nil))
}

func hashing(charge cost.Function, of func([]byte) value.Value) func(*compiler, *syntax.Expr) (code, error) {
	size := func(v value.Value) (uint64, error) { return uint64(v.EncodedLen()), nil }
	return strict1(charge, size, func(_ *frame, v value.Value) (value.Value, error) {
		if v.Kind() == value.KindBuffer {
			return of(v.Octets()), nil
		}
		b := v.AsUInt().Bytes()
		slices.Reverse(b[:])
		return of(b[:]), nil
	})
}
