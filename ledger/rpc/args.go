package rpc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
)

// Args are a call's parameters by position. Those left out of a call by name are nil, and none are missing at the end.
type Args []json.RawMessage

// absent says whether a parameter was left out, which null stands for too.
func (a Args) absent(i int) bool {
	return i >= len(a) || len(a[i]) == 0 || bytes.Equal(bytes.TrimSpace(a[i]), []byte("null"))
}

// Has says whether parameter i was given, other than as null.
func (a Args) Has(i int) bool { return !a.absent(i) }

// typeError says that a parameter is of the wrong type.
type typeError struct {
	text string
	at   int // position; -1: within a parameter
}

func (e *typeError) Error() string { return e.text }

// Arg is parameter i, or def if it is absent or null. One of another type than T is an *Error with CodeType.
func Arg[T any](a Args, i int, def T) (T, error) {
	if a.absent(i) {
		return def, nil
	}
	v, err := Decode[T](a[i])
	return v, at(err, i)
}

// Need is parameter i, which the method cannot do without: its absence is answered with the method's help, under CodeMisc
// as in Bitcoin Core.
func Need[T any](a Args, i int, name string) (T, error) {
	if a.absent(i) {
		var zero T
		return zero, fmt.Errorf("%w: %s is missing", errUsage, name)
	}
	v, err := Decode[T](a[i])
	return v, at(err, i)
}

// Set unmarshals parameter i, if it is there, into a value that already holds its defaults.
func Set[T any](a Args, i int, to *T) error {
	if a.absent(i) {
		return nil
	}
	return at(unmarshal(a[i], to), i)
}

// Options is Set for a struct of options. What has a name that the struct has no field for, in just this spelling, is an
// *Error with CodeType, as in Bitcoin Core: an option that is silently left out could cost money.
func Options[T any](a Args, i int, to *T) error {
	if a.absent(i) {
		return nil
	}
	named, err := Decode[map[string]json.RawMessage](a[i])
	if err != nil {
		return at(err, i)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" { // of a struct whose fields are among the options, as it is embedded
			delete(named, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		return Errorf(CodeType, "Unexpected key %s", clip(name))
	}
	return Set(a, i, to)
}

// at says of which parameter an error tells, if it is one of a wrong type.
func at(err error, i int) error {
	if e, ok := errors.AsType[*typeError](err); ok {
		return &typeError{e.text, i}
	}
	return err
}

// Decode is a value in JSON, such as one within a parameter. Errors are those of Arg.
func Decode[T any](raw json.RawMessage) (v T, err error) {
	err = unmarshal(raw, &v)
	return v, err
}

func unmarshal(raw json.RawMessage, to any) error {
	err := json.Unmarshal(raw, to)
	var e *Error
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e): // a type's own idea of what is wrong with it
		return e
	case errors.As(err, &kind):
		if strings.HasPrefix(kind.Value, "number ") {
			return Errorf(CodeMisc, "JSON integer out of range")
		}
		text := fmt.Sprintf("JSON value of type %s is not of expected type %s", jsonType(kind.Value), goType(kind.Type))
		if kind.Field != "" {
			return Errorf(CodeType, "%s for %s", text, kind.Field)
		}
		return &typeError{text, -1}
	default:
		return Errorf(CodeType, "%v", err)
	}
}

// jsonType is Bitcoin Core's name of a type of JSON value.
func jsonType(t string) string {
	return strings.TrimPrefix(t, "literal ")
}

// goType is the JSON type that a Go type is read from.
func goType(t reflect.Type) string {
	switch t.Kind() { // those that decode from JSON
	case reflect.Bool:
		return "bool"
	case reflect.String:
		return "string"
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.Map, reflect.Struct:
		return "object"
	case reflect.Pointer:
		return goType(t.Elem())
	default:
		return "number"
	}
}

// Hash is parameter i, the id of a block or transaction in the byte order that people see. It may not be absent.
func Hash(a Args, i int, name string) (chainhash.Hash, error) {
	s, err := Need[string](a, i, name)
	if err != nil {
		return chainhash.Hash{}, err
	}
	return ParseHash(name, s)
}

// ParseHash reads the id of a block or transaction; an error tells of it under its name.
func ParseHash(name, s string) (h chainhash.Hash, err error) {
	if len(s) != 2*chainhash.HashSize {
		return h, Errorf(CodeInvalidParameter, "%s must be of length %d (not %d, for '%s')", name, 2*chainhash.HashSize, len(s), clip(s))
	}
	if err := chainhash.Decode(&h, s); err != nil {
		return h, Errorf(CodeInvalidParameter, "%s must be hexadecimal string (not '%s')", name, s)
	}
	return h, nil
}

// ParseHex reads bytes; an error tells of them under their name.
func ParseHex(name, s string) ([]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, Errorf(CodeInvalidParameter, "%s must be hexadecimal string (not '%s')", name, clip(s))
	}
	return b, nil
}

// Verbosity is parameter i, a number or a bool that stands for 0 or 1.
func Verbosity(a Args, i, def int) (int, error) {
	if a.absent(i) {
		return def, nil
	}
	if b, err := Decode[bool](a[i]); err == nil {
		if b {
			return 1, nil
		}
		return 0, nil
	}
	return Decode[int](a[i])
}

// clip keeps an answer that repeats what was asked short.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
