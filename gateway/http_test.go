package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// shape checks that a response is an error in OpenAI's shape and returns its code.
func shape(t *testing.T, res *http.Response, status int) string {
	t.Helper()
	var body struct {
		Error struct {
			Message, Type string
			Code          string
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil || body.Error.Message == "" || body.Error.Type == "" {
		t.Errorf("not OpenAI's shape: %+v, %v", body, err)
	}
	if res.StatusCode != status {
		t.Errorf("status %d (%s), not %d", res.StatusCode, body.Error.Message, status)
	}
	return body.Error.Code
}

func TestBadRequestsNeverReachTheBackend(t *testing.T) {
	b := says()
	b.ask = func(context.Context, Request, func(Start), func(Delta) error) (Answer, error) {
		t.Error("backend was asked")
		return Answer{}, ErrRequest
	}
	srv := serve(t, Config{Backend: b, Hosts: []string{"node.example"}})
	do := func(method, path, contentType, host, body string, extra ...string) *http.Response {
		r := httptest.NewRequest(method, srv.URL+path, strings.NewReader(body)).WithContext(t.Context())
		r.RequestURI = ""
		r.Header.Set("Content-Type", contentType)
		if host != "" {
			r.Host = host
		}
		for i := 0; i < len(extra); i += 2 {
			r.Header.Set(extra[i], extra[i+1])
		}
		res, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		return res
	}
	const path, js = "/v1/chat/completions", "application/json"
	shape(t, do("POST", path, js, "", "\x00garbage"), 400)
	shape(t, do("POST", path, js, "", `{"model":"tiny","messages":[{"role":"user","content":"`+strings.Repeat("x", maxBody)+`"}]}`), 413)
	for _, ct := range []string{"text/plain", "", "application/x-www-form-urlencoded", "application/jsonp", "a/b/c"} {
		shape(t, do("POST", path, ct, "", question), 415)
	}
	shape(t, do("GET", path, js, "", ""), 405)
	shape(t, do("POST", "/v1/embeddings", js, "", "{}"), 400)
	shape(t, do("POST", "/v1/completions", js, "", "{}"), 400)
	shape(t, do("POST", "/v1/responses", js, "", "{}"), 400)
	shape(t, do("POST", "/v1/images", js, "", "{}"), 404)
	shape(t, do("GET", "/nothing", js, "", ""), 404)
	for _, host := range []string{"evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil", "node.example.evil"} {
		shape(t, do("POST", path, js, host, question), 403)
	}
	shape(t, do("POST", path, js, "", question, "Origin", "https://evil.example"), 403)
	shape(t, do("POST", path, js, "", question, "Sec-Fetch-Site", "cross-site"), 403)
	for _, host := range []string{"localhost:99", "LOCALHOST.", "127.0.0.1", "[::1]:80", "[::1]", "192.168.1.2:80", "node.example:80"} {
		if res := do("GET", "/v1/models", js, host, ""); res.StatusCode != 200 {
			t.Errorf("host %s is refused: %d", host, res.StatusCode)
		}
	}
	if h := do("GET", "/v1/models", js, "", "", "Origin", "https://evil.example").Header; h.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a foreign origin may read")
	}
}

func TestNamedOriginMayUseTheAPIFromABrowser(t *testing.T) {
	srv := serve(t, Config{Backend: says("hi"), Origins: []string{"https://chat.example"}})
	pre, _ := http.NewRequestWithContext(t.Context(), "OPTIONS", srv.URL+"/v1/chat/completions", nil)
	pre.Header.Set("Origin", "https://chat.example")
	res, err := srv.Client().Do(pre)
	if err != nil || res.StatusCode != 204 || res.Header.Get("Access-Control-Allow-Origin") != "https://chat.example" {
		t.Fatalf("preflight: %v, %v", res, err)
	}
	r, _ := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/v1/chat/completions", strings.NewReader(question))
	r.Header.Set("Origin", "https://chat.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Content-Type", "application/json")
	if res, err = srv.Client().Do(r); err != nil || res.StatusCode != 200 {
		t.Fatalf("question: %v, %v", res, err)
	}
	if _, err := New(Config{Backend: says(), Origins: []string{"not an origin"}}); err == nil {
		t.Error("a malformed origin is taken")
	}
}

func TestStreamOnTheWire(t *testing.T) {
	res := post(t, serve(t, Config{Backend: says("a", "b")}), question[:len(question)-1]+`,"stream":true}`)
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if h := res.Header; h.Get("Content-Type") != "text/event-stream" || h.Get(headerReceipt) != receipt || h.Get(headerServer) == "" {
		t.Errorf("header %v", h)
	}
	if fee := res.Trailer.Get(headerFee); fee != "21" {
		t.Errorf("trailer has fee %q", fee)
	}
	events := strings.Split(strings.TrimSuffix(string(body), "\n\n"), "\n\n")
	if len(events) != 5 || events[4] != "data: [DONE]" || !strings.Contains(events[0], `"role":"assistant"`) {
		t.Errorf("events %q", events)
	}
	for _, e := range events[:4] {
		if !json.Valid([]byte(strings.TrimPrefix(e, "data: "))) {
			t.Errorf("not JSON: %s", e)
		}
	}
}

func TestFailureInMidStreamEndsWithAnErrorEventNotDone(t *testing.T) {
	res := post(t, serve(t, Config{Backend: fails(ErrUpstream, "a")}), question[:len(question)-1]+`,"stream":true}`)
	body, err := io.ReadAll(res.Body)
	events := strings.Split(strings.TrimSpace(string(body)), "\n\n")
	if last := events[len(events)-1]; err != nil || !strings.HasPrefix(last, `data: {"error":{"message":`) || strings.Contains(string(body), "[DONE]") {
		t.Errorf("ends with %s, %v", last, err)
	}
}

func TestStopStringEndsTheAnswerAndIsPaidFor(t *testing.T) {
	for _, stream := range []string{"true", "false"} {
		res := post(t, serve(t, Config{Backend: says("one", " EN", "D two")}), question[:len(question)-1]+`,"stop":"END","stream":`+stream+`}`)
		body, err := io.ReadAll(res.Body)
		if err != nil || strings.Contains(string(body), "EN") || !strings.Contains(string(body), `"one`) || !strings.Contains(string(body), `"finish_reason":"stop"`) {
			t.Errorf("%s, %v", body, err)
		}
	}
}

func TestQuestionsAtOnceAreBounded(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	b := says()
	b.ask = func(context.Context, Request, func(Start), func(Delta) error) (Answer, error) {
		begun <- struct{}{}
		<-release
		return Answer{Finish: "stop"}, nil
	}
	reg := prometheus.NewRegistry()
	srv := serve(t, Config{Backend: b, MaxRequests: 1, MaxQueue: -1, Registerer: reg})
	go func() { <-begun; begun <- struct{}{} }()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if res := post(t, srv, question); res.StatusCode != 200 {
			t.Errorf("first question: %d", res.StatusCode)
		}
	}()
	<-begun
	res := post(t, srv, question)
	if code := shape(t, res, 429); code != "rate_limit_exceeded" || res.Header.Get("Retry-After") != "1" {
		t.Errorf("code %s, retry after %s", code, res.Header.Get("Retry-After"))
	}
	close(release)
	<-done
	if all, err := reg.Gather(); err != nil || len(all) == 0 {
		t.Errorf("metrics: %v, %v", all, err)
	}
}

// TestReaderThatStallsIsCutOff: a client that reads nothing blocks emit, which fails once WriteTimeout has passed.
func TestReaderThatStallsIsCutOff(t *testing.T) {
	ended := make(chan error, 1)
	b := says()
	b.ask = func(_ context.Context, _ Request, _ func(Start), emit func(Delta) error) (Answer, error) {
		for {
			if err := emit(Delta{Text: strings.Repeat("x", 64<<10)}); err != nil {
				ended <- err
				return Answer{}, err
			}
		}
	}
	srv := serve(t, Config{Backend: b, WriteTimeout: 50 * time.Millisecond})
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	body := question[:len(question)-1] + `,"stream":true}`
	fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	select {
	case err := <-ended:
		if !errors.Is(err, errClient) && !errors.Is(err, ErrUpstream) { // either the socket or the answer's bound fills first
			t.Errorf("emit failed with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("a stalled reader holds the backend")
	}
}

// TestSlowAnswerOutlivesTheWriteTimeout: the timeout bounds how long a client may stall, not how long an answer takes,
// nor does it reach the next request on the same connection.
func TestSlowAnswerOutlivesTheWriteTimeout(t *testing.T) {
	const timeout = 40 * time.Millisecond
	b := says()
	b.ask = func(ctx context.Context, _ Request, _ func(Start), emit func(Delta) error) (Answer, error) {
		for range 3 {
			select {
			case <-ctx.Done():
				return Answer{}, ctx.Err()
			case <-time.After(2 * timeout):
			}
			if err := emit(Delta{Text: "x"}); err != nil {
				return Answer{}, err
			}
		}
		return Answer{Finish: "stop"}, nil
	}
	srv := serve(t, Config{Backend: b, WriteTimeout: timeout})
	for _, stream := range []string{"true", "false", "true"} {
		res := post(t, srv, question[:len(question)-1]+`,"stream":`+stream+`}`)
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 200 || !strings.Contains(string(body), `"finish_reason":"stop"`) {
			t.Errorf("stream %s: %d %s, %v", stream, res.StatusCode, body, err)
		}
	}
}

func TestAnswerWithoutEndIsCut(t *testing.T) {
	b := says()
	b.ask = func(_ context.Context, _ Request, _ func(Start), emit func(Delta) error) (Answer, error) {
		for {
			if err := emit(Delta{Text: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}); err != nil {
				return Answer{}, err
			}
		}
	}
	shape(t, post(t, serve(t, Config{Backend: b}), question), 502)
}

func TestServeEndsWithItsContext(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(Config{Backend: says("hi")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, ln, h, nil) }()
	res, err := http.Post("http://"+ln.Addr().String()+"/v1/chat/completions", "application/json", bytes.NewBufferString(question))
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%v, %v", res, err)
	}
	res.Body.Close()
	stop()
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Serve did not end")
	}
	if _, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		t.Error("the listener is still open")
	}
}
