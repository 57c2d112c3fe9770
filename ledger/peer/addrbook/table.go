package addrbook

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
)

// table is buckets of slots. A bucket is nil until something is in it.
type table struct {
	buckets [][]*node
	live    []int // the buckets that something is in
}

func newTable(buckets int) *table { return &table{buckets: make([][]*node, buckets)} }

func (t *table) at(bucket, slot int) *node {
	if t.buckets[bucket] == nil {
		return nil
	}
	return t.buckets[bucket][slot]
}

func (t *table) put(n *node) {
	if t.buckets[n.bucket] == nil {
		t.buckets[n.bucket] = make([]*node, bucketSize)
		t.live = append(t.live, n.bucket)
	}
	t.buckets[n.bucket][n.slot] = n
}

func (t *table) take(n *node) {
	bucket := t.buckets[n.bucket]
	bucket[n.slot] = nil
	if slices.ContainsFunc(bucket, func(m *node) bool { return m != nil }) {
		return
	}
	t.buckets[n.bucket] = nil
	at := slices.Index(t.live, n.bucket)
	t.live = slices.Delete(t.live, at, at+1)
}

// random is a node of a random bucket; nil if there is none.
func (t *table) random() *node {
	if len(t.live) == 0 {
		return nil
	}
	bucket := t.buckets[t.live[rand.N(len(t.live))]]
	for i, start := 0, rand.N(bucketSize); i < bucketSize; i++ {
		if n := bucket[(start+i)%bucketSize]; n != nil {
			return n
		}
	}
	return nil
}

// newPlace is where an address that was heard of from source belongs.
func (b *Book) newPlace(a netip.AddrPort, source netip.Addr) (bucket, slot int) {
	group, from := b.Group(a), b.Group(netip.AddrPortFrom(source, 0))
	bucket = b.hash("new", from, number(b.hash("of", group, from)%newPerSource)) % newBuckets
	return bucket, b.hash("slot", number(bucket), a.String()) % bucketSize
}

// triedPlace is where an address belongs that has been connected to.
func (b *Book) triedPlace(a netip.AddrPort) (bucket, slot int) {
	bucket = b.hash("tried", b.Group(a), number(b.hash("one", a.String())%triedPerGroup)) % triedBuckets
	return bucket, b.hash("place", number(bucket), a.String()) % bucketSize
}

// hash is a number that only the holder of the key can foresee.
func (b *Book) hash(parts ...string) int {
	h := sha256.New()
	h.Write(b.key[:])
	for _, p := range parts {
		h.Write([]byte{byte(len(p))})
		h.Write([]byte(p))
	}
	return int(binary.LittleEndian.Uint32(h.Sum(nil)))
}

func number(n int) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }
