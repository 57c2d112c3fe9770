package p2p

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"funai/key"
)

// Config says who a host is and how it meets others.
type Config struct {
	Key     *key.Private // the host's identity, required
	ChainID string       // prefix of every protocol and topic, required: hosts of different chains part
	Listen  []string     // multiaddrs to listen on, as /ip4/127.0.0.1/tcp/0; QUIC is used when one of them names it
	Peers   []string     // multiaddrs, each with /p2p/ID, to stay connected to

	Logger     *slog.Logger          // nil for none
	Registerer prometheus.Registerer // nil for none; hosts that share one need distinct labels

	// For hosts on the open internet; all off by default, as on one machine they are of no use.
	NAT          bool     // map a port on the router, and learn from peers whether others can reach us
	HolePunching bool     // turn relayed connections into direct ones where both sides' routers allow it
	Relays       []string // multiaddrs, each with /p2p/ID, to be reached through: always, or with NAT when others cannot reach us
	RelayService bool     // be such a relay for others; only for a host that all can reach
}

// settings is a Config that has been read.
type settings struct {
	Config
	prefix string // "/funai/<ChainID>"
	secret crypto.PrivKey
	listen []ma.Multiaddr
	peers  []peer.AddrInfo
	relays []peer.AddrInfo
	quic   bool
	log    *slog.Logger
}

func (c Config) read() (s settings, err error) {
	s.Config, s.log, s.prefix = c, c.Logger, "/funai/"+c.ChainID
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if c.Key == nil {
		return s, fmt.Errorf("%w: no key", ErrConfig)
	}
	if c.ChainID == "" || strings.Trim(c.ChainID, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
		return s, fmt.Errorf("%w: chain ID %q is not of letters a to z, digits, dots and dashes", ErrConfig, c.ChainID)
	}
	if s.secret, err = crypto.UnmarshalSecp256k1PrivateKey(c.Key.Bytes()); err != nil {
		return s, fmt.Errorf("%w: key: %v", ErrConfig, err)
	}
	for _, l := range c.Listen {
		a, err := ma.NewMultiaddr(l)
		if err != nil {
			return s, fmt.Errorf("%w: listen address %q: %v", ErrConfig, l, err)
		}
		if _, err := a.ValueForProtocol(ma.P_QUIC_V1); err == nil {
			s.quic = true
		}
		s.listen = append(s.listen, a)
	}
	if s.peers, err = addrInfos("peer", c.Peers); err != nil {
		return s, err
	}
	s.relays, err = addrInfos("relay", c.Relays)
	return s, err
}

func (s settings) protocol(name string) protocol.ID { return protocol.ID(s.prefix + "/" + name) }

func (s settings) topic(name string) string { return s.prefix[1:] + "/" + name }

// addrInfos reads multiaddrs, and puts those of the same peer together.
func addrInfos(what string, addrs []string) ([]peer.AddrInfo, error) {
	var all []ma.Multiaddr
	for _, s := range addrs {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			return nil, fmt.Errorf("%w: %s %q: %v", ErrConfig, what, s, err)
		}
		if _, err := peer.AddrInfoFromP2pAddr(a); err != nil {
			return nil, fmt.Errorf("%w: %s %q: %v", ErrConfig, what, s, err)
		}
		all = append(all, a)
	}
	infos, err := peer.AddrInfosFromP2pAddrs(all...)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %v", ErrConfig, what, err)
	}
	return infos, nil
}
