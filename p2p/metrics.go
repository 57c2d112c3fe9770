package p2p

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what a host does.
type metrics struct {
	reg       prometheus.Registerer  // nil while not registered
	gossip    *prometheus.CounterVec // by topic and result: relayed, rejected, ignored, dropped
	published *prometheus.CounterVec // by topic
	streams   *prometheus.CounterVec // by protocol and direction
	dropped   prometheus.Counter     // messages over a peer's budget
	banned    prometheus.Counter
	peers     prometheus.GaugeFunc
}

func newMetrics(h *Host) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "funai", Subsystem: "p2p", Name: name, Help: help}, labels)
	}
	return &metrics{
		gossip:    counter("gossip_received_total", "Distinct gossip messages received.", "topic", "result"),
		published: counter("gossip_published_total", "Gossip messages published by this host.", "topic"),
		streams:   counter("streams_total", "Streams opened.", "protocol", "direction"),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "funai", Subsystem: "p2p",
			Name: "gossip_dropped_total", Help: "Gossip messages dropped because their peer sent too many."}),
		banned: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "funai", Subsystem: "p2p",
			Name: "banned_total", Help: "Peers banned for what they handed on."}),
		peers: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "funai", Subsystem: "p2p",
			Name: "peers", Help: "Peers connected now."}, func() float64 { return float64(len(h.Peers())) }),
	}
}

// register shows the metrics in a registry, until unregister. The host must be there already.
func (m *metrics) register(reg prometheus.Registerer) error {
	if reg == nil {
		return nil
	}
	for _, c := range m.all() {
		if err := reg.Register(c); err != nil {
			return err // of another host without distinct labels, whose metrics must stay
		}
	}
	m.reg = reg
	return nil
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.gossip, m.published, m.streams, m.dropped, m.banned, m.peers}
}

func (m *metrics) unregister() {
	if m.reg == nil {
		return
	}
	for _, c := range m.all() {
		m.reg.Unregister(c)
	}
}
