package peer

import (
	"context"
	"fmt"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/connmgr"
	"github.com/btcsuite/btcd/wire/v2"
	"golang.org/x/time/rate"

	"funai/ledger/chain"
)

const (
	services = wire.SFNodeNetwork | wire.SFNodeWitness
	// protocolVersion is the latest that wire knows: with addrv2 and wtxidrelay.
	protocolVersion = wire.AddrV2Version
	// banScore is where a peer is dropped and banned (Bitcoin Core's); points fall to half in a minute.
	banScore = 100
	// requestsAtOnce bounds the requests of a peer that wait to be served; together they ask for no more than one message
	// may (wire.MaxInvPerMsg). Its next message is not read before there is room.
	requestsAtOnce = 64
	// maxLocator bounds the blocks that name where a peer is (Bitcoin Core's MAX_LOCATOR_SZ).
	maxLocator = 101
	// maxQueued bounds the messages that wait to be written to a peer.
	maxQueued = 2000
	// pingRate is how many pings a second are answered; pingBurst may come at once.
	pingRate, pingBurst = 5, 20
	// strangeRate is how many messages of unknown kinds a second are passed over, strangeBurst at once.
	strangeRate, strangeBurst = 10, 100
)

// kind is what a connection is for.
type kind uint8

const (
	inbound kind = iota // it connected to us
	full                // to a node found in the network
	manual              // to an address that the operator gave
	feeler              // to see whether a node is there; ends with the handshake
	fetch               // to ask for addresses; ends with the answer
)

// String is Bitcoin Core's name for a kind, as getpeerinfo has it.
func (k kind) String() string {
	return [...]string{"inbound", "outbound-full-relay", "manual", "feeler", "addr-fetch"}[k]
}

// remote is one connection.
type remote struct {
	s     *Server
	conn  *guarded
	id    int32
	addr  string
	kind  kind
	once  sync.Once
	nonce uint64        // in the version that we began with; guarded by the server's lock
	self  atomic.Bool   // it leads to ourselves
	done  chan struct{} // closed when the connection ends

	// These are fixed by the handshake.
	hello     *wire.MsgVersion // what the peer said of itself
	proto     uint32           // protocol version spoken
	offset    time.Duration    // its clock less ours
	wantsV2   bool             // addresses as addrv2 (BIP-155)
	byWtxid   bool             // transactions are told by the hash that covers their witness (BIP-339)
	connected time.Time

	score     *connmgr.DynamicBanScore
	pings     *rate.Limiter
	strange   *rate.Limiter // messages of unknown kinds
	known     hashes        // blocks and transactions it has
	requests  chan request  // to be served
	load      atomic.Int64  // what requests ask for that have not been served
	freed     chan struct{} // load is less
	out       chan outgoing // to be written
	minFee    atomic.Int64  // BIP-133, base units per 1,000 virtual bytes
	byHeaders atomic.Bool   // it wants to be told of blocks by headers (BIP-130)

	// Only the goroutine that reads from the peer looks at these.
	presync  *presync
	lowWork  *rate.Limiter
	strayTxs *rate.Limiter // that nobody asked for

	// What follows is guarded by the server's lock.
	ready   bool
	pinged  ping
	evicted bool // its place has been given to another
	gossip  gossip
	// When it last sent a block and a transaction that were new.
	lastBlock, lastTx time.Time

	best     chain.Index                  // of the headers it has told of
	work     *big.Int                     // up to best; nil while nothing is known of it
	lag      lag                          // behind our chain
	queue    []chainhash.Hash             // blocks it has told of that we lack, parents first
	asked    map[chainhash.Hash]time.Time // blocks, and when
	lacks    map[chainhash.Hash]struct{}  // blocks it did not have when asked
	due      time.Time                    // when the next of the blocks asked for must come
	stalling time.Time                    // since when it keeps others idle; zero if it does not
	headers  time.Time                    // when headers asked for must come; zero if none are
	again    bool                         // ask for headers once more when they have come
	more     bool                         // it has more headers than it could send
	idle     bool                         // it has not been asked for headers since the handshake
	strays   int                          // headers messages in a row that led nowhere
	txs      int                          // transactions asked for
	offers   int                          // transactions it has told of that are being looked for
	toTell   toTell
	toldFee  int64     // the fee rate in our last feefilter
	nextFee  time.Time // when it may be told the next
}

// in says whether the peer connected to us.
func (r *remote) in() bool { return r.kind == inbound }

// quiet says whether the peer does not want to hear of transactions (BIP-37's relay flag).
func (r *remote) quiet() bool { return r.hello.DisableRelayTx }

// newRemote makes a connection part of the server, if there is a place for it.
func (s *Server) newRemote(conn net.Conn, addr string, k kind) (*remote, error) {
	r := &remote{s: s, addr: addr, kind: k, score: s.bans.score(addr), done: make(chan struct{}), connected: time.Now(),
		conn:  &guarded{Conn: conn, limit: s.cfg.Timeouts.Message, magic: s.c.Params().Net, total: &s.total},
		proto: protocolVersion, pings: rate.NewLimiter(pingRate, pingBurst), strange: rate.NewLimiter(strangeRate, strangeBurst),
		requests: make(chan request, requestsAtOnce), freed: make(chan struct{}, 1), out: make(chan outgoing, maxQueued),
		idle: true, known: newHashes(knownSize), asked: map[chainhash.Hash]time.Time{}, lacks: map[chainhash.Hash]struct{}{},
		strayTxs: rate.NewLimiter(straysPerSecond, straysAtOnce), gossip: gossip{tokens: 1, stamp: time.Now()}}
	return r, s.register(r)
}

// run speaks with a peer until the connection ends.
func (s *Server) run(r *remote) error {
	defer s.drop(r)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer r.disconnect()
	defer context.AfterFunc(s.ctx, r.disconnect)()
	wg.Go(r.write)
	if err := r.handshake(); err != nil {
		return err
	}
	s.reached(r)
	if r.kind == feeler {
		return nil
	}
	if r.kind == fetch {
		defer time.AfterFunc(fetchTime, r.disconnect).Stop()
	}
	s.log.Info("peer connected", "addr", r.addr, "kind", r.kind, "agent", r.hello.UserAgent, "height", r.hello.LastBlock)
	s.welcome(r)
	wg.Go(r.read)
	for {
		select {
		case m := <-r.requests:
			if err := s.serve(r, m.Message); err != nil {
				return err
			}
			r.served(m)
		case <-r.done:
			return nil
		}
	}
}

// disconnect ends the connection.
func (r *remote) disconnect() {
	r.once.Do(func() {
		close(r.done)
		if err := r.conn.Close(); err != nil {
			r.s.log.Debug("close", "addr", r.addr, "err", err)
		}
	})
}

// gone says whether the connection has ended.
func (r *remote) gone() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// services is what we offer: not old blocks, if they are deleted (BIP-159).
func (s *Server) services() wire.ServiceFlag {
	if _, pruned := s.c.Pruned(); pruned {
		return wire.SFNodeNetworkLimited | wire.SFNodeWitness
	}
	return services
}

// enqueue leaves a request that asks for so many things to the goroutine that serves this peer, waiting for room.
func (r *remote) enqueue(m wire.Message, things int) {
	n := max(1, int64(things))
	for load := r.load.Load(); load > 0 && load+n > wire.MaxInvPerMsg; load = r.load.Load() {
		select {
		case <-r.freed:
		case <-r.done:
			return
		}
	}
	r.load.Add(n)
	select {
	case r.requests <- request{m, n}:
	case <-r.done:
	}
}

// served makes room for more requests.
func (r *remote) served(m request) {
	r.load.Add(-m.size)
	select {
	case r.freed <- struct{}{}:
	default: // it has been said
	}
}

// request is a message to be answered.
type request struct {
	wire.Message
	size int64 // how many things it asks for
}

// locate is enqueue for what follows a block that both know.
func (r *remote) locate(m wire.Message, locator []*chainhash.Hash) {
	if len(locator) > maxLocator {
		r.punish(banScore, fmt.Sprintf("a locator of %d blocks, more than %d", len(locator), maxLocator))
		return
	}
	r.enqueue(m, len(locator))
}

// punish adds to a peer's score and drops it when that is full: for Timeouts.Ban, unless the operator chose it.
func (r *remote) punish(points uint32, why string) {
	score := r.score.Increase(0, points)
	r.s.log.Info("peer misbehaves", "addr", r.addr, "score", score, "why", why)
	if score < banScore {
		return
	}
	r.s.punished.Add(1)
	if r.kind != manual {
		r.s.bans.discourage(r.addr, time.Now().Add(r.s.cfg.Timeouts.Ban))
	}
	r.disconnect()
}
