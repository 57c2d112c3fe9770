package api

import (
	"encoding/json"
	"time"

	"funai/amount"
)

// All amounts are integers of base units (1e-8 FAI); the cap of both layers, 2.1e15, fits a JavaScript number exactly.
// Hashes and ids are lower-case hex, ledger hashes in the ledger's display order. Addresses are those of the layer they
// stand for: bech32 on the ledger, c32check on the inference chain.

// List is a slice that is [] in JSON when it is nil, never null. Plain slices can be assigned to it.
type List[T any] []T

// MarshalJSON implements json.Marshaler.
func (l List[T]) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]T(l))
}

// Status is the node at a glance.
type Status struct {
	Network   string            `json:"network"` // "main", "test", "dev"
	Version   string            `json:"version"`
	Time      time.Time         `json:"time"` // of the answer
	Ledger    LedgerTip         `json:"ledger"`
	Inference InferenceTip      `json:"inference"`
	Cycle     Cycle             `json:"cycle"`
	Seats     List[Seat]        `json:"seats"`
	Peers     List[Peer]        `json:"peers"`
	Models    List[Model]       `json:"models"`
	Bootstrap Bootstrap         `json:"bootstrap"`
	Own       Own               `json:"own"`
	Names     map[string]string `json:"names"` // address of either layer -> a name to show instead, where the node has one
}

// LedgerTip is where layer 1 stands.
type LedgerTip struct {
	Height     uint32    `json:"height"`
	Hash       string    `json:"hash"`
	Time       time.Time `json:"time"`
	BestHeader uint32    `json:"best_header"` // greater than Height while blocks are missing
	Peers      int       `json:"peers"`
	Mempool    int       `json:"mempool"` // transactions waiting
}

// InferenceTip is where layer 2 stands.
type InferenceTip struct {
	Height       uint64    `json:"height"`
	ID           string    `json:"id"`
	Time         time.Time `json:"time"`
	LedgerHeight uint32    `json:"ledger_height"` // of the block that elected the tip's producer
	Producer     string    `json:"producer"`
	Certified    bool      `json:"certified"` // carries a quorum's signatures
	Confirmed    uint64    `json:"confirmed"` // height of the highest block buried by enough ledger blocks
}

// Cycle is the reward cycle that the ledger tip is in.
type Cycle struct {
	Number  uint32 `json:"number"`
	Length  uint32 `json:"length"`  // ledger blocks
	Prepare uint32 `json:"prepare"` // its last blocks, in which the next cycle's seats are fixed
	Start   uint32 `json:"start"`   // ledger height of its first block
}

// Seat is one verification node of the cycle.
type Seat struct {
	Address string        `json:"address"` // inference address
	Ledger  string        `json:"ledger"`  // where commits pay it
	Stake   amount.Amount `json:"stake"`
	Own     bool          `json:"own"`
}

// Peer is a node connected on the inference layer.
type Peer struct {
	Address string `json:"address"` // inference address of its key
}

// Model is something that can be asked, at a price in base units for each token.
type Model struct {
	ID       string        `json:"id"`
	Hash     string        `json:"hash"` // of its weights
	PriceIn  amount.Amount `json:"price_in"`
	PriceOut amount.Amount `json:"price_out"`
	Context  int           `json:"context"`
	Servers  int           `json:"servers"`
	Own      bool          `json:"own"` // this node serves it
}

// Bootstrap says how far the network is from having its verification nodes (inference-chain rules, section 2).
type Bootstrap struct {
	Done    bool `json:"done"`
	Stakers int  `json:"stakers"` // hold at least the minimum stake
	Needed  int  `json:"needed"`  // stakers to begin
	Wanted  int  `json:"wanted"`  // seats of a full set
}

// Own is who this node is.
type Own struct {
	Ledger    string       `json:"ledger"`
	Inference string       `json:"inference"`
	Roles     List[string] `json:"roles"` // "miner", "server", "producer", "verifier"
}

// LedgerBlock is one block of layer 1.
type LedgerBlock struct {
	Height     uint32          `json:"height"`
	Hash       string          `json:"hash"`
	Parent     string          `json:"parent"`
	Time       time.Time       `json:"time"`
	Miner      string          `json:"miner"` // ledger address the coinbase pays
	Reward     amount.Amount   `json:"reward"`
	Fees       amount.Amount   `json:"fees"`
	Size       int             `json:"size"` // bytes
	Txs        int             `json:"txs"`
	Difficulty float64         `json:"difficulty"`
	Operations List[Operation] `json:"operations"`
}

// Operation kinds.
const (
	OpRegister = "register"
	OpCommit   = "commit"
	OpStake    = "stake"
	OpMint     = "mint"
)

// Operation is a ledger transaction that means something to the inference chain.
type Operation struct {
	Kind   string        `json:"kind"`
	TxID   string        `json:"txid"`
	Actor  string        `json:"actor"` // inference address of the key that acts
	Amount amount.Amount `json:"amount"`
	Late   bool          `json:"late,omitempty"` // a commit that landed in another block than intended
}

// Election is the draw that one ledger block makes.
type Election struct {
	LedgerHeight uint32          `json:"ledger_height"`
	LedgerHash   string          `json:"ledger_hash"`
	Time         time.Time       `json:"time"`
	S            string          `json:"s"` // the sortition hash after it
	Candidates   List[Candidate] `json:"candidates"`
	Winner       int             `json:"winner"` // index into Candidates; -1: nobody
	Tenure       List[BlockRef]  `json:"tenure"` // inference blocks of the tenure, oldest first; at most 100, the last ones
}

// Candidate is one commit that took part in a draw.
type Candidate struct {
	Address string        `json:"address"`
	TxID    string        `json:"txid"`
	Amount  amount.Amount `json:"amount"` // paid to the seats (or burned during bootstrap)
	Weight  amount.Amount `json:"weight"` // what counted: no more than the median of the window
	Odds    float64       `json:"odds"`   // 0 to 1
}

// BlockRef names an inference block.
type BlockRef struct {
	Height uint64 `json:"height"`
	ID     string `json:"id"`
}

// InferenceBlock is one block of layer 2.
type InferenceBlock struct {
	Height       uint64         `json:"height"`
	ID           string         `json:"id"`
	Parent       string         `json:"parent"`
	Time         time.Time      `json:"time"`
	LedgerHeight uint32         `json:"ledger_height"` // of the electing block
	Producer     string         `json:"producer"`
	StateRoot    string         `json:"state_root"`
	Txs          int            `json:"txs"`
	Kinds        map[string]int `json:"kinds"`   // transactions by kind: "transfer", "open", "receipt", "seal", "opening", ...
	Signers      List[string]   `json:"signers"` // seats whose signatures certify it
	Seats        int            `json:"seats"`   // of how many
	Size         int            `json:"size"`
}

// Verdict is what the seats said of an answer, once they have.
type Verdict string

// Verdicts.
const (
	VerdictPending Verdict = "pending" // not settled yet
	VerdictValid   Verdict = "valid"   // paid
	VerdictInvalid Verdict = "invalid" // refunded, the server fined
	VerdictNone    Verdict = "none"    // no majority, or no answer in time: refunded
)

// Votes, besides the three verdicts a seat may give.
const (
	VotePending = "pending" // may still come
	VoteSealed  = "sealed"  // given but not opened yet
	VoteValid   = "valid"
	VoteInvalid = "invalid"
	VoteAbstain = "abstain"
	VoteMissed  = "missed" // unopened or late
)

// Receipt is the life of one question, under its transaction's id.
type Receipt struct {
	ID        string        `json:"id"`
	Verdict   Verdict       `json:"verdict"`
	Model     string        `json:"model"`
	Trust     string        `json:"trust"`
	Asker     string        `json:"asker"`
	Server    string        `json:"server"`
	Producer  string        `json:"producer,omitempty"` // who packed the receipt
	TokensIn  uint32        `json:"tokens_in"`
	TokensOut uint32        `json:"tokens_out"`
	Escrow    amount.Amount `json:"escrow"`           // held back at the opening
	Fee       amount.Amount `json:"fee"`              // for the gas used; 0 until the receipt is packed
	Output    string        `json:"output,omitempty"` // hash of the answer
	Votes     List[Vote]    `json:"votes"`
	Payouts   List[Payout]  `json:"payouts"` // empty until settled; with the asker's refund they sum to Escrow, plus a fine
	Opened    *Place        `json:"opened,omitempty"`
	Packed    *Place        `json:"packed,omitempty"`
	Settled   *Place        `json:"settled,omitempty"`
}

// Vote is one seat's.
type Vote struct {
	Seat int    `json:"seat"` // its index in the cycle's set
	Who  string `json:"who"`
	Vote string `json:"vote"`
}

// Payout roles.
const (
	PayServer   = "server"
	PayProducer = "producer"
	PaySeat     = "seat"
	PayBurn     = "burn"   // nobody; Who is empty
	PayRefund   = "refund" // back to the asker
	PayFine     = "fine"   // taken from the server's bond: a debit
)

// Payout is one line of a settlement.
type Payout struct {
	Role   string        `json:"role"`
	Who    string        `json:"who,omitempty"`
	Amount amount.Amount `json:"amount"`
}

// Place is where something stands on the inference chain.
type Place struct {
	Block        string    `json:"block"`
	Height       uint64    `json:"height"`
	LedgerHeight uint32    `json:"ledger_height"`
	Time         time.Time `json:"time"`
}

// Balance is what one key holds on both layers.
type Balance struct {
	Name      string           `json:"name,omitempty"`
	Own       bool             `json:"own"`
	Roles     List[string]     `json:"roles,omitempty"`
	Ledger    LedgerBalance    `json:"ledger"`
	Inference InferenceBalance `json:"inference"`
}

// LedgerBalance is a key's on layer 1.
type LedgerBalance struct {
	Address     string        `json:"address"`
	Confirmed   amount.Amount `json:"confirmed"`   // spendable coins in blocks
	Unconfirmed amount.Amount `json:"unconfirmed"` // own change still in the mempool; 0 for others' addresses
	Immature    amount.Amount `json:"immature"`    // mined, not yet spendable
}

// InferenceBalance is a key's on layer 2.
type InferenceBalance struct {
	Address   string        `json:"address"`
	Confirmed amount.Amount `json:"confirmed"` // spendable
	Immature  amount.Amount `json:"immature"`  // tenure rewards not yet spendable
	Escrow    amount.Amount `json:"escrow"`    // held back for open questions
	Staked    amount.Amount `json:"staked"`
	Bonded    amount.Amount `json:"bonded"`
}

// Supply is every coin there is. The API adds Total and the checks itself.
type Supply struct {
	Ledger    LayerSupply `json:"ledger"`
	Inference LayerSupply `json:"inference"`
}

// LayerSupply is the coins of one layer; Issued + Credited = Held + Burned.
type LayerSupply struct {
	Issued   amount.Amount `json:"issued"`   // by rewards of this layer
	Credited amount.Amount `json:"credited"` // burned on the other layer for this one
	Burned   amount.Amount `json:"burned"`
	// Immature is, on the ledger, the part of Held that was mined and can't be spent yet; on the inference chain, the most
	// that pending tenure rewards can still issue, which nobody holds.
	Immature amount.Amount `json:"immature"`
	Held     amount.Amount `json:"held"` // by somebody; the following are parts of it
	Escrow   amount.Amount `json:"in_escrow"`
	Staked   amount.Amount `json:"staked"`
	Bonded   amount.Amount `json:"bonded"`
}

// Layers.
const (
	LayerLedger    = "ledger"
	LayerInference = "inference"
)

// Send asks the node to pay from its own wallet.
type Send struct {
	Layer  string        `json:"layer"`
	To     string        `json:"to"` // address of that layer
	Amount amount.Amount `json:"amount"`
}

// Sent is the transaction that Send made.
type Sent struct {
	Layer string `json:"layer"`
	TxID  string `json:"txid"`
}
