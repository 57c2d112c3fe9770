package noderpc

import (
	"net"
	"strings"
	"testing"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/mempool"
	"funai/ledger/peer"
	"funai/ledger/rpc"
)

// neighbour is another node, which listens.
func neighbour(t *testing.T) (s *peer.Server, addr string) {
	t.Helper()
	c := chaintest.New(t)
	pool := mempool.New(c, mempool.Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s = peer.New(peer.Config{Chain: c, Pool: pool, Listeners: []net.Listener{l}})
	t.Cleanup(func() {
		s.Close()
		pool.Close()
	})
	return s, l.Addr().String()
}

// connected waits until a server has so many connections.
func connected(s *peer.Server, count int) {
	for {
		changed := s.Changed()
		if len(s.Peers()) == count {
			return
		}
		<-changed
	}
}

// TestPeersAreAddedSeenAndRemoved goes through a connection's life.
func TestPeersAreAddedSeenAndRemoved(t *testing.T) {
	w := newWorld(t, 3, chain.Options{})
	_, addr := neighbour(t)
	ask[any](w, "addnode", addr, "add")
	w.refused(rpc.CodeNodeAlreadyAdded, "Error: Node already added", "addnode", `["`+addr+`","add"]`)
	connected(w.peers, 1)
	raw, err := w.call("getpeerinfo", "")
	if err != nil {
		t.Fatal(err)
	}
	const want = "id addr addrbind addrlocal network services servicesnames relaytxes lastsend lastrecv last_transaction last_block bytessent bytesrecv conntime timeoffset " +
		"version subver inbound bip152_hb_to bip152_hb_from startingheight presynced_headers synced_headers synced_blocks inflight " +
		"addr_relay_enabled addr_processed addr_rate_limited permissions minfeefilter bytessent_per_msg bytesrecv_per_msg connection_type transport_protocol_type session_id"
	if got := strings.Replace(keys(t, raw), "pingtime minping ", "", 1); got != want { // which need an answer
		t.Errorf("%s", got)
	}
	p := ask[[]peerInfo](w, "getpeerinfo")[0]
	if p.Addr != addr || p.Inbound || p.ConnectionType != "manual" || p.Network != "not_publicly_routable" || len(p.ServiceNames) < 2 || p.Services == "" || p.ConnTime == 0 {
		t.Errorf("%+v", p)
	}
	if n := ask[int](w, "getconnectioncount"); n != 1 {
		t.Errorf("%d connections", n)
	}
	info := ask[networkInfo](w, "getnetworkinfo")
	if info.Connections != 1 || info.Out != 1 || info.In != 0 || info.Version != 290000 || info.SubVersion != "/test:1.2.3/" || !info.Active {
		t.Errorf("%+v", info)
	}
	if got := ask[[]addedNode](w, "getaddednodeinfo", addr); len(got) != 1 || !got[0].Connected || got[0].Addresses[0].Connected != "outbound" {
		t.Errorf("%+v", got)
	}
	if got := ask[netTotals](w, "getnettotals"); got.Recv == 0 || got.Sent == 0 {
		t.Errorf("%+v", got)
	}
	ask[any](w, "ping")
	ask[any](w, "addnode", addr, "remove")
	ask[any](w, "disconnectnode", "", p.ID)
	connected(w.peers, 0)
	ask[any](w, "addnode", addr, "onetry")
	connected(w.peers, 1)
	if ask[bool](w, "setnetworkactive", false) {
		t.Error("still active")
	}
	connected(w.peers, 0)
	if ask[networkInfo](w, "getnetworkinfo").Active || !ask[bool](w, "setnetworkactive", true) {
		t.Error("not active as told")
	}
}

func TestBans(t *testing.T) {
	w := newWorld(t, 1, chain.Options{})
	ask[any](w, "setban", "192.0.2.7/24", "add", 100)
	w.refused(rpc.CodeNodeAlreadyAdded, "Error: IP/Subnet already banned", "setban", `["192.0.2.0/24","add"]`)
	ask[any](w, "setban", "2001:db8::1", "add", 4_000_000_000, true)
	bans := ask[[]banned](w, "listbanned")
	if len(bans) != 2 || bans[0].Address != "192.0.2.0/24" || bans[0].Duration != 100 || bans[0].Remaining > 100 || bans[1].Address != "2001:db8::1/128" || bans[1].Until != 4_000_000_000 {
		t.Errorf("%+v", bans)
	}
	ask[any](w, "setban", "192.0.2.0/24", "remove")
	ask[any](w, "clearbanned")
	if bans := ask[[]banned](w, "listbanned"); len(bans) != 0 {
		t.Errorf("%+v", bans)
	}
}
