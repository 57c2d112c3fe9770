package gateway

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts questions; its zero value counts nothing.
type metrics struct {
	requests *prometheus.CounterVec
	tokens   prometheus.Counter
	first    prometheus.Histogram
}

func newMetrics(r prometheus.Registerer, q *queue) (m metrics) {
	if r == nil {
		return m
	}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "funai_gateway_questions_total", Help: "Questions by HTTP status; 499 is a client that went.",
	}, []string{"status"})
	m.tokens = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "funai_gateway_answer_tokens_total", Help: "Tokens of finished answers.",
	})
	m.first = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "funai_gateway_first_token_seconds", Help: "Time from the request to the first piece of its answer.",
		Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
	})
	under := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "funai_gateway_questions", Help: "Questions under way.",
	}, func() float64 { return float64(len(q.slots)) })
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "funai_gateway_queue", Help: "Questions waiting for a place.",
	}, func() float64 { return float64(q.waiting.Load()) })
	r.MustRegister(m.requests, m.tokens, m.first, under, waiting)
	return m
}

func (m metrics) done(status, tokens int) {
	if m.requests != nil {
		m.requests.WithLabelValues(strconv.Itoa(status)).Inc()
		m.tokens.Add(float64(tokens))
	}
}

func (m metrics) firstToken(d time.Duration) {
	if m.first != nil {
		m.first.Observe(d.Seconds())
	}
}
