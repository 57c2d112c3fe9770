package vm

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"funai/clarity/value"
)

// cache keeps the compiled contracts that were used last: so many, and no more than take so much memory.
type cache struct {
	mu     sync.Mutex
	recent *simplelru.LRU[cacheKey, *contract]
	bytes  uint64 // that they take
	most   uint64
}

func newCache(count int, bytes uint64) *cache {
	c := &cache{most: bytes}
	c.recent, _ = simplelru.NewLRU(count, func(_ cacheKey, gone *contract) { c.bytes -= gone.weight }) // the only error is of a count below 1
	return c
}

func (c *cache) get(k cacheKey) (*contract, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.recent.Get(k)
}

// add keeps a contract, unless it takes more than all may.
func (c *cache) add(k cacheKey, x *contract) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recent.Remove(k)
	if x.weight > c.most {
		return
	}
	for c.bytes+x.weight > c.most {
		c.recent.RemoveOldest()
	}
	c.bytes += x.weight
	c.recent.Add(k, x)
}

// What a compiled contract takes in memory, in bytes: measured on contracts that are all small expressions, which take most
// for the length of their text.
const (
	bytesPerExpr    = 320
	bytesPerComment = 80
	bytesPerValue   = 48
)

// weigh finds out about what the contract takes in memory.
func (c *contract) weigh() {
	p := c.analysis.Program
	c.weight = uint64(p.Count)*bytesPerExpr + uint64(len(p.Comments))*bytesPerComment + 2*uint64(len(c.source))
	for _, k := range c.constants {
		c.weight += weightOf(k.value)
	}
}

func weightOf(v value.Value) uint64 {
	n := uint64(bytesPerValue)
	switch v.Kind() {
	case value.KindSome, value.KindOk, value.KindErr:
		return n + weightOf(v.Inner())
	case value.KindList:
		for _, e := range v.Elems() {
			n += weightOf(e)
		}
		return n
	case value.KindTuple:
		for _, e := range v.Values() {
			n += weightOf(e)
		}
		return n
	default:
		return n + 4*uint64(v.Len())
	}
}
