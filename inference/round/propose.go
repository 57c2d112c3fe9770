package round

import (
	"context"
	"fmt"
	"time"

	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/sortition"
)

// report tells the producer of a new round how far this seat is, and repeats itself and its votes until the round moves.
func (e *Engine) report(ctx context.Context, t *chain.Tenure) error {
	set, err := e.Chain.Voters(e.Chain.Tip().ID, t.Round)
	if err != nil {
		return e.passing(err)
	}
	if !e.sits(set) || e.Chain.TipInfo().Tenure == t.Round {
		// Nothing to report once the round has a block; votes at the next height may still need repeating.
		return e.repeatVotes(ctx)
	}
	if time.Since(e.statusAt) < resendAfter {
		return nil
	}
	e.statusAt = time.Now()
	e.safety.settle(e.Chain)
	tip := e.Chain.Tip()
	s := block.Status{Round: t.Round, Height: tip.Height, Tip: tip.ID, Resend: e.resend}
	e.resend++
	if l := e.safety.lock(tip.Height+1, e.Chain); l.Height != 0 {
		s.Lock, s.Justify = l.Block, l.Justify
	}
	s.Sign(e.Seat, e.params.ChainID)
	e.publish(ctx, TopicStatus, s)
	e.onStatus(s)
	return e.repeatVotes(ctx)
}

// repeatVotes sends this seat's votes at the present height again: the network may have lost them.
func (e *Engine) repeatVotes(ctx context.Context) error {
	if len(e.sent) == 0 || time.Since(e.votedAt) < resendAfter {
		return nil
	}
	e.votedAt = time.Now()
	e.resend++
	for _, v := range e.sent {
		e.publish(ctx, TopicVote, voteMessage{Vote: v, Resend: e.resend})
	}
	return nil
}

// propose puts a block to the vote if it is this node's turn and there is reason to.
func (e *Engine) propose(ctx context.Context, t *chain.Tenure) error {
	if e.Signer == nil {
		return nil
	}
	tip := e.Chain.TipInfo()
	if e.mine != nil && e.mineH == tip.Height+1 && e.mine.Round == t.Round {
		return e.repeatProposal(ctx)
	}
	if e.barred == (barred{t.Round, tip.ID}) {
		return nil
	}
	me := e.Signer.Public().Hash160()
	tenure, set := t.Round, t.Set
	if t.Registration.Signer != me {
		// The winner may be silent; then the producer of the tip's tenure goes on.
		if e.heard || tip.Height == 0 || tip.Tenure == t.Round || time.Since(e.began) < e.params.ExtendAfter {
			return nil
		}
		old, err := e.Chain.Tenure(tip.Tenure)
		if err != nil || old.Registration.Signer != me {
			return nil //nolint:nilerr // a tenure that was reorganized away is nobody's
		}
		tenure, set = tip.Tenure, old.Set
	}
	// A block is due no sooner than its spacing allows it to be in time.
	if due := time.UnixMilli(int64(tip.Time)).Add(e.params.BlockSpacing); time.Until(due) > e.params.MaxAhead {
		return nil
	}
	// Later blocks of a tenure wait for the spacing, so that many transactions share one.
	if tip.Tenure == tenure && time.Since(time.UnixMilli(int64(tip.Time))) < e.params.BlockSpacing {
		return nil
	}
	voters, err := e.Chain.Voters(tip.ID, t.Round)
	if err != nil {
		return e.passing(err)
	}
	if tip.Tenure != t.Round && !voters.Bootstrap() {
		ready, done, err := e.takeUpLock(ctx, t, voters)
		if err != nil || done || !ready {
			return err
		}
	}
	d, err := e.Chain.NewDraft(tenure)
	if err != nil {
		return e.giveWay(err)
	}
	e.Pool.Fill(d, set)
	if !d.First() && d.Len() == 0 {
		return nil
	}
	b, err := d.Finish(e.Signer, e.Prover, time.Now())
	if err != nil {
		return e.giveWay(err)
	}
	return e.put(ctx, block.Proposal{Round: t.Round, Block: b.Encode()}, b)
}

// giveWay passes over what the moving chain explains, for the next try.
func (e *Engine) giveWay(err error) error {
	if err := e.passing(err); err != nil {
		return fmt.Errorf("assembling a block: %w", err)
	}
	return nil
}

// takeUpLock waits for a quorum of seats to say how far they are, and proposes the newest locked block again, unchanged.
// ready says that a quorum has spoken and none of them is ahead; done that a block was proposed.
func (e *Engine) takeUpLock(ctx context.Context, t *chain.Tenure, voters sortition.CycleSet) (ready, done bool, err error) {
	tip := e.Chain.Tip()
	count := 0
	var newest *block.Status
	for _, seat := range voters.Seats {
		s, spoke := e.statuses[t.Round][seat.Signer]
		if !spoke {
			continue
		}
		// A seat that says it is ahead is not counted: it may be, and then this node soon is too, or it lies. The locks that
		// matter are held by a quorum, of which any quorum that spoke has enough.
		if s.Height > tip.Height {
			e.Behind()
			continue
		}
		count++
		if s.Height != tip.Height || len(s.Lock) == 0 {
			continue
		}
		if newest == nil || s.Justify.Round.Height > newest.Justify.Round.Height {
			newest = &s
		}
	}
	if count < voters.Quorum() {
		return false, false, nil
	}
	if newest == nil {
		return true, false, nil
	}
	b, err := block.Decode(newest.Lock)
	if err != nil {
		return true, false, nil //nolint:nilerr // statuses with such locks were refused
	}
	p := block.Proposal{Round: t.Round, Block: newest.Lock, Justify: newest.Justify}
	p.Sign(e.Signer, e.params.ChainID)
	if b.Header.Parent != tip.ID || e.checkProposer(t, p, b) != nil || e.Chain.Validate(b) != nil {
		return true, false, nil //nolint:nilerr // it can't be taken up any more
	}
	return true, true, e.put(ctx, p, b)
}

// put signs and sends a proposal, and takes it in here. One that this node itself finds invalid, because its winning commit
// named a block that was reorganized away, say, ends its attempts on this tip.
func (e *Engine) put(ctx context.Context, p block.Proposal, b *block.Block) error {
	if err := e.Chain.Validate(b); err != nil {
		e.Logger.Info("nothing to propose in this round", "round", p.Round.Height, "err", err)
		e.barred = barred{p.Round, b.Header.Parent}
		return nil
	}
	p.Sign(e.Signer, e.params.ChainID)
	e.mine, e.mineAt, e.mineID, e.mineH = &p, time.Now(), b.ID(), b.Header.Height
	e.Logger.Debug("proposing", "height", b.Header.Height, "round", p.Round.Height, "txs", len(b.Txs))
	e.publish(ctx, TopicProposal, p)
	return e.onProposal(ctx, early{p, b})
}

// repeatProposal sends the proposal again while it is not certified.
func (e *Engine) repeatProposal(ctx context.Context) error {
	if time.Since(e.mineAt) < resendAfter {
		return nil
	}
	e.mineAt = time.Now()
	e.mine.Resend++
	e.mine.Sign(e.Signer, e.params.ChainID)
	e.publish(ctx, TopicProposal, *e.mine)
	return nil
}
