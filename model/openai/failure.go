package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"funai/model"

	api "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// StatusError is a server's refusal. It is also an ErrServer, ErrDenied, or one of package model's errors.
type StatusError struct {
	Code       int           // HTTP status
	RetryAfter time.Duration // as the server says; 0: it doesn't
	Message    string        // the server's words, at most 300 characters
	kind       error
}

// Error implements error.
func (e *StatusError) Error() string { return fmt.Sprintf("%v: %d %s", e.kind, e.Code, e.Message) }

// Unwrap returns what kind of failure it is.
func (e *StatusError) Unwrap() error { return e.kind }

// maxFailure bounds the body of a refusal, in bytes.
const maxFailure = 64 << 10

// legible puts a refusal into the shape that the client reads, or its status would be lost: some servers say {"error": "text"},
// some {"message": "text"}, some a page.
func legible(q *http.Request, next option.MiddlewareNext) (*http.Response, error) {
	res, err := next(q)
	if err != nil || res.StatusCode < http.StatusBadRequest {
		return res, err
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxFailure))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	var f struct {
		Error   json.RawMessage
		Message string
	}
	if json.Unmarshal(raw, &f) != nil || !bytes.HasPrefix(f.Error, []byte("{")) {
		if f.Message == "" && json.Unmarshal(f.Error, &f.Message) != nil {
			f.Message = string(raw)
		}
		if raw, err = json.Marshal(map[string]any{"error": map[string]string{"message": f.Message}}); err != nil {
			return nil, err
		}
	}
	res.Body = io.NopCloser(bytes.NewReader(raw))
	return res, nil
}

// explain gives a failure its name in package model.
func explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if errors.Is(err, ErrServer) { // it was silent
		return err
	}
	var refused *api.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("%w: %w", ErrServer, err)
	}
	kind := ErrServer
	switch code := refused.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		kind = ErrDenied
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		kind = model.ErrBusy
	case code == http.StatusRequestEntityTooLarge || code == http.StatusBadRequest && tooLong(refused):
		kind = model.ErrTooLong
	case code == http.StatusBadRequest || code == http.StatusUnprocessableEntity:
		kind = model.ErrRequest
	}
	message := strings.TrimSpace(refused.Message)
	out := &StatusError{Code: refused.StatusCode, Message: fmt.Sprintf("%.300s", message), kind: kind}
	if refused.Response != nil {
		if s, err := strconv.Atoi(refused.Response.Header.Get("Retry-After")); err == nil && s > 0 {
			out.RetryAfter = time.Duration(min(s, 3600)) * time.Second
		}
	}
	return out
}

// tooLong knows OpenAI's code, and the words of servers that use none.
func tooLong(e *api.Error) bool {
	words := strings.ToLower(e.Message)
	return e.Code == "context_length_exceeded" || e.Type == "exceed_context_size_error" ||
		strings.Contains(words, "context length") || strings.Contains(words, "context size")
}

// Bounds of retries.
const (
	tries     = 3
	firstWait = 100 * time.Millisecond
	longest   = 2 * time.Second // a server that wants more time is busy; the caller may have another
)

// again does something once more where that is safe: where the server surely did nothing, because it wasn't reached or said that it
// won't now (429, 503). Everything else, such as a broken connection or 502, may have been done and paid for already.
func again(ctx context.Context, do func() error) error {
	wait := firstWait
	for try := 1; ; try++ {
		err := do()
		if err == nil || try == tries {
			return err
		}
		pause := wait + rand.N(wait/2) // apart from others who were refused
		var refused *StatusError
		var dial *net.OpError
		switch {
		case errors.As(err, &refused) && errors.Is(err, model.ErrBusy):
			if refused.RetryAfter > longest {
				return err
			}
			pause = max(pause, refused.RetryAfter)
		case errors.As(err, &dial) && dial.Op == "dial":
		default:
			return err
		}
		wait *= 2
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// ask makes a request that isn't streamed.
func (e *Engine) ask(ctx context.Context, r model.Request) (out *api.ChatCompletion, err error) {
	err = again(ctx, func() (err error) {
		out, err = e.client.Chat.Completions.New(ctx, e.params(r), e.wishes(r)...)
		return explain(ctx, err)
	})
	return out, err
}
