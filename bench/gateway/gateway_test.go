package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"funai/amount"
	"funai/gateway"
	"funai/gateway/account"
	"funai/gateway/account/embedded"
	"funai/gateway/gatewaytest"
	"funai/gateway/route"
	"funai/gateway/upstream"
)

const (
	asks    = 300 // for each latency, after a warm-up
	warm    = 30
	clients = 256
	rounds  = 2                     // answers to each client
	words   = 64                    // of each of those
	pace    = 20 * time.Millisecond // of the engine for each: 50 tokens a second, as one of many in a batch
)

// side is one way to the engine.
type side struct {
	name string
	url  string
	key  string
	http *http.Client
}

// sides are the ways to an engine.
func sides(b testing.TB, e *gatewaytest.Engine) []side {
	b.Helper()
	engine := serve(b, e)
	to, err := url.Parse(engine)
	if err != nil {
		b.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, FlushInterval: -1,
		Transport: &http.Transport{MaxIdleConnsPerHost: clients, MaxIdleConns: clients}}
	keys, secret := store(b)
	out := []side{
		{name: "engine alone", url: engine},
		{name: "Go's reverse proxy", url: serve(b, proxy)},
		{name: "gateway", url: serve(b, gate(b, engine, nil))},
		{name: "gateway, with API keys", url: serve(b, gate(b, engine, keys)), key: secret},
	}
	for i := range out {
		out[i].http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients, MaxIdleConns: clients}}
	}
	return out
}

func serve(b testing.TB, h http.Handler) string {
	srv := httptest.NewServer(h)
	b.Cleanup(srv.Close)
	return srv.URL
}

func gate(b testing.TB, engine string, keys account.Store) http.Handler {
	u, err := upstream.New(upstream.Config{Name: "engine", BaseURL: engine + "/v1", Models: []upstream.Served{{ID: "m", PriceIn: 1, PriceOut: 1, Can: gateway.CanChat}}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(u.Close)
	if err := u.Probe(b.Context()); err != nil {
		b.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{Backend: route.New(route.Config{Sources: []route.Source{u}}), MaxRequests: clients, Accounts: keys})
	if err != nil {
		b.Fatal(err)
	}
	return g
}

func store(b testing.TB) (account.Store, string) {
	s, err := embedded.Open(b.TempDir(), embedded.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	k, err := account.NewKey("bench", account.Limits{Budget: amount.Max}, time.Now(), time.Time{})
	if err != nil {
		b.Fatal(err)
	}
	secret, hash := account.NewSecret()
	if err := s.Create(b.Context(), k, hash); err != nil {
		b.Fatal(err)
	}
	return s, secret
}

const question = `{"model":"m","messages":[{"role":"user","content":"What is the capital of France?"}],"max_tokens":256,"stream":true}`

// ask streams one answer, and returns when its first piece came and when its end.
func (s side) ask(ctx context.Context) (first, end time.Duration, err error) {
	begun := time.Now()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/chat/completions", strings.NewReader(question))
	if err != nil {
		return 0, 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	if s.key != "" {
		r.Header.Set("Authorization", "Bearer "+s.key)
	}
	res, err := s.http.Do(r)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		raw, err := io.ReadAll(res.Body)
		return 0, 0, fmt.Errorf("%s: %d %s %w", s.name, res.StatusCode, raw, err)
	}
	lines, done := bufio.NewScanner(res.Body), false
	for lines.Scan() {
		switch text := lines.Text(); {
		case first == 0 && strings.Contains(text, "word0"):
			first = time.Since(begun)
		case text == "data: [DONE]":
			done = true
		}
	}
	if !done {
		return 0, 0, fmt.Errorf("%s: the stream broke off: %w", s.name, lines.Err())
	}
	return first, time.Since(begun), nil
}

func middle(d []time.Duration, share float64) time.Duration {
	slices.Sort(d)
	return d[min(int(float64(len(d))*share), len(d)-1)]
}

func TestEveryWayAnswers(t *testing.T) {
	for _, s := range sides(t, &gatewaytest.Engine{}) {
		if first, end, err := s.ask(t.Context()); err != nil || first == 0 || end < first {
			t.Errorf("%s: first token after %v, end after %v: %v", s.name, first, end, err)
		}
	}
}

// BenchmarkGateway prints the table.
func BenchmarkGateway(b *testing.B) {
	quick := sides(b, &gatewaytest.Engine{Words: 1})
	paced := sides(b, &gatewaytest.Engine{Words: words, Pace: pace})
	var table strings.Builder
	for b.Loop() {
		table.Reset()
		t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "\tfirst token p50\tadded p50\tp99\tanswers/s at 256\ttokens/s\tof the engine alone\t")
		latencies := latency(b, quick)
		var alone float64
		for i, s := range paced {
			rate := throughput(b, s)
			if i == 0 {
				alone = rate
			}
			p50 := middle(latencies[i], 0.5)
			fmt.Fprintf(t, "%s\t%v\t%v\t%v\t%.1f\t%.0f\t%.1f %%\t\n", s.name, p50.Round(time.Microsecond), (p50 - middle(latencies[0], 0.5)).Round(time.Microsecond),
				middle(latencies[i], 0.99).Round(time.Microsecond), rate, rate*words, 100*rate/alone)
			if i == 2 {
				b.ReportMetric(float64((p50 - middle(latencies[0], 0.5)).Microseconds()), "added-µs")
				b.ReportMetric(100*rate/alone, "%-of-engine")
			}
		}
		if err := t.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	fmt.Printf("\n%s\n", table.String())
}

// latency asks each side in turn, so that what else the machine does meets all alike.
func latency(b *testing.B, sides []side) [][]time.Duration {
	out := make([][]time.Duration, len(sides))
	for n := range asks + warm {
		for i, s := range sides {
			first, _, err := s.ask(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			if n >= warm {
				out[i] = append(out[i], first)
			}
		}
	}
	return out
}

// throughput is how many answers a second all clients get together.
func throughput(b *testing.B, s side) float64 {
	var wg sync.WaitGroup
	round := func() {
		for range clients {
			wg.Go(func() {
				if _, _, err := s.ask(b.Context()); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	}
	round() // connections
	begun := time.Now()
	for range rounds {
		round()
	}
	return float64(rounds*clients) / time.Since(begun).Seconds()
}
