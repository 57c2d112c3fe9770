package p2p

import (
	"context"
	"crypto/rand"
	"fmt"
	mrand "math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"golang.org/x/sync/errgroup"
)

const (
	bucketSize  = 20                     // peers one lookup returns at most, Kademlia's k
	redialMin   = 250 * time.Millisecond // between attempts to reach a configured peer, doubling
	redialMax   = 30 * time.Second
	settled     = 10 * time.Second // a connection that lasted this long starts the doubling anew
	lookupDelay = 50 * time.Millisecond
	lookupMin   = time.Second // between lookups of new peers, doubling while none are found
	lookupMax   = 2 * time.Minute
	chainGrace  = 2 * time.Second
	lookupTime  = 10 * time.Second
)

// startLoops starts what keeps the host connected.
func (h *Host) startLoops() error {
	sub, err := h.host.EventBus().Subscribe([]any{
		new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerIdentificationFailed), new(event.EvtPeerConnectednessChanged),
	}, eventbus.BufSize(256), eventbus.Name("funai"))
	if err != nil {
		return fmt.Errorf("watch peers: %w", err)
	}
	lost := make(map[peer.ID]chan struct{})
	for _, p := range h.set.peers {
		if p.ID == h.host.ID() {
			continue
		}
		lost[p.ID] = make(chan struct{}, 1)
		h.host.ConnManager().Protect(p.ID, "configured")
		h.work.Go(func() { h.keep(p, lost[p.ID]) })
	}
	h.work.Go(func() { h.watch(sub, lost) })
	h.work.Go(h.discover)
	return nil
}

// watch parts with hosts that are not ours, and wakes the other loops when peers come and go.
func (h *Host) watch(sub event.Subscription, lost map[peer.ID]chan struct{}) {
	defer sub.Close()
	for {
		var e any
		select {
		case <-h.life.Done():
			return
		case e = <-sub.Out():
		}
		switch e := e.(type) {
		case event.EvtPeerIdentificationCompleted:
			h.wakeDiscovery()
			if !slices.Contains(e.Protocols, h.set.protocol(gossipProtocol)) && h.enter() {
				go func() {
					defer h.work.Done()
					h.checkChain(e.Peer)
				}()
			}
		case event.EvtPeerIdentificationFailed:
			h.set.log.Debug("peer does not say what it speaks", "peer", e.Peer, "error", e.Reason)
			_ = h.host.Network().ClosePeer(e.Peer)
		case event.EvtPeerConnectednessChanged:
			if e.Connectedness == network.NotConnected {
				h.budgets.forget(e.Peer)
				wake(lost[e.Peer])
				h.wakeDiscovery()
			}
		}
	}
}

// checkChain parts with a peer that still does not speak our chain's protocols a moment after it introduced itself: one
// that is starting may introduce itself before it speaks them, and corrects that at once.
func (h *Host) checkChain(id peer.ID) {
	pause(h.life, chainGrace, nil)
	if ours, err := h.host.Peerstore().SupportsProtocols(id, h.set.protocol(gossipProtocol)); err != nil || len(ours) == 0 {
		h.set.log.Debug("peer is not of this chain", "peer", id, "chain", h.set.ChainID)
		_ = h.host.Network().ClosePeer(id)
	}
}

func (h *Host) wakeDiscovery() {
	if len(h.host.Network().Peers()) < targetPeers {
		wake(h.kick)
	}
}

// wake puts a token into a channel of one, if there is room. A nil channel has none.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// pause waits for a time, give or take a quarter so that hosts do not move in step, or until woken.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) (woken bool) {
	t := time.NewTimer(d*3/4 + mrand.N(d/2))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-wake:
		return true
	}
	return false
}

// keep stays connected to a configured peer.
func (h *Host) keep(p peer.AddrInfo, lost <-chan struct{}) {
	for wait := redialMin; h.life.Err() == nil; {
		select {
		case <-lost: // of an earlier connection
		default:
		}
		ctx, cancel := context.WithTimeout(h.life, dialTimeout)
		err := h.dial(ctx, p)
		cancel()
		since := time.Now()
		if err != nil {
			h.set.log.Debug("configured peer not reached", "peer", p.ID, "error", err)
		} else if h.host.Network().Connectedness(p.ID) == network.Connected {
			select {
			case <-h.life.Done():
			case <-lost:
			}
		}
		if time.Since(since) >= settled {
			wait = redialMin
		}
		pause(h.life, wait, nil)
		wait = min(2*wait, redialMax)
	}
}

// discover looks for peers: soon after one comes or goes, otherwise ever more rarely while there is nobody new.
func (h *Host) discover() {
	net := h.host.Network()
	for wait := lookupMin; h.life.Err() == nil; {
		if woken := pause(h.life, wait, h.kick); woken {
			wait = lookupMin
			pause(h.life, lookupDelay, nil) // peers rarely come alone
		}
		before := len(net.Peers())
		if found := h.lookup(string(h.host.ID())); found >= bucketSize && len(net.Peers()) < targetPeers {
			h.lookup(rand.Text()) // the network is larger than our corner of it
		}
		if len(net.Peers()) > before {
			wait = lookupMin
		} else {
			wait = min(2*wait, lookupMax)
		}
	}
}

// lookup asks for the peers closest to a point of the network, connects to them while there are too few, and returns how
// many it heard of.
func (h *Host) lookup(point string) int {
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(h.life, "lookup"), lookupTime)
	defer cancel()
	found, err := h.dht.GetClosestPeers(ctx, point)
	if err != nil {
		h.set.log.Debug("lookup failed", "error", err) // as it does while we know nobody
	}
	var dials errgroup.Group
	dials.SetLimit(4)
	net := h.host.Network()
	for _, id := range found {
		if id == h.host.ID() || net.Connectedness(id) == network.Connected || len(net.Peers()) >= targetPeers {
			continue
		}
		dials.Go(func() error { return h.dial(ctx, peer.AddrInfo{ID: id}) })
	}
	_ = dials.Wait() // who cannot be reached now may be later
	return len(found)
}
