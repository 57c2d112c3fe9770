package p2p

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/multiformats/go-multistream"

	"funai/key"
)

// MaxFrame is the longest message a stream carries, in bytes, whatever its reader would accept.
const MaxFrame = 16 << 20

const (
	openTimeout = 15 * time.Second // to find, dial and negotiate, when the caller sets no deadline
	dialTimeout = 5 * time.Second  // to dial the addresses we know before asking others for newer ones
)

// Stream is an ordered, encrypted two-way stream of messages to one peer, each a 4-byte big-endian length and its bytes.
// One goroutine may read while another writes.
type Stream interface {
	// ReadMsg returns the next message of at most max bytes. It gives io.EOF after the peer's CloseWrite, ErrTooLarge
	// (and resets the stream, which cannot be read further) for a longer one, io.ErrUnexpectedEOF for one cut short,
	// ErrReset for a broken stream, ErrProtocol if the peer turns out not to speak the protocol, os.ErrDeadlineExceeded
	// past the deadline.
	ReadMsg(max int) ([]byte, error)
	// WriteMsg sends one message of at most MaxFrame bytes. It may return before the peer has it.
	WriteMsg([]byte) error
	// CloseWrite says that no more messages follow; reading goes on.
	CloseWrite() error
	// Close ends both directions; what was written still arrives.
	Close() error
	// Reset cuts both directions at once: the peer's reads and writes give ErrReset. After Close it does nothing, so that
	// it may be deferred.
	Reset()
	// SetDeadline bounds all reads and writes; the zero time lifts the bound.
	SetDeadline(time.Time) error
}

// Handler serves one stream opened by the peer from. ctx ends when the host closes. The stream is closed when it returns.
type Handler func(ctx context.Context, from key.Public, s Stream)

// Handle has serve called, in a goroutine of its own, for each stream that a peer opens for a protocol, of which one
// peer may have MaxStreams at a time. A second call for the same protocol replaces the first.
func (h *Host) Handle(protocol string, serve Handler) {
	h.host.SetStreamHandler(h.set.protocol(protocol), func(s network.Stream) {
		from, err := PublicOf(s.Conn().RemotePeer())
		if err != nil || !h.enter() {
			_ = s.Reset()
			return
		}
		defer h.work.Done()
		h.metrics.streams.WithLabelValues(protocol, "in").Inc()
		st := &stream{s: s}
		serve(h.life, from, st)
		_ = st.Close()
	})
}

// Open opens a stream to a peer, finding and dialling it first if need be. It gives ErrUnreachable when that fails,
// ErrProtocol when the peer does not speak the protocol, and ErrReset when it has no room for one more stream.
func (h *Host) Open(ctx context.Context, to key.Public, protocol string) (Stream, error) {
	if !h.enter() {
		return nil, ErrClosed
	}
	defer h.work.Done()
	id, err := IDOf(to)
	if err != nil {
		return nil, err
	}
	// A relayed connection is good enough for a stream, and to ask for peers by.
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, protocol), openTimeout)
	defer cancel()
	defer context.AfterFunc(h.life, cancel)()
	if err := h.reach(ctx, id); err != nil {
		return nil, fmt.Errorf("%w: %v: %v", ErrUnreachable, to, err)
	}
	s, err := h.host.NewStream(ctx, id, h.set.protocol(protocol))
	if err != nil {
		unreachable := !errors.Is(err, network.ErrReset)
		if err = streamError(err); unreachable && !errors.Is(err, ErrProtocol) {
			err = fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
		return nil, fmt.Errorf("open %s to %v: %w", protocol, to, err)
	}
	h.metrics.streams.WithLabelValues(protocol, "out").Inc()
	return &stream{s: s}, nil
}

// reach makes sure of a connection: by the addresses known first, then by those that other peers know.
func (h *Host) reach(ctx context.Context, id peer.ID) error {
	if c := h.host.Network().Connectedness(id); c == network.Connected || c == network.Limited {
		return nil
	}
	if len(h.host.Peerstore().Addrs(id)) > 0 {
		quick, cancel := context.WithTimeout(ctx, dialTimeout)
		err := h.dial(quick, peer.AddrInfo{ID: id})
		cancel()
		if err == nil {
			return nil
		}
	}
	info, err := h.dht.FindPeer(ctx, id)
	if err != nil {
		return err
	}
	return h.dial(ctx, info)
}

// dial connects now, whatever an earlier failure would have us wait.
func (h *Host) dial(ctx context.Context, info peer.AddrInfo) error {
	if s, ok := h.host.Network().(interface{ Backoff() *swarm.DialBackoff }); ok {
		s.Backoff().Clear(info.ID)
	}
	return h.host.Connect(ctx, info)
}

// stream frames messages on a libp2p stream.
type stream struct {
	s      network.Stream
	closed atomic.Bool
}

var _ Stream = (*stream)(nil)

func (s *stream) ReadMsg(max int) ([]byte, error) {
	b, err := readFrame(s.s, min(max, MaxFrame))
	if errors.Is(err, ErrTooLarge) {
		s.Reset()
	}
	return b, streamError(err)
}

func (s *stream) WriteMsg(b []byte) error { return streamError(writeFrame(s.s, b)) }

func (s *stream) CloseWrite() error { return streamError(s.s.CloseWrite()) }

func (s *stream) Close() error {
	s.closed.Store(true)
	return streamError(s.s.Close())
}

func (s *stream) Reset() {
	// Over QUIC a reset stops the delivery of what was written before.
	if !s.closed.Load() {
		_ = s.s.Reset()
	}
}

func (s *stream) SetDeadline(t time.Time) error { return streamError(s.s.SetDeadline(t)) }

// streamError turns libp2p's many errors into ours.
func streamError(err error) error {
	var timeout net.Error
	switch {
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, ErrTooLarge):
		return err
	case errors.Is(err, multistream.ErrNotSupported[protocol.ID]{}):
		return fmt.Errorf("%w: %v", ErrProtocol, err)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%w: %v", os.ErrDeadlineExceeded, err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	}
	return fmt.Errorf("%w: %v", ErrReset, err)
}
