package noderpc

import (
	"errors"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcjson"
	"github.com/btcsuite/btcd/rpcclient"

	"funai/ledger/chain"
)

// TestForeignClient drives the server with btcd's client of Bitcoin Core's RPC.
func TestForeignClient(t *testing.T) {
	w := newWorld(t, 13, chain.Options{TxIndex: true})
	c, err := rpcclient.New(&rpcclient.ConnConfig{Host: strings.TrimPrefix(w.url, "http://"), User: "user", Pass: "password", HTTPPostMode: true, DisableTLS: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Shutdown()
	tip := w.c.Tip()
	best, err := c.GetBestBlockHash()
	if err != nil || *best != tip.Hash {
		t.Errorf("%v, %v", best, err)
	}
	if n, err := c.GetBlockCount(); err != nil || n != 13 {
		t.Errorf("%d, %v", n, err)
	}
	if h, err := c.GetBlockHash(13); err != nil || *h != tip.Hash {
		t.Errorf("%v, %v", h, err)
	}
	if b, err := c.GetBlock(best); err != nil || b.BlockHash() != tip.Hash {
		t.Errorf("%v, %v", b, err)
	}
	if b, err := c.GetBlockVerbose(best); err != nil || b.Height != 13 || len(b.Tx) != 1 {
		t.Errorf("%+v, %v", b, err)
	}
	if b, err := c.GetBlockVerboseTx(best); err != nil || len(b.Tx) != 1 || b.Tx[0].Vout[0].ScriptPubKey.Type != "witness_v0_keyhash" {
		t.Errorf("%+v, %v", b, err)
	}
	if h, err := c.GetBlockHeaderVerbose(best); err != nil || h.Height != 13 {
		t.Errorf("%+v, %v", h, err)
	}
	if i, err := c.GetBlockChainInfo(); err != nil || i.Blocks != 13 || i.BestBlockHash != tip.Hash.String() {
		t.Errorf("%+v, %v", i, err)
	}
	if tips, err := c.GetChainTips(); err != nil || len(tips) != 1 || tips[0].Status != "active" {
		t.Errorf("%+v, %v", tips, err)
	}
	tx := w.spend(0, 1000)
	id, err := c.SendRawTransaction(tx, false)
	if err != nil || *id != tx.TxHash() {
		t.Fatalf("%v, %v", id, err)
	}
	if ids, err := c.GetRawMempool(); err != nil || len(ids) != 1 || *ids[0] != *id {
		t.Errorf("%v, %v", ids, err)
	}
	if e, err := c.GetMempoolEntry(id.String()); err != nil || e.Fees.Base != 1e-5 {
		t.Errorf("%+v, %v", e, err)
	}
	if got, err := c.GetRawTransaction(id); err != nil || *got.Hash() != *id {
		t.Errorf("%v, %v", got, err)
	}
	out, err := c.GetTxOut(id, 0, true)
	if err != nil || out == nil || out.Value != 1.49999 {
		t.Errorf("%+v, %v", out, err)
	}
	if i, err := c.GetTxOutSetInfo(); err != nil || i.TxOuts != 13 {
		t.Errorf("%+v, %v", i, err)
	}
	template, err := c.GetBlockTemplate(&btcjson.TemplateRequest{Mode: "template", Rules: []string{"segwit"}})
	if err != nil || template.Height != 14 || len(template.Transactions) != 1 {
		t.Errorf("%+v, %v", template, err)
	}
	if i, err := c.GetNetworkInfo(); err != nil || i.SubVersion != "/test:1.2.3/" {
		t.Errorf("%+v, %v", i, err)
	}
	if i, err := c.GetMiningInfo(); err != nil || i.Blocks != 13 {
		t.Errorf("%+v, %v", i, err)
	}
	if n, err := c.GetConnectionCount(); err != nil || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
	if s, err := c.GetBlockStats(best, nil); err != nil || s.Height != 13 {
		t.Errorf("%+v, %v", s, err)
	}
	var refusal *btcjson.RPCError
	if _, err := c.GetBlockHash(99); !errors.As(err, &refusal) || refusal.Code != btcjson.ErrRPCInvalidParameter {
		t.Errorf("%v", err)
	}
	if err := c.InvalidateBlock(best); err != nil || w.c.Tip().Height != 12 {
		t.Errorf("%v, height %d", err, w.c.Tip().Height)
	}
}
