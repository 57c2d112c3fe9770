// Package noderpc makes the JSON-RPC methods of a ledger node: blocks, coins, the memory pool, raw transactions and PSBTs,
// mining, peers and addresses, with the names, shapes and error codes of Bitcoin Core (its RPC documentation, version 29;
// BIPs 22, 23 and 174). It may import everything of ledger but node and the wallet, of which it uses addresses and PSBTs.
// Each file holds one subject.
package noderpc

import (
	"maps"
	"sync/atomic"
	"time"

	"funai/ledger/chain"
	"funai/ledger/consensus"
	"funai/ledger/mempool"
	"funai/ledger/peer"
	"funai/ledger/rpc"
)

// Node is what the methods work on. All of it outlives the server that they are handed to.
type Node struct {
	Chain *chain.Chain
	Pool  *mempool.Pool
	Peers *peer.Server
	// PoolFile is where savemempool leaves the pool's transactions.
	PoolFile string
	// UserAgent is what the program tells peers that it is, such as /funai:0.1.0/.
	UserAgent string
}

// node is Node with what calls leave behind for others.
type node struct {
	Node
	p     *consensus.Params
	began time.Time
	scan  atomic.Pointer[scan] // of the coin set, under way

	templates templates
}

// Methods are the calls that a node answers.
func Methods(n Node) rpc.Methods {
	s := &node{Node: n, p: n.Chain.Params(), began: time.Now()}
	all := rpc.Methods{}
	for _, part := range []struct {
		category string
		methods  rpc.Methods
	}{
		{"Blockchain", s.blockMethods()},
		{"Blockchain", s.chainMethods()},
		{"Blockchain", s.statsMethods()},
		{"Blockchain", s.coinMethods()},
		{"Blockchain", s.scanMethods()},
		{"Blockchain", s.proofMethods()},
		{"Blockchain", s.waitMethods()},
		{"Blockchain", s.mempoolMethods()},
		{"Rawtransactions", s.submitMethods()},
		{"Rawtransactions", s.rawTxMethods()},
		{"Rawtransactions", s.createMethods()},
		{"Rawtransactions", s.signMethods()},
		{"Util", s.feeMethods()},
		{"Mining", s.miningMethods()},
		{"Generating", s.generateMethods()},
		{"Network", s.networkMethods()},
		{"Network", s.connectionMethods()},
		{"Util", s.addressMethods()},
		{"Control", s.controlMethods()},
	} {
		for name, m := range part.methods {
			m.Category = part.category
			part.methods[name] = m
		}
		maps.Copy(all, part.methods)
	}
	return all
}
