package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// buffered is how many events wait for one listener; the one after drops it.
const buffered = 256

// hub hands events to listeners as server-sent events (WHATWG HTML, section 9.2).
type hub struct {
	max       int
	timeout   time.Duration
	heartbeat time.Duration
	log       *slog.Logger
	done      chan struct{}  // closed by close
	handlers  sync.WaitGroup // streams under way; added to under mu, only while open

	mu        sync.Mutex
	seq       uint64
	listeners map[*listener]struct{}
	closed    bool

	gauge   prometheus.Gauge
	dropped prometheus.Counter
}

// listener is one stream. events is closed by whoever removes it from the hub.
type listener struct{ events chan []byte }

func newHub(c Config) *hub {
	h := &hub{max: c.MaxClients, timeout: c.WriteTimeout, heartbeat: c.Heartbeat, log: c.Logger,
		done: make(chan struct{}), listeners: map[*listener]struct{}{}}
	h.gauge = prometheus.NewGauge(prometheus.GaugeOpts{Name: "funai_api_listeners", Help: "Open event streams."})
	h.dropped = prometheus.NewCounter(prometheus.CounterOpts{Name: "funai_api_listeners_dropped_total", Help: "Event streams dropped because the client was too slow."})
	if c.Registerer != nil {
		c.Registerer.MustRegister(h.gauge, h.dropped)
	}
	return h
}

func (h *hub) publish(e Event) {
	data, err := json.Marshal(e.Data)
	if err != nil {
		h.log.Error("event cannot be encoded", "kind", e.Kind, "err", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	frame := fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", h.seq, e.Kind, data)
	for l := range h.listeners {
		select {
		case l.events <- frame:
		default:
			h.dropped.Inc()
			h.remove(l)
		}
	}
}

// remove needs mu.
func (h *hub) remove(l *listener) {
	if _, ok := h.listeners[l]; ok {
		delete(h.listeners, l)
		close(l.events)
		h.gauge.Dec()
	}
}

func (h *hub) add() (*listener, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.listeners) >= h.max {
		return nil, false
	}
	l := &listener{events: make(chan []byte, buffered)}
	h.listeners[l] = struct{}{}
	h.handlers.Add(1)
	h.gauge.Inc()
	return l, true
}

func (h *hub) close() {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		close(h.done)
	}
	h.mu.Unlock()
	h.handlers.Wait()
}

// run is the stream of a listener that add returned. Events missed while away are not repeated: a client reads the lists
// again when it connects.
func (h *hub) run(w http.ResponseWriter, r *http.Request, l *listener) {
	defer h.handlers.Done()
	defer func() {
		h.mu.Lock()
		h.remove(l)
		h.mu.Unlock()
	}()
	head := w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no") // or nginx in front would hold events back
	s := stream{w: w, rc: http.NewResponseController(w), timeout: h.timeout}
	if s.send([]byte("retry: 1000\n\n")) == nil {
		h.pump(r.Context(), l, s)
	}
}

// pump writes events until the client goes, is dropped, or the hub closes.
func (h *hub) pump(ctx context.Context, l *listener, s stream) {
	beat := time.NewTicker(h.heartbeat)
	defer beat.Stop()
	for {
		var frame []byte
		select {
		case <-ctx.Done():
			return
		case <-h.done:
			return
		case <-beat.C:
			frame = []byte(": alive\n\n")
		case f, ok := <-l.events:
			if !ok {
				return
			}
			frame = f
		}
		if err := s.send(frame); err != nil {
			h.log.Debug("listener is gone", "err", err)
			return
		}
	}
}

// stream writes with a deadline for each write.
type stream struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	timeout time.Duration
}

func (s stream) send(b []byte) error {
	s.rc.SetWriteDeadline(time.Now().Add(s.timeout)) // a recorder in a test has none
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.rc.Flush()
}
