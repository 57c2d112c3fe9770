package peer

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"funai/ledger/chain"
	"funai/ledger/mempool"
)

// Config is a server's surroundings and bounds. Chain and Pool must outlive the server.
type Config struct {
	Chain *chain.Chain
	Pool  *mempool.Pool
	// Listeners are closed by Close.
	Listeners []net.Listener
	// Dial opens a connection to "host:port"; nil dials TCP.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
	// Resolve looks the addresses of a host up, for Seeds; nil asks the system's resolver.
	Resolve func(ctx context.Context, host string) ([]net.IP, error)
	// Peers are addresses to stay connected to; without a port, the network's own is meant.
	Peers []string
	// OnlyConnect keeps the server from connecting to others than Peers, and from asking for addresses.
	OnlyConnect bool
	// Seeds are where addresses are learned from while fewer than a thousand are known: names with many addresses (DNS
	// seeds), or nodes as "host:port".
	Seeds []string
	// External are addresses of ours to tell others, "host:port"; those of the listeners are told without being asked to.
	External []string
	// AddrFile keeps the addresses of nodes over a restart; "" keeps them in memory only.
	AddrFile string
	// BanFile keeps the banned over a restart; "" keeps them in memory only.
	BanFile string
	// MaxIn and MaxOut bound the connections of each direction; 0 is 117 and 8 (Bitcoin Core's). When all places of MaxIn
	// are taken, a newcomer takes the place of one that matters less, or is refused. MaxOut bounds the connections
	// to Peers and, apart from those, the ones to nodes found in the network.
	MaxIn, MaxOut int
	// Trickle is how long transactions wait on the average before an inbound peer is told of them, many at once, which
	// hides where they came from; an outbound peer waits two fifths of it (Bitcoin Core's 5 s and 2 s). 0 is 5 s, and no
	// time on networks without retargeting; negative is no time.
	Trickle  time.Duration
	Timeouts Timeouts
	Logger   *slog.Logger
	Metrics  prometheus.Registerer // nil: none
}

// Timeouts bound how long a server waits. Zero values stand for the defaults.
type Timeouts struct {
	Dial       time.Duration // 10 s, to open a connection
	Handshake  time.Duration // 10 s, from connection to verack
	Message    time.Duration // 60 s, from the first to the last byte of a message, and for writing one
	Request    time.Duration // 30 s, for the next block or headers of those asked for
	Backoff    time.Duration // 1 s, before the second try to connect; it doubles with each
	BackoffMax time.Duration // 1 min
	Ban        time.Duration // 24 h
}

func (t *Timeouts) defaults() {
	for _, d := range []struct {
		value *time.Duration
		std   time.Duration
	}{
		{&t.Dial, 10 * time.Second}, {&t.Handshake, 10 * time.Second}, {&t.Message, time.Minute},
		{&t.Request, 30 * time.Second}, {&t.Backoff, time.Second}, {&t.BackoffMax, time.Minute}, {&t.Ban, 24 * time.Hour},
	} {
		if *d.value <= 0 {
			*d.value = d.std
		}
	}
}

// defaults fills in what was left out.
func (c *Config) defaults() {
	c.Timeouts.defaults()
	if c.MaxIn <= 0 {
		c.MaxIn = 117
	}
	if c.MaxOut <= 0 {
		c.MaxOut = 8
	}
	if c.Dial == nil {
		c.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
	}
	if c.Resolve == nil {
		c.Resolve = func(ctx context.Context, host string) ([]net.IP, error) {
			return net.DefaultResolver.LookupIP(ctx, "ip", host)
		}
	}
	if c.Trickle == 0 && !c.Chain.Params().PoWNoRetargeting {
		c.Trickle = inboundTrickle
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

// inboundTrickle is Bitcoin Core's INBOUND_INVENTORY_BROADCAST_INTERVAL.
const inboundTrickle = 5 * time.Second
