//go:build unix

package openai

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"funai/internal/llamaserver"
	"funai/model"
	"funai/model/gguf"
	"funai/model/modeltest"
)

// Tests against llama.cpp's own server, where there is one: FUNAI_LLAMA_SERVER or PATH names it.

// plain is the template of a model without one, as package gguf has it.
const plain = `{% for m in messages %}{{ m.content }}{% endfor %}`

// llama starts a server of stories15m with two slots of 256 tokens.
func llama(t *testing.T, args ...string) *llamaserver.Server {
	t.Helper()
	path, _ := modeltest.Files(t, "stories15m")
	return llamaserver.Start(t, append([]string{"-m", path, "-np", "2", "-c", "512", "-t", "1", "--jinja", "--chat-template", plain}, args...)...)
}

func reach(t *testing.T, s *llamaserver.Server, o Options) *Engine {
	t.Helper()
	o.URL, o.Model = s.URL+"/v1", "stories"
	e, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// slots is what the server says of its slots: whether each is at work, and how it chooses tokens.
func slots(t *testing.T, s *llamaserver.Server) (all []struct {
	Busy   bool `json:"is_processing"`
	Params struct {
		TopK int     `json:"top_k"`
		TopP float64 `json:"top_p"`
		MinP float64 `json:"min_p"`
		Seed uint64  `json:"seed"`
	} `json:"params"`
}) {
	t.Helper()
	res, err := http.Get(s.URL + "/slots")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	return all
}

func once(text string, tokens int) model.Request {
	return model.Request{Messages: []model.Message{{Role: "user", Content: text}}, MaxTokens: tokens}
}

func quiet(model.Token) error { return nil }

func TestLiveLlamaServer(t *testing.T) {
	s := llama(t)
	e := reach(t, s, Options{})
	t.Run("abilities", func(t *testing.T) {
		if want := (Abilities{Chat: true, Logprobs: true, Schemas: true, Context: 256}); e.can != want {
			t.Errorf("%+v, want %+v", e.can, want)
		}
		if want := (manners{filters: true}); e.mind != want {
			t.Errorf("%+v, want %+v", e.mind, want)
		}
		if _, err := e.Score(t.Context(), once("x", 1), []int32{5}); !errors.Is(err, model.ErrUnsupported) {
			t.Error("llama.cpp gives no log-probabilities of given tokens:", err)
		}
		if _, err := e.Embed(t.Context(), []string{"x"}); !errors.Is(err, model.ErrUnsupported) {
			t.Error(err)
		}
	})
	t.Run("tokens are the model's own", func(t *testing.T) { liveTokens(t, e) })
	t.Run("an answer that ends of itself lacks the end's id", func(t *testing.T) {
		r := once("Once upon a time", 250)
		got, all := generate(t, e, r)
		if got.Finish != model.FinishStop || got.Tokens != nil || len(all) < 50 {
			t.Errorf("%d tokens: %+v", len(all), got)
		}
	})
	t.Run("a stop", func(t *testing.T) {
		r := once("Once upon a time", 100)
		r.Stop = []string{"girl"}
		if got, _ := generate(t, e, r); got.Finish != model.FinishStop || !strings.Contains(got.Text, "little") || strings.Contains(got.Text, "girl") {
			t.Errorf("%+v", got)
		}
	})
	t.Run("filters are off unless set", func(t *testing.T) {
		r := once("Once upon a time", 3)
		r.Sampling = model.Sampling{TemperatureMilli: 800, Seed: [32]byte{0, 0, 0, 77}}
		generate(t, e, r)
		found := false
		for _, slot := range slots(t, s) {
			p := slot.Params
			found = found || p.Seed == 77 && p.TopK == 0 && p.TopP == 1 && p.MinP == 0
		}
		if !found {
			t.Errorf("%+v", slots(t, s))
		}
	})
	t.Run("a schema is kept to", func(t *testing.T) {
		r := once("Once upon a time", 100)
		r.Schema = json.RawMessage(`{"type":"object","properties":{"city":{"enum":["Oslo","Rome"]}},"required":["city"],"additionalProperties":false}`)
		got, _ := generate(t, e, r)
		var kept struct{ City string }
		if err := json.Unmarshal([]byte(got.Text), &kept); err != nil || kept.City != "Oslo" && kept.City != "Rome" {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("refusals", func(t *testing.T) {
		schema := once("x", 1)
		schema.Schema = json.RawMessage(`{"type":"nonsense"}`)
		for name, c := range map[string]struct {
			r    model.Request
			want error
		}{"a bad schema": {schema, model.ErrRequest}, "too long": {once(strings.Repeat("once upon a time ", 100), 1), model.ErrTooLong}} {
			var refused *StatusError
			if _, err := e.Generate(t.Context(), c.r, quiet); !errors.Is(err, c.want) || !errors.As(err, &refused) || refused.Code != http.StatusBadRequest {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("streams one after the other", func(t *testing.T) {
		for range 20 { // llama.cpp hangs up after each
			generate(t, e, once("Once", 1))
		}
	})
	t.Run("who leaves frees the slot", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := e.Generate(ctx, once("Once upon a time", 250), func(model.Token) error { cancel(); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		for late := time.After(time.Minute); ; {
			all := slots(t, s)
			if !all[0].Busy && !all[1].Busy {
				return
			}
			select {
			case <-late:
				t.Fatalf("%+v", all)
			case <-time.After(time.Millisecond):
			}
		}
	})
}

// liveTokens compares what the server says of its answer with what the same weights say in this process.
func liveTokens(t *testing.T, e *Engine) {
	r := once("Once upon a time", 40)
	r.Top = 2
	got, all := generate(t, e, r)
	if len(got.Tokens) != 40 || len(all) != 40 || got.Finish != model.FinishLength {
		t.Fatalf("%+v", got)
	}
	own := modeltest.Open(t, "stories15m", gguf.Options{Threads: 1})
	score, err := own.Score(t.Context(), r, got.Tokens)
	if err != nil || score.Text != got.Text || score.PromptTokens != got.PromptTokens {
		t.Fatalf("%+v, %v; the server has %d tokens of prompt and says %q", score, err, got.PromptTokens, got.Text)
	}
	for i, k := range all {
		if s := score.Tokens[i]; s.Margin > 0.1 || math.Abs(s.Logprob-k.Logprob.Logprob) > 0.05 {
			t.Errorf("token %d is %+v, here %+v", i, k, s)
		}
		if k.ID != got.Tokens[i] || len(k.Top) != 2 || k.Top[0].ID != k.ID || k.Top[1].ID == noID || k.Top[1].ID == k.ID {
			t.Errorf("token %d: %+v", i, k)
		}
	}
	if n, err := e.CountPrompt(t.Context(), r); n != got.PromptTokens || err != nil {
		t.Error(n, err)
	}
}

// TestLiveTools lets a model that tells stories call tools: llama.cpp sees to the form, and biases leave it no word that begins
// like "all", which begins other answers, and let it end as soon as it may.
func TestLiveTools(t *testing.T) {
	s := llama(t, "--chat-template-file", "testdata/tools.jinja", "--override-kv", "tokenizer.ggml.add_space_prefix=bool:false",
		"--logit-bias", "100-100", "--logit-bias", "284-100", "--logit-bias", "497-100", "--logit-bias", "29874-100", "--logit-bias", "1+100")
	e := reach(t, s, Options{})
	if !e.can.Tools || e.mind.toolLogprobs {
		t.Errorf("%+v, %+v: llama.cpp calls tools, without log-probabilities", e.can, e.mind)
	}
	r := once("How is the weather in Oslo?", 100)
	r.Tools = []model.Tool{{Name: "weather", Parameters: json.RawMessage(`{"type":"object","properties":{"city":{"enum":["Oslo","Rome"]}},"required":["city"]}`)}, {Name: "clock"}}
	for _, choice := range []string{model.ToolRequired, "weather", "clock"} {
		r.ToolChoice = choice
		got, _ := generate(t, e, r)
		if got.Finish != model.FinishTools || len(got.ToolCalls) != 1 || choice != model.ToolRequired && got.ToolCalls[0].Name != choice || got.ToolCalls[0].ID == "" {
			t.Fatalf("%s: %+v", choice, got)
		}
		var arguments struct{ City string }
		if err := json.Unmarshal([]byte(got.ToolCalls[0].Arguments), &arguments); err != nil || got.ToolCalls[0].Name == "weather" && arguments.City == "" {
			t.Errorf("%s: %+v, %v", choice, got, err)
		}
	}
}

func TestLiveEmbeddings(t *testing.T) {
	e := reach(t, llama(t, "--embeddings", "--pooling", "mean"), Options{})
	if !e.can.Embeds {
		t.Fatalf("%+v", e.can)
	}
	got, err := e.Embed(t.Context(), []string{"a cat", "a dog", "a cat"})
	if err != nil || len(got) != 3 || len(got[0]) != 288 {
		t.Fatal(len(got), err)
	}
	cosine := func(a, b []float32) (sum float64) {
		for i := range a {
			sum += float64(a[i]) * float64(b[i])
		}
		return sum
	}
	if same, other := cosine(got[0], got[2]), cosine(got[0], got[1]); math.Abs(same-1) > 0.001 || other > 0.999 {
		t.Error(same, other)
	}
}

// TestLiveLoading: a pipe that nobody writes to takes forever to load.
func TestLiveLoading(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "model.gguf")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	s := llamaserver.Launch(t, "-m", pipe)
	for s.Status("/health") == 0 {
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
		}
	}
	_, err := Open(t.Context(), Options{URL: s.URL + "/v1", Model: "m"})
	var refused *StatusError
	if !errors.Is(err, model.ErrBusy) || !errors.As(err, &refused) || refused.Code != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "Loading model") {
		t.Error(err)
	}
}

// TestLiveServerThatFails ends and stops servers in the middle of an answer.
func TestLiveServerThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		fail func(*llamaserver.Server)
		want string
	}{
		"killed":  {(*llamaserver.Server).Kill, "EOF"},
		"stopped": {func(s *llamaserver.Server) { _ = s.Process.Signal(syscall.SIGSTOP) }, "said nothing for 4s"},
	} {
		t.Run(name, func(t *testing.T) {
			s := llama(t)
			e := reach(t, s, Options{Silence: 4 * time.Second})
			text, failed := "", false
			_, err := e.Generate(t.Context(), once("Once upon a time", 250), func(k model.Token) error {
				if text += k.Text; !failed {
					failed = true
					c.fail(s)
				}
				return nil
			})
			if !errors.Is(err, ErrServer) || !strings.Contains(err.Error(), c.want) {
				t.Error(err)
			}
			if text == "" || strings.Count(text, ", there was") > 1 {
				t.Errorf("asked again after the first token: %q", text)
			}
			if _, err := e.Generate(t.Context(), once("Once", 1), quiet); !errors.Is(err, ErrServer) {
				t.Error("the next question:", err)
			}
		})
	}
}
