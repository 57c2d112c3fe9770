// Package key holds the one secp256k1 key that is a person's only identity on the network: it gives their address on
// each layer and signs for them. It does no I/O but for reading and writing a key file, and imports nothing of the
// project. Signatures are 65 bytes, recovery id first, as in SIP-005; addresses are BIP-173's and SIP-005's.
package key

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

var (
	// ErrSignature says that a signature is malformed, not in its canonical form, or another key's.
	ErrSignature = errors.New("bad signature")
	// ErrKey says that bytes are no key.
	ErrKey = errors.New("bad key")
)

type (
	// Public is a compressed public key.
	Public [33]byte
	// Signature is a recoverable ECDSA signature: recovery id (0 to 3), r, s.
	Signature [65]byte
	// Hash160 is RIPEMD160(SHA256(public key)), what both layers' addresses are made of.
	Hash160 [20]byte
)

// Private is a secret key.
type Private struct {
	k   *secp256k1.PrivateKey
	pub Public
}

func newPrivate(k *secp256k1.PrivateKey) *Private {
	p := &Private{k: k}
	copy(p.pub[:], k.PubKey().SerializeCompressed())
	return p
}

// Generate makes a new key from the system's randomness.
func Generate() (*Private, error) {
	k, err := secp256k1.GeneratePrivateKeyFromRand(rand.Reader)
	if err != nil {
		return nil, err
	}
	return newPrivate(k), nil
}

// FromBytes reads a 32-byte secret, between 1 and the group's order less one.
func FromBytes(b []byte) (*Private, error) {
	var s secp256k1.ModNScalar
	if len(b) != 32 || s.SetByteSlice(b) || s.IsZero() {
		return nil, fmt.Errorf("%w: not a secp256k1 secret of 32 bytes (%d given)", ErrKey, len(b))
	}
	return newPrivate(secp256k1.NewPrivateKey(&s)), nil
}

// Bytes returns the 32-byte secret.
func (p *Private) Bytes() []byte { return p.k.Serialize() }

// Public returns the public half.
func (p *Private) Public() Public { return p.pub }

// String keeps the secret out of logs: it tells the public half.
func (p *Private) String() string { return "private key of " + p.Public().String() }

// GoString keeps the secret out of logs.
func (p *Private) GoString() string { return p.String() }

// Secp256k1 gives the key to libraries that sign by themselves, as a ledger wallet does.
func (p *Private) Secp256k1() *secp256k1.PrivateKey { return p.k }

// Derive returns 32 secret bytes bound to this key and a purpose, for keys of another curve.
func (p *Private) Derive(purpose string) [32]byte {
	return sha256.Sum256(append([]byte("funai/derive/"+purpose+"/"), p.Bytes()...))
}

// Sign signs a hash, deterministically (RFC 6979), with a low S.
func (p *Private) Sign(hash [32]byte) (sig Signature) {
	copy(sig[:], ecdsa.SignCompact(p.k, hash[:], true))
	sig[0] -= 31 // compact signatures of compressed keys count from 27+4
	return sig
}

// Recover returns the key that made a signature. High-S forms are refused, so that nobody can alter a signed message's
// bytes and leave it valid.
func Recover(hash [32]byte, sig Signature) (pub Public, err error) {
	if sig[0] > 3 {
		return pub, fmt.Errorf("%w: recovery id %d exceeds 3", ErrSignature, sig[0])
	}
	var s secp256k1.ModNScalar
	if overflow := s.SetByteSlice(sig[33:]); overflow || s.IsOverHalfOrder() {
		return pub, fmt.Errorf("%w: S is not in the lower half of the order", ErrSignature)
	}
	sig[0] += 31
	k, _, err := ecdsa.RecoverCompact(sig[:], hash[:])
	if err != nil {
		return pub, fmt.Errorf("%w: %v", ErrSignature, err)
	}
	copy(pub[:], k.SerializeCompressed())
	return pub, nil
}

// Verify says whether p made a signature over hash.
func (p Public) Verify(hash [32]byte, sig Signature) error {
	got, err := Recover(hash, sig)
	if err != nil {
		return err
	}
	if got != p {
		return fmt.Errorf("%w: by %v, not by %v", ErrSignature, got, p)
	}
	return nil
}

// ParsePublic reads a compressed public key and checks that it is a point of the curve.
func ParsePublic(b []byte) (pub Public, err error) {
	if len(b) != len(pub) {
		return pub, fmt.Errorf("%w: %d bytes, not %d", ErrKey, len(b), len(pub))
	}
	if _, err := secp256k1.ParsePubKey(b); err != nil {
		return pub, fmt.Errorf("%w: %v", ErrKey, err)
	}
	copy(pub[:], b)
	return pub, nil
}

// Hash160 is the hash that both layers' addresses carry.
func (p Public) Hash160() (h Hash160) {
	copy(h[:], address.Hash160(p[:]))
	return h
}

// String is hexadecimal.
func (p Public) String() string { return hex.EncodeToString(p[:]) }

// String is hexadecimal.
func (h Hash160) String() string { return hex.EncodeToString(h[:]) }

// IsZero tells the hash that stands for "nobody".
func (h Hash160) IsZero() bool { return h == Hash160{} }

// LedgerScript is the P2WPKH output script that pays this hash on the ledger (BIP-141).
func (h Hash160) LedgerScript() []byte { return append([]byte{0x00, 0x14}, h[:]...) }

// FromLedgerScript reads the hash out of a P2WPKH output script.
func FromLedgerScript(script []byte) (h Hash160, ok bool) {
	if len(script) != 22 || !bytes.Equal(script[:2], []byte{0x00, 0x14}) {
		return h, false
	}
	copy(h[:], script[2:])
	return h, true
}
