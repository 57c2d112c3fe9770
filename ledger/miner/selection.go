package miner

import (
	"container/heap"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/txscript/v2"

	"funai/ledger/mempool"
)

const (
	// reservedWeight is kept free for the header, the transaction count and the coinbase (Bitcoin Core's
	// -blockreservedweight), of which a pool's own coinbase may take what ours does not.
	reservedWeight = 8000
	// reservedSigOps is the cost kept free for the signature operations of that coinbase (Bitcoin Core's
	// coinbase_output_max_additional_sigops).
	reservedSigOps = 400
	// maxFailures is how many packages in a row may not fit before a nearly full block is let be (Bitcoin Core's
	// MAX_CONSECUTIVE_FAILURES and BLOCK_FULL_ENOUGH_WEIGHT_DELTA).
	maxFailures = 1000
	nearlyFull  = 4000
)

// item is a transaction of the pool on its way into a block.
type item struct {
	*mempool.Candidate
	place    int // in the pool, parents first
	children []*item
	parents  []*item
	fees     int64 // of it with those of its ancestors that are not in the block
	vsize    int64
	taken    bool
	rank     int // in the heap; -1: not there
}

// best is a heap of items, that with the highest fee rate with its ancestors on top.
type best []*item

func (b best) Len() int { return len(b) }
func (b best) Less(i, j int) bool {
	// Cross-multiplied; a fee is below 2^53, so a float rounds only what is as good as equal.
	x, y := float64(b[i].fees)*float64(b[j].vsize), float64(b[j].fees)*float64(b[i].vsize)
	return x > y || x == y && b[i].place < b[j].place
}
func (b best) Swap(i, j int) {
	b[i], b[j] = b[j], b[i]
	b[i].rank, b[j].rank = i, j
}
func (b *best) Push(x any) { *b = append(*b, x.(*item)) } // never used: the heap only shrinks
func (b *best) Pop() any {
	last := len(*b) - 1
	it := (*b)[last]
	(*b)[last], it.rank = nil, -1
	*b = (*b)[:last]
	return it
}

// selection is the list of transactions of a block in the making.
type selection struct {
	items  []*item
	weight int64 // still free
	sigOps int64 // still free
}

func newSelection(payTo []byte) *selection {
	return &selection{
		weight: blockchain.MaxBlockWeight - max(reservedWeight, ownWeight+blockchain.WitnessScaleFactor*int64(len(payTo))),
		sigOps: blockchain.MaxBlockSigOpsCost - max(reservedSigOps, blockchain.WitnessScaleFactor*int64(txscript.GetSigOpCount(payTo))),
	}
}

// ownWeight is that of the header, the transaction count and Template's coinbase without its payee's script.
const ownWeight = 1500

// choose takes in the best paying transactions, each together with the ancestors it needs.
func (s *selection) choose(txs []mempool.Candidate) {
	queue := items(txs)
	heap.Init(&queue)
	for failures := 0; queue.Len() > 0; {
		it := queue[0]
		needed := it.needs()
		if it.fees < 0 {
			return // priorities say that nothing left is worth a place
		}
		if !s.fits(needed) {
			heap.Remove(&queue, it.rank)
			if failures++; failures > maxFailures && s.weight < nearlyFull {
				return
			}
			continue
		}
		failures = 0
		for _, n := range needed {
			s.take(n, &queue)
		}
	}
}

// items links the pool's transactions with one another.
func items(txs []mempool.Candidate) best {
	all := make([]item, len(txs))
	queue := make(best, len(txs))
	for i := range txs {
		it := &all[i]
		*it = item{Candidate: &txs[i], place: i, fees: txs[i].AncestorFees, vsize: txs[i].AncestorVSize, rank: i}
		for _, place := range txs[i].Parents {
			it.parents = append(it.parents, &all[place])
			all[place].children = append(all[place].children, it)
		}
		queue[i] = it
	}
	return queue
}

// needs lists the ancestors of an item that are not in the block yet, parents first, and the item.
func (it *item) needs() []*item {
	if len(it.parents) == 0 {
		return []*item{it}
	}
	var order []*item
	seen := map[*item]bool{}
	var visit func(*item)
	visit = func(at *item) { // no deeper than mempool.MaxPackage
		seen[at] = true
		for _, parent := range at.parents {
			if !parent.taken && !seen[parent] {
				visit(parent)
			}
		}
		order = append(order, at)
	}
	visit(it)
	return order
}

// fits says whether transactions have room in the block together.
func (s *selection) fits(needed []*item) bool {
	var weight, sigOps int64
	for _, n := range needed {
		weight, sigOps = weight+n.Weight, sigOps+n.SigOps
	}
	return weight <= s.weight && sigOps <= s.sigOps
}

// take puts an item into the block. Its descendants need less from now on.
func (s *selection) take(it *item, queue *best) {
	it.taken = true
	s.items = append(s.items, it)
	s.weight, s.sigOps = s.weight-it.Weight, s.sigOps-it.SigOps
	if it.rank >= 0 {
		heap.Remove(queue, it.rank)
	}
	if len(it.children) == 0 {
		return
	}
	seen := map[*item]bool{it: true}
	for row := it.children; len(row) > 0; row = row[1:] {
		d := row[0]
		if seen[d] {
			continue
		}
		seen[d] = true
		d.fees, d.vsize = d.fees-it.Modified, d.vsize-it.VSize
		if d.rank >= 0 {
			heap.Fix(queue, d.rank)
		}
		row = append(row, d.children...)
	}
}
