// Package sortition reads the inference chain's operations out of ledger blocks and elects an inference node with each
// block. It is pure: every function depends on its arguments alone, and the package imports only the ledger's wire types
// and the project's key, vrf and amount. Its rules are the first three stages of a tenure in the FUN AI whitepaper,
// section 5 (registration, commitment, election), made exact here; the nearest public description of such an election is
// Stacks' SIP-001 and SIP-007.
package sortition

import (
	"encoding/hex"
	"errors"
)

var (
	// ErrOrder says that a ledger block doesn't extend the snapshot given as its predecessor.
	ErrOrder = errors.New("sortition: block does not extend the snapshot")
	// ErrView says that a View lacks a snapshot below the block being elected on.
	ErrView = errors.New("sortition: snapshot missing")
	// ErrEncoding says that bytes are no snapshot or cycle set.
	ErrEncoding = errors.New("sortition: bad encoding")
	// ErrDust says that a payment would be too small for the ledger's nodes to relay.
	ErrDust = errors.New("sortition: payment is dust")
	// ErrAmount says that an operation's amount is zero or above amount.Max.
	ErrAmount = errors.New("sortition: bad amount")
	// ErrIntended says that a commit's intended height isn't given modulo IntendedModulus.
	ErrIntended = errors.New("sortition: bad intended height")
)

// Params are the numbers in which networks differ.
type Params struct {
	Window            int    // commits whose upper median caps a candidate's weight, at least 1
	MaxCandidates     int    // the heaviest commits that stand for election
	RegistrationDepth uint32 // how many ledger blocks back a registration's consensus hash may lie
	CycleLength       uint32 // ledger blocks in a reward cycle
	PrepareLength     uint32 // the last ledger blocks of a cycle, in which the next cycle set is fixed
}

// Main returns the main network's numbers.
func Main() Params {
	return Params{Window: 6, MaxCandidates: 32, RegistrationDepth: 24, CycleLength: 1000, PrepareLength: 100}
}

// Dev returns the numbers of networks that live for minutes.
func Dev() Params {
	return Params{Window: 1, MaxCandidates: 32, RegistrationDepth: 24, CycleLength: 20, PrepareLength: 4}
}

// Cycle is the number of the reward cycle that a ledger height lies in; cycle 0 begins at height 0.
func (p Params) Cycle(height uint32) uint32 { return height / p.CycleLength }

// InPrepare says whether a ledger height lies in its cycle's prepare phase.
func (p Params) InPrepare(height uint32) bool {
	return height%p.CycleLength >= p.CycleLength-p.PrepareLength
}

// BlockID is the id of a block of the inference chain.
type BlockID [32]byte

// String is hexadecimal.
func (b BlockID) String() string { return hex.EncodeToString(b[:]) }

// View gives the snapshots of the ledger fork being extended, from height 0 to the block before the one elected on.
type View interface {
	// At returns the snapshot at a ledger height; every height up to the latest snapshot's has one.
	At(height uint32) (*Snapshot, error)
}
