package noderpc

import (
	"context"
	"errors"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
)

func (n *node) coinMethods() rpc.Methods {
	return rpc.Methods{
		"gettxout": {Params: []string{"txid", "n", "include_mempool"},
			Help: "gettxout \"txid\" n ( include_mempool )\n\nAn unspent output, or null. Outputs spent in the memory pool count as spent, " +
				"and outputs made there are found, unless told otherwise.", Do: n.getTxOut},
		"gettxoutsetinfo": {Params: []string{"hash_type", "hash_or_height", "use_index"},
			Help: "gettxoutsetinfo ( \"hash_type\" )\n\nCounts and sums of all unspent outputs at the tip, with a hash of them: " +
				"hash_serialized_3, muhash or none. It reads all of them.", Do: n.getTxOutSetInfo},
	}
}

type txOut struct {
	BestBlock     string        `json:"bestblock"`
	Confirmations int32         `json:"confirmations"`
	Value         rpc.Amount    `json:"value"`
	Script        txjson.Script `json:"scriptPubKey"`
	Coinbase      bool          `json:"coinbase"`
}

func (n *node) getTxOut(_ context.Context, a rpc.Args) (any, error) {
	hash, err := rpc.Hash(a, 0, "txid")
	if err != nil {
		return nil, err
	}
	index, err := rpc.Need[uint32](a, 1, "n")
	if err != nil {
		return nil, err
	}
	pool, err := rpc.Arg(a, 2, true)
	if err != nil {
		return nil, err
	}
	tip, at := n.Chain.Tip(), wire.OutPoint{Hash: hash, Index: index}
	j := txOut{BestBlock: tip.Hash.String()}
	if pool {
		if _, spent := n.Pool.Spender(at); spent {
			return nil, nil
		}
		if tx := n.Pool.Get(hash); tx != nil {
			if int64(index) >= int64(len(tx.TxOut)) {
				return nil, nil
			}
			out := tx.TxOut[index]
			j.Value, j.Script = rpc.Amount(out.Value), txjson.NewScript(n.p, out.PkScript)
			return j, nil
		}
	}
	c, err := n.Chain.Coin(at)
	if c == nil || err != nil {
		return nil, err
	}
	j.Confirmations, j.Value, j.Coinbase = tip.Height-c.Height+1, rpc.Amount(c.Out.Value), c.Coinbase
	j.Script = txjson.NewScript(n.p, c.Out.PkScript)
	return j, nil
}

// coinSetInfo is gettxoutsetinfo's answer.
type coinSetInfo struct {
	Height    int32      `json:"height"`
	BestBlock string     `json:"bestblock"`
	Outputs   int64      `json:"txouts"`
	BogoSize  int64      `json:"bogosize"` // a size that no database decides
	Hash      string     `json:"hash_serialized_3,omitempty"`
	MuHash    string     `json:"muhash,omitempty"`
	Total     rpc.Amount `json:"total_amount"`
	Txs       int64      `json:"transactions"`
	DiskSize  int64      `json:"disk_size"`
}

// bogoSize is what each output adds to bogosize besides its script: id, index, height, value and length.
const bogoSize = 32 + 4 + 4 + 8 + 2

func (n *node) getTxOutSetInfo(ctx context.Context, a rpc.Args) (any, error) {
	kind, err := rpc.Arg(a, 0, "hash_serialized_3")
	if err != nil {
		return nil, err
	}
	if a.Has(1) {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Querying specific block heights requires coinstatsindex")
	}
	h, err := newCoinHash(kind)
	if err != nil {
		return nil, err
	}
	var j coinSetInfo
	var last chainhash.Hash
	at, err := n.Chain.EachCoin(ctx, func(o wire.OutPoint, c chain.Coin) error {
		if j.Outputs++; o.Hash != last || j.Outputs == 1 {
			j.Txs, last = j.Txs+1, o.Hash
		}
		j.BogoSize += bogoSize + int64(len(c.Out.PkScript))
		j.Total += rpc.Amount(c.Out.Value)
		h.add(o, c)
		return nil
	})
	if err != nil {
		if errors.Is(err, ctx.Err()) {
			return nil, err
		}
		return nil, rpc.Errorf(rpc.CodeInternal, "Unable to read UTXO set: %v", err)
	}
	j.Height, j.BestBlock, j.DiskSize = at.Height, at.Hash.String(), n.Chain.SizeOnDisk()
	switch kind {
	case "hash_serialized_3":
		j.Hash = h.sum()
	case "muhash":
		j.MuHash = h.sum()
	}
	return j, nil
}
