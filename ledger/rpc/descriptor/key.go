package descriptor

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"

	"funai/ledger/consensus"
)

// kinds of keys that a function takes.
type keyKind int

const (
	keyAny keyKind = iota
	keyCompressed
	keyXOnly // 32 bytes, or a compressed key without its first
)

// key is a key expression (BIP-380).
type key struct {
	origin   string // [fingerprint/path], with the brackets; empty: none
	raw      []byte // public key as it is written: 32, 33 or 65 bytes
	private  *btcec.PrivateKey
	extended *hdkeychain.ExtendedKey // instead of raw
	path     []uint32
	suffix   string // the path as it was written, with the range
	ranged   bool
	hardened bool // the range is
}

func parseKey(p *consensus.Params, s string, kind keyKind) (k key, err error) {
	if s == "" {
		return k, refuse("No key provided")
	}
	if s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return k, refuse("Key origin start '[ character expected but not found, got '%c' instead", s[0])
		}
		if k.origin, err = parseOrigin(s[1:end]); err != nil {
			return k, err
		}
		s = s[end+1:]
	}
	if k.raw, err = hex.DecodeString(s); err == nil {
		return k, k.checkRaw(kind)
	}
	if wif, err := btcutil.DecodeWIF(s); err == nil && wif.IsForNet(p.Params) {
		if kind != keyAny && !wif.CompressPubKey {
			return k, refuse("Uncompressed keys are not allowed")
		}
		k.private, k.raw = wif.PrivKey, wif.SerializePubKey()
		if kind == keyXOnly {
			k.raw = k.raw[1:]
		}
		return k, nil
	}
	return k, k.parseExtended(p, s)
}

// parseOrigin checks the fingerprint of a master key and the path from it.
func parseOrigin(s string) (string, error) {
	parts := strings.Split(s, "/")
	if len(parts[0]) != 8 {
		return "", refuse("Fingerprint is not 4 bytes (%d characters instead of 8 characters)", len(parts[0]))
	}
	if _, err := hex.DecodeString(parts[0]); err != nil {
		return "", refuse("Fingerprint '%s' is not hex", parts[0])
	}
	if _, err := parsePath(parts[1:]); err != nil {
		return "", err
	}
	return "[" + s + "]", nil
}

func (k *key) checkRaw(kind keyKind) error {
	var err error
	switch n := len(k.raw); {
	case kind == keyXOnly && n == schnorr.PubKeyBytesLen:
		_, err = schnorr.ParsePubKey(k.raw)
	case n == btcec.PubKeyBytesLenCompressed && k.raw[0] <= 3:
		_, err = btcec.ParsePubKey(k.raw)
		if kind == keyXOnly {
			k.raw = k.raw[1:]
		}
	case n == 65 && k.raw[0] == 4:
		if kind != keyAny {
			return refuse("Uncompressed keys are not allowed")
		}
		_, err = btcec.ParsePubKey(k.raw)
	default:
		return refuse("Pubkey '%x' is invalid", k.raw)
	}
	if err != nil {
		return refuse("Pubkey '%x' is invalid", k.raw)
	}
	return nil
}

func (k *key) parseExtended(p *consensus.Params, s string) (err error) {
	text, path, _ := strings.Cut(s, "/")
	k.extended, err = hdkeychain.NewKeyFromString(text)
	if err != nil || !k.extended.IsForNet(p.Params) {
		return refuse("key '%s' is not valid", text)
	}
	if path == "" {
		return nil
	}
	k.suffix = "/" + path
	steps := strings.Split(path, "/")
	switch steps[len(steps)-1] {
	case "*'", "*h":
		k.hardened = true
		fallthrough
	case "*":
		k.ranged = true
		steps = steps[:len(steps)-1]
	}
	if k.path, err = parsePath(steps); err != nil {
		return err
	}
	if !k.extended.IsPrivate() {
		for _, i := range k.path {
			k.hardened = k.hardened || i >= hdkeychain.HardenedKeyStart
		}
		if k.hardened {
			return refuse("Hardened derivation of a public key is not possible: '%s'", s)
		}
	}
	return nil
}

// maxDepth bounds the steps of a path: an extended key holds its depth in a byte.
const maxDepth = 255

func parsePath(steps []string) (path []uint32, err error) {
	if len(steps) > maxDepth {
		return nil, refuse("Key path of %d steps is longer than %d", len(steps), maxDepth)
	}
	for _, s := range steps {
		number, hardened := strings.CutSuffix(s, "'")
		if !hardened {
			number, hardened = strings.CutSuffix(s, "h")
		}
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || number[0] == '+' {
			return nil, refuse("Key path value '%s' is not a valid uint32", s)
		}
		if n >= hdkeychain.HardenedKeyStart {
			return nil, refuse("Key path value %d is out of range", n)
		}
		if hardened {
			n += hdkeychain.HardenedKeyStart
		}
		path = append(path, uint32(n))
	}
	return path, nil
}

// String is the expression with the public key. Steps after an extended private key stay as they are.
func (k key) String() string {
	if k.extended == nil {
		return k.origin + hex.EncodeToString(k.raw)
	}
	public, err := k.extended.Neuter()
	if err != nil {
		return ""
	}
	return k.origin + public.String() + k.suffix
}

func (k key) secret() bool { return k.extended != nil && k.extended.IsPrivate() }

// size is the bytes of the public key.
func (k key) size() int {
	if k.extended != nil {
		return btcec.PubKeyBytesLenCompressed
	}
	return len(k.raw)
}

// at is the public key, and the private one if it is known, at a number of the range.
func (k key) at(index uint32) (public []byte, private *btcec.PrivateKey, err error) {
	if k.extended == nil {
		return k.raw, k.private, nil
	}
	path := k.path
	if k.ranged {
		if k.hardened {
			index += hdkeychain.HardenedKeyStart
		}
		path = append(path[:len(path):len(path)], index)
	}
	e := k.extended
	for _, i := range path {
		if e, err = e.Derive(i); err != nil {
			return nil, nil, refuse("Cannot derive script without private keys: %v", err)
		}
	}
	pub, err := e.ECPubKey()
	if err != nil {
		return nil, nil, err
	}
	if e.IsPrivate() {
		if private, err = e.ECPrivKey(); err != nil {
			return nil, nil, err
		}
	}
	return pub.SerializeCompressed(), private, nil
}

// plain is the key at a number of the range, with where it comes from as its origin.
func (k key) plain(index uint32) key {
	if k.extended == nil {
		return k
	}
	public, _, err := k.at(index)
	if err != nil {
		return k
	}
	origin := strings.Trim(k.origin, "[]")
	if origin == "" {
		if own, err := k.extended.ECPubKey(); err == nil {
			origin = hex.EncodeToString(address.Hash160(own.SerializeCompressed())[:4])
		}
	}
	path := strings.Replace(k.suffix, "*", strconv.FormatUint(uint64(index), 10), 1)
	return key{origin: "[" + origin + path + "]", raw: public}
}
