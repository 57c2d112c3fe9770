// Package chain is the ledger's state: a tree of headers, the blocks, and the coins and totals at the tip of the best
// chain, the one with the most proof of work (of equal ones, the first seen). It puts ledger/consensus, whose rules these
// are, to work on a Pebble database, in which every change of tip, a whole reorganization included, is one atomic batch.
// It imports amount and ledger/consensus, and knows neither network nor memory pool; consumers pull from it with
// UpdatesSince.
package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/amount"
	"funai/ledger/consensus"
)

var (
	// ErrClosed says that the chain has been closed.
	ErrClosed = errors.New("chain is closed")
	// ErrUnknown says that a block is not in the tree of headers.
	ErrUnknown = errors.New("block is not known")
	// ErrMissing says that what was asked of a known block is not stored: its body has not come, or it was never on the
	// best chain.
	ErrMissing = errors.New("not stored")
	// ErrNoTxIndex says that the chain was opened without Options.TxIndex.
	ErrNoTxIndex = errors.New("no transaction index")
	// ErrGenesis says that the genesis block was to be declared invalid.
	ErrGenesis = errors.New("genesis cannot be declared invalid")
	// ErrCorrupt says that the database holds bytes this package did not write.
	ErrCorrupt = errors.New("corrupt ledger database")
	// ErrNetwork says that the database is another network's.
	ErrNetwork = errors.New("ledger database of another network")
	// ErrTooMany says that more headers were handed in at once than a message may hold.
	ErrTooMany = errors.New("too many headers")
)

// Index names a block. The zero Index stands for "before genesis".
type Index struct {
	Height int32
	Hash   chainhash.Hash
}

// Options are the settings of one chain.
type Options struct {
	Dir            string       // of the database
	FS             vfs.FS       // nil: the disk
	CoinCacheBytes int          // bound on coins kept in memory, changed ones included; 0: 32 MiB
	NoSync         bool         // do not wait for the disk: after a crash the tip may be an older one
	Logger         *slog.Logger // nil: none
	// Now is the clock that headers' times and InitialDownload are held against; nil: time.Now.
	Now func() time.Time
	// TxIndex keeps an index of the best chain's transactions for Tx. Turned on for a chain that has none, it is built
	// before Open returns; turned off, it is deleted. It cannot be had together with pruning: ErrPruneIndex.
	TxIndex bool
	// AssumeValid names a block whose scripts, and those of its ancestors, are taken to be good, as Bitcoin Core's
	// -assumevalid does: they are not run once the best header chain goes through it and has Params.MinimumChainWork.
	// All else of these blocks is checked. nil is Params.AssumeValid; the zero hash has every script run.
	AssumeValid *chainhash.Hash
	// PruneBytes is a bound on the bytes of blocks and undo data stored; the oldest are deleted to keep it, though never
	// those of the last 288 blocks, which may exceed it. The database gives their room back by and by. 0 keeps all.
	PruneBytes int64
}

// Outcome says what became of a block.
type Outcome struct {
	Height    int32
	MainChain bool // it is on the best chain now
	Orphan    bool // its parent is not known; such a block is not kept
}

// Update is a block that joined or left the best chain. Spent[i][j] is the output that input j of transaction i spent;
// Spent[0], the coinbase's, is empty.
type Update struct {
	Index
	Block *wire.MsgBlock
	Spent [][]*wire.TxOut
}

// Coin is an unspent output.
type Coin struct {
	Out      wire.TxOut
	Height   int32 // of the block that made it
	Coinbase bool
}

// Totals are sums over the best chain, in base units. Issued == Held + Burned at every block.
type Totals struct {
	Issued   amount.Amount // what coinbases claimed of the subsidy; what they leave is never issued
	Held     amount.Amount // in coins that can be spent, now or later
	Burned   amount.Amount // paid to scripts that nobody can ever spend, or left as fees that no coinbase claimed
	Immature amount.Amount // the part of Held in coinbases that the next block may not spend yet
}

// Chain is safe for concurrent use. One block is processed at a time, and readers are held up only while its outcome is
// written.
type Chain struct {
	p       *consensus.Params
	log     *slog.Logger
	db      *store
	sigs    *txscript.SigCache
	now     func() time.Time
	txIndex bool
	synced  atomic.Bool // the initial download is over
	// assumeValid is the block up to which scripts are not run; zero: run all.
	assumeValid chainhash.Hash

	// life is held for reading while the database is in use, and by Close.
	life   sync.RWMutex
	closed bool

	// unsynced says that the disk may not hold the tip yet; syncing is held by whoever sees to it.
	unsynced atomic.Bool
	syncing  sync.Mutex

	// proc is held by whoever changes the chain. Its holder may read what mu guards without mu.
	proc  sync.Mutex
	lag   lag
	early early
	mu    sync.RWMutex // held for writing while a change is made visible
	tree
	growing growing
	maxSide int // maxSideHeaders
	tip     *node
	main    []*node // the best chain by height
	totals  Totals
	bodies  pruning
	changed chan struct{}
}

// sigCacheSize is the number of signatures remembered, a few blocks' worth (about 5 MB).
const sigCacheSize = 50_000

// reportEvery is the time between two log lines on the progress of a long task.
const reportEvery = 10 * time.Second

// Open opens the chain in o.Dir, making it with nothing but genesis if there is none.
func Open(p *consensus.Params, o Options) (*Chain, error) {
	c := &Chain{
		p: p, log: o.Logger, sigs: txscript.NewSigCache(sigCacheSize), now: o.Now, txIndex: o.TxIndex, assumeValid: p.AssumeValid,
		growing: growing{}, maxSide: maxSideHeaders, bodies: pruning{limit: o.PruneBytes}, changed: make(chan struct{}),
	}
	if o.TxIndex && o.PruneBytes > 0 {
		return nil, ErrPruneIndex
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if o.AssumeValid != nil {
		c.assumeValid = *o.AssumeValid
	}
	if c.now == nil {
		c.now = time.Now
	}
	var err error
	if c.db, err = openStore(o, c.log); err != nil {
		return nil, err
	}
	if err := c.load(); err != nil {
		return nil, errors.Join(err, c.db.db.Close())
	}
	if err := c.prepareTxIndex(); err != nil {
		return nil, errors.Join(err, c.db.db.Close())
	}
	// A process killed while it linked a row of blocks may have left better ones than the tip.
	_, err = c.activate(context.Background())
	if err == nil {
		err = c.prune()
	}
	if err != nil {
		return nil, errors.Join(err, c.db.db.Close())
	}
	return c, nil
}

// load reads the tree and the state at the tip.
func (c *Chain) load() error {
	genesis := newNode(&c.p.GenesisBlock.Header, nil)
	genesis.status = status{stored: true, connected: true, txs: uint32(len(c.p.GenesisBlock.Transactions))}
	genesis.chainTxs = int64(genesis.txs)
	if ok, err := c.db.check(genesis.hash); err != nil {
		return err
	} else if !ok {
		if err := c.db.begin(genesis, c.p.GenesisBlock); err != nil {
			return err
		}
	}
	var err error
	if c.bodies.through, err = c.db.pruned(); err != nil {
		return err
	}
	if c.txIndex && c.bodies.through > 0 {
		return ErrPruneIndex
	}
	c.tree = newTree(genesis)
	err = c.db.headers(func(h *wire.BlockHeader, height int32, st status) error {
		if height == 0 {
			genesis.bytes = st.bytes
			return nil
		}
		parent := c.nodes[h.PrevBlock]
		if parent == nil || parent.height+1 != height {
			return fmt.Errorf("%w: header %v at height %d lacks its parent %v", ErrCorrupt, h.BlockHash(), height, h.PrevBlock)
		}
		n := newNode(h, parent)
		n.status = st
		c.add(n)
		if st.stored {
			c.link(n)
			c.bodies.grew(height, st.bytes)
		}
		return nil
	})
	if err != nil {
		return err
	}
	raw, err := c.db.get([]byte{keyTip})
	if err != nil {
		return err
	}
	var hash chainhash.Hash
	if err := hash.SetBytes(raw); err != nil {
		return fmt.Errorf("%w: tip: %v", ErrCorrupt, err)
	}
	tip := c.nodes[hash]
	if tip == nil || !tip.linked || tip.invalid() {
		return fmt.Errorf("%w: tip %v is not a valid block of the tree", ErrCorrupt, hash)
	}
	s, err := c.db.summary(tip)
	if err != nil {
		return err
	}
	c.totals = s.totals
	c.setTip(tip)
	for _, n := range c.main {
		n.seq = 0
	}
	if err := c.catchUp(); err != nil {
		return err
	}
	c.offer(tip, maps.Values(c.nodes))
	c.dropUnreachable()
	return nil
}

// Close ends the use of the database, waiting for calls under way. Calls after it answer ErrClosed.
func (c *Chain) Close() error {
	c.proc.Lock()
	defer c.proc.Unlock()
	c.life.Lock()
	defer c.life.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	return errors.Join(c.flushCoins(), c.db.db.Close())
}

// enter holds the database open until leave.
func (c *Chain) enter() error {
	c.life.RLock()
	if c.closed {
		c.life.RUnlock()
		return ErrClosed
	}
	return nil
}

func (c *Chain) leave() { c.life.RUnlock() }

// setTip makes n the tip in memory.
func (c *Chain) setTip(n *node) {
	at := n
	for int(at.height) >= len(c.main) || c.main[at.height] != at {
		if at = at.parent; at == nil {
			break
		}
	}
	keep := 0
	if at != nil {
		keep = int(at.height) + 1
	}
	c.main = append(c.main[:keep], make([]*node, int(n.height)+1-keep)...)
	for m := n; m != at; m = m.parent {
		c.main[m.height] = m
	}
	c.tip = n
	c.settle(n)
}

// onMain says whether n is on the best chain.
func (c *Chain) onMain(n *node) bool {
	return int(n.height) < len(c.main) && c.main[n.height] == n
}
