package p2p

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// BanTime is how long a peer whose messages were rejected too often can neither connect nor be dialled.
	BanTime = 5 * time.Minute
	maxBans = 1024 // the ban that ends first makes room for the next
)

// bans is a libp2p connection gater that keeps misbehaving peers away for a while.
type bans struct {
	mu    sync.Mutex
	until map[peer.ID]time.Time
}

var _ connmgr.ConnectionGater = (*bans)(nil)

func newBans() *bans { return &bans{until: make(map[peer.ID]time.Time)} }

// add bans a peer and says whether it was not banned before.
func (b *bans) add(id peer.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Now().Before(b.until[id]) {
		return false
	}
	if len(b.until) >= maxBans {
		var first peer.ID
		for p, t := range b.until {
			if first == "" || t.Before(b.until[first]) {
				first = p
			}
		}
		delete(b.until, first)
	}
	b.until[id] = time.Now().Add(BanTime)
	return true
}

func (b *bans) allowed(id peer.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	until, ok := b.until[id]
	if ok && !time.Now().Before(until) {
		delete(b.until, id)
		ok = false
	}
	return !ok
}

func (b *bans) InterceptPeerDial(id peer.ID) bool { return b.allowed(id) }

func (b *bans) InterceptAddrDial(peer.ID, ma.Multiaddr) bool { return true }

func (b *bans) InterceptAccept(network.ConnMultiaddrs) bool { return true }

func (b *bans) InterceptSecured(_ network.Direction, id peer.ID, _ network.ConnMultiaddrs) bool {
	return b.allowed(id)
}

func (b *bans) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
