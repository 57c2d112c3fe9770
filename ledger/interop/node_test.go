package interop

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
	"funai/ledger/mempool"
	"funai/ledger/miner"
	"funai/ledger/peer"
)

// node is a node of ours in this process: chain, pool and peers.
type node struct {
	testing.TB
	c    *chain.Chain
	pool *mempool.Pool
	s    *peer.Server
	addr string
}

// startNode runs a node on Bitcoin's regression test network until the test ends, connected to the given addresses. Its
// chain is on the disk.
func startNode(t testing.TB, peers ...string) *node {
	t.Helper()
	n := serve(t, chaintest.Open(t, consensus.BitcoinRegtest(), chain.Options{Dir: t.TempDir()}), peers...)
	t.Cleanup(n.close)
	return n
}

// serve runs a node on a chain, until close.
func serve(t testing.TB, c *chain.Chain, peers ...string) *node {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &node{TB: t, c: c, pool: mempool.New(c, mempool.Config{}), addr: l.Addr().String()}
	n.s = peer.New(peer.Config{Chain: c, Pool: n.pool, Listeners: []net.Listener{l}, Peers: peers,
		Timeouts: peer.Timeouts{Backoff: 50 * time.Millisecond, BackoffMax: 500 * time.Millisecond}})
	return n
}

func (n *node) close() {
	n.Helper()
	if err := n.s.Close(); err != nil {
		n.Error(err)
	}
	if err := n.pool.Close(); err != nil {
		n.Error(err)
	}
}

// settle waits until the pool has followed the chain.
func (n *node) settle() {
	n.Helper()
	until(n, "our pool to follow our chain", func() bool { return n.pool.Info().At == n.c.Tip() })
}

// mine makes count blocks of what the pool holds, with our own templates and miner, that pay to script.
func (n *node) mine(count int, script []byte) (blocks []*wire.MsgBlock) {
	n.Helper()
	for range count {
		n.settle()
		b, err := miner.Template(n.c, n.pool, script, time.Now())
		if err == nil {
			err = miner.Solve(context.Background(), b)
		}
		if err != nil {
			n.Fatal(err)
		}
		o, err := n.c.ProcessBlock(context.Background(), b)
		if err != nil || !o.MainChain {
			n.Fatalf("our own block: %+v %v", o, err)
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// send gives our pool a transaction, which must be good.
func (n *node) send(tx *wire.MsgTx) {
	n.Helper()
	n.settle()
	if _, err := n.pool.Accept(tx); err != nil {
		n.Fatal(err)
	}
}

func (n *node) has(tx *wire.MsgTx) bool { return n.pool.Get(tx.TxHash()) != nil }

// agree waits until bitcoind and our node are at one tip, and holds their coins against each other.
func agree(n *node, b *bitcoind) {
	n.Helper()
	until(n, "one tip on both sides", func() bool { return n.c.Tip().Hash.String() == b.tip() },
		func() string { return "ours " + n.c.Tip().Hash.String() + ", bitcoind's " + b.tip() })
	same(n, coinsOf(n, n.c), b.coins())
	n.settle()
}

// poolState names what our pool holds.
func (n *node) poolState() string {
	var ids []string
	for _, e := range n.pool.Descs() {
		ids = append(ids, e.Tx.Hash().String())
	}
	return "ours at " + n.pool.Info().At.Hash.String() + ": " + strings.Join(ids, " ")
}
