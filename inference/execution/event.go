package execution

import (
	"funai/amount"
	"funai/inference/tx"
	"funai/key"
)

// What can happen in a block.
const (
	EventTransfer = "transfer"
	EventStake    = "stake"    // credited from the ledger, or locked here
	EventBond     = "bond"     // locked
	EventMint     = "mint"     // credited from the ledger
	EventUnlock   = "unlock"   // begun
	EventUnlocked = "unlocked" // back in the balance
	EventReward   = "reward"   // of a tenure, issued
	EventOpened   = "opened"
	EventExpired  = "expired"
	EventPacked   = "packed"
	EventSealed   = "sealed"
	EventUnsealed = "unsealed"
	EventSettled  = "settled"
)

// Verdicts, as openings carry them; NoMajority is only an outcome.
const (
	Valid      byte = 1
	Invalid    byte = 2
	Abstain    byte = 3
	NoMajority byte = 4
)

// Payout is one movement of a settlement, and why.
type Payout struct {
	_      struct{} `cbor:",toarray"`
	To     key.Hash160
	Amount amount.Amount
	Role   string // "server", "producer", "seat", "refund", "fine", "burn"
}

// SeatVote is how a seat voted on a result: Valid, Invalid, Abstain, or 0 for a missed vote.
type SeatVote struct {
	_       struct{} `cbor:",toarray"`
	Seat    key.Hash160
	Verdict byte
}

// Event is one thing that a block did, for those who follow the chain: pages, wallets, judges. It is not consensus: two
// nodes agree on events because they agree on states. Fields that a kind doesn't use are zero.
type Event struct {
	_        struct{} `cbor:",toarray"`
	Kind     string
	From, To key.Hash160
	Amount   amount.Amount
	Task     tx.ID
	Receipt  tx.ID
	Pack     [32]byte
	Model    uint32
	Server   key.Hash160
	Output   [32]byte
	In, Out  uint32
	Gas      uint64
	Fee      amount.Amount
	Verdict  byte
	Expiry   uint32
	Votes    []SeatVote
	Payouts  []Payout
}

func (m *Machine) emit(e Event) { m.news = append(m.news, e) }
