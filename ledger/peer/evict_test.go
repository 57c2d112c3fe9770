package peer

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
)

// TestAFloodOfConnectionsDoesNotPushOutTheOldAndUseful fills a node from one host.
func TestAFloodOfConnectionsDoesNotPushOutTheOldAndUseful(t *testing.T) {
	bubble(t, func(w *web) {
		const places = 60
		n, _ := w.run(0, w.fresh(), Config{MaxIn: places, OnlyConnect: true})
		lost := make([]bool, 20)
		for i := range lost { // who were here first, and answer pings
			s := w.visit(n, fmt.Sprintf("10.20.%d.1:5", i))
			s.nod()
			go func() {
				for {
					_, m, _, err := wire.ReadMessageWithEncodingN(s.conn, protocolVersion, n.c.Params().Net, wire.WitnessEncoding)
					if err != nil {
						lost[i] = true
						return
					}
					if p, ok := m.(*wire.MsgPing); ok {
						s.send(wire.NewMsgPong(p.Nonce))
					}
				}
			}()
		}
		synctest.Wait()
		for i := range 500 {
			w.visit(n, fmt.Sprintf("10.66.0.1:%d", i+1)).nod()
			synctest.Wait()
			if in := len(n.s.all()); in > places+1 {
				t.Fatal(in, "connections")
			}
		}
		for i, l := range lost {
			if l {
				t.Errorf("peer %d has been pushed out", i)
			}
		}
	})
}

func TestBansHoldOverARestartUntilTheirTime(t *testing.T) {
	file := t.TempDir() + "/bans.json"
	bubble(t, func(w *web) {
		n, end := w.run(0, w.fresh(), Config{BanFile: file, OnlyConnect: true})
		other, _ := w.run(1, w.fresh(), Config{OnlyConnect: true, Peers: []string{w.addr(0)}})
		time.Sleep(time.Second)
		if len(other.s.Peers()) != 1 {
			t.Fatal("not connected")
		}
		host, wide := netip.MustParsePrefix("10.1.0.1/32"), netip.MustParsePrefix("::ffff:9.9.9.9/104")
		n.s.Ban(host, time.Time{})
		n.s.Ban(wide, time.Now().Add(time.Hour))
		n.s.Ban(netip.Prefix{}, time.Time{})
		time.Sleep(10 * time.Minute)
		if len(other.s.Peers()) != 0 {
			t.Error("the banned are here")
		}
		end()
		n, _ = w.run(0, n.c, Config{BanFile: file, OnlyConnect: true})
		time.Sleep(10 * time.Minute)
		if bs := n.s.Bans(); len(bs) != 2 || bs[0].Subnet != netip.MustParsePrefix("9.0.0.0/8") || bs[1].Subnet != host || len(other.s.Peers()) != 0 {
			t.Error(bs)
		}
		if err := n.s.Try("9.8.7.6:1"); err == nil {
			t.Error("a banned address is tried")
		}
		if err := n.s.Unban(netip.MustParsePrefix("10.1.0.0/16")); err == nil {
			t.Error("a subnet that is not banned has been unbanned")
		}
		time.Sleep(time.Hour)
		if bs := n.s.Bans(); len(bs) != 1 {
			t.Error("a ban has not ended", bs)
		}
		if err := n.s.Unban(host); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Minute)
		if len(other.s.Peers()) != 1 {
			t.Error("still away")
		}
		n.s.Ban(host, time.Time{})
		n.s.ClearBans()
		if bs := n.s.Bans(); len(bs) != 0 {
			t.Error(bs)
		}
	})
}

func TestWhoMisbehavesIsKeptAwayForADay(t *testing.T) {
	bubble(t, func(w *web) {
		n, _ := w.run(0, w.fresh(), Config{OnlyConnect: true})
		bad := func() *stranger { return w.visit(n, "10.66.0.1:7") }
		s := bad()
		s.nod()
		s.conn.Write(frame(n, "inv", 1, []byte{0xff}))
		s.dropped()
		bad().dropped()
		w.visit(n, "10.66.0.2:7").nod()
		if bs := n.s.Bans(); len(bs) != 0 {
			t.Error("an operator's ban", bs)
		}
		time.Sleep(25 * time.Hour)
		bad().nod()
	})
}

// TestScoresOutliveConnections: going away and coming back does not wash a peer clean.
func TestScoresOutliveConnections(t *testing.T) {
	bubble(t, func(w *web) {
		n, _ := w.run(0, w.fresh(), Config{OnlyConnect: true})
		for range 5 {
			if n.s.shunned("10.66.0.1:7") {
				t.Fatal("too early")
			}
			s := w.visit(n, "10.66.0.1:7")
			s.nod()
			m := wire.NewMsgHeaders()
			for i := range maxStrays + 1 {
				m.Headers = []*wire.BlockHeader{orphan(n, uint32(i))}
				s.write(m)
			}
			synctest.Wait()
			s.conn.Close()
		}
		if !n.s.shunned("10.66.0.1:7") {
			t.Error("a peer that leads nowhere five times is welcome")
		}
	})
}

func TestOperatorsCommands(t *testing.T) {
	bubble(t, func(w *web) {
		a, _ := w.run(0, w.fresh(), Config{OnlyConnect: true, External: []string{"10.99.0.1"}})
		b, _ := w.run(1, w.fresh(), Config{OnlyConnect: true})
		for _, bad := range []string{"", ":1", "host:0", "host:99999", "a:b:c"} {
			if b.s.Try(bad) == nil {
				t.Errorf("%q is tried", bad)
			}
		}
		b.s.Connect("10.0.0.1") // on the network's port
		time.Sleep(time.Second)
		ps := b.s.Peers()
		if len(ps) != 1 || ps[0].ConnectionType != "manual" || ps[0].Inbound || ps[0].Addr != w.addr(0) || ps[0].Version != protocolVersion ||
			ps[0].Services != services || ps[0].RecvByMsg["version"] == 0 || ps[0].SentByMsg["verack"] == 0 || ps[0].LastRecv.IsZero() {
			t.Errorf("%+v", ps)
		}
		if added := b.s.Added(); len(added) != 1 || added[0] != (AddedPeer{w.addr(0), true}) {
			t.Error(added)
		}
		in, out := b.s.Totals()
		b.s.Ping()
		time.Sleep(time.Second)
		if in2, out2 := b.s.Totals(); in2 < in+32 || out2 < out+32 {
			t.Error(in, in2, out, out2)
		}
		if err := b.s.DisconnectID(ps[0].ID); err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Second)
		if ps := b.s.Peers(); len(ps) != 1 || b.s.DisconnectID(ps[0].ID+1) == nil {
			t.Error("did not come back", ps)
		}
		if b.s.Forget(w.addr(0)) != nil || b.s.Forget(w.addr(0)) == nil || b.s.Disconnect(w.addr(0)) != nil {
			t.Error("forget")
		}
		time.Sleep(time.Hour)
		if len(b.s.Peers()) != 0 || b.s.Disconnect(w.addr(0)) == nil {
			t.Error("came back though it was forgotten")
		}
		if err := b.s.Try(w.addr(0)); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if len(b.s.Peers()) != 1 {
			t.Error("not tried")
		}
		b.s.Connect(w.addr(0))
		b.s.SetActive(false)
		time.Sleep(time.Hour)
		if len(b.s.Peers()) != 0 || b.s.Active() || b.s.Try(w.addr(0)) == nil {
			t.Error("the network is off, and there are peers")
		}
		w.visit(b, "10.5.0.1:1").dropped()
		b.s.SetActive(true)
		time.Sleep(time.Second)
		if len(b.s.Peers()) != 1 {
			t.Error("not connected at once")
		}
		if as := a.s.LocalAddrs(); len(as) != 2 || as[0] != "10.99.0.1:28444" || as[1] != w.addr(0) {
			t.Error(as)
		}
	})
}

// orphan is a header with work whose parent nobody knows.
func orphan(n *node, salt uint32) *wire.BlockHeader {
	h := n.c.Params().GenesisBlock.Header
	h.PrevBlock[0], h.Timestamp = byte(salt)+1, h.Timestamp.Add(time.Second)
	solve(n.c.Params(), &h)
	return &h
}
