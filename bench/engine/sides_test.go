package engine

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"funai/internal/llamaserver"
	"funai/model"
	"funai/model/gguf"
	"funai/model/modeltest"
)

// question is one request.
type question struct {
	text   string
	tokens int // of the answer
	way    way
	seed   uint64
}

// way is how tokens are chosen, the same on both sides.
type way struct {
	name        string
	temperature float64
}

// Of temperatures above 0, the filters are those that llama.cpp has by default.
const (
	topK = 40
	topP = 0.95
	minP = 0.05
)

// answer is what a request came to.
type answer struct {
	first          time.Duration // to the first token
	prompt, cached int           // tokens
	made           int
}

// side answers questions.
type side struct {
	name string
	pid  int // of the process that works
	ask  func(context.Context, question) (answer, error)
}

// ours is the embedded engine.
func ours(t testing.TB, m machine) side {
	e := modeltest.Open(t, m.model, gguf.Options{Threads: m.threads, Context: m.context, Cache: m.context * m.slots, Running: m.slots, Queue: m.slots})
	banned := map[int32]float64{}
	for _, end := range e.(*gguf.Engine).Ends() {
		banned[end] = -100
	}
	return side{name: "funai", pid: os.Getpid(), ask: func(ctx context.Context, q question) (a answer, err error) {
		r := model.Request{Messages: []model.Message{{Role: "user", Content: q.text}}, MaxTokens: q.tokens}
		if *rule {
			r.Sampling = model.Sampling{TemperatureMilli: uint32(q.way.temperature * 1000), Seed: [32]byte{byte(q.seed), byte(q.seed >> 8)}}
		} else {
			r.Controls = &model.Controls{Temperature: q.way.temperature, Seed: q.seed, LogitBias: banned}
			if q.way.temperature > 0 {
				r.Controls.TopK, r.Controls.TopP, r.Controls.MinP = topK, topP, minP
			}
		}
		begun := time.Now()
		got, err := e.Generate(ctx, r, func(model.Token) error {
			if a.first == 0 {
				a.first = time.Since(begun)
			}
			return nil
		})
		a.prompt, a.cached, a.made = got.PromptTokens, got.CachedTokens, len(got.Tokens)
		return a, err
	}}
}

// plain is the template of a model without one, as the embedded engine has it.
const plain = `{% for m in messages %}{{ m.content }}{% endfor %}`

// theirs is llama.cpp's server; the test is skipped where there is none.
func theirs(t testing.TB, m machine) side {
	path, _ := modeltest.Files(t, m.model)
	args := []string{"-m", path, "-np", strconv.Itoa(m.slots), "-c", strconv.Itoa(m.context * m.slots), "--no-kv-unified",
		"-t", strconv.Itoa(m.threads), "-tb", strconv.Itoa(m.threads), "--threads-http", strconv.Itoa(m.slots + 2), // as many streams, and its probes
		"-b", "2048", "-ub", "512", "--cont-batching", "--no-cache-prompt", "--cache-ram", "0", "--no-webui", "--log-disable"}
	if !m.chat {
		args = append(args, "--jinja", "--chat-template", plain)
	}
	s := llamaserver.Start(t, args...)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // after a stream the server hangs up
	return side{name: "llama-server", pid: s.Process.Pid, ask: func(ctx context.Context, q question) (answer, error) {
		body := map[string]any{"messages": []map[string]string{{"role": "user", "content": q.text}}, "max_tokens": q.tokens, "ignore_eos": true,
			"stream": true, "stream_options": map[string]bool{"include_usage": true}, "temperature": q.way.temperature, "seed": q.seed}
		if q.way.temperature > 0 {
			body["top_k"], body["top_p"], body["min_p"] = topK, topP, minP
		}
		return stream(ctx, client, s.URL+"/v1/chat/completions", body)
	}}
}

// stream reads as little as a client can.
func stream(ctx context.Context, client *http.Client, url string, body map[string]any) (a answer, err error) {
	b, err := json.Marshal(body)
	if err != nil {
		return a, err
	}
	begun := time.Now()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		return a, err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := client.Do(r)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return a, fmt.Errorf("status %d: %s, %w", res.StatusCode, raw, err)
	}
	var usage struct {
		Usage struct {
			PromptTokens     int `json:"prompt_tokens"`
			CompletionTokens int `json:"completion_tokens"`
			Details          struct {
				CachedTokens int `json:"cached_tokens"`
			} `json:"prompt_tokens_details"`
		} `json:"usage"`
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		switch line := lines.Text(); {
		case a.first == 0 && strings.HasPrefix(line, "data: {"):
			a.first = time.Since(begun) // the role, which comes with the first token
		case strings.Contains(line, `"usage":`):
			if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &usage); err != nil {
				return a, err
			}
		}
	}
	u := usage.Usage
	a.prompt, a.cached, a.made = u.PromptTokens, u.Details.CachedTokens, u.CompletionTokens
	return a, lines.Err()
}
