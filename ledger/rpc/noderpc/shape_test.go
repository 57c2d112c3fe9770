package noderpc

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"funai/ledger/chain"
	"funai/ledger/rpc/txjson"
)

const (
	headerKeys = "hash confirmations height version versionHex merkleroot time mediantime nonce bits target difficulty chainwork nTx"
	txKeys     = "txid hash version size vsize weight locktime vin vout"
	entryKeys  = "vsize weight time height descendantcount descendantsize ancestorcount ancestorsize wtxid fees depends spentby bip125-replaceable unbroadcast"
)

// TestAnswersHaveBitcoinCoresShape holds answers to the names that bitcoind 29 gives in the same place, in its order.
func TestAnswersHaveBitcoinCoresShape(t *testing.T) {
	w := newWorld(t, 13, chain.Options{TxIndex: true})
	tx := w.pooled(0, 1000)
	block := w.c.Tip().Hash.String()
	mined := ask[[]string](w, "generatetoaddress", 1, txjson.Address(w.c.Params(), tx.TxOut[0].PkScript))[0]
	waiting := w.pooled(1, 2000).TxHash().String()
	raw := txjson.Hex(w.spend(2, 3000))
	id := tx.TxHash().String()
	for _, c := range []struct{ method, params, keys string }{
		{"getblockchaininfo", ``, "chain blocks headers bestblockhash bits target difficulty time mediantime verificationprogress initialblockdownload chainwork size_on_disk pruned warnings"},
		{"getblockheader", `["` + block + `"]`, headerKeys + " previousblockhash nextblockhash"},
		{"getblockheader", `["` + mined + `"]`, headerKeys + " previousblockhash"},
		{"getblock", `["` + block + `"]`, headerKeys + " previousblockhash nextblockhash strippedsize size weight tx"},
		{"getblockstats", `[14]`, "avgfee avgfeerate avgtxsize blockhash feerate_percentiles height ins maxfee maxfeerate maxtxsize medianfee mediantime mediantxsize minfee minfeerate mintxsize " +
			"outs subsidy swtotal_size swtotal_weight swtxs time total_out total_size total_weight totalfee txs utxo_increase utxo_size_inc utxo_increase_actual utxo_size_inc_actual"},
		{"getblockstats", `[14,["txs","height"]]`, "height txs"},
		{"getchaintips", ``, "height hash branchlen status"},
		{"getchaintxstats", `[5]`, "time txcount window_final_block_hash window_final_block_height window_block_count window_interval window_tx_count txrate"},
		{"getdeploymentinfo", ``, "hash height deployments"},
		{"getdeploymentinfo", `["` + block + `"]`, "hash height deployments"},
		{"getindexinfo", ``, "txindex"},
		{"gettxout", `["` + id + `",0]`, "bestblock confirmations value scriptPubKey coinbase"},
		{"gettxoutsetinfo", ``, "height bestblock txouts bogosize hash_serialized_3 total_amount transactions disk_size"},
		{"gettxoutsetinfo", `["muhash"]`, "height bestblock txouts bogosize muhash total_amount transactions disk_size"},
		{"gettxoutsetinfo", `["none"]`, "height bestblock txouts bogosize total_amount transactions disk_size"},
		{"scantxoutset", `["start",["raw(` + fmt.Sprintf("%x", tx.TxOut[0].PkScript) + `)"]]`, "success txouts height bestblock unspents total_amount"},
		{"waitforblockheight", `[3]`, "hash height"},
		{"getmempoolinfo", ``, "loaded size bytes usage total_fee maxmempool mempoolminfee minrelaytxfee incrementalrelayfee unbroadcastcount fullrbf"},
		{"getmempoolentry", `["` + waiting + `"]`, entryKeys},
		{"getrawmempool", `[true]`, waiting},
		{"getrawmempool", `[false,true]`, "txids mempool_sequence"},
		{"gettxspendingprevout", `[[{"txid":"` + w.coins[1].Hash.String() + `","vout":0}]]`, "txid vout spendingtxid"},
		{"getrawtransaction", `["` + waiting + `",1]`, txKeys + " hex"},
		{"getrawtransaction", `["` + id + `",1]`, txKeys + " hex blockhash confirmations time blocktime"},
		{"getrawtransaction", `["` + id + `",true,"` + mined + `"]`, "in_active_chain " + txKeys + " hex blockhash confirmations time blocktime"},
		{"getrawtransaction", `["` + id + `",2]`, txKeys + " fee hex blockhash confirmations time blocktime"},
		{"decoderawtransaction", `["` + raw + `"]`, txKeys},
		{"decodescript", `["51"]`, "asm desc type p2sh segwit"},
		{"testmempoolaccept", `[["` + raw + `"]]`, "txid wtxid allowed vsize fees"},
		{"testmempoolaccept", `[["` + raw + `"],0.00000001]`, "txid wtxid allowed reject-reason"},
		{"estimatesmartfee", `[6]`, "errors blocks"},
		{"getblocktemplate", `[{"rules":["segwit"]}]`, "capabilities version rules vbavailable vbrequired previousblockhash transactions coinbaseaux coinbasevalue longpollid target mintime mutable " +
			"noncerange sigoplimit sizelimit weightlimit curtime bits height default_witness_commitment"},
		{"getmininginfo", ``, "blocks currentblockweight currentblocktx bits difficulty target networkhashps pooledtx chain next warnings"},
		{"getnetworkinfo", ``, "version subversion protocolversion localservices localservicesnames localrelay timeoffset networkactive connections connections_in connections_out networks " +
			"relayfee incrementalfee localaddresses warnings"},
		{"getnettotals", ``, "totalbytesrecv totalbytessent timemillis uploadtarget"},
		{"validateaddress", `["` + txjson.Address(w.c.Params(), tx.TxOut[0].PkScript) + `"]`, "isvalid address scriptPubKey isscript iswitness witness_version witness_program"},
		{"validateaddress", `["x"]`, "isvalid error_locations error"},
		{"createmultisig", `[1,["0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"],"bech32"]`, "address redeemScript descriptor"},
		{"getdescriptorinfo", `["raw(51)"]`, "descriptor checksum isrange issolvable hasprivatekeys"},
		{"getmemoryinfo", ``, "locked"},
		{"getpeerinfo", ``, ""},
		{"getzmqnotifications", ``, ""},
		{"getaddednodeinfo", ``, ""},
		{"listbanned", ``, ""},
		{"getnodeaddresses", ``, ""},
		{"getprioritisedtransactions", ``, ""},
	} {
		v, err := w.call(c.method, c.params)
		if err != nil {
			t.Errorf("%s %s: %v", c.method, c.params, err)
		} else if got := keys(t, v); got != c.keys {
			t.Errorf("%s %s:\n got %s\nwant %s", c.method, c.params, got, c.keys)
		}
	}
}

// TestBlockInEveryVerbosity holds one block with a payment to what it holds.
func TestBlockInEveryVerbosity(t *testing.T) {
	w := newWorld(t, 12, chain.Options{})
	tx := w.pooled(0, 1000)
	hash := ask[[]string](w, "generatetodescriptor", 1, "raw(51)")[0]
	var plain struct {
		Hash string
		Tx   []string
	}
	b := ask[string](w, "getblock", hash, 0)
	decoded, err := needBlock(b)
	if err != nil || decoded.BlockHash().String() != hash || len(decoded.Transactions) != 2 {
		t.Fatal(decoded, err)
	}
	plain = ask[struct {
		Hash string
		Tx   []string
	}](w, "getblock", hash)
	if plain.Hash != hash || plain.Tx[1] != tx.TxHash().String() {
		t.Errorf("%+v", plain)
	}
	type full struct {
		Tx []struct {
			Txid string
			Fee  json.Number
			Hex  string
			Vin  []struct {
				Coinbase string
				Prevout  *struct {
					Generated bool
					Height    int32
					Value     json.Number
				}
			}
		}
	}
	two, three := ask[full](w, "getblock", hash, 2), ask[full](w, "getblock", hash, 3)
	for _, f := range []full{two, three} {
		if f.Tx[1].Fee != "0.00001000" || f.Tx[0].Fee != "" || f.Tx[0].Vin[0].Coinbase == "" || f.Tx[1].Hex != txjson.Hex(tx) {
			t.Errorf("%+v", f)
		}
	}
	if two.Tx[1].Vin[0].Prevout != nil {
		t.Error("getblock 2 tells what inputs spend")
	}
	if p := three.Tx[1].Vin[0].Prevout; p == nil || !p.Generated || p.Height != 1 || p.Value != "1.50000000" {
		t.Errorf("%+v", p)
	}
	stats := ask[blockStats](w, "getblockstats", hash)
	if stats.TotalFee != 1000 || stats.MinFee != 1000 || stats.Txs != 2 || stats.Ins != 1 || stats.SwTxs != 1 || stats.TotalOut != w.subsidy()-1000 || stats.Percentiles[2] != stats.MaxFeeRate {
		t.Errorf("%+v", stats)
	}
}

func TestScriptsInWords(t *testing.T) {
	w := newWorld(t, 1, chain.Options{})
	for script, want := range map[string]string{
		"":               "",
		"00514f60":       "0 1 -1 16",
		"04ffffffff0181": "-2147483647 -1",
		"020002":         "512",
		"05ffffffffff":   "ffffffffff",
		"6a0548656c6c6f": "OP_RETURN 48656c6c6f",
		"b1b2b0ac":       "OP_CHECKLOCKTIMEVERIFY OP_CHECKSEQUENCEVERIFY OP_NOP1 OP_CHECKSIG",
		"bafe":           "OP_CHECKSIGADD OP_UNKNOWN",
		"4c":             "[error]",
	} {
		got := ask[decodedScript](w, "decodescript", script)
		if got.Asm != want {
			t.Errorf("%s: %q, want %q", script, got.Asm, want)
		}
	}
	if got := ask[decodedScript](w, "decodescript", "51024e73"); got.Type != "anchor" || !strings.HasPrefix(got.Address, "faid1p") {
		t.Errorf("%+v", got)
	}
}
