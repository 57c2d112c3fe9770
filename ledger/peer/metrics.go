package peer

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the server's numbers for Prometheus, taken when they are asked for.
type metrics struct {
	s *Server

	peers, bytes, banned, discouraged, known, requests, misbehaviour *prometheus.Desc
}

func newMetrics(s *Server) *metrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("funai_ledger_"+name, help, labels, nil)
	}
	return &metrics{
		s:            s,
		peers:        desc("peers", "Connections of the ledger whose handshake is done.", "type"),
		bytes:        desc("peer_bytes_total", "Bytes over connections of the ledger.", "direction"),
		banned:       desc("peer_banned_subnets", "Subnets that the operator has banned."),
		discouraged:  desc("peer_discouraged_hosts", "Hosts that have misbehaved and are kept away for a while."),
		known:        desc("peer_known_addresses", "Addresses of nodes that have been heard of."),
		requests:     desc("peer_requests", "Things asked of peers that have not come yet.", "kind"),
		misbehaviour: desc("peer_dropped_total", "Connections ended because of what the peer did.", "reason"),
	}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.peers, m.bytes, m.banned, m.discouraged, m.known, m.requests, m.misbehaviour} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	s := m.s
	s.mu.Lock()
	var kinds [fetch + 1]int
	for r := range s.peers {
		if r.ready {
			kinds[r.kind]++
		}
	}
	blocks, txs := len(s.blocks), len(s.txs)
	s.mu.Unlock()
	for k, n := range kinds {
		gauge(m.peers, n, kind(k).String())
	}
	counter(m.bytes, s.total.in.Load(), "in")
	counter(m.bytes, s.total.out.Load(), "out")
	gauge(m.banned, len(s.bans.list()))
	gauge(m.discouraged, s.bans.bad.Len())
	gauge(m.known, s.book.Len())
	gauge(m.requests, blocks, "block")
	gauge(m.requests, txs, "transaction")
	counter(m.misbehaviour, s.punished.Load(), "misbehaviour")
	counter(m.misbehaviour, s.slow.Load(), "stalling")
}
