package api

import (
	"context"
	"errors"
)

// Source is what the API shows, read from a running node. Methods are called by many goroutines at once and answer from
// what the node has; lists are newest first and may be shorter than asked.
type Source interface {
	Status(ctx context.Context) (Status, error)
	LedgerBlocks(ctx context.Context, p Page) ([]LedgerBlock, error)
	Elections(ctx context.Context, p Page) ([]Election, error)
	InferenceBlocks(ctx context.Context, p Page) ([]InferenceBlock, error)
	// Receipts lists questions by the time they were opened; before is the id that the last page ended with, or empty.
	Receipts(ctx context.Context, limit int, before string) ([]Receipt, error)
	// Receipt returns ErrNotFound if there is none with this id, 64 hex digits.
	Receipt(ctx context.Context, id string) (Receipt, error)
	Balances(ctx context.Context, q BalanceQuery) ([]Balance, error)
	Supply(ctx context.Context) (Supply, error)
	// Send pays from the node's wallet.
	Send(ctx context.Context, s Send) (Sent, error)
}

// Page is a piece of a list of blocks. Limit is at most MaxLimit; Before is the height to stay below, 0 for the tip.
type Page struct {
	Limit  int
	Before uint64
}

// Which balances: this node's own, those it has a name for or a role (seats, servers, candidates), or all on the
// inference chain, the largest first.
const (
	BalancesOwn   = "own"
	BalancesKnown = "known"
	BalancesAll   = "all"
)

// BalanceQuery says whose balances are wanted: Addresses of either layer if there are any, else Of.
type BalanceQuery struct {
	Of        string
	Addresses []string // at most MaxLimit
	Limit     int      // at most MaxLimit
}

// What an error of Source may wrap, and the status and code the client sees; any other is 500 "internal".
var (
	ErrRequest  = errors.New("bad request")                   // 400 bad_request
	ErrNoFunds  = errors.New("not enough FAI")                // 402 no_funds
	ErrNotFound = errors.New("not found")                     // 404 not_found
	ErrSyncing  = errors.New("the node is still catching up") // 503 syncing
)

// Kind of an event.
type Kind string

// Kinds, and the type that Event.Data has.
const (
	KindLedgerBlock    Kind = "ledger_block"    // LedgerBlock; a reorg announces every block of the new branch
	KindElection       Kind = "election"        // Election
	KindInferenceBlock Kind = "inference_block" // InferenceBlock
	KindReceipt        Kind = "receipt"         // Receipt: opened, packed, or a seat sealed or opened its vote
	KindVerdict        Kind = "verdict"         // Receipt: settled
	KindBalance        Kind = "balance"         // Balance
)

// Event is something that just happened.
type Event struct {
	Kind Kind
	Data any
}
