package noderpc

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"funai/ledger/mempool"
	"funai/ledger/miner"
	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
)

// templateRequest is getblocktemplate's parameter (BIPs 22, 23, 9 and 145).
type templateRequest struct {
	Mode         string   `json:"mode"`
	Capabilities []string `json:"capabilities"`
	Rules        []string `json:"rules"`
	LongPollID   string   `json:"longpollid"`
	Data         string   `json:"data"` // of a proposal
}

// blockTemplate is getblocktemplate's answer; amounts are in base units.
type blockTemplate struct {
	Capabilities      []string          `json:"capabilities"`
	Version           int32             `json:"version"`
	Rules             []string          `json:"rules"`
	VBAvailable       map[string]int    `json:"vbavailable"`
	VBRequired        int               `json:"vbrequired"`
	Previous          string            `json:"previousblockhash"`
	Txs               []templateTx      `json:"transactions"`
	CoinbaseAux       map[string]string `json:"coinbaseaux"`
	CoinbaseValue     int64             `json:"coinbasevalue"`
	LongPollID        string            `json:"longpollid"`
	Target            string            `json:"target"`
	MinTime           int64             `json:"mintime"`
	Mutable           []string          `json:"mutable"`
	NonceRange        string            `json:"noncerange"`
	SigOpLimit        int               `json:"sigoplimit"`
	SizeLimit         int               `json:"sizelimit"`
	WeightLimit       int               `json:"weightlimit"`
	CurTime           int64             `json:"curtime"`
	Bits              string            `json:"bits"`
	Height            int32             `json:"height"`
	WitnessCommitment string            `json:"default_witness_commitment,omitempty"`
}

type templateTx struct {
	Data    string `json:"data"`
	TxID    string `json:"txid"`
	Hash    string `json:"hash"` // with witness
	Depends []int  `json:"depends"`
	Fee     int64  `json:"fee"`
	SigOps  int64  `json:"sigops"`
	Weight  int64  `json:"weight"`
}

func (n *node) getBlockTemplate(ctx context.Context, a rpc.Args) (any, error) {
	req, err := rpc.Need[templateRequest](a, 0, "template_request")
	if err != nil {
		return nil, err
	}
	switch req.Mode {
	case "", "template":
	case "proposal":
		return n.propose(ctx, req)
	default:
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid mode")
	}
	if err := n.mayMine(); err != nil {
		return nil, err
	}
	if req.LongPollID != "" {
		if err := n.longPoll(ctx, req.LongPollID); err != nil {
			return nil, err
		}
	}
	segwit := false
	for _, r := range req.Rules {
		segwit = segwit || r == "segwit"
	}
	if !segwit {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, `getblocktemplate must be called with the segwit rule set (call with {"rules": ["segwit"]})`)
	}
	t, err := n.template(time.Now())
	if err != nil {
		return nil, err
	}
	return newBlockTemplate(t), nil
}

// mayMine refuses a miner whose work would be lost.
func (n *node) mayMine() error {
	if n.p.Name == "main" && len(n.Peers.Peers()) == 0 {
		return rpc.Errorf(rpc.CodeNotConnected, "The node is not connected!")
	}
	// A chain without recent blocks may be the network's, whose miners have stopped, and all new networks' is; but one
	// whose blocks are still to come is not.
	if n.Chain.InitialDownload() && n.Chain.BestHeader().Height > n.Chain.Tip().Height {
		return rpc.Errorf(rpc.CodeInInitialSync, "The node is in initial sync and waiting for blocks...")
	}
	return nil
}

// Times of long polls, Bitcoin Core's: a template is worth another for new transactions only after a minute, looked for
// every ten seconds from then on.
const (
	longPollFirst = time.Minute
	longPollNext  = 10 * time.Second
)

// longPoll waits until there is a better template than the one with an id.
func (n *node) longPoll(ctx context.Context, id string) error {
	tip, seq, err := parseLongPollID(id)
	if err != nil {
		return err
	}
	timer := time.NewTimer(longPollFirst)
	defer timer.Stop()
	for {
		changed := n.Chain.Changed()
		if n.Chain.Tip().Hash != tip {
			return nil
		}
		looked := false
		rpc.Idle(ctx, func() {
			select {
			case <-changed:
			case <-timer.C:
				looked = true
			case <-ctx.Done():
			}
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if looked {
			if n.Pool.Seq() != seq {
				return nil
			}
			timer.Reset(longPollNext)
		}
	}
}

func longPollID(tip chainhash.Hash, seq uint64) string {
	return tip.String() + strconv.FormatUint(seq, 10)
}

func parseLongPollID(id string) (tip chainhash.Hash, seq uint64, err error) {
	const digits = 2 * chainhash.HashSize
	if len(id) <= digits {
		return tip, 0, rpc.Errorf(rpc.CodeInvalidParameter, "longpollid must be a hash and a number (not '%s')", shorten(id))
	}
	if tip, err = rpc.ParseHash("longpollid", id[:digits]); err != nil {
		return tip, 0, err
	}
	if seq, err = strconv.ParseUint(id[digits:], 10, 64); err != nil {
		return tip, 0, rpc.Errorf(rpc.CodeInvalidParameter, "longpollid must be a hash and a number (not '%s')", shorten(id))
	}
	return tip, seq, nil
}

// templates keeps the last template, so that many miners who ask often cost little.
type templates struct {
	sync.Mutex
	last *miner.BlockTemplate
	made time.Time
}

// templateAge is how long a template is good although the pool has changed (Bitcoin Core's 5 s).
const templateAge = 5 * time.Second

// template is a block to be mined, whose coinbase pays nobody in particular.
func (n *node) template(now time.Time) (*miner.BlockTemplate, error) {
	n.templates.Lock()
	defer n.templates.Unlock()
	if t := n.templates.last; t != nil && t.Parent == n.Chain.Tip() && (t.Seq == n.Pool.Seq() || now.Sub(n.templates.made) < templateAge) {
		return t, nil
	}
	t, err := n.freshTemplate([]byte{txscript.OP_TRUE}, now)
	if err != nil {
		return nil, err
	}
	n.templates.last, n.templates.made = t, now
	return t, nil
}

// freshTemplate makes a template, without transactions if those of the pool spoil it.
func (n *node) freshTemplate(payTo []byte, now time.Time) (*miner.BlockTemplate, error) {
	t, err := miner.NewTemplate(n.Chain, n.Pool, payTo, now)
	if _, spoilt := errors.AsType[*miner.InvalidError](err); spoilt {
		t, err = miner.NewTemplate(n.Chain, nil, payTo, now)
	}
	switch {
	case errors.Is(err, mempool.ErrBusy):
		return nil, rpc.Errorf(rpc.CodeInInitialSync, "Blocks come faster than templates can be made")
	case err != nil:
		return nil, rpc.Errorf(rpc.CodeInternal, "%v", err)
	}
	return t, nil
}

func newBlockTemplate(t *miner.BlockTemplate) blockTemplate {
	h := &t.Block.Header
	j := blockTemplate{Capabilities: []string{"proposal"}, Version: h.Version, Rules: []string{"csv", "!segwit", "taproot"},
		VBAvailable: map[string]int{}, Previous: h.PrevBlock.String(), Txs: []templateTx{}, CoinbaseAux: map[string]string{},
		CoinbaseValue: int64(t.CoinbaseValue), LongPollID: longPollID(t.Parent.Hash, t.Seq), Target: targetHex(h.Bits),
		MinTime: t.MinTime.Unix(), Mutable: []string{"time", "transactions", "prevblock"}, NonceRange: "00000000ffffffff",
		SigOpLimit: blockchain.MaxBlockSigOpsCost, SizeLimit: blockchain.MaxBlockWeight, WeightLimit: blockchain.MaxBlockWeight,
		CurTime: max(time.Now().Unix(), t.MinTime.Unix()), Bits: bitsHex(h.Bits), Height: t.Height, WitnessCommitment: hexOf(t.WitnessCommitment)}
	for i, tx := range t.Block.Transactions[1:] {
		x := templateTx{Data: txjson.Hex(tx), TxID: tx.TxHash().String(), Hash: tx.WitnessHash().String(), Depends: []int{},
			Fee: int64(t.Fees[i]), SigOps: t.SigOps[i], Weight: t.Weights[i]}
		for _, d := range t.Depends[i] {
			x.Depends = append(x.Depends, d+1) // BIP-22 counts from 1
		}
		j.Txs = append(j.Txs, x)
	}
	return j
}

// propose says whether a block would be valid if its proof of work were (BIP-23).
func (n *node) propose(ctx context.Context, req templateRequest) (any, error) {
	if req.Data == "" {
		return nil, rpc.Errorf(rpc.CodeType, "Missing data String key for proposal")
	}
	b, err := needBlock(req.Data)
	if err != nil {
		return nil, err
	}
	if s, err := n.known(b); s != "" || err != nil {
		return s, err
	}
	return verdict(b, n.Chain.CheckTemplate(ctx, b))
}
