package hdkey

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/txscript/v2"

	"funai/ledger/consensus"
)

// ErrKey says that an extended key is malformed, another network's, or not an account's.
var ErrKey = errors.New("bad extended key")

// Type is a kind of address.
type Type uint8

// The kinds of address, with the BIP that says how their keys are derived.
const (
	P2WPKH Type = iota // BIP-84, m/84'/coin'/0'
	P2TR               // BIP-86, m/86'/coin'/0'
)

// Types lists all kinds.
var Types = []Type{P2WPKH, P2TR}

// String is Bitcoin Core's name for the kind in getnewaddress.
func (t Type) String() string {
	if t == P2TR {
		return "bech32m"
	}
	return "bech32"
}

// purpose is the first level of the kind's path (BIP-43).
func (t Type) purpose() uint32 {
	if t == P2TR {
		return 86
	}
	return 84
}

// Chain is the last level but one of a path (BIP-44).
type Chain uint32

// The two chains of an account.
const (
	Receive Chain = 0 // addresses that are given to others
	Change  Chain = 1 // addresses that the wallet pays itself
)

// Chains lists both.
var Chains = []Chain{Receive, Change}

const hardened = hdkeychain.HardenedKeyStart

// MaxIndex is the last address of a chain (BIP-32: 2^31 children that are not hardened).
const MaxIndex = hardened - 1

// Path is where a key stands: account 0 of Type, then Chain and Index.
type Path struct {
	Type  Type
	Chain Chain
	Index uint32
}

// CoinType is the second level of paths on a network (SLIP-44): 1 on every test network. On main it is 4001, which SLIP-44
// has registered for nobody; wallets of other makes need to be told it.
func CoinType(p *consensus.Params) uint32 { return p.HDCoinType }

// Indices is the whole BIP-32 path of a key, hardened levels with their high bit set.
func (p Path) Indices(coinType uint32) []uint32 {
	return []uint32{hardened + p.Type.purpose(), hardened + coinType, hardened, uint32(p.Chain), p.Index}
}

// FormatPath writes a BIP-32 path, such as m/84h/1h/0h/0/0: hardened levels with h, as Bitcoin Core's descriptors do.
func FormatPath(indices []uint32) string {
	b := []byte("m")
	for _, i := range indices {
		b = strconv.AppendUint(append(b, '/'), uint64(i&^hardened), 10)
		if i >= hardened {
			b = append(b, 'h')
		}
	}
	return string(b)
}

// Accounts is what derives a wallet's addresses: the extended key of account 0 of each kind. It is public, unless it came
// from Private; then it also signs, and its owner must Zero it after use.
type Accounts struct {
	net *consensus.Params
	// Fingerprint is the first four bytes of the master key's hash, as BIP-174 writes them (little-endian number).
	Fingerprint uint32
	keys        [2]*hdkeychain.ExtendedKey
	chains      [2][2]*hdkeychain.ExtendedKey // public, of Receive and Change
	parents     [2][2]string                  // their descriptors
}

// Private derives the accounts of a seed.
func Private(seed []byte, net *consensus.Params) (*Accounts, error) {
	master, err := hdkeychain.NewMaster(seed, net.Params)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrKey, err)
	}
	defer master.Zero()
	pub, err := master.ECPubKey()
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrKey, err)
	}
	a := &Accounts{net: net, Fingerprint: fingerprint(pub)}
	for _, t := range Types {
		if a.keys[t], err = derive(master, hardened+t.purpose(), hardened+CoinType(net), hardened); err != nil {
			a.Zero()
			return nil, err
		}
	}
	if err := a.deriveChains(); err != nil {
		a.Zero()
		return nil, err
	}
	return a, nil
}

// Public reads the accounts of their two serialized public keys (xpub), in the order of Types.
func Public(net *consensus.Params, fingerprint uint32, xpubs [2]string) (*Accounts, error) {
	a := &Accounts{net: net, Fingerprint: fingerprint}
	for i, s := range xpubs {
		k, err := hdkeychain.NewKeyFromString(s)
		if err != nil {
			return nil, fmt.Errorf("%w: %v", ErrKey, err)
		}
		if k.IsPrivate() || !k.IsForNet(net.Params) || k.Depth() != 3 || k.ChildIndex() != hardened {
			return nil, fmt.Errorf("%w: not the public key of account 0 on network %s", ErrKey, net.Name)
		}
		a.keys[i] = k
	}
	return a, a.deriveChains()
}

func fingerprint(pub *btcec.PublicKey) uint32 {
	h := address.Hash160(pub.SerializeCompressed())
	return uint32(h[0]) | uint32(h[1])<<8 | uint32(h[2])<<16 | uint32(h[3])<<24
}

// derive goes down a path. Keys in between are wiped. It uses Derive, which follows BIP-32; hdkeychain's older
// DeriveNonStandard drops leading zeros.
func derive(k *hdkeychain.ExtendedKey, path ...uint32) (*hdkeychain.ExtendedKey, error) {
	for n, i := range path {
		child, err := k.Derive(i)
		if n > 0 {
			k.Zero()
		}
		if err != nil {
			return nil, fmt.Errorf("%w: child %d: %v", ErrKey, i, err)
		}
		k = child
	}
	return k, nil
}

func (a *Accounts) deriveChains() error {
	for _, t := range Types {
		pub, err := a.keys[t].Neuter()
		if err != nil {
			return fmt.Errorf("%w: %v", ErrKey, err)
		}
		for _, c := range Chains {
			if a.chains[t][c], err = pub.Derive(uint32(c)); err != nil {
				return fmt.Errorf("%w: chain %d: %v", ErrKey, c, err)
			}
			a.parents[t][c] = withChecksum(t, fmt.Sprintf("%s%s/%d/*", a.origin(Path{Type: t}, 3), pub, c))
		}
	}
	return nil
}

// Net is the network.
func (a *Accounts) Net() *consensus.Params { return a.net }

// XPubs are the accounts' serialized public keys, in the order of Types.
func (a *Accounts) XPubs() (xpubs [2]string, err error) {
	for i, k := range a.keys {
		pub, err := k.Neuter()
		if err != nil {
			return xpubs, fmt.Errorf("%w: %v", ErrKey, err)
		}
		xpubs[i] = pub.String()
	}
	return xpubs, nil
}

// Zero wipes the private keys; the accounts are of no use after it.
func (a *Accounts) Zero() {
	for _, k := range a.keys {
		if k != nil {
			k.Zero()
		}
	}
}

// Key is a public key of the wallet and what pays it.
type Key struct {
	Path
	PubKey *btcec.PublicKey // of the path itself; P2TR outputs pay it tweaked (BIP-341)
	Script []byte           // output script
}

// Key derives a public key. hdkeychain.ErrInvalidChild (a chance below 1 in 2^127) means that the index has none.
func (a *Accounts) Key(p Path) (Key, error) {
	child, err := a.chains[p.Type][p.Chain].Derive(p.Index)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %s: %w", ErrKey, FormatPath(p.Indices(CoinType(a.net))), err)
	}
	pub, err := child.ECPubKey()
	if err != nil {
		return Key{}, fmt.Errorf("%w: %v", ErrKey, err)
	}
	return Key{p, pub, script(p.Type, pub)}, nil
}

// PrivateKey derives a secret key, of the path itself. Its owner must Zero it after use.
func (a *Accounts) PrivateKey(p Path) (*btcec.PrivateKey, error) {
	if !a.keys[p.Type].IsPrivate() {
		return nil, fmt.Errorf("%w: %v", ErrKey, hdkeychain.ErrNotPrivExtKey)
	}
	chain, err := a.keys[p.Type].Derive(uint32(p.Chain))
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrKey, err)
	}
	defer chain.Zero()
	child, err := chain.Derive(p.Index)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrKey, err)
	}
	defer child.Zero()
	return child.ECPrivKey()
}

func script(t Type, pub *btcec.PublicKey) []byte {
	if t == P2TR {
		x := schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(pub))
		return append([]byte{txscript.OP_1, txscript.OP_DATA_32}, x...)
	}
	return append([]byte{txscript.OP_0, txscript.OP_DATA_20}, address.Hash160(pub.SerializeCompressed())...)
}
