package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"funai/inference/api"
)

func TestURLsAreReadAsPeopleWriteThem(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:8324": "http://127.0.0.1:8324", "http://h:1/": "http://h:1", "http://h/sub/v1/": "http://h/sub",
		"localhost:1": "http://localhost:1", "[::1]:8": "http://[::1]:8",
	} {
		if got, err := ParseURL(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "http://", "ftp://h", "http://h?x", "http://u:p@h", "http://h#f", "/path", "http://[", "\x00"} {
		if got, err := ParseURL(in); !errors.Is(err, ErrURL) {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

// serve answers each path with a status and a body.
func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := New(srv.URL, "secret")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestRefusalsKeepTheirCodeAndMessage(t *testing.T) {
	c := serve(t, says(429, `{"error":{"message":"slow down","code":"too_many"}}`, "Retry-After", "5"))
	_, err := c.Status(t.Context())
	var e *Error
	if !errors.As(err, &e) || e.Status != 429 || e.RetryAfter != 5*time.Second || Code(err) != "too_many" || err.Error() != "slow down" {
		t.Errorf("%+v", err)
	}
	for _, body := range []string{"<html>", "", `{"error":"x"}`, `{}`, strings.Repeat("x", maxFailure+1)} {
		if _, err := serve(t, says(500, body)).Status(t.Context()); !errors.Is(err, ErrShape) {
			t.Errorf("%.20q: %v", body, err)
		}
	}
	if _, err := serve(t, says(200, "nonsense")).Status(t.Context()); !errors.Is(err, ErrShape) {
		t.Errorf("nonsense: %v", err)
	}
	if _, err := serve(t, says(302, "", "Location", "http://elsewhere/")).Status(t.Context()); !errors.Is(err, ErrShape) {
		t.Errorf("a redirect is followed: %v", err)
	}
	if _, err := must(New("127.0.0.1:1", "")).Status(t.Context()); !errors.Is(err, ErrNoNode) || Code(err) != "" {
		t.Errorf("nobody there: %v", err)
	}
}

func must(c *Client, err error) *Client {
	if err != nil {
		panic(err)
	}
	return c
}

func TestTokenGoesOnlyWithOrdersToPay(t *testing.T) {
	seen := map[string]string{}
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen[r.Method+" "+r.URL.Path] = r.Header.Get("Authorization")
		if r.URL.Path == "/api/wallet/send" {
			var s api.Send
			if err := json.NewDecoder(r.Body).Decode(&s); err != nil || s.Amount != 7 || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%+v, %v", s, err)
			}
		}
		switch r.URL.Path {
		case "/api/elections", "/api/inference/blocks", "/api/receipts", "/api/balances":
			fmt.Fprint(w, "[]")
		default:
			fmt.Fprint(w, "{}")
		}
	})
	ctx := t.Context()
	_, e1 := c.Status(ctx)
	_, e2 := c.Elections(ctx, 3)
	_, e3 := c.InferenceBlocks(ctx, 3)
	_, e4 := c.Receipts(ctx, 3)
	_, e5 := c.Receipt(ctx, "a/b")
	_, e6 := c.Balances(ctx, "own", []string{"x"}, 3)
	_, e7 := c.Models(ctx)
	_, e8 := c.Send(ctx, api.Send{Layer: "ledger", To: "x", Amount: 7})
	if err := errors.Join(e1, e2, e3, e4, e5, e6, e7, e8); err != nil {
		t.Fatal(err)
	}
	for path, token := range seen {
		if want := map[bool]string{true: "Bearer secret"}[path == "POST /api/wallet/send"]; token != want {
			t.Errorf("%s with %q", path, token)
		}
	}
}

func TestAnswerIsReadFromItsEvents(t *testing.T) {
	stream := "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n: alive\n\n" +
		"data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}],\"usage\":null}\r\n\r\n" +
		"event: x\ndata: {\"choices\":[{\ndata: \"delta\":{\"content\":\"lo\"}}]}\n\n" +
		"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}],\"funai\":{\"receipt\":\"r2\",\"server\":\"s\",\"fee\":12,\"trust\":\"judge\"}}\n\n" +
		"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n"
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if want := `{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":0,"stream":true,"stream_options":{"include_usage":true}}`; string(b) != want {
			t.Errorf("asked %s", b)
		}
		says(200, stream, "X-Funai-Receipt", "r1")(w, r)
	})
	var text strings.Builder
	var started []Started
	zero := 0.0
	a, err := c.Ask(t.Context(), Question{Model: "m", Messages: []Message{{"user", "hi"}}, Temperature: &zero},
		func(s Started) { started = append(started, s) }, func(s string) { text.WriteString(s) })
	want := Answer{Receipt: "r2", Server: "s", Finish: "length", TokensIn: 3, TokensOut: 2, Fee: 12, Trust: "judge"}
	if err != nil || a != want || text.String() != "Hello" || len(started) != 1 || started[0].Receipt != "r1" {
		t.Errorf("%+v, %q, %v, %v", a, text.String(), started, err)
	}
}

func TestStreamsThatBreakAreErrors(t *testing.T) {
	piece := "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n"
	for stream, want := range map[string]error{
		piece:                         ErrCut,
		"":                            ErrCut,
		piece + "data: [DONE]":        ErrCut,
		piece + "data: {not json\n\n": ErrShape,
		piece + "data: " + strings.Repeat("x", MaxEvent) + "\n\n": ErrTooLong,
	} {
		a, err := serve(t, says(200, stream, "X-Funai-Receipt", "r")).Ask(t.Context(), Question{}, func(Started) {}, func(string) {})
		if !errors.Is(err, want) || a.Receipt != "r" {
			t.Errorf("%.60q: %+v, %v", stream, a, err)
		}
	}
	_, err := serve(t, says(200, piece+`data: {"error":{"message":"it failed","code":"upstream_error"}}`+"\n\n")).Ask(t.Context(), Question{}, func(Started) {}, func(string) {})
	if Code(err) != "upstream_error" || err.Error() != "it failed" {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	_, err = serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, piece)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}).Ask(ctx, Question{}, func(Started) {}, func(string) { cancel(cause) })
	if !errors.Is(err, cause) {
		t.Errorf("cancelled: %v", err)
	}
}

// answers is a transport that needs no network, so that it lives in a bubble.
type answers func(*http.Request) (int, string)

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := f(r)
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}, Request: r}, nil
}

func TestVerdictIsWaitedForAsLongAsThereIsHope(t *testing.T) {
	const missing = `{"error":{"message":"no","code":"not_found"}}`
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		c := &Client{base: "http://n", http: &http.Client{Transport: answers(func(*http.Request) (int, string) {
			switch since := time.Since(begun); {
			case since < 30*time.Second:
				return 404, missing
			case since < 50*time.Second:
				return 0, ""
			case since < time.Hour:
				return 200, `{"id":"r","verdict":"pending"}`
			case since < time.Hour+50*time.Second:
				return 503, `{"error":{"message":"catching up","code":"syncing"}}`
			}
			return 200, `{"id":"r","verdict":"valid"}`
		})}}
		looks := 0
		r, err := c.Verdict(t.Context(), "r", func(api.Receipt) { looks++ })
		if err != nil || r.Verdict != api.VerdictValid || looks == 0 {
			t.Errorf("%+v, %v after %d looks", r, err, looks)
		}
		if d := time.Since(begun); d < time.Hour || d > time.Hour+time.Minute {
			t.Errorf("it took %v", d)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		status := 404
		c := &Client{base: "http://n", http: &http.Client{Transport: answers(func(*http.Request) (int, string) { return status, missing })}}
		begun := time.Now()
		if _, err := c.Verdict(t.Context(), "r", func(api.Receipt) {}); Code(err) != "not_found" || time.Since(begun) < patience || time.Since(begun) > 2*patience {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		status, begun = 500, time.Now()
		if _, err := c.Verdict(t.Context(), "r", func(api.Receipt) {}); err == nil || time.Since(begun) > time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		status = 404
		if _, err := c.Verdict(ctx, "r", func(api.Receipt) {}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}

func FuzzEvents(f *testing.F) {
	f.Add([]byte("data: a\n\n"))
	f.Add([]byte("data: a\r\ndata\ndata:b\n\n: c\nevent: x\n\ndata: cut"))
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}],\"usage\":null}\n\ndata: [DONE]\n\n"))
	f.Add([]byte("data: {\"error\":{\"message\":\"m\"}}\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		size := 0
		err := events(bytes.NewReader(b), func(data []byte) error {
			size += len(data)
			var a Answer
			_ = a.take(data, func(string) {}) // must not panic
			return nil
		})
		if err != nil && !errors.Is(err, ErrTooLong) || size > len(b) {
			t.Errorf("%d bytes of data out of %d, %v", size, len(b), err)
		}
	})
}
