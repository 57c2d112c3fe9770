// Package pool holds the inference layer's transactions that no block has packed yet, passes them on between nodes, and
// fills blocks with them. It may import chain, execution, tx and what lies below. What a transaction must fulfil is
// execution's to say; the pool keeps out what can't be packed, and what nobody answers for.
package pool

import (
	"context"
	"errors"
	"sort"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/execution"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
)

// Topic is where transactions are gossiped.
const Topic = "tx"

// Bounds. A transaction that finds the pool or its signer's share full is refused; one that no block packs within
// lifetime ledger blocks is dropped.
const (
	maxTxs      = 8192
	maxBytes    = 32 << 20
	maxOfSigner = 512
	lifetime    = 60
	maxGap      = 32 // nonces ahead of the account

	// Of the bounds above, what accounts ask may take so much: the rest is kept for receipts and the seats' words, without
	// which nothing asked is ever settled.
	maxAsked      = maxTxs * 3 / 4
	maxAskedBytes = maxBytes * 3 / 4

	// maxReceipts are kept of one server for one task: a second one that differs is the proof that it lied.
	maxReceipts = 2
	// maxEarly receipts wait for their openings, which the network may bring later; the oldest go first.
	maxEarly = 256
	// slack is how many ledger blocks nodes may be apart: a vote that long without its pack is dropped.
	slack = 2
	// maxPoor is for how many ledger blocks a transaction waits for a balance that would cover it: a reorganization may have
	// taken that away for a while.
	maxPoor = 15
	// resendEvery is after how long this node's own transactions that still wait are published again: a little longer than
	// the network remembers them, for it does not carry what it remembers.
	resendEvery = 130 * time.Second
	// maxFailures is how often a draft may refuse a transaction before it is dropped.
	maxFailures = 16
	// maxPacked receipts are remembered as packed, so that words on them that come later are known to be useless.
	maxPacked = 1 << 16
)

var (
	// ErrKnown says that the pool holds the transaction already.
	ErrKnown = errors.New("transaction is known")
	// ErrReplaces says that the pool holds another transaction with that signer and nonce.
	ErrReplaces = errors.New("nonce is taken by a transaction not packed yet")
	// ErrFull says that the pool has no room.
	ErrFull = errors.New("pool is full")
	// ErrLate says that a statement comes when there is nothing left for it to say.
	ErrLate = errors.New("comes too late")
	// ErrStranger says that a statement's signer is not one whose word counts.
	ErrStranger = errors.New("signer's word does not count")
)

// Chain is what the pool asks of the chain.
type Chain interface {
	Params() block.Params
	Account(key.Hash160) (execution.Account, error)
	Task(tx.ID) (chain.TaskInfo, error)         // chain.ErrUnknown if there never was one
	Read(func(state.Reader) error) error        // the state after the tip
	Seated(signer key.Hash160) bool             // in the present cycle, the one before or the next
	Elected(key.Hash160) bool                   // may answer as the producer
	Verify(*tx.Tx) error                        // the signature
	Transactions(chain.Index) ([]*tx.Tx, error) // of a block

	UpdatesSince(at chain.Index, limit int) (reverted, applied []chain.Update, err error)
	Tip() chain.Index
	TipInfo() chain.Info
	Changed() <-chan struct{}
}

// Network is what the pool asks of the network.
type Network interface {
	Publish(ctx context.Context, topic string, data []byte) error
}

type entry struct {
	t      *tx.Tx
	id     tx.ID
	seq    uint64
	size   int
	cost   amount.Amount
	ledger uint32 // height of the tip's election when it came
	gone   bool   // from the pool, not yet from the log
	said   int    // of a Held, how many of the receipts were found packed
	failed int    // drafts that refused it
	poor   int    // ledger blocks at which the balance did not cover it
	own    bool   // submitted here
}

// signer is what waits of one key.
type signer struct {
	count  int
	cost   amount.Amount     // the most that all together take from the balance
	nonces map[uint64]*entry // those that use up a nonce
}

type answer struct {
	task   tx.ID
	server key.Hash160
}

// Pool is safe for concurrent use.
type Pool struct {
	chain Chain
	net   Network

	mu       sync.Mutex
	byID     map[tx.ID]*entry
	log      []*entry // all in the order of seq, with some that are gone
	signers  map[key.Hash160]*signer
	receipts map[answer]int
	early    []*tx.Tx // receipts whose openings are not here, oldest first
	packed   *lru.Cache[tx.ID, struct{}]
	bytes    int
	asked    int // transactions that use up a nonce, and their bytes
	askBytes int
	seq      uint64
	changed  chan struct{}

	at     chain.Index // followed so far; Run's alone, as is the next
	ledger uint32
}

// New makes an empty pool on a chain's tip.
func New(c Chain, n Network) *Pool {
	p := &Pool{chain: c, net: n, byID: map[tx.ID]*entry{}, signers: map[key.Hash160]*signer{}, receipts: map[answer]int{},
		at: c.Tip(), changed: make(chan struct{})}
	p.packed, _ = lru.New[tx.ID, struct{}](maxPacked) // fails only for a size that is not positive
	return p
}

// Submit adds a transaction of this node's own and passes it on.
func (p *Pool) Submit(ctx context.Context, t *tx.Tx) error {
	if err := p.Add(t); err != nil && !errors.Is(err, ErrKnown) {
		return err
	}
	p.mu.Lock()
	if e := p.byID[t.ID()]; e != nil {
		e.own = true
	}
	p.mu.Unlock()
	return p.net.Publish(ctx, Topic, t.Encode())
}

// Receive takes in a transaction from a peer. Only what was new and good may be passed on. Only tx.ErrMalformed,
// tx.ErrUnsupported and key.ErrSignature are the sender's fault; all other errors come of being at different blocks.
func (p *Pool) Receive(raw []byte) error {
	t, err := tx.Decode(raw)
	if err != nil {
		return err
	}
	return p.Add(t)
}

// insert puts an admitted transaction into the pool; the lock is held.
func (p *Pool) insert(e *entry) {
	e.seq = p.seq
	p.seq++
	p.byID[e.id] = e
	p.log = append(p.log, e)
	p.bytes += e.size
	s := p.signers[e.t.Signer]
	if s == nil {
		s = &signer{nonces: map[uint64]*entry{}}
		p.signers[e.t.Signer] = s
	}
	s.count++
	if r, ok := e.t.Payload.(*tx.Receipt); ok {
		p.receipts[answer{r.Task, e.t.Signer}]++
	}
	if !e.t.Nonceless() {
		s.nonces[e.t.Nonce] = e
		s.cost += e.cost // admit checked that the balance covers the sum
		p.asked++
		p.askBytes += e.size
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// remove takes a transaction out, if it is still there; the lock is held.
func (p *Pool) remove(e *entry) {
	if e.gone {
		return
	}
	e.gone = true
	delete(p.byID, e.id)
	p.bytes -= e.size
	s := p.signers[e.t.Signer]
	if s.count--; s.count == 0 {
		delete(p.signers, e.t.Signer)
	}
	if r, ok := e.t.Payload.(*tx.Receipt); ok {
		a := answer{r.Task, e.t.Signer}
		if p.receipts[a]--; p.receipts[a] == 0 {
			delete(p.receipts, a)
		}
	}
	if !e.t.Nonceless() {
		delete(s.nonces, e.t.Nonce)
		s.cost -= e.cost
		p.asked--
		p.askBytes -= e.size
	}
	if len(p.log) > 2*len(p.byID)+64 {
		kept := make([]*entry, 0, len(p.byID)+64)
		for _, e := range p.log {
			if !e.gone {
				kept = append(kept, e)
			}
		}
		p.log = kept
	}
}

// Changed is closed when a transaction comes next.
func (p *Pool) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// Get returns a transaction that waits here.
func (p *Pool) Get(id tx.ID) (*tx.Tx, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.byID[id]
	if !ok {
		return nil, false
	}
	return e.t, true
}

// Since returns the transactions that came since a number, in order, and the number for the next call. It starts at 0.
func (p *Pool) Since(seq uint64) ([]*tx.Tx, uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ts []*tx.Tx
	for _, e := range p.log[sort.Search(len(p.log), func(i int) bool { return p.log[i].seq >= seq }):] {
		if !e.gone {
			ts = append(ts, e.t)
		}
	}
	return ts, p.seq
}

// waiting returns what waits, in the order it came.
func (p *Pool) waiting() []*entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	es := make([]*entry, 0, len(p.byID))
	for _, e := range p.log {
		if !e.gone {
			es = append(es, e)
		}
	}
	return es
}

// NextNonce is the nonce that a signer's next transaction must have, after those that wait here.
func (p *Pool) NextNonce(h key.Hash160) (uint64, error) {
	a, err := p.chain.Account(h)
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.signers[h]; s != nil {
		for s.nonces[a.Nonce] != nil {
			a.Nonce++
		}
	}
	return a.Nonce, nil
}

// Pending sums up what a signer's waiting transactions may take from the balance.
func (p *Pool) Pending(h key.Hash160) amount.Amount {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.signers[h]; s != nil {
		return s.cost
	}
	return 0
}

// Len is how many transactions wait.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.byID)
}
