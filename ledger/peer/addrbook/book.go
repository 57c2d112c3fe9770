// Package addrbook remembers the addresses of nodes that a ledger node has heard of, and chooses whom to connect to. It is
// built as Bitcoin Core's addrman is (doc comment of its addrman.h): addresses that were only heard of and addresses that
// were once connected to live in two tables of buckets, in which chance, and where an address and its source are in the
// network, fix the one place it can have. So who floods us with addresses from few networks fills few buckets. It takes
// from btcd's addrmgr what an address' network group is and which addresses can be reached from anywhere, and imports
// nothing of the project.
package addrbook

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/btcsuite/btcd/addrmgr"
	"github.com/btcsuite/btcd/wire/v2"
)

const (
	newBuckets   = 1024
	triedBuckets = 256
	bucketSize   = 64
	// newPerSource is into how many buckets the addresses from one network group go, triedPerGroup into how many the
	// addresses of one group go once they were connected to (Bitcoin Core's).
	newPerSource  = 64
	triedPerGroup = 8

	// An address is forgotten for a better one when nobody has seen it for horizon, when its first retries tries have
	// failed, or its last maxFailures in minFail (Bitcoin Core's).
	horizon     = 30 * 24 * time.Hour
	retries     = 3
	maxFailures = 10
	minFail     = 7 * 24 * time.Hour

	// maxContests bounds the addresses that wait for the test of the one whose place they would have.
	maxContests = 10
	// recent is how long after it was last reached an address is not tested again.
	recent = 4 * time.Hour
	// testTime is how long the test of an address may take before it loses its place.
	testTime = 40 * time.Minute
)

// Known is an address as it is told to others.
type Known struct {
	Addr     netip.AddrPort
	Services wire.ServiceFlag
	Time     time.Time // when it was last said to be there
}

// node is an address and what is remembered of it.
type node struct {
	Known
	source   netip.Addr // who told of it
	lastTry  time.Time
	lastGood time.Time
	tries    int // in vain, since lastGood
	tried    bool
	bucket   int
	slot     int
}

// Book is the two tables. It is safe for concurrent use.
type Book struct {
	key   [32]byte
	local bool

	mu       sync.Mutex
	nodes    map[netip.AddrPort]*node
	fresh    *table // heard of
	tried    *table // connected to
	contests map[netip.AddrPort]contest
	changed  chan struct{}
}

// contest is about a place in the table of those connected to.
type contest struct {
	holder netip.AddrPort
	since  time.Time
}

// New makes an empty book. local is for networks whose nodes are on one machine or in one house: addresses that are not
// reached from anywhere count there, and each is a network group of its own.
func New(local bool) *Book {
	b := &Book{local: local}
	for i := range b.key {
		b.key[i] = byte(rand.Uint32())
	}
	b.reset()
	return b
}

func (b *Book) reset() {
	b.nodes, b.contests, b.changed = map[netip.AddrPort]*node{}, map[netip.AddrPort]contest{}, make(chan struct{})
	b.fresh, b.tried = newTable(newBuckets), newTable(triedBuckets)
}

// Len is how many addresses are known.
func (b *Book) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.nodes)
}

// Changed returns a channel that closes when next an address comes in.
func (b *Book) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// Reachable says whether an address is worth to be known.
func (b *Book) Reachable(a netip.AddrPort) bool {
	if !a.IsValid() || a.Port() == 0 || a.Addr().IsUnspecified() || a.Addr().IsMulticast() || a.Addr().Zone() != "" {
		return false
	}
	return b.local || addrmgr.IsRoutable(toWire(a))
}

// Group is the part of the network that an address belongs to: a /16 for IPv4, a /32 for IPv6.
func (b *Book) Group(a netip.AddrPort) string {
	if b.local {
		return a.String()
	}
	return addrmgr.GroupKey(toWire(a))
}

func toWire(a netip.AddrPort) *wire.NetAddressV2 {
	return wire.NetAddressV2FromBytes(time.Time{}, 0, a.Addr().Unmap().AsSlice(), a.Port())
}

// Add enters addresses that source told of, as older than told by penalty unless they are the source's own. It returns
// how many were new.
func (b *Book) Add(as []Known, source netip.Addr, penalty time.Duration) (added int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range as {
		a.Addr = netip.AddrPortFrom(a.Addr.Addr().Unmap(), a.Addr.Port())
		if b.Reachable(a.Addr) && b.add(a, source, penalty) {
			added++
		}
	}
	if added > 0 {
		close(b.changed)
		b.changed = make(chan struct{})
	}
	return added
}

// add enters one address. The lock is held, as in all methods below that do not take it.
func (b *Book) add(a Known, source netip.Addr, penalty time.Duration) bool {
	now := time.Now()
	if a.Addr.Addr() == source {
		penalty = 0
	}
	if n := b.nodes[a.Addr]; n != nil {
		every := 24 * time.Hour
		if now.Sub(a.Time) < every {
			every = time.Hour // said to be there now: keep its time up
		}
		if n.Time.Before(a.Time.Add(-every - penalty)) {
			n.Time = a.Time.Add(-penalty)
		}
		n.Services |= a.Services
		return false
	}
	a.Time = a.Time.Add(-penalty)
	n := &node{Known: a, source: source}
	n.bucket, n.slot = b.newPlace(a.Addr, source)
	if old := b.fresh.at(n.bucket, n.slot); old != nil {
		if !old.terrible(now) {
			return false
		}
		b.remove(old)
	}
	b.nodes[a.Addr] = n
	b.fresh.put(n)
	return true
}

func (b *Book) remove(n *node) {
	if n.tried {
		b.tried.take(n)
	} else {
		b.fresh.take(n)
	}
	delete(b.nodes, n.Addr)
}

// terrible says whether an address may be forgotten.
func (n *node) terrible(now time.Time) bool {
	switch {
	case now.Sub(n.lastTry) < time.Minute:
		return false
	case n.Time.After(now.Add(10 * time.Minute)), now.Sub(n.Time) > horizon:
		return true
	case n.lastGood.IsZero():
		return n.tries >= retries
	}
	return now.Sub(n.lastGood) > minFail && n.tries >= maxFailures
}

// Attempt notes that a connection to an address is tried.
func (b *Book) Attempt(a netip.AddrPort) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.nodes[a]; n != nil {
		n.lastTry = time.Now()
		n.tries++
	}
}

// Good notes that an address was reached, and what it serves. If another has its place in the table, that one keeps it
// for as long as it can be reached: see Contested.
func (b *Book) Good(a netip.AddrPort, services wire.ServiceFlag) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, now := b.nodes[a], time.Now()
	if n == nil {
		return
	}
	n.lastGood, n.lastTry, n.Time, n.tries, n.Services = now, now, now, 0, services
	if n.tried {
		return
	}
	bucket, slot := b.triedPlace(a)
	holder := b.tried.at(bucket, slot)
	if holder == nil {
		b.promote(n)
		return
	}
	if len(b.contests) < maxContests {
		b.contests[a] = contest{holder.Addr, now}
	}
}

// promote moves an address to the table of those connected to; whoever has its place goes back to the other.
func (b *Book) promote(n *node) {
	b.fresh.take(n)
	bucket, slot := b.triedPlace(n.Addr)
	if old := b.tried.at(bucket, slot); old != nil {
		b.tried.take(old)
		old.tried = false
		old.bucket, old.slot = b.newPlace(old.Addr, old.source)
		if here := b.fresh.at(old.bucket, old.slot); here != nil {
			b.remove(here)
		}
		b.fresh.put(old)
	}
	n.tried, n.bucket, n.slot = true, bucket, slot
	b.tried.put(n)
}

// Contested is an address that should be tried, since it will lose its place to another unless it answers.
func (b *Book) Contested() (netip.AddrPort, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	for _, c := range b.contests {
		return c.holder, true
	}
	return netip.AddrPort{}, false
}

// settle ends the contests that are decided.
func (b *Book) settle() {
	now := time.Now()
	for a, c := range b.contests {
		n, holder := b.nodes[a], b.nodes[c.holder]
		switch {
		case n == nil || n.tried:
		case holder == nil || !holder.tried:
			b.promote(n)
		case now.Sub(holder.lastGood) < recent: // it answers
		case now.Sub(holder.lastTry) < recent && now.Sub(holder.lastTry) > time.Minute, now.Sub(c.since) > testTime:
			b.promote(n)
		default:
			continue
		}
		delete(b.contests, a)
	}
}

// Select chooses an address to connect to that skip does not refuse; only among those never connected to if onlyNew is
// set. It returns false if it finds none.
func (b *Book) Select(onlyNew bool, skip func(Candidate) bool) (netip.AddrPort, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	const tries = 200
	now := time.Now()
	for i, factor := 0, 1.0; i < tries; i++ {
		t := b.fresh
		if !onlyNew && rand.N(2) == 0 {
			t = b.tried
		}
		n := t.random()
		if n == nil || skip(Candidate{n.Known, n.lastTry, n.tries}) {
			continue
		}
		if rand.Float64() < factor*n.chance(now) {
			return n.Addr, true
		}
		factor *= 1.2
	}
	return netip.AddrPort{}, false
}

// Candidate is an address that may be chosen.
type Candidate struct {
	Known
	LastTry time.Time // zero: never
	Tries   int       // in vain, since it was last reached
}

// chance is how likely an address is taken when it comes up: less so the more often it was tried in vain.
func (n *node) chance(now time.Time) float64 {
	c := math.Pow(0.66, float64(min(n.tries, 8)))
	if now.Sub(n.lastTry) < 10*time.Minute {
		c *= 0.01
	}
	return c
}

// sampleMin is told however few are known, so that small networks find together.
const sampleMin = 10

// Sample is a choice of addresses to tell others: at most limit, and percent of all.
func (b *Book) Sample(limit, percent int) []Known {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	limit = min(limit, max(sampleMin, len(b.nodes)*percent/100))
	ks := make([]Known, 0, len(b.nodes))
	for _, n := range b.nodes {
		if !n.terrible(now) {
			ks = append(ks, n.Known)
		}
	}
	rand.Shuffle(len(ks), func(i, j int) { ks[i], ks[j] = ks[j], ks[i] })
	return ks[:min(limit, len(ks))]
}

// Forget drops an address.
func (b *Book) Forget(a netip.AddrPort) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.nodes[a]; n != nil {
		b.remove(n)
	}
}
