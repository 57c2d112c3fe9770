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
	Words   int           // of a plain answer; 0: 5
	Pace    time.Duration // between pieces
	Ignores []string      // fields that it takes and leaves out, as many servers do with what they don't know
	Refuses []string      // fields that are an error

	fail  atomic.Value // string
	asked atomic.Int64
	under atomic.Int64
	most  atomic.Int64
}

// Fail makes it fail from now on; "" ends that.
func (e *Engine) Fail(how string) { e.fail.Store(how) }

// Forget makes it count questions from now on.
func (e *Engine) Forget() { e.asked.Store(0) }

// Asked is how many questions came.
func (e *Engine) Asked() int { return int(e.asked.Load()) }

// UnderWay is how many are being answered.
func (e *Engine) UnderWay() int { return int(e.under.Load()) }

// Most is how many were being answered at once, at most.
func (e *Engine) Most() int { return int(e.most.Load()) }

// begin counts a question in.
func (e *Engine) begin() {
	e.asked.Add(1)
	now := e.under.Add(1)
	for {
		most := e.most.Load()
		if now <= most || e.most.CompareAndSwap(most, now) {
			return
		}
	}
}

type question struct {
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
	Logprobs    any
	Input       []string
	Dimensions  int
	Temperature float64
	TopP        *float64           `json:"top_p"`
	Frequency   float64            `json:"frequency_penalty"`
	Repetition  float64            `json:"repetition_penalty"`
	Bias        map[string]float64 `json:"logit_bias"`
}

// read reads a question without the fields that the engine ignores.
func (e *Engine) read(r *http.Request) (q question, err error) {
	var fields map[string]json.RawMessage
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&fields); err != nil {
			return q, err
		}
	}
	for _, f := range e.Refuses {
		if _, ok := fields[f]; ok {
			return q, fmt.Errorf("unknown field %s", f)
		}
	}
	for _, f := range e.Ignores {
		delete(fields, f)
	}
	rest, err := json.Marshal(fields)
	if err != nil {
		return q, err
	}
	return q, json.Unmarshal(rest, &q)
}

// ServeHTTP implements http.Handler.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q, err := e.read(r)
	if err != nil {
		http.Error(w, fmt.Sprintf(`{"error":{"message":%q}}`, err), http.StatusBadRequest)
		return
	}
	e.begin()
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
	switch {
	case r.Method != http.MethodPost:
		http.Error(w, `{"error":{"message":"no such page"}}`, http.StatusNotFound)
	case q.Stream:
		e.stream(w, r, q, fail)
	default:
		e.whole(w, q)
	}
}

// whole answers at once.
func (e *Engine) whole(w http.ResponseWriter, q question) {
	pieces, finish := e.pieces(q)
	var text strings.Builder
	var calls, logprobs string
	for _, p := range pieces {
		var d struct {
			Content string
			Calls   []json.RawMessage `json:"tool_calls"`
		}
		if json.Unmarshal([]byte(p.body), &d) == nil {
			text.WriteString(d.Content)
			if len(d.Calls) > 0 && calls == "" {
				calls = `,"tool_calls":[` + string(d.Calls[0]) + "]"
			}
		}
		logprobs = p.logprobs
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"choices":[{"index":0,"message":{"role":"assistant","content":%s%s},"logprobs":%s,"finish_reason":%q}],"usage":{"prompt_tokens":7,"completion_tokens":%d}}`,
		quote(text.String()), calls, logprobs, finish, len(pieces))
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
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
		if q.MaxTokens > 0 { // and no more are made up
			n = min(n, q.MaxTokens+1)
		}
		words, form := make([]string, n), "word%d "
		if q.turned() {
			form = "turn%d "
		}
		for i := range words {
			words[i] = fmt.Sprintf(form, i)
		}
		text(words...)
	}
	if q.MaxTokens > 0 && q.MaxTokens < len(out) {
		return out[:q.MaxTokens], "length"
	}
	return out, "stop"
}

// turned says whether something asked for changes what is said.
func (q *question) turned() bool {
	hot := q.Temperature > 1 && (q.TopP == nil || *q.TopP > 0.5)
	return hot || q.Frequency != 0 || q.Repetition > 1 || len(q.Bias) > 0
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
		v := []float32{float32(len(t)), 0.5, -1}
		if q.Dimensions > 0 {
			v = append(v, make([]float32, q.Dimensions)...)[:q.Dimensions]
		}
		list.Data = append(list.Data, vector{i, v})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(list) // a test's client that goes finds out
}
