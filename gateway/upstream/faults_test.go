package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"funai/gateway"
	"funai/gateway/gatewaytest"
)

// quick is a question whose answer nobody reads.
func quick(t *testing.T, s *Server, r gateway.Request, emit func(gateway.Delta) error) (gateway.Answer, error) {
	t.Helper()
	r.Model = "m"
	if r.Messages == nil {
		r.Messages = []gateway.Message{{Role: "user", Content: "hi"}}
	}
	if emit == nil {
		emit = func(gateway.Delta) error { return nil }
	}
	return s.Ask(t.Context(), "a", r, func(gateway.Start) {}, emit)
}

// TestErrorsTellNeitherAddressNorKey: they go to clients, who are to know the server by its name only.
func TestErrorsTellNeitherAddressNorKey(t *testing.T) {
	abort := func(before string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, before)
			_ = http.NewResponseController(w).Flush()
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			c.Close()
		}
	}
	says := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			fmt.Fprintf(w, body, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"nobody listens": nil,
		"breaks off":     abort("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"),
		"half a vector":  abort(`{"data":[{"index":0,"embed`),
		"other key":      says(401, `{"error":{"message":"Incorrect API key provided: %s"}}`),
		"forbidden":      says(403, `no models for %s`),
		"tells the key":  says(500, `{"error":{"message":"failed for %s"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(h)
			defer srv.Close()
			if h == nil {
				srv.Close()
			}
			s, err := New(Config{Name: "a", BaseURL: srv.URL + "/v1", Key: "sk-very-secret", Models: []Served{{ID: "m"}}})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			_, chat := quick(t, s, gateway.Request{}, nil)
			_, embed := s.Embed(t.Context(), "a", gateway.EmbedRequest{Model: "m", Input: []string{"x"}})
			for _, err := range []error{chat, embed} {
				if !errors.Is(err, gateway.ErrUpstream) || strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), s.Key) {
					t.Errorf("%v", err)
				}
			}
		})
	}
}

// TestAPromptIsPaidForThoughItsAnswerIsLeft: or whoever leaves at the last piece would have it read for nothing.
func TestAPromptIsPaidForThoughItsAnswerIsLeft(t *testing.T) {
	srv := httptest.NewServer(&gatewaytest.Engine{})
	defer srv.Close()
	s, err := New(Config{Name: "a", BaseURL: srv.URL + "/v1", Models: []Served{{ID: "m", PriceIn: 1, PriceOut: 10}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	gone := errors.New("gone")
	long := []gateway.Message{{Role: "user", Content: strings.Repeat("word", 100)}}
	for _, leaves := range []error{gone, gateway.ErrStop} {
		a, err := quick(t, s, gateway.Request{Messages: long}, func(gateway.Delta) error { return leaves })
		if leaves == gone && !errors.Is(err, gone) || leaves == gateway.ErrStop && err != nil || a.PromptTokens != 100 || a.Fee != 100+10 {
			t.Errorf("%+v, %v", a, err)
		}
	}
	if a, err := quick(t, s, gateway.Request{Messages: long}, nil); err != nil || a.PromptTokens != 7 { // what the server says
		t.Errorf("%+v, %v", a, err)
	}
}

// TestATextIsContinuedByChatWhereNothingElseIsThere: many servers have no /completions.
func TestATextIsContinuedByChatWhereNothingElseIsThere(t *testing.T) {
	for _, there := range []bool{true, false} {
		e := &gatewaytest.Engine{}
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/completions" && !there {
				http.NotFound(w, r)
				return
			}
			e.ServeHTTP(w, r)
		}))
		s := server(t, srv.URL, gateway.CanChat)
		if err := s.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		a, err := quick(t, s, gateway.Request{Raw: true}, nil)
		if err != nil || a.Templated == there || a.CompletionTokens != 5 {
			t.Errorf("/completions there %v: %+v, %v", there, a, err)
		}
		srv.Close()
	}
}

// TestAServerThatCannotStreamIsNotOffered: every question is asked in a stream.
func TestAServerThatCannotStreamIsNotOffered(t *testing.T) {
	e := &gatewaytest.Engine{Refuses: []string{"stream_options"}}
	srv := httptest.NewServer(e)
	defer srv.Close()
	for _, may := range []gateway.Ability{0, gateway.CanChat} {
		s := server(t, srv.URL, may)
		if err := s.Probe(t.Context()); err == nil || can(t, s)&gateway.CanChat != 0 {
			t.Errorf("may %s: it is offered for %s, %v", may.Names(), can(t, s).Names(), err)
		}
	}
}

// TestAnAnswerWithoutEndIsCutInAProbe: a server that doesn't keep to a length fills nobody's memory.
func TestAnAnswerWithoutEndIsCutInAProbe(t *testing.T) {
	e := &gatewaytest.Engine{}
	var most atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "" { // of the client that opens it; ours asks the rest
			e.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		piece := `data: {"choices":[{"index":0,"delta":{"content":"` + strings.Repeat("a", 1<<16) + `"}}]}` + "\n\n"
		sent := int64(0)
		for r.Context().Err() == nil {
			n, err := fmt.Fprint(w, piece)
			if err != nil {
				break
			}
			sent += int64(n)
		}
		for {
			m := most.Load()
			if sent <= m || most.CompareAndSwap(m, sent) {
				return
			}
		}
	}))
	defer srv.Close()
	s := server(t, srv.URL, gateway.CanChat|gateway.CanTopP)
	s.ProbeTime = 4 * time.Second
	_ = s.Probe(t.Context()) // whatever it finds
	srv.CloseClientConnections()
	if most.Load() > 32<<20 {
		t.Errorf("%d bytes were taken", most.Load())
	}
}

// TestAFeeIsNoMoreThanWasSaid: a server that counts tokens as it likes gets what its answer could cost at most.
func TestAFeeIsNoMoreThanWasSaid(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/embeddings") {
			fmt.Fprint(w, `{"data":[{"index":0,"embedding":[1]}],"usage":{"prompt_tokens":1000000}}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, `data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000000,"completion_tokens":1000000}}`+"\n\ndata: [DONE]\n\n")
	}))
	defer srv.Close()
	s, err := New(Config{Name: "a", BaseURL: srv.URL + "/v1", Models: []Served{{ID: "m", Context: 100, PriceIn: 1, PriceOut: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if a, err := quick(t, s, gateway.Request{MaxTokens: 10}, nil); err != nil || a.Fee != 100+2*10 {
		t.Errorf("%+v, %v", a, err)
	}
	if e, err := s.Embed(t.Context(), "a", gateway.EmbedRequest{Model: "m", Input: []string{"text"}}); err != nil || e.Fee != 4 {
		t.Errorf("%+v, %v", e, err)
	}
}
