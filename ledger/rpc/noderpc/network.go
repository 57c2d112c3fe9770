package noderpc

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/mempool"
	"funai/ledger/peer"
	"funai/ledger/rpc"
)

func (n *node) networkMethods() rpc.Methods {
	return rpc.Methods{
		"getnetworkinfo": {Help: "getnetworkinfo\n\nThe node's place on the network.", Do: n.getNetworkInfo},
		"getpeerinfo":    {Help: "getpeerinfo\n\nThe connections, the oldest first.", Do: n.getPeerInfo},
		"getconnectioncount": {Help: "getconnectioncount\n\nThe number of connections.",
			Do: func(context.Context, rpc.Args) (any, error) { return len(n.Peers.Peers()), nil }},
		"getnettotals": {Help: "getnettotals\n\nThe bytes that have come and gone.", Do: n.getNetTotals},
		"getnodeaddresses": {Params: []string{"count", "network"},
			Help: "getnodeaddresses ( count \"network\" )\n\nNodes that have been heard of, at most count (1; 0: all), of ipv4 or ipv6.", Do: n.getNodeAddresses},
		"ping": {Help: "ping\n\nAsk all peers for a sign of life; getpeerinfo has how long it took.",
			Do: func(context.Context, rpc.Args) (any, error) {
				n.Peers.Ping()
				return nil, nil
			}},
		"setnetworkactive": {Params: []string{"state"}, Help: "setnetworkactive state\n\nEnd all connections and make no others, or go back to making them.",
			Do: func(_ context.Context, a rpc.Args) (any, error) {
				on, err := rpc.Need[bool](a, 0, "state")
				if err != nil {
					return nil, err
				}
				n.Peers.SetActive(on)
				return on, nil
			}},
	}
}

// netSummary is one of the nets that a node could use.
type netSummary struct {
	Name      string `json:"name"`
	Limited   bool   `json:"limited"`
	Reachable bool   `json:"reachable"`
	Proxy     string `json:"proxy"`
	Randomize bool   `json:"proxy_randomize_credentials"`
}

type localAddress struct {
	Address string `json:"address"`
	Port    int    `json:"port"`
	Score   int    `json:"score"`
}

// networkInfo is getnetworkinfo's answer.
type networkInfo struct {
	Version      int            `json:"version"`
	SubVersion   string         `json:"subversion"`
	Protocol     uint32         `json:"protocolversion"`
	Services     string         `json:"localservices"`
	ServiceNames []string       `json:"localservicesnames"`
	Relay        bool           `json:"localrelay"`
	TimeOffset   int64          `json:"timeoffset"` // seconds, median over outbound peers
	Active       bool           `json:"networkactive"`
	Connections  int            `json:"connections"`
	In           int            `json:"connections_in"`
	Out          int            `json:"connections_out"`
	Networks     []netSummary   `json:"networks"`
	RelayFee     rpc.Amount     `json:"relayfee"`
	Incremental  rpc.Amount     `json:"incrementalfee"`
	Local        []localAddress `json:"localaddresses"`
	Warnings     []string       `json:"warnings"`
}

func (n *node) getNetworkInfo(context.Context, rpc.Args) (any, error) {
	pool := n.Pool.Info()
	j := networkInfo{Version: version, SubVersion: n.UserAgent, Protocol: wire.ProtocolVersion, Relay: true, Active: n.Peers.Active(),
		Networks: []netSummary{{Name: "ipv4", Reachable: true}, {Name: "ipv6", Reachable: true}},
		RelayFee: rpc.Amount(mempool.MinFeeRate), Incremental: rpc.Amount(pool.IncrementalFeeRate), Local: []localAddress{}, Warnings: []string{}}
	services := wire.SFNodeNetwork | wire.SFNodeWitness
	if _, pruned := n.Chain.Pruned(); pruned {
		services = wire.SFNodeNetworkLimited | wire.SFNodeWitness
	}
	j.Services, j.ServiceNames = serviceNames(services)
	var offsets []int64
	for _, p := range n.Peers.Peers() {
		j.Connections++
		if p.Inbound {
			j.In++
			continue
		}
		j.Out++
		offsets = append(offsets, int64(p.TimeOffset/time.Second))
	}
	if len(offsets) > 0 {
		_, j.TimeOffset, _ = spread(offsets)
	}
	for _, addr := range n.Peers.LocalAddrs() {
		if host, port, ok := split(addr); ok {
			j.Local = append(j.Local, localAddress{host, port, 1})
		}
	}
	return j, nil
}

// version is the number of the release of Bitcoin Core whose RPC this is: clients judge by it what they may call.
const version = 29_00_00

// serviceNames writes what a node offers, as a number and by Bitcoin Core's names.
func serviceNames(s wire.ServiceFlag) (number string, names []string) {
	number, names = fmt.Sprintf("%016x", uint64(s)), []string{}
	for _, f := range []struct {
		flag wire.ServiceFlag
		name string
	}{
		{wire.SFNodeNetwork, "NETWORK"}, {wire.SFNodeBloom, "BLOOM"}, {wire.SFNodeWitness, "WITNESS"}, {wire.SFNodeCF, "COMPACT_FILTERS"},
		{wire.SFNodeNetworkLimited, "NETWORK_LIMITED"},
	} {
		if s&f.flag != 0 {
			names, s = append(names, f.name), s&^f.flag
		}
	}
	for bit := range 64 {
		if s&(1<<bit) != 0 {
			names = append(names, fmt.Sprintf("UNKNOWN[2^%d]", bit))
		}
	}
	return number, names
}

// split takes "host:port" apart.
func split(addr string) (host string, port int, ok bool) {
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, false
	}
	port, err = strconv.Atoi(p)
	return host, port, err == nil
}

// netName is the net that an address belongs to.
func netName(addr string) string {
	host, _, _ := split(addr)
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil || ip.IsLoopback() || ip.IsPrivate():
		return "not_publicly_routable"
	case ip.Unmap().Is4():
		return "ipv4"
	default:
		return "ipv6"
	}
}

// peerInfo is a connection in getpeerinfo's answer. Times of day are Unix seconds, 0 for never; durations seconds.
type peerInfo struct {
	ID             int32             `json:"id"`
	Addr           string            `json:"addr"`
	Bind           string            `json:"addrbind,omitempty"`
	Local          string            `json:"addrlocal,omitempty"`
	Network        string            `json:"network"`
	Services       string            `json:"services"`
	ServiceNames   []string          `json:"servicesnames"`
	RelayTxes      bool              `json:"relaytxes"`
	LastSend       int64             `json:"lastsend"`
	LastRecv       int64             `json:"lastrecv"`
	LastTx         int64             `json:"last_transaction"`
	LastBlock      int64             `json:"last_block"`
	BytesSent      uint64            `json:"bytessent"`
	BytesRecv      uint64            `json:"bytesrecv"`
	ConnTime       int64             `json:"conntime"`
	TimeOffset     int64             `json:"timeoffset"`
	Ping           *float64          `json:"pingtime,omitempty"`
	MinPing        *float64          `json:"minping,omitempty"`
	Version        uint32            `json:"version"`
	SubVersion     string            `json:"subver"`
	Inbound        bool              `json:"inbound"`
	HighTo         bool              `json:"bip152_hb_to"`
	HighFrom       bool              `json:"bip152_hb_from"`
	StartHeight    int32             `json:"startingheight"`
	Presynced      int32             `json:"presynced_headers"`
	Headers        int32             `json:"synced_headers"`
	Blocks         int32             `json:"synced_blocks"`
	InFlight       []int32           `json:"inflight"`
	AddrRelay      bool              `json:"addr_relay_enabled"`
	AddrProcessed  int               `json:"addr_processed"`
	AddrLimited    int               `json:"addr_rate_limited"`
	Permissions    []string          `json:"permissions"`
	MinFeeFilter   rpc.Amount        `json:"minfeefilter"`
	SentPerMsg     map[string]uint64 `json:"bytessent_per_msg"`
	RecvPerMsg     map[string]uint64 `json:"bytesrecv_per_msg"`
	ConnectionType string            `json:"connection_type"`
	Transport      string            `json:"transport_protocol_type"`
	SessionID      string            `json:"session_id"` // BIP-324's, which protocol v1 has none of
}

func (n *node) getPeerInfo(context.Context, rpc.Args) (any, error) {
	peers := []peerInfo{}
	for _, p := range n.Peers.Peers() {
		peers = append(peers, newPeerInfo(p))
	}
	return peers, nil
}

func newPeerInfo(p peer.Info) peerInfo {
	j := peerInfo{ID: p.ID, Addr: p.Addr, Bind: p.Local, Local: p.Seen, Network: netName(p.Addr), RelayTxes: p.RelayTxes, LastSend: unix(p.LastSend),
		LastRecv: unix(p.LastRecv), LastTx: unix(p.LastTx), LastBlock: unix(p.LastBlock), AddrRelay: p.AddrRelay, AddrProcessed: p.AddrsTaken, AddrLimited: p.AddrsOver, BytesSent: p.Out, BytesRecv: p.In, ConnTime: unix(p.Since), TimeOffset: int64(p.TimeOffset / time.Second),
		Ping: seconds(p.Ping), MinPing: seconds(p.MinPing), Version: p.Version, SubVersion: p.UserAgent, Inbound: p.Inbound,
		StartHeight: p.StartHeight, Presynced: -1, Headers: p.SyncedHeaders, Blocks: p.SyncedBlocks, InFlight: p.InFlight, Permissions: []string{},
		MinFeeFilter: rpc.Amount(p.FeeFilter), SentPerMsg: p.SentByMsg, RecvPerMsg: p.RecvByMsg, ConnectionType: p.ConnectionType,
		Transport: "v1"}
	j.Services, j.ServiceNames = serviceNames(p.Services)
	if j.InFlight == nil {
		j.InFlight = []int32{}
	}
	return j
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// seconds is nil for a time that is not known.
func seconds(d time.Duration) *float64 {
	if d <= 0 {
		return nil
	}
	s := d.Seconds()
	return &s
}

// uploadTarget is there for its readers: nothing bounds what is sent.
type uploadTarget struct {
	Timeframe  int64 `json:"timeframe"`
	Target     int64 `json:"target"`
	Reached    bool  `json:"target_reached"`
	Historical bool  `json:"serve_historical_blocks"`
	BytesLeft  int64 `json:"bytes_left_in_cycle"`
	TimeLeft   int64 `json:"time_left_in_cycle"`
}

type netTotals struct {
	Recv   uint64       `json:"totalbytesrecv"`
	Sent   uint64       `json:"totalbytessent"`
	Millis int64        `json:"timemillis"`
	Upload uploadTarget `json:"uploadtarget"`
}

func (n *node) getNetTotals(context.Context, rpc.Args) (any, error) {
	recv, sent := n.Peers.Totals()
	return netTotals{recv, sent, time.Now().UnixMilli(), uploadTarget{Timeframe: 24 * 60 * 60, Historical: true}}, nil
}

type nodeAddress struct {
	Time     int64  `json:"time"`
	Services uint64 `json:"services"`
	Address  string `json:"address"`
	Port     int    `json:"port"`
	Network  string `json:"network"`
}

func (n *node) getNodeAddresses(_ context.Context, a rpc.Args) (any, error) {
	count, err := rpc.Arg(a, 0, 1)
	if err != nil {
		return nil, err
	}
	network, err := rpc.Arg(a, 1, "")
	if err != nil {
		return nil, err
	}
	if count < 0 {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Address count out of range")
	}
	if network != "" && network != "ipv4" && network != "ipv6" {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Network not recognized: %s", shorten(network))
	}
	addrs := []nodeAddress{}
	for _, k := range n.Peers.KnownAddrs(0) {
		host, port, ok := split(k.Addr)
		of := "ipv6"
		if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().Is4() {
			of = "ipv4"
		}
		if !ok || network != "" && network != of {
			continue
		}
		addrs = append(addrs, nodeAddress{unix(k.Time), uint64(k.Services), host, port, of})
		if len(addrs) == count {
			break
		}
	}
	return addrs, nil
}
