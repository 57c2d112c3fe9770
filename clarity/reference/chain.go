package reference

import "funai/clarity/types"

// future is a height that no block has.
const future = "u4000000000"

var chain = []Entry{
	{
		Name: "get-block-info?", Until: types.Clarity3, Signature: "(get-block-info? property height)", Input: "name of a property, uint", Output: "(optional A)",
		Text: "Says something of one of this chain's earlier blocks, and none if there is none at the height. Properties: time (uint, seconds " +
			"since 1970), header-hash, id-header-hash, burnchain-header-hash, vrf-seed (all (buff 32)), miner-address (principal), and since " +
			"Clarity 2 block-reward, miner-spend-total, miner-spend-winner (uint). Clarity 3 has get-stacks-block-info? and get-tenure-info? instead.",
		Examples: []Example{{Code: "(get-block-info? time " + future + ")", Result: "none"}},
	},
	{
		Name: "get-burn-block-info?", Since: types.Clarity2, Signature: "(get-burn-block-info? property height)", Input: "name of a property, uint", Output: "(optional A)",
		Text: "Says something of a block of the ledger, and none if there is none at the height that this chain has seen. Properties: " +
			"header-hash ((buff 32)) and pox-addrs ({addrs: (list 2 {hashbytes: (buff 32), version: (buff 1)}), payout: uint}), the addresses " +
			"that were paid in the block and how much each got.",
		Examples: []Example{{Code: "(get-burn-block-info? header-hash " + future + ")", Result: "none"}},
	},
	{
		Name: "get-stacks-block-info?", Since: types.Clarity3, Signature: "(get-stacks-block-info? property height)", Input: "name of a property, uint", Output: "(optional A)",
		Text:     "Says something of one of this chain's earlier blocks, and none if there is none at the height. Properties: time (uint, seconds since 1970), header-hash and id-header-hash ((buff 32)).",
		Examples: []Example{{Code: "(get-stacks-block-info? time " + future + ")", Result: "none"}},
	},
	{
		Name: "get-tenure-info?", Since: types.Clarity3, Signature: "(get-tenure-info? property height)", Input: "name of a property, uint", Output: "(optional A)",
		Text: "Says something of the tenure that one of this chain's earlier blocks is in, by the block's height. Properties: time (uint), " +
			"burnchain-header-hash, vrf-seed ((buff 32)), miner-address (principal), block-reward, miner-spend-total, miner-spend-winner (uint).",
		Examples: []Example{{Code: "(get-tenure-info? miner-address " + future + ")", Result: "none"}},
	},
	{
		Name: "get-bitcoin-tx-output?", Since: types.Clarity6, Signature: "(get-bitcoin-tx-output? transaction index)", Input: "buff, uint",
		Output: "(response {amount: uint, script: (buff 1024), txid: (buff 32)} uint)",
		Text: "Reads a transaction in Bitcoin's format, with or without witnesses, and gives one of its outputs and its id, the id in the byte order that " +
			"verify-merkle-proof wants. It gives (err u1) if the bytes are not a transaction, (err u2) if it has no such output and (err u3) if the output's script is too long.",
		Examples: []Example{
			{Code: "(get-bitcoin-tx-output? 0x01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff0100ffffffff010500000000000000015100000000 u0)",
				Result: "(ok { amount: u5, script: 0x51, txid: 0x31cad10bd5a773fa43f81bc4c146339e4f758c4aa4ee99b2295a565ea372057f })"},
			{Code: "(get-bitcoin-tx-output? 0x00 u0)", Result: "(err u1)"},
		},
	},
	{
		Name: "verify-merkle-proof", Since: types.Clarity6, Signature: "(verify-merkle-proof leaf root index count siblings)", Input: "(buff 32), (buff 32), uint, uint, (list 24 (buff 32))", Output: "bool",
		Text: "Says whether a leaf, such as a transaction's id, is the one at an index, counted from 0, of a Merkle tree as Bitcoin makes it of count leaves, by the " +
			"hashes beside the way from the leaf to the root. There must be as many as a tree of that size needs.",
		Examples: []Example{
			{Code: "(verify-merkle-proof\n  0x3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a\n  0x3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a u0 u1 (list))", Result: "true"},
			{Code: "(verify-merkle-proof\n  0x3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a\n  0x3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a u1 u1 (list))", Result: "false"},
		},
	},
}

var ledger = []Entry{
	{
		Name: "get-ledger-block-info?", Since: types.Clarity3, Ledger: true, Signature: "(get-ledger-block-info? property height)", Input: "name of a property, uint", Output: "(optional A)",
		Text: "Says something of a block of the ledger, and none if there is none at the height that this chain has seen. Properties: header ((buff 80), " +
			"as it is hashed), time (uint, seconds since 1970), merkle-root ((buff 32)) and transaction-count (uint).",
		Examples: []Example{{Code: "(get-ledger-block-info? merkle-root " + future + ")", Result: "none"}},
	},
	{
		Name: "get-ledger-tx?", Since: types.Clarity3, Ledger: true, Signature: "(get-ledger-tx? height index)", Input: "uint, uint",
		Output: "(optional {outputs: (list 32 {script: (buff 128), value: uint}), txid: (buff 32)})",
		Text: "Gives the transaction at an index, counted from 0, of the ledger's block at a height, and none if there is none that this chain has seen. " +
			"It has the first 32 outputs, and of a script the first 128 bytes; a value is in the ledger's smallest unit.",
		Examples: []Example{{Code: "(get-ledger-tx? " + future + " u0)", Result: "none"}},
	},
	{
		Name: "verify-ledger-tx?", Since: types.Clarity3, Ledger: true, Signature: "(verify-ledger-tx? height transaction siblings index)",
		Input: "uint, (buff 4096), (list 20 (buff 32)), uint", Output: "(response bool uint)",
		Text: "Says whether a transaction is the one at an index, counted from 0, of the ledger's block at a height, by the hashes beside the way to the " +
			"block's Merkle root. It gives (err u1) if this chain has seen no such block and (err u2) if the bytes are not a transaction, or 64 of them, which could pass for a node of the tree.",
		Examples: []Example{{Code: "(verify-ledger-tx? u4000000000 0x00 (list) u0)", Result: "(err u1)"}},
	},
}
