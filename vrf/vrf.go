// Package vrf is the verifiable random function ECVRF-EDWARDS25519-SHA512-TAI of RFC 9381 (section 5, suite 0x03): a
// keyed hash that only the key's owner can compute and anyone can check. It does no I/O and imports nothing of the
// project; curve arithmetic is filippo.io/edwards25519's. Whatever involves the secret key runs in constant time;
// the input alpha is public and hashed to the curve by trial, in variable time.
package vrf

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"

	"filippo.io/edwards25519"
)

var (
	// ErrKey says that bytes are no public key that proofs can be checked by (RFC 9381, section 5.4.5).
	ErrKey = errors.New("vrf: bad public key")
	// ErrProof says that a proof is malformed, or doesn't hold for the key and input given.
	ErrProof = errors.New("vrf: bad proof")
)

type (
	// PublicKey is an Ed25519 public key (RFC 8032, section 5.1.5).
	PublicKey [32]byte
	// Proof is the point gamma (32), the challenge c (16) and the scalar s (32).
	Proof [80]byte
	// Output is the pseudo-random value that a proof stands for.
	Output [64]byte
)

// String is hexadecimal.
func (k PublicKey) String() string { return hex.EncodeToString(k[:]) }

// String is hexadecimal.
func (p Proof) String() string { return hex.EncodeToString(p[:]) }

// String is hexadecimal.
func (o Output) String() string { return hex.EncodeToString(o[:]) }

// Domain separators of RFC 9381, section 5.4 and 5.5: the suite, then one for each use of the hash.
const (
	suite         = 0x03
	encodeToCurve = 0x01
	challenge     = 0x02
	proofToHash   = 0x03
	end           = 0x00
	challengeLen  = 16
)

// PrivateKey is a secret key. It prints as its public half.
type PrivateKey struct {
	x      *edwards25519.Scalar
	prefix [32]byte // second half of the hashed seed, from which nonces come
	public PublicKey
}

// NewKey expands a 32-byte seed, which must be secret and uniformly random, as Ed25519 does (RFC 8032, section 5.1.5).
func NewKey(seed [32]byte) *PrivateKey {
	h := sha512.Sum512(seed[:])
	x, err := new(edwards25519.Scalar).SetBytesWithClamping(h[:32])
	if err != nil {
		return nil // fails for other lengths than 32 only
	}
	k := &PrivateKey{x: x, prefix: [32]byte(h[32:])}
	copy(k.public[:], new(edwards25519.Point).ScalarBaseMult(x).Bytes())
	return k
}

// Public returns the public half.
func (k *PrivateKey) Public() PublicKey { return k.public }

// String keeps the secret out of logs.
func (k *PrivateKey) String() string { return "vrf key of " + k.public.String() }

// GoString keeps the secret out of logs.
func (k *PrivateKey) GoString() string { return k.String() }

// Prove makes the proof for an input (RFC 9381, section 5.1). It is deterministic.
func (k *PrivateKey) Prove(alpha []byte) (pi Proof) {
	h := hashToCurve(k.public, alpha)
	if h == nil {
		return pi // for one input in 2^256 there is no point; Verify refuses this proof
	}
	gamma := new(edwards25519.Point).ScalarMult(k.x, h)
	n := k.nonce(h.Bytes())
	u, v := new(edwards25519.Point).ScalarBaseMult(n), new(edwards25519.Point).ScalarMult(n, h)
	c := challengeOf(k.public, h, gamma, u, v)
	copy(pi[:32], gamma.Bytes())
	copy(pi[32:48], c[:])
	copy(pi[48:], new(edwards25519.Scalar).MultiplyAdd(c.scalar(), k.x, n).Bytes())
	return pi
}

// nonce is RFC 9381, section 5.4.2.2, after RFC 8032.
func (k *PrivateKey) nonce(h []byte) *edwards25519.Scalar {
	d := sha512.New()
	d.Write(k.prefix[:])
	d.Write(h)
	n, err := new(edwards25519.Scalar).SetUniformBytes(d.Sum(nil))
	if err != nil {
		return edwards25519.NewScalar() // fails for other lengths than 64 only
	}
	return n
}

// Verify checks a proof against a key and an input and returns the output that it stands for (RFC 9381, section 5.3,
// with key validation). The error wraps ErrKey or ErrProof.
func Verify(pub PublicKey, alpha []byte, pi Proof) (out Output, err error) {
	y, err := pub.point()
	if err != nil {
		return out, err
	}
	gamma, c, s, err := pi.decode()
	if err != nil {
		return out, err
	}
	h := hashToCurve(pub, alpha)
	if h == nil {
		return out, fmt.Errorf("%w: the input has no point on the curve", ErrProof)
	}
	minus := new(edwards25519.Scalar).Negate(c.scalar())
	u := new(edwards25519.Point).VarTimeDoubleScalarBaseMult(minus, y, s) // s*B - c*Y
	v := new(edwards25519.Point).VarTimeMultiScalarMult(                  // s*H - c*gamma
		[]*edwards25519.Scalar{s, minus}, []*edwards25519.Point{h, gamma})
	if got := challengeOf(pub, h, gamma, u, v); got != c {
		return out, fmt.Errorf("%w: its challenge is %x, not %x", ErrProof, c, got)
	}
	return output(gamma), nil
}

// ProofHash returns the output that a proof stands for without checking the proof (RFC 9381, section 5.2): for proofs
// of one's own, or verified before.
func ProofHash(pi Proof) (out Output, err error) {
	gamma, _, _, err := pi.decode()
	if err != nil {
		return out, err
	}
	return output(gamma), nil
}

// Validate says whether proofs can be checked by a key: it is a point of the curve, in its one encoding, and not of small
// order. The error wraps ErrKey.
func (k PublicKey) Validate() error {
	_, err := k.point()
	return err
}

// point is string_to_point and ECVRF_validate_key, RFC 9381, section 5.4.5.
func (k PublicKey) point() (*edwards25519.Point, error) {
	y := decodePoint(k[:])
	if y == nil {
		return nil, fmt.Errorf("%w: %v is no point of the curve", ErrKey, k)
	}
	if isIdentity(new(edwards25519.Point).MultByCofactor(y)) {
		return nil, fmt.Errorf("%w: %v has small order", ErrKey, k)
	}
	return y, nil
}

// decode is RFC 9381, section 5.4.4.
func (p Proof) decode() (gamma *edwards25519.Point, c challengeBytes, s *edwards25519.Scalar, err error) {
	if gamma = decodePoint(p[:32]); gamma == nil {
		return nil, c, nil, fmt.Errorf("%w: gamma %x is no point of the curve", ErrProof, p[:32])
	}
	if s, err = new(edwards25519.Scalar).SetCanonicalBytes(p[48:]); err != nil {
		return nil, c, nil, fmt.Errorf("%w: s %x is not below the group's order", ErrProof, p[48:])
	}
	return gamma, challengeBytes(p[32:48]), s, nil
}

// hashToCurve is encode_to_curve by try-and-increment, RFC 9381, section 5.4.1.1, with the public key as salt. It
// returns nil if none of the 256 counters gives a point.
func hashToCurve(pub PublicKey, alpha []byte) *edwards25519.Point {
	d := sha512.New()
	for ctr := range 256 {
		d.Reset()
		d.Write([]byte{suite, encodeToCurve})
		d.Write(pub[:])
		d.Write(alpha)
		d.Write([]byte{byte(ctr), end})
		if p := decodePoint(d.Sum(nil)[:32]); p != nil {
			if p.MultByCofactor(p); !isIdentity(p) {
				return p
			}
		}
	}
	return nil
}

// challengeBytes is a challenge, little-endian.
type challengeBytes [challengeLen]byte

// challengeOf is RFC 9381, section 5.4.3.
func challengeOf(pub PublicKey, points ...*edwards25519.Point) challengeBytes {
	d := sha512.New()
	d.Write([]byte{suite, challenge})
	d.Write(pub[:])
	for _, p := range points {
		d.Write(p.Bytes())
	}
	d.Write([]byte{end})
	return challengeBytes(d.Sum(nil)[:challengeLen])
}

func (c challengeBytes) scalar() *edwards25519.Scalar {
	var b [32]byte
	copy(b[:], c[:])
	s, err := new(edwards25519.Scalar).SetCanonicalBytes(b[:])
	if err != nil {
		return edwards25519.NewScalar() // fails above the group's order only, and this is below 2^128
	}
	return s
}

func output(gamma *edwards25519.Point) (out Output) {
	d := sha512.New()
	d.Write([]byte{suite, proofToHash})
	d.Write(new(edwards25519.Point).MultByCofactor(gamma).Bytes())
	d.Write([]byte{end})
	d.Sum(out[:0])
	return out
}

// decodePoint is RFC 8032, section 5.1.3: unlike the library it refuses encodings other than a point's own, which would
// give one key or proof several forms. It returns nil for those and for what is no point.
func decodePoint(b []byte) *edwards25519.Point {
	p, err := new(edwards25519.Point).SetBytes(b)
	if err != nil || !bytes.Equal(p.Bytes(), b) {
		return nil
	}
	return p
}

func isIdentity(p *edwards25519.Point) bool { return p.Equal(edwards25519.NewIdentityPoint()) == 1 }
