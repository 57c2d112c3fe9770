package interop

// ownWays are the places where our answers may be other than bitcoind's, each with the reason. One that shows no
// difference any more fails the test, so that the list stays true.
var ownWays = []allowed{
	// What bitcoin-knots adds to the answers of Bitcoin Core, whose shapes are ours.
	{"getblock.header_version", knots, true}, {"getblock.txcount", knots, true},
	{"getblockheader.header_version", knots, true}, {"getblockheader.txcount", knots, true},
	{"getmempoolentry.*priority", knots, true}, {"getmempoolentry.hash", knots, true},
	{"getrawmempool.*.*priority", knots, true}, {"getrawmempool.*.hash", knots, true},
	{"getmempooldescendants.*.*priority", knots, true}, {"getmempooldescendants.*.hash", knots, true},
	{"getmempoolinfo.dust*", knots, true}, {"getmempoolinfo.*_policy", knots, true},
	{"testmempoolaccept.#.usage", knots, true}, {"getpeerinfo.#.forced_inbound", knots, true},
	{"getpeerinfo.#.last_block_announcement", knots, true}, {"getpeerinfo.#.misbehavior_score", knots, true},

	// What a process has seen or measured in its own life.
	{"uptime", life, false}, {"getrpcinfo.active_commands.#.duration", life, false}, {"getrpcinfo.logpath", life, false},
	{"getrawmempool.mempool_sequence", life, false}, {"getrawmempool.*.time", life, false}, {"getmempoolentry.time", life, false},
	{"getmempooldescendants.*.time", life, false}, {"getnettotals.*", life, false}, {"getnetworkinfo.timeoffset", life, false},
	{"getblocktemplate.longpollid", life, false}, {"getpeerinfo.#.cpu_load", life, true}, // bitcoin-knots tells of it once it is more than nothing
	{"getmininginfo.currentblock*", "of the last template made here", true}, {"getmemoryinfo.locked.*", life, false},
	{"estimatesmartfee.blocks", "only bitcoind saw the blocks come one by one", false},

	// How much room things take is each program's own.
	{"getblockchaininfo.size_on_disk", store, false}, {"gettxoutsetinfo.disk_size", store, false},
	{"getmempoolinfo.usage", store, false},

	// Each is the other's only peer.
	{"getnetworkinfo.connections_*", otherEnd, false}, {"getaddednodeinfo", "ours was told to connect, bitcoind was not", false},
	{"getpeerinfo.#.*", otherEnd, false}, {"getpeerinfo.#.bytes*.*", otherEnd, true},

	{"getnetworkinfo.version", own, false}, {"getnetworkinfo.subversion", own, false},
	{"getnetworkinfo.localservices*", "ours does without BIPs 159 and 324", false},
	{"getnetworkinfo.networks", "ours does without Tor, I2P and CJDNS", false},
	{"getblocktemplate.vbavailable.testdummy", testdummy, true}, {"getblocktemplate.version", testdummy, false},
	{"getdeploymentinfo.deployments.testdummy", testdummy, true},
	{"getnetworkinfo.localaddresses", thisMachine, false}, {"getnodeaddresses", thisMachine, false},
	{"getpeerinfo.#.addrlocal", "bitcoind does not tell us of an address that others cannot reach", true},
	{"getblockstats.subsidy", "no coin exists before block 1 by our rules, so genesis has no subsidy", false},
	{"testmempoolaccept.#.reject-details", "ours names what the transaction has broken where bitcoind does not", false},
	{"validateaddress.error", "ours says in other words what is wrong", false}, {"validateaddress.error_index", knots, true},

	// Errors' codes are the same, their texts here are not.
	{"addnode.error.message", "bitcoind shows the usage, ours says what is wrong", false},
	{"getrawtransaction.error.message", "bitcoind names the parameter by its number, ours by its name", false},
	{"verifytxoutproof.error.*", "of bytes that are no proof bitcoind says what its stream said, with its code for all else", false},
}

const (
	knots       = "only in bitcoin-knots, not in Bitcoin Core"
	life        = "what this process has done so far"
	store       = "room on this program's disk or in its memory"
	thisMachine = "addresses of one machine are told and remembered too: test networks live on them"

	otherEnd = "the same connection, seen from its other end"
	own      = "each program's own name"

	testdummy = "a soft fork that tests of Bitcoin Core only vote on"
)
