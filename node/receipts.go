package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"funai/inference/api"
	"funai/inference/chain"
	"funai/inference/execution"
	"funai/inference/state"
	"funai/inference/tx"
)

// Receipts implements api.Source.
func (s *source) Receipts(_ context.Context, limit int, before string) ([]api.Receipt, error) {
	var after *tx.ID
	if before != "" {
		id, err := tx.ParseID(before)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", api.ErrRequest, err)
		}
		after = &id
	}
	tasks, err := s.n.chain.Recent(limit, after)
	if errors.Is(err, chain.ErrUnknown) {
		return nil, fmt.Errorf("%w: receipt %s", api.ErrNotFound, before)
	}
	if err != nil {
		return nil, err
	}
	var out []api.Receipt
	for _, t := range tasks {
		r, err := s.receipt(t)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// Receipt implements api.Source.
func (s *source) Receipt(_ context.Context, id string) (api.Receipt, error) {
	task, err := tx.ParseID(id)
	if err != nil {
		return api.Receipt{}, fmt.Errorf("%w: %w", api.ErrRequest, err)
	}
	t, err := s.n.chain.Task(task)
	if errors.Is(err, chain.ErrUnknown) {
		return s.waiting(task)
	}
	if err != nil {
		return api.Receipt{}, err
	}
	return s.receipt(t)
}

// waiting shows a question whose opening no block has packed yet.
func (s *source) waiting(id tx.ID) (api.Receipt, error) {
	t, ok := s.n.pool.Get(id)
	if !ok {
		return api.Receipt{}, fmt.Errorf("%w: receipt %v", api.ErrNotFound, id)
	}
	o, ok := t.Payload.(*tx.Open)
	if !ok {
		return api.Receipt{}, fmt.Errorf("%w: transaction %v asks nothing", api.ErrNotFound, id)
	}
	escrow, err := o.MaxCost()
	return api.Receipt{ID: id.String(), Verdict: api.VerdictPending, Model: s.modelName(o.Model), Trust: "judge", Asker: s.addr(t.Signer),
		Server: s.addr(o.Server), Escrow: escrow}, err
}

func (s *source) modelName(t uint32) string {
	if m, ok := s.n.cfg.Network.ModelOf(t); ok {
		return m.Name
	}
	return fmt.Sprintf("type-%d", t)
}

func (s *source) receipt(t chain.TaskInfo) (api.Receipt, error) {
	r := api.Receipt{ID: t.ID.String(), Verdict: api.VerdictPending, Model: s.modelName(t.Model), Trust: "judge", Asker: s.addr(t.Asker),
		Server: s.addr(t.Server), TokensIn: t.In, TokensOut: t.Out, Escrow: t.Escrow, Fee: t.Fee}
	var err error
	if r.Opened, err = s.place(t.Opened); err != nil {
		return r, err
	}
	if r.Packed, err = s.place(t.Packed); err != nil {
		return r, err
	}
	if r.Settled, err = s.place(t.Settled); err != nil {
		return r, err
	}
	if r.Packed != nil {
		r.Output = hex.EncodeToString(t.Output[:])
		if i, err := s.n.chain.InfoAt(t.Packed.Height); err == nil {
			r.Producer = s.addr(i.Producer)
		}
	}
	for _, p := range t.Payouts {
		r.Payouts = append(r.Payouts, api.Payout{Role: p.Role, Who: s.addr(p.To), Amount: p.Amount})
	}
	switch {
	case r.Settled == nil:
		return r, s.pendingVotes(&r, t)
	case t.Verdict == execution.Valid:
		r.Verdict = api.VerdictValid
	case t.Verdict == execution.Invalid:
		r.Verdict = api.VerdictInvalid
	default:
		r.Verdict = api.VerdictNone
	}
	for i, v := range t.Votes {
		r.Votes = append(r.Votes, api.Vote{Seat: i, Who: s.addr(v.Seat), Vote: vote(v.Verdict, api.VoteMissed)})
	}
	return r, nil
}

func vote(v byte, none string) string {
	switch v {
	case execution.Valid:
		return api.VoteValid
	case execution.Invalid:
		return api.VoteInvalid
	case execution.Abstain:
		return api.VoteAbstain
	}
	return none
}

// pendingVotes shows how far the seats are with a packed result.
func (s *source) pendingVotes(r *api.Receipt, t chain.TaskInfo) error {
	if r.Packed == nil {
		return nil
	}
	return s.n.chain.Read(func(st state.Reader) error {
		p, ok, err := execution.PackOf(st, t.Pack)
		if err != nil || !ok {
			return err
		}
		index := 0
		for i, x := range p.Results {
			if x.Task == t.ID {
				index = i
			}
		}
		for i, b := range p.Ballots {
			v := api.Vote{Seat: i, Who: s.addr(b.Seat.Address), Vote: api.VotePending}
			if b.Sealed {
				v.Vote = api.VoteSealed
			}
			if index < len(b.Verdicts) {
				v.Vote = vote(b.Verdicts[index], api.VotePending)
			}
			r.Votes = append(r.Votes, v)
		}
		return nil
	})
}

func (s *source) place(p chain.Place) (*api.Place, error) {
	if p.Height == 0 {
		return nil, nil
	}
	out := &api.Place{Height: p.Height, LedgerHeight: p.Ledger, Time: millis(p.Time)}
	i, err := s.n.chain.InfoAt(p.Height)
	if err != nil && !errors.Is(err, chain.ErrUnknown) {
		return nil, err
	}
	out.Block = i.ID.String()
	return out, nil
}
