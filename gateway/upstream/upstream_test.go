package upstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"funai/gateway"
)

func TestConfigurationsThatCannotBeMeantAreRefused(t *testing.T) {
	models := []Served{{ID: "m"}}
	for name, c := range map[string]Config{
		"no URL":   {Name: "a", Models: models},
		"no host":  {Name: "a", BaseURL: "http:///v1", Models: models},
		"a file":   {Name: "a", BaseURL: "file:///etc", Models: models},
		"secrets":  {Name: "a", BaseURL: "http://user:pass@host/v1", Models: models},
		"no name":  {BaseURL: "http://host/v1", Models: models},
		"nothing":  {Name: "a", BaseURL: "http://host/v1"},
		"nameless": {Name: "a", BaseURL: "http://host/v1", Models: []Served{{}}},
		"twice":    {Name: "a", BaseURL: "http://host/v1", Models: []Served{{ID: "m"}, {ID: "m", There: "n"}}},
	} {
		if _, err := New(c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorsOfServersHaveTheirMeaning(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   error
	}{
		{400, `{"error":{"message":"bad"}}`, gateway.ErrRequest},
		{422, `{"detail":"bad"}`, gateway.ErrRequest},
		{400, `{"error":{"message":"too long","code":"context_length_exceeded"}}`, gateway.ErrTooLong},
		{400, `{"object":"error","message":"This model's maximum context length is 10"}`, gateway.ErrTooLong},
		{401, `{"error":"who are you"}`, gateway.ErrUpstream},
		{404, `not here`, gateway.ErrUpstream},
		{413, ``, gateway.ErrTooLong},
		{429, ``, gateway.ErrBusy},
		{500, `<html>`, gateway.ErrUpstream},
		{503, `{"error":{"message":"loading"}}`, gateway.ErrBusy},
		{302, ``, gateway.ErrUpstream},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(c.status)
			w.Write([]byte(c.body))
		}))
		s, err := New(Config{Name: "a", BaseURL: srv.URL, Models: []Served{{ID: "m"}}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Ask(t.Context(), "a", gateway.Request{Model: "m", Messages: []gateway.Message{{Role: "user"}}}, func(gateway.Start) { t.Error("started") }, func(gateway.Delta) error { return nil })
		if !errors.Is(err, c.want) {
			t.Errorf("%d %s: %v", c.status, c.body, err)
		}
		srv.Close()
	}
}

func TestNoMoreAreAskedAtOnceThanTheServerTakes(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { begun <- struct{}{}; <-release }))
	defer srv.Close()
	s, err := New(Config{Name: "a", BaseURL: srv.URL, Models: []Served{{ID: "m", Can: gateway.CanEmbed}}, MaxAsks: 1})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := s.Embed(t.Context(), "a", gateway.EmbedRequest{Model: "m", Input: []string{"x"}})
		done <- err
	}()
	<-begun
	if _, err := s.Embed(t.Context(), "a", gateway.EmbedRequest{Model: "m", Input: []string{"x"}}); !errors.Is(err, gateway.ErrBusy) {
		t.Errorf("the second: %v", err)
	}
	close(release)
	if err := <-done; !errors.Is(err, gateway.ErrUpstream) { // it said nothing
		t.Error(err)
	}
}

// TestAServerThatHangsUpGetsAConnectionForEachQuestion: llama.cpp's closes them without saying so, and a question sent on such a
// one would be lost.
func TestAServerThatHangsUpGetsAConnectionForEachQuestion(t *testing.T) {
	for name, want := range map[string][]bool{"llama.cpp": {false, true, true}, "another": {false, false, false}} {
		var closes []bool
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			closes = append(closes, r.Close)
			w.Header().Set("Server", name)
			w.Header().Set("Content-Type", "text/event-stream")
			w.Write([]byte("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"))
		}))
		s, err := New(Config{Name: "a", BaseURL: srv.URL, Models: []Served{{ID: "m"}}})
		if err != nil {
			t.Fatal(err)
		}
		for range want {
			if _, err := s.Ask(t.Context(), "a", gateway.Request{Model: "m", Messages: []gateway.Message{{Role: "user"}}}, func(gateway.Start) {}, func(gateway.Delta) error { return nil }); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		srv.Close() // waits for the handlers
		if !slices.Equal(closes, want) {
			t.Errorf("%s: the last question on its connection: %v, not %v", name, closes, want)
		}
	}
}

// FuzzStream: whatever a server sends, either a clear error or an answer whose fee is what its tokens cost.
func FuzzStream(f *testing.F) {
	f.Add([]byte("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"), true)
	f.Add([]byte("data: {\"choices\":[{\"text\":\"a\",\"logprobs\":{\"tokens\":[\"a\"],\"token_logprobs\":[null],\"top_logprobs\":[{\"b\":-1}]}}],\"usage\":{\"prompt_tokens\":-1}}\r\n"), true)
	f.Add([]byte(": comment\nevent: x\ndata: {\"error\":\"no\"}\n"), false)
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":-7,\"id\":\"x\"}]},\"logprobs\":{\"content\":[{\"token\":\"a\",\"top_logprobs\":[{}]}]}}]}"), true)
	s, err := New(Config{Name: "a", BaseURL: "http://localhost/v1", Models: []Served{{ID: "m", PriceIn: 1, PriceOut: 2}}, Idle: time.Minute})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, logprobs bool) {
		pieces := 0
		a := &answer{server: s, model: s.Models[0], request: gateway.Request{Logprobs: logprobs}, begin: func() {}, alive: func() {},
			emit: func(d gateway.Delta) error {
				if pieces++; d.Text == "" && len(d.Calls) == 0 && len(d.Tokens) == 0 {
					t.Fatal("an empty piece")
				}
				return nil
			}}
		got, err := a.end(context.Background(), a.read(bytes.NewReader(body)))
		switch {
		case err != nil && !errors.Is(err, gateway.ErrUpstream):
			t.Fatalf("%v", err)
		case err == nil && (got.Finish == "" || got.Fee != s.Models[0].fee(got.PromptTokens, got.CompletionTokens) || got.PromptTokens < 0):
			t.Fatalf("%+v", got)
		}
	})
}

func TestALineWithoutEndIsCut(t *testing.T) {
	err := lines(strings.NewReader("data: "+strings.Repeat("x", 2*maxEvent)), func([]byte, bool) error { return nil })
	if !errors.Is(err, gateway.ErrUpstream) {
		t.Errorf("%v", err)
	}
}

// TestWhatIsAskedIsWhatIsSent: no field of a request is lost on the way to the server.
func TestWhatIsAskedIsWhatIsSent(t *testing.T) {
	temperature, penalty, seed, topP, strict, parallel := uint32(700), uint32(1100), int64(7), 0.9, true, false
	path, b := bodyOf(Served{There: "x"}, found{}, gateway.Request{Messages: []gateway.Message{{Role: "assistant", Calls: []gateway.ToolCall{{ID: "c", Name: "f", Arguments: "{}"}}}, {Role: "tool", CallID: "c", Content: "r"}},
		MaxTokens: 5, TemperatureMilli: &temperature, RepeatPenaltyMilli: &penalty, Seed: &seed, Stop: []string{"s"}, Logprobs: true, Top: 3,
		Sampling: gateway.Sampling{TopP: &topP, FrequencyPenalty: 1, PresencePenalty: -1, Bias: map[string]float64{"5": 2}},
		Tools:    gateway.Tools{Functions: []gateway.Function{{Name: "g"}, {Name: "f", Parameters: json.RawMessage(`{}`)}}, Choice: "function", Name: "f", Parallel: &parallel},
		Format:   &gateway.ResponseFormat{Type: "json_schema", Name: "n", Schema: json.RawMessage(`{}`), Strict: &strict}})
	got, err := json.Marshal(b)
	want := `{"model":"x","messages":[{"role":"assistant","content":"","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","content":"r","tool_call_id":"c"}],` +
		`"stream":true,"stream_options":{"include_usage":true},"max_tokens":5,"temperature":0.7,"top_p":0.9,"frequency_penalty":1,"presence_penalty":-1,"repetition_penalty":1.1,"repeat_penalty":1.1,"logit_bias":{"5":2},"seed":7,"stop":["s"],` +
		`"logprobs":true,"top_logprobs":3,"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"tool_choice":"required","parallel_tool_calls":false,` +
		`"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{},"strict":true}}}`
	if err != nil || path != "/chat/completions" || string(got) != want {
		t.Errorf("%s %s, not %s: %v", path, got, want, err)
	}
}
