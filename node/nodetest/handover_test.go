package nodetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"funai/inference/block"
	"funai/inference/blocksync"
	"funai/inference/codec"
	"funai/inference/round"
	"funai/key"
	"funai/node"
	"funai/p2p"
)

// deaf hears no seat's commits in the last round of a cycle.
type deaf struct {
	*Host
	cycle uint32
	on    *atomic.Bool
}

func (d *deaf) Subscribe(topic string, maxBytes int, handle p2p.GossipHandler) error {
	if topic != round.TopicVote {
		return d.Host.Subscribe(topic, maxBytes, handle)
	}
	return d.Host.Subscribe(topic, maxBytes, func(ctx context.Context, from key.Public, data []byte) error {
		var m struct {
			_      struct{} `cbor:",toarray"`
			Vote   block.Vote
			Resend uint32
		}
		if codec.Decode(data, block.MaxVoteBytes, &m) == nil && m.Vote.Kind == block.Commit && d.on.Load() && m.Vote.Round.Height%d.cycle == d.cycle-1 {
			return nil // passed on, not read
		}
		return handle(ctx, from, data)
	})
}

// hermit hears all and tells nobody of its blocks.
type hermit struct {
	*Host
	on *atomic.Bool
}

func (h *hermit) Publish(ctx context.Context, topic string, data []byte) error {
	if topic == round.TopicProposal && h.on.Load() {
		return nil
	}
	return h.Host.Publish(ctx, topic, data)
}

func (h *hermit) Handle(protocol string, serve p2p.Handler) {
	if protocol == blocksync.Protocol {
		answer := serve
		serve = func(ctx context.Context, from key.Public, s p2p.Stream) {
			if h.on.Load() {
				s.Reset()
				return
			}
			answer(ctx, from, s)
		}
	}
	h.Host.Handle(protocol, serve)
}

// TestSeatsHandOverWithoutCertifyingTwice: the old seats certify a block in their last round, and none of the new ones
// hears of it.
func TestSeatsHandOverWithoutCertifyingTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cycle := node.Dev().Inference.Sortition.CycleLength
		var on atomic.Bool
		n := Start(t, Options{Seed: 8, Wrap: func(name string, h *Host) node.Host {
			if name == "server-3" {
				return &hermit{h, &on}
			}
			return &deaf{h, cycle, &on}
		}})
		n.Ready()
		on.Store(true)
		for i := range 5 {
			n.Add(fmt.Sprintf("verifier-%d", i+6), n.VerifierConfig(2*Stake))
		}
		n.Until("new seats", 5*time.Minute, func() (bool, error) { return seated(n, "verifier-6") })
		on.Store(false)
		n.Recover(5)
	})
}
