// Package chain keeps the inference chain: it follows the ledger through its reorganizations, holds elections and blocks,
// chooses the tip, and moves the state from block to block, in one atomic batch each time. It may import everything of
// the inference layer below it and the ledger's chain for its types. The rules it applies stand in sortition, block and
// execution; the choice of tip is in tip.go. Sources: FUN AI whitepaper, sections 2 to 5; SIP-001.
package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	lru "github.com/hashicorp/golang-lru/v2"

	"funai/inference/block"
	"funai/inference/sortition"
	"funai/inference/state"
	"funai/inference/tx"
	ledger "funai/ledger/chain"
)

var (
	// ErrParent says that a block's parent is not here yet.
	ErrParent = errors.New("parent unknown")
	// ErrLedger says that a block belongs to an election that this node's ledger has not reached.
	ErrLedger = errors.New("ledger is behind the block's election")
	// ErrOrphaned says that a block belongs to an election that is not on the ledger's best chain.
	ErrOrphaned = errors.New("election is not on the ledger's best chain")
	// ErrWaiting says that the next reward cycle's group depends on a block that is not here yet.
	ErrWaiting = errors.New("waiting for a block that fixes the next cycle's group")
	// ErrInvalid says that a block breaks a rule.
	ErrInvalid = errors.New("invalid block")
	// ErrUnknown says that there is no such block, election or task.
	ErrUnknown = errors.New("not found")
	// ErrTooDeep says that a ledger reorganization reaches further back than blocks can be undone.
	ErrTooDeep = errors.New("reorganization is too deep")
)

// Ledger is what the chain asks of the layer below.
type Ledger interface {
	UpdatesSince(at ledger.Index, limit int) (reverted, applied []ledger.Update, err error)
	Changed() <-chan struct{}
}

// Options say where the chain lives.
type Options struct {
	Params block.Params
	Dir    string
	FS     vfs.FS // nil is the disk
	Logger *slog.Logger
}

// Index names a block of the chain.
type Index struct {
	Height uint64
	ID     block.ID
}

// Chain is safe for concurrent use.
type Chain struct {
	params block.Params
	ledger Ledger
	log    *slog.Logger
	db     *pebble.DB
	state  *state.Store
	index  *state.Store // of tasks, for people; not part of the consensus

	mu      sync.RWMutex
	at      ledger.Index // of the ledger, followed so far
	tip     *node
	replay  replay // transactions undone by a reorganization, oldest first, that come first in the next block
	changed chan struct{}
	waiting []block.ID // missing ones that the next cycle's group depends on
	nodes   *lru.Cache[block.ID, *node]
	snaps   *lru.Cache[chainhash.Hash, *sortition.Snapshot]
	ready   *lru.Cache[block.ID, *executed] // validated, not yet added

	strange *lru.Cache[block.ID, block.Round] // blocks waited for that came and could not be added, with their tenures

	verified *lru.Cache[tx.ID, struct{}] // transactions whose signatures are good
}

// Bounds of the caches, in entries.
const (
	cachedNodes    = 4096
	cachedSnaps    = 256
	cachedExecuted = 16
	cachedVerified = 1 << 14
	maxReplay      = 1024
)

// Keys of the database: a letter, then what it is of.
const (
	keyLedger   = 'L' // the ledger index followed
	keySnapshot = 'S' // ledger hash -> snapshot
	keyNumber   = 'N' // ledger height -> hash on the followed chain
	keyCycle    = 'Y' // hash of a cycle's last ledger block -> the next cycle's set
	keyBlock    = 'B' // id -> stored
	keyEffect   = 'D' // id -> effect
	keyHeight   = 'H' // height -> id on the chain of the tip
	keyAtHeight = 'G' // height, id -> nothing: all blocks
	keyTip      = 'T'
	keyReplay   = 'R'
	stateSpace  = 's'
	indexSpace  = 'x'
)

// Open opens the chain in a directory, or starts one at genesis.
func Open(l Ledger, o Options) (*Chain, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	opts := &pebble.Options{FS: o.FS, Logger: quiet{}, MemTableSize: 8 << 20}
	db, err := pebble.Open(o.Dir, opts)
	if err != nil {
		return nil, fmt.Errorf("inference chain: %w", err)
	}
	c := &Chain{params: o.Params, ledger: l, log: o.Logger, db: db, changed: make(chan struct{}),
		state: state.NewStore(db, stateSpace), index: state.NewStore(db, indexSpace)}
	// The sizes are positive constants, the only thing that New can fail on.
	c.nodes, _ = lru.New[block.ID, *node](cachedNodes)
	c.snaps, _ = lru.New[chainhash.Hash, *sortition.Snapshot](cachedSnaps)
	c.ready, _ = lru.New[block.ID, *executed](cachedExecuted)
	c.strange, _ = lru.New[block.ID, block.Round](cachedSnaps)
	c.verified, _ = lru.New[tx.ID, struct{}](cachedVerified)
	if err := c.load(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return c, nil
}

// Close closes the database. Nothing may be called afterwards.
func (c *Chain) Close() error { return c.db.Close() }

// Params returns the network's rules.
func (c *Chain) Params() block.Params { return c.params }

// Tip returns the best block; at height 0 there is none yet.
func (c *Chain) Tip() Index {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.tip.Index()
}

// Changed is closed when the tip, the ledger followed, or the election changes next.
func (c *Chain) Changed() <-chan struct{} {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.changed
}

// notify wakes those who wait; the lock is held.
func (c *Chain) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// Follow follows the ledger until the context ends.
func (c *Chain) Follow(ctx context.Context) error {
	for {
		moved := c.ledger.Changed()
		if err := c.Sync(); err != nil && !errors.Is(err, ErrWaiting) {
			return err
		}
		// A wait for a block ends with a change of this chain, which may be the block.
		mine := c.Changed()
		if !c.Waits() {
			mine = nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		case <-mine:
		}
	}
}

// Waits says whether the election waits for missing blocks.
func (c *Chain) Waits() bool { return len(c.Waiting()) > 0 }

// Waiting lists the missing blocks that the election waits for.
func (c *Chain) Waiting() []block.ID {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.waiting)
}

// quiet silences Pebble, whose messages are for its own developers; errors come back from its calls.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...)) // the database is broken beyond going on
}
