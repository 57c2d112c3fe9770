package peer

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
)

// outgoing is a message to be written; written, if not nil, is closed after that.
type outgoing struct {
	wire.Message
	encoding wire.MessageEncoding
	written  chan struct{}
}

// write writes what is queued until the connection ends.
func (r *remote) write() {
	var b bytes.Buffer
	for {
		select {
		case o := <-r.out:
			b.Reset()
			n, err := wire.WriteMessageWithEncodingN(&b, o.Message, r.proto, r.conn.magic, o.encoding)
			if err == nil {
				_, err = r.conn.Write(b.Bytes())
			}
			if err != nil {
				r.s.log.Debug("write", "addr", r.addr, "command", o.Command(), "err", err)
				r.disconnect()
				return
			}
			r.conn.count(&r.conn.sent, o.Command(), n)
			if o.written != nil {
				close(o.written)
			}
			if b.Cap() > maxSpare {
				b = bytes.Buffer{}
			}
		case <-r.done:
			return
		}
	}
}

// send queues a message. A peer that does not read what it is told is dropped.
func (r *remote) send(m wire.Message) {
	select {
	case r.out <- outgoing{Message: m, encoding: wire.WitnessEncoding}:
	default:
		r.s.log.Info("peer does not read", "addr", r.addr)
		r.disconnect()
	}
}

// deliver sends a message and waits until it is written or the connection is lost.
func (r *remote) deliver(m wire.Message, encoding wire.MessageEncoding) {
	written := make(chan struct{})
	select {
	case r.out <- outgoing{m, encoding, written}:
	case <-r.done:
		return
	}
	select {
	case <-written:
	case <-r.done:
	}
}

// receive waits for a message. wire.ErrUnknownMessage says that it was one of a kind that wire does not know.
func (r *remote) receive() (wire.Message, error) {
	_, m, _, err := wire.ReadMessageWithEncodingN(r.conn, r.proto, r.conn.magic, wire.WitnessEncoding)
	return m, err
}

// read takes in messages until the connection ends. Bytes that are no message end it; messages of unknown kinds are passed
// over, as the protocol wants.
func (r *remote) read() {
	defer r.disconnect()
	for !r.gone() {
		m, err := r.receive()
		var garbage *wire.MessageError
		switch {
		case errors.Is(err, wire.ErrUnknownMessage):
			if !commands[r.conn.command] && !r.strange.Allow() {
				r.punish(banScore/10, "too many unknown messages")
			}
		case errors.Is(err, errFrame), errors.As(err, &garbage), errors.Is(err, wire.ErrInvalidAddressSize):
			r.punish(banScore, err.Error())
			return
		case err != nil:
			return
		default:
			r.take(m)
		}
	}
}

// take does what a message asks for.
func (r *remote) take(m wire.Message) {
	switch s := r.s; m := m.(type) {
	case *wire.MsgVersion, *wire.MsgVerAck, *wire.MsgSendAddrV2: // belong into the handshake
		r.disconnect()
	case *wire.MsgPing:
		r.onPing(m)
	case *wire.MsgPong:
		s.onPong(r, m)
	case *wire.MsgFeeFilter:
		r.minFee.Store(max(0, m.MinFee))
	case *wire.MsgSendHeaders:
		r.byHeaders.Store(true)
	case *wire.MsgGetAddr:
		s.onGetAddr(r)
	case *wire.MsgAddr:
		s.onAddrs(r, fromAddr(m))
	case *wire.MsgAddrV2:
		s.onAddrs(r, fromAddrV2(m))
	case *wire.MsgHeaders:
		s.onHeaders(r, m)
	case *wire.MsgBlock:
		s.onBlock(r, m)
	case *wire.MsgInv:
		s.onInv(r, m)
	case *wire.MsgNotFound:
		s.onNotFound(r, m)
	case *wire.MsgTx:
		s.onTx(r, m)
	case *wire.MsgGetData:
		r.enqueue(m, len(m.InvList))
	case *wire.MsgGetHeaders:
		r.locate(m, m.BlockLocatorHashes)
	case *wire.MsgGetBlocks:
		r.locate(m, m.BlockLocatorHashes)
	case *wire.MsgMemPool:
		r.enqueue(m, 1)
	}
}

// pingInterval is how often peers are asked for a sign of life, idleTime how long one may give none (Bitcoin Core's).
const (
	pingInterval = 2 * time.Minute
	idleTime     = 20 * time.Minute
)

// ping is what is known of the way to a peer. The server's lock guards it.
type ping struct {
	nonce     uint64 // of the question that is not answered; 0: none
	at        time.Time
	last, min time.Duration // 0: no answer yet
}

// ping asks a peer for a sign of life, unless it has an answer to give.
func (s *Server) ping(r *remote, out *outbox) {
	if p := &r.pinged; p.nonce == 0 {
		p.nonce, p.at = rand.Uint64()|1, time.Now()
		out.add(r, wire.NewMsgPing(p.nonce))
	}
}

// pingAll asks the peers for a sign of life whose time has come.
func (s *Server) pingAll(out *outbox) {
	now := time.Now()
	for r := range s.peers {
		switch {
		case !r.ready:
		case now.Sub(at(r.conn.lastIn.Load())) > idleTime, r.pinged.nonce != 0 && now.Sub(r.pinged.at) > idleTime:
			*out = append(*out, func() { r.stalled("a sign of life") })
		case now.Sub(r.pinged.at) > pingInterval:
			s.ping(r, out)
		}
	}
}

// onPong notes how long an answer took.
func (s *Server) onPong(r *remote, m *wire.MsgPong) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &r.pinged
	if p.nonce == 0 || m.Nonce != p.nonce {
		return
	}
	p.nonce, p.last = 0, max(1, time.Since(p.at))
	if p.min == 0 || p.last < p.min {
		p.min = p.last
	}
}

// onPing answers, not too often.
func (r *remote) onPing(m *wire.MsgPing) {
	if !r.pings.Allow() {
		r.punish(banScore/10, "too many pings")
		return
	}
	r.send(wire.NewMsgPong(m.Nonce))
}
