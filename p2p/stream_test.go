package p2p

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"funai/key"
)

func echo(_ context.Context, _ key.Public, s Stream) {
	for {
		b, err := s.ReadMsg(1 << 20)
		if err != nil || s.WriteMsg(b) != nil {
			return
		}
	}
}

func roundTrip(s Stream, b []byte) error {
	if err := s.WriteMsg(b); err != nil {
		return err
	}
	got, err := s.ReadMsg(1 << 20)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, b) {
		return fmt.Errorf("%d bytes came back as %d others", len(b), len(got))
	}
	return nil
}

func pair(t testing.TB) (server, client *Host) {
	server = start(t, Config{})
	client = start(t, Config{Peers: server.Addrs()})
	eventually(t, "connected", func() bool { return len(client.Peers()) == 1 })
	return server, client
}

func open(t testing.TB, h, to *Host, protocol string) Stream {
	t.Helper()
	s, err := h.Open(t.Context(), to.Public(), protocol)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Reset)
	return s
}

func TestStreamNamesTheKeyAtTheOtherEnd(t *testing.T) {
	server, client := pair(t)
	got := make(chan key.Public, 1)
	server.Handle("who", func(_ context.Context, from key.Public, s Stream) { got <- from })
	if err := open(t, client, server, "who").WriteMsg(nil); err != nil {
		t.Fatal(err)
	}
	if from := <-got; from != client.Public() {
		t.Fatalf("handler saw %v, not %v", from, client.Public())
	}
}

func TestStreamCarriesMessagesOfAllSizes(t *testing.T) {
	server, client := pair(t)
	server.Handle("echo", echo)
	s := open(t, client, server, "echo")
	for _, n := range []int{0, 1, firstRead - 1, firstRead, firstRead + 1, 3*firstRead + 7, 1 << 20} {
		if err := roundTrip(s, bytes.Repeat([]byte{7}, n)); err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	if err := s.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadMsg(1); err != io.EOF {
		t.Fatalf("after the end: %v, not EOF", err)
	}
	if err := s.WriteMsg(make([]byte, MaxFrame+1)); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("oversized write: %v", err)
	}
}

func TestUnknownProtocolIsAnError(t *testing.T) {
	server, client := pair(t)
	if _, err := client.Open(t.Context(), server.Public(), "nothing"); !errors.Is(err, ErrProtocol) {
		t.Fatalf("%v, not ErrProtocol", err)
	}
	// A protocol that the client remembers but the server has dropped shows at the first read.
	server.Handle("brief", echo)
	if err := roundTrip(open(t, client, server, "brief"), []byte("a")); err != nil {
		t.Fatal(err)
	}
	server.host.RemoveStreamHandler(server.set.protocol("brief"))
	if err := client.host.Peerstore().AddProtocols(server.host.ID(), server.set.protocol("brief")); err != nil {
		t.Fatal(err)
	}
	s, err := client.Open(t.Context(), server.Public(), "brief")
	if err == nil {
		err = roundTrip(s, []byte("a"))
	}
	if !errors.Is(err, ErrProtocol) && !errors.Is(err, ErrReset) {
		t.Fatalf("%v, not ErrProtocol or ErrReset", err)
	}
}

func TestUnknownPeerIsUnreachable(t *testing.T) {
	_, client := pair(t)
	if _, err := client.Open(t.Context(), newKey(t).Public(), "echo"); !errors.Is(err, ErrUnreachable) {
		t.Fatalf("%v, not ErrUnreachable", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := client.Open(ctx, newKey(t).Public(), "echo"); !errors.Is(err, ErrUnreachable) {
		t.Fatalf("%v, not ErrUnreachable", err)
	}
}

// raw writes bytes to a handler without framing them.
func raw(t *testing.T, from, to *Host, name string, b []byte) {
	t.Helper()
	s, err := from.host.NewStream(t.Context(), to.host.ID(), to.set.protocol(name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(b); err != nil {
		t.Fatal(err)
	}
	_ = s.Close() // fails if the handler has reset the stream already
}

func TestGarbageOnAStreamHarmsNobodyElse(t *testing.T) {
	server, client := pair(t)
	errs := make(chan error, 1)
	server.Handle("strict", func(_ context.Context, _ key.Public, s Stream) {
		_, err := s.ReadMsg(100)
		errs <- err
	})
	server.Handle("echo", echo)
	good := open(t, client, server, "echo")
	for _, c := range []struct {
		name  string
		bytes []byte
		want  error
	}{
		{"oversized", []byte{0, 0, 0, 101}, ErrTooLarge},
		{"huge", []byte{255, 255, 255, 255, 1, 2, 3}, ErrTooLarge},
		{"cut in length", []byte{0, 0}, io.ErrUnexpectedEOF},
		{"cut in message", []byte{0, 0, 0, 50, 1, 2}, io.ErrUnexpectedEOF},
		{"nothing", nil, io.EOF},
	} {
		raw(t, client, server, "strict", c.bytes)
		if err := <-errs; !errors.Is(err, c.want) {
			t.Errorf("%s: %v, not %v", c.name, err, c.want)
		}
		if err := roundTrip(good, []byte(c.name)); err != nil {
			t.Errorf("%s: another stream suffered: %v", c.name, err)
		}
	}
	// Bytes that are not even a protocol negotiation.
	s, err := client.host.Network().NewStream(t.Context(), server.host.ID())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(bytes.Repeat([]byte{0xff}, 4096)); err != nil {
		t.Fatal(err)
	}
	if err := roundTrip(good, []byte("still")); err != nil {
		t.Fatal(err)
	}
}

func TestResetDeadlineAndCloseAreTyped(t *testing.T) {
	server, client := pair(t)
	server.Handle("reset", func(_ context.Context, _ key.Public, s Stream) { s.Reset() })
	server.Handle("silent", func(ctx context.Context, _ key.Public, s Stream) { <-ctx.Done() })
	s, err := client.Open(t.Context(), server.Public(), "reset")
	if err == nil {
		err = roundTrip(s, []byte("a"))
	}
	if !errors.Is(err, ErrReset) {
		t.Errorf("reset by peer: %v", err)
	}
	s = open(t, client, server, "silent")
	if err := s.SetDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadMsg(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
	s = open(t, client, server, "silent")
	if err := s.WriteMsg(nil); err != nil {
		t.Fatal(err)
	}
	read := make(chan error)
	go func() {
		_, err := s.ReadMsg(1)
		read <- err
	}()
	if err := server.Close(); err != nil { // ends the handlers' context and waits for them
		t.Fatal(err)
	}
	if err := <-read; err == nil {
		t.Error("read outlived the peer")
	}
}

func TestOnePeerCannotHoldAllStreams(t *testing.T) {
	server, client := pair(t)
	other := start(t, Config{Peers: server.Addrs()})
	server.Handle("hold", func(ctx context.Context, _ key.Public, s Stream) {
		if b, err := s.ReadMsg(1); err != nil || s.WriteMsg(b) != nil {
			return
		}
		_, _ = s.ReadMsg(1) // until it is reset
	})
	held := 0
	for range MaxStreams + 20 {
		s, err := client.Open(t.Context(), server.Public(), "hold")
		if err != nil {
			continue
		}
		t.Cleanup(s.Reset)
		if err := roundTrip(s, nil); err == nil {
			held++
		} else if !errors.Is(err, ErrReset) {
			t.Fatalf("stream over the limit: %v, not ErrReset", err)
		}
	}
	if held != MaxStreams {
		t.Errorf("one peer held %d streams of one protocol, not %d", held, MaxStreams)
	}
	if err := roundTrip(open(t, other, server, "hold"), []byte{1}); err != nil {
		t.Errorf("another peer's stream: %v", err)
	}
}

func TestIdentityRoundTrip(t *testing.T) {
	pub := newKey(t).Public()
	id, err := IDOf(pub)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := PublicOf(id); err != nil || got != pub {
		t.Fatalf("%v came back as %v, %v", pub, got, err)
	}
	for _, bad := range []peer.ID{"", "x", peer.ID(protocol.ID("/a/b"))} {
		if _, err := PublicOf(bad); !errors.Is(err, ErrPeerID) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	ed, err := peer.Decode("12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := PublicOf(ed); !errors.Is(err, ErrPeerID) {
		t.Errorf("an Ed25519 ID: %v", err)
	}
	if _, err := IDOf(key.Public{}); !errors.Is(err, ErrPeerID) {
		t.Errorf("zero key: %v", err)
	}
}
