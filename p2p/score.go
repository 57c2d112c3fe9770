package p2p

import (
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// A peer's score starts at 0 and sinks with the square of the messages of a topic that were rejected (gossipsub v1.1,
// P4). The first takes it out of the mesh, the third ends our sending to it, the fourth within a few minutes bans it.
const (
	// RejectLimit is how many rejected messages of one topic, within a few minutes, get a peer banned.
	RejectLimit = 4

	rejectWeight = -5.0
	rejectDecay  = 0.998 // a second: half in about six minutes
	graylist     = -70.0 // between -5*3^2 and -5*4^2
)

func scoreParams() *pubsub.PeerScoreParams {
	return &pubsub.PeerScoreParams{
		SkipAtomicValidation: true,
		Topics:               map[string]*pubsub.TopicScoreParams{},
		AppSpecificScore:     func(peer.ID) float64 { return 0 },
		// P7, grafting too soon and promises not kept: only a lasting habit counts, as a busy machine is late too.
		BehaviourPenaltyWeight: -1, BehaviourPenaltyThreshold: 10, BehaviourPenaltyDecay: 0.9,
		DecayInterval: time.Second, DecayToZero: 0.01,
		RetainScore: 10 * time.Minute, // coming back does not wash a peer clean
		SeenMsgTTL:  SeenTime,
	}
}

func scoreThresholds() *pubsub.PeerScoreThresholds {
	return &pubsub.PeerScoreThresholds{GossipThreshold: -4, PublishThreshold: -40, GraylistThreshold: graylist, AcceptPXThreshold: 1000}
}

func topicScoreParams() *pubsub.TopicScoreParams {
	return &pubsub.TopicScoreParams{
		SkipAtomicValidation: true, TopicWeight: 1,
		TimeInMeshQuantum:              time.Second, // divides even with no weight
		InvalidMessageDeliveriesWeight: rejectWeight, InvalidMessageDeliveriesDecay: rejectDecay,
	}
}

// inspect bans the peers whose score has sunk too low. Gossipsub ignores their messages already; this ends their streams.
func (h *Host) inspect(scores map[peer.ID]float64) {
	for id, score := range scores {
		if score >= graylist || !h.enter() {
			continue
		}
		if h.bans.add(id) {
			h.metrics.banned.Inc()
			h.set.log.Warn("peer banned", "peer", id, "score", score, "for", BanTime)
			_ = h.host.Network().ClosePeer(id)
		}
		h.work.Done()
	}
}

// What one peer may send us by gossip; more is dropped unseen. This also bounds the memory of messages seen.
const (
	peerMessages      = 1000     // a second
	peerMessagesBurst = 10_000   // at once
	peerBytes         = 16 << 20 // a second
	peerBytesBurst    = 64 << 20 // at once
)

type budget struct{ messages, bytes *rate.Limiter }

// budgets holds one budget for each connected peer.
type budgets struct {
	mu     sync.Mutex
	byPeer map[peer.ID]budget
}

func (b *budgets) of(id peer.ID) budget {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byPeer == nil || len(b.byPeer) >= 4*maxConns { // a packet handled after its sender left leaves an entry behind
		b.byPeer = make(map[peer.ID]budget)
	}
	got, ok := b.byPeer[id]
	if !ok {
		got = budget{rate.NewLimiter(peerMessages, peerMessagesBurst), rate.NewLimiter(peerBytes, peerBytesBurst)}
		b.byPeer[id] = got
	}
	return got
}

func (b *budgets) forget(id peer.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.byPeer, id)
}

// withinBudget takes out of a packet the messages that exceed its sender's budget; control messages stay.
func (h *Host) withinBudget(id peer.ID, rpc *pubsub.RPC) error {
	if len(rpc.Publish) == 0 {
		return nil
	}
	size, now, b := 0, time.Now(), h.budgets.of(id)
	for _, m := range rpc.Publish {
		size += len(m.Data)
	}
	if !b.messages.AllowN(now, len(rpc.Publish)) || !b.bytes.AllowN(now, size) {
		h.metrics.dropped.Add(float64(len(rpc.Publish)))
		rpc.Publish = nil
	}
	return nil
}
