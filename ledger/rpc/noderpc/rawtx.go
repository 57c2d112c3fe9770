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

func (n *node) rawTxMethods() rpc.Methods {
	return rpc.Methods{
		"getrawtransaction": {Params: []string{"txid", "verbosity|verbose", "blockhash"},
			Help: "getrawtransaction \"txid\" ( verbosity \"blockhash\" )\n\nA transaction of the memory pool, of a block that is named, or, with the " +
				"transaction index, of any block: 0 in hexadecimal, 1 decoded, 2, for one in a block, with its fee and what it spends.", Do: n.getRawTransaction},
		"decoderawtransaction": {Params: []string{"hexstring", "iswitness"},
			Help: "decoderawtransaction \"hexstring\" ( iswitness )\n\nDecode a transaction.", Do: n.decodeRawTransaction},
		"decodescript": {Params: []string{"hexstring"}, Help: "decodescript \"hexstring\"\n\nDecode a script, with the addresses that pay to its hash.",
			Do: n.decodeScript},
	}
}

// rawTx is getrawtransaction's answer.
type rawTx struct {
	InActiveChain *bool `json:"in_active_chain,omitempty"`
	*txjson.Tx
	BlockHash     string `json:"blockhash,omitempty"`
	Confirmations *int32 `json:"confirmations,omitempty"`
	Time          int64  `json:"time,omitempty"`
	BlockTime     int64  `json:"blocktime,omitempty"`
}

func (n *node) getRawTransaction(_ context.Context, a rpc.Args) (any, error) {
	hash, err := rpc.Hash(a, 0, "txid")
	if err != nil {
		return nil, err
	}
	verbosity, err := rpc.Verbosity(a, 1, 0)
	if err != nil {
		return nil, err
	}
	genesis := n.p.GenesisBlock
	if hash == genesis.Transactions[0].TxHash() {
		return nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved")
	}
	tx, at, err := n.find(a, hash)
	if err != nil {
		return nil, err
	}
	if verbosity <= 0 {
		return txjson.Hex(tx), nil
	}
	j := rawTx{Tx: txjson.New(n.p, tx)}
	if at != nil {
		n.place(&j, *at, a.Has(2))
	}
	if verbosity >= 2 && at != nil {
		if err := n.addFound(j.Tx, tx, at); err != nil {
			return nil, err
		}
	}
	j.Hex = txjson.Hex(tx)
	return j, nil
}

// find looks for a transaction where the caller says, and returns it with its block, nil for one of the pool.
func (n *node) find(a rpc.Args, hash chainhash.Hash) (*wire.MsgTx, *chain.BlockInfo, error) {
	if a.Has(2) {
		return n.findIn(a, hash)
	}
	if tx := n.Pool.Get(hash); tx != nil {
		return tx, nil, nil
	}
	tx, at, err := n.Chain.Tx(hash)
	const hint = " Use gettransaction for wallet transactions."
	switch {
	case errors.Is(err, chain.ErrNoTxIndex):
		return nil, nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey,
			"No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries."+hint)
	case errors.Is(err, chain.ErrUnknown):
		return nil, nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "No such mempool or blockchain transaction."+hint)
	case err != nil:
		return nil, nil, err
	}
	info, err := n.infoOf(at.Hash)
	return tx, &info, err
}

// findIn looks in the block that the third parameter names.
func (n *node) findIn(a rpc.Args, hash chainhash.Hash) (*wire.MsgTx, *chain.BlockInfo, error) {
	in, err := rpc.Hash(a, 2, "blockhash")
	if err != nil {
		return nil, nil, err
	}
	info, err := n.Chain.Info(in)
	if errors.Is(err, chain.ErrUnknown) {
		return nil, nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Block hash not found")
	} else if err != nil {
		return nil, nil, err
	}
	b, err := n.Chain.Block(in)
	if errors.Is(err, chain.ErrMissing) {
		return nil, nil, rpc.Errorf(rpc.CodeMisc, "Block not available")
	} else if err != nil {
		return nil, nil, err
	}
	for _, tx := range b.Transactions {
		if tx.TxHash() == hash {
			return tx, &info, nil
		}
	}
	return nil, nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "No such transaction found in the provided block. Use gettransaction for wallet transactions.")
}

// place tells where a transaction is.
func (n *node) place(j *rawTx, at chain.BlockInfo, named bool) {
	j.BlockHash = at.Hash.String()
	if named {
		j.InActiveChain = &at.OnMain
	}
	confirmations := max(n.confirmations(at), 0)
	if j.Confirmations = &confirmations; at.OnMain {
		j.Time, j.BlockTime = at.Header.Timestamp.Unix(), at.Header.Timestamp.Unix()
	}
}

// addFound adds what a transaction of a block spends.
func (n *node) addFound(t *txjson.Tx, tx *wire.MsgTx, at *chain.BlockInfo) error {
	u, err := n.Chain.BlockUndo(at.Hash)
	if errors.Is(err, chain.ErrMissing) {
		return nil // a block that was never connected
	} else if err != nil {
		return err
	}
	for i, other := range u.Block.Transactions[1:] {
		if other.TxHash() == tx.TxHash() {
			n.addSpent(t, tx, u.Spent[i+1], true)
		}
	}
	return nil
}

// poolHeight stands for the height of an output that is in no block yet.
const poolHeight = -1

// output is an unspent output of the chain, or one that the pool's transactions make; nil if there is none.
func (n *node) output(o wire.OutPoint) (*chain.Coin, error) {
	if c, err := n.Chain.Coin(o); c != nil || err != nil {
		return c, err
	}
	if tx := n.Pool.Get(o.Hash); tx != nil && int64(o.Index) < int64(len(tx.TxOut)) {
		return &chain.Coin{Out: *tx.TxOut[o.Index], Height: poolHeight}, nil
	}
	return nil, nil
}

func (n *node) decodeRawTransaction(_ context.Context, a rpc.Args) (any, error) {
	if _, err := rpc.Arg(a, 1, true); err != nil {
		return nil, err
	}
	tx, err := needTx(a)
	if err != nil {
		return nil, rpcDecode(err)
	}
	return txjson.New(n.p, tx), nil
}

// rpcDecode shortens the message of a transaction that does not decode to what decoderawtransaction says.
func rpcDecode(err error) error {
	if e, ok := errors.AsType[*rpc.Error](err); ok && e.Code == rpc.CodeDeserialization {
		return rpc.Errorf(rpc.CodeDeserialization, "TX decode failed")
	}
	return err
}
