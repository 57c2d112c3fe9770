package nodetest

import (
	"context"
	"fmt"
	"sync"

	"github.com/btcsuite/btcd/chainhash/v2"

	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/codec"
	"funai/inference/round"
	"funai/inference/sortition"
	"funai/key"
	"funai/node"
)

// sightings is what was seen of the network that must hold always: what was certified, on any node and in the votes sent.
type sightings struct {
	n *Net

	mu      sync.Mutex
	certs   map[uint64][]certified // by height
	votes   map[ballot]map[key.Hash160]bool
	parents map[chainhash.Hash]parent // of ledger blocks
	audits  int
}

// certified is a block that a quorum committed to.
type certified struct {
	id    block.ID
	round block.Round
	by    string
}

type ballot struct {
	height uint64
	round  block.Round
	id     block.ID
}

type parent struct {
	height int32
	hash   chainhash.Hash
}

func newSightings(n *Net) *sightings {
	return &sightings{n: n, certs: map[uint64][]certified{}, votes: map[ballot]map[key.Hash160]bool{}, parents: map[chainhash.Hash]parent{}}
}

// follow checks every block of a node until the context ends.
func (s *sightings) follow(ctx context.Context, m *Member, nd *node.Node) {
	c, l := nd.Chain(), nd.Ledger()
	at, last := c.Tip(), chain.Index{}
	below := l.Tip()
	for {
		moved, ledgerMoved := c.Changed(), l.Changed()
		for {
			reverted, applied, err := c.UpdatesSince(at, 64)
			if err != nil {
				s.n.t.Errorf("%s: %v", m.Name, err)
				return
			}
			if len(reverted)+len(applied) == 0 {
				break
			}
			for _, u := range reverted {
				at = chain.Index{Height: u.Height - 1, ID: u.Parent}
			}
			for _, u := range applied {
				at = u.Index
				s.stored(m, c, u.Index)
			}
		}
		if tip := c.Tip(); tip != last {
			if err := c.Audit(); err != nil {
				s.n.t.Errorf("%s at %d: %v", m.Name, tip.Height, err)
			}
			s.mu.Lock()
			s.audits++
			s.mu.Unlock()
			last = tip
		}
		for {
			reverted, applied, err := l.UpdatesSince(below, 64)
			if err != nil {
				s.n.t.Errorf("%s: %v", m.Name, err)
				return
			}
			if len(reverted)+len(applied) == 0 {
				break
			}
			for _, u := range reverted {
				below.Height, below.Hash = u.Height-1, u.Block.Header.PrevBlock
			}
			for _, u := range applied {
				below = u.Index
				s.mu.Lock()
				s.parents[u.Hash] = parent{u.Height, u.Block.Header.PrevBlock}
				s.mu.Unlock()
			}
			if t := l.Totals(); t.Issued != t.Held+t.Burned {
				s.n.t.Errorf("%s: ledger issued %v, holds %v and burned %v", m.Name, t.Issued, t.Held, t.Burned)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-nd.Done():
			if ctx.Err() == nil {
				s.n.t.Errorf("%s stopped by itself", m.Name)
			}
			return
		case <-moved:
		case <-ledgerMoved:
		}
	}
}

// stored notes the certificate of a block that a node holds.
func (s *sightings) stored(m *Member, c *chain.Chain, at chain.Index) {
	_, cert, err := c.Block(at.ID)
	if err != nil {
		s.n.t.Errorf("%s: %v", m.Name, err)
		return
	}
	if !cert.None() {
		s.certify(at.Height, certified{at.ID, cert.Round, m.Name})
	}
}

// sent counts a vote, as every node on a perfect network would.
func (s *sightings) sent(nd *node.Node, topic string, data []byte) {
	if topic != round.TopicVote {
		return
	}
	var msg struct {
		_      struct{} `cbor:",toarray"`
		Vote   block.Vote
		Resend uint32
	}
	if codec.Decode(data, block.MaxVoteBytes, &msg) != nil || msg.Vote.Kind != block.Commit {
		return
	}
	v := msg.Vote
	parent, err := nd.Chain().InfoAt(v.Height - 1)
	if err != nil {
		return // an adversary's
	}
	set, err := nd.Chain().Voters(parent.ID, v.Round)
	if err != nil {
		return
	}
	seat, err := v.Seat(s.n.network.Inference.ChainID, set)
	if err != nil {
		return
	}
	k := ballot{v.Height, v.Round, v.Block}
	s.mu.Lock()
	if s.votes[k] == nil {
		s.votes[k] = map[key.Hash160]bool{}
	}
	s.votes[k][set.Seats[seat].Signer] = true
	enough := len(s.votes[k]) >= set.Quorum()
	s.mu.Unlock()
	if enough {
		s.certify(v.Height, certified{v.Block, v.Round, "votes"})
	}
}

// certify notes that a block is certified and compares it with others at its height: two on one ledger fork must not be.
func (s *sightings) certify(height uint64, c certified) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.certs[height] {
		if o.id == c.id && o.round == c.round {
			return
		}
	}
	for _, o := range s.certs[height] {
		if o.id != c.id && s.oneFork(o.round, c.round) {
			s.n.t.Errorf("two certificates at height %d: %v in round %d by %s, %v in round %d by %s",
				height, o.id, o.round.Height, o.by, c.id, c.round.Height, c.by)
		}
	}
	s.certs[height] = append(s.certs[height], c)
}

// oneFork says whether two rounds lie on one ledger fork.
func (s *sightings) oneFork(a, b block.Round) bool {
	if a.Height > b.Height {
		a, b = b, a
	}
	h := b.Hash
	for height := b.Height; height > a.Height; height-- {
		p, ok := s.parents[h]
		if !ok {
			return true // of a ledger block that none but the voter has seen: better to tell than to miss
		}
		h = p.hash
	}
	return h == a.Hash
}

// Certified is how many heights were certified so far, and how often all coins were added up.
func (n *Net) Certified() (heights, audits int) {
	n.seen.mu.Lock()
	defer n.seen.mu.Unlock()
	return len(n.seen.certs), n.seen.audits
}

// Agree says whether all running members hold the same block at every height that a group certified, up to the lowest tip,
// and the same set of seats.
func (n *Net) Agree() error {
	var first *node.Node
	for _, m := range n.Running() {
		err := m.Use(func(nd *node.Node) error {
			if first == nil {
				first = nd
				return nil
			}
			a, b := first.Chain(), nd.Chain()
			low := min(a.Tip().Height, b.Tip().Height)
			for h := low; h > 0; h-- {
				x, err := a.InfoAt(h)
				if err != nil {
					return err
				}
				y, err := b.InfoAt(h)
				if err != nil {
					return err
				}
				if x.ID != y.ID {
					return fmt.Errorf("%s: block %v at height %d, another has %v", m.Name, y.ID, h, x.ID)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Set is who sits now, as a member sees it.
func (m *Member) Set() (set sortition.CycleSet, err error) {
	err = m.Use(func(nd *node.Node) (err error) {
		set, err = nd.Chain().Set(uint32(max(nd.Chain().Followed().Height, 0)))
		return err
	})
	return set, err
}
