package nodetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"funai/inference/block"
	"funai/inference/codec"
	"funai/inference/market"
	"funai/inference/pool"
	"funai/inference/round"
	"funai/inference/tx"
	"funai/judge"
	"funai/key"
	"funai/model"
	"funai/model/modeltest"
	"funai/node"
	"funai/p2p"
	"funai/p2p/p2ptest"
)

// Filter is a host that sends other messages than its member does: none, or several, in the place of each.
type Filter struct {
	*Host
	Send func(topic string, data []byte) [][]byte
}

var _ node.Host = (*Filter)(nil)

// Publish implements node.Host.
func (f *Filter) Publish(ctx context.Context, topic string, data []byte) error {
	var errs []error
	for _, d := range f.Send(topic, data) {
		errs = append(errs, f.Host.Publish(ctx, topic, d))
	}
	return errors.Join(errs...)
}

// Unopened keeps a seat's openings back.
func Unopened(h *Host) node.Host {
	return &Filter{h, func(topic string, data []byte) [][]byte {
		if t, err := tx.Decode(data); topic == pool.Topic && err == nil {
			if _, opens := t.Payload.(*tx.Opening); opens {
				return nil
			}
		}
		return [][]byte{data}
	}}
}

// TwoReceipts signs a second receipt, of another output, beside each of the member's own.
func TwoReceipts(h *Host) node.Host {
	k := h.Member().Key
	return &Filter{h, func(topic string, data []byte) [][]byte {
		t, err := tx.Decode(data)
		if topic != pool.Topic || err != nil || t.Signer != k.Public().Hash160() {
			return [][]byte{data}
		}
		r, ok := t.Payload.(*tx.Receipt)
		if !ok {
			return [][]byte{data}
		}
		lie := *r
		lie.Output[0]++
		other := tx.New(t.ChainID, &lie)
		other.Sign(k)
		return [][]byte{data, other.Encode()}
	}}
}

// TwoBlocks proposes a second block beside each of the member's own.
func TwoBlocks(h *Host, chainID uint32) node.Host {
	k := h.Member().Key
	return &Filter{h, func(topic string, data []byte) [][]byte {
		var p block.Proposal
		if topic != round.TopicProposal || codec.Decode(data, block.MaxProposalBytes, &p) != nil {
			return [][]byte{data}
		}
		b, err := block.Decode(p.Block)
		if who, e := producer(b); err != nil || e != nil || who != k.Public().Hash160() {
			return [][]byte{data}
		}
		b.Header.Time++
		b.Header.Sign(k)
		p.Block = b.Encode()
		p.Sign(k, chainID)
		return [][]byte{codec.Encode(p), data}
	}}
}

func producer(b *block.Block) (key.Hash160, error) {
	if b == nil {
		return key.Hash160{}, block.ErrBlock
	}
	return b.Header.Producer()
}

// DoubleSigner votes in both phases for every block that it hears of, at once.
type DoubleSigner struct {
	*Host
	ChainID uint32
}

var _ node.Host = (*DoubleSigner)(nil)

// Subscribe implements node.Host.
func (d *DoubleSigner) Subscribe(topic string, maxBytes int, handle p2p.GossipHandler) error {
	if topic != round.TopicProposal {
		return d.Host.Subscribe(topic, maxBytes, handle)
	}
	return d.Host.Subscribe(topic, maxBytes, func(ctx context.Context, from key.Public, data []byte) error {
		var p block.Proposal
		if codec.Decode(data, block.MaxProposalBytes, &p) == nil {
			if b, err := block.Decode(p.Block); err == nil {
				for _, kind := range []byte{block.Prepare, block.Commit} {
					v := block.Vote{Kind: kind, Height: b.Header.Height, Round: p.Round, Block: b.ID()}
					v.Sign(d.Member().Key, d.ChainID)
					if err := d.Host.Publish(ctx, round.TopicVote, codec.Encode([]any{v, uint32(0)})); err != nil {
						return err
					}
				}
			}
		}
		return handle(ctx, from, data)
	})
}

// Moody is a judge's engine whose mood decides.
type Moody struct {
	*modeltest.Toy
	other *modeltest.Toy
	mu    sync.Mutex
	r     *rand.Rand
}

var _ judge.Scorer = (*Moody)(nil)

// NewMoody makes one.
func NewMoody(seed uint64) *Moody {
	return &Moody{Toy: toy(), other: &modeltest.Toy{Name: "another", Limit: 256}, r: rand.New(rand.NewPCG(seed, 0))}
}

// Score implements judge.Scorer, at times as another model would, and at times not at all.
func (m *Moody) Score(ctx context.Context, r model.Request, tokens []int32) (model.Score, error) {
	m.mu.Lock()
	mood := m.r.IntN(3)
	m.mu.Unlock()
	switch mood {
	case 0:
		return m.other.Score(ctx, r, tokens)
	case 1:
		return model.Score{}, model.ErrBusy
	}
	return m.Toy.Score(ctx, r, tokens)
}

// Flood sends garbage on every topic and protocol, as a stranger, until the context ends, and returns who did.
func (n *Net) Flood(ctx context.Context, protocols []string) *p2ptest.Host {
	k, err := key.Generate()
	if err != nil {
		n.t.Fatal(err)
	}
	h := n.Gossip.Host(k)
	r := rand.New(rand.NewPCG(n.o.Seed, 99))
	junk := func(most int) []byte {
		b := make([]byte, 1+r.IntN(most))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	n.work.Go(func() {
		for ctx.Err() == nil && n.ctx.Err() == nil {
			for topic, most := range map[string]int{pool.Topic: 70 << 10, round.TopicProposal: 60 << 10, round.TopicVote: 2 << 10, round.TopicStatus: 60 << 10, market.Topic: 5 << 10} {
				_ = h.Publish(ctx, topic, junk(most))
			}
			for _, m := range n.Members {
				for _, p := range protocols {
					s, err := h.Open(ctx, m.Key.Public(), p)
					if err != nil {
						continue // banned, soon
					}
					_ = s.WriteMsg(junk(1 << 10))
					if r.IntN(2) == 0 {
						s.Reset()
					} // else it is left open, and nothing is read from it
				}
			}
			select {
			case <-ctx.Done():
			case <-n.ctx.Done():
			case <-time.After(time.Duration(50+r.IntN(200)) * time.Millisecond):
			}
		}
	})
	return h
}
