package round

import (
	"errors"
	"fmt"
	"slices"

	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/codec"
)

// maxJournal bounds the journal: locked blocks and votes.
const maxJournal = maxLocks*block.MaxStatusBytes + maxSigned*128

// safety is what keeps a seat from contradicting itself, through crashes as well. It is saved before a vote is sent. What a
// ledger reorganization takes away binds no more while it is away, and binds again if the ledger comes back to it; so
// nothing is forgotten but what the tip has left behind, and the oldest where there is too much.
type safety struct {
	_      struct{} `cbor:",toarray"`
	Locks  []lock   // oldest first
	Signed []signed // oldest first
}

// Bounds on what is remembered of heights that are not certified yet. One lock binds at a time on one ledger fork; of
// votes, those of the latest rounds matter, because none is given in a round before them.
const (
	maxLocks  = 2
	maxSigned = 256
)

// lock binds the seat to a block that a quorum prepared.
type lock struct {
	_       struct{} `cbor:",toarray"`
	Height  uint64   // 0 is no lock
	ID      block.ID
	Round   block.Round
	Block   []byte
	Justify block.Certificate
}

type signed struct {
	_      struct{} `cbor:",toarray"`
	Kind   byte
	Height uint64
	Round  block.Round
	ID     block.ID
}

// errRefuse says why a seat does not sign.
var errRefuse = errors.New("seat does not sign")

// ledger tells whether a round is on the followed ledger.
type ledger interface {
	Tenure(block.Round) (*chain.Tenure, error)
	Tip() chain.Index
}

func onLedger(c ledger, r block.Round) bool {
	_, err := c.Tenure(r)
	return err == nil
}

// settle forgets locks and votes at heights that are certified.
func (s *safety) settle(c ledger) {
	tip := c.Tip().Height
	s.Locks = slices.DeleteFunc(s.Locks, func(l lock) bool { return l.Height <= tip })
	s.Signed = slices.DeleteFunc(s.Signed, func(x signed) bool { return x.Height <= tip })
}

// lock is what binds the seat at a height: of its locks there, the latest whose round is on the ledger.
func (s *safety) lock(height uint64, c ledger) (bound lock) {
	for _, l := range s.Locks {
		if l.Height == height && (bound.Height == 0 || l.Round.Height > bound.Round.Height) && onLedger(c, l.Round) {
			bound = l
		}
	}
	return bound
}

// bind adds a lock. It takes the place of one that still binds at its height: the quorum that it shows unlocked the seat.
func (s *safety) bind(l lock, c ledger) {
	s.Locks = slices.DeleteFunc(s.Locks, func(x lock) bool { return x.Height == l.Height && onLedger(c, x.Round) })
	s.Locks = append(s.Locks, l)
	s.Locks = s.Locks[max(0, len(s.Locks)-maxLocks):]
}

// allows says whether the seat may sign a kind of vote for a block in a round: it signed for no other block in that round,
// and in no later round on this ledger.
func (s *safety) allows(kind byte, height uint64, r block.Round, id block.ID, c ledger) error {
	for _, x := range s.Signed {
		if x.Kind == kind && x.Height == height && x.Round == r && x.ID != id {
			return fmt.Errorf("%w: it signed for %v in round %d, not %v", errRefuse, x.ID, r.Height, id)
		}
		if x.Round.Height > r.Height && onLedger(c, x.Round) {
			return fmt.Errorf("%w: it signed in round %d, after round %d", errRefuse, x.Round.Height, r.Height)
		}
	}
	return nil
}

// unlocks says whether the lock lets the seat prepare a block: there is none at this height, it is on the same block, or
// a quorum prepared the block in a later round than the lock's. The justification has been checked.
func (s *safety) unlocks(height uint64, id block.ID, justify block.Certificate, c ledger) error {
	l := s.lock(height, c)
	if l.Height == 0 || l.ID == id || !justify.None() && justify.Round.Height > l.Round.Height {
		return nil
	}
	return fmt.Errorf("%w: locked on %v since round %d, the proposal of %v shows round %d", errRefuse, l.ID, l.Round.Height, id, justify.Round.Height)
}

// note records a vote about to be sent.
func (s *safety) note(kind byte, height uint64, r block.Round, id block.ID) {
	x := signed{Kind: kind, Height: height, Round: r, ID: id}
	if slices.Contains(s.Signed, x) {
		return
	}
	s.Signed = append(s.Signed, x)
	s.Signed = s.Signed[max(0, len(s.Signed)-maxSigned):]
}

func (s *safety) encode() []byte { return codec.Encode(*s) }
