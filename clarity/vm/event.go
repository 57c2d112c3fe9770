package vm

import "funai/clarity/value"

// EventKind is what happened.
type EventKind uint8

// The kinds of event.
const (
	EventPrint EventKind = iota
	EventSTXTransfer
	EventSTXMint
	EventSTXBurn
	EventSTXLock
	EventFTTransfer
	EventFTMint
	EventFTBurn
	EventNFTTransfer
	EventNFTMint
	EventNFTBurn
)

// Event is one thing that a transaction did and that the world outside may follow.
type Event struct {
	Kind      EventKind
	Contract  value.Principal // who printed, or whose asset
	Asset     string          // the token's name
	Sender    value.Principal
	Recipient value.Principal
	Amount    value.Uint128 // of coins and fungible tokens
	Value     value.Value   // what was printed, or the non-fungible token's id
	Memo      []byte
}
