package node

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/inference/api"
	"funai/inference/chain"
	"funai/inference/execution"
	"funai/inference/sortition"
	"funai/inference/tx"
	"funai/key"
	"funai/ledger/wallet"
)

// Supply implements api.Source.
func (s *source) Supply(context.Context) (api.Supply, error) {
	l := s.n.ledger.Totals()
	t, err := s.n.chain.Totals()
	if err != nil {
		return api.Supply{}, err
	}
	held, err := amount.Sum(t.Held, t.Escrow, t.Staked, t.Bonded, t.Unlocking)
	if err != nil {
		return api.Supply{}, err
	}
	return api.Supply{
		Ledger: api.LayerSupply{Issued: l.Issued, Burned: l.Burned, Held: l.Held, Immature: l.Immature},
		Inference: api.LayerSupply{Issued: t.Issued, Credited: t.Bridged, Burned: t.Burned, Held: held, Immature: t.Immature,
			Escrow: t.Escrow, Staked: t.Staked, Bonded: t.Bonded},
	}, nil
}

// Balances implements api.Source.
func (s *source) Balances(_ context.Context, q api.BalanceQuery) ([]api.Balance, error) {
	n := s.n
	set, err := n.chain.Set(uint32(max(n.chain.Followed().Height, 0)))
	if err != nil && !errors.Is(err, chain.ErrUnknown) {
		return nil, err
	}
	var list []key.Hash160
	seen := map[key.Hash160]bool{}
	add := func(h key.Hash160) {
		if !h.IsZero() && !seen[h] {
			seen[h] = true
			list = append(list, h)
		}
	}
	switch {
	case len(q.Addresses) > 0:
		for _, a := range q.Addresses {
			h, err := s.parse(a)
			if err != nil {
				return nil, err
			}
			add(h)
		}
	case q.Of == api.BalancesOwn:
		add(n.me)
	case q.Of == api.BalancesAll:
		accounts, err := n.chain.Richest(q.Limit)
		if err != nil {
			return nil, err
		}
		for _, h := range accounts {
			add(h)
		}
	default:
		add(n.me)
		named := make([]key.Hash160, 0, len(n.cfg.Names))
		for h := range n.cfg.Names {
			named = append(named, h)
		}
		sort.Slice(named, func(i, j int) bool { return n.cfg.Names[named[i]] < n.cfg.Names[named[j]] })
		for _, h := range named {
			add(h)
		}
		for _, seat := range set.Seats {
			add(seat.Address)
		}
		for _, o := range n.board.Offers() {
			add(o.Server.Hash160())
		}
	}
	var out []api.Balance
	for _, h := range list[:min(len(list), q.Limit)] {
		b, err := s.balance(h, set)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func (s *source) balance(h key.Hash160, set sortition.CycleSet) (api.Balance, error) {
	n := s.n
	a, err := n.chain.Account(h)
	if err != nil {
		return api.Balance{}, err
	}
	escrow, immature, err := n.chain.Locked(h)
	if err != nil {
		return api.Balance{}, err
	}
	b := api.Balance{Name: n.cfg.Names[h], Own: h == n.me, Roles: s.roles(h, set),
		Inference: api.InferenceBalance{Address: s.addr(h), Confirmed: a.Balance, Escrow: escrow, Immature: immature, Staked: a.Stake, Bonded: a.Bond},
		Ledger:    api.LedgerBalance{Address: s.ledgerAddr(h)}}
	var w wallet.Balance
	ok := h == n.me
	if ok {
		w = n.wallet.Balance()
	} else if n.cfg.Balances != nil {
		w, ok = n.cfg.Balances(h)
	}
	if ok {
		b.Ledger.Confirmed, b.Ledger.Unconfirmed, b.Ledger.Immature = w.Confirmed-min(w.Spending, w.Confirmed), w.Unconfirmed, w.Immature
	}
	return b, nil
}

// Send implements api.Source.
func (s *source) Send(ctx context.Context, q api.Send) (api.Sent, error) {
	n, p := s.n, s.n.cfg.Network.Inference
	if q.Amount == 0 {
		return api.Sent{}, fmt.Errorf("%w: an amount of 0", api.ErrRequest)
	}
	if q.Layer == api.LayerLedger {
		to, err := key.ParseLedgerAddress(q.To, n.cfg.Network.Ledger.Bech32HRPSegwit)
		if err != nil {
			return api.Sent{}, fmt.Errorf("%w: %w", api.ErrRequest, err)
		}
		if q.Amount > amount.Max {
			return api.Sent{}, fmt.Errorf("%w: %v exceeds all there is", api.ErrRequest, q.Amount)
		}
		t, err := n.wallet.Send(ctx, []*wire.TxOut{wire.NewTxOut(int64(q.Amount), to.LedgerScript())}, 0)
		if errors.Is(err, wallet.ErrFunds) {
			return api.Sent{}, fmt.Errorf("%w: %w", api.ErrNoFunds, err)
		}
		if err != nil {
			return api.Sent{}, err
		}
		return api.Sent{Layer: q.Layer, TxID: t.TxID()}, nil
	}
	to, err := key.ParseInferenceAddress(q.To, tx.AddressVersion(p.Version))
	if err != nil {
		return api.Sent{}, fmt.Errorf("%w: %w", api.ErrRequest, err)
	}
	id, err := n.client.Transfer(ctx, to, q.Amount)
	if errors.Is(err, execution.ErrFunds) {
		return api.Sent{}, fmt.Errorf("%w: %w", api.ErrNoFunds, err)
	}
	if err != nil {
		return api.Sent{}, err
	}
	return api.Sent{Layer: q.Layer, TxID: id.String()}, nil
}
