package round

import (
	"context"
	"errors"
	"testing"
	"time"

	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/chain/chaintest"
	"funai/inference/codec"
	"funai/inference/pool"
	"funai/key"
)

// recorder is a network that keeps what is sent.
type recorder struct {
	votes     []block.Vote
	proposals []block.Proposal
	statuses  []block.Status
}

func (r *recorder) Publish(_ context.Context, topic string, raw []byte) error {
	switch topic {
	case TopicVote:
		var v voteMessage
		if err := codec.Decode(raw, maxVoteBytes, &v); err != nil {
			return err
		}
		r.votes = append(r.votes, v.Vote)
	case TopicProposal:
		var p block.Proposal
		if err := codec.Decode(raw, block.MaxProposalBytes, &p); err != nil {
			return err
		}
		r.proposals = append(r.proposals, p)
	case TopicStatus:
		var s block.Status
		if err := codec.Decode(raw, block.MaxStatusBytes, &s); err != nil {
			return err
		}
		r.statuses = append(r.statuses, s)
	}
	return nil
}

// memory is a journal; it may refuse to save.
type memory struct {
	raw  []byte
	full error
}

func (m *memory) Load() ([]byte, error) { return m.raw, nil }
func (m *memory) Save(raw []byte) error {
	if m.full != nil {
		return m.full
	}
	m.raw = raw
	return nil
}

// rig is one engine, whose goroutine is the test's, in a world in which the test speaks for everybody else.
type rig struct {
	*chaintest.World
	e       *Engine
	net     *recorder
	journal *memory
	behind  int // calls
}

// newRig makes a group of so many seats on the first block of its first cycle, and the engine of seat 0.
func newRig(t testing.TB, seats int) *rig {
	return newRigIn(chaintest.New(t, 3), seats)
}

// newRigIn is newRig in a world without blocks.
func newRigIn(w *chaintest.World, seats int) *rig {
	r := &rig{World: w, net: &recorder{}, journal: &memory{}}
	r.Seated(seats)
	r.start(Config{Seat: r.seat(0), Journal: r.journal})
	return r
}

// newProducer makes a group, and the engine of a producer without a seat.
func newProducer(t testing.TB, seats int, p int) *rig {
	r := &rig{World: chaintest.New(t, 3), net: &recorder{}}
	r.Seated(seats)
	r.start(Config{Signer: r.Producers[p].Key, Prover: r.Producers[p].Prover})
	return r
}

func (r *rig) seat(i int) *key.Private {
	return r.Seats(uint32(r.Ledger.Tip().Height))[i]
}

// start starts an engine, anew if there was one.
func (r *rig) start(cfg Config) {
	r.Helper()
	cfg.Chain, cfg.Network, cfg.Pool = r.Chain, r.net, pool.New(r.Chain, r.net)
	cfg.Behind = func() { r.behind++ }
	e, err := New(cfg)
	if err != nil {
		r.Fatal(err)
	}
	r.e = e
	r.act()
}

// restart is a crash of the seat.
func (r *rig) restart() {
	r.Helper()
	*r.net = recorder{}
	r.start(Config{Seat: r.e.Seat, Journal: r.journal})
}

// act does what the engine's goroutine does when something happened.
func (r *rig) act() {
	r.Helper()
	for len(r.e.inbox) > 0 {
		if err := r.e.handle(r.Context(), <-r.e.inbox); err != nil {
			r.Fatal(err)
		}
	}
	if err := r.e.act(r.Context()); err != nil {
		r.Fatal(err)
	}
}

// elect elects a producer; the engine learns of it.
func (r *rig) elect(p int) block.Round {
	r.Helper()
	at := r.Elect(r.Producers[p])
	r.act()
	return at
}

// receive hands the engine a message.
func (r *rig) receive(topic string, m any) error {
	r.Helper()
	if err := r.e.Receive(topic, codec.Encode(m)); err != nil {
		return err
	}
	r.act()
	return nil
}

// propose proposes a block in a round.
func (r *rig) propose(p int, at block.Round, b *block.Block, justify block.Certificate) error {
	r.Helper()
	m := block.Proposal{Round: at, Block: b.Encode(), Justify: justify}
	m.Sign(r.Producers[p].Key, r.Params.ChainID)
	return r.receive(TopicProposal, m)
}

// mustPropose is propose of what is let through to the engine.
func (r *rig) mustPropose(p int, at block.Round, b *block.Block, justify block.Certificate) {
	r.Helper()
	if err := r.propose(p, at, b, justify); err != nil {
		r.Fatal(err)
	}
}

// vote has other seats vote.
func (r *rig) vote(kind byte, b *block.Block, at block.Round, seats ...int) {
	r.Helper()
	for _, i := range seats {
		if err := r.receive(TopicVote, voteMessage{Vote: r.Vote(kind, r.Seats(at.Height)[i], b, at)}); err != nil {
			r.Fatal(err)
		}
	}
}

// status has a seat say how far it is; change may make it say something else.
func (r *rig) status(at block.Round, seat int, change func(*block.Status)) {
	r.Helper()
	tip := r.Chain.Tip()
	s := block.Status{Round: at, Height: tip.Height, Tip: tip.ID}
	if change != nil {
		change(&s)
	}
	s.Sign(r.Seats(at.Height)[seat], r.Params.ChainID)
	if err := r.receive(TopicStatus, s); err != nil {
		r.Fatal(err)
	}
}

// said counts the engine's different votes of a kind, for a block or for all.
func (r *rig) said(kind byte, b *block.Block) int {
	said := map[block.Vote]bool{}
	for _, v := range r.net.votes {
		if v.Kind == kind && (b == nil || v.Block == b.ID()) {
			v.Lock = 0
			v.Signature = key.Signature{}
			said[v] = true
		}
	}
	return len(said)
}

// lockOn makes the seat lock on a block of a new round, and returns both.
func (r *rig) lockOn(p int) (*block.Block, block.Round) {
	r.Helper()
	at := r.elect(p)
	b := r.Draft()
	r.mustPropose(p, at, b, block.Certificate{})
	r.vote(block.Prepare, b, at, 1, 2)
	if r.said(block.Commit, b) != 1 {
		r.Fatal("it is not locked")
	}
	return b, at
}

// later is a block that differs from another in its time.
func (r *rig) later(b *block.Block, p int) *block.Block {
	c := *b
	c.Header.Time++
	c.Header.Sign(r.Producers[p].Key)
	return &c
}

// after lets time pass.
func (r *rig) after(d time.Duration) {
	r.Helper()
	time.Sleep(d)
	r.act()
}

var (
	_ ledger  = (*chain.Chain)(nil)
	_ Journal = (*memory)(nil)
)

var errFull = errors.New("no space left")
