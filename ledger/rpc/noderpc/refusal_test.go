package noderpc

import (
	"strings"
	"testing"

	"funai/ledger/chain"
	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
)

// TestRefusalsHaveBitcoinCoresCodes holds refusals to bitcoind's.
func TestRefusalsHaveBitcoinCoresCodes(t *testing.T) {
	w := newWorld(t, 12, chain.Options{})
	none := strings.Repeat("00", 32)
	tip := w.c.Tip().Hash.String()
	spent := w.pooled(0, 1000)
	immature := txjson.Hex(w.spend(11, 1000))
	poor := txjson.Hex(w.spend(1, 1))
	rich := txjson.Hex(w.spend(1, 5e7))
	double := txjson.Hex(w.spend(0, 1001))
	lost := w.spend(1, 1000)
	lost.TxIn[0].PreviousOutPoint.Index = 7
	burn := w.spend(1, 1000)
	burn.TxOut[0].PkScript = []byte{0x6a}
	const k, pub = "cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87JcbXMTcA", "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	address := txjson.Address(w.c.Params(), spent.TxOut[0].PkScript)
	for _, c := range []struct {
		code                    int
		message, method, params string
	}{
		{rpc.CodeMisc, "getblock \"blockhash\"", "getblock", `[]`},
		{rpc.CodeMisc, "getblock \"blockhash\"", "getblock", `["a",1,2]`},
		{rpc.CodeType, "Wrong type passed:\n{\n    \"Position 1 (blockhash)\": \"JSON value of type number is not of expected type string\"\n}", "getblock", `[1]`},
		{rpc.CodeType, "JSON value of type string is not of expected type number", "getblock", `["` + tip + `","x"]`},
		{rpc.CodeInvalidParameter, "blockhash must be of length 64 (not 2, for 'zz')", "getblock", `["zz"]`},
		{rpc.CodeInvalidParameter, "blockhash must be hexadecimal string (not 'zz", "getblock", `["` + strings.Repeat("z", 64) + `"]`},
		{rpc.CodeInvalidParameter, "Unknown named parameter hash", "getblock", `{"hash":"x"}`},
		{rpc.CodeInvalidAddressOrKey, "Block not found", "getblock", `["` + none + `"]`},
		{rpc.CodeInvalidAddressOrKey, "Block not found", "getblockheader", `["` + none + `"]`},
		{rpc.CodeInvalidAddressOrKey, "Block not found", "invalidateblock", `["` + none + `"]`},
		{rpc.CodeInvalidAddressOrKey, "Block not found", "reconsiderblock", `["` + none + `"]`},
		{rpc.CodeDatabase, "", "invalidateblock", `["` + w.c.Params().GenesisHash.String() + `"]`},
		{rpc.CodeInvalidParameter, "Block height out of range", "getblockhash", `[13]`},
		{rpc.CodeInvalidParameter, "Block height out of range", "getblockhash", `[-1]`},
		{rpc.CodeMisc, "JSON integer out of range", "getblockhash", `[4294967296]`},
		{rpc.CodeInvalidParameter, "Invalid selected statistic 'x'", "getblockstats", `[1,["x"]]`},
		{rpc.CodeInvalidParameter, "Target block height 13 after current tip 12", "getblockstats", `[13]`},
		{rpc.CodeInvalidParameter, "Target block height -1 is negative", "getblockstats", `[-1]`},
		{rpc.CodeInvalidParameter, "Invalid block count: should be between 0 and the block's height - 1", "getchaintxstats", `[12]`},
		{rpc.CodeInvalidParameter, "'x' is not a valid hash_type", "gettxoutsetinfo", `["x"]`},
		{rpc.CodeInvalidParameter, "Querying specific block heights requires coinstatsindex", "gettxoutsetinfo", `["none",5]`},
		{rpc.CodeInvalidParameter, "Invalid action 'x'", "scantxoutset", `["x"]`},
		{rpc.CodeMisc, "scantxoutset", "scantxoutset", `["start"]`},
		{rpc.CodeInvalidAddressOrKey, "", "scantxoutset", `["start",["x"]]`},
		{rpc.CodeInvalidParameter, "Range should be greater or equal than 0", "scantxoutset", `["start",[{"desc":"raw(51)","range":[-1,1]}]]`},
		{rpc.CodeInvalidParameter, "Parameter 'txids' cannot be empty", "gettxoutproof", `[[]]`},
		{rpc.CodeInvalidParameter, "Invalid parameter, duplicated txid", "gettxoutproof", `[["` + none + `","` + none + `"]]`},
		{rpc.CodeInvalidAddressOrKey, "Transaction not yet in block", "gettxoutproof", `[["` + none + `"]]`},
		{rpc.CodeInvalidAddressOrKey, "Not all transactions found", "gettxoutproof", `[["` + none + `"],"` + tip + `"]`},
		{rpc.CodeDeserialization, "Proof decode failed", "verifytxoutproof", `["00"]`},
		{rpc.CodeMisc, "Negative timeout", "waitfornewblock", `[-1]`},
		{rpc.CodeMisc, "Cannot prune blocks because node is not in prune mode.", "pruneblockchain", `[5]`},
		{rpc.CodeInvalidAddressOrKey, "Transaction not in mempool", "getmempoolentry", `["` + none + `"]`},
		{rpc.CodeInvalidAddressOrKey, "Transaction not in mempool", "getmempoolancestors", `["` + none + `"]`},
		{rpc.CodeInvalidParameter, "Verbose results cannot contain mempool sequence values.", "getrawmempool", `[true,true]`},
		{rpc.CodeInvalidParameter, "Invalid parameter, outputs are missing", "gettxspendingprevout", `[[]]`},
		{rpc.CodeInvalidParameter, "Invalid parameter, vout cannot be negative", "gettxspendingprevout", `[[{"txid":"` + none + `","vout":-1}]]`},
		{rpc.CodeType, "Missing vout", "gettxspendingprevout", `[[{"txid":"` + none + `"}]]`},
		{rpc.CodeInvalidAddressOrKey, "No such mempool transaction. Use -txindex", "getrawtransaction", `["` + none + `"]`},
		{rpc.CodeInvalidAddressOrKey, "Block hash not found", "getrawtransaction", `["` + none + `",1,"` + none + `"]`},
		{rpc.CodeInvalidAddressOrKey, "No such transaction found in the provided block", "getrawtransaction", `["` + none + `",1,"` + tip + `"]`},
		{rpc.CodeInvalidAddressOrKey, "The genesis block coinbase is not considered an ordinary transaction", "getrawtransaction",
			`["` + w.c.Params().GenesisBlock.Transactions[0].TxHash().String() + `"]`},
		{rpc.CodeDeserialization, "TX decode failed", "decoderawtransaction", `["00"]`},
		{rpc.CodeInvalidParameter, "argument must be hexadecimal string (not 'zz')", "decodescript", `["zz"]`},
		{rpc.CodeDeserialization, "TX decode failed. Make sure the tx has at least one input.", "sendrawtransaction", `["00"]`},
		{rpc.CodeVerify, "bad-txns-inputs-missingorspent", "sendrawtransaction", `["` + txjson.Hex(lost) + `"]`},
		{rpc.CodeVerify, "Unspendable output exceeds maximum configured by user (maxburnamount)", "sendrawtransaction", `["` + txjson.Hex(burn) + `"]`},
		{rpc.CodeVerify, "Fee exceeds maximum configured by user", "sendrawtransaction", `["` + rich + `"]`},
		{rpc.CodeVerifyRejected, "bad-txns-premature-spend-of-coinbase", "sendrawtransaction", `["` + immature + `"]`},
		{rpc.CodeVerifyRejected, "min relay fee not met", "sendrawtransaction", `["` + poor + `"]`},
		{rpc.CodeVerifyRejected, "insufficient fee", "sendrawtransaction", `["` + double + `"]`},
		{rpc.CodeInvalidParameter, "Fee rates larger than or equal to 1BTC/kvB are not accepted", "sendrawtransaction", `["` + poor + `",1]`},
		{rpc.CodeInvalidParameter, "Array must contain between 1 and 25 transactions.", "testmempoolaccept", `[[]]`},
		{rpc.CodeInvalidParameter, "Invalid conf_target, must be between 1 and 1008", "estimatesmartfee", `[1009]`},
		{rpc.CodeInvalidParameter, "Invalid estimate_mode parameter", "estimatesmartfee", `[6,"x"]`},
		{rpc.CodeInvalidParameter, "getblocktemplate must be called with the segwit rule set", "getblocktemplate", `[{}]`},
		{rpc.CodeMisc, "getblocktemplate {", "getblocktemplate", `[]`},
		{rpc.CodeInvalidParameter, "Invalid mode", "getblocktemplate", `[{"mode":"x"}]`},
		{rpc.CodeInvalidParameter, "longpollid must be", "getblocktemplate", `[{"rules":["segwit"],"longpollid":"x"}]`},
		{rpc.CodeDeserialization, "Block decode failed", "getblocktemplate", `[{"mode":"proposal","data":"00"}]`},
		{rpc.CodeType, "Missing data String key for proposal", "getblocktemplate", `[{"mode":"proposal"}]`},
		{rpc.CodeDeserialization, "Block decode failed", "submitblock", `["00"]`},
		{rpc.CodeDeserialization, "Block header decode failed", "submitheader", `["00"]`},
		{rpc.CodeVerify, "Must submit previous header", "submitheader", `["` + strings.Repeat("11", 80) + `"]`},
		{rpc.CodeInvalidParameter, "Invalid nblocks. Must be a positive number or -1.", "getnetworkhashps", `[0]`},
		{rpc.CodeInvalidParameter, "Block does not exist at specified height", "getnetworkhashps", `[1,13]`},
		{rpc.CodeInvalidParameter, "Priority is no longer supported", "prioritisetransaction", `["` + none + `",1,1]`},
		{rpc.CodeInvalidAddressOrKey, "Error: Invalid address", "generatetoaddress", `[1,"x"]`},
		{rpc.CodeInvalidParameter, "Ranged descriptor not accepted", "generatetodescriptor",
			`[1,"wpkh(tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B/*)"]`},
		{rpc.CodeInvalidAddressOrKey, "Error: Invalid address or descriptor", "generateblock", `["x",[]]`},
		{rpc.CodeInvalidAddressOrKey, "Transaction " + none + " not in mempool.", "generateblock", `["raw(51)",["` + none + `"]]`},
		{rpc.CodeVerify, "TestBlockValidity failed: bad-txns-premature-spend-of-coinbase", "generateblock", `["raw(51)",["` + immature + `"]]`},
		{rpc.CodeNodeNotAdded, "Error: Node could not be removed", "addnode", `["192.0.2.1:1","remove"]`},
		{rpc.CodeNodeNotAdded, "Error: Node has not been added.", "getaddednodeinfo", `["192.0.2.1:1"]`},
		{rpc.CodeNodeNotConnected, "Node not found in connected nodes", "disconnectnode", `["192.0.2.1:1"]`},
		{rpc.CodeInvalidParams, "Only one of address and nodeid should be provided.", "disconnectnode", `[]`},
		{rpc.CodeInvalidIPSubnet, "Error: Invalid IP/Subnet", "setban", `["x","add"]`},
		{rpc.CodeInvalidIPSubnet, "Error: Unban failed.", "setban", `["192.0.2.1","remove"]`},
		{rpc.CodeInvalidParameter, "Error: Absolute timestamp is in the past", "setban", `["192.0.2.1","add",5,true]`},
		{rpc.CodeInvalidParameter, "Address count out of range", "getnodeaddresses", `[-1]`},
		{rpc.CodeInvalidParameter, "Network not recognized: x", "getnodeaddresses", `[1,"x"]`},
		{rpc.CodeInvalidAddressOrKey, "Invalid address", "verifymessage", `["x","",""]`},
		{rpc.CodeType, "Address does not refer to key", "verifymessage", `["` + address + `","",""]`},
		{rpc.CodeType, "Malformed base64 encoding", "verifymessage", `["mpLQjfK79b7CCV4VMJWEWAj5Mpx8Up5zxB","!",""]`},
		{rpc.CodeInvalidAddressOrKey, "Invalid private key", "signmessagewithprivkey", `["x",""]`},
		{rpc.CodeInvalidParameter, "not enough keys supplied (got 1 keys, but need at least 2 to redeem)", "createmultisig", `[2,["` + pub + `"]]`},
		{rpc.CodeInvalidParameter, "a multisignature address must require at least one key to redeem", "createmultisig", `[0,["` + pub + `"]]`},
		{rpc.CodeInvalidAddressOrKey, "Unknown address type 'x'", "createmultisig", `[1,["` + pub + `"],"x"]`},
		{rpc.CodeInvalidAddressOrKey, "Missing checksum", "deriveaddresses", `["raw(51)"]`},
		{rpc.CodeInvalidParameter, "Range should not be specified for an un-ranged descriptor", "deriveaddresses", `["raw(deadbeef)#89f8spxm",5]`},
		{rpc.CodeInvalidAddressOrKey, "Descriptor does not have a corresponding address", "deriveaddresses", `["raw(deadbeef)#89f8spxm"]`},
		{rpc.CodeInvalidAddressOrKey, "'x' is not a valid descriptor function", "getdescriptorinfo", `["x"]`},
		{rpc.CodeInvalidParameter, "Invalid parameter, missing vout key", "createrawtransaction", `[[{"txid":"` + none + `"}],{}]`},
		{rpc.CodeInvalidParameter, "Invalid parameter, sequence number is out of range", "createrawtransaction", `[[{"txid":"` + none + `","vout":0,"sequence":-1}],{}]`},
		{rpc.CodeInvalidParameter, "Invalid parameter combination: Sequence number(s) contradict replaceable option", "createrawtransaction",
			`[[{"txid":"` + none + `","vout":0,"sequence":4294967295}],{},0,true]`},
		{rpc.CodeInvalidParameter, "Invalid parameter, locktime out of range", "createrawtransaction", `[[],{},4294967296]`},
		{rpc.CodeInvalidParameter, "Invalid parameter, duplicated address", "createrawtransaction", `[[],[{"` + address + `":1},{"` + address + `":1}]]`},
		{rpc.CodeInvalidParameter, "Invalid parameter, duplicate key: data", "createrawtransaction", `[[],[{"data":"00"},{"data":"00"}]]`},
		{rpc.CodeInvalidParameter, "Invalid parameter, key-value pair must contain exactly one key", "createrawtransaction", `[[],[{"data":"00","` + address + `":1}]]`},
		{rpc.CodeInvalidParameter, "Invalid parameter, key-value pair not an object as expected", "createrawtransaction", `[[],[1]]`},
		{rpc.CodeInvalidAddressOrKey, "Invalid Bitcoin address: x", "createrawtransaction", `[[],{"x":1}]`},
		{rpc.CodeType, "Amount out of range", "createrawtransaction", `[[],{"` + address + `":-1}]`},
		{rpc.CodeType, "Invalid amount", "createrawtransaction", `[[],{"` + address + `":0.000000001}]`},
		{rpc.CodeDeserialization, "Inputs must not have scriptSigs and scriptWitnesses", "converttopsbt", `["` + poor + `"]`},
		{rpc.CodeInvalidAddressOrKey, "Invalid private key", "signrawtransactionwithkey", `["` + poor + `",["x"]]`},
		{rpc.CodeInvalidParameter, "'x' is not a valid sighash parameter.", "signrawtransactionwithkey", `["` + poor + `",["` + k + `"],[],"x"]`},
		{rpc.CodeDeserialization, "Missing transactions", "combinerawtransaction", `[[]]`},
		{rpc.CodeDeserialization, "TX decode failed for tx 0.", "combinerawtransaction", `[["00"]]`},
		{rpc.CodeInvalidParameter, "Transaction 1 is another than the first", "combinerawtransaction", `[["` + poor + `","` + rich + `"]]`},
		{rpc.CodeMethodNotFound, "Method not found", "nosuchmethod", `[]`},
	} {
		w.refused(c.code, c.message, c.method, c.params)
	}
}
