package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"funai/model"

	api "github.com/openai/openai-go/v3"
)

var offered = []model.Tool{{Name: "weather", Parameters: json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"}}}`)}, {Name: "clock"}}

// TestStreamsInTheFormsOfServers reads streams in the forms of vLLM, Ollama and llama.cpp's server.
func TestStreamsInTheFormsOfServers(t *testing.T) {
	calls := func(city string, ids ...string) []model.ToolCall {
		return []model.ToolCall{{ID: ids[0], Name: "weather", Arguments: city}, {ID: ids[1], Name: "clock", Arguments: "{}"}}
	}
	for file, want := range map[string]model.Result{
		"vllm.sse":               {Text: "Yes.", Tokens: []int32{9642, 13, 128009}, PromptTokens: 3, CachedTokens: 2, Finish: "stop"},
		"ollama.sse":             {Text: "Yes.", PromptTokens: 11, Finish: "stop"},
		"ollama-new.sse":         {Text: "Yes.", PromptTokens: 11, CachedTokens: 4, Finish: "stop"},
		"vllm-tools.sse":         {Text: "Let me look.", PromptTokens: 30, Finish: "tool_calls", ToolCalls: calls(`{"city": "Oslo"}`, "chatcmpl-tool-a331788bab1045a1", "chatcmpl-tool-a331788bab1045b2")},
		"ollama-tools.sse":       {PromptTokens: 40, Finish: "tool_calls", ToolCalls: calls(`{"city":"Oslo"}`, "call_qb0yy8m1", "call_zyp5okh2")},
		"llama-server-tools.sse": {PromptTokens: 62, CachedTokens: 0, Finish: "tool_calls", ToolCalls: []model.ToolCall{{ID: "ozrdi7koNIjNiagE89C6LAtEHixyihLh", Name: "clock", Arguments: "{\n \n                    }"}}},
	} {
		b, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		r := hello
		r.Tools = offered
		got, _ := generate(t, open(t, &server{stream: string(b)}), r)
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s:\n%+v, want\n%+v", file, got, want)
		}
		// A stream that ends anywhere before its end is an error, and never a whole answer.
		lines := strings.SplitAfter(string(b), "\n\n")
		for n := 1; n < len(lines)-4; n++ {
			if _, err := open(t, &server{stream: strings.Join(lines[:n], "")}).Generate(t.Context(), r, func(model.Token) error { return nil }); !errors.Is(err, ErrServer) {
				t.Errorf("%s cut after %d chunks: %v", file, n, err)
			}
		}
	}
}

func TestAnswersThatWereNotAskedForAreErrors(t *testing.T) {
	chunk := func(delta, finish string) string {
		return `data: {"choices":[{"index":0,"delta":` + delta + `,"finish_reason":"` + finish + `"}]}` + "\n\n"
	}
	for name, c := range map[string]struct {
		stream string
		r      model.Request
	}{
		"a tool that wasn't offered": {chunk(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"rm","arguments":"{}"}}]}`, "tool_calls"), model.Request{Tools: offered}},
		"calls without one":          {chunk(`{"content":"x"}`, "tool_calls"), model.Request{Tools: offered}},
		"a call out of turn":         {chunk(`{"tool_calls":[{"index":7,"id":"a","function":{"name":"clock"}}]}`, "tool_calls"), model.Request{Tools: offered}},
		"a call before the first": {chunk(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"clock"}}]}`, "") +
			chunk(`{"tool_calls":[{"index":-1,"id":"b","function":{"name":"clock"}}]}`, "tool_calls"), model.Request{Tools: offered}},
		"no JSON": {chunk(`{"content":"Sure! {"}`, "stop"), model.Request{Schema: json.RawMessage(`{}`)}},
	} {
		r := c.r
		r.Messages, r.MaxTokens = hello.Messages, 9
		if got, err := open(t, &server{stream: c.stream}).Generate(t.Context(), r, func(model.Token) error { return nil }); !errors.Is(err, ErrServer) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestControlsToolsAndSchemasAreSaid(t *testing.T) {
	s := &server{}
	e := open(t, s)
	r := hello
	r.Messages = append(slices.Clone(r.Messages), model.Message{Role: "assistant", ToolCalls: []model.ToolCall{{ID: "c1", Name: "clock", Arguments: "{}"}}}, model.Message{Role: "tool", ToolCallID: "c1", Content: "noon"})
	r.Controls = &model.Controls{Temperature: 0.5, TopK: 40, TopP: 0.9, MinP: 0.05, RepeatPenalty: 1.1, FrequencyPenalty: 0.2, PresencePenalty: -0.3, Seed: 1<<40 | 5, LogitBias: map[int32]float64{7: -99.5}, PenaltyWindow: 9}
	r.Stop, r.Tools, r.ToolChoice = []string{"\n\n"}, offered, "none"
	generate(t, e, r)
	q := s.asked[len(s.asked)-1]
	for field, want := range map[string]any{"temperature": 0.5, "top_p": 0.9, "top_k": 40.0, "min_p": 0.05, "repeat_penalty": 1.1, "frequency_penalty": 0.2, "presence_penalty": -0.3,
		"seed": 5.0, "logit_bias": map[string]any{"7": -99.5}, "repeat_last_n": 9.0, "stop": []any{"\n\n"}, "tool_choice": "none"} {
		if fmt.Sprint(q[field]) != fmt.Sprint(want) {
			t.Errorf("%s is %v, want %v", field, q[field], want)
		}
	}
	said, _ := json.Marshal(q["messages"].([]any)[3:])
	if got := string(said); !strings.Contains(got, `"tool_calls":[{"function":{"arguments":"{}","name":"clock"},"id":"c1","type":"function"}]`) || !strings.Contains(got, `"tool_call_id":"c1"`) {
		t.Error(got)
	}
	if tools, _ := json.Marshal(q["tools"]); !strings.Contains(string(tools), `"name":"weather","parameters":{"properties":{"city":{"type":"string"}},"type":"object"}`) {
		t.Errorf("%s", tools)
	}
	// A tool that must be called is the only one, and what else is said is an error.
	r.ToolChoice = "clock"
	if _, err := e.Generate(t.Context(), r, func(model.Token) error { return nil }); !errors.Is(err, ErrServer) || !strings.Contains(err.Error(), "clock") {
		t.Error(err)
	}
	q = s.asked[len(s.asked)-1]
	if tools, _ := json.Marshal(q["tools"]); q["tool_choice"] != "required" || strings.Contains(string(tools), "weather") || !strings.Contains(string(tools), "clock") {
		t.Errorf("%v of %s", q["tool_choice"], tools)
	}
	r.ToolChoice = "calendar"
	if _, err := e.Generate(t.Context(), r, nil); !errors.Is(err, model.ErrRequest) {
		t.Error(err)
	}
	r.Tools, r.ToolChoice, r.Schema = nil, "", json.RawMessage(`{"type":"string"}`)
	s.stream = `data: {"choices":[{"index":0,"delta":{"content":"\"x\""},"finish_reason":"stop"}]}` + "\n\n"
	generate(t, e, r)
	if format, _ := json.Marshal(s.asked[len(s.asked)-1]["response_format"]); string(format) != `{"json_schema":{"name":"answer","schema":{"type":"string"},"strict":true},"type":"json_schema"}` {
		t.Errorf("%s", format)
	}
	plain := open(t, &server{refuse: []string{"tools", "response_format"}})
	for _, r := range []model.Request{{Tools: offered}, {Schema: json.RawMessage("{}")}, {Grammar: `root ::= "x"`}} {
		r.Messages, r.MaxTokens = hello.Messages, 1
		if _, err := plain.Generate(t.Context(), r, nil); !errors.Is(err, model.ErrUnsupported) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

// TestRetriesOnlyWhereSafe counts what a server is asked, over a real socket.
func TestRetriesOnlyWhereSafe(t *testing.T) {
	for name, c := range map[string]struct {
		status, failures int
		after            string
		asked            int32
		want             error
	}{
		"busy once":     {429, 1, "", 2, nil},
		"loading twice": {503, 2, "", 3, nil},
		"always busy":   {503, 9, "", 3, model.ErrBusy},
		"busy for long": {429, 9, "60", 1, model.ErrBusy},
		"ill":           {500, 9, "", 1, ErrServer},
		"bad gateway":   {502, 9, "", 1, ErrServer},
		"refused":       {400, 9, "", 1, model.ErrRequest},
		"cut":           {0, 9, "", 1, ErrServer},
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{}
			var on atomic.Bool
			var asked atomic.Int32
			h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !on.Load() || int(asked.Add(1)) > c.failures {
					s.ServeHTTP(w, r)
					return
				}
				if c.status == 0 {
					panic(http.ErrAbortHandler)
				}
				if c.after != "" {
					w.Header().Set("Retry-After", c.after)
				}
				http.Error(w, `{"error":{"message":"no"}}`, c.status)
			}))
			defer h.Close()
			e, err := Open(t.Context(), Options{URL: h.URL, Model: "m"})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			on.Store(true)
			_, err = e.Generate(t.Context(), hello, func(model.Token) error { return nil })
			if !errors.Is(err, c.want) || asked.Load() != c.asked {
				t.Fatalf("asked %d times, want %d; %v", asked.Load(), c.asked, err)
			}
			var refused *StatusError
			if c.want != nil && c.status != 0 && (!errors.As(err, &refused) || refused.Code != c.status || c.after != "" && refused.RetryAfter.Seconds() != 60) {
				t.Fatalf("%+v", refused)
			}
		})
	}
}

// FuzzStream reads chunks as they may come.
func FuzzStream(f *testing.F) {
	for _, name := range []string{"vllm.sse", "vllm-tools.sse", "ollama-tools.sse", "llama-server.sse", "llama-server-schema.sse", "llama-server-tools.sse"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Fuzz(func(t *testing.T, stream string) {
		text := ""
		a := &answer{emit: func(k model.Token) error { text += k.Text; return nil }, whole: true, used: -1}
		for line := range strings.Lines(stream) {
			var chunk api.ChatCompletionChunk
			if json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &chunk) == nil && a.take(chunk) != nil {
				return
			}
		}
		got, err := a.finish(model.Request{Tools: offered})
		if err == nil && (got.Text != text || got.Finish == "" || len(got.ToolCalls) > maxCalls) {
			t.Fatalf("%+v, streamed %q", got, text)
		}
	})
}
