package noderpc

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/mempool"
	"funai/ledger/rpc"
)

func (n *node) mempoolMethods() rpc.Methods {
	return rpc.Methods{
		"getmempoolinfo": {Help: "getmempoolinfo\n\nSums over the memory pool, with its bounds.", Do: n.getMempoolInfo},
		"getrawmempool": {Params: []string{"verbose", "mempool_sequence"},
			Help: "getrawmempool ( verbose mempool_sequence )\n\nThe transactions of the memory pool: their ids, or all that is known of them.", Do: n.getRawMempool},
		"getmempoolentry": {Params: []string{"txid"}, Help: "getmempoolentry \"txid\"\n\nA transaction of the memory pool.", Do: n.getMempoolEntry},
		"getmempoolancestors": {Params: []string{"txid", "verbose"},
			Help: "getmempoolancestors \"txid\" ( verbose )\n\nThe transactions of the memory pool that one spends, and those that they spend.",
			Do: func(_ context.Context, a rpc.Args) (any, error) {
				return n.relatives(a, func(d mempool.Details) []chainhash.Hash { return d.Ancestors })
			}},
		"getmempooldescendants": {Params: []string{"txid", "verbose"},
			Help: "getmempooldescendants \"txid\" ( verbose )\n\nThe transactions of the memory pool that spend one, and those that spend them.",
			Do: func(_ context.Context, a rpc.Args) (any, error) {
				return n.relatives(a, func(d mempool.Details) []chainhash.Hash { return d.Descendants })
			}},
		"gettxspendingprevout": {Params: []string{"outputs"},
			Help: "gettxspendingprevout [{\"txid\":\"...\",\"vout\":n},...]\n\nWhich transactions of the memory pool spend some outputs.", Do: n.getTxSpendingPrevout},
		"savemempool": {Help: "savemempool\n\nWrite the memory pool to its file.", Do: n.saveMempool},
	}
}

// mempoolInfo is getmempoolinfo's answer; rates are in coins per 1,000 virtual bytes.
type mempoolInfo struct {
	Loaded      bool       `json:"loaded"`
	Size        int        `json:"size"` // transactions
	Bytes       int        `json:"bytes"`
	Usage       int64      `json:"usage"`
	TotalFee    rpc.Amount `json:"total_fee"`
	Max         int64      `json:"maxmempool"`
	MinFee      rpc.Amount `json:"mempoolminfee"`
	MinRelay    rpc.Amount `json:"minrelaytxfee"`
	Incremental rpc.Amount `json:"incrementalrelayfee"`
	Unbroadcast int        `json:"unbroadcastcount"`
	FullRBF     bool       `json:"fullrbf"`
}

func (n *node) getMempoolInfo(context.Context, rpc.Args) (any, error) {
	i := n.Pool.Info()
	return mempoolInfo{Loaded: i.Loaded, Size: i.Count, Bytes: i.Bytes, Usage: i.Usage, TotalFee: rpc.Amount(i.TotalFee), Max: i.MaxBytes,
		MinFee: rpc.Amount(i.MinFeeRate), MinRelay: rpc.Amount(mempool.MinFeeRate), Incremental: rpc.Amount(i.IncrementalFeeRate),
		Unbroadcast: i.Unbroadcast, FullRBF: i.FullRBF}, nil
}

// mempoolEntry is a transaction of the pool; sizes are in virtual bytes.
type mempoolEntry struct {
	VSize           int64       `json:"vsize"`
	Weight          int64       `json:"weight"`
	Time            int64       `json:"time"`
	Height          int32       `json:"height"`
	DescendantCount int         `json:"descendantcount"`
	DescendantSize  int64       `json:"descendantsize"`
	AncestorCount   int         `json:"ancestorcount"`
	AncestorSize    int64       `json:"ancestorsize"`
	WTxID           string      `json:"wtxid"`
	Fees            mempoolFees `json:"fees"`
	Depends         []string    `json:"depends"`
	SpentBy         []string    `json:"spentby"`
	Replaceable     bool        `json:"bip125-replaceable"`
	Unbroadcast     bool        `json:"unbroadcast"`
}

type mempoolFees struct {
	Base       rpc.Amount `json:"base"`
	Modified   rpc.Amount `json:"modified"`
	Ancestor   rpc.Amount `json:"ancestor"`
	Descendant rpc.Amount `json:"descendant"`
}

func newMempoolEntry(d mempool.Details) mempoolEntry {
	return mempoolEntry{VSize: d.VSize, Weight: d.Weight, Time: d.Added.Unix(), Height: d.Height,
		DescendantCount: d.DescendantCount, DescendantSize: d.DescendantVSize, AncestorCount: d.AncestorCount, AncestorSize: d.AncestorVSize,
		WTxID: d.Wtxid.String(), Fees: mempoolFees{rpc.Amount(d.Fee), rpc.Amount(d.Modified), rpc.Amount(d.AncestorFees), rpc.Amount(d.DescendantFees)},
		Depends: texts(d.Depends), SpentBy: texts(d.SpentBy), Replaceable: d.Replaceable, Unbroadcast: d.Unbroadcast}
}

// texts writes hashes; the list is never nil, so that it is [] in JSON.
func texts(hashes []chainhash.Hash) []string {
	ss := make([]string, len(hashes))
	for i, h := range hashes {
		ss[i] = h.String()
	}
	return ss
}

func (n *node) getRawMempool(_ context.Context, a rpc.Args) (any, error) {
	verbose, err := rpc.Arg(a, 0, false)
	if err != nil {
		return nil, err
	}
	sequence, err := rpc.Arg(a, 1, false)
	if err != nil {
		return nil, err
	}
	if verbose && sequence {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Verbose results cannot contain mempool sequence values.")
	}
	entries, seq := n.Pool.Entries()
	if verbose {
		all := map[string]mempoolEntry{}
		for _, d := range entries {
			all[d.Tx.Hash().String()] = newMempoolEntry(d)
		}
		return all, nil
	}
	ids := []string{}
	for _, d := range entries {
		ids = append(ids, d.Tx.Hash().String())
	}
	if sequence {
		return struct {
			IDs []string `json:"txids"`
			Seq uint64   `json:"mempool_sequence"`
		}{ids, seq}, nil
	}
	return ids, nil
}

// entry is the transaction of the pool that the first parameter names.
func (n *node) entry(a rpc.Args) (mempool.Details, error) {
	hash, err := rpc.Hash(a, 0, "txid")
	if err != nil {
		return mempool.Details{}, err
	}
	d, ok := n.Pool.Entry(hash)
	if !ok {
		return d, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Transaction not in mempool")
	}
	return d, nil
}

func (n *node) getMempoolEntry(_ context.Context, a rpc.Args) (any, error) {
	d, err := n.entry(a)
	if err != nil {
		return nil, err
	}
	return newMempoolEntry(d), nil
}

// relatives lists those that of names, by id or, with the second parameter, with all that is known of them.
func (n *node) relatives(a rpc.Args, of func(mempool.Details) []chainhash.Hash) (any, error) {
	d, err := n.entry(a)
	if err != nil {
		return nil, err
	}
	verbose, err := rpc.Arg(a, 1, false)
	if err != nil || !verbose {
		return texts(of(d)), err
	}
	all := map[string]mempoolEntry{}
	for _, hash := range of(d) {
		if r, ok := n.Pool.Entry(hash); ok { // else it left meanwhile
			all[hash.String()] = newMempoolEntry(r)
		}
	}
	return all, nil
}

// outPoint is an output as parameters name it.
type outPoint struct {
	TxID *string `json:"txid"`
	Vout *int64  `json:"vout"`
}

// parse reads it; what is missing or meaningless is an *rpc.Error.
func (o outPoint) parse() (at wire.OutPoint, err error) {
	if o.TxID == nil {
		return at, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, missing txid key")
	}
	if at.Hash, err = rpc.ParseHash("txid", *o.TxID); err != nil {
		return at, err
	}
	switch {
	case o.Vout == nil:
		return at, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, missing vout key")
	case *o.Vout < 0 || *o.Vout >= 1<<32:
		return at, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, vout cannot be negative")
	}
	at.Index = uint32(*o.Vout)
	return at, nil
}

type spendingTx struct {
	TxID     string `json:"txid"`
	Vout     uint32 `json:"vout"`
	Spending string `json:"spendingtxid,omitempty"`
}

func (n *node) getTxSpendingPrevout(_ context.Context, a rpc.Args) (any, error) {
	outs, err := rpc.Need[[]outPoint](a, 0, "outputs")
	if err != nil {
		return nil, err
	}
	if len(outs) == 0 {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, outputs are missing")
	}
	j := make([]spendingTx, len(outs))
	for i, o := range outs {
		switch {
		case o.TxID == nil:
			return nil, rpc.Errorf(rpc.CodeType, "Missing txid")
		case o.Vout == nil:
			return nil, rpc.Errorf(rpc.CodeType, "Missing vout")
		}
		at, err := o.parse()
		if err != nil {
			return nil, err
		}
		j[i] = spendingTx{TxID: at.Hash.String(), Vout: at.Index}
		if hash, ok := n.Pool.Spender(at); ok {
			j[i].Spending = hash.String()
		}
	}
	return j, nil
}

func (n *node) saveMempool(context.Context, rpc.Args) (any, error) {
	if !n.Pool.Info().Loaded {
		return nil, rpc.Errorf(rpc.CodeMisc, "The mempool was not loaded yet")
	}
	if err := n.Pool.Save(); err != nil {
		return nil, rpc.Errorf(rpc.CodeMisc, "Unable to dump mempool to disk: %v", err)
	}
	return struct {
		File string `json:"filename"`
	}{n.PoolFile}, nil
}
