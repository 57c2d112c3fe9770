package peer

import (
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/prometheus/client_golang/prometheus"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
)

// allHeaders is what a node with a chain answers to a first getheaders.
func allHeaders(c *chain.Chain) *wire.MsgHeaders {
	m := wire.NewMsgHeaders()
	for _, h := range c.HeadersAfter([]chainhash.Hash{*c.Params().GenesisHash}, chainhash.Hash{}, wire.MaxBlockHeadersPerMsg) {
		m.Headers = append(m.Headers, &h)
	}
	return m
}

// TestAPeerThatKeepsBlocksBackHoldsNobodyUp has one tell of the best chain and send none of it.
func TestAPeerThatKeepsBlocksBackHoldsNobodyUp(t *testing.T) {
	for _, c := range []struct {
		blocks int
		within time.Duration // Timeouts.Request is 30 s
	}{{400, 10 * time.Second}, {window + 400, 4 * time.Second}} {
		t.Run(fmt.Sprint(c.blocks), func(t *testing.T) {
			bubble(t, func(w *web) {
				full := w.fresh()
				chaintest.MineN(t, full, nobody, c.blocks)
				n, _ := w.run(0, w.fresh(), Config{OnlyConnect: true})
				s := w.visit(n, "10.66.0.1:1")
				s.hello(1 << 30)
				s.write(allHeaders(full))
				s.read("getdata", func(m wire.Message) bool { g, ok := m.(*wire.MsgGetData); return ok && len(g.InvList) == blocksAtOnce })
				w.run(1, full, Config{OnlyConnect: true, Peers: []string{w.addr(0)}})
				began := time.Now()
				for n.c.Tip() != full.Tip() && time.Since(began) < time.Hour {
					time.Sleep(100 * time.Millisecond)
				}
				if took := time.Since(began); took > c.within {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestPeersThatFallBehindAreReplaced(t *testing.T) {
	bubble(t, func(w *web) {
		c := w.fresh()
		chaintest.MineN(t, c, nobody, 10)
		old := w.fresh()
		behind, _ := w.run(1, old, Config{OnlyConnect: true})
		behind.s.Ban(prefix(t, "10.2.0.0/16"), time.Now().Add(1000*time.Hour)) // so that it stays where it is
		n, _ := w.run(2, c, Config{MaxOut: 1})
		n.s.book.Add(known(w.addr(1)), prefix(t, "10.1.0.1/32").Addr(), 0)
		behind.s.ClearBans()
		time.Sleep(10 * time.Second)
		if len(n.s.Peers()) != 1 {
			t.Fatal("not connected")
		}
		// It follows our chain as soon as it is connected, and stays.
		time.Sleep(time.Hour)
		if old.Tip() != c.Tip() || len(n.s.Peers()) != 1 {
			t.Error(old.Tip(), len(n.s.Peers()))
		}
	})
	bubble(t, func(w *web) {
		c := w.fresh()
		chaintest.MineN(t, c, nobody, 10)
		l, err := w.net.Listen(w.addr(1))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		n, _ := w.run(2, c, Config{MaxOut: 1})
		n.s.book.Add(known(w.addr(1)), prefix(t, "10.1.0.1/32").Addr(), 0)
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		s := &stranger{t, conn, n}
		s.hello(10)
		began := time.Now()
		conn.SetReadDeadline(began.Add(time.Hour))
		for { // says that it has nothing new, whenever it is asked
			_, m, _, err := wire.ReadMessageWithEncodingN(conn, protocolVersion, c.Params().Net, wire.WitnessEncoding)
			if err != nil {
				break
			}
			switch m := m.(type) {
			case *wire.MsgGetHeaders:
				s.send(wire.NewMsgHeaders())
			case *wire.MsgPing:
				s.send(wire.NewMsgPong(m.Nonce))
			}
		}
		if took := time.Since(began); took < behindTime || took > behindTime+2*behindGrace {
			t.Errorf("dropped after %v", took)
		}
	})
}

// TestWhoIsCutOffFromNewBlocksLooksFurther has the only peer of a node keep all new blocks from it.
func TestWhoIsCutOffFromNewBlocksLooksFurther(t *testing.T) {
	bubble(t, func(w *web) {
		full := w.fresh()
		chaintest.MineN(t, full, nobody, 10)
		quiet, _ := w.run(1, w.fresh(), Config{OnlyConnect: true})
		n, _ := w.run(2, w.fresh(), Config{MaxOut: 1})
		n.s.book.Add(known(w.addr(1)), prefix(t, "10.1.0.1/32").Addr(), 0)
		time.Sleep(time.Minute)
		if len(n.s.Peers()) != 1 {
			t.Fatal("not connected")
		}
		honest, _ := w.run(3, full, Config{OnlyConnect: true})
		quiet.s.Ban(prefix(t, "10.3.0.0/16"), time.Now().Add(1000*time.Hour))
		n.s.book.Add(known(honest.addr), prefix(t, "10.1.0.1/32").Addr(), 0)
		time.Sleep(10 * time.Minute)
		if n.c.Tip() == full.Tip() {
			t.Fatal("more peers than places")
		}
		time.Sleep(staleTime + 10*time.Minute)
		if n.c.Tip() != full.Tip() {
			t.Error("did not look further")
		}
		if ps := n.s.Peers(); len(ps) != 1 || ps[0].Addr != honest.addr {
			t.Error("did not keep the better one", ps)
		}
	})
}

func TestMetricsAreThereUntilTheEnd(t *testing.T) {
	bubble(t, func(w *web) {
		reg := prometheus.NewRegistry()
		_, end := w.run(0, w.fresh(), Config{OnlyConnect: true, Metrics: reg})
		w.run(1, w.fresh(), Config{OnlyConnect: true, Peers: []string{w.addr(0)}})
		time.Sleep(time.Second)
		values := map[string]float64{}
		fs, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range fs {
			for _, m := range f.Metric {
				name := f.GetName()
				for _, l := range m.Label {
					name += " " + l.GetValue()
				}
				values[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
		if values["funai_ledger_peers inbound"] != 1 || values["funai_ledger_peers manual"] != 0 || values["funai_ledger_peer_bytes_total in"] == 0 || len(values) != 14 {
			t.Error(len(values), values)
		}
		end()
		if fs, err := reg.Gather(); err != nil || len(fs) != 0 {
			t.Error(fs, err)
		}
	})
}

// TestFloodsAreBounded has a peer do one thing over and over, while the node has a chain to fetch.
func TestFloodsAreBounded(t *testing.T) {
	full := chaintest.New(t)
	chaintest.MineN(t, full, nobody, 300)
	honest := start(t, full, Config{})
	tip := full.Tip().Hash
	fake := func(i int) *chainhash.Hash {
		h := chainhash.Hash{31: 1}
		binary.LittleEndian.PutUint64(h[:], uint64(i))
		return &h
	}
	invs := func(kind wire.InvType, i, n int) *wire.MsgInv {
		m := wire.NewMsgInv()
		for j := range n {
			m.InvList = append(m.InvList, wire.NewInvVect(kind, fake(i*n+j)))
		}
		return m
	}
	for _, c := range []struct {
		name    string
		times   int
		dropped bool
		say     func(s *stranger, i int) error
	}{
		{"transactions told of", 20, false, func(s *stranger, i int) error { return s.send(invs(wire.InvTypeTx, i, wire.MaxInvPerMsg)) }},
		{"transactions told of by witness", 20, false, func(s *stranger, i int) error { return s.send(invs(invTypeWtx, i, wire.MaxInvPerMsg)) }},
		{"blocks told of", 20, false, func(s *stranger, i int) error { return s.send(invs(wire.InvTypeBlock, i, 1000)) }},
		{"pings", 1000, true, func(s *stranger, i int) error { return s.send(wire.NewMsgPing(uint64(i))) }},
		{"pongs", 5000, false, func(s *stranger, i int) error { return s.send(wire.NewMsgPong(uint64(i))) }},
		{"unknown messages", 1000, true, func(s *stranger, _ int) error { _, err := s.conn.Write(frame(s.n, "nonsense", 0, nil)); return err }},
		{"requests for nothing", 50, false, func(s *stranger, i int) error {
			m := wire.NewMsgGetData()
			m.InvList = invs(wire.InvTypeTx, i, 10_000).InvList
			return s.send(m)
		}},
		{"requests for headers", 500, false, func(s *stranger, _ int) error {
			m := wire.NewMsgGetHeaders()
			m.AddBlockLocatorHash(s.n.c.Params().GenesisHash)
			return s.send(m)
		}},
		{"requests for blocks", 500, false, func(s *stranger, _ int) error {
			m := wire.NewMsgGetBlocks(&chainhash.Hash{})
			m.AddBlockLocatorHash(s.n.c.Params().GenesisHash)
			return s.send(m)
		}},
		{"huge locators", 1, true, func(s *stranger, i int) error {
			m := wire.NewMsgGetHeaders()
			for j := range 200 {
				m.AddBlockLocatorHash(fake(i*200 + j))
			}
			return s.send(m)
		}},
		{"requests for addresses", 5000, false, func(s *stranger, _ int) error { return s.send(wire.NewMsgGetAddr()) }},
		{"addresses", 50, false, func(s *stranger, i int) error {
			m := wire.NewMsgAddr()
			for j := range 1000 {
				m.AddrList = append(m.AddrList, wire.NewNetAddressTimestamp(time.Now(), services, net.IPv4(byte(20+i), 1, byte(j>>8), byte(j)), 1))
			}
			return s.send(m)
		}},
		{"things not found", 200, false, func(s *stranger, i int) error {
			m := wire.NewMsgNotFound()
			m.InvList = invs(wire.InvTypeWitnessBlock, i, 1000).InvList
			return s.send(m)
		}},
		{"blocks never asked for", 100, true, func(s *stranger, i int) error {
			return s.send(chaintest.Block(s, s.n.c.Params(), s.n.c.Params().GenesisBlock.Header, 1, nobody, 0, uint64(i)))
		}},
		{"headers that lead nowhere", 100, true, func(s *stranger, i int) error {
			return s.send(&wire.MsgHeaders{Headers: []*wire.BlockHeader{orphan(s.n, uint32(i))}})
		}},
		{"empty headers", 5000, false, func(s *stranger, _ int) error { return s.send(wire.NewMsgHeaders()) }},
		{"fees", 5000, false, func(s *stranger, i int) error { return s.send(wire.NewMsgFeeFilter(int64(i) << 40)) }},
		{"oversize", 1, true, func(s *stranger, _ int) error {
			_, err := s.conn.Write(frame(s.n, "block", maxMessage+1, nil))
			return err
		}},
		{"another network", 1, true, func(s *stranger, _ int) error {
			b := frame(s.n, "ping", 0, nil)
			b[0]++
			_, err := s.conn.Write(b)
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := start(t, chaintest.New(t), Config{Trickle: time.Minute}, honest)
			s := visit(t, n)
			s.nod()
			hear := make(chan struct{})
			go func() { // whatever it says
				defer close(hear)
				s.conn.SetReadDeadline(time.Now().Add(patient))
				for b := make([]byte, 1<<16); ; {
					if _, err := s.conn.Read(b); err != nil {
						return
					}
				}
			}()
			for i := range c.times {
				if c.say(s, i) != nil {
					break
				}
			}
			n.at(full.Tip())
			if c.dropped {
				<-hear
			} else {
				s.send(wire.NewMsgGetAddr()) // read after all that came before
			}
			n.s.mu.Lock()
			defer n.s.mu.Unlock()
			if len(n.s.txs) > maxOffers || n.s.book.Len() > 2 || len(n.s.blocks) > 0 || n.p.Info().Orphans > 0 || n.c.BestHeader().Hash != tip {
				t.Errorf("%d transactions sought, %d blocks, %d addresses, %d orphans, headers to %v",
					len(n.s.txs), len(n.s.blocks), n.s.book.Len(), n.p.Info().Orphans, n.c.BestHeader())
			}
			for r := range n.s.peers {
				if len(r.queue) > maxQueue || r.offers > maxOffers || len(r.lacks) > maxQueue || len(r.gossip.out) > 1000 || r.known.Len() > knownSize ||
					r.load.Load() > 2*wire.MaxInvPerMsg {
					t.Errorf("queue %d, offers %d, lacks %d, addresses %d, known %d, requests %d",
						len(r.queue), r.offers, len(r.lacks), len(r.gossip.out), r.known.Len(), r.load.Load())
				}
			}
		})
	}
}

// TestALieAboutTheHeightIsOfNoUse: who claims the highest chain and shows nothing of it is not waited for.
func TestALieAboutTheHeightIsOfNoUse(t *testing.T) {
	bubble(t, func(w *web) {
		full := w.fresh()
		chaintest.MineN(t, full, nobody, 100)
		n, _ := w.run(0, w.fresh(), Config{OnlyConnect: true})
		s := w.visit(n, "10.66.0.1:1")
		s.hello(1 << 30)
		s.read("getheaders", func(m wire.Message) bool { _, ok := m.(*wire.MsgGetHeaders); return ok })
		s.write(wire.NewMsgHeaders())
		began := time.Now()
		w.run(1, full, Config{OnlyConnect: true, Peers: []string{w.addr(0)}})
		for n.c.Tip() != full.Tip() && time.Since(began) < time.Hour {
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// TestManyPeersThatSendAByteNowAndThen fills all places with them.
func TestManyPeersThatSendAByteNowAndThen(t *testing.T) {
	bubble(t, func(w *web) {
		full := w.fresh()
		chaintest.MineN(t, full, nobody, 50)
		n, _ := w.run(0, w.fresh(), Config{OnlyConnect: true, MaxIn: 50})
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range 50 {
			s := w.visit(n, fmt.Sprintf("10.66.%d.1:1", i))
			s.nod()
			go func() {
				defer s.conn.Close()
				for _, b := range frame(n, "block", maxMessage, nil) {
					s.conn.Write([]byte{b})
				}
				for {
					if _, err := s.conn.Write([]byte{0}); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			}()
		}
		synctest.Wait()
		n.s.Connect(w.addr(1))
		w.run(1, full, Config{OnlyConnect: true})
		time.Sleep(10 * time.Second)
		if n.c.Tip() != full.Tip() {
			t.Error("the honest chain has not come")
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		t.Logf("heap grew by %d KiB", (int64(after.HeapAlloc)-int64(before.HeapAlloc))>>10)
		time.Sleep(2 * time.Minute)
		if ps := n.s.Peers(); len(ps) != 1 {
			t.Errorf("%d peers are left", len(ps))
		}
	})
}
