// Package exchange carries the contents of tasks between those who may hold them: asker, server, seats and the elected
// producer, over encrypted streams, never by gossip. It may import chain, content, task and p2p. It also forgets: a
// content goes once its task's settlement is confirmed (FUN AI whitepaper, section 7).
package exchange

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"funai/inference/chain"
	"funai/inference/content"
	"funai/inference/task"
	"funai/inference/tx"
	"funai/key"
	"funai/p2p"
)

// Protocol is the stream protocol's name.
const Protocol = "content/1"

// Bounds on one fetch.
const (
	timeout    = 20 * time.Second
	serveAhead = 16 // fetches served at once; more wait for the stream's deadline
)

var (
	// ErrDenied says that the peer may not have the contents, or does not hold them: the answer is the same for both, so
	// that nobody learns who asked what.
	ErrDenied = errors.New("contents not given")
)

// Network is what the exchange asks of the network.
type Network interface {
	Handle(protocol string, h p2p.Handler)
	Open(ctx context.Context, to key.Public, protocol string) (p2p.Stream, error)
}

// Exchange stores, gives and fetches contents.
type Exchange struct {
	chain *chain.Chain
	store *content.Store
	net   Network
	log   *slog.Logger
	slots chan struct{}
}

// New makes an exchange over a store and begins to answer.
func New(c *chain.Chain, s *content.Store, n Network, log *slog.Logger) *Exchange {
	e := &Exchange{chain: c, store: s, net: n, log: log, slots: make(chan struct{}, serveAhead)}
	n.Handle(Protocol, e.serve)
	return e
}

// Put stores contents that were checked.
func (e *Exchange) Put(ctx context.Context, id tx.ID, c task.Contents) error {
	b := c.Encode()
	return e.store.Put(ctx, id, sha256.Sum256(b), b)
}

// Find reads the stored contents of a task as one receipt has them; content.ErrNotFound if they are not here.
func (e *Exchange) Find(id, receipt tx.ID) (*task.Checked, error) {
	_, c, err := e.find(id, func(c *task.Checked) bool { return c.Receipt != nil && c.Server.ID() == receipt })
	return c, err
}

// find reads the first stored contents of a task that are wanted. There is more than one if the server signed two receipts.
func (e *Exchange) find(id tx.ID, wanted func(*task.Checked) bool) ([]byte, *task.Checked, error) {
	for _, h := range e.store.Hashes(id) {
		b, err := e.store.Get(h)
		if err != nil {
			return nil, nil, err
		}
		c, err := task.Decode(b)
		if err != nil {
			return nil, nil, err
		}
		checked, err := c.Check()
		if err != nil {
			return nil, nil, err
		}
		if wanted(checked) {
			return b, checked, nil
		}
	}
	return nil, nil, content.ErrNotFound
}

// Fetch gets a task's contents, as one receipt has them, from a peer, checks and stores them.
func (e *Exchange) Fetch(ctx context.Context, from key.Public, id, receipt tx.ID) (*task.Checked, error) {
	if c, err := e.Find(id, receipt); err == nil {
		return c, nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s, err := e.net.Open(ctx, from, Protocol)
	if err != nil {
		return nil, err
	}
	defer s.Reset()
	if err := errors.Join(s.SetDeadline(time.Now().Add(timeout)), s.WriteMsg(append(id[:], receipt[:]...)), s.CloseWrite()); err != nil {
		return nil, err
	}
	raw, err := s.ReadMsg(task.MaxContentsBytes)
	if err != nil {
		return nil, fmt.Errorf("contents of %v: %w", id, err)
	}
	if len(raw) == 0 {
		return nil, fmt.Errorf("%w: task %v", ErrDenied, id)
	}
	c, err := task.Decode(raw)
	if err != nil {
		return nil, err
	}
	checked, err := c.Check()
	if err != nil {
		return nil, err
	}
	if checked.Task != id || checked.Receipt == nil || checked.Server.ID() != receipt {
		return nil, fmt.Errorf("%w: asked for receipt %v of task %v, got another", task.ErrContent, receipt, id)
	}
	return checked, errors.Join(e.Put(ctx, id, c), s.Close())
}

// serve gives contents to whom they may go.
func (e *Exchange) serve(_ context.Context, from key.Public, s p2p.Stream) {
	if err := e.answer(from, s); err != nil {
		e.log.Debug("contents", "err", err)
		s.Reset()
	}
}

func (e *Exchange) answer(from key.Public, s p2p.Stream) error {
	if err := s.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	const size = 2 * len(tx.ID{})
	raw, err := s.ReadMsg(size)
	if err != nil {
		return err
	}
	if len(raw) != size {
		return fmt.Errorf("request of %d bytes, not %d", len(raw), size)
	}
	// The work begins here: whoever holds a stream and asks nothing takes no place.
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	default:
		return errors.New("busy")
	}
	receipt := tx.ID(raw[size/2:])
	b, c, err := e.find(tx.ID(raw[:size/2]), func(c *task.Checked) bool { return c.Receipt != nil && c.Server.ID() == receipt })
	if err != nil || !e.may(from.Hash160(), c) {
		b = nil
	}
	return errors.Join(s.WriteMsg(b), s.Close())
}

// may says whether a key is a party to a task: it asked, it served, or it holds a seat.
func (e *Exchange) may(who key.Hash160, c *task.Checked) bool {
	if who == c.OpenTx.Signer || c.Server != nil && who == c.Server.Signer {
		return true
	}
	set, err := e.chain.Set(uint32(max(e.chain.Followed().Height, 0)))
	if err != nil {
		return false
	}
	for _, s := range set.Seats {
		if who == s.Address || who == s.Signer {
			return true
		}
	}
	return false
}

// forgetUnknown is how long contents are kept of a task that never came on chain.
const forgetUnknown = 10 * time.Minute

// Forget deletes contents whose tasks' settlements are confirmed, until the context ends.
func (e *Exchange) Forget(ctx context.Context) error {
	seen := map[[32]byte]time.Time{}
	for {
		moved := e.chain.Changed()
		now := uint32(max(e.chain.Followed().Height, 0))
		held := map[[32]byte]time.Time{}
		for _, id := range e.store.Tasks() {
			info, err := e.chain.Task(id)
			switch {
			case errors.Is(err, chain.ErrUnknown):
				since, ok := seen[id]
				if !ok {
					since = time.Now()
				}
				held[id] = since
				if time.Since(since) < forgetUnknown {
					continue
				}
			case err != nil:
				return err
			case info.Settled.Height == 0 || now < info.Settled.Ledger+e.chain.Params().Confirmations:
				continue
			}
			if err := e.store.DeleteTask(id); err != nil {
				return err
			}
		}
		seen = held
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
}
