package nodetest

import (
	"context"
	"sync/atomic"

	"funai/node"
	"funai/p2p/p2ptest"
)

// Host is a member's place on the inference layer's network. It notes the votes that the member sends.
type Host struct {
	*p2ptest.Host
	m    *Member
	node atomic.Pointer[node.Node] // nil until it has started
}

var _ node.Host = (*Host)(nil)

// Publish implements node.Host.
func (h *Host) Publish(ctx context.Context, topic string, data []byte) error {
	if err := h.Host.Publish(ctx, topic, data); err != nil {
		return err
	}
	if nd := h.node.Load(); nd != nil {
		h.m.n.seen.sent(nd, topic, data)
	}
	return nil
}

// Member is whose host it is.
func (h *Host) Member() *Member { return h.m }
