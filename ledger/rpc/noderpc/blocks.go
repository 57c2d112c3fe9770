package noderpc

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
)

func (n *node) blockMethods() rpc.Methods {
	return rpc.Methods{
		"getbestblockhash": {Help: "getbestblockhash\n\nThe hash of the last block of the best chain.",
			Do: func(context.Context, rpc.Args) (any, error) { return n.Chain.Tip().Hash.String(), nil }},
		"getblockcount": {Help: "getblockcount\n\nThe height of the last block of the best chain; genesis has height 0.",
			Do: func(context.Context, rpc.Args) (any, error) { return n.Chain.Tip().Height, nil }},
		"getblockhash": {Params: []string{"height"}, Help: "getblockhash height\n\nThe hash of the block of the best chain at a height.",
			Do: n.getBlockHash},
		"getblock": {Params: []string{"blockhash", "verbosity|verbose"},
			Help: "getblock \"blockhash\" ( verbosity )\n\nA block: 0 in hexadecimal, 1 with its transactions' ids, 2 with the transactions, " +
				"3 with the outputs that they spend too.", Do: n.getBlock},
		"getblockheader": {Params: []string{"blockhash", "verbose"},
			Help: "getblockheader \"blockhash\" ( verbose )\n\nA header, decoded or, with false, in hexadecimal.", Do: n.getBlockHeader},
	}
}

func (n *node) getBlockHash(_ context.Context, a rpc.Args) (any, error) {
	height, err := rpc.Need[int32](a, 0, "height")
	if err != nil {
		return nil, err
	}
	at, ok := n.Chain.IndexAt(height)
	if !ok {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Block height out of range")
	}
	return at.Hash.String(), nil
}

// header is a block's header as getblockheader and getblock show it.
type header struct {
	Hash          string `json:"hash"`
	Confirmations int32  `json:"confirmations"` // -1: not on the best chain
	Height        int32  `json:"height"`
	Version       int32  `json:"version"`
	VersionHex    string `json:"versionHex"`
	MerkleRoot    string `json:"merkleroot"`
	Time          int64  `json:"time"`
	MedianTime    int64  `json:"mediantime"`
	Nonce         uint32 `json:"nonce"`
	Bits          string `json:"bits"`
	Target        string `json:"target"`
	Difficulty    float  `json:"difficulty"`
	ChainWork     string `json:"chainwork"`
	Txs           int    `json:"nTx"`
	Previous      string `json:"previousblockhash,omitempty"`
	Next          string `json:"nextblockhash,omitempty"`
}

func (n *node) header(i chain.BlockInfo) header {
	h := header{Hash: i.Hash.String(), Confirmations: n.confirmations(i), Height: i.Height, Version: i.Header.Version,
		VersionHex: fmt.Sprintf("%08x", uint32(i.Header.Version)), MerkleRoot: i.Header.MerkleRoot.String(), Time: i.Header.Timestamp.Unix(),
		MedianTime: i.MedianTime.Unix(), Nonce: i.Header.Nonce, Bits: bitsHex(i.Header.Bits), Target: targetHex(i.Header.Bits),
		Difficulty: difficulty(i.Header.Bits), ChainWork: workHex(i.Work), Txs: i.Txs}
	if i.Height > 0 {
		h.Previous = i.Header.PrevBlock.String()
	}
	if i.Next != (chainhash.Hash{}) {
		h.Next = i.Next.String()
	}
	return h
}

// confirmations is the number of blocks from one to the tip, itself included; -1 if it is not on the best chain.
func (n *node) confirmations(i chain.BlockInfo) int32 {
	if !i.OnMain {
		return -1
	}
	return n.Chain.Tip().Height - i.Height + 1
}

// info is what is known of the block that parameter i names.
func (n *node) info(a rpc.Args, i int, name string) (chain.BlockInfo, error) {
	hash, err := rpc.Hash(a, i, name)
	if err != nil {
		return chain.BlockInfo{}, err
	}
	return n.infoOf(hash)
}

func (n *node) infoOf(hash chainhash.Hash) (chain.BlockInfo, error) {
	info, err := n.Chain.Info(hash)
	if errors.Is(err, chain.ErrUnknown) {
		return info, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Block not found")
	}
	return info, err
}

func (n *node) getBlockHeader(_ context.Context, a rpc.Args) (any, error) {
	info, err := n.info(a, 0, "blockhash")
	if err != nil {
		return nil, err
	}
	verbose, err := rpc.Arg(a, 1, true)
	if err != nil {
		return nil, err
	}
	if verbose {
		return n.header(info), nil
	}
	var b bytes.Buffer
	err = info.Header.Serialize(&b)
	return hex.EncodeToString(b.Bytes()), err
}

// block is getblock's answer. Txs holds ids, or transactions.
type block struct {
	header
	StrippedSize int   `json:"strippedsize"` // bytes without witnesses
	Size         int   `json:"size"`
	Weight       int   `json:"weight"`
	Txs          []any `json:"tx"`
}

func (n *node) getBlock(_ context.Context, a rpc.Args) (any, error) {
	info, err := n.info(a, 0, "blockhash")
	if err != nil {
		return nil, err
	}
	verbosity, err := rpc.Verbosity(a, 1, 1)
	if err != nil {
		return nil, err
	}
	b, err := n.stored(info)
	if err != nil {
		return nil, err
	}
	if verbosity <= 0 {
		return blockHex(b)
	}
	stripped, size := b.SerializeSizeStripped(), b.SerializeSize()
	j := block{header: n.header(info), StrippedSize: stripped, Size: size, Weight: 3*stripped + size, Txs: make([]any, len(b.Transactions))}
	if verbosity == 1 {
		for i, tx := range b.Transactions {
			j.Txs[i] = tx.TxHash().String()
		}
		return j, nil
	}
	undo, err := n.Chain.BlockUndo(info.Hash)
	if err != nil && !errors.Is(err, chain.ErrMissing) { // missing is what a block never connected spent
		return nil, err
	}
	for i, tx := range b.Transactions {
		t := txjson.New(n.p, tx)
		if i > 0 && err == nil {
			n.addSpent(t, tx, undo.Spent[i], verbosity >= 3)
		}
		t.Hex = txjson.Hex(tx)
		j.Txs[i] = t
	}
	return j, nil
}

// stored reads a block.
func (n *node) stored(info chain.BlockInfo) (*wire.MsgBlock, error) {
	b, err := n.Chain.Block(info.Hash)
	switch {
	case errors.Is(err, chain.ErrPruned):
		return nil, rpc.Errorf(rpc.CodeMisc, "Block not available (pruned data)")
	case errors.Is(err, chain.ErrMissing):
		return nil, rpc.Errorf(rpc.CodeMisc, "Block not available (not fully downloaded)")
	}
	return b, err
}

func blockHex(b *wire.MsgBlock) (string, error) {
	var buf bytes.Buffer
	err := b.Serialize(&buf)
	return hex.EncodeToString(buf.Bytes()), err
}

// addSpent adds to a transaction what it pays as fee and, if wanted, the outputs that it spends.
func (n *node) addSpent(t *txjson.Tx, tx *wire.MsgTx, spent []chain.Coin, prevouts bool) {
	fee := rpc.Amount(0)
	for i, coin := range spent {
		fee += rpc.Amount(coin.Out.Value)
		if prevouts {
			t.Vin[i].Prevout = &txjson.Prevout{Generated: &coin.Coinbase, Height: &coin.Height, Value: rpc.Amount(coin.Out.Value),
				Script: txjson.NewScript(n.p, coin.Out.PkScript)}
		}
	}
	for _, out := range tx.TxOut {
		fee -= rpc.Amount(out.Value)
	}
	t.Fee = &fee
}
