// Package peer connects nodes of the ledger by the Bitcoin wire protocol: handshake, headers-first download of blocks
// from several peers at once, relay of blocks, transactions and addresses, and the bounds that keep a bad peer from doing
// harm. It speaks with btcd's wire and may import ledger/chain, ledger/consensus and ledger/mempool. Its rules are the
// protocol's as Bitcoin Core speaks it (BIPs 14, 31, 61, 130, 133, 144, 155, 159, 339), on the magic bytes of our networks.
package peer

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	lru "github.com/hashicorp/golang-lru/v2"

	"funai/ledger/chain"
	"funai/ledger/mempool"
	"funai/ledger/peer/addrbook"
)

// Version is that of the program, and UserAgent what it tells peers that it is (BIP-14).
const (
	Version   = "0.1.0"
	UserAgent = "/funai:" + Version + "/"
)

const (
	// rejectedSize bounds the transactions remembered as refused since the last block, knownSize, for each peer, the
	// blocks and transactions it is known to have.
	rejectedSize = 10_000
	knownSize    = 10_000
	// tickDivisor makes timeouts of requests be looked at that many times in one of them.
	tickDivisor = 8
)

// Server is a node's side of the network. Make it with New, end it with Close.
type Server struct {
	cfg  Config
	c    *chain.Chain
	pool *mempool.Pool
	log  *slog.Logger

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	slots  chan struct{} // one for each connection to an added peer

	local          bool // a network on one machine or in one house
	seed           maphash.Seed
	bans           *banList
	book           *addrbook.Book
	total          traffic
	gauges         *metrics
	punished, slow atomic.Int64 // connections ended for misbehaviour, for stalling
	rejected       hashes
	wtxids         *lru.Cache[chainhash.Hash, chainhash.Hash] // hashes of transactions, by the ones that cover the witness

	mu          sync.Mutex
	closed      bool
	active      bool
	change      chan struct{} // see Changed
	woken       chan struct{} // closes when active changes
	lastID      int32
	peers       map[*remote]struct{}
	inbound     int
	added       map[string]context.CancelFunc // addresses to stay connected to
	dialing     map[netip.AddrPort]struct{}   // nodes of the book, connected to or about to be
	selves      map[netip.AddrPort]struct{}   // addresses that lead to ourselves
	nonces      map[uint64]*remote            // of our versions, on connections that we began
	sample      sample                        // of the addresses
	saved       time.Time                     // the book was, last; only tick looks
	tipAt       time.Time                     // when the tip last changed
	blocks      map[chainhash.Hash]*remote    // asked for
	txs         map[chainhash.Hash]*txRequest
	waking      bool      // a timer looks at the transactions to ask for
	inboundTell time.Time // when inbound peers are told of transactions
	bulk        *remote   // whose long answer of headers others wait for
	until       time.Time
	stall       time.Duration // after which a peer that keeps others idle is dropped
}

// New starts a server: it accepts on the listeners, connects to the peers, and follows chain and pool to tell of what
// is new.
func New(cfg Config) *Server {
	cfg.defaults()
	s := &Server{cfg: cfg, c: cfg.Chain, pool: cfg.Pool, log: cfg.Logger,
		slots: make(chan struct{}, cfg.MaxOut), change: make(chan struct{}), woken: make(chan struct{}),
		active: true, peers: map[*remote]struct{}{}, added: map[string]context.CancelFunc{},
		dialing: map[netip.AddrPort]struct{}{}, selves: map[netip.AddrPort]struct{}{}, nonces: map[uint64]*remote{}, saved: time.Now(), tipAt: time.Now(),
		local: cfg.Chain.Params().PoWNoRetargeting, seed: maphash.MakeSeed(),
		blocks: map[chainhash.Hash]*remote{}, txs: map[chainhash.Hash]*txRequest{}, stall: stallMin}
	s.rejected = newHashes(rejectedSize)
	s.wtxids, _ = lru.New[chainhash.Hash, chainhash.Hash](wtxidsSize) // fails for sizes below 1 only
	var err error
	if s.bans, err = openBans(cfg.BanFile); err != nil {
		s.log.Error("begins without the old bans", "err", err)
	}
	if err := s.openBook(); err != nil {
		s.log.Error("begins without the old addresses", "err", err)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	tip, at := s.c.Tip(), s.pool.UpdatesSince(0, nil).Next // from here on, what is new is told
	for _, l := range cfg.Listeners {
		s.goes(func() { s.accept(l) })
	}
	for _, addr := range cfg.Peers {
		s.Connect(addr)
	}
	s.goes(func() { s.announceBlocks(tip) })
	s.goes(func() { s.announceTxs(at) })
	s.goes(s.tick)
	s.goes(s.rebroadcasts)
	if !cfg.OnlyConnect {
		s.goes(s.seek)
	}
	s.gauges = newMetrics(s)
	if cfg.Metrics != nil {
		if err := cfg.Metrics.Register(s.gauges); err != nil {
			s.log.Warn("metrics", "err", err)
		}
	}
	return s
}

// Close closes listeners and connections and waits for all that the server started.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	var errs []error
	for _, l := range s.cfg.Listeners {
		errs = append(errs, l.Close())
	}
	s.wg.Wait()
	errs = append(errs, s.saveBook())
	if s.cfg.Metrics != nil {
		s.cfg.Metrics.Unregister(s.gauges)
	}
	return errors.Join(errs...)
}

// goes runs f as part of the server. It returns false if the server closes.
func (s *Server) goes(f func()) bool {
	if !s.begin() {
		return false
	}
	go func() {
		defer s.wg.Done()
		f()
	}()
	return true
}

// begin holds Close up until wg.Done, unless the server closes. Whatever a connection's own goroutines do to chain and
// pool happens between the two.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Add(1)
	return true
}
