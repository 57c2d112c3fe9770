package noderpc

import (
	"context"
	"encoding/hex"
	"math"
	"math/big"
	"strings"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/rpc"
)

func (n *node) miningMethods() rpc.Methods {
	return rpc.Methods{
		"getblocktemplate": {Params: []string{"template_request"},
			Help: "getblocktemplate {\"rules\":[\"segwit\"],...}\n\nA block to be mined (BIPs 22, 23, 9, 145). With the longpollid of an earlier one " +
				"the answer comes once there is a better one.", Do: n.getBlockTemplate},
		"submitblock": {Params: []string{"hexdata", "dummy"},
			Help: "submitblock \"hexdata\"\n\nHand in a block. The answer is null if it is the new tip, or says why it is not (BIP-22).", Do: n.submitBlock},
		"submitheader":  {Params: []string{"hexdata"}, Help: "submitheader \"hexdata\"\n\nHand in a header, whose parent must be known.", Do: n.submitHeader},
		"getmininginfo": {Help: "getmininginfo\n\nWhat a miner may want to know.", Do: n.getMiningInfo},
		"getnetworkhashps": {Params: []string{"nblocks", "height"},
			Help: "getnetworkhashps ( nblocks height )\n\nHashes a second that the last blocks (120; -1: since the last change of difficulty) took, up to a height (-1: the tip's).",
			Do:   n.getNetworkHashPS},
		"prioritisetransaction": {Params: []string{"txid", "dummy", "fee_delta"},
			Help: "prioritisetransaction \"txid\" ( dummy ) fee_delta\n\nRank a transaction as if its fee were so many base units higher.", Do: n.prioritise},
		"getprioritisedtransactions": {Help: "getprioritisedtransactions\n\nThe transactions ranked by prioritisetransaction.", Do: n.getPrioritised},
	}
}

func (n *node) submitBlock(ctx context.Context, a rpc.Args) (any, error) {
	s, err := rpc.Need[string](a, 0, "hexdata")
	if err != nil {
		return nil, err
	}
	b, err := needBlock(s)
	if err != nil {
		return nil, err
	}
	if s, err := n.known(b); err != nil || s == "duplicate" || s == "duplicate-invalid" {
		return s, err
	}
	addWitnessNonce(b)
	o, err := n.Chain.ProcessBlock(ctx, b)
	if err == nil && !o.MainChain {
		return "inconclusive", nil
	}
	return verdict(b, err)
}

// addWitnessNonce adds to a coinbase that commits to witnesses (BIP-141) its own, which miners leave out who work on the
// block without witnesses.
func addWitnessNonce(b *wire.MsgBlock) {
	coinbase := b.Transactions[0]
	if len(coinbase.TxIn) != 1 || len(coinbase.TxIn[0].Witness) > 0 {
		return
	}
	if _, ok := blockchain.ExtractWitnessCommitment(btcutil.NewTx(coinbase)); ok {
		coinbase.TxIn[0].Witness = wire.TxWitness{make([]byte, blockchain.CoinbaseWitnessDataLen)}
	}
}

func (n *node) submitHeader(_ context.Context, a rpc.Args) (any, error) {
	s, err := rpc.Need[string](a, 0, "hexdata")
	if err != nil {
		return nil, err
	}
	var h wire.BlockHeader
	r := strings.NewReader(s)
	if err := h.Deserialize(hex.NewDecoder(r)); err != nil || r.Len() > 0 {
		return nil, rpc.Errorf(rpc.CodeDeserialization, "Block header decode failed")
	}
	if _, _, ok := n.Chain.Header(h.PrevBlock); !ok {
		return nil, rpc.Errorf(rpc.CodeVerify, "Must submit previous header (%v) first", h.PrevBlock)
	}
	err = n.Chain.ProcessHeaders([]*wire.BlockHeader{&h})
	if r, broken := reason(&wire.MsgBlock{Header: h}, err); broken {
		return nil, rpc.Errorf(rpc.CodeVerify, "%s", r)
	}
	return nil, err
}

type miningInfo struct {
	Blocks     int32     `json:"blocks"`
	Weight     *int64    `json:"currentblockweight,omitempty"` // of the last template
	Txs        *int      `json:"currentblocktx,omitempty"`
	Bits       string    `json:"bits"`
	Difficulty float     `json:"difficulty"`
	Target     string    `json:"target"`
	HashPS     float     `json:"networkhashps"`
	Pooled     int       `json:"pooledtx"`
	Chain      string    `json:"chain"`
	Next       nextBlock `json:"next"`
	Warnings   []string  `json:"warnings"`
}

type nextBlock struct {
	Height     int32  `json:"height"`
	Bits       string `json:"bits"`
	Difficulty float  `json:"difficulty"`
	Target     string `json:"target"`
}

func (n *node) getMiningInfo(context.Context, rpc.Args) (any, error) {
	tip := n.Chain.Tip()
	h, _, _ := n.Chain.Header(tip.Hash) // the tip is known
	next := n.Chain.NextBits(tip, h.Timestamp)
	rate, err := n.hashRate(120, tip.Height)
	if err != nil {
		return nil, err
	}
	j := miningInfo{Blocks: tip.Height, Bits: bitsHex(h.Bits), Difficulty: difficulty(h.Bits), Target: targetHex(h.Bits), HashPS: rate,
		Pooled: n.Pool.Info().Count, Chain: n.chainName(), Warnings: []string{},
		Next: nextBlock{tip.Height + 1, bitsHex(next), difficulty(next), targetHex(next)}}
	n.templates.Lock()
	defer n.templates.Unlock()
	if t := n.templates.last; t != nil {
		weight, txs := blockchain.GetBlockWeight(btcutil.NewBlock(t.Block)), len(t.Block.Transactions)-1
		j.Weight, j.Txs = &weight, &txs
	}
	return j, nil
}

func (n *node) getNetworkHashPS(_ context.Context, a rpc.Args) (any, error) {
	blocks, err := rpc.Arg(a, 0, int32(120))
	if err != nil {
		return nil, err
	}
	height, err := rpc.Arg(a, 1, int32(-1))
	if err != nil {
		return nil, err
	}
	tip := n.Chain.Tip().Height
	if blocks < -1 || blocks == 0 {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid nblocks. Must be a positive number or -1.")
	}
	if height < -1 || height > tip {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Block does not exist at specified height")
	}
	if height == -1 {
		height = tip
	}
	return n.hashRate(blocks, height)
}

// hashRate is the hashes a second that so many blocks up to a height took; -1 blocks are those since the last retarget.
func (n *node) hashRate(blocks, height int32) (float, error) {
	if blocks == -1 {
		blocks = height%n.p.BlocksPerRetarget() + 1
	}
	if blocks = min(blocks, height); blocks <= 0 {
		return 0, nil
	}
	var first, last int64 = math.MaxInt64, math.MinInt64
	var work [2]*big.Int
	for h := height - blocks; h <= height; h++ {
		at, ok := n.Chain.IndexAt(h)
		header, _, known := n.Chain.Header(at.Hash)
		if !ok || !known {
			return 0, nil // a reorganization went below
		}
		first, last = min(first, header.Timestamp.Unix()), max(last, header.Timestamp.Unix())
		if h == height-blocks || h == height {
			info, err := n.Chain.Info(at.Hash)
			if err != nil {
				return 0, err
			}
			if work[1] = info.Work; h == height-blocks {
				work[0] = info.Work
			}
		}
	}
	if first == last {
		return 0, nil
	}
	done, _ := new(big.Float).SetInt(new(big.Int).Sub(work[1], work[0])).Float64()
	return float(done / float64(last-first)), nil
}

func (n *node) prioritise(_ context.Context, a rpc.Args) (any, error) {
	hash, err := rpc.Hash(a, 0, "txid")
	if err != nil {
		return nil, err
	}
	dummy, err := rpc.Arg(a, 1, 0.0)
	if err != nil {
		return nil, err
	}
	if dummy != 0 {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Priority is no longer supported, dummy argument to prioritisetransaction must be 0.")
	}
	delta, err := rpc.Need[int64](a, 2, "fee_delta")
	if err != nil {
		return nil, err
	}
	if delta > int64(amount.Max) || delta < -int64(amount.Max) {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "fee_delta exceeds all the money there is")
	}
	n.Pool.Prioritise(hash, delta)
	return true, nil
}

type prioritised struct {
	Delta    int64  `json:"fee_delta"`
	InPool   bool   `json:"in_mempool"`
	Modified *int64 `json:"modified_fee,omitempty"`
}

func (n *node) getPrioritised(context.Context, rpc.Args) (any, error) {
	all := map[string]prioritised{}
	for hash, delta := range n.Pool.Deltas() {
		d, ok := n.Pool.Entry(hash)
		p := prioritised{Delta: delta, InPool: ok}
		if ok {
			fee := int64(d.Modified)
			p.Modified = &fee
		}
		all[hash.String()] = p
	}
	return all, nil
}
