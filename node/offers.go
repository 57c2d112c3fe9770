package node

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"funai/gateway"
	"funai/gateway/route"
	"funai/inference/chain"
	"funai/inference/execution"
	"funai/inference/tx"
	"funai/key"
)

// able is what a transaction of the inference layer can carry, so that the answer can be checked. Tools, schemas and other
// ways to sample are not in it: they are asked of servers that the gateway's owner runs.
const able = gateway.CanChat | gateway.CanRepeat | gateway.CanLogprobs

const talliedTasks = 1000 // latest tasks whose verdicts make a server's judged quality

// offers shows the network to the gateway's router, server by server.
type offers struct {
	backend
	mu    sync.Mutex
	at    chain.Index // the block of the tally
	tally map[verdictOf]verdicts
}

type verdictOf struct {
	server key.Hash160
	model  uint32
}

type verdicts struct{ judged, valid uint64 }

var (
	_ route.Source = (*offers)(nil)
	_ route.Knower = (*offers)(nil)
)

// Knows implements route.Knower.
func (m *offers) Knows(name string) bool {
	_, ok := m.n.cfg.Network.Model(name)
	return ok
}

// Offers implements route.Source.
func (m *offers) Offers(context.Context) ([]gateway.Offer, error) {
	tally, err := m.verdicts()
	if err != nil {
		return nil, err
	}
	var out []gateway.Offer
	for _, t := range m.n.cfg.Network.Models {
		for _, offer := range m.n.board.Offers() {
			terms, ok := offer.Of(t.Type)
			if !ok {
				continue
			}
			h := offer.Server.Hash160()
			o := gateway.Offer{Server: address(h, m.n.cfg.Network.Inference.Version), Queue: int(offer.Queue), Model: gateway.Model{ID: t.Name,
				Context: int(terms.Context), Longest: int(t.MaxTokens), PriceIn: terms.GasPrice * execution.GasPerTokenIn,
				PriceOut: terms.GasPrice * execution.GasPerTokenOut, Servers: 1, Logprobs: true, Can: able, Trust: []string{gateway.TrustJudge}}}
			if v := tally[verdictOf{h, t.Type}]; v.judged > 0 {
				o.Stats.Judged, o.Stats.Quality = v.judged, float64(v.valid)/float64(v.judged)
			}
			out = append(out, o)
		}
	}
	return out, nil
}

// verdicts counts those of the latest tasks. The map is not changed after it was returned.
func (m *offers) verdicts() (map[verdictOf]verdicts, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if tip := m.n.chain.Tip(); m.tally == nil || tip != m.at {
		tasks, err := m.n.chain.Recent(talliedTasks, nil)
		if err != nil {
			return nil, err
		}
		tally := map[verdictOf]verdicts{}
		for _, t := range tasks {
			if t.Settled.Height == 0 || t.Verdict != execution.Valid && t.Verdict != execution.Invalid {
				continue
			}
			k := verdictOf{t.Server, t.Model}
			v := tally[k]
			v.judged++
			if t.Verdict == execution.Valid {
				v.valid++
			}
			tally[k] = v
		}
		m.at, m.tally = tip, tally
	}
	return m.tally, nil
}

// Ask implements route.Source.
func (m *offers) Ask(ctx context.Context, server string, r gateway.Request, started func(gateway.Start), emit func(gateway.Delta) error) (gateway.Answer, error) {
	at, err := key.ParseInferenceAddress(server, tx.AddressVersion(m.n.cfg.Network.Inference.Version))
	if err != nil {
		return gateway.Answer{}, errors.Join(gateway.ErrNobody, fmt.Errorf("server %.100q: %w", server, err))
	}
	return m.ask(ctx, at, r, started, emit)
}
