package sortition

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"funai/amount"
)

// Genesis is the snapshot of the ledger's genesis block, at height 0: nobody is registered or elected.
func Genesis(ledger chainhash.Hash, at time.Time) *Snapshot {
	s := hash([]byte("funai/sortition"), ledger[:])
	return &Snapshot{
		Hash: ledger, Time: whole(at), S: s, Winner: -1,
		ConsensusHash: consensusHash([20]byte{}, ledger, s),
	}
}

// Elect makes the snapshot of the ledger block that ops were parsed from, the one after prev's. The set is that of the
// cycle which the block lies in. Errors are those of v, and ErrOrder and ErrView; no operation causes one.
func Elect(p Params, v View, prev *Snapshot, ops Ops, set CycleSet) (*Snapshot, error) {
	if ops.Prev != prev.Hash || ops.Height != prev.Height+1 {
		return nil, fmt.Errorf("%w: block %v at %d follows %v, the snapshot is of %v at %d",
			ErrOrder, ops.Hash, ops.Height, ops.Prev, prev.Hash, prev.Height)
	}
	s := &Snapshot{
		Height: ops.Height, Hash: ops.Hash, Prev: ops.Prev, Time: whole(ops.Time), Winner: -1,
		Stakes: ops.Stakes, Mints: ops.Mints,
		LastWinnerHeight: prev.LastWinnerHeight, LastSeed: prev.LastSeed,
	}
	e := election{p: p, view: v, prev: prev, ops: ops, set: set}
	var err error
	if s.Registrations, err = e.registrations(); err != nil {
		return nil, err
	}
	if s.Commits, err = e.commits(); err != nil {
		return nil, err
	}
	if s.Candidates, err = e.candidates(s.Commits); err != nil {
		return nil, err
	}
	s.S = hash(prev.S[:], ops.Hash[:])
	if len(s.Candidates) > 0 {
		spread(s.Candidates)
		s.Winner = draw(s.Candidates, hash(s.S[:], prev.LastSeed[:]))
		s.LastWinnerHeight, s.LastSeed = s.Height, s.Candidates[s.Winner].Seed
		s.S = hash(s.S[:], s.LastSeed[:])
	}
	s.ConsensusHash = consensusHash(prev.ConsensusHash, s.Hash, s.S)
	return s, nil
}

// election is one call of Elect.
type election struct {
	p    Params
	view View
	prev *Snapshot
	ops  Ops
	set  CycleSet
}

// at is the view's snapshot, or the predecessor, which the view may not hold yet.
func (e *election) at(height uint32) (*Snapshot, error) {
	if height == e.prev.Height {
		return e.prev, nil
	}
	s, err := e.view.At(height)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, fmt.Errorf("%w: height %d, needed by the election at %d", ErrView, height, e.ops.Height)
	}
	return s, nil
}

// registrations are those that name a recent snapshot's consensus hash, so that one made for another ledger fork isn't
// valid on this.
func (e *election) registrations() (out []Registration, err error) {
	if len(e.ops.Registrations) == 0 {
		return nil, nil
	}
	recent := make(map[[20]byte]bool)
	for depth := uint32(1); depth <= min(e.p.RegistrationDepth, e.ops.Height); depth++ {
		s, err := e.at(e.ops.Height - depth)
		if err != nil {
			return nil, err
		}
		recent[s.ConsensusHash] = true
	}
	for _, r := range e.ops.Registrations {
		if recent[r.ConsensusHash] {
			out = append(out, Registration{Height: e.ops.Height, Index: r.Index, Actor: r.Actor, VRF: r.VRF, Signer: r.Signer})
		}
	}
	return out, nil
}

// regID names a registration.
type regID struct {
	height uint32
	index  uint16
}

func (d CommitData) reg() regID { return regID{d.RegHeight, d.RegIndex} }

// commits are those that count. Of each registration that is one commit in time, the first; and one late commit, the
// first, because a late one often lies in the same block as its successor, whose candidacy it must not take.
func (e *election) commits() (out []Commit, err error) {
	type slot struct {
		regID
		late bool
	}
	taken := make(map[slot]bool)
	for _, c := range e.ops.Commits {
		value, ok := paid(c.Outs, e.set)
		if !ok || e.set.IsBanned(c.Actor) {
			continue
		}
		if ok, err := e.registered(c); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		late := c.Intended != Intended(e.ops.Height)
		if taken[slot{c.reg(), late}] {
			continue
		}
		taken[slot{c.reg(), late}] = true
		out = append(out, Commit{
			Height: e.ops.Height, Index: c.Index, Actor: c.Actor, TxID: c.TxID,
			CommitData: c.CommitData, Amount: value, Late: late,
		})
	}
	return out, nil
}

// registered says whether a commit names a registration of its actor's in an earlier block.
func (e *election) registered(c CommitOp) (bool, error) {
	if c.RegHeight >= e.ops.Height {
		return false, nil
	}
	s, err := e.at(c.RegHeight)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(s.Registrations, func(r Registration) bool {
		return r.Index == c.RegIndex && r.Actor == c.Actor
	}), nil
}

// candidates are the heaviest commits in time, heaviest first, ties in block order.
func (e *election) candidates(commits []Commit) (out []Candidate, err error) {
	w, err := e.window(commits)
	if err != nil {
		return nil, err
	}
	for _, c := range commits {
		if !c.Late {
			out = append(out, Candidate{Commit: c, Weight: min(c.Amount, upperMedian(w[c.reg()]))})
		}
	}
	slices.SortStableFunc(out, func(a, b Candidate) int { return cmp.Compare(b.Weight, a.Weight) })
	return out[:min(len(out), e.p.MaxCandidates)], nil
}

// window collects what each of these commits' registrations paid for each of the last Window ledger blocks, this one
// included; 1 unit where nothing was paid. A late commit stands for the block that it was meant for. Of several for one
// block the first to land counts, so one in time goes before late ones.
func (e *election) window(commits []Commit) (map[regID][]amount.Amount, error) {
	size := uint32(max(e.p.Window, 1))
	before := max(e.ops.Height, size) - size // the height before the window's first
	byReg := make(map[regID][]amount.Amount)
	for _, c := range commits {
		byReg[c.reg()] = make([]amount.Amount, size)
	}
	if len(byReg) == 0 {
		return byReg, nil
	}
	var landed []Commit
	for height := before + 1; height < e.ops.Height; height++ {
		s, err := e.at(height)
		if err != nil {
			return nil, err
		}
		landed = append(landed, s.Commits...)
	}
	landed = append(landed, commits...)
	for _, c := range landed {
		amounts, meant := byReg[c.reg()], c.meantFor()
		if amounts == nil || meant <= before {
			continue
		}
		if slot := &amounts[meant-before-1]; *slot == 0 {
			*slot = c.Amount
		}
	}
	for _, amounts := range byReg {
		for i := range amounts {
			amounts[i] = max(amounts[i], 1)
		}
	}
	return byReg, nil
}

// meantFor is the ledger height that a commit was meant for: its own if it is in time, else the last one before it with
// the remainder that it gives; 0 if that lies before the chain.
func (c Commit) meantFor() uint32 {
	late := (c.Height + IntendedModulus - uint32(c.Intended)) % IntendedModulus
	return max(c.Height, late) - late
}

// upperMedian is the element in the middle, the greater of the two if their number is even. It reorders its argument.
func upperMedian(a []amount.Amount) amount.Amount {
	slices.Sort(a)
	return a[len(a)/2]
}

// spread gives each candidate its range of [0, 2^256), in proportion to its weight.
func spread(c []Candidate) {
	total, sum := new(big.Int), new(big.Int)
	for i := range c {
		total.Add(total, weight(c[i]))
	}
	one, start, end := big.NewInt(1), new(big.Int), new(big.Int)
	for i := range c {
		sum.Add(sum, weight(c[i]))
		end.Lsh(sum, 256).Quo(end, total)
		start.FillBytes(c[i].First[:])
		new(big.Int).Sub(end, one).FillBytes(c[i].Last[:])
		start.Set(end)
	}
}

func weight(c Candidate) *big.Int { return new(big.Int).SetUint64(uint64(c.Weight)) }

// draw finds the candidate whose range holds the index. Ranges are consecutive and the last ends at 2^256 - 1.
func draw(c []Candidate, index [32]byte) int {
	return slices.IndexFunc(c, func(c Candidate) bool { return bytes.Compare(index[:], c.Last[:]) <= 0 })
}

// Odds is the chance that a candidate had in its election.
func (c Candidate) Odds() float64 {
	width := new(big.Int).SetBytes(c.Last[:])
	width.Sub(width, new(big.Int).SetBytes(c.First[:])).Add(width, big.NewInt(1))
	odds, _ := new(big.Float).SetMantExp(new(big.Float).SetInt(width), -256).Float64()
	return odds
}

// consensusHash names a ledger fork as sortition sees it, all of its history included.
func consensusHash(prev [20]byte, ledger chainhash.Hash, s [32]byte) [20]byte {
	h := hash([]byte("funai/consensus"), prev[:], ledger[:], s[:])
	return [20]byte(h[:20])
}

func hash(parts ...[]byte) (h [32]byte) {
	d := sha256.New()
	for _, p := range parts {
		d.Write(p)
	}
	d.Sum(h[:0])
	return h
}

// whole is the time as block headers give it.
func whole(t time.Time) time.Time { return time.Unix(t.Unix(), 0).UTC() }
