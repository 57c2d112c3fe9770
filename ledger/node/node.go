// Package ledgernode puts the ledger's parts together into a running node: chain, memory pool, peers, wallet, JSON-RPC and
// a miner, each the work of a package of ledger, here only connected, opened in order and closed in the opposite one. It
// may import everything of ledger.
package ledgernode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"funai/ledger/chain"
	"funai/ledger/consensus"
	"funai/ledger/mempool"
	"funai/ledger/miner"
	"funai/ledger/peer"
	"funai/ledger/wallet/hd"
)

// What a node keeps in its folder, besides the lock that it holds.
const (
	ChainDir   = "ledger" // database
	WalletDir  = "wallet"
	CookieFile = ".cookie" // password of this run's RPC, as Bitcoin Core names it

	poolFile = "mempool.dat"
	feesFile = "fees.dat"
	addrFile = "peers.json"
	banFile  = "bans.json"
	lockFile = "ledger.lock"
)

// Config says what a node is and does. The zero value of a field leaves out what it is about.
type Config struct {
	Params *consensus.Params
	Dir    string // everything is kept here
	Logger *slog.Logger

	TxIndex        bool
	PruneBytes     int64           // bound on stored blocks; 0 keeps all
	AssumeValid    *chainhash.Hash // nil: the network's own
	CoinCacheBytes int             // 0: the chain's default

	Listen      string   // TCP address to take connections on
	Connect     []string // TCP addresses to stay connected to
	OnlyConnect bool     // and to no others
	Seeds       []string // where addresses are learned from: names with many addresses, or nodes as "host:port"
	External    []string // our addresses to tell others, "host:port"

	RPC *RPC // nil: none

	Mine     []byte               // output script to mine to
	Interval func() time.Duration // least time from a change of the tip to our next block; nil: none

	Metrics       *prometheus.Registry
	MetricsListen string // TCP address to serve Metrics on

	Surroundings
}

// RPC says how JSON-RPC is served.
type RPC struct {
	Listen         string   // TCP address
	User, Password string   // empty: the cookie file alone
	Auth           []string // further users, lines of Bitcoin Core's rpcauth
	LogPath        string   // told to clients
}

// Surroundings stand in for sockets and the disk, so that a node runs in a test on a fake clock. The zero value is the
// real ones.
type Surroundings struct {
	FS       vfs.FS // of the chain's database; if set, nothing is kept in Dir
	NoSync   bool
	Listener net.Listener
	Dial     func(ctx context.Context, addr string) (net.Conn, error)
}

// ErrInUse says that another process has the folder.
var ErrInUse = errors.New("folder is in use by another ledger node")

// Node is a running node. Its parts may be used until Close.
type Node struct {
	Chain *chain.Chain
	Pool  *mempool.Pool
	Peers *peer.Server
	// Wallet is where the wallet is that RPC works on, if one has been made; nil without RPC.
	Wallet *hd.Loader

	cfg      Config
	log      *slog.Logger
	listener net.Listener
	rpcAddr  net.Addr
	metrics  net.Addr

	run     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	done    chan struct{}
	stop    sync.Once
	err     error // why it stopped; set before done is closed
	closers []func() error
	closing sync.Once
	closed  error
}

// Open starts a node. It runs until Close, a call of RPC's stop, or a failure of its own, which Done and Err tell of.
func Open(cfg Config) (_ *Node, err error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	n := &Node{cfg: cfg, log: cfg.Logger, done: make(chan struct{})}
	n.run, n.cancel = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	for _, open := range []func() error{n.openDir, n.openChain, n.openPool, n.openPeers, n.openWallet, n.openRPC, n.openMetrics} {
		if err := open(); err != nil {
			return nil, err
		}
	}
	n.mine()
	tip := n.Chain.Tip()
	n.log.Info("ledger node started", "network", n.cfg.Params.Name, "height", tip.Height, "tip", tip.Hash, "listen", n.Addr(), "rpc", n.RPCAddr())
	return n, nil
}

func (n *Node) part(name string) *slog.Logger { return n.log.With("part", name) }

func (n *Node) closer(f func() error) { n.closers = append(n.closers, f) }

// path is a file of the node's; "" if it keeps none.
func (n *Node) path(name string) string {
	if n.cfg.FS != nil {
		return ""
	}
	return filepath.Join(n.cfg.Dir, name)
}

// openDir makes the folder ours until Close, or until the process ends in whatever way.
func (n *Node) openDir() error {
	if n.cfg.FS != nil {
		return nil
	}
	if err := os.MkdirAll(n.cfg.Dir, 0o700); err != nil {
		return err
	}
	lock, err := vfs.Default.Lock(n.path(lockFile))
	if err != nil {
		return fmt.Errorf("%w: %s: %v", ErrInUse, n.cfg.Dir, err)
	}
	n.closer(lock.Close)
	return nil
}

func (n *Node) openChain() (err error) {
	n.Chain, err = chain.Open(n.cfg.Params, chain.Options{Dir: filepath.Join(n.cfg.Dir, ChainDir), FS: n.cfg.FS, NoSync: n.cfg.NoSync,
		CoinCacheBytes: n.cfg.CoinCacheBytes, TxIndex: n.cfg.TxIndex, PruneBytes: n.cfg.PruneBytes, AssumeValid: n.cfg.AssumeValid, Logger: n.part("ledger")})
	if err != nil {
		return err
	}
	n.closer(n.Chain.Close)
	return nil
}

func (n *Node) openPool() error {
	cfg := mempool.Config{File: n.path(poolFile), FeesFile: n.path(feesFile), Logger: n.part("mempool")}
	if n.cfg.Metrics != nil {
		cfg.Metrics = n.cfg.Metrics
	}
	n.Pool = mempool.New(n.Chain, cfg)
	n.closer(n.Pool.Close)
	return nil
}

func (n *Node) openPeers() (err error) {
	n.listener = n.cfg.Listener
	if n.listener == nil && n.cfg.Listen != "" {
		if n.listener, err = net.Listen("tcp", n.cfg.Listen); err != nil {
			return err
		}
	}
	cfg := peer.Config{Chain: n.Chain, Pool: n.Pool, Dial: n.cfg.Dial, Peers: n.cfg.Connect, OnlyConnect: n.cfg.OnlyConnect,
		Seeds: n.cfg.Seeds, External: n.cfg.External,
		AddrFile: n.path(addrFile), BanFile: n.path(banFile), Logger: n.part("peer")}
	if n.listener != nil {
		cfg.Listeners = []net.Listener{n.listener}
	}
	if n.cfg.Metrics != nil {
		cfg.Metrics = n.cfg.Metrics
	}
	n.Peers = peer.New(cfg)
	n.closer(n.Peers.Close)
	return nil
}

// openWallet opens the wallet if there is one. Others may be made or restored while the node runs.
func (n *Node) openWallet() error {
	if n.cfg.RPC == nil {
		return nil
	}
	n.Wallet = hd.NewLoader(hd.Config{Dir: filepath.Join(n.cfg.Dir, WalletDir), Chain: n.Chain, Pool: n.Pool, Logger: n.part("wallet"), FS: n.cfg.FS})
	n.closer(n.Wallet.Close)
	if err := n.Wallet.Load(); err != nil && !errors.Is(err, hd.ErrNone) {
		return fmt.Errorf("wallet: %w", err)
	}
	return nil
}

// goes runs f, whose failure stops the node.
func (n *Node) goes(f func() error) {
	n.wg.Go(func() {
		if err := f(); err != nil && n.run.Err() == nil {
			n.fail(err)
		}
	})
}

// fail stops the node, for a reason or, with nil, because it was asked to.
func (n *Node) fail(err error) {
	n.stop.Do(func() {
		if n.err = err; err != nil {
			n.log.Error("ledger node stops", "err", err)
		}
		close(n.done)
	})
}

// mine starts the miner if there is to be one.
func (n *Node) mine() {
	if len(n.cfg.Mine) == 0 {
		return
	}
	m := &miner.Miner{Chain: n.Chain, Pool: n.Pool, PayTo: n.cfg.Mine, Interval: n.cfg.Interval, Logger: n.part("miner")}
	stopped := make(chan struct{})
	n.goes(func() error {
		defer close(stopped)
		return m.Run(n.run)
	})
	n.closer(func() error {
		<-stopped // n.run is over
		return nil
	})
}

// Done is closed when the node should be closed: a part failed, or a client of RPC asked for it.
func (n *Node) Done() <-chan struct{} { return n.done }

// Err is why Done is closed; nil if a client asked for it.
func (n *Node) Err() error {
	<-n.done
	return n.err
}

// Addr is where other nodes connect to it, "" if they can't.
func (n *Node) Addr() string { return addrOf(n.listener) }

// RPCAddr is where JSON-RPC is served, "" if it is not.
func (n *Node) RPCAddr() string { return text(n.rpcAddr) }

// MetricsAddr is where metrics are served, "" if they are not.
func (n *Node) MetricsAddr() string { return text(n.metrics) }

func addrOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

func text(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// Close stops all parts, the last opened first, and waits for them.
func (n *Node) Close() error {
	n.closing.Do(func() {
		n.cancel()
		var errs []error
		for i := len(n.closers) - 1; i >= 0; i-- {
			errs = append(errs, n.closers[i]())
		}
		n.wg.Wait()
		n.closed = errors.Join(errs...)
		n.log.Info("ledger node stopped", "err", n.closed)
	})
	return n.closed
}
