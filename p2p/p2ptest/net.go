// Package p2ptest is an in-memory network with the methods of package p2p, for tests: it runs inside testing/synctest
// bubbles, and delays, loses, doubles, reorders and cuts what is sent, as a seed decides. It may import key and p2p, whose
// documented behaviour is its rule: who is told what, which errors come, what is penalised.
package p2ptest

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"funai/key"
)

// DialTimeout is how long an attempt to reach a host behind a partition takes to fail. A host that is not running
// refuses at once.
const DialTimeout = 5 * time.Second

// Faults says what the network does to what it carries. The zero value carries everything at once.
type Faults struct {
	Loss      float64       // chance that one hop of a gossip message is lost
	Duplicate float64       // chance that one hop of a gossip message arrives twice
	MinDelay  time.Duration // least time that a hop, or a frame of a stream, takes
	MaxDelay  time.Duration // most time; messages overtake one another within it, frames of one stream do not
	Break     float64       // chance that a frame resets its stream instead of arriving
}

// Net is a network of hosts, each linked to every other unless faults part them. A message is handed to all linked
// subscribers, and by each of them that accepts it to all of theirs, so that a lost hop is mostly made up for.
type Net struct {
	seed uint64

	mu     sync.Mutex // guards all below, and all of every host
	faults Faults
	groups map[key.Public]int // nil while there is no partition
	cuts   map[[2]key.Public]bool
	hosts  map[key.Public]*Host // running
	all    []*Host              // ever started
	starts map[key.Public]uint64
}

// New makes a network without faults. What happens to a message or frame depends only on the seed, on who sends it to
// whom, on its content, and on its place among a stream's frames, not on the order in which goroutines run.
func New(seed uint64) *Net {
	return &Net{seed: seed, cuts: make(map[[2]key.Public]bool), hosts: make(map[key.Public]*Host), starts: make(map[key.Public]uint64)}
}

// SetFaults changes the faults for what is sent from now on.
func (n *Net) SetFaults(f Faults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = f
}

// Partition parts the hosts into groups that cannot reach one another; each host in no group is alone. What is under way
// across is lost, and streams across are reset. Groups hold for hosts that start later, too.
func (n *Net) Partition(groups ...[]key.Public) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.groups = make(map[key.Public]int)
	for i, g := range groups {
		for _, p := range g {
			n.groups[p] = i + 1
		}
	}
	n.resetParted()
}

// Cut takes away the link between two hosts, as Partition does.
func (n *Net) Cut(a, b key.Public) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cuts[link(a, b)] = true
	n.resetParted()
}

// Heal ends the partition and all cuts. What was lost stays lost.
func (n *Net) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.groups = nil
	clear(n.cuts)
}

// Host starts a host. A host of the same key that is running crashes first.
func (n *Net) Host(k *key.Private) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	if old := n.hosts[k.Public()]; old != nil {
		old.stop(true)
	}
	h := newHost(n, k.Public())
	n.starts[h.pub]++
	h.start = n.starts[h.pub]
	n.hosts[h.pub] = h
	n.all = append(n.all, h)
	return h
}

// Close closes every host, and waits for the handlers of those that crashed, too.
func (n *Net) Close() error {
	n.mu.Lock()
	all := slices.Clone(n.all)
	n.mu.Unlock()
	for _, h := range all {
		_ = h.Close() // never fails
	}
	return nil
}

func link(a, b key.Public) [2]key.Public {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return [2]key.Public{a, b}
}

// parted says whether a fault keeps two hosts apart, running or not.
func (n *Net) parted(a, b key.Public) bool {
	if n.cuts[link(a, b)] {
		return true
	}
	return n.groups != nil && (n.groups[a] != n.groups[b] || n.groups[a] == 0)
}

// linked says whether what a sends now can reach b.
func (n *Net) linked(a, b *Host) bool {
	return a != b && !a.down && !b.down && !n.parted(a.pub, b.pub) && !a.bans(b.pub) && !b.bans(a.pub)
}

// neighbours lists the hosts linked to h, in the order of their keys.
func (n *Net) neighbours(h *Host) []*Host {
	var all []*Host
	for _, k := range slices.SortedFunc(maps.Keys(n.hosts), func(a, b key.Public) int { return bytes.Compare(a[:], b[:]) }) {
		if n.linked(h, n.hosts[k]) {
			all = append(all, n.hosts[k])
		}
	}
	return all
}

// resetParted resets the streams between hosts that are no longer linked.
func (n *Net) resetParted() {
	for _, h := range n.hosts {
		for e := range h.ends {
			if !n.linked(e.host, e.peer) {
				e.pipe.reset()
			}
		}
	}
}

// dice is the source of all chance of one hop or frame.
func (n *Net) dice(from, to *Host, what []byte, place uint64) *rand.Rand {
	sum := fnv.New128a()
	for _, b := range [][]byte{from.pub[:], to.pub[:], what} {
		sum.Write(b)
	}
	sum.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, from.start), place))
	s := sum.Sum(nil)
	return rand.New(rand.NewPCG(n.seed^binary.BigEndian.Uint64(s), binary.BigEndian.Uint64(s[8:])))
}

func (f Faults) delay(r *rand.Rand) time.Duration {
	if f.MaxDelay <= f.MinDelay {
		return f.MinDelay
	}
	return f.MinDelay + time.Duration(r.Int64N(int64(f.MaxDelay-f.MinDelay)+1))
}

// hop sends one message over one link, or does not.
func (n *Net) hop(from, to *Host, m message) {
	r := n.dice(from, to, m.id[:], 0)
	copies := 1
	if r.Float64() < n.faults.Duplicate {
		copies = 2
	}
	for range copies {
		lost, delay := r.Float64() < n.faults.Loss, n.faults.delay(r)
		if !lost {
			time.AfterFunc(delay, func() { to.arrive(from, m) })
		}
	}
}

// message is a gossip message on its way.
type message struct {
	topic string
	data  []byte
	id    [32]byte
}
