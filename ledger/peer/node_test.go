package peer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/mempool"
)

var nobody = []byte{txscript.OP_TRUE}

// patient is long enough for anything that is going to happen.
const patient = 30 * time.Second

// node is a chain, a pool and a server on a loopback socket.
type node struct {
	testing.TB
	c    *chain.Chain
	p    *mempool.Pool
	s    *Server
	addr string
	net  *cable
}

// cable is how a node dials; it can be cut.
type cable struct {
	mu    sync.Mutex
	cut   func(addr string) bool
	conns []net.Conn
}

func (w *cable) dial(ctx context.Context, addr string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut != nil && w.cut(addr) {
		return nil, errors.New("cable is cut")
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err == nil {
		w.conns = append(w.conns, conn)
	}
	return conn, err
}

func (w *cable) set(cut bool) { w.apart(func(string) bool { return cut }) }

// apart ends what was dialled, and allows no connection to the addresses that cut names.
func (w *cable) apart(cut func(addr string) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

// quick are timeouts for tests.
var quick = Timeouts{Handshake: 2 * time.Second, Message: 2 * time.Second, Request: 2 * time.Second, Backoff: 20 * time.Millisecond, BackoffMax: 200 * time.Millisecond}

// start runs a node on a chain, connected to peers and to no others.
func start(t testing.TB, c *chain.Chain, cfg Config, peers ...*node) *node {
	t.Helper()
	cfg.OnlyConnect = true
	return roam(t, c, cfg, peers...)
}

// roam is start for a node that finds others by itself.
func roam(t testing.TB, c *chain.Chain, cfg Config, peers ...*node) *node {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &node{TB: t, c: c, p: mempool.New(c, mempool.Config{}), addr: l.Addr().String(), net: &cable{}}
	for _, p := range peers {
		cfg.Peers = append(cfg.Peers, p.addr)
	}
	cfg.Chain, cfg.Pool, cfg.Listeners = c, n.p, []net.Listener{l}
	if cfg.Dial == nil {
		cfg.Dial = n.net.dial
	}
	if cfg.Timeouts == (Timeouts{}) {
		cfg.Timeouts = quick
	}
	n.s = New(cfg)
	t.Cleanup(func() {
		if err := n.s.Close(); err != nil {
			t.Error(err)
		}
		n.p.Close()
	})
	return n
}

// until waits for a condition.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patient)
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		<-poll.C
	}
}

func (n *node) connected(peers int) {
	n.Helper()
	until(n, "connections", func() bool { return len(n.s.Peers()) == peers })
}

func (n *node) at(tip chain.Index) {
	n.Helper()
	until(n, "the tip", func() bool { return n.c.Tip() == tip })
}

func (n *node) holds(tx *wire.MsgTx) {
	n.Helper()
	until(n, "a transaction", func() bool { return n.p.Get(tx.TxHash()) != nil })
}

// stranger is a peer that the test plays by hand.
type stranger struct {
	testing.TB
	conn net.Conn
	n    *node
}

// visit connects to a node without a word.
func visit(t testing.TB, n *node) *stranger {
	t.Helper()
	conn, err := net.Dial("tcp", n.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &stranger{t, conn, n}
}

// greet is visit with a handshake.
func greet(t testing.TB, n *node, height int32) *stranger {
	t.Helper()
	s := visit(t, n)
	s.hello(height)
	return s
}

// hello does the handshake as a node with all blocks, nod as one with none.
func (s *stranger) hello(height int32) { s.Helper(); s.shake(height, services) }
func (s *stranger) nod()               { s.Helper(); s.shake(0, 0) }

// modern is nod as a node of today.
func (s *stranger) modern() {
	s.Helper()
	addr := wire.NewNetAddressIPPort(net.IPv4zero, 0, 0)
	v := wire.NewMsgVersion(addr, addr, 1, 0)
	v.ProtocolVersion = int32(protocolVersion)
	s.write(v)
	for _, m := range []wire.Message{wire.NewMsgWTxIdRelay(), wire.NewMsgSendAddrV2(), wire.NewMsgVerAck()} {
		_, err := wire.WriteMessageWithEncodingN(s.conn, m, protocolVersion, s.n.c.Params().Net, wire.WitnessEncoding)
		if err != nil {
			s.Fatal(err)
		}
	}
	s.read("verack", func(m wire.Message) bool { _, ok := m.(*wire.MsgVerAck); return ok })
}

func (s *stranger) shake(height int32, offer wire.ServiceFlag) {
	s.Helper()
	addr := wire.NewNetAddressIPPort(net.IPv4zero, 0, services)
	v := wire.NewMsgVersion(addr, addr, 1, height)
	v.Services, v.ProtocolVersion = offer, int32(wire.FeeFilterVersion)
	s.write(v)
	s.write(wire.NewMsgVerAck())
	s.read("verack", func(m wire.Message) bool { _, ok := m.(*wire.MsgVerAck); return ok })
}

func (s *stranger) write(m wire.Message) {
	s.Helper()
	if err := s.send(m); err != nil {
		s.Fatal(err)
	}
}

func (s *stranger) send(m wire.Message) error {
	_, err := wire.WriteMessageWithEncodingN(s.conn, m, wire.FeeFilterVersion, s.n.c.Params().Net, wire.WitnessEncoding)
	return err
}

// read reads messages until one is what the test waits for.
func (s *stranger) read(what string, is func(wire.Message) bool) {
	s.Helper()
	s.conn.SetReadDeadline(time.Now().Add(patient))
	for {
		_, m, _, err := wire.ReadMessageWithEncodingN(s.conn, protocolVersion, s.n.c.Params().Net, wire.WitnessEncoding)
		if errors.Is(err, wire.ErrUnknownMessage) {
			continue // wtxidrelay
		}
		if err != nil {
			s.Fatalf("waiting for %s: %v", what, err)
		}
		if is(m) {
			return
		}
	}
}

// dropped waits until the node has closed the connection.
func (s *stranger) dropped() {
	s.Helper()
	s.conn.SetReadDeadline(time.Now().Add(patient))
	_, err := io.Copy(io.Discard, s.conn)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		s.Fatal("the node does not drop us")
	}
}

func headersOf(bs ...*wire.MsgBlock) *wire.MsgHeaders {
	m := wire.NewMsgHeaders()
	for _, b := range bs {
		m.Headers = append(m.Headers, &b.Header)
	}
	return m
}

// clone copies a block, so that it can be spoilt.
func clone(t testing.TB, b *wire.MsgBlock) *wire.MsgBlock {
	var buf bytes.Buffer
	if err := b.Serialize(&buf); err != nil {
		t.Fatal(err)
	}
	c := new(wire.MsgBlock)
	if err := c.Deserialize(&buf); err != nil {
		t.Fatal(err)
	}
	return c
}

// copyChain makes a chain with the blocks of another.
func copyChain(t testing.TB, from *chain.Chain) *chain.Chain {
	c := chaintest.New(t)
	for h := int32(1); h <= from.Tip().Height; h++ {
		i, _ := from.IndexAt(h)
		b, err := from.Block(i.Hash)
		if err == nil {
			_, err = c.ProcessBlock(t.Context(), b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}
