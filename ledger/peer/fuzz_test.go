package peer

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain/chaintest"
	"funai/ledger/mempool"
	"funai/ledger/peer/peertest"
)

// FuzzConversation says anything at all, in well-formed frames, to a node after the handshake. The node must live, and
// answer a ping or hang up.
func FuzzConversation(f *testing.F) {
	c := chaintest.New(f)
	chaintest.MineN(f, c, nobody, 20)
	p := mempool.New(c, mempool.Config{})
	web := peertest.New()
	const here = "10.0.0.1:8333"
	l, err := web.Listen(here)
	if err != nil {
		f.Fatal(err)
	}
	s := New(Config{Chain: c, Pool: p, Listeners: []net.Listener{l}, Timeouts: quick})
	f.Cleanup(func() { s.Close(); p.Close() })
	n := &node{TB: f, c: c, p: p, s: s, addr: here}

	tip := c.Tip().Hash
	block, err := c.Block(tip)
	if err != nil {
		f.Fatal(err)
	}
	inv := wire.NewMsgInv()
	inv.AddInvVect(wire.NewInvVect(wire.InvTypeTx, &tip))
	get := wire.NewMsgGetData()
	get.AddInvVect(wire.NewInvVect(wire.InvTypeWitnessBlock, &tip))
	headers := wire.NewMsgGetHeaders()
	headers.AddBlockLocatorHash(&tip)
	for _, m := range []wire.Message{block, headersOf(block), block.Transactions[0], inv, get, headers, wire.NewMsgGetBlocks(&chainhash.Hash{}),
		addrMsg(known("10.9.0.1:1"), false), addrMsg(known("10.9.0.1:1"), true), wire.NewMsgSendAddrV2(), wire.NewMsgWTxIdRelay(), wire.NewMsgVerAck(),
		wire.NewMsgPong(1), wire.NewMsgMemPool(), wire.NewMsgPing(1), wire.NewMsgFeeFilter(-1), wire.NewMsgSendHeaders(), wire.NewMsgNotFound(), wire.NewMsgGetAddr()} {
		var b bytes.Buffer
		if err := m.BtcEncode(&b, protocolVersion, wire.WitnessEncoding); err != nil {
			f.Fatal(err)
		}
		f.Add(m.Command(), b.Bytes())
	}
	invalid := []byte{1, 0, 0, 0, 0, 9, 1, 255, 255, 3} // addrv2 with an address that is too long
	f.Add("addrv2", invalid)
	f.Add("nonsense", []byte{1, 2, 3})
	f.Add("cmpctblock", bytes.Repeat([]byte{0xff}, 100))
	f.Fuzz(func(t *testing.T, command string, payload []byte) {
		if len(command) > wire.CommandSize || len(payload) > 1<<16 {
			return
		}
		conn, err := web.Dialer("127.0.0.1:1")(t.Context(), here) // never banned
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patient))
		v := &stranger{t, conn, n}
		v.hello(1)
		conn.Write(frame(n, command, uint32(len(payload)), payload))
		const nonce = 77
		v.send(wire.NewMsgPing(nonce))
		for {
			_, m, _, err := wire.ReadMessageWithEncodingN(conn, protocolVersion, c.Params().Net, wire.WitnessEncoding)
			if late, ok := err.(net.Error); ok && late.Timeout() {
				t.Fatal("neither answers nor hangs up")
			}
			if pong, ok := m.(*wire.MsgPong); err != nil || ok && pong.Nonce == nonce {
				break
			}
		}
	})
}

// FuzzStream says anything at all, without frames and without a handshake. The node must live, and hang up in time.
func FuzzStream(f *testing.F) {
	c := chaintest.New(f)
	p := mempool.New(c, mempool.Config{})
	web := peertest.New()
	const here = "10.0.0.1:8333"
	l, err := web.Listen(here)
	if err != nil {
		f.Fatal(err)
	}
	short := quick
	short.Handshake, short.Message = 20*time.Millisecond, 20*time.Millisecond
	s := New(Config{Chain: c, Pool: p, Listeners: []net.Listener{l}, Timeouts: short, OnlyConnect: true})
	f.Cleanup(func() { s.Close(); p.Close() })
	n := &node{TB: f, c: c, p: p, s: s, addr: here}
	var version bytes.Buffer
	addr := wire.NewNetAddressIPPort(net.IPv4zero, 0, 0)
	v := wire.NewMsgVersion(addr, addr, 1, 0)
	v.ProtocolVersion = int32(protocolVersion)
	if _, err := wire.WriteMessageN(&version, v, protocolVersion, c.Params().Net); err != nil {
		f.Fatal(err)
	}
	f.Add(version.Bytes())
	f.Add(append(bytes.Clone(version.Bytes()), frame(n, "verack", 0, nil)...))
	f.Add(append(bytes.Clone(version.Bytes()), frame(n, "wtxidrelay", 0, nil)...))
	f.Add(frame(n, "verack", 0, nil))
	f.Add(frame(n, "block", maxMessage+1, nil))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		conn, err := web.Dialer("127.0.0.1:1")(t.Context(), here) // never kept away
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patient))
		conn.Write(said)
		shaken := false
		for {
			m, _, err := wire.ReadMessage(conn, protocolVersion, c.Params().Net)
			if late, ok := err.(net.Error); ok && late.Timeout() {
				t.Fatal("does not hang up")
			}
			if _, ok := m.(*wire.MsgPing); ok {
				shaken = true // and is free to stay
			}
			if shaken || err != nil && !errors.Is(err, wire.ErrUnknownMessage) {
				return
			}
		}
	})
}

// FuzzBans reads files that somebody may have touched.
func FuzzBans(f *testing.F) {
	f.Add([]byte(`[{"Subnet":"9.0.0.0/8","Since":"2026-01-01T00:00:00Z","Until":"2036-01-01T00:00:00Z"}]`))
	f.Add([]byte(`[{}]`))
	f.Add([]byte(`null`))
	file := f.TempDir() + "/bans"
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := openBans(file)
		if l == nil || err != nil && len(l.subnets) > 0 {
			t.Fatal(l, err)
		}
		l.list()
		l.banned("9.1.1.1:1")
		if err := l.ban(netip.MustParsePrefix("1.1.1.1/32"), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		again, err := openBans(file)
		if err != nil || len(again.list()) != len(l.list()) {
			t.Fatal(err)
		}
	})
}
