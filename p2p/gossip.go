package p2p

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"funai/key"
)

const (
	// MaxGossip is the longest gossip message, in bytes.
	MaxGossip = 1 << 20
	// SeenTime is how long a message is remembered: within it, the same bytes are neither handled nor sent again.
	SeenTime = 2 * time.Minute

	maxTopics   = 64
	rpcOverhead = 4 << 10 // a gossip packet beyond its message: topic, lengths, control
	// A burst waits in these, and what exceeds them is dropped, as gossip may be: whoever misses something asks for it.
	checkQueue = 4096      // messages whose hash is still to be taken, which takes at most about 1 ms each
	maxChecks  = 4096      // messages of one topic with its handler
	checkBytes = 256 << 20 // bytes of all messages with handlers
	peerQueue  = 1024      // packets to be sent to one peer

	gossipProtocol = "gossip/1.2.0"
)

// GossipHandler checks one message handed on by the peer from, which need not be its author. nil lets it go on to other
// peers, an error wrapping ErrReject penalises from, any other error drops the message silently. Handlers of different
// messages run at the same time. data must not be changed. ctx ends when the host closes.
type GossipHandler func(ctx context.Context, from key.Public, data []byte) error

type topic struct {
	*pubsub.Topic
	max        int
	subscribed bool
}

func (h *Host) newGossip() (*pubsub.PubSub, error) {
	proto := h.set.protocol(gossipProtocol)
	params := pubsub.DefaultGossipSubParams()
	// In a mesh of up to 12 everybody is a neighbour; the default of 6 costs small networks a hop.
	params.D, params.Dlo, params.Dhi, params.Dscore, params.Dout = 8, 6, 12, 4, 2
	params.HeartbeatInitialDelay = 20 * time.Millisecond
	// A peer is taken into the mesh at the next heartbeat after it subscribes, and until then hears only of what its own
	// peers publish; so beats are three times as fast as usual, and what is counted in beats is three times as many.
	params.HeartbeatInterval = 300 * time.Millisecond
	params.HistoryLength, params.HistoryGossip, params.IDontWantMessageTTL = 15, 9, 9
	params.OpportunisticGraftTicks = 180
	params.Connectors = 1           // for peer exchange, which discovery does for us
	params.SlowHeartbeatWarning = 1 // a devnet's many hosts share a core
	return pubsub.NewGossipSub(h.life, h.host,
		pubsub.WithGossipSubProtocols([]protocol.ID{proto}, func(f pubsub.GossipSubFeature, p protocol.ID) bool {
			return p == proto && (f == pubsub.GossipSubFeatureMesh || f == pubsub.GossipSubFeatureIdontwant)
		}),
		pubsub.WithGossipSubParams(params),
		pubsub.WithFloodPublish(true),                                                 // a message's first hop reaches every peer
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(), // contents are signed, not packets
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithMaxMessageSize(MaxGossip+rpcOverhead),
		pubsub.WithSeenMessagesTTL(SeenTime),
		pubsub.WithValidateQueueSize(checkQueue),
		pubsub.WithPeerOutboundQueueSize(peerQueue),
		pubsub.WithAppSpecificRpcInspector(h.withinBudget),
		pubsub.WithLogger(slog.New(onlyErrors{h.set.log.Handler()})),
		pubsub.WithPeerScore(scoreParams(), scoreThresholds()),
		pubsub.WithPeerScoreInspect(h.inspect, time.Second),
	)
}

// messageID makes equal contents of one topic one message, whoever sends them.
func messageID(m *pb.Message) string {
	s := sha256.New()
	s.Write(binary.BigEndian.AppendUint32(nil, uint32(len(m.GetTopic()))))
	s.Write([]byte(m.GetTopic()))
	s.Write(m.GetData())
	return string(s.Sum(nil))
}

// join returns the topic of a name, joining it first if need be. The host's lock is held.
func (h *Host) join(name string) (*topic, error) {
	if h.closed {
		return nil, ErrClosed
	}
	if t := h.topics[name]; t != nil {
		return t, nil
	}
	if len(h.topics) >= maxTopics {
		return nil, fmt.Errorf("%w: topic %q would be one more than %d", ErrConfig, name, maxTopics)
	}
	t, err := h.pubsub.Join(h.set.topic(name))
	if err != nil {
		return nil, fmt.Errorf("%w: join topic %q: %v", ErrConfig, name, err)
	}
	if err := t.SetScoreParams(topicScoreParams()); err != nil {
		return nil, fmt.Errorf("%w: join topic %q: %v", ErrConfig, name, err)
	}
	h.topics[name] = &topic{Topic: t, max: MaxGossip}
	return h.topics[name], nil
}

// Publish sends data to every subscriber of topic that can be reached now; without any it does nothing. It is not handed
// to the host's own handler. What it published or its handler accepted within SeenTime is not sent again.
func (h *Host) Publish(ctx context.Context, topic string, data []byte) error {
	h.mu.Lock()
	t, err := h.join(topic)
	h.mu.Unlock()
	if err != nil {
		return err
	}
	if len(data) > t.max {
		return fmt.Errorf("%w: message of %d bytes on %q exceeds %d", ErrTooLarge, len(data), topic, t.max)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	h.metrics.published.WithLabelValues(topic).Inc()
	if err := t.Publish(ctx, data); err != nil {
		if h.life.Err() != nil {
			return ErrClosed
		}
		return fmt.Errorf("publish on %q: %w", topic, err)
	}
	return nil
}

// Subscribe has handle called once for each distinct message of a topic, from any peer. A message longer than maxBytes,
// which is at most MaxGossip, is rejected as if handle had. A topic can be subscribed to once.
func (h *Host) Subscribe(topic string, maxBytes int, handle GossipHandler) error {
	if maxBytes <= 0 || maxBytes > MaxGossip {
		return fmt.Errorf("%w: topic %q: bound of %d bytes is not within 1 and %d", ErrConfig, topic, maxBytes, MaxGossip)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t, err := h.join(topic)
	if err != nil {
		return err
	}
	if t.subscribed {
		return fmt.Errorf("%w: topic %q is subscribed to already", ErrConfig, topic)
	}
	err = h.pubsub.RegisterTopicValidator(t.String(), h.validator(topic, maxBytes, handle), pubsub.WithValidatorConcurrency(maxChecks))
	if err != nil {
		return fmt.Errorf("%w: topic %q: %v", ErrConfig, topic, err)
	}
	if _, err := t.Relay(); err != nil { // the validator has seen the message, so no queue to read it from is needed
		return errors.Join(fmt.Errorf("%w: topic %q: %v", ErrConfig, topic, err), h.pubsub.UnregisterTopicValidator(t.String()))
	}
	t.subscribed, t.max = true, maxBytes
	return nil
}

func (h *Host) validator(topic string, maxBytes int, handle GossipHandler) pubsub.ValidatorEx {
	count := func(result string) { h.metrics.gossip.WithLabelValues(topic, result).Inc() }
	return func(_ context.Context, src peer.ID, m *pubsub.Message) pubsub.ValidationResult {
		if src == h.host.ID() {
			return pubsub.ValidationAccept
		}
		from, err := PublicOf(src)
		if err != nil || !h.enter() {
			return pubsub.ValidationIgnore
		}
		defer h.work.Done()
		defer h.checking.Add(-int64(len(m.Data)))
		if h.checking.Add(int64(len(m.Data))) > checkBytes {
			count("dropped")
			return pubsub.ValidationIgnore
		}
		if err = fmt.Errorf("%w: %d bytes exceed %d", ErrReject, len(m.Data), maxBytes); len(m.Data) <= maxBytes {
			err = handle(h.life, from, m.Data)
		}
		switch {
		case err == nil:
			count("relayed")
			return pubsub.ValidationAccept
		case errors.Is(err, ErrReject):
			count("rejected")
			h.set.log.Warn("gossip rejected", "topic", topic, "from", from, "error", err)
			return pubsub.ValidationReject
		}
		count("ignored")
		h.set.log.Debug("gossip ignored", "topic", topic, "from", from, "error", err)
		return pubsub.ValidationIgnore
	}
}

// onlyErrors leaves out what gossipsub warns of: above all, once for each message and peer, that the connection manager
// does not rate peers by what they deliver, which it shall not (plainConnManager).
type onlyErrors struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h onlyErrors) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelError && h.Handler.Enabled(ctx, l)
}

// WithAttrs implements slog.Handler.
func (h onlyErrors) WithAttrs(attrs []slog.Attr) slog.Handler {
	return onlyErrors{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h onlyErrors) WithGroup(name string) slog.Handler { return onlyErrors{h.Handler.WithGroup(name)} }
