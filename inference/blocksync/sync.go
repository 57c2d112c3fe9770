// Package blocksync brings a node's chain up to its peers': it asks one peer at a time for the certified blocks after the
// last one they share, and answers such questions. It may import chain, block and p2p. Blocks are judged by the chain, so
// a peer can waste time and nothing else.
package blocksync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/codec"
	"funai/key"
	"funai/p2p"
)

// Protocol is the stream protocol's name.
const Protocol = "sync/1"

// Bounds. One answer carries at most maxBlocks blocks and maxBytes bytes.
const (
	maxLocator = 64
	maxWant    = 8
	maxRequest = (maxLocator+maxWant+1)*40 + 64 // bytes
	maxAnswers = 4                              // given at once; who comes then asks another
	maxBlocks  = 512
	maxBytes   = 16 << 20
	maxFrame   = block.MaxBytes + 8<<10
	timeout    = 20 * time.Second
	every      = 3 * time.Second        // a peer is asked at least so often
	atMost     = 100 * time.Millisecond // and not more often
)

// Network is what syncing asks of the network.
type Network interface {
	Handle(protocol string, h p2p.Handler)
	Open(ctx context.Context, to key.Public, protocol string) (p2p.Stream, error)
	Peers() []key.Public
}

type request struct {
	_       struct{}   `cbor:",toarray"`
	Locator []block.ID // blocks of the asker's chain, newest first, ever sparser
	Want    []block.ID // wherever they stand: they come first, as far as the peer has them
}

type answer struct {
	_     struct{} `cbor:",toarray"`
	Block []byte
	Cert  block.Certificate
}

// Syncer asks and answers.
type Syncer struct {
	chain *chain.Chain
	net   Network
	log   *slog.Logger
	wake  chan struct{}
	slots chan struct{}
}

// New makes a syncer and begins to answer.
func New(c *chain.Chain, n Network, log *slog.Logger) *Syncer {
	s := &Syncer{chain: c, net: n, log: log, wake: make(chan struct{}, 1), slots: make(chan struct{}, maxAnswers)}
	n.Handle(Protocol, s.serve)
	return s
}

// Behind says that blocks are missing here.
func (s *Syncer) Behind() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run asks one peer after the other until the context ends.
func (s *Syncer) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := 0; ; i++ {
		for asking := false; !asking; {
			moved := s.chain.Changed()
			if s.chain.Waits() {
				break
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-moved:
			case <-s.wake:
				asking = true
			case <-tick.C:
				asking = true
			}
		}
		if peers := s.net.Peers(); len(peers) > 0 {
			if err := s.ask(ctx, peers[i%len(peers)]); err != nil && ctx.Err() == nil {
				s.log.Debug("sync", "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(atMost):
		}
	}
}

// ask takes in what one peer has beyond the shared part.
func (s *Syncer) ask(ctx context.Context, peer key.Public) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	locator, err := s.locator()
	if err != nil {
		return err
	}
	st, err := s.net.Open(ctx, peer, Protocol)
	if err != nil {
		return err
	}
	defer st.Reset()
	want := s.chain.Waiting()
	q := request{Locator: locator, Want: want[:min(len(want), maxWant)]}
	if err := errors.Join(st.SetDeadline(time.Now().Add(timeout)), st.WriteMsg(codec.Encode(q)), st.CloseWrite()); err != nil {
		return err
	}
	for n := 0; n < maxBlocks; n++ {
		raw, err := st.ReadMsg(maxFrame)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var a answer
		if err := codec.Decode(raw, maxFrame, &a); err != nil {
			return err
		}
		b, err := block.Decode(a.Block)
		if err != nil {
			return err
		}
		if latest := time.Now().Add(s.chain.Params().MaxAhead).UnixMilli(); b.Header.Time > uint64(latest) {
			return fmt.Errorf("block %d: its time %d exceeds %d", b.Header.Height, b.Header.Time, latest)
		}
		if err := s.chain.Add(b, a.Cert); err != nil && !slices.Contains(q.Want, b.ID()) {
			return fmt.Errorf("block %d: %w", b.Header.Height, err)
		}
		if n == maxBlocks-1 {
			s.Behind()
		}
	}
	return st.Close()
}

// locator lists blocks of this chain from the tip back: the last ten, then at doubling distances.
func (s *Syncer) locator() (ids []block.ID, err error) {
	tip := s.chain.Tip()
	for h, step := tip.Height, uint64(1); len(ids) < maxLocator; h -= step {
		i, err := s.chain.InfoAt(h)
		if err != nil {
			return nil, err
		}
		ids = append(ids, i.ID)
		if len(ids) >= 10 {
			step *= 2
		}
		if h < step {
			break
		}
	}
	return append(ids, block.GenesisID(s.chain.Params().ChainID)), nil
}

// serve answers one question.
func (s *Syncer) serve(_ context.Context, _ key.Public, st p2p.Stream) {
	if err := s.answer(st); err != nil {
		s.log.Debug("sync answer", "err", err)
		st.Reset()
		return
	}
	if err := st.Close(); err != nil {
		st.Reset()
	}
}

func (s *Syncer) answer(st p2p.Stream) error {
	if err := st.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	raw, err := st.ReadMsg(maxRequest)
	if err != nil {
		return err
	}
	var r request
	if err := codec.Decode(raw, maxRequest, &r); err != nil {
		return err
	}
	// The work begins here: whoever holds a stream and asks nothing takes no place.
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		return errors.New("busy")
	}
	for _, id := range r.Want[:min(len(r.Want), maxWant)] {
		raw, cert, err := s.chain.Block(id)
		if err == nil {
			err = st.WriteMsg(codec.Encode(answer{Block: raw, Cert: cert}))
		}
		if err != nil && !errors.Is(err, chain.ErrUnknown) {
			return err
		}
	}
	from := uint64(0)
	for _, id := range r.Locator {
		i, err := s.chain.Info(id)
		if err != nil {
			continue
		}
		if main, err := s.chain.InfoAt(i.Height); err == nil && main.ID == id {
			from = i.Height
			break
		}
	}
	sent := 0
	for h := from + 1; h <= from+maxBlocks && sent < maxBytes; h++ {
		i, err := s.chain.InfoAt(h)
		if errors.Is(err, chain.ErrUnknown) {
			return nil
		}
		if err != nil {
			return err
		}
		raw, cert, err := s.chain.Block(i.ID)
		if err != nil {
			return err
		}
		if err := st.WriteMsg(codec.Encode(answer{Block: raw, Cert: cert})); err != nil {
			return err
		}
		sent += len(raw)
	}
	return nil
}
