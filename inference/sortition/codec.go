package sortition

import (
	"fmt"
	"time"

	"funai/amount"
	"funai/key"
)

// version begins the encodings of snapshots and cycle sets; another one means other rules or fields.
const version = 1

// Sizes of a snapshot's items, for the check that a count fits the bytes that follow it.
const (
	registrationSize = 2 + 20 + 32 + 20
	commitSize       = 2 + 20 + 32 + commitLen + 8 + 1
	candidateSize    = 2 + 8 + 32 + 32
	transferSize     = 2 + 20 + 32 + 20 + 8 // of stakes and mints
	seatSize         = 20 + 20 + 8
	hash160Size      = 20
)

// Encode writes a snapshot that Elect, Genesis or DecodeSnapshot made.
func (s *Snapshot) Encode() []byte {
	b := put32([]byte{version}, s.Height)
	b = append(append(b, s.Hash[:]...), s.Prev[:]...)
	b = put64(b, uint64(s.Time.Unix()))
	b = append(append(b, s.S[:]...), s.ConsensusHash[:]...)
	b = append(put32(b, s.LastWinnerHeight), s.LastSeed[:]...)
	b = put16(b, uint16(s.Winner+1))
	b = put32(b, uint32(len(s.Registrations)))
	for _, r := range s.Registrations {
		b = append(append(append(put16(b, r.Index), r.Actor[:]...), r.VRF[:]...), r.Signer[:]...)
	}
	b = put32(b, uint32(len(s.Commits)))
	for _, c := range s.Commits {
		b = append(append(put16(b, c.Index), c.Actor[:]...), c.TxID[:]...)
		b = put64(c.CommitData.append(b), uint64(c.Amount))
		b = append(b, flag(c.Late))
	}
	b = put32(b, uint32(len(s.Candidates)))
	for _, c := range s.Candidates {
		b = append(append(put64(put16(b, c.Index), uint64(c.Weight)), c.First[:]...), c.Last[:]...)
	}
	b = put32(b, uint32(len(s.Stakes)))
	for _, o := range s.Stakes {
		b = append(append(append(put16(b, o.Index), o.Actor[:]...), o.TxID[:]...), o.Signer[:]...)
		b = put64(b, uint64(o.Amount))
	}
	b = put32(b, uint32(len(s.Mints)))
	for _, o := range s.Mints {
		b = append(append(append(put16(b, o.Index), o.Actor[:]...), o.TxID[:]...), o.To[:]...)
		b = put64(b, uint64(o.Amount))
	}
	return b
}

// DecodeSnapshot reads what Encode wrote, whole and nothing more; it takes memory in proportion to b. It checks the form
// only: whether a snapshot is right, Elect alone says. The error wraps ErrEncoding.
func DecodeSnapshot(b []byte) (*Snapshot, error) {
	r := reader{b: b}
	r.require(r.u8() == version)
	s := &Snapshot{Height: r.u32()}
	r.fill(s.Hash[:])
	r.fill(s.Prev[:])
	s.Time = time.Unix(int64(r.u64()), 0).UTC()
	r.fill(s.S[:])
	r.fill(s.ConsensusHash[:])
	s.LastWinnerHeight = r.u32()
	r.fill(s.LastSeed[:])
	s.Winner = int(r.u16()) - 1
	s.Registrations = list(&r, registrationSize, func(i uint16) (x Registration) {
		x.Height, x.Index = s.Height, i
		r.fill(x.Actor[:])
		r.fill(x.VRF[:])
		r.fill(x.Signer[:])
		return x
	})
	byIndex := make(map[uint16]Commit)
	s.Commits = list(&r, commitSize, func(i uint16) (x Commit) {
		x.Height, x.Index = s.Height, i
		r.fill(x.Actor[:])
		r.fill(x.TxID[:])
		x.CommitData.read(&r)
		x.Amount, x.Late = amount.Amount(r.u64()), r.flag()
		byIndex[i] = x
		return x
	})
	s.Candidates = items(&r, candidateSize, func() (x Candidate) {
		var ok bool
		x.Commit, ok = byIndex[r.u16()] // a commit of this block, so not written twice
		r.require(ok)
		x.Weight = amount.Amount(r.u64())
		r.fill(x.First[:])
		r.fill(x.Last[:])
		return x
	})
	r.require(s.Winner < len(s.Candidates))
	s.Stakes = list(&r, transferSize, func(i uint16) (x StakeOp) {
		x.Index = i
		r.fill(x.Actor[:])
		r.fill(x.TxID[:])
		r.fill(x.Signer[:])
		x.Amount = amount.Amount(r.u64())
		return x
	})
	s.Mints = list(&r, transferSize, func(i uint16) (x MintOp) {
		x.Index = i
		r.fill(x.Actor[:])
		r.fill(x.TxID[:])
		r.fill(x.To[:])
		x.Amount = amount.Amount(r.u64())
		return x
	})
	if !r.done() {
		return nil, fmt.Errorf("%w: %d bytes are no snapshot of version %d", ErrEncoding, len(b), version)
	}
	return s, nil
}

// Encode writes a cycle set.
func (c CycleSet) Encode() []byte {
	b := put32(put32([]byte{version}, c.Cycle), uint32(len(c.Seats)))
	for _, s := range c.Seats {
		b = put64(append(append(b, s.Address[:]...), s.Signer[:]...), uint64(s.Stake))
	}
	b = put32(b, uint32(len(c.Banned)))
	for _, h := range c.Banned {
		b = append(b, h[:]...)
	}
	return b
}

// DecodeCycleSet reads what Encode wrote, whole and nothing more; it takes memory in proportion to b. The error wraps
// ErrEncoding.
func DecodeCycleSet(b []byte) (c CycleSet, err error) {
	r := reader{b: b}
	r.require(r.u8() == version)
	c.Cycle = r.u32()
	c.Seats = items(&r, seatSize, func() (x Seat) {
		r.fill(x.Address[:])
		r.fill(x.Signer[:])
		x.Stake = amount.Amount(r.u64())
		return x
	})
	c.Banned = items(&r, hash160Size, func() (x key.Hash160) {
		r.fill(x[:])
		return x
	})
	if !r.done() {
		return CycleSet{}, fmt.Errorf("%w: %d bytes are no cycle set of version %d", ErrEncoding, len(b), version)
	}
	return c, nil
}
