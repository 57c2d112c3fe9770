package vm

import (
	"crypto/sha256"
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
	keyContract  = 'c' // headerBytes: the version, the epoch of deployment, the SHA-256 of source and constants (see digest)
	keyInterface = 'i' // see encodeInterface
	keySource    = 'C' // the source text
	keyConstants = 'k' // each constant in the order of names: length (1) and name, size (4), length (4) and encoding
)

const headerBytes = 2 + sha256.Size

// cacheKey is all that the compiling of a contract depends on.
type cacheKey struct {
	id      value.Principal
	header  [headerBytes]byte
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
func (c *contract) save(s Store) ([]byte, error) {
	constants, err := c.encodeConstants()
	if err != nil {
		return nil, err
	}
	hash := digest([]byte(c.source), constants)
	h := append([]byte{byte(c.version), byte(c.analysis.Epoch)}, hash[:]...)
	s.Put(contractKey(keyContract, c.id), h)
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
	header, err := header(s, id)
	if err != nil || header == nil {
		return nil, err
	}
	key := cacheKey{id, [headerBytes]byte(header), epoch, mainnet}
	if c, ok := m.cache.Get(key); ok {
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
	if digest(source, constants) != [sha256.Size]byte(header[2:]) {
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
	m.cache.Add(key, c)
	return c, nil
}

// header reads a contract's first record; nil if there is no such contract.
func header(s Reader, id value.Principal) ([]byte, error) {
	b, err := s.Get(contractKey(keyContract, id))
	if err == nil && b != nil && len(b) != headerBytes {
		return nil, fmt.Errorf("%w: %v: header of %d bytes, not %d", errStored, id, len(b), headerBytes)
	}
	return b, err
}

// interfaces finds what others must know of the contracts in a store, and remembers it.
type interfaces struct {
	store Reader
	found map[value.Principal]*check.Analysis
}

func newInterfaces(s Reader) *interfaces {
	return &interfaces{s, make(map[value.Principal]*check.Analysis)}
}

// Analysis returns nil if there is no such contract.
func (k *interfaces) Analysis(id value.Principal) (*check.Analysis, error) {
	if a := k.found[id]; a != nil {
		return a, nil
	}
	h, err := header(k.store, id)
	if err != nil || h == nil {
		return nil, err
	}
	b, err := k.store.Get(contractKey(keyInterface, id))
	if err != nil {
		return nil, err
	}
	a := &check.Analysis{ID: id, Version: types.Version(h[0]), Epoch: types.Epoch(h[1])}
	if err := decodeInterface(b, a); err != nil {
		return nil, fmt.Errorf("%v: %w", id, err)
	}
	k.found[id] = a
	return a, nil
}

// prepare parses, checks and compiles a contract for an epoch; its constants have no values yet.
func (m *VM) prepare(s Reader, source string, o check.Options, epoch types.Epoch) (*contract, error) {
	o.Ledger = m.config.Ledger
	o.Contracts = newInterfaces(s)
	p, err := syntax.Parse(source, syntax.Options{Version: o.Version, Epoch: o.Epoch})
	if err != nil {
		return nil, err
	}
	a, err := check.Contract(p, o)
	if err != nil {
		return nil, err
	}
	return compile(source, a, epoch, o.Ledger)
}
