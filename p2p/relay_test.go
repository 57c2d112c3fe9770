package p2p

import (
	"bytes"
	"errors"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
)

// A host that nobody can dial serves another such, by a stream of more than libp2p's 128 KiB, through a relay.
func TestStreamThroughARelay(t *testing.T) {
	relay := start(t, Config{RelayService: true})
	hidden := start(t, Config{Listen: []string{}, Peers: relay.Addrs(), Relays: relay.Addrs(), HolePunching: true})
	asker := start(t, Config{Listen: []string{}, Peers: relay.Addrs()})
	hidden.Handle("echo", echo)
	var s Stream
	eventually(t, "a stream to the hidden host", func() (ok bool) {
		var err error
		s, err = asker.Open(t.Context(), hidden.Public(), "echo")
		return err == nil
	})
	defer s.Close()
	if c := asker.host.Network().Connectedness(hidden.host.ID()); c != network.Limited {
		t.Fatalf("connection is %v, not through the relay", c)
	}
	if err := roundTrip(s, bytes.Repeat([]byte{1}, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := relay.Close(); err != nil {
		t.Fatal(err)
	}
	if err := roundTrip(s, []byte{1}); !errors.Is(err, ErrReset) {
		t.Errorf("after the relay is gone: %v", err)
	}
}
