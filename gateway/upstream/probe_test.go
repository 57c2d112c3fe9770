package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"funai/gateway"
	"funai/gateway/gatewaytest"
)

const all = gateway.CanChat | gateway.CanTools | gateway.CanSchema | gateway.CanTopP | gateway.CanPenalties | gateway.CanBias |
	gateway.CanRepeat | gateway.CanLogprobs | gateway.CanEmbed | gateway.CanDimensions

// server is before an engine that listens somewhere.
func server(t *testing.T, url string, may gateway.Ability) *Server {
	t.Helper()
	s, err := New(Config{Name: "a", BaseURL: url + "/v1", Models: []Served{{ID: "m", Can: may}}, ProbeTime: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// can is what a server is offered for; 0: it isn't.
func can(t *testing.T, s *Server) gateway.Ability {
	t.Helper()
	list, err := s.Offers(t.Context())
	if err != nil || len(list) > 1 {
		t.Fatal(list, err)
	}
	if len(list) == 0 {
		return 0
	}
	return list[0].Model.Can
}

// until waits for a condition, which must come.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("in vain waited for: " + what)
		}
	}
}

func TestAServerIsOfferedForWhatItShows(t *testing.T) {
	for name, c := range map[string]struct {
		engine    *gatewaytest.Engine
		may, want gateway.Ability
	}{
		"everything":                   {engine: &gatewaytest.Engine{}, want: all},
		"no more than may be":          {engine: &gatewaytest.Engine{}, may: gateway.CanChat | gateway.CanTools, want: gateway.CanChat | gateway.CanTools},
		"what the file says and isn't": {engine: &gatewaytest.Engine{Refuses: []string{"tools"}}, may: gateway.CanChat | gateway.CanTools, want: gateway.CanChat},
		"refuses tools":                {engine: &gatewaytest.Engine{Refuses: []string{"tools", "response_format"}}, want: all &^ (gateway.CanTools | gateway.CanSchema)},
		"ignores tools":                {engine: &gatewaytest.Engine{Ignores: []string{"tools", "response_format"}}, want: all &^ (gateway.CanTools | gateway.CanSchema)},
		"ignores ways to sample": {engine: &gatewaytest.Engine{Ignores: []string{"top_p", "frequency_penalty", "repetition_penalty", "logit_bias", "logprobs", "dimensions"}},
			want: gateway.CanChat | gateway.CanTools | gateway.CanSchema | gateway.CanEmbed},
		"always cold":                {engine: &gatewaytest.Engine{Ignores: []string{"temperature"}}, want: all &^ gateway.CanTopP},
		"only embeds":                {engine: &gatewaytest.Engine{Refuses: []string{"messages"}}, want: gateway.CanEmbed | gateway.CanDimensions},
		"only chats":                 {engine: &gatewaytest.Engine{Refuses: []string{"input"}}, want: all &^ (gateway.CanEmbed | gateway.CanDimensions)},
		"nothing of what is allowed": {engine: &gatewaytest.Engine{Refuses: []string{"input"}}, may: gateway.CanEmbed},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(c.engine)
			defer srv.Close()
			s := server(t, srv.URL, c.may)
			if got := can(t, s); got != 0 {
				t.Errorf("before anything was asked it can %s", got.Names())
			}
			if err := s.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := can(t, s); got != c.want {
				t.Errorf("%s, not %s", got.Names(), c.want.Names())
			}
		})
	}
}

// TestAServerThatWantsTheNewLimitGetsIt, as OpenAI's thinking models do, and its context is known.
func TestAServerThatWantsTheNewLimitGetsIt(t *testing.T) {
	var mu sync.Mutex
	var asked []map[string]any
	e := &gatewaytest.Engine{Refuses: []string{"max_tokens"}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/models") {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"data":[{"id":"m","max_model_len":4096}]}`)
			return
		}
		raw, err := io.ReadAll(r.Body)
		var q map[string]any
		if err != nil || json.Unmarshal(raw, &q) != nil {
			t.Errorf("%s, %v", raw, err)
		}
		mu.Lock()
		asked = append(asked, q)
		mu.Unlock()
		r.Body = io.NopCloser(strings.NewReader(string(raw)))
		e.ServeHTTP(w, r)
	}))
	defer srv.Close()
	s := server(t, srv.URL, gateway.CanChat)
	if err := s.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Offers(t.Context()); err != nil || len(list) != 1 || list[0].Model.Context != 4096 {
		t.Errorf("%+v, %v", list, err)
	}
	_, err := s.Ask(t.Context(), "a", gateway.Request{Model: "m", MaxTokens: 5, Messages: []gateway.Message{{Role: "user", Content: "hi"}}}, func(gateway.Start) {}, func(gateway.Delta) error { return nil })
	if last := asked[len(asked)-1]; err != nil || last["max_completion_tokens"] != 5.0 || last["max_tokens"] != nil {
		t.Errorf("%v, %v", last, err)
	}
}

func TestAServerThatFailsItsProbeIsNotOffered(t *testing.T) {
	for _, fault := range []string{gatewaytest.FailSilent, gatewaytest.Fail500, gatewaytest.FailHTML, gatewaytest.Fail429} {
		e := &gatewaytest.Engine{}
		e.Fail(fault)
		srv := httptest.NewServer(e)
		s := server(t, srv.URL, 0)
		if fault == gatewaytest.FailSilent {
			s.ProbeTime = 200 * time.Millisecond
		}
		if err := s.Probe(t.Context()); err == nil || can(t, s) != 0 {
			t.Errorf("%s: %v, offered for %s", fault, err, can(t, s).Names())
		}
		if !s.Knows("m") || s.Knows("n") {
			t.Errorf("%s: it is not known that m is served at times", fault)
		}
		srv.Close()
	}
}

// TestAServerThatHangsAtSomethingIsOfferedForTheRest: it holds up the probe for a share of its time only.
func TestAServerThatHangsAtSomethingIsOfferedForTheRest(t *testing.T) {
	e := &gatewaytest.Engine{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil || strings.Contains(string(raw), `"tools"`) {
			<-r.Context().Done()
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(raw)))
		e.ServeHTTP(w, r)
	}))
	defer srv.Close()
	s := server(t, srv.URL, 0)
	s.ProbeTime = 8 * time.Second
	if err := s.Probe(t.Context()); err != nil || can(t, s) != all&^gateway.CanTools {
		t.Errorf("%s, %v", can(t, s).Names(), err)
	}
}

// TestABusyServerKeepsWhatIsKnownOfIt: it is there, only has no room for a probe.
func TestABusyServerKeepsWhatIsKnownOfIt(t *testing.T) {
	e := &gatewaytest.Engine{}
	srv := httptest.NewServer(e)
	defer srv.Close()
	s := server(t, srv.URL, 0)
	if err := s.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.Fail(gatewaytest.Fail429)
	if err := s.Probe(t.Context()); err == nil || can(t, s) != all {
		t.Errorf("%s, %v", can(t, s).Names(), err)
	}
	e.Fail(gatewaytest.Fail500)
	if err := s.Probe(t.Context()); err == nil || can(t, s) != 0 {
		t.Errorf("a server that fails is offered for %s, %v", can(t, s).Names(), err)
	}
}

// listen serves an engine at an address that was free a moment ago.
func listen(t *testing.T, addr string, e *gatewaytest.Engine) *http.Server {
	t.Helper()
	var l net.Listener
	until(t, addr+" to be free", func() (ok bool) {
		var err error
		l, err = net.Listen("tcp", addr)
		return err == nil
	})
	srv := &http.Server{Handler: e}
	go srv.Serve(l) // until it is closed
	t.Cleanup(func() { srv.Close() })
	return srv
}

// TestAServerIsProbedWhenItComesUpAndWhenItComesBack: first nobody listens, then an engine, then nobody, then a lesser one.
func TestAServerIsProbedWhenItComesUpAndWhenItComesBack(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := server(t, "http://"+addr, 0)
	s.rest = time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	var ran sync.WaitGroup
	ran.Go(func() { s.Run(ctx) })
	defer ran.Wait()
	defer stop()
	if err := s.Probe(ctx); err == nil || can(t, s) != 0 {
		t.Fatalf("nobody listens, and it is offered for %s: %v", can(t, s).Names(), err)
	}
	srv := listen(t, addr, &gatewaytest.Engine{})
	until(t, "the server to be offered", func() bool { return can(t, s) == all })
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	ask := func() error {
		_, err := s.Ask(ctx, "a", gateway.Request{Model: "m", Messages: []gateway.Message{{Role: "user", Content: "hi"}}}, func(gateway.Start) {}, func(gateway.Delta) error { return nil })
		return err
	}
	if err := ask(); !errors.Is(err, gateway.ErrUpstream) {
		t.Fatalf("a closed server: %v", err)
	}
	until(t, "the server not to be offered", func() bool { return can(t, s) == 0 })
	listen(t, addr, &gatewaytest.Engine{Ignores: []string{"tools"}})
	until(t, "the server to be offered for what it can now", func() bool { return can(t, s) == all&^gateway.CanTools })
	if err := ask(); err != nil {
		t.Error(err)
	}
}

// TestAServerIsProbedAgainAfterAWhile: who is refused for what a server could not do is no failed question.
func TestAServerIsProbedAgainAfterAWhile(t *testing.T) {
	var now atomic.Pointer[gatewaytest.Engine]
	now.Store(&gatewaytest.Engine{Refuses: []string{"tools"}})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { now.Load().ServeHTTP(w, r) }))
	defer srv.Close()
	s := server(t, srv.URL, 0)
	s.again = time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	var ran sync.WaitGroup
	ran.Go(func() { s.Run(ctx) })
	defer ran.Wait()
	defer stop()
	until(t, "the server to be offered", func() bool { return can(t, s) == all&^gateway.CanTools })
	now.Store(&gatewaytest.Engine{})
	until(t, "the server to be offered for tools", func() bool { return can(t, s) == all })
}

// slowly answers with two pieces.
type slowly struct{}

func (slowly) RoundTrip(*http.Request) (*http.Response, error) {
	body := strings.Repeat(`data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}`+"\n\n", 2) + "data: [DONE]\n\n"
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// TestASlowClientIsNotAnIdleServer: what a client takes its time for is not held against the server.
func TestASlowClientIsNotAnIdleServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := server(t, "http://localhost", 0)
		s.http = &http.Client{Transport: slowly{}}
		a, err := s.Ask(t.Context(), "a", gateway.Request{Model: "m", Messages: []gateway.Message{{Role: "user"}}}, func(gateway.Start) {},
			func(gateway.Delta) error { time.Sleep(2 * s.Idle); return nil })
		if err != nil || a.CompletionTokens != 2 {
			t.Errorf("%+v, %v", a, err)
		}
	})
}
