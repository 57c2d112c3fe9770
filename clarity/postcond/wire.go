package postcond

import (
	"encoding/binary"
	"errors"
	"fmt"

	"funai/clarity/value"
	"funai/clarity/vm"
)

// MaxConditions is how many conditions a transaction may have.
const MaxConditions = 1024

// The ways in which bytes can fail to be conditions.
var (
	ErrShort   = errors.New("bytes end early")
	ErrMode    = errors.New("unknown mode")
	ErrKind    = errors.New("unknown kind of post-condition")
	ErrOwner   = errors.New("unknown kind of principal")
	ErrCode    = errors.New("code does not fit the kind of post-condition")
	ErrName    = errors.New("not a name")
	ErrVersion = errors.New("not a version of a principal")
	ErrTooMany = errors.New("too many post-conditions")
)

// What stands before a principal (SIP-005).
const (
	ownerOrigin   = 1
	ownerStandard = 2
	ownerContract = 3
)

// Append writes the conditions as a transaction carries them: mode (1 byte), number (4 bytes), conditions. Numbers are
// big-endian. The error is one of those of Decode: nothing is written that Decode does not read.
func Append(b []byte, cs Conditions) ([]byte, error) {
	if cs.Mode < Allow || cs.Mode > Originator {
		return nil, fmt.Errorf("%w: %v", ErrMode, cs.Mode)
	}
	if len(cs.List) > MaxConditions {
		return nil, fmt.Errorf("%w: %d of at most %d", ErrTooMany, len(cs.List), MaxConditions)
	}
	b = binary.BigEndian.AppendUint32(append(b, byte(cs.Mode)), uint32(len(cs.List)))
	for i, c := range cs.List {
		var err error
		if b, err = c.append(b); err != nil {
			return nil, fmt.Errorf("post-condition %d: %w", i, err)
		}
	}
	return b, nil
}

func (c Condition) append(b []byte) ([]byte, error) {
	if c.Kind > NFT {
		return nil, fmt.Errorf("%w: %d", ErrKind, c.Kind)
	}
	if !c.Code.legal(c.Kind) {
		return nil, fmt.Errorf("%w: %v for kind %d", ErrCode, c.Code, c.Kind)
	}
	b, err := c.Owner.append(append(b, byte(c.Kind)))
	if err != nil {
		return nil, err
	}
	if c.Kind != Coins {
		if b, err = appendContract(b, c.Asset.Contract); err != nil {
			return nil, err
		}
		if b, err = appendName(b, c.Asset.Name, value.ValidName); err != nil {
			return nil, err
		}
	}
	if c.Kind == NFT {
		if b, err = value.AppendEncode(b, c.ID); err != nil {
			return nil, err
		}
		return append(b, byte(c.Code)), nil
	}
	return binary.BigEndian.AppendUint64(append(b, byte(c.Code)), c.Amount), nil
}

func (o Owner) append(b []byte) ([]byte, error) {
	switch {
	case !o.named:
		return append(b, ownerOrigin), nil
	case o.principal.Contract != "":
		return appendContract(append(b, ownerContract), o.principal)
	case o.principal.Version > maxVersion:
		return nil, fmt.Errorf("%w: %d", ErrVersion, o.principal.Version)
	}
	return append(append(b, ownerStandard, o.principal.Version), o.principal.Hash[:]...), nil
}

func appendContract(b []byte, p value.Principal) ([]byte, error) {
	if p.Version > maxVersion {
		return nil, fmt.Errorf("%w: %d", ErrVersion, p.Version)
	}
	return appendName(append(append(b, p.Version), p.Hash[:]...), p.Contract, value.ValidContractName)
}

func appendName(b []byte, name string, valid func(string) bool) ([]byte, error) {
	if !valid(name) {
		return nil, fmt.Errorf("%w: %.60q", ErrName, name)
	}
	return append(append(b, byte(len(name))), name...), nil
}

// maxVersion is the greatest version of a principal: it is one character of an address.
const maxVersion = 31

// Decode reads the conditions at the beginning of b, and returns how many bytes they take. The error wraps one of those
// above or a *value.DecodeError, and says at which condition.
func Decode(b []byte) (cs Conditions, n int, err error) {
	d := decoder{b: b}
	mode, err := d.byte()
	if err != nil {
		return cs, 0, err
	}
	if cs.Mode = Mode(mode); cs.Mode < Allow || cs.Mode > Originator {
		return cs, 0, fmt.Errorf("%w: %#02x", ErrMode, mode)
	}
	raw, err := d.take(4)
	if err != nil {
		return cs, 0, err
	}
	count := binary.BigEndian.Uint32(raw)
	if count > MaxConditions {
		return cs, 0, fmt.Errorf("%w: %d of at most %d", ErrTooMany, count, MaxConditions)
	}
	for i := range count {
		c, err := d.condition()
		if err != nil {
			return cs, 0, fmt.Errorf("post-condition %d: %w", i, err)
		}
		cs.List = append(cs.List, c)
	}
	return cs, d.at, nil
}

type decoder struct {
	b  []byte
	at int
}

func (d *decoder) take(n int) ([]byte, error) {
	if len(d.b)-d.at < n {
		return nil, fmt.Errorf("%w: %d of %d at byte %d", ErrShort, len(d.b)-d.at, n, d.at)
	}
	d.at += n
	return d.b[d.at-n : d.at], nil
}

func (d *decoder) byte() (byte, error) {
	b, err := d.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (d *decoder) condition() (c Condition, err error) {
	kind, err := d.byte()
	if err != nil {
		return c, err
	}
	if c.Kind = Kind(kind); c.Kind > NFT {
		return c, fmt.Errorf("%w: %d", ErrKind, kind)
	}
	if c.Owner, err = d.owner(); err != nil {
		return c, err
	}
	if c.Kind != Coins {
		if c.Asset, err = d.asset(); err != nil {
			return c, err
		}
	}
	if c.Kind == NFT {
		var n int
		if c.ID, n, err = value.DecodePrefix(d.b[d.at:]); err != nil {
			return c, err
		}
		d.at += n
	}
	code, err := d.byte()
	if err != nil {
		return c, err
	}
	if c.Code = Code(code); !c.Code.legal(c.Kind) {
		return c, fmt.Errorf("%w: %v for kind %d", ErrCode, c.Code, c.Kind)
	}
	if c.Kind != NFT {
		raw, err := d.take(8)
		if err != nil {
			return c, err
		}
		c.Amount = binary.BigEndian.Uint64(raw)
	}
	return c, nil
}

func (d *decoder) owner() (o Owner, err error) {
	kind, err := d.byte()
	if err != nil {
		return o, err
	}
	switch kind {
	case ownerOrigin:
		return Origin, nil
	case ownerStandard:
		p, err := d.standard()
		return Named(p), err
	case ownerContract:
		p, err := d.contract()
		return Named(p), err
	}
	return o, fmt.Errorf("%w: %d", ErrOwner, kind)
}

func (d *decoder) standard() (p value.Principal, err error) {
	raw, err := d.take(1 + len(p.Hash))
	if err != nil {
		return p, err
	}
	if raw[0] > maxVersion {
		return p, fmt.Errorf("%w: %d", ErrVersion, raw[0])
	}
	p.Version = raw[0]
	copy(p.Hash[:], raw[1:])
	return p, nil
}

func (d *decoder) contract() (p value.Principal, err error) {
	if p, err = d.standard(); err == nil {
		p.Contract, err = d.name(value.ValidContractName)
	}
	return p, err
}

func (d *decoder) asset() (a vm.Asset, err error) {
	if a.Contract, err = d.contract(); err == nil {
		a.Name, err = d.name(value.ValidName)
	}
	return a, err
}

func (d *decoder) name(valid func(string) bool) (string, error) {
	n, err := d.byte()
	if err != nil {
		return "", err
	}
	raw, err := d.take(int(n))
	if err != nil {
		return "", err
	}
	if name := string(raw); valid(name) {
		return name, nil
	}
	return "", fmt.Errorf("%w: %.60q", ErrName, raw)
}
