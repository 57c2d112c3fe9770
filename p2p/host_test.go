package p2p

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"funai/key"
)

const loopback = "/ip4/127.0.0.1/tcp/0"

func newKey(t testing.TB) *key.Private {
	t.Helper()
	k, err := key.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// start starts a host that is closed with the test, on a free port unless c says otherwise.
func start(t testing.TB, c Config) *Host {
	t.Helper()
	if c.Key == nil {
		c.Key = newKey(t)
	}
	if c.ChainID == "" {
		c.ChainID = "test"
	}
	if c.Listen == nil {
		c.Listen = []string{loopback}
	}
	h, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// network starts n hosts of which each knows only the first.
func network10(t testing.TB) []*Host {
	t.Helper()
	hosts := []*Host{start(t, Config{})}
	for len(hosts) < 10 {
		hosts = append(hosts, start(t, Config{Peers: hosts[0].Addrs()}))
	}
	return hosts
}

// eventually waits for a condition that nothing announces.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

func connected(hosts []*Host) func() bool {
	return func() bool {
		for _, h := range hosts {
			if len(h.Peers()) < len(hosts)-1 {
				return false
			}
		}
		return true
	}
}

// subscribers says how many peers of h are known to subscribe to a topic.
func subscribers(h *Host, topic string) int { return len(h.pubsub.ListPeers(h.set.topic(topic))) }

func TestTenHostsThatKnowOneMeetAll(t *testing.T) {
	hosts := network10(t)
	eventually(t, "all connected to all", connected(hosts))
	if !slices.Contains(hosts[3].Peers(), hosts[7].Public()) {
		t.Fatal("host 3 does not list host 7")
	}
}

func TestHostsOfOtherChainsPart(t *testing.T) {
	a := start(t, Config{})
	b := start(t, Config{Peers: a.Addrs()})
	eventually(t, "peers of one chain meet", func() bool { return len(a.Peers()) == 1 })
	other := start(t, Config{ChainID: "other", Peers: a.Addrs()})
	if _, err := other.Open(t.Context(), a.Public(), "echo"); err == nil {
		t.Fatal("a stream to another chain's host was opened")
	}
	eventually(t, "other chain parted", func() bool {
		return !slices.Contains(a.Peers(), other.Public()) && slices.Contains(a.Peers(), b.Public())
	})
}

func TestRestartedHostIsFoundAgain(t *testing.T) {
	k := newKey(t)
	boot := start(t, Config{})
	asker := start(t, Config{Peers: boot.Addrs()})
	for range 3 { // on another port each time
		h, err := New(t.Context(), Config{Key: k, ChainID: "test", Listen: []string{loopback}, Peers: boot.Addrs()})
		if err != nil {
			t.Fatal(err)
		}
		h.Handle("echo", echo)
		eventually(t, "host has joined", func() bool { return len(h.Peers()) > 0 })
		eventually(t, "stream to the host", func() bool {
			s, err := asker.Open(t.Context(), k.Public(), "echo")
			if err != nil {
				return false
			}
			defer s.Close()
			return roundTrip(s, []byte("hello")) == nil
		})
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "host is gone", func() bool { return !slices.Contains(asker.Peers(), k.Public()) })
	}
	if _, err := asker.Open(t.Context(), k.Public(), "echo"); !errors.Is(err, ErrUnreachable) {
		t.Fatalf("a host that is gone: %v, not ErrUnreachable", err)
	}
}

func TestConfiguredPeerIsDialledUntilItComes(t *testing.T) {
	first := start(t, Config{})
	k, addrs := first.set.Key, first.Addrs()
	h := start(t, Config{Peers: addrs})
	eventually(t, "connected", func() bool { return len(h.Peers()) == 1 })
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "parted", func() bool { return len(h.Peers()) == 0 })
	again := start(t, Config{Key: k, Listen: []string{addrs[0][:len(addrs[0])-len("/p2p/"+first.host.ID().String())]}})
	eventually(t, "connected again", func() bool { return len(again.Peers()) == 1 && len(h.Peers()) == 1 })
}

func TestBadConfigIsRefused(t *testing.T) {
	k := newKey(t)
	for name, c := range map[string]Config{
		"no key":         {ChainID: "test"},
		"no chain":       {Key: k},
		"slash in chain": {Key: k, ChainID: "a/b"},
		"bad listen":     {Key: k, ChainID: "test", Listen: []string{"127.0.0.1:80"}},
		"foreign port":   {Key: k, ChainID: "test", Listen: []string{"/ip4/192.0.2.1/tcp/1"}},
		"peer has no ID": {Key: k, ChainID: "test", Peers: []string{"/ip4/127.0.0.1/tcp/1"}},
		"bad relay":      {Key: k, ChainID: "test", Relays: []string{"x"}},
	} {
		if _, err := New(t.Context(), c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v, not ErrConfig", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(ctx, Config{Key: k, ChainID: "test"}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
}

func TestCloseLeavesNothingRunning(t *testing.T) {
	before := runtime.NumGoroutine()
	a := start(t, Config{})
	b := start(t, Config{Peers: a.Addrs()})
	eventually(t, "connected", func() bool { return len(b.Peers()) == 1 })
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "no goroutine left", func() bool { return runtime.NumGoroutine() <= before })
}

func TestQUICIsSpokenWhenNamed(t *testing.T) {
	a := start(t, Config{Listen: []string{"/ip4/127.0.0.1/udp/0/quic-v1"}})
	b := start(t, Config{Listen: []string{"/ip4/127.0.0.1/udp/0/quic-v1"}, Peers: a.Addrs()})
	a.Handle("echo", echo)
	eventually(t, "connected", func() bool { return len(b.Peers()) == 1 })
	if err := roundTrip(open(t, b, a, "echo"), []byte("hello")); err != nil {
		t.Fatal(err)
	}
}

func TestHostsSharingARegistryNeedLabels(t *testing.T) {
	reg := prometheus.NewRegistry()
	labelled := func(host string) prometheus.Registerer {
		return prometheus.WrapRegistererWith(prometheus.Labels{"host": host}, reg)
	}
	start(t, Config{Registerer: labelled("1")})
	if _, err := New(t.Context(), Config{Key: newKey(t), ChainID: "test", Registerer: labelled("1")}); !errors.Is(err, ErrConfig) {
		t.Fatalf("%v, not ErrConfig", err)
	}
	start(t, Config{Registerer: labelled("2")})
	if all, err := reg.Gather(); err != nil || len(all) == 0 {
		t.Fatalf("%d metrics, %v", len(all), err)
	}
}

func TestClosedHostSaysSo(t *testing.T) {
	h := start(t, Config{})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if err := h.Publish(t.Context(), "a", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("publish: %v", err)
	}
	if err := h.Subscribe("a", 1, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("subscribe: %v", err)
	}
	if _, err := h.Open(t.Context(), h.Public(), "a"); !errors.Is(err, ErrClosed) {
		t.Errorf("open: %v", err)
	}
}

func info(h *Host) peer.AddrInfo { return peer.AddrInfo{ID: h.host.ID(), Addrs: h.host.Addrs()} }

// link connects two hosts without their knowing of others.
func link(t testing.TB, a, b *Host) {
	t.Helper()
	if err := a.dial(t.Context(), info(b)); err != nil {
		t.Fatal(err)
	}
}

func now() time.Time { return time.Now() }
