package vm

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"funai/clarity/check"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// How a contract is kept in a Store: under four keys, which go on with its principal (see data_keys.go).
const (
	keyContract  = 'c' // headerBytes: see header
	keyInterface = 'i' // see encodeInterface
	keySource    = 'C' // the source text
	keyConstants = 'k' // each constant in the order of names: length (1) and name, size (4), length (4) and encoding
)

// header is a contract's first record: the version, the epoch of deployment, the SHA-256 of source and constants (see digest),
// that of the interfaces that it was checked against (see interfaces.digest), and the SHA-512/256 of the source alone, which
// contract-hash? answers.
type header [headerBytes]byte

// Where the parts of a header begin.
const (
	headerDigest = 2
	headerUses   = headerDigest + sha256.Size
	headerHash   = headerUses + sha256.Size
	headerBytes  = headerHash + sha512.Size256
)

// cacheKey is all that the compiling of a contract depends on.
type cacheKey struct {
	id      value.Principal
	header  header
	epoch   types.Epoch
	mainnet bool
}

// errStored is the error of a contract in the Store that no VM can have put there.
var errStored = errors.New("stored contract is damaged")

// digest is the SHA-256 of the length of the source (8 bytes, big-endian), the source and the constants.
func digest(source, constants []byte) [sha256.Size]byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(len(source)))
	return sha256.Sum256(slices.Concat(b, source, constants))
}

func contractKey(kind byte, id value.Principal) []byte { return appendPrincipal([]byte{kind}, id) }

// save writes a contract that was deployed, and returns its header.
func (c *contract) save(s Store) (h header, err error) {
	constants, err := c.encodeConstants()
	if err != nil {
		return h, err
	}
	contents, hash := digest([]byte(c.source), constants), sha512.Sum512_256([]byte(c.source))
	h[0], h[1] = byte(c.version), byte(c.analysis.Epoch)
	copy(h[headerDigest:], contents[:])
	copy(h[headerUses:], c.uses[:])
	copy(h[headerHash:], hash[:])
	s.Put(contractKey(keyContract, c.id), h[:])
	s.Put(contractKey(keyInterface, c.id), encodeInterface(c.analysis))
	s.Put(contractKey(keySource, c.id), []byte(c.source))
	s.Put(contractKey(keyConstants, c.id), constants)
	return h, nil
}

func (c *contract) encodeConstants() ([]byte, error) {
	out := []byte{}
	for _, name := range slices.Sorted(maps.Keys(c.constants)) {
		k := c.constants[name]
		v, err := value.Encode(k.value)
		if err != nil {
			return nil, err
		}
		out = append(append(out, byte(len(name))), name...)
		out = binary.BigEndian.AppendUint32(out, k.size)
		out = binary.BigEndian.AppendUint32(out, uint32(len(v)))
		out = append(out, v...)
	}
	return out, nil
}

// decodeConstants sets the contract's constants.
func (c *contract) decodeConstants(b []byte) error {
	for len(b) > 0 {
		n := int(b[0])
		if len(b) < 1+n+8 {
			return fmt.Errorf("%w: constants end early", errStored)
		}
		k := c.constants[string(b[1:1+n])]
		if k == nil {
			return fmt.Errorf("%w: no constant %q", errStored, b[1:1+n])
		}
		b = b[1+n:]
		size, length := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
		if b = b[8:]; uint32(len(b)) < length {
			return fmt.Errorf("%w: a constant ends early", errStored)
		}
		v, err := value.Decode(b[:length])
		if err != nil {
			return fmt.Errorf("%w: %w", errStored, err)
		}
		k.value, k.size, b = v, size, b[length:]
	}
	return nil
}

// load finds a contract in a store; nil if there is none.
func (m *VM) load(s Reader, id value.Principal, epoch types.Epoch, mainnet bool) (*contract, error) {
	header, there, err := readHeader(s, id)
	if err != nil || !there {
		return nil, err
	}
	key := cacheKey{id, header, epoch, mainnet}
	if c, ok := m.cache.get(key); ok {
		return c, nil
	}
	source, err := s.Get(contractKey(keySource, id))
	if err != nil {
		return nil, err
	}
	constants, err := s.Get(contractKey(keyConstants, id))
	if err != nil {
		return nil, err
	}
	if digest(source, constants) != [sha256.Size]byte(header[headerDigest:]) {
		return nil, fmt.Errorf("%w: %v: not of its hash", errStored, id)
	}
	o := check.Options{ID: id, Version: types.Version(header[0]), Epoch: types.Epoch(header[1]), Mainnet: mainnet}
	c, err := m.prepare(s, string(source), o, epoch)
	if err != nil {
		return nil, fmt.Errorf("load %v: %w", id, err)
	}
	if err := c.decodeConstants(constants); err != nil {
		return nil, fmt.Errorf("load %v: %w", id, err)
	}
	if c.uses != [sha256.Size]byte(header[headerUses:]) {
		return nil, fmt.Errorf("%w: %v: contracts that it calls are others than when it was deployed", errStored, id)
	}
	c.weigh()
	m.cache.add(key, c)
	return c, nil
}

// readHeader reads a contract's first record; there is false if there is no such contract.
func readHeader(s Reader, id value.Principal) (h header, there bool, err error) {
	b, err := s.Get(contractKey(keyContract, id))
	switch {
	case err != nil || b == nil:
		return h, false, err
	case len(b) != headerBytes:
		return h, false, fmt.Errorf("%w: %v: header of %d bytes, not %d", errStored, id, len(b), headerBytes)
	}
	return header(b), true, nil
}

// interfaces finds what others must know of the contracts in a store, and remembers it.
type interfaces struct {
	store  Reader
	found  map[value.Principal]*check.Analysis
	hashes map[value.Principal][sha256.Size]byte // of what was found
	bytes  int                                   // of all that was found
}

func newInterfaces(s Reader) *interfaces {
	return &interfaces{store: s, found: make(map[value.Principal]*check.Analysis), hashes: make(map[value.Principal][sha256.Size]byte)}
}

// digest is the SHA-256 of all that was found, in the order of principals. On another branch of a chain the contracts that one
// calls may be others, and then so is what it is compiled to.
func (k *interfaces) digest() [sha256.Size]byte {
	var b []byte
	for _, id := range slices.SortedFunc(maps.Keys(k.hashes), comparePrincipals) {
		h := k.hashes[id]
		b = append(appendPrincipal(b, id), h[:]...)
	}
	return sha256.Sum256(b)
}

// Analysis returns nil if there is no such contract.
func (k *interfaces) Analysis(id value.Principal) (*check.Analysis, error) {
	if a := k.found[id]; a != nil {
		return a, nil
	}
	h, there, err := readHeader(k.store, id)
	if err != nil || !there {
		return nil, err
	}
	b, err := k.store.Get(contractKey(keyInterface, id))
	if err != nil {
		return nil, err
	}
	if k.bytes += len(b); k.bytes > maxInterfaces {
		top := syntax.Pos{Line: 1, Column: 1}
		return nil, &check.Diagnostic{Code: check.TooComplex, Span: syntax.Span{Start: top, End: top}, Message: fmt.Sprintf("the interfaces of the contracts that it calls take more than %d bytes", maxInterfaces)}
	}
	a := &check.Analysis{ID: id, Version: types.Version(h[0]), Epoch: types.Epoch(h[1])}
	if err := decodeInterface(b, a); err != nil {
		return nil, fmt.Errorf("%v: %w", id, err)
	}
	k.found[id], k.hashes[id] = a, sha256.Sum256(append(b[:len(b):len(b)], h[:headerDigest]...))
	return a, nil
}

// prepare parses, checks and compiles a contract for an epoch; its constants have no values yet.
func (m *VM) prepare(s Reader, source string, o check.Options, epoch types.Epoch) (*contract, error) {
	o.Ledger = m.config.Ledger
	others := newInterfaces(s)
	o.Contracts = others
	p, err := syntax.Parse(source, syntax.Options{Version: o.Version, Epoch: o.Epoch})
	if err != nil {
		return nil, err
	}
	a, err := check.Contract(p, o)
	if err != nil {
		return nil, err
	}
	c, err := compile(source, a, epoch, o.Ledger)
	if err != nil {
		return nil, err
	}
	c.uses = others.digest()
	return c, nil
}
