package walletrpc

import (
	"context"

	"funai/ledger/rpc"
	"funai/ledger/wallet/hd"
)

func (m *methods) balanceMethods() rpc.Methods {
	return rpc.Methods{
		"getbalance": m.method([]string{"dummy", "minconf", "include_watchonly", "avoid_reuse"}, "getbalance ( \"dummy\" minconf )\n\nWhat the wallet can "+
			"spend, or the part with at least minconf confirmations.", getBalance),
		"getbalances": m.method(nil, "getbalances\n\nWhat the wallet can spend, what comes from others unconfirmed, and what was mined and is immature.",
			getBalances),
	}
}

func getBalance(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	dummy, err := rpc.Arg(a, 0, "*")
	if err != nil {
		return nil, err
	}
	if dummy != "*" {
		return nil, rpc.Errorf(rpc.CodeMethodDeprecated, `dummy first argument must be excluded or set to "*".`)
	}
	minConf, err := rpc.Arg(a, 1, int32(0))
	if err != nil {
		return nil, err
	}
	b, err := w.Balance(ctx, minConf)
	return rpc.Amount(b.Trusted), err
}

type mine struct {
	Trusted   rpc.Amount `json:"trusted"`
	Untrusted rpc.Amount `json:"untrusted_pending"`
	Immature  rpc.Amount `json:"immature"`
}

func getBalances(ctx context.Context, w *hd.Wallet, _ rpc.Args) (any, error) {
	b, err := w.Balance(ctx, 0)
	return struct {
		Mine mine  `json:"mine"`
		Last block `json:"lastprocessedblock"`
	}{mine{rpc.Amount(b.Trusted), rpc.Amount(b.Untrusted), rpc.Amount(b.Immature)}, asOf(b.At)}, err
}
