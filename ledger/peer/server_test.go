package peer

import (
	"context"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/amount"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
	"funai/ledger/miner"
	"funai/ledger/wallet"
)

func TestThreeNodesSyncFromScratch(t *testing.T) {
	const blocks = 2500 // more than one message of headers
	full := chaintest.New(t)
	chaintest.MineN(t, full, nobody, blocks)
	a := start(t, full, Config{})
	b := start(t, chaintest.New(t), Config{}, a)
	began := time.Now()
	c := start(t, chaintest.New(t), Config{}, a, b)
	b.at(full.Tip())
	c.at(full.Tip())
	t.Logf("%d blocks to two nodes in %v", blocks, time.Since(began))
	chaintest.MineN(t, full, nobody, 3)
	b.at(full.Tip())
	c.at(full.Tip())
}

func TestTransactionSentAtOneNodeIsMinedAtAnother(t *testing.T) {
	k := chaintest.Key(t, 1)
	first := chaintest.New(t)
	chaintest.MineN(t, first, chaintest.Script(k), 1)
	chaintest.MineN(t, first, nobody, 20)
	a := start(t, first, Config{})
	b := start(t, chaintest.New(t), Config{}, a)
	c := start(t, chaintest.New(t), Config{}, b)
	c.at(first.Tip())
	w := wallet.Open(k, first, a.p, wallet.Options{})
	to := wallet.Open(chaintest.Key(t, 2), c.c, c.p, wallet.Options{})
	tx, err := w.Send(t.Context(), []*wire.TxOut{wire.NewTxOut(int64(amount.FAI), to.Script())}, 0)
	if err != nil {
		t.Fatal(err)
	}
	c.holds(tx)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	m := &miner.Miner{Chain: c.c, Pool: c.p, PayTo: nobody, Interval: func() time.Duration { return 50 * time.Millisecond }}
	go func() { done <- m.Run(ctx) }()
	until(t, "the payment", func() bool { return to.Balance().Confirmed == amount.FAI })
	until(t, "the block at the sender", func() bool { return w.Balance().Unconfirmed == 0 && w.Balance().Confirmed < amount.FAI/2 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestPartitionHeals(t *testing.T) {
	k := chaintest.Key(t, 1)
	ca := chaintest.New(t)
	coins := chaintest.MineN(t, ca, chaintest.Script(k), 2)
	chaintest.MineN(t, ca, nobody, 20)
	a := start(t, ca, Config{})
	b := start(t, copyChain(t, ca), Config{}, a)
	c := start(t, copyChain(t, ca), Config{}, b)
	b.connected(2)
	b.net.set(true) // a | b - c
	b.connected(1)
	const value = int64(3 * amount.FAI / 2)
	lost := chaintest.Spend(t, k, coins[0], value, wire.NewTxOut(value-5000, chaintest.Script(k)))
	if _, err := a.p.Accept(lost); err != nil {
		t.Fatal(err)
	}
	kept := chaintest.Spend(t, k, coins[1], value, wire.NewTxOut(value-5000, chaintest.Script(k)))
	if _, err := c.p.Accept(kept); err != nil {
		t.Fatal(err)
	}
	b.holds(kept)
	chaintest.Mine(t, a.c, chaintest.Script(k), lost)
	for i := range 3 {
		bl := chaintest.BlockOn(t, c.c, c.c.Tip(), nobody, uint64(100+i))
		if _, err := c.c.ProcessBlock(t.Context(), bl); err != nil {
			t.Fatal(err)
		}
	}
	b.at(c.c.Tip())
	b.net.set(false)
	a.at(c.c.Tip())
	for _, n := range []*node{a, b, c} {
		n.holds(lost)
		n.holds(kept)
	}
}

// TestNetworkOfNodesThatFoundOneAnotherHeals cuts a network on sockets in two, on which all but one node were told of one
// other only.
func TestNetworkOfNodesThatFoundOneAnotherHeals(t *testing.T) {
	const nodes = 6
	var ns []*node
	for i := range nodes {
		var peers []*node
		if i > 0 {
			peers = ns[:1]
		}
		ns = append(ns, roam(t, chaintest.New(t), Config{MaxOut: 4}, peers...))
	}
	chaintest.MineN(t, ns[0].c, nobody, 10)
	for _, n := range ns {
		n.at(ns[0].c.Tip())
		until(t, "nodes to find one another", func() bool { return len(n.s.Peers()) >= 4 })
	}
	group := map[string]bool{}
	for i, n := range ns {
		group[n.addr] = i%2 == 0
	}
	for _, n := range ns {
		n.net.apart(func(addr string) bool { return group[addr] != group[n.addr] })
	}
	for _, n := range ns {
		until(t, "the cut", func() bool {
			for _, p := range n.s.Peers() {
				if !p.Inbound && group[p.Addr] != group[n.addr] {
					return false
				}
			}
			return true
		})
	}
	chaintest.MineN(t, ns[0].c, nobody, 3)
	for i := range 5 {
		b := chaintest.BlockOn(t, ns[1].c, ns[1].c.Tip(), nobody, uint64(100+i))
		if _, err := ns[1].c.ProcessBlock(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range ns {
		n.at(ns[i%2].c.Tip())
	}
	for _, n := range ns {
		n.net.set(false)
	}
	began := time.Now()
	for _, n := range ns {
		n.at(ns[1].c.Tip())
	}
	t.Log("healed in", time.Since(began))
}

func TestBlocksComeFromSeveralPeers(t *testing.T) {
	full := chaintest.New(t)
	chaintest.MineN(t, full, nobody, 400)
	a := start(t, full, Config{})
	b := start(t, copyChain(t, full), Config{})
	// Nothing that the first of them has comes through before both have shaken hands.
	both := make(chan struct{})
	c := start(t, chaintest.New(t), Config{Dial: func(ctx context.Context, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		return &heldBack{Conn: conn, free: 2000, until: both}, err
	}}, a, b)
	c.connected(2)
	close(both)
	c.at(full.Tip())
	for _, p := range c.s.Peers() {
		if p.RecvByMsg[wire.CmdBlock] == 0 {
			t.Errorf("no block came from %s", p.Addr)
		}
	}
}

// heldBack is a connection of which only the first bytes can be read before until is closed.
type heldBack struct {
	net.Conn
	free  int
	until <-chan struct{}
}

func (h *heldBack) Read(b []byte) (int, error) {
	if h.free <= 0 {
		<-h.until
	} else {
		b = b[:min(len(b), h.free)]
	}
	n, err := h.Conn.Read(b)
	h.free -= n
	return n, err
}

func TestANodeDoesNotConnectToItself(t *testing.T) {
	n := start(t, chaintest.New(t), Config{})
	n.s.Connect(n.addr)
	other := start(t, chaintest.New(t), Config{}, n)
	other.connected(1)
	until(t, "an end of dialling", func() bool { return len(n.s.slots) == 0 && len(n.s.Peers()) == 1 })
}

func TestConnectionsAreBounded(t *testing.T) {
	n := start(t, chaintest.New(t), Config{MaxIn: 2})
	greet(t, n, 0)
	second := greet(t, n, 0)
	visit(t, n).dropped()
	second.conn.Close()
	n.connected(1)
	until(t, "room", func() bool { n.s.mu.Lock(); defer n.s.mu.Unlock(); return n.s.inbound == 1 })
	greet(t, n, 0)
}

func TestLostPeersAreDialledAgain(t *testing.T) {
	a := start(t, chaintest.New(t), Config{})
	b := start(t, chaintest.New(t), Config{}, a)
	for range 3 {
		b.connected(1)
		changed := b.s.Changed()
		b.net.set(false)
		<-changed
	}
	b.connected(1)
}

func TestGarbageDropsThePeerAndNotTheNode(t *testing.T) {
	n := start(t, chaintest.New(t), Config{})
	rnd := rand.NewChaCha8([32]byte{1})
	for _, size := range []int{1, 24, 100, 5000, 1 << 20} {
		b := make([]byte, size)
		rnd.Read(b)
		before := visit(t, n)
		before.conn.Write(b)
		before.dropped()
		after := greet(t, n, 0)
		after.conn.Write(b)
		after.dropped()
	}
	// A header that promises more than it has, a wrong checksum, a message that ends early, one with bytes to spare.
	for _, raw := range [][]byte{
		frame(n, "block", 0xffffffff, []byte{1}),
		frame(n, "headers", 4, []byte{1, 2, 3, 4}),
		frame(n, "inv", 1, []byte{0xff}),
		frame(n, "tx", 3, []byte{0, 0, 0}),
		frame(n, "verack", 0, nil),
		frame(n, "version", 1, []byte{0}),
	} {
		s := greet(t, n, 0)
		s.conn.Write(raw)
		s.dropped()
	}
	chaintest.MineN(t, n.c, nobody, 5)
	start(t, chaintest.New(t), Config{}, n).at(n.c.Tip())
}

func TestGarbageIsNotToleratedOnRegtestEither(t *testing.T) {
	c := chaintest.Open(t, consensus.BitcoinRegtest(), chain.Options{FS: vfs.NewMem(), NoSync: true})
	n := start(t, c, Config{})
	s := greet(t, n, 0)
	s.conn.Write(frame(n, "headers", 0xffffffff, nil))
	s.dropped()
}

// frame is a message with a right magic and length as given.
func frame(n *node, command string, length uint32, payload []byte) []byte {
	b := make([]byte, 24, 24+len(payload))
	magic := uint32(n.c.Params().Net)
	for i := range 4 {
		b[i], b[16+i] = byte(magic>>(8*i)), byte(length>>(8*i))
	}
	copy(b[4:16], command)
	copy(b[20:], chainhash.DoubleHashB(payload)[:4])
	return append(b, payload...)
}

func TestSlowDripIsDropped(t *testing.T) {
	short := quick
	short.Handshake, short.Message = 300*time.Millisecond, 300*time.Millisecond
	n := start(t, chaintest.New(t), Config{Timeouts: short})
	drip := func(s *stranger, b []byte) {
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			s.dropped()
		}()
		every := time.NewTicker(20 * time.Millisecond)
		defer every.Stop()
		for i := 0; ; i = (i + 1) % len(b) {
			select {
			case <-gone:
				return
			case <-every.C:
				s.conn.Write(b[i : i+1])
			}
		}
	}
	drip(visit(t, n), frame(n, "version", 200, nil))
	drip(greet(t, n, 0), frame(n, "block", 1<<20, nil))
	visit(t, n).dropped() // not a word
}

func TestPeerThatDoesNotReadIsDropped(t *testing.T) {
	short := quick
	short.Message = 500 * time.Millisecond
	k, c := chaintest.Key(t, 1), chaintest.New(t)
	coin := chaintest.MineN(t, c, chaintest.Script(k), 1)[0]
	chaintest.MineN(t, c, nobody, 20)
	var outs []*wire.TxOut
	for range 12_000 {
		outs = append(outs, wire.NewTxOut(1000, chaintest.Script(k)))
	}
	big := chaintest.Mine(t, c, nobody, chaintest.Spend(t, k, coin, int64(3*amount.FAI/2), outs...)).BlockHash()
	n := start(t, c, Config{Timeouts: short})
	s := greet(t, n, 0)
	get := wire.NewMsgGetData()
	for range 200 {
		get.InvList = append(get.InvList, wire.NewInvVect(wire.InvTypeWitnessBlock, &big))
	}
	s.write(get)
	n.connected(1)
	n.connected(0)
}

func TestPeerThatKeepsBlocksBackIsDropped(t *testing.T) {
	short := quick
	short.Request = 500 * time.Millisecond
	full := chaintest.New(t)
	chaintest.MineN(t, full, nobody, 30)
	n := start(t, chaintest.New(t), Config{Timeouts: short})
	s := greet(t, n, 30)
	m := wire.NewMsgHeaders()
	for _, h := range full.HeadersAfter([]chainhash.Hash{*full.Params().GenesisHash}, chainhash.Hash{}, 100) {
		m.Headers = append(m.Headers, &h)
	}
	s.read("getheaders", func(m wire.Message) bool { _, ok := m.(*wire.MsgGetHeaders); return ok })
	s.write(m)
	s.read("getdata", func(m wire.Message) bool { g, ok := m.(*wire.MsgGetData); return ok && len(g.InvList) == blocksAtOnce })
	s.dropped()
	if n.c.BestHeader() != full.Tip() {
		t.Fatal("headers are lost")
	}
	n.s.Connect(start(t, full, Config{}).addr)
	n.at(full.Tip())
}

func TestHeadersWithoutBlocksDoNotHideTheHonestChain(t *testing.T) {
	honest, secret := chaintest.New(t), chaintest.New(t)
	chaintest.MineN(t, honest, nobody, 10)
	chaintest.MineN(t, secret, []byte{0x52}, 20)
	n := start(t, chaintest.New(t), Config{})
	s := greet(t, n, 20)
	m := wire.NewMsgHeaders()
	for _, h := range secret.HeadersAfter([]chainhash.Hash{*secret.Params().GenesisHash}, chainhash.Hash{}, 100) {
		m.Headers = append(m.Headers, &h)
	}
	s.write(m)
	until(t, "the secret headers", func() bool { return n.c.BestHeader() == secret.Tip() })
	n.s.Connect(start(t, honest, Config{}).addr)
	n.at(honest.Tip())
}

func TestInvalidBlocksAndHeadersDropThePeer(t *testing.T) {
	n := start(t, chaintest.New(t), Config{})
	good := chaintest.BlockOn(t, n.c, n.c.Tip(), nobody, 1)
	greedy := clone(t, good)
	greedy.Transactions[0].TxOut[0].Value *= 2
	chaintest.Solve(greedy)
	deny := func(name string, bl *wire.MsgBlock, answer *wire.MsgBlock) {
		t.Run(name, func(t *testing.T) {
			s := greet(t, n, 1)
			s.write(headersOf(bl))
			if answer != nil {
				s.read("getdata", func(m wire.Message) bool { _, ok := m.(*wire.MsgGetData); return ok })
				s.write(answer)
			}
			s.dropped()
			if n.c.Tip().Height != 0 {
				t.Fatal(n.c.Tip())
			}
		})
	}
	deny("overpaid coinbase", greedy, greedy)
	unsolved := clone(t, good)
	unsolved.Header.Bits = 0x1d00ffff
	deny("wrong difficulty", unsolved, nil)
	altered := clone(t, good)
	altered.Transactions[0].TxOut[0].PkScript = []byte{0x53} // same header: the block itself must stay possible
	deny("transactions that the header does not commit to", good, altered)
	s := greet(t, n, 0) // not asked for the block, whose header is known by now
	for range 20 {
		if s.send(good) != nil {
			break // unasked
		}
	}
	s.dropped()
	s = greet(t, n, 1)
	s.write(headersOf(good))
	s.read("getdata", func(m wire.Message) bool { _, ok := m.(*wire.MsgGetData); return ok })
	s.write(good)
	n.at(chain.Index{Height: 1, Hash: good.BlockHash()})
}

func TestForgedTransactionsDropThePeer(t *testing.T) {
	k, c := chaintest.Key(t, 1), chaintest.New(t)
	coins := chaintest.MineN(t, c, chaintest.Script(k), 20)
	n := start(t, c, Config{})
	s := greet(t, n, 0)
	for _, coin := range coins[:10] {
		if s.send(chaintest.Spend(t, chaintest.Key(t, 2), coin, 1.5e8, wire.NewTxOut(1e8, chaintest.Script(k)))) != nil {
			break
		}
	}
	s.dropped()
	if in := n.p.Info(); in.Count+in.Orphans != 0 {
		t.Errorf("%+v", in)
	}
}

// A transaction without its witness has for both its hashes the one that the good one is told and asked for by.
func TestATransactionStrippedOfItsWitnessDoesNotShutTheGoodOneOut(t *testing.T) {
	k, c := chaintest.Key(t, 1), chaintest.New(t)
	coin := chaintest.MineN(t, c, chaintest.Script(k), 1)[0]
	chaintest.MineN(t, c, nobody, 20)
	n := start(t, c, Config{})
	good := chaintest.Spend(t, k, coin, 1.5e8, wire.NewTxOut(1.5e8-5000, chaintest.Script(k)))
	stripped := good.Copy()
	stripped.TxIn[0].Witness = nil
	s := greet(t, n, 0)
	s.write(stripped)
	s.write(inv(wire.InvTypeTx, good.TxHash()))
	s.read("getdata", func(m wire.Message) bool { _, ok := m.(*wire.MsgGetData); return ok })
	s.write(good)
	n.holds(good)
}

// A block that was asked for and then declared invalid by our own operator says nothing against the peer that sends it.
func TestABlockDeclaredInvalidMeanwhileIsNotThePeersFault(t *testing.T) {
	n := start(t, chaintest.New(t), Config{})
	low := chaintest.BlockOn(t, n.c, n.c.Tip(), nobody, 1)
	high := chaintest.Block(t, n.c.Params(), low.Header, 1, nobody, 0, 1)
	s := greet(t, n, 2)
	s.write(headersOf(low, high))
	s.read("getdata", func(m wire.Message) bool { g, ok := m.(*wire.MsgGetData); return ok && len(g.InvList) == 2 })
	if err := n.c.InvalidateBlock(t.Context(), low.BlockHash()); err != nil {
		t.Fatal(err)
	}
	s.write(low)
	s.write(high)
	s.write(wire.NewMsgPing(7))
	s.read("pong", func(m wire.Message) bool { p, ok := m.(*wire.MsgPong); return ok && p.Nonce == 7 })
	s.write(headersOf(chaintest.Block(t, n.c.Params(), high.Header, 2, nobody, 0, 1))) // of no use to us
	s.dropped()
	if punished := n.s.punished.Load(); punished != 0 {
		t.Errorf("%d peers punished", punished)
	}
}

func TestRequestsAreAnswered(t *testing.T) {
	k, c := chaintest.Key(t, 1), chaintest.New(t)
	coin := chaintest.MineN(t, c, chaintest.Script(k), 1)[0]
	chaintest.MineN(t, c, nobody, 600)
	n := start(t, c, Config{})
	tx := chaintest.Spend(t, k, coin, 1.5e8, wire.NewTxOut(1e8, chaintest.Script(k)))
	if _, err := n.p.Accept(tx); err != nil {
		t.Fatal(err)
	}
	s := greet(t, n, 0)
	isInv := func(kind wire.InvType, count int) func(m wire.Message) bool {
		return func(m wire.Message) bool {
			inv, ok := m.(*wire.MsgInv)
			return ok && len(inv.InvList) == count && inv.InvList[0].Type == kind
		}
	}
	s.read("our pool", isInv(wire.InvTypeTx, 1))
	s.write(wire.NewMsgMemPool())
	s.read("our pool again", isInv(wire.InvTypeTx, 1))
	blocks := wire.NewMsgGetBlocks(&chainhash.Hash{})
	blocks.AddBlockLocatorHash(c.Params().GenesisHash)
	s.write(blocks)
	s.read("inv of blocks", isInv(wire.InvTypeBlock, wire.MaxBlocksPerMsg))
	headers := wire.NewMsgGetHeaders()
	headers.AddBlockLocatorHash(c.Params().GenesisHash)
	s.write(headers)
	s.read("headers", func(m wire.Message) bool { h, ok := m.(*wire.MsgHeaders); return ok && len(h.Headers) == 601 })
	get, hash, tip, none := wire.NewMsgGetData(), tx.TxHash(), c.Tip().Hash, chainhash.Hash{9}
	get.AddInvVect(wire.NewInvVect(wire.InvTypeWitnessTx, &hash))
	get.AddInvVect(wire.NewInvVect(wire.InvTypeBlock, &tip))
	get.AddInvVect(wire.NewInvVect(wire.InvTypeBlock, &none))
	s.write(get)
	s.read("the transaction", func(m wire.Message) bool {
		x, ok := m.(*wire.MsgTx)
		return ok && x.TxHash() == hash && x.HasWitness()
	})
	s.read("the block", func(m wire.Message) bool { x, ok := m.(*wire.MsgBlock); return ok && x.BlockHash() == tip })
	s.read("notfound", func(m wire.Message) bool { x, ok := m.(*wire.MsgNotFound); return ok && x.InvList[0].Hash == none })
}
