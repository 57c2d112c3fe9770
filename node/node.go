// Package node puts roles together into a running node: a ledger, an inference chain, a host on the network, and on top
// of them what the node is for: mining, verifying, serving, asking. Every role is the work of a package below; here they
// are only connected. It may import everything but cmd.
package node

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

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"funai/amount"
	"funai/inference/chain"
	"funai/inference/client"
	"funai/inference/content"
	"funai/inference/exchange"
	"funai/inference/funding"
	"funai/inference/market"
	"funai/inference/pool"
	"funai/inference/producer"
	"funai/inference/round"
	"funai/inference/server"
	"funai/inference/verifier"
	"funai/internal/atomicfile"
	"funai/key"
	ledger "funai/ledger/chain"
	"funai/ledger/mempool"
	"funai/ledger/miner"
	ledgernode "funai/ledger/node"
	"funai/ledger/peer"
	"funai/ledger/wallet"
	"funai/model"
	"funai/p2p"
	"funai/vrf"

	"funai/inference/blocksync"
)

// Config says what a node is and does. Role fields that are zero leave the role out.
type Config struct {
	Network Network
	Dir     string
	Key     *key.Private
	Logger  *slog.Logger
	Metrics *prometheus.Registry // nil: none

	LedgerListen string   // TCP address; empty does not listen
	LedgerPeers  []string // TCP addresses
	Listen       []string // multiaddrs of the inference layer
	Peers        []string // multiaddrs with /p2p/ID

	Mine         bool
	MineInterval func() time.Duration // least time between blocks; nil is the network's spacing, or its hurry while it is young

	Verify bool
	Judges map[uint32]Judged // by model type; a seat without a model abstains

	Serve    map[uint32]model.Engine // by model type; empty does not serve
	GasPrice amount.Amount           // 0 is the model's usual one
	Parallel int                     // tasks at once
	Bid      amount.Amount           // for each election, in base units; 0 stands for none

	Wants funding.Wants // kept fulfilled from the ledger wallet

	Cookie string // file with the token that spending over HTTP needs; made if there is none

	Gateway Gateway // how it serves others, if it does

	Names    map[key.Hash160]string                        // to show instead of addresses
	Balances func(key.Hash160) (b wallet.Balance, ok bool) // of other nodes' ledger wallets, where they are known

	Surroundings
}

// Surroundings stand in for sockets and the disk, so that a whole network runs in one test on a fake clock. The zero value
// is the real ones.
type Surroundings struct {
	FS             vfs.FS // of both chains' databases
	LedgerListener net.Listener
	LedgerDial     func(ctx context.Context, addr string) (net.Conn, error)
	NewHost        func(context.Context, p2p.Config) (Host, error)
}

// Host is a node's place on the inference layer's network.
type Host interface {
	Publish(ctx context.Context, topic string, data []byte) error
	Subscribe(topic string, maxBytes int, handle p2p.GossipHandler) error
	Handle(protocol string, h p2p.Handler)
	Open(ctx context.Context, to key.Public, protocol string) (p2p.Stream, error)
	Peers() []key.Public
	Addrs() []string
	Close() error
}

var _ Host = (*p2p.Host)(nil)

// Node is a running node.
type Node struct {
	cfg  Config
	log  *slog.Logger
	me   key.Hash160
	stop context.CancelFunc
	done chan struct{}
	err  error

	base     *ledgernode.Node
	ledger   *ledger.Chain
	mempool  *mempool.Pool
	peers    *peer.Server
	wallet   *wallet.Wallet
	host     Host
	chain    *chain.Chain
	contents *content.Store
	evidence *evidence // of a verification node
	pool     *pool.Pool
	board    *market.Board
	exchange *exchange.Exchange
	client   *client.Client
	server   *server.Server

	mu      sync.Mutex
	closers []func() error // in the order of opening
}

// gossiped are the topics of the inference layer and the longest message of each.
const maxTx = 64 << 10

// Start opens a node's stores, joins the network, and begins its roles. The node runs until Close or an error of its own
// that it can't go on with, such as a full disk.
func Start(ctx context.Context, cfg Config) (_ *Node, err error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	n := &Node{cfg: cfg, log: cfg.Logger, me: cfg.Key.Public().Hash160(), done: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.closeAll())
		}
	}()
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	if err := n.openLedger(); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	if err := n.openInference(ctx); err != nil {
		return nil, fmt.Errorf("inference layer: %w", err)
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	n.stop = stop
	g, run := errgroup.WithContext(run)
	if err := n.begin(run, g); err != nil {
		stop()
		return nil, errors.Join(err, ignoreCanceled(g.Wait()))
	}
	go func() {
		n.err = ignoreCanceled(g.Wait())
		if n.err != nil {
			n.log.Error("node stopped", "err", n.err)
		}
		close(n.done)
	}()
	return n, nil
}

func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Done is closed when the node has stopped by itself; Err then says why.
func (n *Node) Done() <-chan struct{} { return n.done }

// Close stops the node and waits for all of it.
func (n *Node) Close() error {
	n.stop()
	<-n.done
	return errors.Join(n.err, n.closeAll())
}

// closeAll closes what was opened, the last first.
func (n *Node) closeAll() (err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := len(n.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, n.closers[i]())
	}
	n.closers = nil
	return err
}

func (n *Node) closer(f func() error) { n.closers = append(n.closers, f) }

// dir is a folder of the node's own.
func (n *Node) dir(name string) string { return filepath.Join(n.cfg.Dir, name) }

func (n *Node) openLedger() error {
	l, err := ledgernode.Open(ledgernode.Config{Params: n.cfg.Network.Ledger, Dir: n.cfg.Dir, Listen: n.cfg.LedgerListen, Connect: n.cfg.LedgerPeers, Logger: n.log,
		Surroundings: ledgernode.Surroundings{FS: n.cfg.FS, Listener: n.cfg.LedgerListener, Dial: n.cfg.LedgerDial}})
	if err != nil {
		return err
	}
	n.closer(l.Close)
	n.base, n.ledger, n.mempool, n.peers = l, l.Chain, l.Pool, l.Peers
	n.wallet = wallet.Open(n.cfg.Key, n.ledger, n.mempool, wallet.Options{Snapshot: n.dir("wallet-snapshot"), Logger: n.log.With("part", "wallet")})
	n.closer(n.wallet.Close)
	return nil
}

func (n *Node) openInference(ctx context.Context) (err error) {
	if n.chain, err = chain.Open(n.ledger, chain.Options{Params: n.cfg.Network.Inference, Dir: n.dir("inference"), FS: n.cfg.FS, Logger: n.log.With("part", "chain")}); err != nil {
		return err
	}
	n.closer(n.chain.Close)
	if n.contents, err = content.Open(n.dir("contents"), content.Options{}); err != nil {
		return err
	}
	n.closer(n.contents.Close)
	if n.cfg.Verify {
		s, err := content.Open(n.dir("evidence"), content.Options{})
		if err != nil {
			return err
		}
		n.closer(s.Close)
		n.evidence = &evidence{s, n.contents, n.chain.Changed}
	}
	cfg := p2p.Config{Key: n.cfg.Key, ChainID: n.cfg.Network.Inference.Name, Listen: n.cfg.Listen, Peers: n.cfg.Peers, Logger: n.log.With("part", "p2p")}
	if n.cfg.Metrics != nil {
		cfg.Registerer = n.cfg.Metrics
	}
	newHost := n.cfg.NewHost
	if newHost == nil {
		newHost = func(ctx context.Context, c p2p.Config) (Host, error) { return p2p.New(ctx, c) }
	}
	if n.host, err = newHost(ctx, cfg); err != nil {
		return err
	}
	n.closer(n.host.Close)
	n.pool = pool.New(n.chain, n.host)
	n.board = market.NewBoard(n.cfg.Network.Inference.ChainID, func(h key.Hash160) bool {
		a, err := n.chain.Account(h)
		return err == nil && a.Bond >= n.cfg.Network.Inference.MinFine
	})
	n.exchange = exchange.New(n.chain, n.contents, n.host, n.log.With("part", "exchange"))
	n.client = client.New(client.Config{Key: n.cfg.Key, Chain: n.chain, Pool: n.pool, Board: n.board, Exchange: n.exchange, Network: n.host, Logger: n.log.With("part", "client")})
	return nil
}

// begin connects the parts and starts them.
func (n *Node) begin(ctx context.Context, g *errgroup.Group) error {
	syncer := blocksync.New(n.chain, n.host, n.log.With("part", "sync"))
	engine, err := n.rounds(syncer.Behind)
	if err != nil {
		return err
	}
	if err := n.subscribe(engine); err != nil {
		return err
	}
	g.Go(func() error { return n.chain.Follow(ctx) })
	g.Go(func() error { return n.pool.Run(ctx) })
	g.Go(func() error { return engine.Run(ctx) })
	g.Go(func() error { return syncer.Run(ctx) })
	g.Go(func() error { return n.exchange.Forget(ctx) })
	g.Go(func() error { return n.client.Watch(ctx) })
	syncer.Behind()
	if n.cfg.Mine {
		n.mine(ctx, g)
	}
	if n.cfg.Verify {
		v := verifier.New(verifier.Config{Key: n.cfg.Key, Chain: n.chain, Pool: n.pool, Exchange: n.exchange, Judge: judges{n.cfg.Judges, n.evidence},
			Ballots: ballots{n.dir("ballots")}, Logger: n.log.With("part", "verifier")})
		g.Go(func() error { return v.Run(ctx) })
		g.Go(func() error { return n.evidence.forget(ctx) })
	}
	if len(n.cfg.Serve) > 0 {
		n.serve(ctx, g)
	}
	if n.cfg.Bid > 0 {
		p := producer.New(producer.Config{Key: n.cfg.Key, Prover: prover(n.cfg.Key), Chain: n.chain, Wallet: n.wallet,
			Bid: func() amount.Amount { return n.cfg.Bid }, Logger: n.log.With("part", "producer")})
		g.Go(func() error { return p.Run(ctx) })
	}
	if n.cfg.Wants != (funding.Wants{}) {
		g.Go(func() error {
			return funding.Run(ctx, funding.Config{Key: n.cfg.Key, Chain: n.chain, Pool: n.pool, Wallet: n.wallet, Wants: n.cfg.Wants, Logger: n.log.With("part", "funding")})
		})
	}
	return nil
}

// prover is the VRF key of a node, derived from its one key.
func prover(k *key.Private) *vrf.PrivateKey { return vrf.NewKey(k.Derive("vrf")) }

func (n *Node) rounds(behind func()) (*round.Engine, error) {
	cfg := round.Config{Chain: n.chain, Pool: n.pool, Network: n.host, Logger: n.log.With("part", "round"), Behind: behind}
	if n.cfg.Verify {
		if err := atomicfile.Sweep(n.cfg.Dir); err != nil {
			return nil, err
		}
		cfg.Seat, cfg.Journal = n.cfg.Key, atomicfile.File{Path: n.dir("seat")}
	}
	if n.cfg.Bid > 0 {
		cfg.Signer, cfg.Prover = n.cfg.Key, prover(n.cfg.Key)
	}
	return round.New(cfg)
}

func (n *Node) mine(ctx context.Context, g *errgroup.Group) {
	interval := n.cfg.MineInterval
	if interval == nil {
		interval = n.interval
	}
	m := &miner.Miner{Chain: n.ledger, Pool: n.mempool, PayTo: n.me.LedgerScript(), Interval: interval, Logger: n.log.With("part", "miner")}
	g.Go(func() error { return m.Run(ctx) })
}

// interval is how long this miner waits between blocks: a young network's hurry, then the spacing.
func (n *Node) interval() time.Duration {
	spacing, hurry, height := n.cfg.Network.Ledger.Spacing, n.cfg.Network.Hurry, n.ledger.Tip().Height
	if hurry == 0 || height >= hurryBlocks {
		return spacing
	}
	if set, err := n.chain.Set(uint32(max(n.chain.Followed().Height, 0))); err == nil && len(set.Seats) >= n.cfg.Network.Inference.Seats {
		return spacing
	}
	return hurry
}

func (n *Node) serve(ctx context.Context, g *errgroup.Group) {
	price := n.cfg.GasPrice
	if price == 0 {
		for t := range n.cfg.Serve {
			if m, ok := n.cfg.Network.ModelOf(t); ok {
				price = max(price, m.GasPrice)
			}
		}
	}
	n.server = server.New(server.Config{Key: n.cfg.Key, Chain: n.chain, Pool: n.pool, Exchange: n.exchange, Network: n.host, Models: n.cfg.Serve,
		GasPrice: price, Parallel: max(n.cfg.Parallel, 1), Logger: n.log.With("part", "server")})
	g.Go(func() error {
		return market.Announce(ctx, n.host, n.board, n.cfg.Key, n.server.Offer)
	})
}

// subscribe hands the network's messages to those who read them.
func (n *Node) subscribe(engine *round.Engine) error {
	topics := []struct {
		name    string
		max     int
		receive func([]byte) error
		blame   []error // what only a bad sender sends
	}{
		{pool.Topic, maxTx, n.pool.Receive, badTransaction},
		{round.TopicProposal, maxProposal, func(b []byte) error { return engine.Receive(round.TopicProposal, b) }, []error{round.ErrMessage}},
		{round.TopicVote, maxVote, func(b []byte) error { return engine.Receive(round.TopicVote, b) }, []error{round.ErrMessage}},
		{round.TopicStatus, maxStatus, func(b []byte) error { return engine.Receive(round.TopicStatus, b) }, []error{round.ErrMessage}},
		{market.Topic, market.MaxOfferBytes, n.board.Receive, nil},
	}
	for _, t := range topics {
		err := n.host.Subscribe(t.name, t.max, func(_ context.Context, _ key.Public, b []byte) error {
			err := t.receive(b)
			for _, bad := range t.blame {
				if errors.Is(err, bad) {
					return fmt.Errorf("%w: %w", p2p.ErrReject, err)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
