package nodetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"funai/key"
	"funai/node"
	"funai/p2p"
)

// Member is one node of the network, through its crashes and restarts.
type Member struct {
	n    *Net
	Name string
	Key  *key.Private
	addr string // on the ledger's network
	cfg  node.Config
	pace atomic.Int64

	mu    turn       // of what follows
	node  *node.Node // nil while it does not run
	host  *Host
	disk  *disk
	watch context.CancelFunc
	done  chan struct{}

	life  context.Context // of the node
	end   context.CancelFunc
	calls sync.WaitGroup // that the node must outlive
}

// turn is a lock that a fake clock goes on under while others wait for it.
type turn chan struct{}

func (t turn) Lock()   { t <- struct{}{} }
func (t turn) Unlock() { <-t }

// Node is the member's node; nil while it does not run.
func (m *Member) Node() *node.Node {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.node
}

// Use gives the member's node to a function, if it runs. The node is not stopped meanwhile.
func (m *Member) Use(f func(*node.Node) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.node == nil {
		return nil
	}
	return f(m.node)
}

// Hash names the member on both layers.
func (m *Member) Hash() key.Hash160 { return m.Key.Public().Hash160() }

// Mine sets how long the member waits between its ledger blocks, if it is a miner.
func (m *Member) Mine(pace time.Duration) { m.pace.Store(int64(pace)) }

// Start starts the member, from what its disk holds.
func (m *Member) Start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.node != nil {
		return
	}
	n := m.n
	l, err := n.Wires.Listen(m.addr)
	if err != nil {
		n.t.Fatal(err)
	}
	cfg := m.cfg
	cfg.Dir = m.disk.dir
	cfg.Surroundings = node.Surroundings{FS: m.disk.fs(), LedgerListener: l, LedgerDial: n.Wires.Dialer(m.addr),
		NewHost: func(context.Context, p2p.Config) (node.Host, error) {
			m.host = &Host{Host: n.Gossip.Host(m.Key), m: m}
			if n.o.Wrap != nil {
				if h := n.o.Wrap(m.Name, m.host); h != nil {
					return h, nil
				}
			}
			return m.host, nil
		}}
	if m.node, err = node.Start(n.ctx, cfg); err != nil {
		m.node = nil
		n.t.Fatalf("%s: %v", m.Name, errors.Join(err, l.Close()))
	}
	m.host.node.Store(m.node)
	m.life, m.end = context.WithCancel(n.ctx)
	ctx, cancel := context.WithCancel(context.Background())
	m.watch, m.done = cancel, make(chan struct{})
	go func(nd *node.Node, done chan struct{}) {
		defer close(done)
		n.seen.follow(ctx, m, nd)
	}(m.node, m.done)
}

// Stop stops the member in good order.
func (m *Member) Stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stop()
}

// Call gives the member's node to a function that may take long, with a context that ends when the node is stopped.
func (m *Member) Call(ctx context.Context, f func(context.Context, *node.Node) error) error {
	m.mu.Lock()
	nd, life := m.node, m.life
	if nd != nil {
		m.calls.Add(1)
	}
	m.mu.Unlock()
	if nd == nil {
		return fmt.Errorf("%s does not run", m.Name)
	}
	defer m.calls.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(life, cancel)()
	return f(ctx, nd)
}

// stop stops watching and closes the node.
func (m *Member) stop() {
	if m.node == nil {
		return
	}
	m.watch()
	<-m.done
	m.end()
	m.calls.Wait()
	if err := m.node.Close(); err != nil {
		m.n.t.Errorf("%s: %v", m.Name, err)
	}
	m.node = nil
}

// Crash ends the member as a power cut does, before it next writes to its disk for the given time, or within a second if it
// writes less: what it had not been told is safe may be gone, and what it does from then on is for nothing.
func (m *Member) Crash(r *rand.Rand, writes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.node == nil {
		return
	}
	after := m.disk.arm(writes, r, func() {
		m.host.Crash()
		for _, other := range m.n.Members {
			m.n.Wires.Cut(m.addr, other.addr)
		}
	})
	m.stop()
	for _, other := range m.n.Members {
		if !m.n.apart(m, other) {
			m.n.Wires.Heal(m.addr, other.addr)
		}
	}
	if after.err != nil {
		m.n.t.Fatal(after.err)
	}
	m.disk = after
}
