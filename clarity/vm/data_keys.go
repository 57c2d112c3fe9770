package vm

import (
	"crypto/sha256"

	"funai/clarity/value"
)

// What package vm keeps in a Store under which key. A key is one byte for the kind, then the contract (version, 20 bytes of
// hash, length of its name, name), then for all but the contract itself the length of a name within it and the name, then
// what is said below. Values are in consensus encoding (SIP-005) unless something else is said.
const (
	keyVariable = 'v' // a data variable
	keyEntry    = 'm' // an entry of a map, empty if it was deleted; then the entry's key
	keyCap      = 'F' // the greatest supply of a fungible token, if it has one: 16 bytes, big-endian
	keySupply   = 's' // the supply of a fungible token, likewise
	keyTokens   = 'f' // a balance of a fungible token, likewise; then the owner
	keyNFT      = 'n' // the owner of a non-fungible token; then its identifier
	keyCoins    = 'b' // coins of a principal, see Coins; instead of a contract the principal, no name
	keyCoinSum  = 'B' // all coins there are; nothing follows
)

// maxInlineKey is how long the encoding of a map's key or a token's identifier may be to stand in a store's key as it is.
// Of a longer one it is the SHA-256, after a byte that begins no encoding.
const (
	maxInlineKey = 64
	hashedKey    = 0xff
)

// appendPrincipal writes a principal so that none is the beginning of another.
func appendPrincipal(b []byte, p value.Principal) []byte {
	b = append(b, p.Version)
	b = append(b, p.Hash[:]...)
	b = append(b, byte(len(p.Contract)))
	return append(b, p.Contract...)
}

// storeKey is the key of what a contract keeps under a name. It has no capacity beyond its length, so that appending to it
// makes a copy.
func storeKey(kind byte, contract value.Principal, name string) []byte {
	b := appendPrincipal(make([]byte, 0, 25+len(contract.Contract)+len(name)), contract)
	k := make([]byte, 0, len(b)+2+len(name))
	k = append(append(k, kind), b...)
	k = append(append(k, byte(len(name))), name...)
	return k[:len(k):len(k)]
}

// entryKey is the key of what a contract keeps under a name and an encoded value.
func entryKey(prefix, encoded []byte) []byte {
	if len(encoded) <= maxInlineKey {
		return append(prefix, encoded...)
	}
	h := sha256.Sum256(encoded)
	return append(append(prefix, hashedKey), h[:]...)
}

// ownerKey is the key of what a contract keeps under a name and a principal.
func ownerKey(prefix []byte, p value.Principal) []byte { return appendPrincipal(prefix, p) }

// amount reads an amount of 16 bytes; none is zero.
func (r *run) amount(key []byte) (n value.Uint128, err error) {
	b, err := r.store.Get(key)
	if err != nil || b == nil {
		return n, err
	}
	return decodeAmount(b)
}

// putAmount writes an amount, zero as nothing.
func (r *run) putAmount(key []byte, n value.Uint128) { putAmount(r.store, key, n) }

func putAmount(s Store, key []byte, n value.Uint128) {
	if n.IsZero() {
		s.Delete(key)
		return
	}
	b := n.Bytes()
	s.Put(key, b[:])
}

func decodeAmount(b []byte) (n value.Uint128, err error) {
	if len(b) != 16 {
		return n, bug("an amount of %d bytes, not 16", len(b))
	}
	return value.Uint128FromBytes([16]byte(b)), nil
}
