package vm

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"math/big"

	"filippo.io/edwards25519"
	"github.com/btcsuite/btcd/address/v2"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	secp256k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// cryptoBuiltins work with keys and signatures.
var cryptoBuiltins = map[string]builtin{
	"secp256k1-recover?":    {since: types.Clarity1, compile: ahead(cost.Secp256k1Recover, recoverKey, sized(32))},
	"secp256k1-verify":      {since: types.Clarity1, compile: ahead(cost.Secp256k1Verify, verifySecp256k1, sized(32), recoverable, sized(33))},
	"secp256r1-verify":      {since: types.Clarity4, compile: compileSecp256r1},
	"principal-of?":         {since: types.Clarity1, compile: compilePrincipalOf},
	"secp256k1-decompress?": {since: types.Clarity6, compile: strict1(cost.Secp256k1Decompress, nil, decompress)},
	"ed25519-verify": {since: types.Clarity6, compile: strict(cost.Ed25519Verify, func(vs []value.Value) (uint64, error) {
		return uint64(vs[0].Len()), nil
	}, verifyEd25519)},
}

// look looks at an argument before the next is evaluated. If it is done, the form answers false at once.
type look func(v value.Value) (done bool, err error)

// sized holds a buffer to its exact length, which types do not say.
func sized(n int) look {
	return func(v value.Value) (bool, error) { return false, exactly(v, n) }
}

// recoverable is done with what is no signature of 64 bytes, nor one with a recovery id behind them.
func recoverable(v value.Value) (bool, error) {
	sig := v.Octets()
	return len(sig) != 64 && (len(sig) != 65 || sig[64] > 3), nil
}

// whole is done with what is no signature of 64 bytes.
func whole(v value.Value) (bool, error) { return v.Len() != 64, nil }

// ahead is a special form that is charged before its arguments are evaluated from left to right, each looked at as soon as
// it is known, and that only looks at them. The arguments lie on the run's stack.
func ahead(charge cost.Function, apply func(f *frame, args []value.Value) (value.Value, error), looks ...look) func(*compiler, *syntax.Expr) (code, error) {
	return func(c *compiler, call *syntax.Expr) (code, error) {
		lead := c.takeLead()
		codes := make([]code, len(args(call)))
		for i, e := range args(call) {
			var err error
			if codes[i], _, err = c.borrow(e); err != nil {
				return nil, err
			}
		}
		price, err := c.runtime(charge, 0)
		if err != nil {
			return nil, err
		}
		lead += price
		return func(f *frame) (value.Value, error) {
			if err := f.meter.Run(lead); err != nil {
				return value.None, limit(err)
			}
			vs := f.push(len(codes))
			for i, x := range codes {
				v, err := x(f)
				if err != nil {
					return value.None, err
				}
				if i < len(looks) {
					if done, err := looks[i](v); err != nil || done {
						f.pop(len(codes))
						return value.False, err
					}
				}
				vs[i] = v
			}
			out, err := apply(f, vs)
			f.pop(len(codes))
			return out, err
		}, nil
	}
}

// exactly holds a buffer to a length.
func exactly(v value.Value, n int) error {
	if v.Len() != n {
		return fault(Unchecked, "a buffer of %d bytes is not of %d", v.Len(), n)
	}
	return nil
}

// recoverKey is secp256k1-recover?: err u2 if the signature is no 65 bytes that end in a recovery id, err u1 if no key made it.
func recoverKey(_ *frame, vs []value.Value) (value.Value, error) {
	hash, sig := vs[0].Octets(), vs[1].Octets()
	if len(sig) != 65 || sig[64] > 3 {
		return value.Err(value.UInt64(2)), nil
	}
	const uncompressed = 27 // what the library's format adds to a recovery id
	compact := append([]byte{uncompressed + sig[64]}, sig[:64]...)
	if key, _, err := secp256k1ecdsa.RecoverCompact(compact, hash); err == nil {
		return value.Ok(value.Buffer(key.SerializeCompressed())), nil
	}
	return value.Err(value.UInt64(1)), nil
}

// verifySecp256k1 is secp256k1-verify. The signature may have a recovery id; S may be above half the order.
func verifySecp256k1(_ *frame, vs []value.Value) (value.Value, error) {
	hash, sig := vs[0].Octets(), vs[1].Octets()
	var r, s secp256k1.ModNScalar
	if r.SetByteSlice(sig[:32]) || s.SetByteSlice(sig[32:64]) {
		return value.False, nil
	}
	key, err := secp256k1.ParsePubKey(vs[2].Octets())
	return value.Bool(err == nil && secp256k1ecdsa.NewSignature(&r, &s).Verify(hash, key)), nil
}

// compileSecp256r1 compiles secp256r1-verify. In Clarity 4 it hashes what it is given once more; later versions do not.
func compileSecp256r1(c *compiler, call *syntax.Expr) (code, error) {
	again := c.version < types.Clarity5
	return ahead(cost.Secp256r1Verify, func(_ *frame, vs []value.Value) (value.Value, error) {
		hash, sig := vs[0].Octets(), vs[1].Octets()
		if again {
			h := sha256.Sum256(hash)
			hash = h[:]
		}
		x, y := elliptic.UnmarshalCompressed(elliptic.P256(), vs[2].Octets())
		if x == nil {
			return value.False, nil
		}
		var point [65]byte // 4, x, y: the form that the library reads
		point[0] = 4
		x.FillBytes(point[1:33])
		y.FillBytes(point[33:])
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point[:])
		r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
		return value.Bool(err == nil && ecdsa.Verify(key, hash, r, s)), nil
	}, sized(32), whole, sized(33))(c, call)
}

// decompress is secp256k1-decompress?: err u1 for what is no key.
func decompress(_ *frame, a value.Value) (value.Value, error) {
	if err := exactly(a, 33); err != nil {
		return value.None, err
	}
	if key, err := secp256k1.ParsePubKey(a.Octets()); err == nil {
		return value.Ok(value.Buffer(key.SerializeUncompressed())), nil
	}
	return value.Err(value.UInt64(1)), nil
}

// verifyEd25519 is ed25519-verify, by RFC 8032 and without keys and signatures of small order, which say nothing.
func verifyEd25519(_ *frame, vs []value.Value) (value.Value, error) {
	if err := exactly(vs[1], ed25519.SignatureSize); err != nil {
		return value.None, err
	}
	if err := exactly(vs[2], ed25519.PublicKeySize); err != nil {
		return value.None, err
	}
	message, sig, key := vs[0].Octets(), vs[1].Octets(), vs[2].Octets()
	return value.Bool(ed25519.Verify(key, message, sig) && !ofSmallOrder(key) && !ofSmallOrder(sig[:32])), nil
}

func ofSmallOrder(point []byte) bool {
	p, err := new(edwards25519.Point).SetBytes(point)
	return err != nil || p.MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 1
}

// compilePrincipalOf compiles principal-of?, the address of a key: err u1 for what is no key. In Clarity 1 it is one of the
// test network always.
func compilePrincipalOf(c *compiler, call *syntax.Expr) (code, error) {
	early := c.version < types.Clarity2
	return ahead(cost.PrincipalOf, func(f *frame, vs []value.Value) (value.Value, error) {
		key := vs[0].Octets()
		if _, err := secp256k1.ParsePubKey(key); err == nil {
			version := singleKey(f.env.Mainnet() && !early)
			return value.Ok(value.OfPrincipal(value.Principal{Version: version, Hash: [20]byte(address.Hash160(key))})), nil
		}
		return value.Err(value.UInt64(1)), nil
	}, sized(33))(c, call)
}
