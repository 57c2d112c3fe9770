package noderpc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/consensus"
	"funai/ledger/rpc"
)

func (n *node) statsMethods() rpc.Methods {
	return rpc.Methods{
		"getblockstats": {Params: []string{"hash_or_height", "stats"},
			Help: "getblockstats hash_or_height ( stats )\n\nSums and averages over a block's transactions, amounts in base units, rates in base " +
				"units per virtual byte.", Do: n.getBlockStats},
		"getchaintxstats": {Params: []string{"nblocks", "blockhash"},
			Help: "getchaintxstats ( nblocks \"blockhash\" )\n\nTransactions in the last blocks (a month's worth) up to one (the tip).", Do: n.getChainTxStats},
	}
}

type chainTxStats struct {
	Time        int64  `json:"time"`
	TxCount     *int64 `json:"txcount,omitempty"`
	FinalHash   string `json:"window_final_block_hash"`
	FinalHeight int32  `json:"window_final_block_height"`
	Blocks      int32  `json:"window_block_count"`
	Interval    *int64 `json:"window_interval,omitempty"`
	WindowTxs   *int64 `json:"window_tx_count,omitempty"`
	Rate        *float `json:"txrate,omitempty"`
}

func (n *node) getChainTxStats(_ context.Context, a rpc.Args) (any, error) {
	last, err := n.Chain.Info(n.Chain.Tip().Hash)
	if a.Has(1) && err == nil {
		if last, err = n.info(a, 1, "blockhash"); err == nil && !last.OnMain {
			err = rpc.Errorf(rpc.CodeInvalidParameter, "Block is not in main chain")
		}
	}
	if err != nil {
		return nil, err
	}
	const month = 30 * 24 * 60 * 60 // seconds
	blocks, err := rpc.Arg(a, 0, max(0, min(int32(month/n.p.Spacing.Seconds()), last.Height-1)))
	if err != nil {
		return nil, err
	}
	if a.Has(0) && (blocks < 0 || blocks > 0 && blocks >= last.Height) {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid block count: should be between 0 and the block's height - 1")
	}
	at, _ := n.Chain.IndexAt(last.Height - blocks)
	first, err := n.Chain.Info(at.Hash)
	if err != nil {
		return nil, err
	}
	j := chainTxStats{Time: last.Header.Timestamp.Unix(), FinalHash: last.Hash.String(), FinalHeight: last.Height, Blocks: blocks}
	if last.ChainTxs != 0 {
		j.TxCount = &last.ChainTxs
	}
	if blocks > 0 {
		seconds := last.MedianTime.Unix() - first.MedianTime.Unix()
		j.Interval = &seconds
		if txs := last.ChainTxs - first.ChainTxs; last.ChainTxs != 0 && first.ChainTxs != 0 {
			j.WindowTxs = &txs
			if seconds > 0 {
				rate := float(txs) / float(seconds)
				j.Rate = &rate
			}
		}
	}
	return j, nil
}

// blockStats is getblockstats' answer.
type blockStats struct {
	AvgFee          int64    `json:"avgfee"`
	AvgFeeRate      int64    `json:"avgfeerate"`
	AvgTxSize       int64    `json:"avgtxsize"`
	BlockHash       string   `json:"blockhash"`
	Percentiles     [5]int64 `json:"feerate_percentiles"` // 10th, 25th, 50th, 75th and 90th, by weight
	Height          int32    `json:"height"`
	Ins             int64    `json:"ins"`
	MaxFee          int64    `json:"maxfee"`
	MaxFeeRate      int64    `json:"maxfeerate"`
	MaxTxSize       int64    `json:"maxtxsize"`
	MedianFee       int64    `json:"medianfee"`
	MedianTime      int64    `json:"mediantime"`
	MedianTxSize    int64    `json:"mediantxsize"`
	MinFee          int64    `json:"minfee"`
	MinFeeRate      int64    `json:"minfeerate"`
	MinTxSize       int64    `json:"mintxsize"`
	Outs            int64    `json:"outs"`
	Subsidy         int64    `json:"subsidy"`
	SwTotalSize     int64    `json:"swtotal_size"`
	SwTotalWeight   int64    `json:"swtotal_weight"`
	SwTxs           int64    `json:"swtxs"`
	Time            int64    `json:"time"`
	TotalOut        int64    `json:"total_out"`
	TotalSize       int64    `json:"total_size"`
	TotalWeight     int64    `json:"total_weight"`
	TotalFee        int64    `json:"totalfee"`
	Txs             int64    `json:"txs"`
	UTXOIncrease    int64    `json:"utxo_increase"`
	UTXOSize        int64    `json:"utxo_size_inc"`
	UTXOIncreaseNow int64    `json:"utxo_increase_actual"` // without outputs that nobody can spend
	UTXOSizeNow     int64    `json:"utxo_size_inc_actual"`
}

func (n *node) getBlockStats(_ context.Context, a rpc.Args) (any, error) {
	info, err := n.byHashOrHeight(a)
	if err != nil {
		return nil, err
	}
	names, err := rpc.Arg(a, 1, []string(nil))
	if err != nil {
		return nil, err
	}
	u, err := n.Chain.BlockUndo(info.Hash)
	if errors.Is(err, chain.ErrMissing) {
		if _, err := n.stored(info); err != nil {
			return nil, err
		}
		return nil, rpc.Errorf(rpc.CodeMisc, "Undo data not available")
	} else if err != nil {
		return nil, err
	}
	s := n.blockStats(info, u)
	if len(names) == 0 {
		return s, nil
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	all, some := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	for _, name := range names {
		v, ok := all[name]
		if !ok {
			return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid selected statistic '%s'", name)
		}
		some[name] = v
	}
	return some, nil
}

// byHashOrHeight is the block that the first parameter names in one of two ways.
func (n *node) byHashOrHeight(a rpc.Args) (chain.BlockInfo, error) {
	height, err := rpc.Need[int32](a, 0, "hash_or_height")
	if err != nil {
		if _, isText := rpc.Arg(a, 0, ""); isText != nil {
			return chain.BlockInfo{}, err
		}
		return n.info(a, 0, "hash_or_height")
	}
	tip := n.Chain.Tip().Height
	if height < 0 {
		return chain.BlockInfo{}, rpc.Errorf(rpc.CodeInvalidParameter, "Target block height %d is negative", height)
	}
	at, ok := n.Chain.IndexAt(height)
	if !ok {
		return chain.BlockInfo{}, rpc.Errorf(rpc.CodeInvalidParameter, "Target block height %d after current tip %d", height, tip)
	}
	return n.infoOf(at.Hash)
}

// perUTXO is what an unspent output takes besides its serialization: outpoint, and height with the coinbase flag (Bitcoin
// Core's PER_UTXO_OVERHEAD).
const perUTXO = 36 + 4 + 1

// weighted is a fee rate and the weight of the transaction that pays it.
type weighted struct{ rate, weight int64 }

func (n *node) blockStats(info chain.BlockInfo, u chain.Undo) blockStats {
	s := blockStats{BlockHash: info.Hash.String(), Height: info.Height, MedianTime: info.MedianTime.Unix(), Subsidy: n.p.Subsidy(info.Height),
		Time: info.Header.Timestamp.Unix(), Txs: int64(len(u.Block.Transactions))}
	var fees, sizes []int64
	var rates []weighted
	for i, tx := range u.Block.Transactions {
		value := s.addOutputs(tx, info.Height)
		if i == 0 {
			continue // of a coinbase, only what it makes counts
		}
		s.TotalOut += value
		size, weight := int64(tx.SerializeSize()), blockchain.GetTransactionWeight(btcutil.NewTx(tx))
		s.TotalSize += size
		s.TotalWeight += weight
		if tx.HasWitness() {
			s.SwTxs++
			s.SwTotalSize += size
			s.SwTotalWeight += weight
		}
		fee := s.addInputs(u.Spent[i]) - value
		s.TotalFee += fee
		fees, sizes = append(fees, fee), append(sizes, size)
		rates = append(rates, weighted{fee * blockchain.WitnessScaleFactor / weight, weight})
	}
	s.UTXOIncrease = s.Outs - s.Ins
	s.UTXOIncreaseNow -= s.Ins
	if others := s.Txs - 1; others > 0 {
		s.AvgFee, s.AvgTxSize = s.TotalFee/others, s.TotalSize/others
		s.AvgFeeRate = s.TotalFee * blockchain.WitnessScaleFactor / s.TotalWeight
		s.MinFee, s.MedianFee, s.MaxFee = spread(fees)
		s.MinTxSize, s.MedianTxSize, s.MaxTxSize = spread(sizes)
		slices.SortFunc(rates, func(a, b weighted) int { return cmp.Compare(a.rate, b.rate) })
		s.MinFeeRate, s.MaxFeeRate = rates[0].rate, rates[len(rates)-1].rate
		s.Percentiles = percentiles(rates, s.TotalWeight)
	}
	return s
}

// addOutputs counts what a transaction makes and returns its value.
func (s *blockStats) addOutputs(tx *wire.MsgTx, height int32) (value int64) {
	s.Outs += int64(len(tx.TxOut))
	for _, out := range tx.TxOut {
		value += out.Value
		size := int64(out.SerializeSize()) + perUTXO
		s.UTXOSize += size
		// What genesis makes and what returns at once nobody can ever spend, so that it isn't kept.
		if height > 0 && !consensus.Unspendable(out.PkScript) {
			s.UTXOIncreaseNow++
			s.UTXOSizeNow += size
		}
	}
	return value
}

// addInputs counts what a transaction spends and returns its value.
func (s *blockStats) addInputs(spent []chain.Coin) (value int64) {
	s.Ins += int64(len(spent))
	for _, coin := range spent {
		value += coin.Out.Value
		size := int64(coin.Out.SerializeSize()) + perUTXO
		s.UTXOSize -= size
		s.UTXOSizeNow -= size
	}
	return value
}

// spread are the least, the median and the most of some numbers, of which there is at least one.
func spread(ns []int64) (least, median, most int64) {
	slices.Sort(ns)
	mid := len(ns) / 2
	if median = ns[mid]; len(ns)%2 == 0 {
		median = (ns[mid-1] + ns[mid]) / 2
	}
	return ns[0], median, ns[len(ns)-1]
}

// percentiles are the rates that 10, 25, 50, 75 and 90 percent of the weight pay at most. The rates are sorted.
func percentiles(rates []weighted, total int64) (at [5]int64) {
	bounds := [5]float64{float64(total) / 10, float64(total) / 4, float64(total) / 2, float64(total) * 3 / 4, float64(total) * 9 / 10}
	next, sum := 0, int64(0)
	for _, r := range rates {
		sum += r.weight
		for next < len(bounds) && float64(sum) >= bounds[next] {
			at[next] = r.rate
			next++
		}
	}
	for ; next < len(bounds); next++ {
		at[next] = rates[len(rates)-1].rate
	}
	return at
}
