package peer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
)

// leastVersion is the oldest protocol spoken with: answers to pings came with it (BIP-31).
const leastVersion = wire.BIP0031Version + 1

var (
	errSelf      = errors.New("connection to ourselves")
	errHandshake = errors.New("handshake took too long")
	errVersion   = errors.New("no version at the beginning")
	errTwice     = errors.New("said twice in a handshake")
)

// handshake exchanges versions and what each side can do, which ends with a verack from either. Only then does the peer's
// turn to ask for anything come: what it says before is passed over.
func (r *remote) handshake() error {
	late := time.AfterFunc(r.s.cfg.Timeouts.Handshake, r.disconnect)
	err := r.shake()
	switch stopped := late.Stop(); {
	case r.s.ctx.Err() != nil:
		return r.s.ctx.Err()
	case r.self.Load():
		return errSelf
	case !stopped:
		return errHandshake
	}
	return err
}

func (r *remote) shake() error {
	if !r.in() {
		r.send(r.ourVersion())
	}
	if err := r.meet(); err != nil {
		return err
	}
	if r.in() {
		r.send(r.ourVersion())
	}
	if r.proto >= wire.AddrV2Version {
		r.send(wire.NewMsgWTxIdRelay())
		r.send(wire.NewMsgSendAddrV2())
	}
	r.send(wire.NewMsgVerAck())
	for {
		m, err := r.receive()
		if err != nil && !errors.Is(err, wire.ErrUnknownMessage) {
			return err
		}
		if r.conn.command == wire.CmdWTxIdRelay { // wire does not read it, though it writes it
			r.byWtxid = r.proto >= wire.AddrV2Version
		}
		switch m.(type) {
		case *wire.MsgSendAddrV2:
			r.wantsV2 = true
		case *wire.MsgVersion:
			return fmt.Errorf("%w: %s", errTwice, m.Command())
		case *wire.MsgVerAck:
			return nil
		}
	}
}

// meet takes in the peer's version. It refuses ourselves, and peers we have connected to for blocks that do not have them
// with witnesses.
func (r *remote) meet() error {
	m, err := r.receive()
	if err != nil {
		return err
	}
	v, ok := m.(*wire.MsgVersion)
	if !ok {
		return fmt.Errorf("%w: %s", errVersion, m.Command())
	}
	theirs := uint32(max(0, v.ProtocolVersion))
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	self := r.s.nonces[v.Nonce]
	switch {
	case r.in() && self != nil:
		self.self.Store(true)
		return errSelf
	case theirs < leastVersion:
		return fmt.Errorf("protocol version %d is older than %d", theirs, leastVersion)
	case (r.kind == full || r.kind == manual) && v.Services&services != services:
		return fmt.Errorf("services %v lack %v", v.Services, services)
	}
	r.hello, r.proto, r.offset = v, min(protocolVersion, theirs), time.Until(v.Timestamp).Round(time.Second)
	if seen := addrPort(v.AddrYou.IP, 0); seen.IsValid() {
		r.gossip.seen = seen.Addr()
	}
	return nil
}

// ourVersion says who we are. By its nonce we would know ourselves.
func (r *remote) ourVersion() *wire.MsgVersion {
	ours := r.s.services()
	you := wire.NewNetAddressIPPort(net.IPv4zero, 0, 0)
	if a, err := netip.ParseAddrPort(r.addr); err == nil {
		you = wire.NewNetAddressIPPort(a.Addr().AsSlice(), a.Port(), 0)
	}
	nonce := rand.Uint64()
	if !r.in() {
		r.s.mu.Lock()
		r.nonce = nonce
		r.s.nonces[nonce] = r
		r.s.mu.Unlock()
	}
	v := wire.NewMsgVersion(wire.NewNetAddressIPPort(net.IPv4zero, 0, ours), you, nonce, r.s.c.Tip().Height)
	v.ProtocolVersion, v.Services, v.UserAgent = int32(protocolVersion), ours, UserAgent
	return v
}
