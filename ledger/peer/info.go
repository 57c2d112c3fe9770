package peer

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
)

// Info is one connection, for people.
type Info struct {
	ID             int32
	Addr           string // "host:port", theirs
	Local          string // "host:port", ours
	Inbound        bool
	ConnectionType string // "inbound", "outbound-full-relay", "manual", "feeler" or "addr-fetch", Bitcoin Core's names
	Services       wire.ServiceFlag
	Version        uint32 // of the protocol, as the peer gave it
	UserAgent      string
	Since          time.Time
	LastSend       time.Time     // of any byte; zero: never
	LastRecv       time.Time     // likewise
	TimeOffset     time.Duration // its clock less ours, when it connected
	Ping, MinPing  time.Duration // the last and the shortest answer; 0: none yet
	StartHeight    int32         // what it said its height was when it connected
	Height         int32         // of the best block it has told of
	SyncedHeaders  int32         // height of the last header in common; -1: none known
	SyncedBlocks   int32         // height of the last block in common; -1: none known
	InFlight       []int32       // heights of the blocks asked of it, in order
	RelayTxes      bool          // it wants to hear of transactions
	FeeFilter      amount.Amount // per 1,000 virtual bytes, below which it does not (BIP-133)
	LastBlock      time.Time     // when it last sent a block that was new and valid; zero: never
	LastTx         time.Time     // likewise a transaction, taken into the pool
	Seen           string        // "host:port", where it sees us; empty if it did not say
	AddrRelay      bool          // it takes part in telling addresses
	AddrsTaken     int           // addresses it has told of that were looked at
	AddrsOver      int           // those passed over as there were too many of them
	In, Out        uint64        // bytes
	// RecvByMsg and SentByMsg are bytes by command; "*other*" stands for the commands that are not known here.
	RecvByMsg, SentByMsg map[string]uint64
}

// Peers lists the connections whose handshake is done, the oldest first.
func (s *Server) Peers() []Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	var is []Info
	for r := range s.peers {
		if r.ready {
			is = append(is, s.info(r))
		}
	}
	slices.SortFunc(is, func(a, b Info) int { return cmp.Compare(a.ID, b.ID) })
	return is
}

// info describes a connection. The lock is held.
func (s *Server) info(r *remote) Info {
	i := Info{ID: r.id, Addr: r.addr, Local: r.conn.LocalAddr().String(), Inbound: r.in(), ConnectionType: r.kind.String(),
		Services: r.hello.Services, Version: uint32(max(0, r.hello.ProtocolVersion)), UserAgent: r.hello.UserAgent, Since: r.connected,
		LastSend: at(r.conn.lastOut.Load()), LastRecv: at(r.conn.lastIn.Load()), TimeOffset: r.offset,
		Ping: r.pinged.last, MinPing: r.pinged.min, StartHeight: r.hello.LastBlock,
		Height: max(r.best.Height, r.hello.LastBlock), SyncedHeaders: -1, SyncedBlocks: -1,
		RelayTxes: !r.quiet(), FeeFilter: amount.Amount(r.minFee.Load()), LastBlock: r.lastBlock, LastTx: r.lastTx,
		AddrRelay: r.gossip.on, AddrsTaken: r.gossip.taken, AddrsOver: r.gossip.ignored,
		In: uint64(r.conn.in.Load()), Out: uint64(r.conn.out.Load())}
	if seen := r.gossip.seen; seen.IsValid() && !seen.IsUnspecified() {
		i.Seen = netip.AddrPortFrom(seen, r.hello.AddrYou.Port).String()
	}
	i.RecvByMsg, i.SentByMsg = r.conn.byCommand()
	if r.best.Height > 0 {
		i.SyncedHeaders = r.best.Height
		i.SyncedBlocks = min(r.best.Height, s.c.Tip().Height)
		if s.c.HaveBlock(r.best.Hash) {
			i.SyncedBlocks = r.best.Height
		}
	}
	for hash := range r.asked {
		if _, height, ok := s.c.Header(hash); ok {
			i.InFlight = append(i.InFlight, height)
		}
	}
	slices.Sort(i.InFlight)
	return i
}

// Changed returns a channel that closes when next a connection is made or lost.
func (s *Server) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.change
}

// signal wakes all who wait for Changed. The lock is held.
func (s *Server) signal() {
	close(s.change)
	s.change = make(chan struct{})
}

// Totals is how many bytes have come and gone over all connections since the server started.
func (s *Server) Totals() (recv, sent uint64) {
	return uint64(s.total.in.Load()), uint64(s.total.out.Load())
}

// Ping asks every peer for a sign of life; Info has how long it took.
func (s *Server) Ping() {
	s.locked(func(out *outbox) {
		for r := range s.peers {
			if r.ready {
				s.ping(r, out)
			}
		}
	})
}

// LocalAddrs are our addresses as others are told of them, "host:port".
func (s *Server) LocalAddrs() []string {
	var as []string
	for _, a := range s.own() {
		as = append(as, a.String())
	}
	return as
}

// AddrInfo is a node that has been heard of.
type AddrInfo struct {
	Addr     string    // "ip:port"
	Time     time.Time // when it was last said to be there
	Services wire.ServiceFlag
}

// withPort adds the network's port to an address that has none.
func (s *Server) withPort(addr string) string {
	if _, _, err := net.SplitHostPort(addr); err == nil {
		return addr
	}
	if ip := net.ParseIP(addr); ip != nil {
		addr = ip.String()
	}
	return net.JoinHostPort(addr, s.c.Params().DefaultPort)
}
