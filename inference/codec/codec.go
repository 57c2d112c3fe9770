// Package codec is the one encoding of everything that the inference layer hashes, stores or sends, but for transactions:
// CBOR in its core deterministic form (RFC 8949, section 4.2.1). It imports nothing of the project. A value has exactly
// one encoding here, and bytes that are not it are refused, so two nodes that agree on a value agree on its hash.
package codec

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

var (
	// ErrSize says that the bytes exceed what the caller allows.
	ErrSize = errors.New("codec: too large")
	// ErrDecode says that bytes are no encoding of the wanted type, or not the only one.
	ErrDecode = errors.New("codec: malformed")
)

// Bounds on what a decoder may be made to allocate.
const (
	maxNesting  = 16
	maxElements = 1 << 16
	// What this node itself wrote may be longer: a block's events are as many as the ledger operations since the last one.
	maxOwnElements = 1 << 26
)

var (
	enc = must(encOptions().EncMode())
	dec = must(decOptions(maxElements).DecMode())
	own = must(decOptions(maxOwnElements).DecMode())
)

func decOptions(elements int) cbor.DecOptions {
	return cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:   maxNesting,
		MaxArrayElements:  elements,
		MaxMapPairs:       elements,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // the options above are constants; a test decodes with them
	}
	return v
}

// Encode returns the encoding of v, whose type is one of ours: all of them can be encoded.
func Encode(v any) []byte {
	b, err := enc.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("codec: %T can't be encoded: %v", v, err)) // a type with a channel or a function: a bug, not an input
	}
	return b
}

// Decode reads v from at most limit bytes, all of which must be its encoding.
func Decode(b []byte, limit int, v any) error { return decode(dec, b, limit, v) }

// DecodeOwn is Decode for what this node itself encoded and stored: lists in it may be longer than a peer's.
func DecodeOwn(b []byte, limit int, v any) error { return decode(own, b, limit, v) }

func decode(mode cbor.DecMode, b []byte, limit int, v any) error {
	if len(b) > limit {
		return fmt.Errorf("%w: %d bytes exceed %d", ErrSize, len(b), limit)
	}
	if err := mode.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %v", ErrDecode, err)
	}
	if again, err := enc.Marshal(v); err != nil || !bytes.Equal(again, b) {
		return fmt.Errorf("%w: not in deterministic form", ErrDecode)
	}
	return nil
}

// encOptions are those of RFC 8949's core deterministic encoding; an empty slice and none are one value.
func encOptions() cbor.EncOptions {
	o := cbor.CoreDetEncOptions()
	o.NilContainers = cbor.NilContainerAsEmpty
	return o
}
