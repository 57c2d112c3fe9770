// Package vm runs Clarity contracts. A contract is checked, compiled once to closures over numbered slots, and run against
// a Store and an Env that the caller hands in; package vm knows no chain, no clock and no disk.
package vm

import (
	"funai/clarity/cost"
	"funai/clarity/types"
	"funai/clarity/value"
)

// Store holds what contracts keep. The zero length value is a value; nil is none.
type Store interface {
	// Get returns a key's value or nil. The value must not be modified.
	Get(key []byte) ([]byte, error)
	// Put sets a key's value, which the store keeps and nobody may modify.
	Put(key, value []byte)
	Delete(key []byte)
	// Mark names the present moment for Rollback, which undoes every write since. Marks nest.
	Mark() int
	Rollback(mark int)
}

// Reader is the part of a Store that reads.
type Reader interface {
	Get(key []byte) ([]byte, error)
}

// Env is what a contract may know of the chain that it runs on. Its answers are part of consensus: they depend on nothing
// but the block that the transaction is in. A nil answer of a lookup is Clarity's none.
type Env interface {
	ChainID() uint32
	Mainnet() bool // principals of the main network's versions are legal, and those of the test network are not
	Epoch() types.Epoch

	Height() uint64       // of this chain's blocks: stacks-block-height
	TenureHeight() uint64 // of its tenures
	BurnHeight() uint64   // of the ledger, as the tenure sees it
	Time() uint64         // of the block that the transaction is in, seconds since 1970

	// Block is what is known of one of this chain's blocks below Height; nil for none.
	Block(height uint64) (*Block, error)
	// Tenure is what is known of a tenure by a block height in it; nil for none.
	Tenure(height uint64) (*Tenure, error)
	// TenureStart is the height of a tenure's first block; ok is false for a tenure that has not begun. It is what Clarity 1
	// and 2, which since epoch 3.0 count tenures for blocks, mean by a height.
	TenureStart(tenure uint64) (height uint64, ok bool, err error)
	// BurnBlock is what is known of a block of the ledger up to BurnHeight; nil for none.
	BurnBlock(height uint64) (*BurnBlock, error)
	// BurnTx is a transaction of the ledger by the height of its block, up to BurnHeight, and its place in it; nil for none.
	BurnTx(height, index uint64) (*BurnTx, error)

	// At is the state after the block with an id, for at-block; nil if there is no such block.
	At(blockID [32]byte) (Reader, Env, error)
}

// Block is one block of this chain.
type Block struct {
	ID         [32]byte // id-header-hash
	HeaderHash [32]byte
	Time       uint64 // seconds since 1970
	VRFSeed    [32]byte
}

// Tenure is one tenure of this chain.
type Tenure struct {
	BurnHeaderHash    [32]byte
	Miner             value.Principal
	Time              uint64 // seconds since 1970
	VRFSeed           [32]byte
	MinerSpendTotal   value.Uint128
	MinerSpendWinner  value.Uint128
	BlockReward       value.Uint128
	BlockRewardMature bool // BlockReward is final
}

// BurnBlock is one block of the ledger.
type BurnBlock struct {
	HeaderHash       [32]byte // in the order in which it is printed, the reverse of that in which it is hashed
	Header           []byte   // 80 bytes, as hashed
	MerkleRoot       [32]byte // as in Header
	Time             uint64   // seconds since 1970
	TransactionCount uint64
	PoxPayout        value.Uint128 // pox-addrs: what each address was paid
	PoxAddrs         []PoxAddr
}

// PoxAddr is an address on the ledger.
type PoxAddr struct {
	Version   byte
	HashBytes []byte // 20 or 32
}

// BurnTx is one transaction of the ledger.
type BurnTx struct {
	TxID    [32]byte // as hashed
	Outputs []TxOut
}

// TxOut is one output of a ledger transaction.
type TxOut struct {
	Value  uint64 // base units
	Script []byte
}

// Bank moves the chain's own coin, in base units; its changes must be undone by the Store's Rollback.
type Bank interface {
	Balance(p value.Principal) (Balance, error)
	// Supply is how many coins there are, locked ones included: stx-liquid-supply.
	Supply() (value.Uint128, error)
	// Transfer moves unlocked coins; the caller has checked the amount against the balance.
	Transfer(from, to value.Principal, amount value.Uint128) error
	Burn(from value.Principal, amount value.Uint128) error
}

// Balance is an account's coins.
type Balance struct {
	Unlocked     value.Uint128
	Locked       value.Uint128
	UnlockHeight uint64 // of the ledger
}

// Tx is who calls.
type Tx struct {
	Sender  value.Principal
	Caller  value.Principal  // zero is Sender
	Sponsor *value.Principal // tx-sponsor?
	Limit   cost.Cost        // zero is no limit
}

// Result is what a transaction did.
type Result struct {
	Value     value.Value // of a call; of a deployment or a snippet that of the last expression that is no definition
	Valued    bool        // there is a Value: not if all was definitions
	Committed bool        // false if a public function answered err, or the run was aborted: nothing but the cost remains
	Events    []Event
	Cost      cost.Cost
	Memory    uint64   // bytes held at the end, by what was written
	Assets    AssetMap // what left whose hands, for post-conditions
}
