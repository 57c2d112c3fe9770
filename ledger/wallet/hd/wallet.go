package hd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/amount"
	"funai/internal/atomicfile"
	"funai/ledger/chain"
	"funai/ledger/consensus"
	"funai/ledger/mempool"
	"funai/ledger/wallet/hdkey"
	"funai/ledger/wallet/vault"
)

// Chain is what a wallet needs of the node's chain.
type Chain interface {
	Params() *consensus.Params
	Tip() chain.Index
	IndexAt(height int32) (chain.Index, bool)
	Header(hash chainhash.Hash) (wire.BlockHeader, int32, bool)
	Block(hash chainhash.Hash) (*wire.MsgBlock, error)
	UpdatesSince(at chain.Index, limit int) (reverted, applied []chain.Update, err error)
	Changed() <-chan struct{}
}

// Pool is what a wallet needs of the node's mempool.
type Pool interface {
	Accept(tx *wire.MsgTx) ([]*chainhash.Hash, error)
	UpdatesSince(seq uint64, watched []chainhash.Hash) mempool.Updates
	Changed() <-chan struct{}
	Info() mempool.Info
}

// Estimator is a Pool that knows what a transaction has to pay, per 1,000 virtual bytes, to be mined within a number of
// blocks. Without one, or an estimate of its, the wallet pays DefaultFeeRate.
type Estimator interface {
	EstimateFee(target int, conservative bool) (rate amount.Amount, blocks int, err error)
}

var (
	_ Chain = (*chain.Chain)(nil)
	_ Pool  = (*mempool.Pool)(nil)
)

// Why a wallet does not do what it was asked for.
var (
	ErrClosed   = errors.New("wallet is closed")
	ErrNone     = errors.New("there is no wallet")
	ErrExists   = errors.New("there is a wallet already")
	ErrNetwork  = errors.New("wallet of another network")
	ErrLocked   = errors.New("wallet is locked")
	ErrScanning = errors.New("wallet still reads the chain")
	ErrPruned   = errors.New("blocks that the wallet has to read are not stored any more")
	ErrUnknown  = errors.New("not a transaction of the wallet")
	ErrNotMine  = errors.New("address is not the wallet's")
	ErrLabel    = errors.New("bad label")
	ErrRange    = errors.New("no such blocks")
)

// Config is a wallet's surroundings.
type Config struct {
	Dir    string // of the wallet, as Create or Restore has made it
	Chain  Chain
	Pool   Pool
	Logger *slog.Logger     // nil: none
	Now    func() time.Time // nil: time.Now
	Rand   io.Reader        // nil: crypto/rand; for nonces, and where change goes
	FS     vfs.FS           // of the database; nil: the disk
}

// Wallet follows the chain and the mempool by itself from Open to Close. Its methods may be called from any goroutine.
type Wallet struct {
	cfg    Config
	log    *slog.Logger
	net    *consensus.Params
	db     *store
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	closed  bool
	file    *vault.File
	keys    *hdkey.Accounts // public
	private *hdkey.Accounts // nil while the wallet is locked
	relock  *time.Timer     // nil: unlocked for ever, or locked
	until   time.Time       // when relock fires
	watched [2][2]uint32    // how many addresses of each chain are in book.scripts
	gaps    map[hdkey.Path]bool
	book    *book
	locked  map[wire.OutPoint]bool // coins that are not to be spent; true: also after a restart
	at      chain.Index            // read so far
	seq     uint64                 // of the pool
	scan    scan
	stuck   error // why the wallet cannot follow the chain although it is far behind; wraps ErrPruned
	dirty   map[chainhash.Hash]*record
	used    bool // file.Meta.Next has changed and the file has not
}

// keysFile is the wallet file in its folder, chainDir the database.
const (
	keysFile = "keys"
	chainDir = "chain"
)

// Exists says whether there is a wallet in a folder, be it one that cannot be read.
func Exists(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, keysFile))
	return err == nil || !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR)
}

// Open opens the wallet in cfg.Dir and begins to follow the chain. Errors wrap ErrNone, ErrNetwork and vault's. A wallet
// with a passphrase is locked until Unlock.
func Open(cfg Config) (*Wallet, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	w := &Wallet{cfg: cfg, log: cfg.Logger, net: cfg.Chain.Params(), done: make(chan struct{}), book: newBook(),
		dirty: map[chainhash.Hash]*record{}, gaps: map[hdkey.Path]bool{}}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if err := w.openFile(); err != nil {
		return nil, err
	}
	if err := w.openBook(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	go w.run(ctx)
	return w, nil
}

func (w *Wallet) path() string { return filepath.Join(w.cfg.Dir, keysFile) }

func (w *Wallet) openFile() (err error) {
	if !Exists(w.cfg.Dir) {
		return fmt.Errorf("%w in %s", ErrNone, w.cfg.Dir)
	}
	if err := errors.Join(atomicfile.Sweep(w.cfg.Dir), removeFresh(w.cfg.Dir)); err != nil {
		return err
	}
	if w.file, err = vault.Load(w.path()); err != nil {
		return err
	}
	if w.file.Public.Network != w.net.Name {
		return fmt.Errorf("%w: of %q, not %q", ErrNetwork, w.file.Public.Network, w.net.Name)
	}
	if w.keys, err = hdkey.Public(w.net, w.file.Public.Fingerprint, w.file.Public.XPubs); err != nil {
		return fmt.Errorf("%s: %w", w.path(), err)
	}
	if !w.file.Encrypted() {
		return w.unlock("", 0)
	}
	return nil
}

func (w *Wallet) openBook() (err error) {
	for _, t := range hdkey.Types {
		for _, c := range hdkey.Chains {
			if err := w.watch(t, c); err != nil {
				return err
			}
		}
	}
	if w.db, err = openStore(filepath.Join(w.cfg.Dir, chainDir), w.cfg.FS, w.log); err != nil {
		return err
	}
	if err = w.loadBook(); err != nil {
		return errors.Join(err, w.db.close())
	}
	return nil
}

func (w *Wallet) loadBook() error {
	owner := append([]byte(w.file.Public.XPubs[0]), w.net.GenesisHash[:]...)
	if err := w.db.own(owner); err != nil {
		return err
	}
	at, locked, err := w.db.load(w.book.insert)
	if err != nil {
		return err
	}
	if w.locked, w.at = locked, at; at == (chain.Index{}) {
		w.at = w.start()
	}
	return nil
}

// Close stops following the chain, wipes the keys, and closes the database.
func (w *Wallet) Close() error {
	w.cancel()
	<-w.done
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	w.lock()
	return errors.Join(w.commit(false), w.db.close())
}

// commit writes what has changed. The file goes first: a database that knows an address as used must not outlive a file
// that doesn't. The lock is held, here and wherever nothing else is said.
func (w *Wallet) commit(mustLast bool) error {
	if w.used {
		if err := w.file.Save(w.path()); err != nil {
			return fmt.Errorf("saving the wallet file: %w", err)
		}
		w.used = false
	}
	c := changes{at: &w.at, mustLast: mustLast}
	for _, r := range w.dirty {
		c.records = append(c.records, r)
	}
	if err := w.db.write(c); err != nil {
		return fmt.Errorf("wallet database: %w", err)
	}
	clear(w.dirty)
	return nil
}

func (w *Wallet) touch(r *record) { w.dirty[r.hash] = r }

// Net is the wallet's network.
func (w *Wallet) Net() *consensus.Params { return w.net }

// Info is a summary of a wallet.
type Info struct {
	Dir         string
	Fingerprint uint32
	Encrypted   bool
	Locked      bool      // there is a passphrase, and it has not been given
	Until       time.Time // when an unlocked wallet locks itself; zero: locked, or without passphrase
	Birthday    time.Time // zero: unknown
	Txs         int
	Gap         uint32
	Next        [2][2]uint32 // first index not handed out, by hdkey.Type and hdkey.Chain
	At          chain.Index  // read so far
	Scan        Progress
	Format      int // of the file
}

// Info tells of the wallet without waiting for the chain.
func (w *Wallet) Info() Info {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := Info{Dir: w.cfg.Dir, Fingerprint: w.keys.Fingerprint, Encrypted: w.file.Encrypted(), Locked: w.private == nil,
		Until: w.until, Txs: len(w.book.txs), Gap: w.file.Meta.Gap, Next: w.file.Meta.Next, At: w.at, Scan: w.progress(), Format: vault.Version}
	if b := w.file.Public.Birthday; b > 0 {
		i.Birthday = time.Unix(b, 0)
	}
	return i
}

// Chain is the chain that the wallet follows.
func (w *Wallet) Chain() Chain { return w.cfg.Chain }
