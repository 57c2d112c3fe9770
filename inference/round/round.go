// Package round certifies blocks: the elected node proposes, the seats vote in two phases with locks, everybody counts.
// It is the part of the inference chain that messages drive; what a message, a block or an election means is said in the
// packages below (block, chain), which it may import, and nothing above. Rules: FUN AI whitepaper, sections 2 and 5, made
// exact as two-phase voting with locks, where the rounds at one height are tenures.
package round

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/codec"
	"funai/inference/pool"
	"funai/inference/sortition"
	"funai/key"
	"funai/vrf"
)

// Topics of gossip.
const (
	TopicProposal = "proposal"
	TopicVote     = "vote"
	TopicStatus   = "status"
)

// Bounds and intervals.
const (
	inboxSize      = 1024 // messages waiting for the engine; beyond it they are dropped, as a network may
	maxEarly       = 64   // proposals kept until the ledger or a parent arrives
	maxBlocks      = 64   // proposed blocks kept until certified
	maxAhead       = 4    // heights above the tip's for which votes are kept
	maxLedgerAhead = 2    // ledger blocks that a proposal's round may be ahead of this node
	maxBehind      = 8    // ledger blocks before the latest round for whose rounds votes are kept
	resendAfter    = 400 * time.Millisecond
	tickEvery      = 50 * time.Millisecond
	maxVoteBytes   = block.MaxVoteBytes
	settledRounds  = 8 // rounds behind the latest whose statuses are forgotten
)

// ErrMessage says that a message is malformed or not by whom it must be.
var ErrMessage = errors.New("bad message")

// Network is what the engine asks of the network. A message is carried to all; the same bytes only once.
type Network interface {
	Publish(ctx context.Context, topic string, data []byte) error
}

// Journal keeps what a seat must not forget. Save returns once the bytes are safe from a crash.
type Journal interface {
	Load() ([]byte, error) // nil if nothing was saved
	Save([]byte) error
}

// Config says what a node does in the rounds. Without keys it only follows.
type Config struct {
	Chain   *chain.Chain
	Pool    *pool.Pool
	Network Network
	Logger  *slog.Logger

	Seat    *key.Private // signs votes when it holds a seat; nil never does
	Journal Journal      // with Seat

	Signer *key.Private // signs blocks when elected; nil never does
	Prover *vrf.PrivateKey

	// Behind is called when a message shows that blocks are missing here. It must not block.
	Behind func()
}

// Engine runs the rounds. Its state belongs to the goroutine of Run.
type Engine struct {
	Config
	params block.Params
	inbox  chan any

	blocks   map[block.ID]*block.Block
	order    []block.ID // of blocks, oldest first
	early    []early
	votes    map[ballotKey]map[key.Hash160]block.Vote // the first of each seat's signer
	statuses map[block.Round]map[key.Hash160]block.Status
	safety   safety

	round    block.Round // the latest election with a winner
	began    time.Time   // when this node learnt of it
	heard    bool        // its winner has proposed
	mine     *block.Proposal
	mineAt   time.Time
	mineID   block.ID
	mineH    uint64
	barred   barred
	resend   uint32
	statusAt time.Time
	votedAt  time.Time
	sent     []block.Vote // this seat's votes at the present height, to be sent again
}

type early struct {
	proposal block.Proposal
	block    *block.Block
}

// barred is a round and a tip on which this node has nothing valid to propose.
type barred struct {
	round block.Round
	tip   block.ID
}

// ballotKey names one vote of a kind: a seat has one voice in it, whatever it says again.
type ballotKey struct {
	kind   byte
	height uint64
	round  block.Round
}

// voteMessage carries a vote; Resend makes a repeat new to the network.
type voteMessage struct {
	_      struct{} `cbor:",toarray"`
	Vote   block.Vote
	Resend uint32
}

// New makes an engine, reading the seat's journal.
func New(cfg Config) (*Engine, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Behind == nil {
		cfg.Behind = func() {}
	}
	e := &Engine{Config: cfg, params: cfg.Chain.Params(), inbox: make(chan any, inboxSize), blocks: map[block.ID]*block.Block{},
		votes: map[ballotKey]map[key.Hash160]block.Vote{}, statuses: map[block.Round]map[key.Hash160]block.Status{}}
	if cfg.Seat == nil {
		return e, nil
	}
	raw, err := cfg.Journal.Load()
	if err != nil {
		return nil, fmt.Errorf("seat's journal: %w", err)
	}
	if raw != nil {
		if err := codec.Decode(raw, maxJournal, &e.safety); err != nil {
			return nil, fmt.Errorf("seat's journal: %w", err)
		}
	}
	return e, nil
}

// Receive takes in a message of a topic. An error says that it must not be passed on; ErrMessage that its sender is to
// blame.
func (e *Engine) Receive(topic string, raw []byte) error {
	var m any
	switch topic {
	case TopicProposal:
		var p block.Proposal
		if err := codec.Decode(raw, block.MaxProposalBytes, &p); err != nil {
			return fmt.Errorf("%w: %w", ErrMessage, err)
		}
		b, err := block.Decode(p.Block)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrMessage, err)
		}
		if _, err := p.Signer(e.params.ChainID); err != nil {
			return fmt.Errorf("%w: %w", ErrMessage, err)
		}
		if err := e.worth(p, b); err != nil {
			return err
		}
		m = early{p, b}
	case TopicVote:
		var v voteMessage
		if err := codec.Decode(raw, maxVoteBytes, &v); err != nil {
			return fmt.Errorf("%w: %w", ErrMessage, err)
		}
		if v.Vote.Kind != block.Prepare && v.Vote.Kind != block.Commit {
			return fmt.Errorf("%w: vote of kind %d", ErrMessage, v.Vote.Kind)
		}
		t, err := e.recent(v.Vote.Round)
		if err != nil {
			return err
		}
		if _, err := v.Vote.Seat(e.params.ChainID, e.speakers(t)); err != nil {
			return err
		}
		m = v.Vote
	case TopicStatus:
		var s block.Status
		if err := codec.Decode(raw, block.MaxStatusBytes, &s); err != nil {
			return fmt.Errorf("%w: %w", ErrMessage, err)
		}
		t, err := e.recent(s.Round)
		if err != nil {
			return err
		}
		if _, err := s.Seat(e.params.ChainID, e.speakers(t)); err != nil {
			return err
		}
		m = s
	default:
		return fmt.Errorf("%w: topic %q", ErrMessage, topic)
	}
	select {
	case e.inbox <- m:
		return nil
	default:
		return errors.New("busy")
	}
}

// recent returns the election of a round that messages may still be about. Who lags behind the ledger gets them again.
func (e *Engine) recent(r block.Round) (*chain.Tenure, error) {
	if now := e.Chain.Followed().Height; int64(r.Height)+maxBehind < int64(now) {
		return nil, fmt.Errorf("round %d is long past, the ledger is at %d", r.Height, now)
	}
	return e.Chain.Tenure(r)
}

// worth says whether a proposal is worth keeping: by somebody who may propose in its round, as far as this node can tell.
// One of the next ledger blocks, which this node has not seen yet, may wait for them.
func (e *Engine) worth(p block.Proposal, b *block.Block) error {
	t, err := e.recent(p.Round)
	if errors.Is(err, chain.ErrLedger) && int64(p.Round.Height) <= int64(e.Chain.Followed().Height)+maxLedgerAhead {
		return nil
	}
	if err != nil {
		return err
	}
	return e.checkProposer(t, p, b)
}

// Run runs the rounds until the context ends or the node can't go on, as when its disk is full.
func (e *Engine) Run(ctx context.Context) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		chainMoved, poolMoved := e.Chain.Changed(), e.Pool.Changed()
		if err := e.act(ctx); err != nil {
			return err
		}
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-chainMoved:
		case <-poolMoved:
		case <-tick.C:
		case m := <-e.inbox:
			err = e.handle(ctx, m)
			for n := len(e.inbox); n > 0 && err == nil; n-- {
				err = e.handle(ctx, <-e.inbox)
			}
		}
		if err != nil {
			return err
		}
	}
}

func (e *Engine) handle(ctx context.Context, m any) error {
	switch m := m.(type) {
	case early:
		return e.onProposal(ctx, m)
	case block.Vote:
		return e.onVote(ctx, m)
	case block.Status:
		e.onStatus(m)
	}
	return nil
}

// act does what the present moment asks for: follow a new election, retry what came early, report, propose.
func (e *Engine) act(ctx context.Context) error {
	t, _, err := e.Chain.Latest()
	if err != nil {
		return err
	}
	if t == nil {
		return nil
	}
	if t.Round != e.round {
		e.round, e.began, e.heard, e.mine, e.statusAt = t.Round, time.Now(), false, nil, time.Time{}
		for r := range e.statuses {
			if r.Height+settledRounds < t.Round.Height {
				delete(e.statuses, r)
			}
		}
	}
	waiting := e.early
	e.early = nil
	for _, m := range waiting {
		if err := e.onProposal(ctx, m); err != nil {
			return err
		}
	}
	e.forget()
	if err := e.report(ctx, t); err != nil {
		return err
	}
	return e.propose(ctx, t)
}

// forget drops what the tip has left behind.
func (e *Engine) forget() {
	tip := e.Chain.Tip()
	for k := range e.votes {
		if k.height <= tip.Height {
			delete(e.votes, k)
		}
	}
	for len(e.order) > 0 {
		b := e.blocks[e.order[0]]
		if b.Header.Height > tip.Height && len(e.order) <= maxBlocks {
			break
		}
		delete(e.blocks, e.order[0])
		e.order = e.order[1:]
	}
	if len(e.sent) > 0 && e.sent[0].Height <= tip.Height {
		e.sent = nil
	}
}

// sits says whether this node holds a seat of a set.
func (e *Engine) sits(set sortition.CycleSet) bool {
	if e.Seat == nil {
		return false
	}
	me := e.Seat.Public().Hash160()
	return slices.ContainsFunc(set.Seats, func(s sortition.Seat) bool { return s.Signer == me })
}

// speakers are those whose votes and statuses may count in a round: the seats of its cycle and, while they are others, those
// who vote on the next block.
func (e *Engine) speakers(t *chain.Tenure) sortition.CycleSet {
	now, err := e.Chain.Voters(e.Chain.Tip().ID, t.Round)
	if err != nil || now.Cycle == t.Set.Cycle {
		return t.Set
	}
	now.Seats = append(slices.Clone(now.Seats), t.Set.Seats...)
	return now
}

func (e *Engine) publish(ctx context.Context, topic string, v any) {
	if err := e.Network.Publish(ctx, topic, codec.Encode(v)); err != nil && ctx.Err() == nil {
		e.Logger.Warn("publish", "topic", topic, "err", err) // it is sent again until it has done its work
	}
}
