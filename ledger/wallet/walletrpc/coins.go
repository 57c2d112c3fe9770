package walletrpc

import (
	"context"
	"encoding/hex"
	"slices"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/rpc"
	"funai/ledger/wallet/hd"
	"funai/ledger/wallet/hdkey"
)

func (m *methods) coinMethods() rpc.Methods {
	return rpc.Methods{
		"listunspent": m.method([]string{"minconf", "maxconf", "addresses", "include_unsafe", "query_options"}, "listunspent ( minconf maxconf "+
			"[\"address\",...] include_unsafe query_options )\n\nThe coins with minconf (1) to maxconf confirmations. Options: minimumAmount, "+
			"maximumAmount, maximumCount, minimumSumAmount.", listUnspent),
		"lockunspent": m.method([]string{"unlock", "transactions", "persistent"}, "lockunspent unlock ( [{\"txid\":\"hex\",\"vout\":n},...] persistent )\n\n"+
			"Keep coins from being chosen, or let them be again; without a list all that are locked.", lockUnspent),
		"listlockunspent": m.method(nil, "listlockunspent\n\nThe coins that are locked.", listLockUnspent),
	}
}

type unspent struct {
	TxID          string     `json:"txid"`
	Vout          uint32     `json:"vout"`
	Address       string     `json:"address,omitempty"`
	Label         *string    `json:"label,omitempty"`
	Script        string     `json:"scriptPubKey"`
	Amount        rpc.Amount `json:"amount"`
	Confirmations int32      `json:"confirmations"`
	Ancestors     int        `json:"ancestorcount,omitempty"`
	Spendable     bool       `json:"spendable"`
	Solvable      bool       `json:"solvable"`
	Desc          string     `json:"desc"`
	ParentDescs   []string   `json:"parent_descs"`
	Safe          bool       `json:"safe"`
}

// query narrows a list of coins.
type query struct {
	Min      rpc.NonNegative  `json:"minimumAmount"`
	Max      *rpc.NonNegative `json:"maximumAmount"`
	Count    int              `json:"maximumCount"`
	Sum      *rpc.NonNegative `json:"minimumSumAmount"`
	Immature bool             `json:"include_immature_coinbase"`

	minConf, maxConf int32
	scripts          map[string]bool // nil: all
	unsafe           bool
}

const manyConf = 9_999_999 // Bitcoin Core's default for maxconf

func readQuery(w *hd.Wallet, a rpc.Args) (q query, err error) {
	if q.minConf, err = rpc.Arg(a, 0, int32(1)); err != nil {
		return q, err
	}
	if q.maxConf, err = rpc.Arg(a, 1, int32(manyConf)); err != nil {
		return q, err
	}
	addresses, err := rpc.Arg[[]string](a, 2, nil)
	if err != nil {
		return q, err
	}
	for _, s := range addresses {
		script, err := address(w.Net(), s)
		if err != nil {
			return q, err
		}
		if q.scripts == nil {
			q.scripts = map[string]bool{}
		}
		if q.scripts[string(script)] {
			return q, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, duplicated address: %s", s)
		}
		q.scripts[string(script)] = true
	}
	if q.unsafe, err = rpc.Arg(a, 3, true); err != nil {
		return q, err
	}
	err = rpc.Options(a, 4, &q)
	if err == nil && q.Immature {
		err = rpc.Errorf(rpc.CodeInvalidParameter, "include_immature_coinbase is not supported")
	}
	return q, err
}

func (q *query) takes(c *hd.Coin) bool {
	return c.Confirmations >= q.minConf && c.Confirmations <= q.maxConf && (q.scripts == nil || q.scripts[string(c.Script)]) &&
		(q.unsafe || c.Safe) && !c.Locked && c.Value >= amount.Amount(q.Min) && (q.Max == nil || c.Value <= amount.Amount(*q.Max))
}

func listUnspent(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	q, err := readQuery(w, a)
	if err != nil {
		return nil, err
	}
	coins, err := w.Unspent(ctx)
	if err != nil {
		return nil, err
	}
	list, sum := []unspent{}, amount.Amount(0)
	for _, c := range coins {
		if q.Count > 0 && len(list) >= q.Count || q.Sum != nil && sum >= amount.Amount(*q.Sum) {
			break
		}
		if !q.takes(&c) {
			continue
		}
		sum += c.Value
		u := unspent{TxID: c.At.Hash.String(), Vout: c.At.Index, Address: c.Address, Script: hex.EncodeToString(c.Script), Amount: rpc.Amount(c.Value),
			Confirmations: c.Confirmations, Ancestors: c.Ancestors, Spendable: true, Solvable: true, Desc: c.Descriptor,
			ParentDescs: []string{c.ParentDesc}, Safe: c.Safe}
		if c.Labelled || c.Key.Chain != hdkey.Change {
			u.Label = &c.Label // every address handed out is in Bitcoin Core's address book
		}
		list = append(list, u)
	}
	return list, nil
}

func lockUnspent(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	free, err := rpc.Need[bool](a, 0, "unlock")
	if err != nil {
		return nil, err
	}
	given, err := rpc.Arg[[]outpoint](a, 1, nil)
	if err != nil {
		return nil, err
	}
	lasting, err := rpc.Arg(a, 2, false)
	if err != nil {
		return nil, err
	}
	var coins []wire.OutPoint
	for _, o := range given {
		at, err := o.read()
		if err != nil {
			return nil, err
		}
		if slices.Contains(coins, at) {
			return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, duplicated output: %v", at)
		}
		coins = append(coins, at)
	}
	switch {
	case !a.Has(1) && free:
		coins = w.LockedCoins()
	case !a.Has(1):
		return true, nil
	}
	if free {
		return true, w.UnlockCoins(coins)
	}
	return true, w.LockCoins(ctx, coins, lasting)
}

type lockedCoin struct {
	TxID string `json:"txid"`
	Vout uint32 `json:"vout"`
}

func listLockUnspent(_ context.Context, w *hd.Wallet, _ rpc.Args) (any, error) {
	list := []lockedCoin{}
	for _, o := range w.LockedCoins() {
		list = append(list, lockedCoin{o.Hash.String(), o.Index})
	}
	return list, nil
}
