package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"funai/model"
)

// server answers like vLLM, or like servers that can do less. Its model says "Hé!" in three tokens and ends.
type server struct {
	refuse  []string // fields that are an error
	liar    bool     // takes tools and schemas and leaves them out
	ids     bool     // return_token_ids and prompt_logprobs
	stream  string   // recorded chunks, instead of its own
	hang    chan struct{}
	mu      sync.Mutex
	asked   []map[string]any
	failure int // status of everything but the probe
	message string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q map[string]any
	_ = json.NewDecoder(r.Body).Decode(&q)
	s.mu.Lock()
	s.asked = append(s.asked, q)
	s.mu.Unlock()
	if s.failure != 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(s.failure)
		fmt.Fprintf(w, `{"error":{"message":%q,"type":"x","code":"y"}}`, s.message)
		return
	}
	for _, f := range s.refuse {
		if _, ok := q[f]; ok {
			http.Error(w, `{"error":{"message":"Unrecognized argument: `+f+`"}}`, http.StatusBadRequest)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	ids, promptIDs := "", ""
	if s.ids {
		ids, promptIDs = `,"token_ids":[7]`, `"prompt_token_ids":[1,2,3],`
	}
	logprobs := `,"logprobs":{"content":[{"token":"H","logprob":-0.5,"top_logprobs":[{"token":"H","logprob":-0.5}]}]}`
	if q["logprobs"] == nil {
		logprobs = ""
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/models"):
		fmt.Fprint(w, `{"data":[{"id":"other","max_model_len":9},{"id":"m","max_model_len":4096}]}`)
	case strings.HasSuffix(r.URL.Path, "/embeddings"):
		fmt.Fprint(w, `{"data":[{"index":0,"embedding":[0.5,-1]}]}`)
	case strings.HasSuffix(r.URL.Path, "/completions") && q["prompt"] != nil:
		if !s.ids {
			fmt.Fprint(w, `{"choices":[{"text":"x"}]}`)
			return
		}
		var all []string
		for i, id := range q["prompt"].([]any) {
			if i == 0 {
				all = append(all, "null")
				continue
			}
			all = append(all, fmt.Sprintf(`{"%v":{"logprob":-2,"rank":%d,"decoded_token":"t%v"},"9":{"logprob":-0.5,"rank":1,"decoded_token":"t9"}}`, id, 3, id))
		}
		fmt.Fprintf(w, `{"choices":[{"text":"x","prompt_logprobs":[%s]}]}`, strings.Join(all, ","))
	case q["stream"] == true:
		w.Header().Set("Content-Type", "text/event-stream")
		if s.stream != "" {
			fmt.Fprint(w, s.stream)
			return
		}
		for i, piece := range []string{"H", "é", "!", ""} {
			id, extra := "", ""
			if s.ids {
				id = fmt.Sprintf(`,"token_ids":[%d]`, 10+i)
			}
			finish := "null"
			if i == 3 {
				finish = `"stop"`
			} else if q["logprobs"] == true {
				extra = fmt.Sprintf(`,"logprobs":{"content":[{"token":%q,"logprob":-0.25,"top_logprobs":[{"token":"z","logprob":-0.1}]}]}`, piece)
			}
			fmt.Fprintf(w, `data: {"id":"c","choices":[{"index":0,"delta":{"content":%q},"finish_reason":%s%s%s}]}`+"\n\n", piece, finish, id, extra)
			w.(http.Flusher).Flush()
			if s.hang != nil && i == 1 && q["max_tokens"] != 1.0 { // the probe is let through
				s.hang <- struct{}{}
				<-r.Context().Done()
				return
			}
		}
		fmt.Fprint(w, `data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`+"\n\ndata: [DONE]\n\n")
	case q["tools"] != nil && !s.liar:
		fmt.Fprint(w, `{"choices":[{"index":0,"message":{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"ping","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`)
	case q["response_format"] != nil && !s.liar:
		fmt.Fprint(w, `{"choices":[{"index":0,"message":{"role":"assistant","content":"{\"answer\":4}"},"finish_reason":"stop"}]}`)
	default:
		fmt.Fprintf(w, `{%s"choices":[{"index":0,"message":{"role":"assistant","content":"H"},"finish_reason":"length"%s%s}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}`, promptIDs, ids, logprobs)
	}
}

func open(t *testing.T, s *server) *Engine {
	t.Helper()
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	e, err := Open(t.Context(), Options{URL: h.URL + "/v1", Model: "m", Concurrency: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

var hello = model.Request{Messages: []model.Message{{Role: "system", Content: "s"}, {Role: "user", Content: "hi"}, {Role: "assistant", Content: "a"}}, MaxTokens: 9, Top: 1}

func generate(t *testing.T, e *Engine, r model.Request) (model.Result, []model.Token) {
	t.Helper()
	var all []model.Token
	got, err := e.Generate(t.Context(), r, func(k model.Token) error { all = append(all, k); return nil })
	if err != nil {
		t.Fatal(err)
	}
	joined := ""
	for _, k := range all {
		joined += k.Text
	}
	if joined != got.Text {
		t.Fatalf("tokens spell %q, the answer is %q", joined, got.Text)
	}
	return got, all
}

func TestAbilitiesAreProbed(t *testing.T) {
	for name, c := range map[string]struct {
		server *server
		want   Abilities
	}{
		"vllm":     {&server{ids: true}, Abilities{Chat: true, Logprobs: true, TokenIDs: true, Scores: true, Embeds: true, Tools: true, Schemas: true, Context: 4096}},
		"lenient":  {&server{liar: true}, Abilities{Chat: true, Logprobs: true, Embeds: true, Context: 4096}},
		"strict":   {&server{refuse: []string{"return_token_ids"}}, Abilities{Chat: true, Logprobs: true, Embeds: true, Tools: true, Schemas: true, Context: 4096}},
		"plain":    {&server{refuse: []string{"return_token_ids", "logprobs", "input", "tools", "response_format"}}, Abilities{Chat: true, Context: 4096}},
		"thinking": {&server{refuse: []string{"logprobs", "max_tokens"}}, Abilities{Chat: true, NewLimits: true, Embeds: true, Tools: true, Schemas: true, Context: 4096}},
	} {
		t.Run(name, func(t *testing.T) {
			e := open(t, c.server)
			if e.Abilities() != c.want {
				t.Fatalf("%+v, want %+v", e.can, c.want)
			}
			if i := e.Info(); i.Context != 4096 || i.Scores != c.want.Scores || i.Samples || i.Name != "m" || i.Hash == [32]byte{} {
				t.Fatalf("%+v", i)
			}
			got, all := generate(t, e, hello)
			if got.Text != "Hé!" || got.Finish != model.FinishStop || got.PromptTokens != 3 {
				t.Fatalf("%+v", got)
			}
			if want := []int32{10, 11, 12, 13}; c.want.TokenIDs && !slices.Equal(got.Tokens, want) || !c.want.TokenIDs && got.Tokens != nil {
				t.Fatal(got.Tokens)
			}
			if c.want.Logprobs && (all[0].Logprob.Logprob != -0.25 || all[0].Top[0].Text != "z") {
				t.Fatalf("%+v", all[0])
			}
			_, err := e.Embed(t.Context(), []string{"x"})
			if c.want.Embeds != (err == nil) || !c.want.Embeds && !errors.Is(err, model.ErrUnsupported) {
				t.Fatal(err)
			}
			if n, err := e.CountPrompt(t.Context(), hello); n != 3 || err != nil {
				t.Fatal(n, err)
			}
		})
	}
}

// TestAServerThatOnlyEmbedsOpens: it refuses chats.
func TestAServerThatOnlyEmbedsOpens(t *testing.T) {
	e := open(t, &server{refuse: []string{"messages"}})
	if want := (Abilities{Embeds: true, Context: 4096}); e.Abilities() != want {
		t.Fatalf("%+v, want %+v", e.Abilities(), want)
	}
	if v, err := e.Embed(t.Context(), []string{"x"}); err != nil || len(v) != 1 {
		t.Error(v, err)
	}
	if _, err := e.Generate(t.Context(), hello, nil); !errors.Is(err, model.ErrUnsupported) {
		t.Error(err)
	}
}

func TestRequestSaysWhatWasAsked(t *testing.T) {
	s := &server{ids: true}
	e := open(t, s)
	r := hello
	r.Sampling = model.Sampling{TemperatureMilli: 700, RepeatPenaltyMilli: 1100, Seed: [32]byte{0xff, 1, 2, 3}}
	generate(t, e, r)
	q := s.asked[len(s.asked)-1]
	for field, want := range map[string]any{"model": "m", "max_tokens": 9.0, "temperature": 0.7, "seed": float64(0x7f010203), "repetition_penalty": 1.1,
		"repeat_penalty": 1.1, "logprobs": true, "top_logprobs": 1.0, "return_token_ids": true, "stream": true,
		"top_k": 0.0, "top_p": 1.0, "min_p": 0.0} {
		if q[field] != want {
			t.Errorf("%s is %v, want %v", field, q[field], want)
		}
	}
	if m := q["messages"].([]any); len(m) != 3 || m[2].(map[string]any)["role"] != "assistant" {
		t.Fatal(m)
	}
}

func TestScoreByPromptLogprobs(t *testing.T) {
	e := open(t, &server{ids: true})
	got, err := e.Score(t.Context(), hello, []int32{5, 9})
	if err != nil {
		t.Fatal(err)
	}
	want := model.Score{PromptTokens: 3, Text: "t5t9", Tokens: []model.TokenScore{{Logprob: -2, Rank: 2, Margin: 1.5}, {Logprob: -0.5}}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%+v, want %+v", got, want)
	}
	sampled := hello
	sampled.Sampling.TemperatureMilli = 1
	for _, c := range []struct {
		e    *Engine
		r    model.Request
		want error
	}{{e, sampled, model.ErrUnsupported}, {open(t, &server{}), hello, model.ErrUnsupported}, {e, model.Request{}, model.ErrRequest}} {
		if _, err := c.e.Score(t.Context(), c.r, []int32{5}); !errors.Is(err, c.want) {
			t.Fatal(err)
		}
	}
	if _, err := e.Score(t.Context(), hello, make([]int32, 5000)); !errors.Is(err, model.ErrTooLong) {
		t.Fatal(err)
	}
}

func TestErrorsHaveTheirNames(t *testing.T) {
	s := &server{}
	e := open(t, s)
	for _, c := range []struct {
		status  int
		message string
		want    error
	}{
		{401, "bad key", ErrDenied}, {429, "slow down", model.ErrBusy}, {503, "loading", model.ErrBusy}, {500, "boom", ErrServer},
		{400, "This model's maximum context length is 4096 tokens", model.ErrTooLong}, {400, "the request exceeds the available context size", model.ErrTooLong},
		{400, "bad role", model.ErrRequest}, {404, "no such model", ErrServer},
	} {
		s.failure, s.message = c.status, c.message
		_, err := e.Generate(t.Context(), hello, func(model.Token) error { return nil })
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%d %s: %v", c.status, c.message, err)
		}
	}
	h := httptest.NewServer(s)
	defer h.Close()
	s.failure = 401
	if _, err := Open(t.Context(), Options{URL: h.URL, Model: "m"}); !errors.Is(err, ErrDenied) {
		t.Fatal(err)
	}
	h.Close()
	if _, err := Open(t.Context(), Options{URL: h.URL, Model: "m"}); !errors.Is(err, ErrServer) {
		t.Fatal(err)
	}
	for _, r := range []model.Request{{}, {Messages: []model.Message{{Role: "user"}}}, {Messages: []model.Message{{Role: "robot"}}, MaxTokens: 1}} {
		if _, err := e.Generate(t.Context(), r, nil); !errors.Is(err, model.ErrRequest) {
			t.Fatal(err)
		}
	}
}

func TestBrokenStreamIsAnError(t *testing.T) {
	for name, stream := range map[string]string{
		"cut":     `data: {"choices":[{"delta":{"content":"H"},"finish_reason":null}]}` + "\n\n",
		"nothing": "data: [DONE]\n\n",
		"error":   `data: {"error":{"message":"out of memory","code":500}}` + "\n\n",
		"garbage": "data: {{{\n\n",
		"filter":  `data: {"choices":[{"delta":{"content":"H"},"finish_reason":"content_filter"}]}` + "\n\n",
	} {
		e := open(t, &server{stream: stream})
		if _, err := e.Generate(t.Context(), hello, func(model.Token) error { return nil }); !errors.Is(err, ErrServer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLlamaServerStream reads what llama.cpp's server sent: token ids inside log-probabilities, those of alternatives too.
func TestLlamaServerStream(t *testing.T) {
	b, err := os.ReadFile("testdata/llama-server.sse")
	if err != nil {
		t.Fatal(err)
	}
	got, all := generate(t, open(t, &server{stream: string(b)}), hello)
	if got.Text != ", there was a" || got.PromptTokens != 5 || got.Finish != model.FinishLength || !slices.Equal(got.Tokens, []int32{29892, 727, 471, 263}) {
		t.Fatalf("%+v", got)
	}
	if len(all) != 4 || all[1].Text != " there" || len(all[1].Top) != 1 || all[1].Top[0].ID != 727 {
		t.Fatalf("%+v", all)
	}
	r := hello
	r.Top = 2
	if _, all := generate(t, open(t, &server{stream: string(b)}), r); len(all[1].Top) != 2 || all[1].Top[1].ID != 297 || all[1].Top[1].Text != " in" {
		t.Fatalf("%+v", all)
	}
	// Of an answer that a schema shapes, ids are missing: a character of several tokens has one, the end none.
	if b, err = os.ReadFile("testdata/llama-server-schema.sse"); err != nil {
		t.Fatal(err)
	}
	r.Schema = json.RawMessage(`{"enum":["Oui 🙂."]}`)
	if got, _ := generate(t, open(t, &server{stream: string(b)}), r); got.Text != `"Oui 🙂."` || got.Tokens != nil || got.Finish != model.FinishStop {
		t.Fatalf("%+v", got)
	}
}

// TestLlamaServerGetsAConnectionForEachRequest, because it hangs up without a word.
func TestLlamaServerGetsAConnectionForEachRequest(t *testing.T) {
	var kept atomic.Int32
	s := &server{}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !r.Close {
			kept.Add(1)
		}
		w.Header().Set("Server", "llama.cpp")
		s.ServeHTTP(w, r)
	}))
	defer h.Close()
	e, err := Open(t.Context(), Options{URL: h.URL, Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	generate(t, e, hello)
	if n := kept.Load(); n != 1 {
		t.Errorf("%d requests would use their connection again; only the first may, which doesn't know whose server it is", n)
	}
}

func TestCloseAndCancelEndAnswers(t *testing.T) {
	for _, closing := range []bool{true, false} {
		s := &server{hang: make(chan struct{})}
		e := open(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		done := make(chan error)
		for range 2 {
			go func() {
				_, err := e.Generate(ctx, hello, func(model.Token) error { return nil })
				done <- err
			}()
			<-s.hang
		}
		if _, err := e.CountPrompt(t.Context(), hello); !errors.Is(err, model.ErrBusy) {
			t.Fatal("a third of two at once:", err)
		}
		want := model.ErrClosed
		if closing {
			go e.Close()
		} else {
			want = context.Canceled
			cancel()
		}
		for range 2 {
			if err := <-done; !errors.Is(err, want) {
				t.Fatal(err)
			}
		}
	}
	e := open(t, &server{})
	e.Close()
	if _, err := e.Generate(t.Context(), hello, nil); !errors.Is(err, model.ErrClosed) {
		t.Fatal(err)
	}
}

func TestEmitErrorEndsAnswer(t *testing.T) {
	stop := errors.New("enough")
	n := 0
	_, err := open(t, &server{}).Generate(t.Context(), hello, func(model.Token) error { n++; return stop })
	if err != stop || n != 1 {
		t.Fatal(n, err)
	}
}
