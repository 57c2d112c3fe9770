// Package tx holds the transactions of the inference chain and their exact bytes: what a transaction says and whether it
// is well formed and signed, never what it does. It imports amount and key only. The envelope, its signing and the
// transfer payload are SIP-005's, so wallets and libraries made for that format sign our transactions unchanged; payloads
// 0x20 and up are ours (whitepaper, sections 3 and 5).
package tx

import (
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"

	"funai/amount"
	"funai/key"
)

var (
	// ErrMalformed says that bytes, or the fields of a transaction, break a rule of the format.
	ErrMalformed = errors.New("malformed transaction")
	// ErrUnsupported says that a transaction uses a part of SIP-005 that this network does not take.
	ErrUnsupported = errors.New("unsupported transaction")
)

// MaxBytes bounds an encoded transaction, so that no peer or client makes a node hold more for one.
const MaxBytes = 64 << 10

// Chain ids are "FAI" and one byte whose highest bit is that of the network's version byte.
const (
	ChainIDMain uint32 = 0x46414900
	ChainIDDev  uint32 = 0x46414980
)

// Version bytes of SIP-005: the chains where coins have value, and all others.
const (
	VersionMain byte = 0x00
	VersionTest byte = 0x80
)

// Anchor modes and post-condition modes of SIP-005. They mean nothing here, but are signed, so all are kept.
const (
	AnchorOnChain  byte = 1
	AnchorOffChain byte = 2
	AnchorAny      byte = 3

	PostConditionAllow byte = 1
	PostConditionDeny  byte = 2
)

// The one form of authorization taken: standard, one P2PKH key, compressed (SIP-005, "Transaction Authorization").
const (
	authStandard  byte = 0x04
	modeP2PKH     byte = 0x00
	keyCompressed byte = 0x00
)

// ID is a transaction's id: SHA-512/256 of its bytes.
type ID [32]byte

// String is hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID reads 64 hexadecimal digits.
func ParseID(s string) (id ID, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("%w: %.80q is no id of 64 hexadecimal digits", ErrMalformed, s)
	}
	return ID(b), nil
}

// Tx is one transaction. Signer is whom it acts for; whether Signature is theirs, Verify says.
type Tx struct {
	Version           byte
	ChainID           uint32
	Signer            key.Hash160
	Nonce             uint64
	Fee               amount.Amount // base units (1e-8 FAI)
	Signature         key.Signature
	AnchorMode        byte
	PostConditionMode byte
	Payload           Payload
}

// New makes an unsigned transaction for a chain, with nonce and fee zero.
func New(chainID uint32, p Payload) *Tx {
	return &Tx{
		Version:           VersionOf(chainID),
		ChainID:           chainID,
		AnchorMode:        AnchorAny,
		PostConditionMode: PostConditionDeny,
		Payload:           p,
	}
}

// VersionOf is the version byte of the network with a chain id of ours.
func VersionOf(chainID uint32) byte { return byte(chainID) & VersionTest }

// AddressVersion is the c32check version of the single-signature addresses that go with a transaction version.
func AddressVersion(version byte) byte {
	if version == VersionMain {
		return key.VersionMain
	}
	return key.VersionTest
}

// ID returns the transaction's id. It covers the signature, so it is known once the transaction is signed.
func (t *Tx) ID() ID { return sha512.Sum512_256(t.Encode()) }

// Nonceless says that the transaction uses up no nonce of its signer: the state takes each such statement once only.
func (t *Tx) Nonceless() bool {
	switch t.Payload.(type) {
	case *Receipt, *Held, *Seal, *Opening:
		return true
	}
	return false
}

// Check says whether the fields make a transaction that Decode would take. It does not look at the signature.
func (t *Tx) Check() error {
	if err := t.checkFields(); err != nil {
		return err
	}
	return checkSize(len(t.Encode()))
}

func (t *Tx) checkFields() error {
	if t.Version != VersionMain && t.Version != VersionTest {
		return fmt.Errorf("%w: version 0x%02x is neither 0x%02x nor 0x%02x", ErrMalformed, t.Version, VersionMain, VersionTest)
	}
	if t.AnchorMode < AnchorOnChain || t.AnchorMode > AnchorAny {
		return fmt.Errorf("%w: anchor mode %d is not 1, 2 or 3", ErrMalformed, t.AnchorMode)
	}
	if t.PostConditionMode != PostConditionAllow && t.PostConditionMode != PostConditionDeny {
		return fmt.Errorf("%w: post-condition mode %d is not 1 or 2", ErrMalformed, t.PostConditionMode)
	}
	if t.Payload == nil {
		return fmt.Errorf("%w: no payload", ErrMalformed)
	}
	// Otherwise the signer could give one statement many ids.
	if t.Nonceless() && (t.Nonce != 0 || t.Fee != 0) {
		return fmt.Errorf("%w: payload 0x%02x takes nonce 0 and fee 0, not %d and %v", ErrMalformed, t.Payload.Type(), t.Nonce, t.Fee)
	}
	return t.Payload.check()
}

func checkSize(n int) error {
	if n > MaxBytes {
		return fmt.Errorf("%w: %d bytes exceed %d", ErrMalformed, n, MaxBytes)
	}
	return nil
}
