package tx

import (
	"encoding/binary"
	"fmt"

	"funai/amount"
	"funai/key"
)

// Payload types. TypeTransfer is SIP-005's; it leaves the numbers from 0x20 to us.
const (
	TypeTransfer byte = 0x00
	TypeOpen     byte = 0x20
	TypeReceipt  byte = 0x21
	TypeHeld     byte = 0x22
	TypeSeal     byte = 0x23
	TypeOpening  byte = 0x24
	TypeLock     byte = 0x25
	TypeUnlock   byte = 0x26
	TypeConflict byte = 0x27
)

// Payload is what a transaction says: one of the pointer types of this package.
type Payload interface {
	// Type is the byte that names the payload's kind.
	Type() byte

	check() error
	append(b []byte, version byte) []byte
	read(r *reader, version byte)
}

// newPayload returns an empty payload of a type, or nil for a type this network does not take.
func newPayload(kind byte) Payload {
	switch kind {
	case TypeTransfer:
		return new(Transfer)
	case TypeOpen:
		return new(Open)
	case TypeReceipt:
		return new(Receipt)
	case TypeHeld:
		return new(Held)
	case TypeSeal:
		return new(Seal)
	case TypeOpening:
		return new(Opening)
	case TypeLock:
		return new(Lock)
	case TypeUnlock:
		return new(Unlock)
	case TypeConflict:
		return new(Conflict)
	}
	return nil
}

// principalStandard begins an address in a payload (SIP-005, Clarity value type 0x05).
const principalStandard byte = 0x05

// Transfer pays Amount (base units) to an address. The memo is for people and programs; the chain does not read it.
type Transfer struct {
	To     key.Hash160
	Amount amount.Amount
	Memo   [34]byte
}

// Type is TypeTransfer.
func (*Transfer) Type() byte { return TypeTransfer }

func (*Transfer) check() error { return nil }

func (p *Transfer) append(b []byte, version byte) []byte {
	b = append(b, principalStandard, AddressVersion(version))
	b = append(b, p.To[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Amount))
	return append(b, p.Memo[:]...)
}

func (p *Transfer) read(r *reader, version byte) {
	r.want(principalStandard, "recipient's principal type")
	r.want(AddressVersion(version), "recipient's address version")
	r.fill(p.To[:])
	p.Amount = amount.Amount(r.uint64())
	r.fill(p.Memo[:])
}

// Kinds of locked coins.
const (
	LockStake byte = 1 // of a verification node: it stands for a seat
	LockBond  byte = 2 // of a server: it answers for its receipts
)

// Lock moves Amount (base units) from the signer's balance into their stake or bond.
type Lock struct {
	Kind   byte
	Amount amount.Amount
	Signer key.Hash160 // of the key that signs for the seat; zero in a bond
}

// Type is TypeLock.
func (*Lock) Type() byte { return TypeLock }

func (p *Lock) check() error {
	if p.Kind == LockBond && !p.Signer.IsZero() {
		return fmt.Errorf("%w: a bond names the seat's signer %v", ErrMalformed, p.Signer)
	}
	return checkKind(p.Kind)
}

func (p *Lock) append(b []byte, _ byte) []byte {
	b = append(b, p.Kind)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Amount))
	return append(b, p.Signer[:]...)
}

func (p *Lock) read(r *reader, _ byte) {
	p.Kind = r.byte()
	p.Amount = amount.Amount(r.uint64())
	r.fill(p.Signer[:])
}

// Unlock asks for Amount (base units) of the signer's stake or bond back.
type Unlock struct {
	Kind   byte
	Amount amount.Amount
}

// Type is TypeUnlock.
func (*Unlock) Type() byte { return TypeUnlock }

func (p *Unlock) check() error { return checkKind(p.Kind) }

func (p *Unlock) append(b []byte, _ byte) []byte {
	return binary.BigEndian.AppendUint64(append(b, p.Kind), uint64(p.Amount))
}

func (p *Unlock) read(r *reader, _ byte) {
	p.Kind = r.byte()
	p.Amount = amount.Amount(r.uint64())
}

func checkKind(kind byte) error {
	if kind != LockStake && kind != LockBond {
		return fmt.Errorf("%w: lock of kind %d is neither stake (%d) nor bond (%d)", ErrMalformed, kind, LockStake, LockBond)
	}
	return nil
}
