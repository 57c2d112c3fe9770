package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/openai/openai-go/v3/option"

	"funai/amount"
	"funai/gateway"
	"funai/gateway/account"
	"funai/gateway/account/embedded"
	"funai/gateway/gatewaytest"
	"funai/gateway/route"
	"funai/gateway/upstream"
)

// loaded is a gateway before one engine whose connections are counted.
type loaded struct {
	url   string
	conns atomic.Int64 // open ones, of clients
	up    *upstream.Server
}

func load(t *testing.T, e *gatewaytest.Engine, change ...func(*gateway.Config)) *loaded {
	t.Helper()
	engine := httptest.NewServer(e)
	t.Cleanup(engine.Close)
	l := &loaded{}
	var err error
	if l.up, err = upstream.New(upstream.Config{Name: "a", BaseURL: engine.URL + "/v1", Models: []upstream.Served{{ID: "tiny", Context: 1 << 20, MaxTokens: 1 << 17, PriceIn: 1, PriceOut: 2, Can: gateway.CanChat}}}); err != nil {
		t.Fatal(err)
	}
	if err := l.up.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := gateway.Config{Backend: route.New(route.Config{Sources: []route.Source{l.up}})}
	for _, f := range change {
		f(&c)
	}
	g, err := gateway.New(c)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(g)
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			l.conns.Add(1)
		case http.StateClosed:
			l.conns.Add(-1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	l.url = srv.URL
	return l
}

// settled waits until nothing is left of what clients did: no connection, no question, and no goroutine more than before.
func (l *loaded) settled(t *testing.T, e *gatewaytest.Engine, goroutines int) {
	t.Helper()
	until(t, "connections to be closed", func() bool { return l.conns.Load() == 0 })
	until(t, "the engine to be left alone", func() bool { return e.UnderWay() == 0 })
	now := 0
	defer func() {
		if t.Failed() {
			t.Logf("%d goroutines, %d before", now, goroutines)
		}
	}()
	until(t, "goroutines to end", func() bool {
		l.up.Close() // idle connections to the engine, which are kept for a minute
		now = runtime.NumGoroutine()
		return now <= goroutines
	})
}

// quiet is the number of goroutines when nothing is asked.
func (l *loaded) quiet(t *testing.T, e *gatewaytest.Engine) int {
	t.Helper()
	l.settled(t, e, runtime.NumGoroutine()) // what the probe left is gone
	return runtime.NumGoroutine()
}

// TestManyClientsOverOneSlotAreTurnedAwayNotLost: as many as may wait are answered, one after the other; the rest learn at once
// when to come back.
func TestManyClientsOverOneSlotAreTurnedAwayNotLost(t *testing.T) {
	const clients, waiting = 256, 16
	s := pebbleStore(t)
	keys, id, secret := keyed(t, s, account.Limits{Budget: amount.FAI})
	e := &gatewaytest.Engine{Words: 10, Pace: time.Millisecond}
	l := load(t, e, keys, func(c *gateway.Config) { c.MaxRequests, c.MaxQueue, c.QueueWait = 1, waiting, time.Minute })
	before := l.quiet(t, e)
	e.Forget()
	var ok, busy atomic.Int64
	var all sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	for i := range clients {
		all.Go(func() {
			body := fmt.Sprintf(`%s,"stream":%v}`, hi[:len(hi)-1], i%2 == 0)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.url+"/v1/chat/completions", strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+secret)
			res, err := client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			raw, err := io.ReadAll(res.Body)
			switch {
			case err == nil && res.StatusCode == 200 && strings.Contains(string(raw), "word9"):
				ok.Add(1)
			case err == nil && res.StatusCode == 429 && res.Header.Get("Retry-After") != "" && strings.Contains(string(raw), `"code":"rate_limit_exceeded"`):
				busy.Add(1)
			default:
				t.Errorf("%d %s, %v", res.StatusCode, raw, err)
			}
		})
	}
	all.Wait()
	client.CloseIdleConnections()
	if ok.Load() < 1+waiting || ok.Load()+busy.Load() != clients || e.Most() > 2 || // the one that just ended may still be on its last line
		int64(e.Asked()) != ok.Load() {
		t.Errorf("%d answered and %d turned away of %d; the engine was asked %d times, %d at once", ok.Load(), busy.Load(), clients, e.Asked(), e.Most())
	}
	l.settled(t, e, before)
	if k, err := s.Get(t.Context(), id); err != nil || k.Holds != 0 || k.Held != 0 || int64(k.Spent) != ok.Load()*(7+2*10) {
		t.Errorf("%+v, %v", k, err)
	}
}

// stream opens a connection by hand and asks for a stream.
func (l *loaded) stream(t *testing.T, secret string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	body := `{"model":"tiny","messages":[{"role":"user","content":"hi"}],"stream":true}`
	if _, err := fmt.Fprintf(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", secret, len(body), body); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestClientsThatVanishLeaveNothing: no question at the engine, no connection, no goroutine, nothing of a key's budget held.
func TestClientsThatVanishLeaveNothing(t *testing.T) {
	const clients = 64
	s := pebbleStore(t)
	keys, id, secret := keyed(t, s, account.Limits{Budget: 100 * amount.FAI})
	e := &gatewaytest.Engine{Words: 1 << 14, Pace: time.Millisecond}
	l := load(t, e, keys)
	before := l.quiet(t, e)
	for i := range clients {
		c := l.stream(t, secret)
		if i%2 == 0 { // some go before anything came, some in the middle
			if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
				t.Errorf("%q, %v", line, err)
			}
		}
		if i%4 == 0 { // rudely
			if err := c.(*net.TCPConn).SetLinger(0); err != nil {
				t.Error(err)
			}
		}
		c.Close()
	}
	l.settled(t, e, before)
	until(t, "questions to be settled", func() bool {
		k, err := s.Get(t.Context(), id)
		return err == nil && k.Holds == 0 && k.Held == 0 && k.Spent < 100*amount.FAI
	})
	if status, _, body := ask(t, l.url, secret, hi); status != 200 {
		t.Errorf("afterwards: %d %s", status, body)
	}
}

// TestStalledReadersAreCutOffAndOthersServed: they lose their places, and meanwhile another client is answered.
func TestStalledReadersAreCutOffAndOthersServed(t *testing.T) {
	const readers = 16
	e := &gatewaytest.Engine{Words: 1 << 16}
	l := load(t, e, func(c *gateway.Config) { c.MaxRequests, c.WriteTimeout = readers+1, 500*time.Millisecond })
	before := l.quiet(t, e)
	conns := make([]net.Conn, readers)
	for i := range conns {
		conns[i] = l.stream(t, "")
	}
	until(t, "all to be under way", func() bool { return e.Asked() >= readers })
	if status, _, body := ask(t, l.url, "", hi); status != 200 {
		t.Errorf("beside stalled readers: %d %s", status, body)
	}
	until(t, "the engine to be left alone", func() bool { return e.UnderWay() == 0 })
	for _, c := range conns {
		c.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	l.settled(t, e, before)
}

// TestAFullDiskOfAccountsIsAClearError: who has a key is told so and charged nothing; who needs none is answered.
func TestAFullDiskOfAccountsIsAClearError(t *testing.T) {
	var full atomic.Bool
	mem := vfs.NewMem()
	s, err := embedded.Open("keys", embedded.Options{FS: errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return syscall.ENOSPC
		}
		return nil
	}))})
	if err != nil {
		t.Fatal(err)
	}
	keys, id, secret := keyed(t, s, account.Limits{Budget: amount.FAI})
	e := &gatewaytest.Engine{Words: 10, Pace: 10 * time.Millisecond}
	_, url := behind(t, e, keys)
	if status, _, body := ask(t, url, secret, hi); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	// It fills up in the middle of an answer: the client has its answer, and no more than that is lost.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := sdk(url, option.WithAPIKey(secret))
	st := client.Chat.Completions.NewStreaming(ctx, hello("tiny"))
	if !st.Next() {
		t.Fatal(st.Err())
	}
	full.Store(true)
	last := ""
	for st.Next() {
		if c := st.Current().Choices; len(c) > 0 && c[0].FinishReason != "" {
			last = c[0].FinishReason
		}
	}
	if st.Err() != nil || last != "stop" {
		t.Errorf("the answer under way ended with %q, %v", last, st.Err())
	}
	asked := e.Asked()
	for range 3 {
		status, h, body := ask(t, url, secret, hi)
		if status != 503 || h.Get("Retry-After") == "" || !strings.Contains(body, `"code":"accounts_unavailable"`) {
			t.Errorf("%d %s", status, body)
		}
	}
	if e.Asked() != asked {
		t.Error("the engine was asked although nobody would have paid")
	}
	if status, _, body := ask(t, url, "cookie", hi); status != 200 {
		t.Errorf("the owner, who needs no key: %d %s", status, body)
	}
	full.Store(false)
	_ = s.Close() // whatever it says, it lets go
	again, err := embedded.Open("keys", embedded.Options{FS: mem})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if k, err := again.Get(t.Context(), id); err != nil || k.Spent != 7+2*10 || k.Holds != 1 || k.Held == 0 { // the hold lapses within the hour
		t.Errorf("%+v, %v", k, err)
	}
}
