package gateway

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const benchTokens = 200

// BenchmarkStream streams 200 tokens through the gateway and prints how it compares with a bare handler that writes the
// same events: the ratio of their times, and what the gateway adds to one whole answer.
func BenchmarkStream(b *testing.B) {
	words := make([]string, benchTokens)
	for i := range words {
		words[i] = fmt.Sprintf("word%d ", i)
	}
	body := question[:len(question)-1] + `,"stream":true}`
	through := serve(b, Config{Backend: says(words...)})
	events := strings.SplitAfter(fetch(b, through, body), "\n\n")
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		rc := http.NewResponseController(w)
		for _, e := range events {
			io.WriteString(w, e)
			rc.Flush()
		}
	}))
	defer bare.Close()
	b.ReportAllocs()
	var ours, theirs time.Duration
	for b.Loop() {
		t := time.Now()
		fetch(b, through, body)
		mid := time.Now()
		fetch(b, bare, body)
		ours, theirs = ours+mid.Sub(t), theirs+time.Since(mid)
	}
	b.ReportMetric(float64(ours)/float64(theirs), "x-bare")
	b.ReportMetric(float64((ours-theirs).Microseconds())/float64(b.N), "added-µs/answer")
}

// BenchmarkStreamAtOnce does the same with 256 clients at once.
func BenchmarkStreamAtOnce(b *testing.B) {
	const clients = 256
	body := question[:len(question)-1] + `,"stream":true}`
	words := strings.SplitAfter(strings.Repeat("token ", benchTokens), " ")
	through := serve(b, Config{Backend: says(words...), MaxRequests: clients})
	events := strings.SplitAfter(fetch(b, through, body), "\n\n")
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		rc := http.NewResponseController(w)
		for _, e := range events {
			io.WriteString(w, e)
			rc.Flush()
		}
	}))
	defer bare.Close()
	for _, srv := range []*httptest.Server{through, bare} {
		srv.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = clients
	}
	round := func(srv *httptest.Server) time.Duration {
		t, done := time.Now(), make(chan struct{}, clients)
		for range clients {
			go func() { fetch(b, srv, body); done <- struct{}{} }()
		}
		for range clients {
			<-done
		}
		return time.Since(t)
	}
	round(through) // connections
	round(bare)
	var ours, theirs time.Duration
	for b.Loop() {
		ours += round(through)
		theirs += round(bare)
	}
	b.ReportMetric(float64(theirs)/float64(ours), "throughput-of-bare")
}

// BenchmarkChunk is one token through the stream writer alone.
func BenchmarkChunk(b *testing.B) {
	w := discard{http.Header{}}
	rs := &response{g: &Gateway{writeTimeout: time.Minute}, w: w, rc: http.NewResponseController(w), chat: &chat{n: 1}}
	s := &streamed{events: events{response: rs}}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.delta(0, Delta{Text: "word "}); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
func (d discard) Flush()                      {}

func fetch(b *testing.B, srv *httptest.Server, body string) string {
	res, err := srv.Client().Post(srv.URL+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return ""
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil || !bytes.HasSuffix(all, []byte("[DONE]\n\n")) {
		b.Errorf("stream ends with %.80q, %v", all[max(0, len(all)-80):], err)
	}
	return string(all)
}
