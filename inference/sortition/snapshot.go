package sortition

import (
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"funai/amount"
	"funai/key"
	"funai/vrf"
)

// Registration is a valid registration; Height and Index are how commits name it.
type Registration struct {
	Height uint32
	Index  uint16
	Actor  key.Hash160
	VRF    vrf.PublicKey
	Signer key.Hash160
}

// Commit is a commit that counts: of a registration, with the right payments.
type Commit struct {
	Height uint32
	Index  uint16
	Actor  key.Hash160
	TxID   chainhash.Hash
	CommitData
	Amount amount.Amount // paid to the seats together, or burned in the bootstrap; never zero
	Late   bool          // it missed its intended height: it is no candidate and counts in the window only
}

// Candidate is a commit that stood for election.
type Candidate struct {
	Commit
	Weight amount.Amount
	First  [32]byte // its range of the draw, big-endian, both ends included
	Last   [32]byte
}

// Snapshot is the outcome of one ledger block: what it registered, committed, elected, staked and minted.
type Snapshot struct {
	Height           uint32
	Hash, Prev       chainhash.Hash // of the ledger block and the one before
	Time             time.Time      // of the ledger block, in whole seconds, UTC
	S                [32]byte       // the chain of seeds after this election; what the winner's VRF proof is over
	ConsensusHash    [20]byte
	Registrations    []Registration
	Commits          []Commit    // that count, in block order, late ones included
	Candidates       []Candidate // heaviest first, ties in block order
	Winner           int         // index into Candidates; -1: nobody was elected
	Stakes           []StakeOp
	Mints            []MintOp
	LastWinnerHeight uint32   // of the latest election with a winner, this one included; 0: none yet
	LastSeed         [32]byte // that winner's commit's seed; zeros if none yet
}
