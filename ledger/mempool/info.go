package mempool

import (
	"maps"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"funai/amount"
	"funai/ledger/chain"
)

// Info is a summary for people and fee estimates.
type Info struct {
	Count, Orphans int
	Bytes          int   // virtual bytes of all transactions
	Usage          int64 // bytes of memory that they take, estimated
	MaxBytes       int64 // bound of Usage
	TotalFee       amount.Amount
	// MinFeeRate is what a transaction pays at least to enter, in base units per 1,000 virtual bytes.
	MinFeeRate amount.Amount
	// IncrementalFeeRate is what a replacement pays at least for itself, over what it replaces, in the same unit.
	IncrementalFeeRate amount.Amount
	Unbroadcast        int  // transactions of our own that no peer has asked for yet
	FullRBF            bool // true: a transaction can be replaced whether or not it signals so (BIP-125)
	Loaded             bool // the file is read, or there is none
	At                 chain.Index
	Seq                uint64 // counts every coming and going
}

// Info summarises the pool.
func (p *Pool) Info() Info {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Info{Count: len(p.entries), Orphans: len(p.orphans.byWtxid), Bytes: int(p.sums.vsize), Usage: p.usage, MaxBytes: int64(p.cfg.MaxBytes),
		TotalFee: amount.Amount(p.fees), MinFeeRate: p.minFeeRate(), IncrementalFeeRate: IncrementalFeeRate,
		Unbroadcast: p.local, FullRBF: true, Loaded: p.loaded, At: p.at, Seq: p.seq}
}

// minFeeRate is what a transaction pays at least to enter. The lock is held.
func (p *Pool) minFeeRate() amount.Amount {
	return max(MinFeeRate, p.floor.at(time.Now(), p.usage, int64(p.cfg.MaxBytes)))
}

// Details is an entry with what the pool knows of its relatives, as of one moment. Sums include the entry itself; fees
// are in base units with priority deltas, and 0 where those make them negative.
type Details struct {
	*Entry
	Ancestors, Descendants         []chainhash.Hash // all of them, parents first
	Depends, SpentBy               []chainhash.Hash // parents and children
	AncestorCount, DescendantCount int
	AncestorVSize, DescendantVSize int64
	AncestorFees, DescendantFees   amount.Amount
	Modified                       amount.Amount // the fee with its priority delta
	Height                         int32         // of the chain when it entered
	Replaceable                    bool          // it or an unconfirmed ancestor signals so (BIP-125); the pool replaces any
	Wtxid                          chainhash.Hash
	Unbroadcast                    bool // it is ours, and no peer has asked for it yet
}

// Entry describes a transaction of the pool.
func (p *Pool) Entry(hash chainhash.Hash) (Details, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.entries[hash]
	if e == nil {
		return Details{}, false
	}
	return details(e), true
}

// Entries describes all transactions of the pool, parents first, as of the sequence number that comes with them.
func (p *Pool) Entries() ([]Details, uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	es := p.since(0)
	ds := make([]Details, len(es))
	for i, e := range es {
		ds[i] = details(e)
	}
	return ds, p.seq
}

func details(e *Entry) Details {
	above, below := ancestors(e), descendants(e)
	d := Details{Entry: e, Ancestors: hashes(above.sorted()), Descendants: hashes(below.sorted()),
		Depends: hashes(e.parents), SpentBy: hashes(e.children),
		AncestorCount: e.up.count, AncestorVSize: e.up.vsize, AncestorFees: positive(e.up.fees),
		DescendantCount: e.down.count, DescendantVSize: e.down.vsize, DescendantFees: positive(e.down.fees),
		Modified: positive(e.modified()), Height: e.Height, Wtxid: *e.Tx.WitnessHash(), Unbroadcast: e.local,
		Replaceable: replaceable(e.Tx.MsgTx())}
	for a := range above {
		d.Replaceable = d.Replaceable || replaceable(a.Tx.MsgTx())
	}
	return d
}

func hashes(es []*Entry) []chainhash.Hash {
	hs := make([]chainhash.Hash, len(es))
	for i, e := range es {
		hs[i] = e.hash()
	}
	return hs
}

func positive(n int64) amount.Amount { return amount.Amount(max(n, 0)) }

// Candidate is an entry as a block's maker sees it: as of one moment, with the priority delta.
type Candidate struct {
	*Entry
	Modified int64 // fee with its delta, in base units
	Parents  []int // places of its parents in the list, all smaller than its own
	// AncestorFees and AncestorVSize are of the entry with all its ancestors.
	AncestorFees, AncestorVSize int64
}

// Snapshot is the whole pool at one moment, parents first.
type Snapshot struct {
	Txs []Candidate
	Seq uint64
	At  chain.Index // the block to which the pool had followed the chain
}

// Snapshot lists the pool for a block's maker. It follows the chain to its tip first.
func (p *Pool) Snapshot() (Snapshot, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.catchUp(); err != nil {
		return Snapshot{}, err
	}
	es := p.since(0)
	s := Snapshot{Txs: make([]Candidate, len(es)), Seq: p.seq, At: p.at}
	place := make(map[*Entry]int, len(es))
	for i, e := range es {
		place[e] = i
		s.Txs[i] = Candidate{Entry: e, Modified: e.modified(), AncestorFees: e.up.fees, AncestorVSize: e.up.vsize}
		if len(e.parents) > 0 {
			parents := make([]int, len(e.parents))
			for k, parent := range e.parents {
				parents[k] = place[parent]
			}
			s.Txs[i].Parents = parents
		}
	}
	return s, nil
}

// maxDeltas bounds the priorities remembered of transactions that may never come.
const maxDeltas = 100_000

// Prioritise adds delta, in base units, to the fee by which a transaction is ranked for the pool and for blocks, now and
// when it comes (Bitcoin Core's prioritisetransaction). Deltas add up; they end when the transaction is in a block.
func (p *Pool) Prioritise(hash chainhash.Hash, delta int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := clamp(p.deltas[hash] + clamp(delta))
	if _, known := p.deltas[hash]; !known && len(p.deltas) >= maxDeltas {
		p.log.Warn("priority not noted, too many are", "tx", hash, "most", maxDeltas)
		return
	}
	if p.deltas[hash] = sum; sum == 0 {
		delete(p.deltas, hash)
	}
	p.seq++
	if e := p.entries[hash]; e != nil {
		p.setDelta(e, sum)
	}
	p.signal()
}

// clamp keeps a priority within the range of money, so that sums of fees cannot overflow.
func clamp(delta int64) int64 { return min(max(delta, -int64(amount.Max)), int64(amount.Max)) }

// Deltas are the priorities in force.
func (p *Pool) Deltas() map[chainhash.Hash]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.deltas)
}

// EstimateFee is the fee rate, in base units per 1,000 virtual bytes, at which a transaction is probably in a block
// within target blocks, never less than it takes to enter the pool. blocks is the target answered for, which differs where
// too little is known of the one asked. conservative also looks further back. ErrNoEstimate says that too little was
// seen to tell.
func (p *Pool) EstimateFee(target int, conservative bool) (rate amount.Amount, blocks int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	estimate, blocks, err := p.est.Estimate(target, conservative)
	if err != nil {
		return 0, blocks, err
	}
	return max(amount.Amount(estimate), p.minFeeRate()), blocks, nil
}
