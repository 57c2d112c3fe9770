package noderpc

import (
	"context"
	"encoding/binary"
	"errors"
	"sync/atomic"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/rpc"
	"funai/ledger/rpc/descriptor"
	"funai/ledger/rpc/txjson"
)

func (n *node) scanMethods() rpc.Methods {
	return rpc.Methods{
		"scantxoutset": {Params: []string{"action", "scanobjects"},
			Help: "scantxoutset \"action\" ( [scanobjects,...] )\n\nLook through all unspent outputs for those of some descriptors: start, " +
				"status or abort. A scan object is a descriptor, or {\"desc\":\"...\",\"range\":n or [n,n]}.", Do: n.scanTxOutSet},
	}
}

// scan is a look through the coin set. There is one at a time.
type scan struct {
	stop     context.CancelFunc
	progress atomic.Int32 // percent: of the hashes that transactions may have
}

// maxRange bounds the scripts that one ranged descriptor stands for.
const maxRange = 1_000_000

// scanObject is a descriptor to look for.
type scanObject struct {
	Desc  string `json:"desc"`
	Range span   `json:"range"`
}

// span is a range of numbers, given as its end or as both.
type span struct {
	first, last int64
	given       bool
}

// UnmarshalJSON reads n or [n,n]; what is no range is an *rpc.Error.
func (s *span) UnmarshalJSON(b []byte) error {
	s.given = true
	if last, err := rpc.Decode[int64](b); err == nil {
		s.last = last
	} else if both, err := rpc.Decode[[]int64](b); err == nil && len(both) == 2 {
		s.first, s.last = both[0], both[1]
	} else {
		return rpc.Errorf(rpc.CodeInvalidParameter, "Range must be specified as end or as [begin,end]")
	}
	switch {
	case s.last < s.first:
		return rpc.Errorf(rpc.CodeInvalidParameter, "Range specified as [begin,end] must not have begin after end")
	case s.first < 0:
		return rpc.Errorf(rpc.CodeInvalidParameter, "Range should be greater or equal than 0")
	case s.last >= 1<<31:
		return rpc.Errorf(rpc.CodeInvalidParameter, "End of range is too high")
	case s.last-s.first >= maxRange:
		return rpc.Errorf(rpc.CodeInvalidParameter, "Range is too large")
	}
	return nil
}

type unspent struct {
	TxID          string     `json:"txid"`
	Vout          uint32     `json:"vout"`
	Script        string     `json:"scriptPubKey"`
	Desc          string     `json:"desc"`
	Amount        rpc.Amount `json:"amount"`
	Coinbase      bool       `json:"coinbase"`
	Height        int32      `json:"height"`
	BlockHash     string     `json:"blockhash"`
	Confirmations int32      `json:"confirmations"`
}

type scanResult struct {
	Success  bool       `json:"success"`
	Outputs  int64      `json:"txouts"` // looked at
	Height   int32      `json:"height"`
	Best     string     `json:"bestblock"`
	Unspents []unspent  `json:"unspents"`
	Total    rpc.Amount `json:"total_amount"`
}

func (n *node) scanTxOutSet(ctx context.Context, a rpc.Args) (any, error) {
	action, err := rpc.Need[string](a, 0, "action")
	if err != nil {
		return nil, err
	}
	running := n.scan.Load()
	switch action {
	case "status":
		if running == nil {
			return nil, nil
		}
		return map[string]int32{"progress": running.progress.Load()}, nil
	case "abort":
		if running != nil {
			running.stop()
		}
		return running != nil, nil
	case "start":
		wanted, err := n.wanted(ctx, a)
		if err != nil {
			return nil, err
		}
		return n.startScan(ctx, wanted)
	}
	return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid action '%s'", action)
}

// wanted are the scripts to look for, with the descriptors that found coins are shown with.
func (n *node) wanted(ctx context.Context, a rpc.Args) (map[string]string, error) {
	raws, err := rpc.Need[rpc.Args](a, 1, "scanobjects")
	if err != nil {
		return nil, err
	}
	scripts := map[string]string{}
	for i := range raws {
		var o scanObject
		if o.Desc, err = rpc.Decode[string](raws[i]); err != nil {
			if o, err = rpc.Decode[scanObject](raws[i]); err != nil {
				return nil, err
			}
		}
		if err := n.addWanted(ctx, scripts, o); err != nil {
			return nil, err
		}
	}
	return scripts, nil
}

func (n *node) addWanted(ctx context.Context, scripts map[string]string, o scanObject) error {
	d, err := n.descriptor(o.Desc, false)
	if err != nil {
		return err
	}
	const usual = 1000 // numbers of a range that nothing was said of
	first, last := o.Range.first, o.Range.last
	if d.IsRange() && !o.Range.given {
		last = usual
	}
	if !d.IsRange() {
		first, last = 0, 0
	}
	for i := first; i <= last; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		outs, err := d.Outputs(uint32(i))
		if err != nil {
			return descriptorError(err)
		}
		if len(scripts) > maxRange {
			return rpc.Errorf(rpc.CodeInvalidParameter, "Range is too large")
		}
		for _, out := range outs {
			desc := txjson.Infer(n.p, out.Script)
			if d.Solvable() {
				desc = d.Show(uint32(i), out)
			}
			scripts[string(out.Script)] = desc
		}
	}
	return nil
}

// descriptor reads a descriptor in a parameter.
func (n *node) descriptor(s string, checksum bool) (*descriptor.Descriptor, error) {
	d, err := descriptor.Parse(n.p, s, checksum)
	return d, descriptorError(err)
}

func descriptorError(err error) error {
	if errors.Is(err, descriptor.ErrDescriptor) {
		return rpc.Errorf(rpc.CodeInvalidAddressOrKey, "%v", err)
	}
	return err
}

// startScan looks at all coins for those of the scripts.
func (n *node) startScan(ctx context.Context, wanted map[string]string) (any, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &scan{stop: stop}
	if !n.scan.CompareAndSwap(nil, s) {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Scan already in progress, use action \"abort\" or \"status\"")
	}
	defer n.scan.Store(nil)
	j := scanResult{Unspents: []unspent{}}
	at, err := n.Chain.EachCoin(ctx, func(o wire.OutPoint, c chain.Coin) error {
		if j.Outputs++; j.Outputs%1024 == 0 {
			s.progress.Store(int32(binary.BigEndian.Uint16(o.Hash[:2])) * 100 >> 16)
		}
		desc, ok := wanted[string(c.Out.PkScript)]
		if !ok {
			return nil
		}
		j.Total += rpc.Amount(c.Out.Value)
		j.Unspents = append(j.Unspents, unspent{TxID: o.Hash.String(), Vout: o.Index, Script: hexOf(c.Out.PkScript), Desc: desc,
			Amount: rpc.Amount(c.Out.Value), Coinbase: c.Coinbase, Height: c.Height})
		return nil
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		return nil, err
	}
	j.Success, j.Height, j.Best = err == nil, at.Height, at.Hash.String()
	for i := range j.Unspents {
		u := &j.Unspents[i]
		u.Confirmations = at.Height - u.Height + 1
		if b, ok := n.Chain.IndexAt(u.Height); ok {
			u.BlockHash = b.Hash.String()
		}
	}
	return j, nil
}
