package noderpc

import (
	"context"
	"strings"

	"funai/ledger/rpc"
)

func (n *node) feeMethods() rpc.Methods {
	return rpc.Methods{
		"estimatesmartfee": {Params: []string{"conf_target", "estimate_mode"},
			Help: "estimatesmartfee conf_target ( \"estimate_mode\" )\n\nThe fee rate, in coins per 1,000 virtual bytes, that probably gets a transaction " +
				"into one of the next conf_target (1 to 1008) blocks. The mode is economical or conservative.", Do: n.estimateSmartFee},
	}
}

type feeEstimate struct {
	FeeRate *rpc.Amount `json:"feerate,omitempty"`
	Errors  []string    `json:"errors,omitempty"`
	Blocks  int         `json:"blocks"` // for which the estimate is
}

// maxTarget is the furthest block that fees are estimated for (a week of Bitcoin's).
const maxTarget = 1008

func (n *node) estimateSmartFee(_ context.Context, a rpc.Args) (any, error) {
	target, err := rpc.Need[int](a, 0, "conf_target")
	if err != nil {
		return nil, err
	}
	if target < 1 || target > maxTarget {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid conf_target, must be between 1 and %d", maxTarget)
	}
	mode, err := rpc.Arg(a, 1, "economical")
	if err != nil {
		return nil, err
	}
	conservative := false
	switch strings.ToLower(mode) {
	case "conservative":
		conservative = true
	case "unset", "economical":
	default:
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, `Invalid estimate_mode parameter, must be one of: "unset", "economical", "conservative"`)
	}
	rate, blocks, err := n.Pool.EstimateFee(target, conservative)
	if err != nil {
		return feeEstimate{Errors: []string{"Insufficient data or no feerate found"}, Blocks: blocks}, nil //nolint:nilerr // the answer
	}
	r := rpc.Amount(rate)
	return feeEstimate{FeeRate: &r, Blocks: blocks}, nil
}
