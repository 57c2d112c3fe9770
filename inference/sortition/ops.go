package sortition

import (
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/key"
	"funai/vrf"
)

// IntendedModulus is what a commit gives its intended ledger height modulo, so that one that lands up to four blocks
// late is told from one in time. Stacks' commits have the same number.
const IntendedModulus = 5

// Intended is the form in which a commit carries the ledger height that it is meant for.
func Intended(height uint32) uint8 { return uint8(height % IntendedModulus) }

// Block is a ledger block with the outputs that it spends, as the ledger's updates give it.
type Block struct {
	Hash, Prev chainhash.Hash
	Height     uint32
	Time       time.Time
	Txs        []*wire.MsgTx
	Spent      [][]*wire.TxOut // Spent[i][j] is the output spent by input j of Txs[i]; Spent[0], the coinbase's, is empty
}

// RegisterData is what a registration says: operation 'R'.
type RegisterData struct {
	ConsensusHash [20]byte // of a recent snapshot, which binds the registration to a ledger fork
	VRF           vrf.PublicKey
	Signer        key.Hash160 // of the key that will sign blocks
}

// CommitData is what a commit says: operation 'C'.
type CommitData struct {
	Block        BlockID  // the last inference block known, to build on
	Seed         [32]byte // SeedOf the VRF output in the first block of the tenure it builds on
	RegHeight    uint32   // where the actor's registration lies: ledger height,
	RegIndex     uint16   // and transaction in that block
	ParentHeight uint32   // where the commit that elected the tenure built on lies; zeros if none
	ParentIndex  uint16
	Intended     uint8 // Intended(height) of the ledger block it is meant for
}

// SeedOf is the seed that commits building on a tenure carry: the first half of the VRF output in its first block.
func SeedOf(o vrf.Output) [32]byte { return [32]byte(o[:32]) }

// RegisterOp is a well-formed registration, not yet checked against snapshots.
type RegisterOp struct {
	Index uint16 // of the transaction in its block
	Actor key.Hash160
	RegisterData
}

// CommitOp is a well-formed commit, not yet checked against snapshots and the cycle set.
type CommitOp struct {
	Index uint16
	Actor key.Hash160
	TxID  chainhash.Hash
	CommitData
	Outs []*wire.TxOut // all the transaction's outputs; what counts as paid depends on the cycle set
}

// StakeOp is a stake made on the ledger: operation 'S'.
type StakeOp struct {
	Index  uint16
	Actor  key.Hash160 // whose stake grows
	TxID   chainhash.Hash
	Signer key.Hash160
	Amount amount.Amount // burned on the ledger, credited as stake; never zero
}

// MintOp moves FAI to the inference chain: operation 'M'.
type MintOp struct {
	Index  uint16
	Actor  key.Hash160
	TxID   chainhash.Hash
	To     key.Hash160   // the inference address credited
	Amount amount.Amount // burned on the ledger; never zero
}

// Ops are a ledger block's well-formed operations, each kind in block order.
type Ops struct {
	Hash, Prev    chainhash.Hash
	Height        uint32
	Time          time.Time
	Registrations []RegisterOp
	Commits       []CommitOp
	Stakes        []StakeOp
	Mints         []MintOp
}
