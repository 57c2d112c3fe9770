package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"

	"funai/amount"
	"funai/gateway"
	"funai/gateway/account"
	"funai/gateway/account/embedded"
	"funai/gateway/gatewaytest"
	"funai/gateway/route"
	"funai/gateway/upstream"
)

// keyed gives a gateway a store of keys; the key is returned with its secret.
func keyed(t *testing.T, s account.Store, l account.Limits) (change func(*gateway.Config), id, secret string) {
	t.Helper()
	k, err := account.NewKey("test", l, time.Now(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	secret, hash := account.NewSecret()
	if err := s.Create(t.Context(), k, hash); err != nil {
		t.Fatal(err)
	}
	return func(c *gateway.Config) { c.Accounts, c.RequireKey, c.Admin = s, true, "cookie" }, k.ID, secret
}

func pebbleStore(t *testing.T) account.Store {
	t.Helper()
	s, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// ask posts a request with a key and returns the status, the header and the body.
func ask(t *testing.T, url, secret, body string) (int, http.Header, string) {
	t.Helper()
	return call(t, http.MethodPost, url+"/v1/chat/completions", secret, body)
}

func call(t *testing.T, method, url, secret, body string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

const hi = `{"model":"tiny","messages":[{"role":"user","content":"hi"}],"max_tokens":100}`

var faults = []string{gatewaytest.FailKilled, gatewaytest.FailHung, gatewaytest.FailGarbage, gatewaytest.FailEarly, gatewaytest.FailEndless,
	gatewaytest.FailHTML, gatewaytest.Fail500, gatewaytest.FailSilent}

// TestAFailingServerIsACleanErrorAndCostsNothing: with one server only, so that nobody else can be asked.
func TestAFailingServerIsACleanErrorAndCostsNothing(t *testing.T) {
	s := pebbleStore(t)
	change, id, secret := keyed(t, s, account.Limits{Budget: amount.FAI})
	for _, fault := range faults {
		for _, stream := range []bool{false, true} {
			e := &gatewaytest.Engine{}
			_, url := before(t, []*gatewaytest.Engine{e}, route.Config{FirstToken: 300 * time.Millisecond}, change)
			e.Fail(fault)
			status, _, body := ask(t, url, secret, fmt.Sprintf(`%s,"stream":%v}`, hi[:len(hi)-1], stream))
			begun := stream && status == 200 // two pieces had come
			if !begun && status != 502 || !strings.Contains(body, `"code":"upstream_error"`) || strings.Contains(body, "[DONE]") {
				t.Errorf("%s, stream %v: %d %s", fault, stream, status, body)
			}
			until(t, "the engine to be left alone", func() bool { return e.UnderWay() == 0 })
			e.Fail("")
			if status, _, body := ask(t, url, secret, hi); status != 200 { // and others are unharmed
				t.Errorf("after %s: %d %s", fault, status, body)
			}
		}
	}
	k, err := s.Get(t.Context(), id)
	answers := amount.Amount(2 * len(faults))
	if err != nil || k.Held != 0 || k.Holds != 0 || k.Spent != answers*17 { // 7 tokens at 1, 5 at 2, for each good answer
		t.Errorf("%+v, %v", k, err)
	}
	list, err := s.Usage(t.Context(), id, 0, 100)
	if err != nil || len(list) != 4*len(faults) || list[0].Fee != 17 || list[1].Fee != 0 || list[1].Error != "upstream_error" {
		t.Errorf("%d records, %+v, %v", len(list), list[:2], err)
	}
}

// TestAFailureInTheMiddleHasTheShapeOfItsEndpoint.
func TestAFailureInTheMiddleHasTheShapeOfItsEndpoint(t *testing.T) {
	e := &gatewaytest.Engine{}
	_, url := behind(t, e)
	e.Fail(gatewaytest.FailKilled)
	for path, body := range map[string]string{
		"/v1/completions": `{"model":"tiny","prompt":"hi","max_tokens":100,"stream":true}`,
		"/v1/responses":   `{"model":"tiny","input":"hi","stream":true}`,
	} {
		status, _, got := call(t, http.MethodPost, url+path, "", body)
		events := strings.Split(strings.TrimSpace(got), "\n\n")
		last := events[len(events)-1]
		if status != 200 || !strings.Contains(last, `"code":"upstream_error"`) || strings.Contains(got, "[DONE]") || strings.Contains(got, "response.completed") {
			t.Errorf("%s: %d, the last event is %s", path, status, last)
		}
	}
}

// TestFailingEmbeddingsAreCleanErrorsAndCostNothing.
func TestFailingEmbeddingsAreCleanErrorsAndCostNothing(t *testing.T) {
	s := pebbleStore(t)
	change, id, secret := keyed(t, s, account.Limits{Budget: amount.FAI})
	e := &gatewaytest.Engine{}
	_, url := behind(t, e, change)
	for _, fault := range []string{gatewaytest.Fail500, gatewaytest.FailHTML, gatewaytest.FailSilent} {
		e.Fail(fault)
		status, _, body := call(t, http.MethodPost, url+"/v1/embeddings", secret, `{"model":"vectors","input":["a","b"]}`)
		if status != 502 || !strings.Contains(body, `"code":"upstream_error"`) {
			t.Errorf("%s: %d %s", fault, status, body)
		}
	}
	if k, err := s.Get(t.Context(), id); err != nil || k.Holds != 0 || k.Held != 0 || k.Spent != 0 {
		t.Errorf("%+v, %v", k, err)
	}
}

// TestAModelWhoseServerIsDownIsKnown: nobody serves it now, whatever is asked of it, and that is not that there is no such model.
func TestAModelWhoseServerIsDownIsKnown(t *testing.T) {
	u, err := upstream.New(upstream.Config{Name: "a", BaseURL: "http://127.0.0.1:1/v1", Models: served()})
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{Backend: route.New(route.Config{Sources: []route.Source{u}})})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(g)
	defer srv.Close()
	for _, more := range []string{"", `,"tools":[{"type":"function","function":{"name":"f"}}]`, `,"top_p":0.5`} {
		if status, _, body := ask(t, srv.URL, "", hi[:len(hi)-1]+more+"}"); status != 503 || !strings.Contains(body, `"code":"no_server"`) {
			t.Errorf("%s: %d %s", more, status, body)
		}
	}
	if status, _, body := call(t, http.MethodPost, srv.URL+"/v1/embeddings", "", `{"model":"vectors","input":"a"}`); status != 503 {
		t.Errorf("embeddings: %d %s", status, body)
	}
	if status, _, body := ask(t, srv.URL, "", strings.Replace(hi, "tiny", "nothing", 1)); status != 404 {
		t.Errorf("no such model: %d %s", status, body)
	}
}

// TestFailsOverBeforeTheFirstToken: whoever fails before it has said anything, the client does not notice.
func TestFailsOverBeforeTheFirstToken(t *testing.T) {
	for _, fault := range []string{gatewaytest.Fail500, gatewaytest.Fail429, gatewaytest.FailHTML, gatewaytest.FailSilent} {
		bad, good := &gatewaytest.Engine{}, &gatewaytest.Engine{}
		_, url := before(t, []*gatewaytest.Engine{bad, good}, route.Config{FirstToken: 200 * time.Millisecond})
		bad.Fail(fault)
		ordered := hi[:len(hi)-1] + `,"provider":{"order":["a","b"]}}`
		status, h, body := ask(t, url, "", ordered)
		if status != 200 || h.Get("X-Funai-Server") != "b" || bad.Asked() != 1 {
			t.Errorf("%s: %d by %q, %s", fault, status, h.Get("X-Funai-Server"), body)
		}
		if _, h, _ = ask(t, url, "", hi); h.Get("X-Funai-Server") != "b" || bad.Asked() != 1 {
			t.Errorf("%s: the server that just failed is asked first", fault)
		}
		if status, _, body := ask(t, url, "", hi[:len(hi)-1]+`,"provider":{"order":["a"],"allow_fallbacks":false}}`); status == 200 {
			t.Errorf("%s: another server was asked against the client's word: %s", fault, body)
		}
		_, _, list := call(t, http.MethodGet, url+"/v1/catalogue?model=tiny", "", "")
		var c struct {
			Data []struct {
				Server string
				Uptime *float64
				Down   bool
				First  *float64 `json:"first_token_seconds"`
			}
		}
		if err := json.Unmarshal([]byte(list), &c); err != nil || len(c.Data) != 2 || !c.Data[0].Down || c.Data[1].Down || c.Data[1].First == nil || *c.Data[1].Uptime != 1 {
			t.Errorf("%s: catalogue %s, %v", fault, list, err)
		}
	}
}

func TestBusyServersAre429WithTheirRetryAfter(t *testing.T) {
	e := &gatewaytest.Engine{}
	_, url := behind(t, e)
	e.Fail(gatewaytest.Fail429)
	if status, h, body := ask(t, url, "", hi); status != 429 || h.Get("Retry-After") != "7" {
		t.Errorf("%d after %q: %s", status, h.Get("Retry-After"), body)
	}
}

func TestQuestionsWaitForTheirTurnAndNoLonger(t *testing.T) {
	e := &gatewaytest.Engine{Words: 100000, Pace: 5 * time.Millisecond}
	_, url := behind(t, e, func(c *gateway.Config) { c.MaxRequests, c.MaxQueue, c.QueueWait = 1, 1, 100*time.Millisecond })
	ctx, cancel := context.WithCancel(t.Context())
	c := sdk(url)
	st := c.Chat.Completions.NewStreaming(ctx, hello("tiny"))
	if !st.Next() {
		t.Fatal(st.Err())
	}
	status, h, body := ask(t, url, "", hi)
	if status != 429 || h.Get("Retry-After") == "" || !strings.Contains(body, "none ended within 100ms") {
		t.Errorf("%d %s", status, body)
	}
	cancel() // an abandoned stream gives its place back
	until(t, "a place", func() bool {
		status, _, _ := ask(t, url, "", strings.Replace(hi, "100", "2", 1))
		return status == 200
	})
	until(t, "the engine to be left alone", func() bool { return e.UnderWay() == 0 })
}

func TestDrainingLetsAnswersEndAndTakesNoMore(t *testing.T) {
	e := &gatewaytest.Engine{Words: 40, Pace: 10 * time.Millisecond}
	g, _ := behind(t, e, func(c *gateway.Config) { c.Grace = time.Minute })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- gateway.Serve(ctx, ln, g, nil) }()
	url := "http://" + ln.Addr().String()
	if status, _, _ := call(t, http.MethodGet, url+"/readyz", "", ""); status != 200 {
		t.Errorf("ready: %d", status)
	}
	c := sdk(url)
	st := c.Chat.Completions.NewStreaming(t.Context(), hello("tiny"))
	if !st.Next() {
		t.Fatal(st.Err())
	}
	stop()
	var acc openai.ChatCompletionAccumulator
	acc.AddChunk(st.Current())
	for st.Next() {
		acc.AddChunk(st.Current())
	}
	if st.Err() != nil || acc.Choices[0].FinishReason != "stop" {
		t.Errorf("the answer was cut: %v", st.Err())
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	w := httptest.NewRecorder()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/v1/chat/completions", strings.NewReader(hi))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	g.ServeHTTP(w, r)
	if w.Code != 503 || !strings.Contains(w.Body.String(), "draining") || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body.String())
	}
}

// TestAGoneClientPaysForWhatWasMade, and holds nothing.
func TestAGoneClientPaysForWhatWasMade(t *testing.T) {
	s := pebbleStore(t)
	change, id, secret := keyed(t, s, account.Limits{Budget: amount.FAI})
	e := &gatewaytest.Engine{Words: 100000, Pace: time.Millisecond}
	_, url := behind(t, e, change)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", strings.NewReader(hi[:len(hi)-len(`,"max_tokens":100}`)]+`,"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+secret)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(res.Body, make([]byte, 2000)); err != nil {
		t.Fatal(err)
	}
	cancel()
	res.Body.Close()
	until(t, "the question to be settled", func() bool {
		k, err := s.Get(t.Context(), id)
		return err == nil && k.Holds == 0 && k.Held == 0 && k.Spent > 0
	})
	if list, err := s.Usage(t.Context(), id, 0, 1); err != nil || list[0].Status != 499 || list[0].Completion == 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestAnErrorThatComesLateIsSaid: the time for writing begins with the writing, not with the question.
func TestAnErrorThatComesLateIsSaid(t *testing.T) {
	e := &gatewaytest.Engine{}
	_, url := behind(t, e, func(c *gateway.Config) { c.WriteTimeout = 500 * time.Millisecond })
	e.Fail(gatewaytest.FailSilent)
	if status, _, body := call(t, http.MethodPost, url+"/v1/embeddings", "", `{"model":"vectors","input":"a"}`); status != 502 || !strings.Contains(body, "upstream_error") {
		t.Errorf("%d %s", status, body)
	}
}

// TestAnAnswerThatTheGatewayCutsCostsNothing: its client did not go.
func TestAnAnswerThatTheGatewayCutsCostsNothing(t *testing.T) {
	s := pebbleStore(t)
	change, id, secret := keyed(t, s, account.Limits{Budget: amount.FAI})
	g, _ := behind(t, &gatewaytest.Engine{Words: 1000, Pace: time.Millisecond}, change, func(c *gateway.Config) { c.Grace = time.Nanosecond })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- gateway.Serve(ctx, l, g, nil) }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+l.Addr().String()+"/v1/chat/completions",
		strings.NewReader(`{"model":"tiny","messages":[{"role":"user","content":"hi"}],"max_tokens":1000,"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+secret)
	res, err := http.DefaultClient.Do(r)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%+v, %v", res, err)
	}
	defer res.Body.Close()
	if _, err := io.ReadFull(res.Body, make([]byte, 1000)); err != nil { // some pieces
		t.Fatal(err)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if u, err := s.Usage(t.Context(), id, 0, 1); err != nil || len(u) != 1 || u[0].Fee != 0 || u[0].Status != 503 || u[0].Error != "draining" {
		t.Errorf("%+v, %v", u, err)
	}
}
