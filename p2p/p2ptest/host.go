package p2ptest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"funai/key"
	"funai/p2p"
)

// Host is one member of a Net. Its methods are those of p2p.Host, and may be called at the same time.
type Host struct {
	net   *Net
	pub   key.Public
	start uint64 // which start of this key's host it is
	life  context.Context
	end   context.CancelFunc
	work  sync.WaitGroup // handlers; grows only while not down

	// Guarded by the net's lock.
	down, crashed bool
	topics        map[string]subscription
	handlers      map[string]p2p.Handler
	seen          map[[32]byte]sighting // messages of the last p2p.SeenTime, and some older ones
	swept         time.Time             // when older ones were last forgotten
	penalties     map[key.Public]int
	banned        map[key.Public]time.Time // until
	ends          map[*end]struct{}        // of open streams, on this side
	opened        map[streamKind]uint64    // streams ever opened from here
	serving       map[streamKind]int       // streams being served here
}

type subscription struct {
	max    int
	handle p2p.GossipHandler
}

// sighting is what a host remembers of a message.
type sighting struct {
	at   time.Time // first seen
	sent bool      // published or passed on
}

type streamKind struct {
	peer     key.Public
	protocol string
}

func newHost(n *Net, pub key.Public) *Host {
	h := &Host{
		net: n, pub: pub, topics: make(map[string]subscription), handlers: make(map[string]p2p.Handler),
		seen: make(map[[32]byte]sighting), swept: time.Now(),
		penalties: make(map[key.Public]int), banned: make(map[key.Public]time.Time),
		ends: make(map[*end]struct{}), opened: make(map[streamKind]uint64), serving: make(map[streamKind]int),
	}
	h.life, h.end = context.WithCancel(context.Background())
	return h
}

// Close leaves the network, and waits for every handler to return. What the host has sent still arrives.
func (h *Host) Close() error {
	h.net.mu.Lock()
	h.stop(false)
	h.net.mu.Unlock()
	h.work.Wait()
	return nil
}

// Crash ends the host as a power cut would: what it has sent and is still under way is lost. It does not wait for handlers.
func (h *Host) Crash() {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.stop(true)
}

func (h *Host) stop(crashed bool) {
	if h.down {
		return
	}
	h.down, h.crashed = true, crashed
	delete(h.net.hosts, h.pub)
	h.end()
	for e := range h.ends {
		e.pipe.reset()
	}
}

// Addrs returns a name for the host that looks like an address.
func (h *Host) Addrs() []string { return []string{"/memory/" + hex.EncodeToString(h.pub[:])} }

// Public returns the host's own key.
func (h *Host) Public() key.Public { return h.pub }

// Peers returns the keys of the hosts that can be reached now.
func (h *Host) Peers() []key.Public {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	var all []key.Public
	for _, p := range h.net.neighbours(h) {
		all = append(all, p.pub)
	}
	return all
}

// Penalties returns how often this host rejected a message handed on by each peer.
func (h *Host) Penalties() map[key.Public]int {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	return maps.Clone(h.penalties)
}

func (h *Host) bans(peer key.Public) bool { return time.Now().Before(h.banned[peer]) }

// Publish is p2p.Host's.
func (h *Host) Publish(ctx context.Context, topic string, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.down {
		return p2p.ErrClosed
	}
	limit := p2p.MaxGossip
	if s, ok := h.topics[topic]; ok {
		limit = s.max
	}
	if len(data) > limit {
		return fmt.Errorf("%w: message of %d bytes on %q exceeds %d", p2p.ErrTooLarge, len(data), topic, limit)
	}
	m := message{topic, bytes.Clone(data), sha256.Sum256(append([]byte(topic+"\x00"), data...))}
	h.see(m.id)
	h.spread(m, nil)
	return nil
}

// Subscribe is p2p.Host's.
func (h *Host) Subscribe(topic string, maxBytes int, handle p2p.GossipHandler) error {
	if maxBytes <= 0 || maxBytes > p2p.MaxGossip {
		return fmt.Errorf("%w: topic %q: bound of %d bytes is not within 1 and %d", p2p.ErrConfig, topic, maxBytes, p2p.MaxGossip)
	}
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.down {
		return p2p.ErrClosed
	}
	if _, ok := h.topics[topic]; ok {
		return fmt.Errorf("%w: topic %q is subscribed to already", p2p.ErrConfig, topic)
	}
	h.topics[topic] = subscription{maxBytes, handle}
	return nil
}

// see remembers a message and says whether it is new.
func (h *Host) see(id [32]byte) bool {
	old := func(s sighting) bool { return time.Since(s.at) >= p2p.SeenTime }
	if time.Since(h.swept) >= p2p.SeenTime {
		maps.DeleteFunc(h.seen, func(_ [32]byte, s sighting) bool { return old(s) })
		h.swept = time.Now()
	}
	if s, ok := h.seen[id]; ok && !old(s) {
		return false
	}
	h.seen[id] = sighting{at: time.Now()}
	return true
}

// spread sends a message that was seen to the linked subscribers, except to the one it came from; but only once.
func (h *Host) spread(m message, from *Host) {
	s := h.seen[m.id]
	if s.sent {
		return
	}
	s.sent = true
	h.seen[m.id] = s
	for _, to := range h.net.neighbours(h) {
		if _, ok := to.topics[m.topic]; ok && to != from {
			h.net.hop(h, to, m)
		}
	}
}

// arrive is called when a hop ends.
func (h *Host) arrive(from *Host, m message) {
	s, ok := h.admit(from, m)
	if !ok {
		return
	}
	defer h.work.Done()
	err := fmt.Errorf("%w: %d bytes exceed %d", p2p.ErrReject, len(m.data), s.max)
	if len(m.data) <= s.max {
		err = s.handle(h.life, from.pub, m.data)
	}
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	switch {
	case err == nil && !h.down:
		h.spread(m, from)
	case errors.Is(err, p2p.ErrReject):
		if h.penalties[from.pub]++; h.penalties[from.pub]%p2p.RejectLimit == 0 {
			h.banned[from.pub] = time.Now().Add(p2p.BanTime)
			h.net.resetParted()
		}
	}
}

// admit says whether a message that arrives is for the handler; if so, work has been begun.
func (h *Host) admit(from *Host, m message) (s subscription, ok bool) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	s, ok = h.topics[m.topic]
	lost := from.crashed || h.down || h.net.parted(from.pub, h.pub) || h.bans(from.pub)
	if lost || !ok || !h.see(m.id) {
		return s, false
	}
	h.work.Add(1)
	return s, true
}
