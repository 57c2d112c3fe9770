package block

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"funai/inference/codec"
	"funai/inference/sortition"
	"funai/key"
)

// The two phases of certification.
const (
	Prepare byte = 1
	Commit  byte = 2
)

// Bounds on encoded messages.
const (
	MaxVoteBytes     = 1 << 10
	MaxProposalBytes = MaxBytes + 32<<10
	MaxStatusBytes   = MaxProposalBytes + 1<<10
)

var (
	// ErrCertificate says that a certificate does not prove what it claims.
	ErrCertificate = errors.New("bad certificate")
	// ErrVote says that a vote is malformed or not by a seat.
	ErrVote = errors.New("bad vote")
)

// Vote is a seat's signed word on a block in a round. Lock is the tenure height of the seat's own lock, 0 for none: it
// keeps a seat from hiding later that it was locked.
type Vote struct {
	_         struct{} `cbor:",toarray"`
	Kind      byte
	Height    uint64
	Round     Round
	Block     ID
	Lock      uint32
	Signature key.Signature
}

// hash is what a seat signs: everything the vote says, and the chain.
func (v Vote) hash(chainID uint32) [32]byte {
	v.Signature = key.Signature{}
	return sha256.Sum256(append([]byte("funai/vote/"), codec.Encode([]any{chainID, v})...))
}

// Sign signs the vote.
func (v *Vote) Sign(k *key.Private, chainID uint32) { v.Signature = k.Sign(v.hash(chainID)) }

// Seat returns which seat of the set signed the vote.
func (v Vote) Seat(chainID uint32, set sortition.CycleSet) (int, error) {
	pub, err := key.Recover(v.hash(chainID), v.Signature)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrVote, err)
	}
	signer := pub.Hash160()
	for i, s := range set.Seats {
		if s.Signer == signer {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%w: %v holds none of the %d seats of cycle %d", ErrVote, signer, len(set.Seats), set.Cycle)
}

// Signed is one seat's part of a certificate.
type Signed struct {
	_         struct{} `cbor:",toarray"`
	Seat      uint8    // index in the cycle's set
	Lock      uint32
	Signature key.Signature
}

// Certificate is a quorum's votes of one kind for one block in one round. The zero certificate stands for none.
type Certificate struct {
	_     struct{} `cbor:",toarray"`
	Kind  byte
	Round Round
	Votes []Signed // by seat, ascending
}

// None says whether this is no certificate.
func (c Certificate) None() bool { return len(c.Votes) == 0 }

// Check says whether the certificate proves that a quorum of set voted kind for the block.
func (c Certificate) Check(kind byte, chainID uint32, height uint64, id ID, set sortition.CycleSet) error {
	if c.Kind != kind {
		return fmt.Errorf("%w: kind %d, not %d", ErrCertificate, c.Kind, kind)
	}
	if need := set.Quorum(); len(c.Votes) < need || len(set.Seats) == 0 {
		return fmt.Errorf("%w: %d votes of %d seats, %d needed", ErrCertificate, len(c.Votes), len(set.Seats), need)
	}
	last := -1
	for _, s := range c.Votes {
		if int(s.Seat) <= last || int(s.Seat) >= len(set.Seats) {
			return fmt.Errorf("%w: seat %d after %d of %d", ErrCertificate, s.Seat, last, len(set.Seats))
		}
		last = int(s.Seat)
		v := Vote{Kind: kind, Height: height, Round: c.Round, Block: id, Lock: s.Lock, Signature: s.Signature}
		if got, err := v.Seat(chainID, set); err != nil {
			return fmt.Errorf("%w: %w", ErrCertificate, err)
		} else if got != last {
			return fmt.Errorf("%w: vote of seat %d is signed by seat %d", ErrCertificate, last, got)
		}
	}
	return nil
}

// Certify makes the certificate of votes, given by seat; all must be of one kind, round and block.
func Certify(votes map[int]Vote, seats int) (c Certificate) {
	for i := range seats {
		if v, ok := votes[i]; ok {
			c.Kind, c.Round = v.Kind, v.Round
			c.Votes = append(c.Votes, Signed{Seat: uint8(i), Lock: v.Lock, Signature: v.Signature})
		}
	}
	return c
}

// Proposal puts a block to the vote in a round. The block may come from an earlier round, unchanged; then Justify may
// hold a quorum's prepares that let locked seats go over to it.
type Proposal struct {
	_         struct{} `cbor:",toarray"`
	Round     Round
	Block     []byte      // encoded Block
	Justify   Certificate // prepares for the block in an earlier round, or none
	Resend    uint32      // counts repeats, so that a flood-proof network carries them again
	Signature key.Signature
}

func (p Proposal) hash(chainID uint32) [32]byte {
	p.Signature = key.Signature{}
	return sha256.Sum256(append([]byte("funai/proposal/"), codec.Encode([]any{chainID, p})...))
}

// Sign signs the proposal as the round's producer.
func (p *Proposal) Sign(k *key.Private, chainID uint32) { p.Signature = k.Sign(p.hash(chainID)) }

// Signer recovers who proposed.
func (p Proposal) Signer(chainID uint32) (key.Hash160, error) {
	pub, err := key.Recover(p.hash(chainID), p.Signature)
	if err != nil {
		return key.Hash160{}, fmt.Errorf("%w: proposal: %w", ErrBlock, err)
	}
	return pub.Hash160(), nil
}

// Status is what a seat tells the producer of a new round: how far it is, and the block it is locked on, with the
// prepares that locked it.
type Status struct {
	_         struct{} `cbor:",toarray"`
	Round     Round
	Height    uint64 // of the seat's certified tip
	Tip       ID
	Lock      []byte      // encoded Block at Height + 1, or empty
	Justify   Certificate // the prepares behind the lock
	Resend    uint32
	Signature key.Signature
}

func (s Status) hash(chainID uint32) [32]byte {
	s.Signature = key.Signature{}
	return sha256.Sum256(append([]byte("funai/status/"), codec.Encode([]any{chainID, s})...))
}

// Sign signs the status as a seat.
func (s *Status) Sign(k *key.Private, chainID uint32) { s.Signature = k.Sign(s.hash(chainID)) }

// Seat returns which seat of the set signed the status.
func (s Status) Seat(chainID uint32, set sortition.CycleSet) (int, error) {
	pub, err := key.Recover(s.hash(chainID), s.Signature)
	if err != nil {
		return 0, fmt.Errorf("%w: status: %w", ErrVote, err)
	}
	for i, seat := range set.Seats {
		if seat.Signer == pub.Hash160() {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%w: status: %v holds no seat of cycle %d", ErrVote, pub.Hash160(), set.Cycle)
}
