package noderpc

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/rpc"
)

func (n *node) proofMethods() rpc.Methods {
	return rpc.Methods{
		"gettxoutproof": {Params: []string{"txids", "blockhash"},
			Help: "gettxoutproof [\"txid\",...] ( \"blockhash\" )\n\nA proof that transactions are in a block, in hexadecimal. Without the block, it is " +
				"found by an output of one of them that is unspent, or with the transaction index.", Do: n.getTxOutProof},
		"verifytxoutproof": {Params: []string{"proof"},
			Help: "verifytxoutproof \"proof\"\n\nThe transactions that a proof proves to be in a block of the best chain.", Do: n.verifyTxOutProof},
	}
}

func (n *node) getTxOutProof(_ context.Context, a rpc.Args) (any, error) {
	texts, err := rpc.Need[[]string](a, 0, "txids")
	if err != nil {
		return nil, err
	}
	wanted := map[chainhash.Hash]bool{}
	for _, s := range texts {
		hash, err := rpc.ParseHash("txid", s)
		if err != nil {
			return nil, err
		}
		if wanted[hash] {
			return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, duplicated txid: %s", s)
		}
		wanted[hash] = true
	}
	if len(wanted) == 0 {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Parameter 'txids' cannot be empty")
	}
	info, err := n.blockOfAny(a, wanted)
	if err != nil {
		return nil, err
	}
	b, err := n.stored(info)
	if err != nil {
		return nil, err
	}
	m, found := prove(b, wanted)
	if found != len(wanted) {
		return nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Not all transactions found in specified or retrieved block")
	}
	var buf bytes.Buffer
	err = m.BtcEncode(&buf, wire.ProtocolVersion, wire.LatestEncoding)
	return hex.EncodeToString(buf.Bytes()), err
}

// blockOfAny is the block that parameter 1 names, or else that of one of the transactions.
func (n *node) blockOfAny(a rpc.Args, txs map[chainhash.Hash]bool) (chain.BlockInfo, error) {
	if a.Has(1) {
		return n.info(a, 1, "blockhash")
	}
	for hash := range txs {
		if at, ok, err := n.blockOf(hash); err != nil {
			return chain.BlockInfo{}, err
		} else if ok {
			return n.infoOf(at.Hash)
		}
	}
	return chain.BlockInfo{}, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Transaction not yet in block")
}

// maxOutputs is more than the outputs of any transaction in a block: each takes at least 9 bytes.
const maxOutputs = blockchain.MaxBlockBaseSize / 9

// blockOf is the block of the best chain that holds a transaction, by the index or by an unspent output.
func (n *node) blockOf(hash chainhash.Hash) (at chain.Index, ok bool, err error) {
	_, at, err = n.Chain.Tx(hash)
	if err == nil {
		return at, true, nil
	}
	if errors.Is(err, chain.ErrUnknown) {
		return at, false, nil
	}
	if !errors.Is(err, chain.ErrNoTxIndex) {
		return at, false, err
	}
	for i := range uint32(maxOutputs) {
		c, err := n.Chain.Coin(wire.OutPoint{Hash: hash, Index: i})
		if err != nil {
			return at, false, err
		}
		if c != nil {
			at, ok = n.Chain.IndexAt(c.Height)
			return at, ok, nil
		}
	}
	return at, false, nil
}

func (n *node) verifyTxOutProof(_ context.Context, a rpc.Args) (any, error) {
	s, err := rpc.Need[string](a, 0, "proof")
	if err != nil {
		return nil, err
	}
	raw, err := rpc.ParseHex("proof", s)
	if err != nil {
		return nil, err
	}
	var m wire.MsgMerkleBlock
	r := bytes.NewReader(raw)
	if err := m.BtcDecode(r, wire.ProtocolVersion, wire.LatestEncoding); err != nil || r.Len() > 0 {
		return nil, rpc.Errorf(rpc.CodeDeserialization, "Proof decode failed")
	}
	ids := []string{}
	root, hashes, ok := checkProof(&m)
	if !ok || root != m.Header.MerkleRoot {
		return ids, nil
	}
	info, err := n.Chain.Info(m.Header.BlockHash())
	if err != nil || !info.OnMain || info.Txs == 0 {
		return nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Block not found in chain")
	}
	if info.Txs == int(m.Transactions) { // else inner nodes may have been passed off as transactions
		for _, h := range hashes {
			ids = append(ids, h.String())
		}
	}
	return ids, nil
}
