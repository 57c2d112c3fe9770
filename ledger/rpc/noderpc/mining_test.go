package noderpc

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/mempool"
	"funai/ledger/miner"
	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
)

var segwit = map[string]any{"rules": []string{"segwit"}}

// build makes a block of a template as a miner does who knows nothing but what the template says. Witnesses stay out of
// the coinbase, as in blocks of miners of old.
func build(t testing.TB, j blockTemplate) *wire.MsgBlock {
	t.Helper()
	script, err := txscript.NewScriptBuilder().AddInt64(int64(j.Height)).AddData(make([]byte, 8)).Script()
	if err != nil {
		t.Fatal(err)
	}
	coinbase := wire.NewMsgTx(2)
	coinbase.AddTxIn(wire.NewTxIn(&wire.OutPoint{Index: wire.MaxPrevOutIndex}, script, nil))
	coinbase.AddTxOut(wire.NewTxOut(j.CoinbaseValue, []byte{txscript.OP_TRUE}))
	commitment, err := hex.DecodeString(j.WitnessCommitment)
	if err != nil {
		t.Fatal(err)
	}
	coinbase.AddTxOut(wire.NewTxOut(0, commitment))
	prev, err := chainhash.NewHashFromStr(j.Previous)
	if err != nil {
		t.Fatal(err)
	}
	b := &wire.MsgBlock{Header: wire.BlockHeader{Version: j.Version, PrevBlock: *prev, Timestamp: time.Unix(j.CurTime, 0)}, Transactions: []*wire.MsgTx{coinbase}}
	bits, err := hex.DecodeString(j.Bits)
	if err != nil {
		t.Fatal(err)
	}
	b.Header.Bits = uint32(bits[0])<<24 | uint32(bits[1])<<16 | uint32(bits[2])<<8 | uint32(bits[3])
	for _, x := range j.Txs {
		tx, err := txjson.Parse(x.Data)
		if err != nil || tx.TxHash().String() != x.TxID || tx.WitnessHash().String() != x.Hash {
			t.Fatal(x, err)
		}
		b.AddTransaction(tx)
	}
	b.Header.MerkleRoot = merkleRoot(b)
	if err := miner.Solve(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTemplateIsSolvedAndSubmitted goes the way of a block from getblocktemplate to submitblock.
func TestTemplateIsSolvedAndSubmitted(t *testing.T) {
	w := newWorld(t, 13, chain.Options{})
	parent := w.pooled(0, 1000)
	child := chaintest.Spend(t, w.k, wire.OutPoint{Hash: parent.TxHash()}, parent.TxOut[0].Value, wire.NewTxOut(parent.TxOut[0].Value-5000, chaintest.Script(w.k)))
	if _, err := w.pool.Accept(child); err != nil {
		t.Fatal(err)
	}
	j := ask[blockTemplate](w, "getblocktemplate", segwit)
	if len(j.Txs) != 2 || j.Txs[0].Fee != 1000 || len(j.Txs[0].Depends) != 0 || len(j.Txs[1].Depends) != 1 || j.Txs[1].Depends[0] != 1 || j.Txs[1].Weight <= 0 ||
		j.CoinbaseValue != w.subsidy()+6000 || j.Height != 14 || j.Previous != w.c.Tip().Hash.String() {
		t.Fatalf("%+v", j)
	}
	b := build(t, j)
	raw, err := blockHex(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := ask[any](w, "submitblock", raw); got != nil {
		t.Fatalf("refused: %v", got)
	}
	if w.c.Tip().Hash != b.BlockHash() || ask[mempoolInfo](w, "getmempoolinfo").Size != 0 {
		t.Error("the block is not the tip, or its transactions still wait")
	}
	if got := ask[string](w, "submitblock", raw); got != "duplicate" {
		t.Errorf("again: %s", got)
	}
}

// TestSubmitBlockSaysWhatIsWrong breaks rules one by one, as proposals and as blocks.
func TestSubmitBlockSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t, 13, chain.Options{})
	w.pooled(0, 1000)
	for want, spoil := range map[string]func(*wire.MsgBlock){
		"bad-cb-amount":            func(b *wire.MsgBlock) { b.Transactions[0].TxOut[0].Value++ },
		"bad-diffbits":             func(b *wire.MsgBlock) { b.Header.Bits-- },
		"time-too-old":             func(b *wire.MsgBlock) { b.Header.Timestamp = time.Unix(946_684_800, 0) },
		"time-too-new":             func(b *wire.MsgBlock) { b.Header.Timestamp = b.Header.Timestamp.Add(3 * time.Hour) },
		"bad-cb-missing":           func(b *wire.MsgBlock) { b.Transactions = b.Transactions[1:] },
		"bad-cb-multiple":          func(b *wire.MsgBlock) { b.AddTransaction(b.Transactions[0].Copy()) },
		"bad-cb-height":            func(b *wire.MsgBlock) { b.Transactions[0].TxIn[0].SignatureScript[0] = txscript.OP_1 },
		"bad-witness-merkle-match": func(b *wire.MsgBlock) { b.Transactions[0].TxOut[1].PkScript[10] ^= 1 },
		"unexpected-witness":       func(b *wire.MsgBlock) { b.Transactions[0].TxOut = b.Transactions[0].TxOut[:1] },
		"bad-witness-nonce-size":   func(b *wire.MsgBlock) { b.Transactions[0].TxIn[0].Witness = wire.TxWitness{{1}} },
		"bad-txns-vout-empty":      func(b *wire.MsgBlock) { b.Transactions[1].TxOut = nil },
		"bad-txns-inputs-missingorspent": func(b *wire.MsgBlock) {
			b.Transactions[1].TxIn[0].PreviousOutPoint.Index = 9
			recommit(b)
		},
		"mandatory-script-verify-flag-failed (Witness program hash mismatch)": func(b *wire.MsgBlock) {
			b.Transactions[1].TxIn[0].Witness = nil
			recommit(b)
		},
		"bad-version(0x00000001)":      func(b *wire.MsgBlock) { b.Header.Version = 1 },
		"bad-version(0x80000000)":      func(b *wire.MsgBlock) { b.Header.Version = -1 << 31 },
		"bad-txns-vout-negative":       func(b *wire.MsgBlock) { b.Transactions[0].TxOut[0].Value = -1 },
		"bad-txns-vout-toolarge":       func(b *wire.MsgBlock) { b.Transactions[0].TxOut[0].Value = btcutil.MaxSatoshi + 1 },
		"bad-txns-txouttotal-toolarge": func(b *wire.MsgBlock) { b.Transactions[0].TxOut[1].Value = btcutil.MaxSatoshi },
	} {
		b := build(t, ask[blockTemplate](w, "getblocktemplate", segwit))
		if want != "unexpected-witness" {
			addWitnessNonce(b)
		}
		spoil(b)
		b.Header.MerkleRoot = merkleRoot(b)
		chaintest.Solve(b)
		raw, err := blockHex(b)
		if err != nil {
			t.Fatal(err)
		}
		proposed := ask[string](w, "getblocktemplate", map[string]any{"mode": "proposal", "data": raw})
		if got := ask[string](w, "submitblock", raw); got != want || proposed != want {
			t.Errorf("%s: submitted %q, proposed %q", want, got, proposed)
		}
	}
	b := build(t, ask[blockTemplate](w, "getblocktemplate", segwit))
	for nonce := uint32(0); solved(b); nonce++ {
		b.Header.Nonce = nonce
	}
	raw, _ := blockHex(b)
	if got := ask[string](w, "submitblock", raw); got != "high-hash" {
		t.Errorf("without work: %s", got)
	}
	b.Header.PrevBlock[0] ^= 1
	chaintest.Solve(b)
	raw, _ = blockHex(b)
	if got := ask[string](w, "submitblock", raw); got != "prev-blk-not-found" {
		t.Errorf("without parent: %s", got)
	}
	if got := ask[string](w, "getblocktemplate", map[string]any{"mode": "proposal", "data": raw}); got != "inconclusive-not-best-prevblk" {
		t.Errorf("proposed without parent: %s", got)
	}
	at, _ := w.c.IndexAt(12)
	raw, _ = blockHex(chaintest.BlockOn(t, w.c, at, []byte{txscript.OP_TRUE}, 1))
	if got := ask[string](w, "submitblock", raw); got != "inconclusive" {
		t.Errorf("on a fork: %s", got)
	}
}

func solved(b *wire.MsgBlock) bool { return b.Header.BlockHash()[31] < 0x7f }

func TestSubmitHeader(t *testing.T) {
	w := newWorld(t, 2, chain.Options{})
	b := chaintest.BlockOn(t, w.c, w.c.Tip(), []byte{txscript.OP_TRUE}, 0)
	var s strings.Builder
	if err := b.Header.Serialize(hex.NewEncoder(&s)); err != nil {
		t.Fatal(err)
	}
	if got := ask[any](w, "submitheader", s.String()); got != nil || w.c.BestHeader().Hash != b.BlockHash() {
		t.Errorf("%v, best %v", got, w.c.BestHeader())
	}
	b.Header.Bits = 0x1d00ffff
	s.Reset()
	if err := b.Header.Serialize(hex.NewEncoder(&s)); err != nil {
		t.Fatal(err)
	}
	w.refused(rpc.CodeVerify, "high-hash", "submitheader", `["`+s.String()+`"]`)
	if tips := ask[[]chainTip](w, "getchaintips"); len(tips) != 2 || tips[0].Status != "headers-only" {
		t.Errorf("%+v", tips)
	}
}

// TestLongPollEndsWithTheTip and, after a minute, with what has come into the pool, on a fake clock.
func TestLongPollEndsWithTheTip(t *testing.T) {
	for name, after := range map[string]time.Duration{"block": 3 * time.Second, "transaction": 70 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			c, k := chaintest.New(t), chaintest.Key(t, 1)
			coins := chaintest.MineN(t, c, chaintest.Script(k), 13)
			pool := mempool.New(c, mempool.Config{})
			defer pool.Close()
			n := Node{Chain: c, Pool: pool}
			first, err := do(t.Context(), t, n, "getblocktemplate", `[{"rules":["segwit"]}]`)
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			go func() {
				if name == "block" {
					time.Sleep(after)
					chaintest.Mine(t, c, chaintest.Script(k))
					return
				}
				time.Sleep(61 * time.Second)
				value := c.Params().Subsidy(1)
				if _, err := pool.Accept(chaintest.Spend(t, k, coins[0], value, wire.NewTxOut(value-1000, chaintest.Script(k)))); err != nil {
					t.Error(err)
				}
			}()
			got, err := do(t.Context(), t, n, "getblocktemplate", `[{"rules":["segwit"],"longpollid":"`+first.(blockTemplate).LongPollID+`"}]`)
			if err != nil || got.(blockTemplate).LongPollID == first.(blockTemplate).LongPollID || time.Since(begin) != after {
				t.Errorf("%s: %v after %v, want %v", name, err, time.Since(begin), after)
			}
			synctest.Wait()
		})
	}
}

func TestGenerateBlockHoldsWhatIsAskedFor(t *testing.T) {
	w := newWorld(t, 13, chain.Options{})
	a, b := w.pooled(0, 1000), w.spend(1, 1000)
	w.pooled(2, 5000)
	got := ask[generated](w, "generateblock", "raw(51)", []string{a.TxHash().String(), txjson.Hex(b)})
	block, err := w.c.Block(w.c.Tip().Hash)
	if err != nil || got.Hash != block.BlockHash().String() || len(block.Transactions) != 3 || block.Transactions[2].TxHash() != b.TxHash() {
		t.Errorf("%+v, %v, %v", got, block, err)
	}
	shown := ask[generated](w, "generateblock", "raw(51)", []string{}, false)
	if w.c.Tip().Hash != block.BlockHash() || shown.Hex == "" {
		t.Error("a block that was only to be shown is the tip")
	}
	if got := ask[any](w, "submitblock", shown.Hex); got != nil {
		t.Errorf("shown, then submitted: %v", got)
	}
	if got := ask[[]string](w, "generatetodescriptor", 2, "combo("+hexOf(w.k.Secp256k1().PubKey().SerializeCompressed())+")"); len(got) != 2 {
		t.Error(got)
	}
	block, err = w.c.Block(w.c.Tip().Hash)
	if err != nil || string(block.Transactions[0].TxOut[0].PkScript) != string(chaintest.Script(w.k)) {
		t.Errorf("combo is paid as %x, %v", block.Transactions[0].TxOut[0].PkScript, err)
	}
}

func TestPrioritise(t *testing.T) {
	w := newWorld(t, 12, chain.Options{})
	id := w.pooled(0, 1000).TxHash().String()
	if !ask[bool](w, "prioritisetransaction", id, 0, 500) {
		t.Error("not prioritised")
	}
	if got := ask[mempoolEntry](w, "getmempoolentry", id); got.Fees.Modified != 1500 || got.Fees.Base != 1000 {
		t.Errorf("%+v", got)
	}
	if got := ask[map[string]prioritised](w, "getprioritisedtransactions")[id]; got.Delta != 500 || !got.InPool || *got.Modified != 1500 {
		t.Errorf("%+v", got)
	}
}

func TestHashRate(t *testing.T) {
	w := newWorld(t, 20, chain.Options{}) // a second apart, each of 2 hashes
	if got := ask[float64](w, "getnetworkhashps", 10, 15); got != 2 {
		t.Errorf("%v", got)
	}
	var info miningInfo
	raw, err := w.call("getmininginfo", "")
	if err != nil || json.Unmarshal(raw, &info) != nil || info.HashPS != 2 || info.Chain != "dev" || info.Next.Height != 21 {
		t.Errorf("%s, %v", raw, err)
	}
}
