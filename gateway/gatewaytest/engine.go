// Package gatewaytest is a small OpenAI-compatible engine for tests and benchmarks of the gateway: it answers by rule,
// calls tools, keeps to schemas, makes embeddings, at a pace if wanted, and fails in the ways that engines do.
package gatewaytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// The ways to fail.
const (
	FailKilled  = "killed"  // the connection breaks off after two pieces
	FailHung    = "hung"    // nothing comes after two pieces
	FailSilent  = "silent"  // nothing comes at all, not even a header
	FailGarbage = "garbage" // what comes is no JSON
	FailHTML    = "html"    // a page, with status 200
	FailEarly   = "early"   // the stream ends without a finish reason
	Fail500     = "500"
	Fail429     = "429"
	FailEndless = "endless" // one event without end
)

// Engine is the handler. Its fields are set before it serves.
type Engine struct {
	Words int           // of a plain answer; 0: 5
	Pace  time.Duration // between pieces

	fail  atomic.Value // string
	asked atomic.Int64
	under atomic.Int64
}

// Fail makes it fail from now on; "" ends that.
func (e *Engine) Fail(how string) { e.fail.Store(how) }

// Asked is how many questions came.
func (e *Engine) Asked() int { return int(e.asked.Load()) }

// UnderWay is how many are being answered.
func (e *Engine) UnderWay() int { return int(e.under.Load()) }

type question struct {
	Model    string
	Messages []struct {
		Role    string
		Content string
	}
	Prompt    string
	Stream    bool
	MaxTokens int `json:"max_tokens"`
	Tools     []struct {
		Function struct{ Name string }
	}
	ToolChoice     any `json:"tool_choice"`
	ResponseFormat *struct {
		Type string
	} `json:"response_format"`
	Logprobs any
	Input    []string
}

// ServeHTTP implements http.Handler.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q question
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, `{"error":{"message":"bad JSON"}}`, http.StatusBadRequest)
		return
	}
	e.asked.Add(1)
	e.under.Add(1)
	defer e.under.Add(-1)
	fail, _ := e.fail.Load().(string)
	switch fail {
	case Fail500:
		http.Error(w, `{"error":{"message":"out of memory"}}`, http.StatusInternalServerError)
		return
	case Fail429:
		w.Header().Set("Retry-After", "7")
		http.Error(w, `{"error":"too many"}`, http.StatusTooManyRequests)
		return
	case FailHTML:
		fmt.Fprint(w, "<html>hello</html>")
		return
	case FailSilent:
		<-r.Context().Done()
		return
	}
	if strings.HasSuffix(r.URL.Path, "/embeddings") {
		embed(w, q)
		return
	}
	e.stream(w, r, q, fail)
}

// stream answers piece by piece.
func (e *Engine) stream(w http.ResponseWriter, r *http.Request, q question, fail string) {
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	send := func(format string, args ...any) bool {
		if _, err := fmt.Fprintf(w, "data: "+format+"\n\n", args...); err != nil {
			return false
		}
		return rc.Flush() == nil
	}
	pieces, finish := e.pieces(q)
	raw := strings.HasSuffix(r.URL.Path, "/completions") && !strings.Contains(r.URL.Path, "chat")
	for i, p := range pieces {
		if e.Pace > 0 {
			select {
			case <-time.After(e.Pace):
			case <-r.Context().Done():
				return
			}
		}
		if i == 2 && !e.goesOn(w, r, fail) {
			return
		}
		kind := `"delta":%s`
		if raw {
			kind = `"text":%s`
		}
		if !send(`{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,`+kind+`,"logprobs":%s,"finish_reason":null}]}`, p.body, p.logprobs) {
			return
		}
	}
	if fail == FailEarly {
		return
	}
	send(`{"choices":[{"index":0,"delta":{},"finish_reason":%q}]}`, finish)
	send(`{"choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":%d}}`, 7, len(pieces))
	send("[DONE]")
}

// goesOn says whether an answer goes on after its first pieces.
func (e *Engine) goesOn(w http.ResponseWriter, r *http.Request, fail string) bool {
	switch fail {
	case FailKilled:
		panic(http.ErrAbortHandler)
	case FailHung:
		<-r.Context().Done()
		return false
	case FailGarbage:
		fmt.Fprint(w, "data: \x00\xff{{{\n\n")
		return false
	case FailEndless:
		long := strings.Repeat("x", 64<<10)
		fmt.Fprint(w, "data: ")
		for r.Context().Err() == nil {
			if _, err := fmt.Fprint(w, long); err != nil {
				return false
			}
		}
		return false
	}
	return true
}

type piece struct{ body, logprobs string }

func (e *Engine) pieces(q question) (out []piece, finish string) {
	quote := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			return `""`
		}
		return string(b)
	}
	text := func(words ...string) {
		for _, s := range words {
			p := piece{`{"content":` + quote(s) + `}`, "null"}
			if q.Prompt != "" {
				p.body = quote(s)
			} else if q.Logprobs != nil {
				p.logprobs = fmt.Sprintf(`{"content":[{"token":%s,"logprob":-0.25,"bytes":null,"top_logprobs":[{"token":%[1]s,"logprob":-0.25}]}]}`, quote(s))
			}
			out = append(out, p)
		}
	}
	last := len(q.Messages) - 1
	switch {
	case len(q.Tools) > 0 && q.Messages[last].Role == "tool":
		text("It ", "is ", q.Messages[last].Content)
	case len(q.Tools) > 0 && q.ToolChoice != "none":
		name := q.Tools[0].Function.Name
		for _, s := range []string{
			`{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":` + quote(name) + `,"arguments":""}}]}`,
			`{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]}`,
			`{"tool_calls":[{"index":0,"function":{"arguments":"\"Paris\"}"}}]}`,
		} {
			out = append(out, piece{s, "null"})
		}
		return out, "tool_calls"
	case q.ResponseFormat != nil:
		text(`{"answer"`, `:4`, `2}`)
	default:
		n := e.Words
		if n == 0 {
			n = 5
		}
		words := make([]string, n)
		for i := range words {
			words[i] = fmt.Sprintf("word%d ", i)
		}
		text(words...)
	}
	if q.MaxTokens > 0 && q.MaxTokens < len(out) {
		return out[:q.MaxTokens], "length"
	}
	return out, "stop"
}

func embed(w http.ResponseWriter, q question) {
	type vector struct {
		Index     int       `json:"index"`
		Embedding []float32 `json:"embedding"`
	}
	list := struct {
		Data  []vector       `json:"data"`
		Usage map[string]int `json:"usage"`
	}{Usage: map[string]int{"prompt_tokens": 3 * len(q.Input)}}
	for i, t := range q.Input {
		list.Data = append(list.Data, vector{i, []float32{float32(len(t)), 0.5, -1}})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(list) // a test's client that goes finds out
}
