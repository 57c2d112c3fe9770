package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"funai/amount"
	"funai/gateway"
	"funai/inference/api"
	"funai/model"
)

const priceIn, priceOut amount.Amount = 40, 160

var (
	_ api.Source      = (*Network)(nil)
	_ gateway.Backend = (*Network)(nil)
)

// Status implements api.Source.
func (n *Network) Status(context.Context) (api.Status, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l, b := n.ledger[len(n.ledger)-1], n.blocks[len(n.blocks)-1]
	s := api.Status{Network: "dev", Version: "demo", Time: time.Now(),
		Ledger:    api.LedgerTip{Height: l.Height, Hash: l.Hash, Time: l.Time, BestHeader: l.Height, Peers: 9, Mempool: 4},
		Inference: api.InferenceTip{Height: b.Height, ID: b.ID, Time: b.Time, LedgerHeight: l.Height, Producer: b.Producer, Certified: true, Confirmed: b.Height - 3},
		Cycle:     api.Cycle{Number: l.Height / 20, Length: 20, Prepare: 4, Start: l.Height / 20 * 20},
		Bootstrap: api.Bootstrap{Done: true, Stakers: seats, Needed: 4, Wanted: seats},
		Models:    []api.Model{{ID: "tinyllama-1.1b-chat", Hash: hashOf("tiny"), PriceIn: priceIn, PriceOut: priceOut, Context: 2048, Servers: nodes}},
		Own:       api.Own{Ledger: n.people[0].ledger, Inference: n.people[0].inference, Roles: []string{"client"}},
		Names:     map[string]string{}}
	for _, p := range n.people {
		s.Names[p.ledger], s.Names[p.inference] = p.name, p.name
		s.Peers = append(s.Peers, api.Peer{Address: p.inference})
	}
	for i := range seats {
		p := n.seat(i)
		s.Seats = append(s.Seats, api.Seat{Address: p.inference, Ledger: p.ledger, Stake: p.balance.Inference.Staked})
	}
	return s, nil
}

// page is the newest of all below a height, newest first; entry i has height i+1.
func page[T any](all []T, p api.Page) []T {
	end := uint64(len(all))
	if p.Before > 0 {
		end = min(end, p.Before-1)
	}
	part := slices.Clone(all[max(0, int(end)-p.Limit):end])
	slices.Reverse(part)
	return part
}

// LedgerBlocks implements api.Source.
func (n *Network) LedgerBlocks(_ context.Context, p api.Page) ([]api.LedgerBlock, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return page(n.ledger, p), nil
}

// Elections implements api.Source.
func (n *Network) Elections(_ context.Context, p api.Page) ([]api.Election, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return page(n.draws, p), nil
}

// InferenceBlocks implements api.Source.
func (n *Network) InferenceBlocks(_ context.Context, p api.Page) ([]api.InferenceBlock, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return page(n.blocks, p), nil
}

// Receipts implements api.Source.
func (n *Network) Receipts(_ context.Context, limit int, before string) ([]api.Receipt, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	end := len(n.receipts)
	if before != "" {
		if end = slices.IndexFunc(n.receipts, func(r api.Receipt) bool { return r.ID == before }); end < 0 {
			return nil, api.ErrNotFound
		}
	}
	part := slices.Clone(n.receipts[max(0, end-limit):end])
	slices.Reverse(part)
	return part, nil
}

// Receipt implements api.Source.
func (n *Network) Receipt(_ context.Context, id string) (api.Receipt, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.receipts {
		if r.ID == id {
			return r, nil
		}
	}
	return api.Receipt{}, fmt.Errorf("%w: receipt %s", api.ErrNotFound, id)
}

// Balances implements api.Source.
func (n *Network) Balances(_ context.Context, q api.BalanceQuery) (list []api.Balance, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.people {
		if q.Of != api.BalancesOwn || p.balance.Own {
			list = append(list, p.balance)
		}
	}
	return list[:min(len(list), q.Limit)], nil
}

// Supply implements api.Source.
func (n *Network) Supply(context.Context) (s api.Supply, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.people {
		l, i := p.balance.Ledger, p.balance.Inference
		s.Ledger.Held += l.Confirmed
		s.Inference.Held += i.Confirmed + i.Immature + i.Staked + i.Bonded
		s.Inference.Immature += i.Immature
		s.Inference.Staked += i.Staked
		s.Inference.Bonded += i.Bonded
	}
	s.Ledger.Burned = 4000 * amount.FAI
	s.Ledger.Issued = s.Ledger.Held + s.Ledger.Burned
	s.Inference.Burned = 3 * amount.FAI / 10
	s.Inference.Credited = min(s.Ledger.Burned, s.Inference.Held)
	s.Inference.Issued = s.Inference.Held + s.Inference.Burned - s.Inference.Credited
	return s, nil
}

// Send implements api.Source; nothing moves.
func (n *Network) Send(_ context.Context, s api.Send) (api.Sent, error) {
	return api.Sent{Layer: s.Layer, TxID: hashOf(s.To)}, nil
}

// Models implements gateway.Backend.
func (n *Network) Models(context.Context) ([]gateway.Model, error) {
	all := []gateway.Model{{ID: "tinyllama-1.1b-chat", PriceIn: priceIn, PriceOut: priceOut, Context: 2048, Servers: nodes}}
	if !n.Withdrawn.Load() {
		all = append(all, gateway.Model{ID: second, PriceIn: 4, PriceOut: 16, Context: 256, Servers: 1})
	}
	return all, nil
}

// second is the model that may be withdrawn.
const second = "stories15m"

const answer = `Paris is the capital of France.

It lies on the Seine, has been the seat of government since the tenth century, with pauses, and about two million people live inside the ring road. <b>This is not bold</b>, and <img src=x onerror=alert(1)> is only text.`

// Ask implements gateway.Backend. A question with the word "liar" goes to the node that makes answers up, one with
// "broke" finds no funds, one with "fail" breaks in the middle, one with "hang" gets no further than that.
func (n *Network) Ask(ctx context.Context, r gateway.Request, started func(gateway.Start), emit func(gateway.Delta) error) (gateway.Answer, error) {
	question := r.Messages[len(r.Messages)-1].Content
	server, text := 1, answer
	switch {
	case r.Model == second && n.Withdrawn.Load():
		return gateway.Answer{}, fmt.Errorf("%w: %s", gateway.ErrNoModel, r.Model)
	case strings.Contains(question, "liar"):
		server, text = liar, "The capital of France is Lyon, as everyone knows."
	case strings.Contains(question, "broke"):
		return gateway.Answer{}, fmt.Errorf("%w: the answer may cost 0.0008 FAI and 0.0001 FAI are free", gateway.ErrNoFunds)
	}
	words := strings.SplitAfter(text, " ")
	in := uint32(12 + len(strings.Fields(question)))
	n.mu.Lock()
	opened := n.Open(n.people[0], server, in, uint32(len(words)), time.Now())
	if strings.Contains(question, "fail") {
		opened.Output, opened.TokensOut, opened.Fee = "", 0, 0
	}
	receipt := *opened
	n.mu.Unlock()
	started(gateway.Start{Receipt: receipt.ID, Server: receipt.Server, Escrow: receipt.Escrow})
	for i, w := range words {
		next := time.After(n.every / 10)
		if i > 5 && strings.Contains(question, "hang") {
			next = nil
		}
		select {
		case <-ctx.Done():
			return gateway.Answer{}, ctx.Err()
		case <-next:
		}
		if i > 5 && strings.Contains(question, "fail") {
			return gateway.Answer{}, fmt.Errorf("%w: connection lost after %d tokens", gateway.ErrUpstream, i)
		}
		if err := emit(gateway.Delta{Text: w}); errors.Is(err, gateway.ErrStop) {
			break
		} else if err != nil {
			return gateway.Answer{}, err
		}
	}
	return gateway.Answer{Receipt: receipt.ID, Server: receipt.Server, Finish: model.FinishStop, PromptTokens: int(in),
		CompletionTokens: len(words), Fee: receipt.Fee}, nil
}
