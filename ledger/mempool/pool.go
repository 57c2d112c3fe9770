// Package mempool holds the transactions that wait for a block: Bitcoin Core's relay policy (BIPs 125, 141, 431, the
// numbers of its version 29) over the rules of the chain, which are btcd's functions. It keeps the pool's graph with the
// sums of every transaction's ancestors and descendants, follows the chain through its reorgs, estimates fees (package
// fees) and comes back after a restart. It may import amount, ledger/chain and ledger/consensus.
package mempool

import (
	"log/slog"
	"sync"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/prometheus/client_golang/prometheus"

	"funai/amount"
	"funai/ledger/chain"
	"funai/ledger/mempool/fees"
)

const (
	// MinFeeRate is the least fee, in base units per 1,000 virtual bytes, that a transaction pays for being relayed
	// (Bitcoin Core's -minrelaytxfee).
	MinFeeRate amount.Amount = 1000

	defaultMaxBytes = 300_000_000 // Bitcoin Core's -maxmempool
)

// Config is what may be chosen about a pool. The zero value is usable: it keeps nothing on disk.
type Config struct {
	// MaxBytes bounds the memory that transactions take, as estimated; 0 is 300 MB. A full pool drops the transactions
	// that pay the lowest fee rate, with those that spend them.
	MaxBytes int
	// File is where the pool's transactions are kept over a restart, FeesFile what fee estimates rest on; empty for none.
	File, FeesFile string
	Logger         *slog.Logger
	Metrics        prometheus.Registerer // nil: none
}

// Pool holds the transactions that wait for a block. Its methods may be called from any goroutine.
type Pool struct {
	c        *chain.Chain
	cfg      Config
	log      *slog.Logger
	standard bool // only standard scripts are relayed

	mu          sync.Mutex
	entries     map[chainhash.Hash]*Entry
	spent       map[wire.OutPoint]*Entry // by which entry
	cheapest    cheapest
	journal     []*Entry // every living entry in the order of acceptance, and dead ones until the next compaction
	seq         uint64   // counts what came and went
	sums        sums     // of all entries
	fees        int64    // of all entries, without deltas
	usage       int64
	local       int                      // entries that no peer has asked for yet
	deltas      map[chainhash.Hash]int64 // priorities, of transactions here and of others to come
	floor       floor
	expired     time.Time // of the last look for what has
	orphans     orphans
	arrived     []*btcutil.Tx // transactions that orphans wait for
	est         *fees.Estimator
	at          chain.Index   // the block the pool has followed the chain to
	undone      [][]returning // of the blocks taken back on the way to the tip, newest first
	undoneBytes int           // serialized
	stale       bool          // the entries are to be checked against the chain's coins
	loaded      bool
	changed     chan struct{}

	gauges   []prometheus.Collector
	quit     chan struct{}
	work     sync.WaitGroup
	saving   sync.Mutex // held while a file is written
	savedSeq uint64     // seq when the pool was saved last
	once     sync.Once
	closed   error
}

// New makes a pool on the chain's tip and starts to follow the chain. What cfg.File holds comes in by and by, checked
// anew (Info.Loaded); a file that is damaged is put aside. Close the pool.
func New(c *chain.Chain, cfg Config) *Pool {
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = defaultMaxBytes
	}
	p := &Pool{c: c, cfg: cfg, log: cfg.Logger, standard: !c.Params().RelayNonStdTxs, at: c.Tip(),
		entries: map[chainhash.Hash]*Entry{}, spent: map[wire.OutPoint]*Entry{}, deltas: map[chainhash.Hash]int64{},
		expired: time.Now(), changed: make(chan struct{}), quit: make(chan struct{})}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.orphans.init()
	p.loadFees()
	p.register()
	p.work.Go(p.follow)
	if cfg.File == "" {
		p.loaded = true
	} else {
		p.work.Go(p.load)
	}
	if cfg.File != "" || cfg.FeesFile != "" {
		p.work.Go(p.saveNowAndThen)
	}
	return p
}

// register puts the pool's size among the metrics.
func (p *Pool) register() {
	if p.cfg.Metrics == nil {
		return
	}
	for _, g := range []struct {
		name, help string
		value      func(Info) float64
	}{
		{"funai_ledger_mempool_transactions", "Transactions that wait for a block.", func(i Info) float64 { return float64(i.Count) }},
		{"funai_ledger_mempool_bytes", "Virtual bytes of those.", func(i Info) float64 { return float64(i.Bytes) }},
		{"funai_ledger_mempool_usage_bytes", "Memory that they take, estimated.", func(i Info) float64 { return float64(i.Usage) }},
		{"funai_ledger_mempool_orphans", "Transactions that wait for their parents.", func(i Info) float64 { return float64(i.Orphans) }},
	} {
		c := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, func() float64 { return g.value(p.Info()) })
		if err := p.cfg.Metrics.Register(c); err != nil {
			p.log.Warn("metrics", "err", err)
			continue
		}
		p.gauges = append(p.gauges, c)
	}
}

// Close stops following the chain, waits for it, and leaves the files that were asked for. The chain must still be open.
func (p *Pool) Close() error {
	p.once.Do(func() {
		close(p.quit)
		p.work.Wait()
		for _, g := range p.gauges {
			p.cfg.Metrics.Unregister(g)
		}
		p.est.Flush()
		p.closed = p.saveAll()
	})
	return p.closed
}

// DropOrphans forgets the orphans that a peer sent.
func (p *Pool) DropOrphans(peer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.orphans.dropPeer(peer)
}

// Get returns a transaction of the pool, or nil.
func (p *Pool) Get(hash chainhash.Hash) *wire.MsgTx {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.entries[hash]; e != nil {
		return e.Tx.MsgTx()
	}
	return nil
}

// Have says whether a transaction is in the pool or among its orphans.
func (p *Pool) Have(hash chainhash.Hash) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.entries[hash] != nil || p.orphans.have(hash)
}

// Spender is the transaction of the pool that spends an output.
func (p *Pool) Spender(o wire.OutPoint) (chainhash.Hash, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.spent[o]; e != nil {
		return e.hash(), true
	}
	return chainhash.Hash{}, false
}

// Descs lists the pool in an order in which no transaction comes before one that it spends.
func (p *Pool) Descs() []*Entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.since(0)
}

// Updates is how a pool changed for one follower.
type Updates struct {
	Added []*Entry         // in the order of acceptance
	Gone  []chainhash.Hash // those of the watched that are not in the pool
	Next  uint64           // what to ask with next time
	At    chain.Index      // the block to which the pool had followed the chain; all of the above is as of then
}

// UpdatesSince tells what entered since an earlier answer's Next (0: everything) and which of the watched transactions
// are no longer here, mined or dropped. It is one look at the pool, consistent with the block in At.
func (p *Pool) UpdatesSince(seq uint64, watched []chainhash.Hash) Updates {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := Updates{Added: p.since(seq), Next: p.seq, At: p.at}
	for _, h := range watched {
		if p.entries[h] == nil {
			u.Gone = append(u.Gone, h)
		}
	}
	return u
}

// Changed returns a channel that closes when next a transaction comes or goes, or the pool follows the chain a step.
func (p *Pool) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// Seq counts every coming and going (Bitcoin Core's mempool_sequence).
func (p *Pool) Seq() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seq
}

// signal wakes all who wait for Changed. The lock is held.
func (p *Pool) signal() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// Unbroadcast lists the transactions that entered by Accept and that no peer has asked for yet.
func (p *Pool) Unbroadcast() (hashes []chainhash.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.local == 0 {
		return nil
	}
	for _, e := range p.since(0) {
		if e.local {
			hashes = append(hashes, e.hash())
		}
	}
	return hashes
}

// Broadcast notes that a peer has asked for a transaction: it is out.
func (p *Pool) Broadcast(hash chainhash.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.entries[hash]; e != nil && e.local {
		e.local = false
		p.local--
	}
}

// newTx computes both hashes, which a btcutil.Tx otherwise does when first asked, without a lock.
func newTx(tx *wire.MsgTx) *btcutil.Tx {
	t := btcutil.NewTx(tx)
	t.Hash()
	t.WitnessHash()
	return t
}
