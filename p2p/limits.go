package p2p

import (
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
)

// What one host may hold at a time. Past a stream's bound the opener's stream is reset; past a connection's, the
// connection is refused; past the memory's, which yamux charges for what it buffers, both.
const (
	// MaxStreams is the number of streams of one protocol that one peer may have open to us.
	MaxStreams = 64

	targetPeers = 32  // peers that discovery looks for
	lowPeers    = 64  // connections kept when there are more than highPeers
	highPeers   = 96  // connections above which the least useful are closed
	maxConns    = 256 // connections, those being closed included

	maxPeerStreams = 256       // streams of one peer, each way, of all protocols
	maxAllStreams  = 4096      // streams of all peers
	maxPeerMemory  = 64 << 20  // bytes buffered for one peer
	maxAllMemory   = 512 << 20 // bytes buffered for all peers
)

func resources() (network.ResourceManager, error) {
	base := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&base)
	limits := rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{
			Conns: maxConns, ConnsInbound: maxConns, ConnsOutbound: maxConns, FD: maxConns,
			Streams: maxAllStreams, StreamsInbound: maxAllStreams, StreamsOutbound: maxAllStreams, Memory: maxAllMemory,
		},
		PeerDefault: rcmgr.ResourceLimits{
			// Both sides may dial at the same time, over each transport.
			Conns: 8, ConnsInbound: 8, ConnsOutbound: 8, FD: 8,
			Streams: 2 * maxPeerStreams, StreamsInbound: maxPeerStreams, StreamsOutbound: maxPeerStreams, Memory: maxPeerMemory,
		},
		ProtocolDefault: rcmgr.ResourceLimits{
			Streams: maxAllStreams, StreamsInbound: maxAllStreams / 2, StreamsOutbound: maxAllStreams / 2, Memory: maxAllMemory,
		},
		ProtocolPeerDefault: rcmgr.ResourceLimits{
			Streams: MaxStreams + maxPeerStreams, StreamsInbound: MaxStreams, StreamsOutbound: maxPeerStreams, Memory: maxPeerMemory,
		},
	}.Build(base.Scale(maxAllMemory, maxConns))
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits), rcmgr.WithMetricsDisabled())
}

// relayLimits lets a whole answer pass: libp2p's default ends a relayed connection after 128 KiB.
func relayLimits() relay.Resources {
	r := relay.DefaultResources()
	r.Limit = &relay.RelayLimit{Duration: 10 * time.Minute, Data: 64 << 20}
	return r
}
