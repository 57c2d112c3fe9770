package interop

import (
	"strings"
	"testing"
)

// nowhere is the hash of no block and no transaction.
const nowhere = "00000000000000000000000000000000000000000000000000000000000000ff"

// questions about a chain that bitcoind knows, whose blocks from height on are worth a look, and about its pool.
func questions(t testing.TB, b *bitcoind, from int32) (qs []question) {
	add := func(method string, params ...any) {
		if params == nil {
			params = []any{}
		}
		qs = append(qs, question{method, params})
	}
	scripts, addresses := map[string]bool{}, map[string]bool{}
	for height := from; height <= b.height(); height++ {
		hash := ask[string](t, b.client, "getblockhash", height)
		block := ask[struct {
			Tx []struct {
				ID  string `json:"txid"`
				Hex string `json:"hex"`
				Out []struct {
					Script struct {
						Hex     string `json:"hex"`
						Address string `json:"address"`
					} `json:"scriptPubKey"`
				} `json:"vout"`
			} `json:"tx"`
		}](t, b.client, "getblock", hash, 2)
		add("getblockhash", height)
		add("getblockheader", hash)
		if len(block.Tx) == 1 && height%16 != 0 {
			continue // one of many without transactions
		}
		add("getblockheader", hash, false)
		add("getblockstats", height)
		add("getblockstats", hash, []string{"txs", "totalfee"})
		add("getchaintxstats", 10, hash)
		for verbosity := range 4 {
			add("getblock", hash, verbosity)
		}
		for _, tx := range block.Tx {
			add("getrawtransaction", tx.ID)
			add("getrawtransaction", tx.ID, 1)
			add("getrawtransaction", tx.ID, 2, hash)
			add("decoderawtransaction", tx.Hex)
			add("gettxoutproof", []string{tx.ID}, hash)
			add("verifytxoutproof", ask[string](t, b.client, "gettxoutproof", []string{tx.ID}, hash))
			for n, out := range tx.Out {
				add("gettxout", tx.ID, n)
				scripts[out.Script.Hex] = true
				if out.Script.Address != "" {
					addresses[out.Script.Address] = true
				}
			}
		}
	}
	for s := range scripts {
		add("decodescript", s)
	}
	for a := range addresses {
		add("validateaddress", a)
		add("scantxoutset", "start", []string{"addr(" + a + ")"})
	}
	return append(append(append(qs, simpleQuestions(t, b)...), poolQuestions(t, b)...), wrongQuestions(t, b)...)
}

// simpleQuestions need little.
func simpleQuestions(t testing.TB, b *bitcoind) []question {
	genesis := ask[string](t, b.client, "getblockhash", 0)
	key := wif(t, 11)
	signed := ask[string](t, b.client, "signmessagewithprivkey", key, "hello")
	return []question{
		{"getblockchaininfo", nil}, {"getblockcount", nil}, {"getbestblockhash", nil}, {"getchaintips", nil},
		{"getchaintxstats", nil}, {"getdeploymentinfo", nil}, {"getdeploymentinfo", []any{genesis}}, {"getindexinfo", nil},
		{"getblock", []any{genesis, 2}}, {"getblockheader", []any{genesis}}, {"getblockstats", []any{0}},
		{"gettxoutsetinfo", nil}, {"gettxoutsetinfo", []any{"muhash"}}, {"gettxoutsetinfo", []any{"none"}},
		{"scantxoutset", []any{"start", []string{b.describe("wpkh(" + key + ")"), "raw(51)"}}},
		{"scantxoutset", []any{"status"}},
		{"getmininginfo", nil}, {"getnetworkhashps", nil}, {"getnetworkhashps", []any{20, 100}},
		{"getblocktemplate", []any{map[string]any{"rules": []string{"segwit"}}}},
		{"getnetworkinfo", nil}, {"getpeerinfo", nil}, {"getnettotals", nil}, {"getconnectioncount", nil}, {"listbanned", nil},
		{"getaddednodeinfo", nil}, {"getnodeaddresses", nil}, {"ping", nil},
		{"setban", []any{"192.0.2.0/24", "add", 1000}}, {"listbanned", nil}, {"setban", []any{"192.0.2.0/24", "add", 1000}},
		{"setban", []any{"192.0.2.0/24", "remove"}}, {"setban", []any{"192.0.2.0/24", "remove"}}, {"clearbanned", nil},
		{"estimatesmartfee", []any{2}}, {"estimatesmartfee", []any{6, "economical"}},
		{"uptime", nil}, {"getmemoryinfo", nil}, {"getrpcinfo", nil},
		{"validateaddress", []any{"bcrt1q"}}, {"validateaddress", []any{"bcrt1pw508d6qejxtdg4y5r3zarvary0c5xw7kygt08q"}},
		{"validateaddress", []any{"bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"}}, {"validateaddress", []any{"1BitcoinEaterAddressDontSendf59kuE"}},
		{"validateaddress", []any{"tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"}},
		{"validateaddress", []any{"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"}}, {"validateaddress", []any{""}},
		{"getdescriptorinfo", []any{"wpkh(" + key + ")"}}, {"deriveaddresses", []any{b.describe("wpkh(" + key + ")")}},
		{"createmultisig", []any{2, []string{hexOf(public(1)), hexOf(public(2))}}},
		{"createmultisig", []any{2, []string{hexOf(public(1)), hexOf(public(2))}, "bech32"}},
		{"signmessagewithprivkey", []any{key, "hello"}},
		{"verifymessage", []any{keyAddress(t, 11), signed, "hello"}}, {"verifymessage", []any{keyAddress(t, 12), signed, "hello"}},
		{"createrawtransaction", []any{[]any{map[string]any{"txid": nowhere, "vout": 1}},
			[]any{map[string]any{keyAddress(t, 11): 0.25}, map[string]any{"data": "00ff"}}, 17, true}},
		{"decodescript", []any{""}}, {"decodescript", []any{"6a0568656c6c6f"}}, {"decodescript", []any{hexOf(multisig(2, 1, 2, 3))}},
		{"waitforblockheight", []any{1}},
	}
}

// poolQuestions are about the transactions in the pool.
func poolQuestions(t testing.TB, b *bitcoind) []question {
	qs := []question{{"getmempoolinfo", nil}, {"getrawmempool", []any{false, true}}, {"getrawmempool", []any{true}}}
	for _, id := range b.pool() {
		raw := ask[string](t, b.client, "getrawtransaction", id)
		qs = append(qs, question{"getmempoolentry", []any{id}}, question{"getmempoolancestors", []any{id}},
			question{"getmempooldescendants", []any{id, true}}, question{"getrawtransaction", []any{id, 1}},
			question{"gettxout", []any{id, 0}}, question{"gettxout", []any{id, 0, false}}, question{"testmempoolaccept", []any{[]string{raw}}},
			question{"sendrawtransaction", []any{raw}})
	}
	return qs
}

// wrongQuestions are those whose answer is an error, or a refusal.
func wrongQuestions(t testing.TB, b *bitcoind) []question {
	tip := b.tip()
	block := ask[string](t, b.client, "getblock", tip, 0)
	mined := ask[struct {
		Tx []string `json:"tx"`
	}](t, b.client, "getblock", tip).Tx[0]
	coinbase := ask[string](t, b.client, "getrawtransaction", mined)
	garbage := strings.Repeat("00", 80)
	return []question{
		{"getblockhash", []any{-1}}, {"getblockhash", []any{1_000_000}}, {"getblockhash", []any{"1"}}, {"getblockhash", nil},
		{"getblock", []any{nowhere}}, {"getblock", []any{"xyz"}}, {"getblock", []any{tip, "2"}}, {"getblockheader", []any{nowhere}},
		{"getdeploymentinfo", []any{nowhere}}, {"getdeploymentinfo", []any{"00"}},
		{"getblockstats", []any{1_000_000}}, {"getblockstats", []any{nowhere}}, {"getblockstats", []any{1, []string{"nothing"}}},
		{"getchaintxstats", []any{1_000_000}}, {"getchaintxstats", []any{1, nowhere}},
		{"getrawtransaction", []any{nowhere}}, {"getrawtransaction", []any{nowhere, 1, tip}}, {"getrawtransaction", []any{"00"}},
		{"gettxout", []any{nowhere, 0}}, {"gettxoutproof", []any{[]string{nowhere}}}, {"verifytxoutproof", []any{garbage}},
		{"getmempoolentry", []any{nowhere}}, {"getmempoolancestors", []any{nowhere}},
		{"decoderawtransaction", []any{"zz"}}, {"decoderawtransaction", []any{"00"}}, {"decodescript", []any{"zz"}},
		{"sendrawtransaction", []any{"zz"}}, {"sendrawtransaction", []any{"0000"}}, {"sendrawtransaction", []any{coinbase}},
		{"testmempoolaccept", []any{[]string{coinbase}}}, {"testmempoolaccept", []any{[]string{"00"}}}, {"testmempoolaccept", []any{[]string{}}},
		{"submitblock", []any{"00"}}, {"submitblock", []any{block}}, {"submitheader", []any{"00"}}, {"submitheader", []any{block[:160]}},
		{"getblocktemplate", nil}, {"getblocktemplate", []any{map[string]any{"rules": []string{}}}},
		{"getblocktemplate", []any{map[string]any{"mode": "proposal", "rules": []string{"segwit"}, "data": block}}},
		{"getblocktemplate", []any{map[string]any{"mode": "nothing", "rules": []string{"segwit"}}}},
		{"estimatesmartfee", []any{0}}, {"estimatesmartfee", []any{1009}}, {"estimatesmartfee", []any{2, "lavish"}},
		{"estimatesmartfee", nil}, {"gettxoutsetinfo", []any{"crc32"}}, {"scantxoutset", []any{"begin"}},
		{"scantxoutset", []any{"start", []string{"nothing()"}}}, {"getdescriptorinfo", []any{"wpkh()"}},
		{"deriveaddresses", []any{"wpkh(" + hexOf(public(1)) + ")"}}, {"createmultisig", []any{3, []string{hexOf(public(1))}}},
		{"createrawtransaction", []any{[]any{map[string]any{"txid": "00", "vout": 1}}, []any{}}},
		{"createrawtransaction", []any{[]any{}, []any{map[string]any{"nowhere": 1}}}},
		{"createrawtransaction", []any{[]any{}, []any{map[string]any{keyAddress(t, 11): -1}}}},
		{"createrawtransaction", []any{[]any{}, []any{map[string]any{keyAddress(t, 11): 21_000_001}}}},
		{"addnode", []any{"127.0.0.1:1", "sometimes"}}, {"addnode", []any{"127.0.0.1:1", "remove"}},
		{"disconnectnode", []any{"192.0.2.1:1"}}, {"setban", []any{"nowhere", "add"}}, {"getaddednodeinfo", []any{"192.0.2.1:1"}},
		{"invalidateblock", []any{nowhere}}, {"reconsiderblock", []any{nowhere}}, {"preciousblock", []any{nowhere}},
		{"prioritisetransaction", []any{nowhere, 0, 1000}}, {"verifymessage", []any{"nowhere", "AAAA", "x"}},
		{"signmessagewithprivkey", []any{"nothing", "x"}}, {"pruneblockchain", []any{1}},
	}
}

// keyAddress is a P2PKH address of a key.
func keyAddress(t testing.TB, number byte) string { return addressOf(t, p2pkh(number)) }
