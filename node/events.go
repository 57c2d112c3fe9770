package node

import (
	"context"
	"errors"

	"funai/inference/api"
	"funai/inference/chain"
	"funai/inference/execution"
	"funai/inference/tx"
	"funai/key"
	ledger "funai/ledger/chain"
)

// eventsAtOnce bounds what is told of one jump of a chain; a page that sees a gap fetches what it lacks.
const eventsAtOnce = 32

// publish tells the API's listeners what happens on both chains, until the context ends.
func (n *Node) publish(ctx context.Context, a *api.API) {
	s := &source{n}
	at, followed := n.chain.Tip(), n.chain.Followed()
	for {
		moved := n.chain.Changed()
		touched := map[key.Hash160]bool{}
		// A ledger block is told of once its election was held, so that its operations are known.
		if now := n.chain.Followed(); now != followed {
			s.tellLedger(a, followed, now)
			touched[n.me] = true
			for h := max(followed.Height+1, now.Height-eventsAtOnce); h <= now.Height; h++ {
				if e, err := s.election(uint32(h)); err == nil {
					a.Publish(api.Event{Kind: api.KindElection, Data: e})
				}
			}
			followed = now
		}
		var err error
		if at, err = s.tellBlocks(a, at, touched); err != nil && ctx.Err() == nil {
			n.log.Warn("events", "err", err)
		}
		if set, err := n.chain.Set(uint32(max(followed.Height, 0))); err == nil {
			// A page shows those it has names for; a busy chain touches thousands more.
			for h := range touched {
				if _, named := n.cfg.Names[h]; !named && h != n.me {
					continue
				}
				if b, err := s.balance(h, set); err == nil {
					a.Publish(api.Event{Kind: api.KindBalance, Data: b})
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-moved:
		}
	}
}

// tellLedger tells of the blocks between two tips, from where they part.
func (s *source) tellLedger(a *api.API, from, to ledger.Index) {
	first := from.Height + 1
	for h := from.Height; h > 0 && h > from.Height-eventsAtOnce; h-- {
		if at, ok := s.n.ledger.IndexAt(h); ok && (h != from.Height || at.Hash == from.Hash) {
			break
		}
		first = h
	}
	for h := max(first, to.Height-eventsAtOnce); h <= to.Height; h++ {
		if b, err := s.ledgerBlock(h); err == nil {
			a.Publish(api.Event{Kind: api.KindLedgerBlock, Data: b})
		}
	}
}

// tellBlocks tells of the inference blocks since one, and of what they did to questions and balances.
func (s *source) tellBlocks(a *api.API, at chain.Index, touched map[key.Hash160]bool) (chain.Index, error) {
	for {
		reverted, applied, err := s.n.chain.UpdatesSince(at, eventsAtOnce)
		if err != nil || len(reverted)+len(applied) == 0 {
			return at, err
		}
		for _, u := range reverted {
			at = chain.Index{Height: u.Height - 1, ID: u.Parent}
		}
		for _, u := range applied {
			at = u.Index
			if b, err := s.inferenceBlock(u.Info); err == nil {
				a.Publish(api.Event{Kind: api.KindInferenceBlock, Data: b})
			}
			s.tellEvents(a, u.Events, touched)
		}
	}
}

func (s *source) tellEvents(a *api.API, events []execution.Event, touched map[key.Hash160]bool) {
	told := map[tx.ID]string{}
	for _, e := range events {
		for _, h := range []key.Hash160{e.From, e.To, e.Server} {
			if !h.IsZero() {
				touched[h] = true
			}
		}
		for _, p := range e.Payouts {
			if !p.To.IsZero() {
				touched[p.To] = true
			}
		}
		switch e.Kind {
		case execution.EventOpened, execution.EventPacked:
			told[e.Task] = string(api.KindReceipt)
		case execution.EventSettled, execution.EventExpired:
			told[e.Task] = string(api.KindVerdict)
		case execution.EventSealed, execution.EventUnsealed:
			if tasks, err := s.n.chain.TasksOf(e.Pack); err == nil {
				for _, id := range tasks {
					if told[id] == "" {
						told[id] = string(api.KindReceipt)
					}
				}
			}
		}
	}
	for id, kind := range told {
		t, err := s.n.chain.Task(id)
		if errors.Is(err, chain.ErrUnknown) {
			continue
		}
		if err != nil {
			s.n.log.Warn("events", "err", err)
			continue
		}
		if r, err := s.receipt(t); err == nil {
			a.Publish(api.Event{Kind: api.Kind(kind), Data: r})
		}
	}
}
