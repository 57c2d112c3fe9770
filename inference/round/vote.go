package round

import (
	"context"
	"errors"
	"fmt"
	"time"

	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/sortition"
	"funai/key"
)

// onProposal takes in a proposed block: without a group it joins the chain, else the seat votes on it.
func (e *Engine) onProposal(ctx context.Context, m early) error {
	p, b := m.proposal, m.block
	id := b.ID()
	tip := e.Chain.Tip()
	if b.Header.Height <= tip.Height && !e.bootstrap(b.Header.Parent, p.Round) {
		return nil
	}
	t, err := e.Chain.Tenure(p.Round)
	if errors.Is(err, chain.ErrLedger) {
		e.keep(m)
		return nil
	}
	if err != nil {
		return nil //nolint:nilerr // of a ledger fork that this node does not follow, or of nobody's round
	}
	if err := e.checkProposer(t, p, b); err != nil {
		e.Logger.Debug("proposal refused", "height", b.Header.Height, "err", err)
		return nil
	}
	// The parent may be a block seen here whose certificate this block carries.
	if parent := e.blocks[b.Header.Parent]; parent != nil && !b.Header.Parents.None() {
		if err := e.add(parent, b.Header.Parents); err != nil {
			return err
		}
	}
	switch err := e.Chain.Validate(b); {
	case errors.Is(err, chain.ErrParent):
		e.keep(m)
		e.Behind()
		return nil
	case errors.Is(err, chain.ErrLedger):
		e.keep(m)
		return nil
	case err != nil:
		e.Logger.Warn("proposed block refused", "height", b.Header.Height, "id", id, "err", err)
		return nil
	}
	if p.Round == e.round && b.Header.Tenure == p.Round {
		e.heard = true
	}
	// No node takes in a block of the future, whoever certifies it: all would wait for that time to come.
	if e.ahead(b) {
		e.keep(m)
		return nil
	}
	set, err := e.Chain.Voters(b.Header.Parent, p.Round)
	if err != nil {
		return e.passing(err)
	}
	if set.Bootstrap() {
		return e.add(b, block.Certificate{})
	}
	if e.blocks[id] == nil {
		e.blocks[id] = b
		e.order = append(e.order, id)
	}
	if err := e.count(ctx, b.Header.Height, id, p.Round); err != nil {
		return err
	}
	return e.prepare(ctx, set, p, b, id)
}

// bootstrap says whether blocks on a parent need no group's certificate in a round.
func (e *Engine) bootstrap(parent block.ID, r block.Round) bool {
	set, err := e.Chain.Voters(parent, r)
	if errors.Is(err, chain.ErrUnknown) {
		set, err = e.Chain.Set(r.Height)
	}
	return err == nil && set.Bootstrap()
}

// passing drops the errors that the moving chain explains.
func (e *Engine) passing(err error) error {
	for _, p := range []error{chain.ErrParent, chain.ErrOrphaned, chain.ErrLedger, chain.ErrInvalid, chain.ErrUnknown} {
		if errors.Is(err, p) {
			return nil
		}
	}
	return err
}

// keep holds a proposal until what it lacks arrives; the oldest go first.
func (e *Engine) keep(m early) {
	e.early = append(e.early, m)
	if len(e.early) > maxEarly {
		e.early = e.early[1:]
	}
}

// add gives a block to the chain. Only a failure of the node itself is an error here: what the rules refuse is dropped.
func (e *Engine) add(b *block.Block, cert block.Certificate) error {
	err := e.Chain.Add(b, cert)
	for _, rule := range []error{chain.ErrInvalid, chain.ErrParent, chain.ErrLedger, chain.ErrOrphaned, chain.ErrUnknown, block.ErrBlock, block.ErrCertificate, block.ErrVote} {
		if errors.Is(err, rule) {
			e.Logger.Debug("block not added", "height", b.Header.Height, "err", err)
			return nil
		}
	}
	return err
}

// checkProposer checks who proposes: the round's winner, or the producer of the block's earlier tenure, who goes on where
// the winner is silent; and the prepares behind a block of an earlier round.
func (e *Engine) checkProposer(t *chain.Tenure, p block.Proposal, b *block.Block) error {
	who, err := p.Signer(e.params.ChainID)
	if err != nil {
		return err
	}
	if b.Header.Tenure.Height > p.Round.Height {
		return fmt.Errorf("%w: block of tenure %d in round %d", ErrMessage, b.Header.Tenure.Height, p.Round.Height)
	}
	if who != t.Registration.Signer {
		owner, err := b.Header.Producer()
		if err != nil {
			return err
		}
		if who != owner || b.Header.First() || b.Header.Tenure == p.Round {
			return fmt.Errorf("%w: proposed by %v, elected is the signer %v", ErrMessage, who, t.Registration.Signer)
		}
	}
	if p.Justify.None() {
		return nil
	}
	set, err := e.Chain.Voters(b.Header.Parent, p.Justify.Round)
	if err != nil {
		return err
	}
	return p.Justify.Check(block.Prepare, e.params.ChainID, b.Header.Height, b.ID(), set)
}

// prepare votes for a proposed block if this node holds a seat and nothing forbids it.
func (e *Engine) prepare(ctx context.Context, set sortition.CycleSet, p block.Proposal, b *block.Block, id block.ID) error {
	if !e.sits(set) || p.Round != e.round {
		return nil
	}
	if tip := e.Chain.Tip(); b.Header.Parent != tip.ID {
		return nil
	}
	for _, v := range e.sent {
		if v.Kind == block.Prepare && v.Height == b.Header.Height && v.Round == p.Round && v.Block == id {
			return nil // it is repeated in its time, not for each repeat of the proposal
		}
	}
	e.safety.settle(e.Chain)
	for _, err := range []error{
		e.safety.allows(block.Prepare, b.Header.Height, p.Round, id, e.Chain),
		e.safety.unlocks(b.Header.Height, id, p.Justify, e.Chain),
		e.timely(p, b),
		e.Chain.CheckReplay(b),
	} {
		if err != nil {
			e.Logger.Debug("no vote", "height", b.Header.Height, "round", p.Round.Height, "err", err)
			if errors.Is(err, errEarly) {
				e.keep(early{p, b})
			}
			return nil
		}
	}
	return e.vote(ctx, block.Prepare, b.Header.Height, p.Round, id)
}

// ahead says whether a block's time is further in the future than clocks may differ.
func (e *Engine) ahead(b *block.Block) bool {
	return b.Header.Time > uint64(time.Now().Add(e.params.MaxAhead).UnixMilli())
}

// errEarly says that a proposal may be voted for later.
var errEarly = errors.New("too early")

// timely holds back from a previous producer's blocks while the winner may still speak.
func (e *Engine) timely(p block.Proposal, b *block.Block) error {
	if b.Header.Tenure == p.Round || !p.Justify.None() {
		return nil
	}
	if who, err := b.Header.Producer(); err == nil {
		if signer, err := p.Signer(e.params.ChainID); err == nil && who != signer {
			return nil // the round's winner takes up a block of before
		}
	}
	if e.heard {
		return fmt.Errorf("%w: the winner of round %d has proposed", errRefuse, p.Round.Height)
	}
	if silent := time.Since(e.began); silent < e.params.ExtendAfter {
		return fmt.Errorf("%w: silent for %v, not %v", errEarly, silent, e.params.ExtendAfter)
	}
	return nil
}

// vote signs, saves, counts and sends. Saving comes before sending.
func (e *Engine) vote(ctx context.Context, kind byte, height uint64, r block.Round, id block.ID) error {
	v := block.Vote{Kind: kind, Height: height, Round: r, Block: id, Lock: e.safety.lock(height, e.Chain).Round.Height}
	v.Sign(e.Seat, e.params.ChainID)
	e.safety.note(kind, height, r, id)
	if err := e.Journal.Save(e.safety.encode()); err != nil {
		return fmt.Errorf("seat's journal: %w", err)
	}
	e.sent = append(e.sent, v)
	if len(e.sent) > 8 {
		e.sent = e.sent[1:]
	}
	e.votedAt = time.Now()
	e.publish(ctx, TopicVote, voteMessage{Vote: v})
	e.record(v, e.Seat.Public().Hash160())
	return e.count(ctx, height, id, r)
}

// onVote counts another seat's vote.
func (e *Engine) onVote(ctx context.Context, v block.Vote) error {
	tip := e.Chain.Tip()
	if v.Height <= tip.Height || v.Height > tip.Height+maxAhead || v.Round.Height+maxBehind < e.round.Height {
		return nil
	}
	t, err := e.Chain.Tenure(v.Round)
	if err != nil {
		return nil //nolint:nilerr // of an election not reached yet: it will be sent again
	}
	set := e.speakers(t)
	seat, err := v.Seat(e.params.ChainID, set)
	if err != nil {
		e.Logger.Debug("vote refused", "err", err)
		return nil
	}
	if v.Height > tip.Height+1 {
		e.Behind()
	}
	e.record(v, set.Seats[seat].Signer)
	return e.count(ctx, v.Height, v.Block, v.Round)
}

func (e *Engine) record(v block.Vote, signer key.Hash160) {
	k := ballotKey{v.Kind, v.Height, v.Round}
	if e.votes[k] == nil {
		e.votes[k] = map[key.Hash160]block.Vote{}
	}
	if _, ok := e.votes[k][signer]; !ok {
		e.votes[k][signer] = v
	}
}

// votesFor are a set's votes for one block among those of a kind, height and round, by seat.
func (e *Engine) votesFor(kind byte, height uint64, r block.Round, id block.ID, set sortition.CycleSet) map[int]block.Vote {
	of, votes := map[int]block.Vote{}, e.votes[ballotKey{kind, height, r}]
	for i, s := range set.Seats {
		if v, ok := votes[s.Signer]; ok && v.Block == id {
			of[i] = v
		}
	}
	return of
}

// count acts on a quorum: of prepares by locking and committing, of commits by adding the block to the chain.
func (e *Engine) count(ctx context.Context, height uint64, id block.ID, r block.Round) error {
	b := e.blocks[id]
	parent := e.Chain.Tip().ID // of a block not seen here, as far as can be told
	if b != nil {
		parent = b.Header.Parent
	}
	set, err := e.Chain.Voters(parent, r)
	if err != nil || set.Bootstrap() {
		return e.passing(err)
	}
	if commits := e.votesFor(block.Commit, height, r, id, set); len(commits) >= set.Quorum() {
		if b == nil {
			e.Behind()
			return nil
		}
		return e.add(b, block.Certify(commits, len(set.Seats)))
	}
	prepares := e.votesFor(block.Prepare, height, r, id, set)
	if len(prepares) < set.Quorum() || b == nil || !e.sits(set) || r != e.round || e.Chain.Tip().ID != parent {
		return nil
	}
	for _, v := range e.sent {
		if v.Kind == block.Commit && v.Height == height && v.Round == r && v.Block == id {
			return nil
		}
	}
	e.safety.settle(e.Chain)
	if err := e.safety.allows(block.Commit, height, r, id, e.Chain); err != nil {
		e.Logger.Debug("no commit", "height", height, "err", err)
		return nil
	}
	e.safety.bind(lock{Height: height, ID: id, Round: r, Block: b.Encode(), Justify: block.Certify(prepares, len(set.Seats))}, e.Chain)
	return e.vote(ctx, block.Commit, height, r, id)
}

// onStatus notes how far a seat is.
func (e *Engine) onStatus(s block.Status) {
	t, err := e.Chain.Tenure(s.Round)
	if err != nil || s.Round.Height+maxBehind < e.round.Height {
		return // of an election not reached yet: it will be sent again; or long past
	}
	set := e.speakers(t)
	seat, err := s.Seat(e.params.ChainID, set)
	if err != nil {
		e.Logger.Debug("status refused", "err", err)
		return
	}
	if s.Height > e.Chain.Tip().Height {
		e.Behind()
	}
	if err := e.checkLock(s); err != nil {
		e.Logger.Debug("status refused", "seat", seat, "err", err)
		return
	}
	if e.statuses[s.Round] == nil {
		e.statuses[s.Round] = map[key.Hash160]block.Status{}
	}
	signer := set.Seats[seat].Signer
	if old, ok := e.statuses[s.Round][signer]; !ok || s.Height >= old.Height {
		e.statuses[s.Round][signer] = s
	}
}

// checkLock checks the lock that a status shows, so that no seat can hide another's behind an invented newer one.
func (e *Engine) checkLock(s block.Status) error {
	if len(s.Lock) == 0 {
		return nil
	}
	b, err := block.Decode(s.Lock)
	if err != nil {
		return err
	}
	if b.Header.Height != s.Height+1 || b.Header.Parent != s.Tip {
		return fmt.Errorf("%w: lock at height %d on %v, tip at %d is %v", ErrMessage, b.Header.Height, b.Header.Parent, s.Height, s.Tip)
	}
	set, err := e.Chain.Voters(s.Tip, s.Justify.Round)
	if err != nil {
		return err
	}
	return s.Justify.Check(block.Prepare, e.params.ChainID, b.Header.Height, b.ID(), set)
}
