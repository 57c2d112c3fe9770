package noderpc

import (
	"context"
	"errors"

	"funai/ledger/chain"
	"funai/ledger/rpc"
)

func (n *node) chainMethods() rpc.Methods {
	return rpc.Methods{
		"getblockchaininfo": {Help: "getblockchaininfo\n\nThe state of the chain.", Do: n.getBlockchainInfo},
		"getchaintips":      {Help: "getchaintips\n\nThe ends of all branches, the best chain's included.", Do: n.getChainTips},
		"getdifficulty": {Help: "getdifficulty\n\nHow much harder a block is than the easiest of Bitcoin's.",
			Do: func(context.Context, rpc.Args) (any, error) {
				h, _, _ := n.Chain.Header(n.Chain.Tip().Hash) // the tip is known
				return difficulty(h.Bits), nil
			}},
		"getdeploymentinfo": {Params: []string{"blockhash"},
			Help: "getdeploymentinfo ( \"blockhash\" )\n\nThe soft forks that are in force after a block, the tip if none is named.", Do: n.getDeploymentInfo},
		"getindexinfo": {Params: []string{"index_name"}, Help: "getindexinfo ( \"index_name\" )\n\nThe indexes that are kept, and how far they are.",
			Do: n.getIndexInfo},
		"invalidateblock": {Params: []string{"blockhash"},
			Help: "invalidateblock \"blockhash\"\n\nTake a block, and all after it, for invalid until reconsiderblock.", Do: n.invalidateBlock},
		"preciousblock": {Params: []string{"blockhash"},
			Help: "preciousblock \"blockhash\"\n\nPrefer a block to all others of as much work. A later call overrules an earlier one; a restart " +
				"forgets them.", Do: n.preciousBlock},
		"reconsiderblock": {Params: []string{"blockhash"},
			Help: "reconsiderblock \"blockhash\"\n\nTake back that a block, its ancestors and its descendants are invalid.", Do: n.reconsiderBlock},
		"pruneblockchain": {Params: []string{"height"},
			Help: "pruneblockchain height\n\nDelete blocks up to a height, or up to a Unix time if it is larger than a billion. " +
				"The last 288 are kept. Answers the height of the last block deleted.", Do: n.pruneBlockchain},
		"verifychain": {Params: []string{"checklevel", "nblocks"},
			Help: "verifychain ( checklevel nblocks )\n\nRead the last blocks (6; 0: all) and what they spent, and see that they are whole.", Do: n.verifyChain},
	}
}

// blockchainInfo is getblockchaininfo's answer.
type blockchainInfo struct {
	Chain                string   `json:"chain"`
	Blocks               int32    `json:"blocks"`
	Headers              int32    `json:"headers"`
	BestBlockHash        string   `json:"bestblockhash"`
	Bits                 string   `json:"bits"`
	Target               string   `json:"target"`
	Difficulty           float    `json:"difficulty"`
	Time                 int64    `json:"time"`
	MedianTime           int64    `json:"mediantime"`
	VerificationProgress float    `json:"verificationprogress"`
	InitialBlockDownload bool     `json:"initialblockdownload"`
	ChainWork            string   `json:"chainwork"`
	SizeOnDisk           int64    `json:"size_on_disk"`
	Pruned               bool     `json:"pruned"`
	PruneHeight          *int32   `json:"pruneheight,omitempty"`
	AutomaticPruning     *bool    `json:"automatic_pruning,omitempty"`
	Warnings             []string `json:"warnings"`
}

// chainName is the network's name as Bitcoin's programs know it.
func (n *node) chainName() string {
	if n.p.Name == "bitcoin-regtest" {
		return "regtest"
	}
	return n.p.Name
}

func (n *node) getBlockchainInfo(context.Context, rpc.Args) (any, error) {
	tip, err := n.Chain.Info(n.Chain.Tip().Hash)
	if err != nil {
		return nil, err
	}
	j := blockchainInfo{Chain: n.chainName(), Blocks: tip.Height, Headers: n.Chain.BestHeader().Height, BestBlockHash: tip.Hash.String(),
		Bits: bitsHex(tip.Header.Bits), Target: targetHex(tip.Header.Bits), Difficulty: difficulty(tip.Header.Bits),
		Time: tip.Header.Timestamp.Unix(), MedianTime: tip.MedianTime.Unix(), InitialBlockDownload: n.Chain.InitialDownload(),
		ChainWork: workHex(tip.Work), SizeOnDisk: n.Chain.SizeOnDisk(), Warnings: []string{}}
	// Headers are all known long before blocks are, so their number tells the progress.
	j.VerificationProgress = float(tip.Height+1) / float(max(j.Headers, tip.Height)+1)
	first, pruned := n.Chain.Pruned()
	if j.Pruned = pruned; pruned {
		automatic := true
		j.PruneHeight, j.AutomaticPruning = &first, &automatic
	}
	return j, nil
}

type chainTip struct {
	Height    int32  `json:"height"`
	Hash      string `json:"hash"`
	BranchLen int32  `json:"branchlen"`
	Status    string `json:"status"`
}

func (n *node) getChainTips(context.Context, rpc.Args) (any, error) {
	tips := []chainTip{}
	for _, t := range n.Chain.Tips() {
		tips = append(tips, chainTip{t.Height, t.Hash.String(), t.BranchLen, t.Status})
	}
	return tips, nil
}

type indexInfo struct {
	Synced bool  `json:"synced"`
	Height int32 `json:"best_block_height"`
}

func (n *node) getIndexInfo(_ context.Context, a rpc.Args) (any, error) {
	name, err := rpc.Arg(a, 0, "")
	if err != nil {
		return nil, err
	}
	infos := map[string]indexInfo{}
	if _, _, err := n.Chain.Tx(n.Chain.Tip().Hash); !errors.Is(err, chain.ErrNoTxIndex) && (name == "" || name == "txindex") {
		infos["txindex"] = indexInfo{true, n.Chain.Tip().Height}
	}
	return infos, nil
}

func (n *node) invalidateBlock(ctx context.Context, a rpc.Args) (any, error) {
	info, err := n.info(a, 0, "blockhash")
	if err != nil {
		return nil, err
	}
	return nil, databaseError(n.Chain.InvalidateBlock(ctx, info.Hash))
}

func (n *node) preciousBlock(ctx context.Context, a rpc.Args) (any, error) {
	info, err := n.info(a, 0, "blockhash")
	if err != nil {
		return nil, err
	}
	return nil, databaseError(n.Chain.PreciousBlock(ctx, info.Hash))
}

func (n *node) reconsiderBlock(ctx context.Context, a rpc.Args) (any, error) {
	info, err := n.info(a, 0, "blockhash")
	if err != nil {
		return nil, err
	}
	return nil, databaseError(n.Chain.ReconsiderBlock(ctx, info.Hash))
}

func databaseError(err error) error {
	if err != nil {
		return rpc.Errorf(rpc.CodeDatabase, "%v", err)
	}
	return nil
}

// timestampFrom is the least number that stands for a time, not a height (LOCKTIME's like, but Bitcoin Core's own).
const timestampFrom = 1_000_000_000

func (n *node) pruneBlockchain(_ context.Context, a rpc.Args) (any, error) {
	height, err := rpc.Need[int64](a, 0, "height")
	if err != nil {
		return nil, err
	}
	tip := n.Chain.Tip()
	if _, pruning := n.Chain.Pruned(); !pruning {
		return nil, rpc.Errorf(rpc.CodeMisc, "Cannot prune blocks because node is not in prune mode.")
	}
	if height < 0 {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Negative block height.")
	}
	if height > timestampFrom {
		const before = 2 * 60 * 60 // seconds: times of blocks are that far out of order
		if height = n.firstSince(height - before); height > int64(tip.Height) {
			return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Could not find block with at least the specified timestamp.")
		}
	}
	if height > int64(tip.Height) {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Blockchain is shorter than the attempted prune height.")
	}
	last, err := n.Chain.PruneTo(int32(height))
	return last, err
}

// firstSince is the lowest height of a block of the best chain whose time is not before a Unix time; one above the tip if
// there is none.
func (n *node) firstSince(unix int64) int64 {
	for height := int32(0); ; height++ {
		at, ok := n.Chain.IndexAt(height)
		if !ok {
			return int64(height)
		}
		if h, _, ok := n.Chain.Header(at.Hash); ok && h.Timestamp.Unix() >= unix {
			return int64(height)
		}
	}
}

func (n *node) verifyChain(ctx context.Context, a rpc.Args) (any, error) {
	level, err := rpc.Arg(a, 0, 3)
	if err != nil {
		return nil, err
	}
	blocks, err := rpc.Arg(a, 1, int32(6))
	if err != nil {
		return nil, err
	}
	tip := n.Chain.Tip().Height
	first, _ := n.Chain.Pruned()
	if blocks > 0 {
		first = max(first, tip-blocks+1)
	}
	const undoLevel = 2 // Bitcoin Core's level from which what blocks spent is read too
	for height := tip; height >= max(first, 0); height-- {
		at, ok := n.Chain.IndexAt(height)
		if !ok || ctx.Err() != nil {
			break
		}
		if level >= undoLevel {
			_, err = n.Chain.BlockUndo(at.Hash)
		} else {
			_, err = n.Chain.Block(at.Hash)
		}
		if err != nil {
			return false, nil //nolint:nilerr // the answer
		}
	}
	return true, ctx.Err()
}
