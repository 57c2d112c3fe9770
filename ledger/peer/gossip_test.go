package peer

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/peer/addrbook"
)

func TestNodesFindOneAnotherAndComeBackWithoutHelp(t *testing.T) {
	dir := t.TempDir()
	bubble(t, func(w *web) {
		const nodes = 6
		var ns []*node
		var ends []func()
		file := func(i int) string { return filepath.Join(dir, fmt.Sprint(i)) }
		for i := range nodes {
			cfg := Config{AddrFile: file(i), MaxOut: 3}
			if i > 0 {
				cfg.Peers = []string{w.addr(0)}
			}
			n, end := w.run(i, w.fresh(), cfg)
			ns, ends = append(ns, n), append(ends, end)
		}
		time.Sleep(30 * time.Minute)
		found := func(n *node) (others int) {
			for _, p := range n.s.Peers() {
				if p.ConnectionType == "outbound-full-relay" {
					others++
				}
			}
			return others
		}
		for i, n := range ns {
			if found(n) < 3 {
				t.Errorf("node %d found %d others; it knows %v", i, found(n), n.s.KnownAddrs(0))
			}
		}
		ends[5]()
		again, _ := w.run(5, w.fresh(), Config{AddrFile: file(5), MaxOut: 3})
		time.Sleep(5 * time.Minute)
		if found(again) < 3 {
			t.Errorf("found %d others after a restart; it knows %v", found(again), again.s.KnownAddrs(0))
		}
	})
}

func TestAddressesAreToldOnceToThoseWhoAsk(t *testing.T) {
	bubble(t, func(w *web) {
		n, _ := w.run(0, w.fresh(), Config{})
		source := netip.MustParseAddr("10.9.9.9")
		for i := range 200 {
			a := netip.MustParseAddrPort(fmt.Sprintf("10.50.0.%d:28444", i))
			n.s.book.Add([]addrbook.Known{{Addr: a, Services: services, Time: time.Now()}}, source, 0)
		}
		s := w.visit(n, "10.7.0.1:999")
		s.nod()
		s.write(wire.NewMsgGetAddr())
		told := 0
		s.read("addresses", func(m wire.Message) bool {
			if a, ok := m.(*wire.MsgAddr); ok {
				told += len(a.AddrList)
			}
			return told > 1
		})
		if told > n.s.book.Len()*addrPercent/100+1 {
			t.Errorf("%d of %d", told, n.s.book.Len())
		}
		s.write(wire.NewMsgGetAddr())
		s.conn.SetReadDeadline(time.Now().Add(time.Hour))
		for {
			_, m, _, err := wire.ReadMessageWithEncodingN(s.conn, protocolVersion, n.c.Params().Net, wire.WitnessEncoding)
			if err != nil {
				break
			}
			if a, ok := m.(*wire.MsgAddr); ok && len(a.AddrList) > 1 {
				t.Fatal("told twice", len(a.AddrList))
			}
		}
	})
}

func TestAFloodOfAddressesIsNotTaken(t *testing.T) {
	bubble(t, func(w *web) {
		n, _ := w.run(0, w.fresh(), Config{})
		s := w.visit(n, "10.7.0.1:999")
		s.nod()
		for i := range 100 {
			m := wire.NewMsgAddr()
			for j := range 1000 {
				ip := net.IPv4(11, byte(i), byte(j>>8), byte(j))
				m.AddrList = append(m.AddrList, wire.NewNetAddressTimestamp(time.Now(), services, ip, 28444))
			}
			s.write(m)
		}
		synctest.Wait()
		if got := n.s.book.Len(); got > 2 {
			t.Errorf("%d addresses at once", got)
		}
		time.Sleep(time.Minute)
		m := wire.NewMsgAddr()
		for j := range 1000 {
			m.AddrList = append(m.AddrList, wire.NewNetAddressTimestamp(time.Now(), services, net.IPv4(12, 1, byte(j>>8), byte(j)), 28444))
		}
		s.write(m)
		synctest.Wait()
		if got := n.s.book.Len(); got < 3 || got > 2+7 {
			t.Errorf("%d addresses after a minute", got)
		}
		const told = 101 * 1000
		if i := n.s.Peers()[0]; !i.AddrRelay || i.AddrsTaken < 1 || i.AddrsTaken > 1+7 || i.AddrsTaken+i.AddrsOver != told {
			t.Errorf("of %d addresses %d taken, %d passed over", told, i.AddrsTaken, i.AddrsOver)
		}
	})
}

func TestAnAddressIsPassedOnToAtMostTwo(t *testing.T) {
	bubble(t, func(w *web) {
		n, _ := w.run(0, w.fresh(), Config{OnlyConnect: true})
		heard := make([]bool, 10)
		for i := range heard {
			s := w.visit(n, fmt.Sprintf("10.7.0.%d:999", i+1))
			s.nod()
			s.write(wire.NewMsgGetAddr())
			s.conn.SetReadDeadline(time.Time{})
			go func() {
				for {
					_, m, _, err := wire.ReadMessageWithEncodingN(s.conn, protocolVersion, n.c.Params().Net, wire.WitnessEncoding)
					if err != nil {
						return
					}
					if a, ok := m.(*wire.MsgAddr); ok {
						heard[i] = heard[i] || slices.ContainsFunc(a.AddrList, func(a *wire.NetAddress) bool { return a.IP.Equal(net.IPv4(10, 77, 0, 1)) })
					}
				}
			}()
		}
		synctest.Wait()
		s := w.visit(n, "10.7.1.1:999")
		s.nod()
		m := wire.NewMsgAddr()
		m.AddrList = append(m.AddrList, wire.NewNetAddressTimestamp(time.Now(), services, net.IPv4(10, 77, 0, 1), 28444))
		s.write(m)
		time.Sleep(4 * time.Minute) // strangers answer no ping
		synctest.Wait()
		count := 0
		for _, h := range heard {
			if h {
				count++
			}
		}
		if count != 2 {
			t.Errorf("%d heard of it", count)
		}
	})
}

func TestSeedsAreAsked(t *testing.T) {
	bubble(t, func(w *web) {
		a, _ := w.run(1, w.fresh(), Config{})
		w.run(2, w.fresh(), Config{Peers: []string{w.addr(1)}})
		byName, _ := w.run(3, w.fresh(), Config{Seeds: []string{"seed.example"}, Resolve: func(_ context.Context, host string) ([]net.IP, error) {
			if host != "seed.example" {
				t.Error(host)
			}
			return []net.IP{net.IPv4(10, 1, 0, 1)}, nil
		}})
		byAddr, _ := w.run(4, w.fresh(), Config{Seeds: []string{w.addr(1)}})
		time.Sleep(10 * time.Minute)
		for _, n := range []*node{byName, byAddr} {
			if len(n.s.Peers()) < 2 {
				t.Error(n.addr, n.s.Peers(), n.s.KnownAddrs(0))
			}
		}
		for _, p := range a.s.Peers() {
			if p.ConnectionType == "addr-fetch" {
				t.Error("a seed is still connected to", p)
			}
		}
	})
}

func TestNothingIsSoughtWhenPeersAreAllThatIsWanted(t *testing.T) {
	bubble(t, func(w *web) {
		w.run(0, w.fresh(), Config{})
		w.run(1, w.fresh(), Config{Peers: []string{w.addr(0)}})
		n, _ := w.run(2, w.fresh(), Config{Peers: []string{w.addr(0)}, OnlyConnect: true})
		time.Sleep(time.Hour)
		for _, p := range n.s.Peers() {
			if !p.Inbound && p.ConnectionType != "manual" {
				t.Error(p.Addr, p.ConnectionType)
			}
		}
	})
}

func TestAddressesOfNoUseAreNotKept(t *testing.T) {
	bubble(t, func(w *web) {
		n, _ := w.run(0, w.fresh(), Config{})
		n.s.Ban(netip.MustParsePrefix("66.0.0.0/8"), time.Time{})
		s := w.visit(n, "10.7.0.1:999")
		s.nod()
		say := func(flags wire.ServiceFlag, ip net.IP, port uint16) {
			time.Sleep(time.Minute) // for the rate
			m := wire.NewMsgAddr()
			m.AddrList = append(m.AddrList, wire.NewNetAddressTimestamp(time.Now(), flags, ip, port))
			s.write(m)
			synctest.Wait()
		}
		say(services, net.IPv4(66, 1, 1, 1), 1) // banned
		say(services, net.IPv4zero, 1)          // nowhere
		say(services, net.IPv4(8, 1, 1, 1), 0)  // no port
		say(0, net.IPv4(8, 1, 1, 2), 1)         // has no blocks
		say(services, net.IPv4(10, 60, 0, 1), 28444)
		if n.s.book.Len() != 1 {
			t.Error(n.s.KnownAddrs(0))
		}
		say(services, net.ParseIP("10.60.0.1"), 28444)
		if as := n.s.KnownAddrs(0); len(as) != 1 || as[0].Addr != "10.60.0.1:28444" {
			t.Error(as)
		}
	})
}

func TestThereIsOneOutboundPeerInEachPartOfTheNetwork(t *testing.T) {
	bubble(t, func(w *web) {
		n, _ := w.runAt("7.7.0.1:37333", w.wide(), Config{})
		// By this key no two of the addresses have the same place in the book: by one in thirty, one of them is left out.
		if err := n.s.book.Unmarshal([]byte(`{"version": 1, "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}`)); err != nil {
			t.Fatal(err)
		}
		source := netip.MustParseAddr("9.9.9.9")
		for _, a := range []string{"8.1.0.1:37333", "8.1.0.2:37333", "8.1.200.3:37333", "8.2.0.1:37333", "7.7.9.9:37333", "127.0.0.1:37333", "10.1.0.1:37333"} {
			w.runAt(a, w.wide(), Config{OnlyConnect: true})
			n.s.book.Add(known(a), source, 0)
		}
		// One that a feeler has just called on is seldom chosen for ten minutes.
		for began := time.Now(); len(n.s.Peers()) < 3 && time.Since(began) < 2*time.Hour; {
			time.Sleep(time.Minute)
		}
		time.Sleep(10 * time.Minute)
		groups := map[string]bool{}
		for _, p := range n.s.Peers() {
			a := netip.MustParseAddrPort(p.Addr)
			if g := n.s.book.Group(a); groups[g] || !n.s.book.Reachable(a) {
				t.Error("a second one in", g)
			} else {
				groups[g] = true
			}
		}
		if len(groups) != 3 {
			t.Error(groups)
		}
		if as := n.s.KnownAddrs(0); len(as) != 5 {
			t.Error("unreachable addresses are known", as)
		}
		time.Sleep(12 * time.Hour) // feelers get to know the others
		book, err := n.s.book.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if tried := strings.Count(string(book), `"tried":true`); tried != 5 {
			t.Errorf("%d are known to be there after half a day: %s", tried, book)
		}
	})
}
