package peer

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
	"funai/ledger/mempool"
	"funai/ledger/peer/addrbook"
	"funai/ledger/peer/peertest"
)

// web is a network in memory, for nodes in a testing/synctest bubble.
type web struct {
	*testing.T
	net *peertest.Net
}

// addr is the address of a node by its number.
func (w *web) addr(i int) string { return fmt.Sprintf("10.%d.0.1:28444", i) }

// run starts a node that listens at its address, and returns what ends it before the test does.
func (w *web) run(i int, c *chain.Chain, cfg Config) (n *node, end func()) {
	w.Helper()
	return w.runAt(w.addr(i), c, cfg)
}

// runAt is run for an address of choice.
func (w *web) runAt(addr string, c *chain.Chain, cfg Config) (n *node, end func()) {
	w.Helper()
	l, err := w.net.Listen(addr)
	if err != nil {
		w.Fatal(err)
	}
	n = &node{TB: w, c: c, p: mempool.New(c, mempool.Config{}), addr: addr}
	cfg.Chain, cfg.Pool, cfg.Listeners, cfg.Dial = c, n.p, []net.Listener{l}, w.net.Dialer(addr)
	n.s = New(cfg)
	ended := false
	end = func() {
		if !ended {
			ended = true
			if err := n.s.Close(); err != nil {
				w.Error(err)
			}
			n.p.Close()
		}
	}
	w.Cleanup(end)
	return n, end
}

// visit connects to a node from an address without a word.
func (w *web) visit(n *node, from string) *stranger {
	w.Helper()
	conn, err := w.net.Dialer(from)(w.Context(), n.addr)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { conn.Close() })
	return &stranger{w, conn, n}
}

// bubble runs a test on a fake clock, with a network of its own.
func bubble(t *testing.T, f func(w *web)) {
	synctest.Test(t, func(t *testing.T) { f(&web{t, peertest.New()}) })
}

// wide is a chain in memory of a network that is spread over the world.
func (w *web) wide() *chain.Chain {
	return chaintest.Open(w.T, consensus.Test(), chain.Options{FS: vfs.NewMem(), NoSync: true})
}

// fresh is a chain in memory.
func (w *web) fresh() *chain.Chain { return chaintest.New(w.T) }

func prefix(t testing.TB, s string) netip.Prefix {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// known is an address as a peer tells of it.
func known(addr string) []addrbook.Known {
	return []addrbook.Known{{Addr: netip.MustParseAddrPort(addr), Services: services, Time: time.Now()}}
}
