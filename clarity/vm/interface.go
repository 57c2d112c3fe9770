package vm

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"funai/clarity/check"
	"funai/clarity/types"
)

// What others must know of a contract to be checked is kept beside it, so that the loading of one contract does not need
// those that it calls to be checked again, and in turn those that they call: its functions, the traits that it defines, the
// traits that it says it implements. All are in the order of their names, but arguments and what is implemented in theirs;
// counts and lengths are 4 bytes, big-endian.

// Bounds of what others must know, in bytes. The types of functions may be much longer than the text that they come from.
const (
	maxInterface  = 1 << 20  // of one contract
	maxInterfaces = 16 << 20 // of all contracts that one is checked against
)

// accesses number the kinds of function.
var accesses = []check.Access{check.Public, check.ReadOnly, check.Private}

// encodeInterface writes what others must know of a contract. It stops soon after maxInterface.
func encodeInterface(a *check.Analysis) []byte {
	b := appendFunctions(nil, a.Functions)
	b = appendCount(b, len(a.Traits))
	for _, name := range slices.Sorted(maps.Keys(a.Traits)) {
		b = appendFunctions(appendString(b, name), a.Traits[name].Functions)
	}
	b = appendCount(b, len(a.Implements))
	for _, id := range a.Implements {
		b = appendString(appendString(b, id.Contract), id.Name)
	}
	return b
}

func appendCount(b []byte, n int) []byte { return binary.BigEndian.AppendUint32(b, uint32(n)) }

func appendString(b []byte, s string) []byte { return append(appendCount(b, len(s)), s...) }

func appendFunctions(b []byte, fs map[string]check.Function) []byte {
	b = appendCount(b, len(fs))
	for _, name := range slices.Sorted(maps.Keys(fs)) {
		if len(b) > maxInterface {
			return b
		}
		f := fs[name]
		b = append(appendString(b, name), byte(slices.Index(accesses, f.Access)))
		b = appendCount(b, len(f.Args))
		for _, p := range f.Args {
			b = appendType(appendString(b, p.Name), p.Type)
		}
		b = appendType(b, f.Result)
	}
	return b
}

func appendType(b []byte, t *types.Type) []byte {
	b = append(b, byte(t.Kind()))
	switch t.Kind() {
	case types.KindBuffer, types.KindASCII, types.KindUTF8:
		b = appendCount(b, int(t.Len()))
	case types.KindList:
		b = appendType(appendCount(b, int(t.Len())), t.Elem())
	case types.KindOptional:
		b = appendType(b, t.Elem())
	case types.KindResponse:
		b = appendType(appendType(b, t.Elem()), t.Err())
	case types.KindTuple:
		b = appendCount(b, len(t.Fields()))
		for _, field := range t.Fields() {
			if len(b) > maxInterface {
				return b
			}
			b = appendType(appendString(b, field.Name), field.Type)
		}
	case types.KindTrait:
		b = appendString(appendString(b, t.Trait().Contract), t.Trait().Name)
	case types.KindContract:
		b = appendCount(b, len(t.Contracts()))
		for _, c := range t.Contracts() {
			b = appendString(b, c)
		}
	default: // the kind says all
	}
	return b
}

// interfaceReader reads what encodeInterface wrote. After its first error it reads zeros.
type interfaceReader struct {
	b   []byte
	err error
}

func (r *interfaceReader) fail(format string, a ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: interface: %w", errStored, fmt.Errorf(format, a...))
	}
	r.b = nil
}

func (r *interfaceReader) take(n int) []byte {
	if n > len(r.b) {
		r.fail("%d bytes wanted, %d there", n, len(r.b))
		return make([]byte, min(n, 4))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

// count reads a number of things, each of which takes a byte or more.
func (r *interfaceReader) count() int {
	n := int(binary.BigEndian.Uint32(r.take(4)))
	if n > len(r.b) {
		r.fail("%d things in %d bytes", n, len(r.b))
		return 0
	}
	return n
}

func (r *interfaceReader) text() string { return string(r.take(r.count())) }

// decodeInterface sets in an Analysis what encodeInterface wrote.
func decodeInterface(b []byte, a *check.Analysis) error {
	r := &interfaceReader{b: b}
	a.Functions = r.functions()
	a.Traits = make(map[string]check.Trait)
	for range r.count() {
		name := r.text()
		a.Traits[name] = check.Trait{ID: types.TraitID{Contract: a.ID.String(), Name: name}, Functions: r.functions()}
	}
	for range r.count() {
		contract := r.text()
		a.Implements = append(a.Implements, types.TraitID{Contract: contract, Name: r.text()})
	}
	if len(r.b) > 0 {
		r.fail("%d bytes too many", len(r.b))
	}
	return r.err
}

func (r *interfaceReader) functions() map[string]check.Function {
	out := make(map[string]check.Function)
	for range r.count() {
		name, access := r.text(), int(r.take(1)[0])
		if access >= len(accesses) {
			r.fail("access %d", access)
			break
		}
		f := check.Function{Access: accesses[access]}
		for range r.count() {
			p := types.Field{Name: r.text()}
			p.Type = r.typ(0)
			f.Args = append(f.Args, p)
		}
		f.Result = r.typ(0)
		out[name] = f
	}
	return out
}

// maxTypeDepth is far above how deep types may nest, which their constructors see to.
const maxTypeDepth = 64

// typ reads a type; it is None after an error.
func (r *interfaceReader) typ(depth int) *types.Type {
	if depth > maxTypeDepth {
		r.fail("a type more than %d deep", maxTypeDepth)
		return types.None
	}
	t, err := r.typeOf(types.Kind(r.take(1)[0]), depth+1)
	if err != nil {
		r.fail("%w", err)
	}
	if r.err != nil {
		return types.None
	}
	return t
}

func (r *interfaceReader) typeOf(k types.Kind, depth int) (*types.Type, error) {
	length := func() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
	switch k {
	case types.KindNone:
		return types.None, nil
	case types.KindInt:
		return types.Int, nil
	case types.KindUInt:
		return types.UInt, nil
	case types.KindBool:
		return types.Bool, nil
	case types.KindPrincipal:
		return types.Principal, nil
	case types.KindBuffer:
		return types.Buffer(length())
	case types.KindASCII:
		return types.ASCII(length())
	case types.KindUTF8:
		return types.UTF8(length())
	case types.KindList:
		n := length()
		return types.List(r.typ(depth), n)
	case types.KindOptional:
		return types.LooseOptional(r.typ(depth)), nil
	case types.KindResponse:
		ok := r.typ(depth)
		return types.Response(ok, r.typ(depth))
	case types.KindTuple:
		fields := make([]types.Field, r.count())
		for i := range fields {
			fields[i].Name = r.text()
			fields[i].Type = r.typ(depth)
		}
		return types.Tuple(fields)
	case types.KindTrait:
		contract := r.text()
		return types.Trait(types.TraitID{Contract: contract, Name: r.text()}), nil
	case types.KindContract:
		names := make([]string, r.count())
		for i := range names {
			names[i] = r.text()
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("a contract without a name")
		}
		return types.ContractLiteral(names[0], names[1:]...), nil
	}
	return nil, fmt.Errorf("kind %d of type", k)
}
