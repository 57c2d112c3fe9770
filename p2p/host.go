package p2p

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	coreconnmgr "github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/host/autorelay"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"

	"funai/key"
)

// Host is one member of the network. Its methods may be called at the same time.
type Host struct {
	set     settings
	host    host.Host
	dht     *dht.IpfsDHT
	pubsub  *pubsub.PubSub
	bans    *bans
	metrics *metrics
	budgets budgets
	kick    chan struct{} // has discovery run soon

	checking atomic.Int64 // bytes of messages with handlers

	life context.Context // ends at Close: handed to handlers and to libp2p's own loops
	end  context.CancelFunc

	mu     sync.Mutex
	closed bool
	topics map[string]*topic
	work   sync.WaitGroup // handlers and loops; grows only while not closed
}

// New starts a host. ctx bounds only the start; Close ends the host.
func New(ctx context.Context, cfg Config) (*Host, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	set, err := cfg.read()
	if err != nil {
		return nil, err
	}
	h := &Host{set: set, bans: newBans(), kick: make(chan struct{}, 1), topics: make(map[string]*topic)}
	h.metrics = newMetrics(h)
	h.life, h.end = context.WithCancel(context.Background())
	if err := h.start(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *Host) start() error {
	opts, err := h.options()
	if err != nil {
		return err
	}
	if h.host, err = libp2p.New(opts...); err != nil {
		return fmt.Errorf("start host: %w", err)
	}
	mode := dht.ModeServer
	if h.set.NAT {
		mode = dht.ModeAutoServer // whoever turns out to be unreachable only asks
	}
	// We look peers up and store nothing, and refresh by our own, slower, clock.
	h.dht, err = dht.New(h.life, h.host, dht.Mode(mode), dht.ProtocolPrefix(h.set.protocol("dht")),
		dht.BucketSize(bucketSize), dht.DisableAutoRefresh(), dht.DisableProviders(), dht.DisableValues())
	if err != nil {
		return fmt.Errorf("start dht: %w", err)
	}
	if h.pubsub, err = h.newGossip(); err != nil {
		return fmt.Errorf("start gossip: %w", err)
	}
	if err := h.metrics.register(h.set.Registerer); err != nil {
		return fmt.Errorf("%w: metrics: %v", ErrConfig, err)
	}
	if err := h.startLoops(); err != nil {
		return err
	}
	// Only now, so that the first peer to look at us sees all that we speak.
	if err := h.host.Network().Listen(h.set.listen...); err != nil && len(h.set.listen) > 0 {
		return fmt.Errorf("%w: listen on %v: %v", ErrConfig, h.set.Listen, err)
	}
	return nil
}

// plainConnManager hides that the connection manager can rate peers by what they deliver: for each message gossipsub
// would have it do so, through a queue that a burst fills, with a warning for each one over.
type plainConnManager struct{ coreconnmgr.ConnManager }

func (h *Host) options() ([]libp2p.Option, error) {
	limits, err := resources()
	if err != nil {
		return nil, err
	}
	conns, err := connmgr.NewConnManager(lowPeers, highPeers, connmgr.WithGracePeriod(30*time.Second))
	if err != nil {
		return nil, errors.Join(err, limits.Close())
	}
	opts := []libp2p.Option{
		libp2p.Identity(h.set.secret), libp2p.Security(noise.ID, noise.New), libp2p.Transport(tcp.NewTCPTransport),
		libp2p.ResourceManager(limits), libp2p.ConnectionManager(plainConnManager{conns}), libp2p.ConnectionGater(h.bans),
		libp2p.UserAgent("funai"), libp2p.Ping(false), libp2p.DisableMetrics(),
		libp2p.EnableRelay(), // to reach those who are behind one; it stands before NoListenAddrs, which would turn it off
	}
	if h.set.quic {
		opts = append(opts, libp2p.Transport(quic.NewTransport))
	}
	if h.set.NAT {
		opts = append(opts, libp2p.NATPortMap(), libp2p.EnableNATService())
	} else {
		opts = append(opts, libp2p.DisableIdentifyAddressDiscovery())
	}
	if h.set.HolePunching {
		opts = append(opts, libp2p.EnableHolePunching(holepunch.DirectDialTimeout(10*time.Second)))
	}
	if len(h.set.relays) > 0 {
		opts = append(opts, libp2p.EnableAutoRelayWithStaticRelays(h.set.relays, autorelay.WithBootDelay(0), autorelay.WithBackoff(time.Minute)))
	}
	switch {
	case h.set.RelayService:
		// libp2p offers relay addresses of public networks only, if not told otherwise.
		anywhere := relay.WithReservationAddressFilter(func(ma.Multiaddr) bool { return true })
		opts = append(opts, libp2p.ForceReachabilityPublic(), libp2p.EnableRelayService(relay.WithResources(relayLimits()), anywhere))
	case len(h.set.relays) > 0 && !h.set.NAT:
		opts = append(opts, libp2p.ForceReachabilityPrivate(), libp2p.AddrsFactory(h.withRelays))
	}
	return append(opts, libp2p.NoListenAddrs), nil
}

// withRelays adds the addresses at which the relays pass others on to us: libp2p names them only if they are public.
func (h *Host) withRelays(addrs []ma.Multiaddr) []ma.Multiaddr {
	for _, r := range h.set.relays {
		through := ma.StringCast("/p2p/" + r.ID.String() + "/p2p-circuit")
		for _, a := range r.Addrs {
			if full := a.Encapsulate(through); !ma.Contains(addrs, full) {
				addrs = append(addrs, full)
			}
		}
	}
	return addrs
}

// Close leaves the network, and waits for every handler to return.
func (h *Host) Close() error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.end()
	var errs []error
	if h.dht != nil {
		errs = append(errs, h.dht.Close())
	}
	if h.host != nil {
		errs = append(errs, h.host.Close())
	}
	h.work.Wait()
	h.metrics.unregister()
	return errors.Join(errs...)
}

// enter has Close wait until the matching h.work.Done. It says no when the host is closed.
func (h *Host) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.work.Add(1)
	}
	return !h.closed
}

// Public returns the host's own key.
func (h *Host) Public() key.Public { return h.set.Key.Public() }

// Addrs returns the multiaddrs, /p2p/ID included, at which others can reach the host.
func (h *Host) Addrs() []string {
	var all []string
	for _, a := range h.host.Addrs() {
		all = append(all, a.String()+"/p2p/"+h.host.ID().String())
	}
	return all
}

// Peers returns the keys of the peers connected now, in no order.
func (h *Host) Peers() []key.Public {
	var all []key.Public
	for _, id := range h.host.Network().Peers() {
		if h.host.Network().Connectedness(id) != network.Connected {
			continue
		}
		if pub, err := PublicOf(id); err == nil {
			all = append(all, pub)
		}
	}
	return all
}
