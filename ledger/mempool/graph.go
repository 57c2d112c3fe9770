package mempool

import (
	"container/heap"
	"slices"
	"sort"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// family is a set of entries. The lock is held in all of this file.
type family map[*Entry]struct{}

func up(e *Entry) []*Entry   { return e.parents }
func down(e *Entry) []*Entry { return e.children }

// walk collects all that can be reached from some entries, themselves included.
func walk(from []*Entry, next func(*Entry) []*Entry) family {
	found, queue := make(family, len(from)), slices.Clone(from)
	for _, e := range from {
		found[e] = struct{}{}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, e := range next(queue[0]) {
			if _, seen := found[e]; !seen {
				found[e] = struct{}{}
				queue = append(queue, e)
			}
		}
	}
	return found
}

func ancestors(e *Entry) family   { return walk(e.parents, up) }
func descendants(e *Entry) family { return walk(e.children, down) }

// sorted lists a family in the order of acceptance, parents first.
func (f family) sorted() []*Entry {
	es := make([]*Entry, 0, len(f))
	for e := range f {
		es = append(es, e)
	}
	slices.SortFunc(es, bySeq)
	return es
}

func bySeq(a, b *Entry) int {
	if a.seq < b.seq {
		return -1
	}
	return 1
}

// insert puts an entry that has no descendants in the pool into it. Its parents are set.
func (p *Pool) insert(e *Entry) {
	p.seq++
	e.seq = p.seq
	e.up, e.down = e.alone(), e.alone()
	for a := range ancestors(e) {
		e.up.add(a.alone())
		a.down.add(e.alone())
		heap.Fix(&p.cheapest, a.rank)
	}
	for _, parent := range e.parents {
		parent.children = append(parent.children, e)
	}
	p.entries[e.hash()] = e
	for _, in := range e.Tx.MsgTx().TxIn {
		p.spent[in.PreviousOutPoint] = e
	}
	heap.Push(&p.cheapest, e)
	p.sums.add(e.alone())
	p.fees += int64(e.Fee)
	p.usage += usage(e)
	if e.local {
		p.local++
	}
	if len(p.journal) > 2*len(p.entries)+1000 {
		p.journal = slices.DeleteFunc(p.journal, func(e *Entry) bool { return !p.alive(e) })
	}
	p.journal = append(p.journal, e)
}

// cut takes entries out, and with them nothing else: what spends their outputs stays, spending coins of the chain.
func (p *Pool) cut(gone family) {
	for e := range gone { // every sum first, while the links are whole
		for a := range ancestors(e) {
			if _, too := gone[a]; !too {
				a.down.sub(e.alone())
				heap.Fix(&p.cheapest, a.rank)
			}
		}
		for d := range descendants(e) {
			if _, too := gone[d]; !too {
				d.up.sub(e.alone())
			}
		}
	}
	for e := range gone {
		p.unlink(e)
	}
}

// unlink takes one entry out of all but its relatives' sums, and puts those in their places.
func (p *Pool) unlink(e *Entry) {
	p.seq++
	for _, parent := range e.parents {
		parent.children = without(parent.children, e)
	}
	for _, child := range e.children {
		child.parents = without(child.parents, e)
	}
	heap.Remove(&p.cheapest, e.rank)
	delete(p.entries, e.hash())
	for _, in := range e.Tx.MsgTx().TxIn {
		delete(p.spent, in.PreviousOutPoint)
	}
	p.sums.sub(e.alone())
	p.fees -= int64(e.Fee)
	p.usage -= usage(e)
	if e.local {
		p.local--
	}
}

func without(es []*Entry, gone *Entry) []*Entry {
	return slices.DeleteFunc(es, func(e *Entry) bool { return e == gone })
}

// drop is cut for what is in no block.
func (p *Pool) drop(gone family) {
	p.cut(gone)
	for e := range gone {
		p.est.Remove(e.hash())
	}
}

// remove drops entries with all that depends on them, and returns what went.
func (p *Pool) remove(es ...*Entry) family {
	gone := walk(es, down)
	p.drop(gone)
	return gone
}

// setDelta ranks an entry anew.
func (p *Pool) setDelta(e *Entry, delta int64) {
	change := sums{fees: delta - e.delta}
	p.sums.add(change)
	e.delta = delta
	for d := range walk([]*Entry{e}, down) {
		d.up.add(change)
	}
	for a := range walk([]*Entry{e}, up) {
		a.down.add(change)
		heap.Fix(&p.cheapest, a.rank)
	}
}

// since lists the living entries accepted after the one numbered seq, parents first.
func (p *Pool) since(seq uint64) []*Entry {
	i := sort.Search(len(p.journal), func(i int) bool { return p.journal[i].seq > seq })
	var es []*Entry
	for _, e := range p.journal[i:] {
		if p.alive(e) {
			es = append(es, e)
		}
	}
	return es
}

func (p *Pool) alive(e *Entry) bool { return p.entries[e.hash()] == e }

// makers lists, each once, the entries of which a transaction spends outputs.
func (p *Pool) makers(tx *wire.MsgTx, find func(chainhash.Hash) *Entry) (es []*Entry) {
	for _, in := range tx.TxIn {
		if e := find(in.PreviousOutPoint.Hash); e != nil && !slices.Contains(es, e) {
			es = append(es, e)
		}
	}
	return es
}

func (p *Pool) find(hash chainhash.Hash) *Entry { return p.entries[hash] }

// cheapest is a heap of all entries, the one that a full pool drops first on top: that with the lowest fee rate, its own
// or that with its descendants, whichever is higher, so that a child pays for its parent; of equals the youngest.
type cheapest []*Entry

// worth is the fee and size by which an entry is kept.
func worth(e *Entry) (fee, size int64) {
	if compare(e.down.fees, e.down.vsize, e.modified(), e.VSize) > 0 {
		return e.down.fees, e.down.vsize
	}
	return e.modified(), e.VSize
}

// compare orders two fee rates without dividing. Fees are below 2^53 and sizes below 2^18: no overflow of a float's
// exponent, and a rounding only where the rates are as good as equal.
func compare(fee1, size1, fee2, size2 int64) int {
	a, b := float64(fee1)*float64(size2), float64(fee2)*float64(size1)
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (h cheapest) Len() int { return len(h) }
func (h cheapest) Less(i, j int) bool {
	fee1, size1 := worth(h[i])
	fee2, size2 := worth(h[j])
	if c := compare(fee1, size1, fee2, size2); c != 0 {
		return c < 0
	}
	return h[i].seq > h[j].seq
}
func (h cheapest) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].rank, h[j].rank = i, j
}
func (h *cheapest) Push(x any) {
	e := x.(*Entry)
	e.rank = len(*h)
	*h = append(*h, e)
}
func (h *cheapest) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last], e.rank = nil, -1
	*h = (*h)[:last]
	return e
}
