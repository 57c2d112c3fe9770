package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync/atomic"
	"time"

	"funai/gateway/account"
)

// bodyTimeout is how long a client may take to send its request's body, whether anybody reads it or it is thrown away.
const bodyTimeout = 30 * time.Second

// take does what comes before the meaning of a request: method, key, body. A slow sender holds no place in the queue.
func (g *Gateway) take(w http.ResponseWriter, r *http.Request) (key *account.Key, body []byte, bad *apiError) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, nil, &apiError{status: http.StatusMethodNotAllowed, kind: "invalid_request_error", code: "method_not_allowed",
			message: r.Method + " is not allowed here; POST is"}
	}
	if g.draining.Load() {
		w.Header().Set("Connection", "close")
		return nil, nil, &apiError{status: http.StatusServiceUnavailable, kind: "server_error", code: "draining", retryAfter: time.Second,
			message: "this gateway is shutting down; ask again"}
	}
	if key, bad = g.caller(r); bad != nil {
		return nil, nil, bad
	}
	body, bad = readBody(w, r)
	return key, body, bad
}

// readBody reads a bounded JSON body. The content type is required so that a browser asks before it lets a foreign page post.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *apiError) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return nil, &apiError{status: http.StatusUnsupportedMediaType, kind: "invalid_request_error", code: "unsupported_media_type",
			message: fmt.Sprintf("Content-Type is %q, not application/json", clip(r.Header.Get("Content-Type")))}
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil { // or the server would wait without end for the rest
		http.NewResponseController(w).SetReadDeadline(time.Time{}) // a recorder in a test has none
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &apiError{status: http.StatusRequestEntityTooLarge, kind: "invalid_request_error", code: "request_too_large",
			message: fmt.Sprintf("the request body exceeds %d bytes", maxBody)}
	case err != nil:
		return nil, badRequest("", "the request body could not be read: %v", err)
	}
	return b, nil
}

// queue bounds the questions under way and those that wait for a place. Who waits too long, or finds the queue full, is
// told to come back: more load makes more refusals, not slower answers.
type queue struct {
	slots   chan struct{} // one for each question under way
	waiting atomic.Int64
	room    int64
	wait    time.Duration
}

func (q *queue) enter(ctx context.Context) *apiError {
	select {
	case q.slots <- struct{}{}:
		return nil
	default:
	}
	defer q.waiting.Add(-1)
	if q.waiting.Add(1) > q.room {
		return fromBackend(fmt.Errorf("%w: %d questions are under way and %d wait", ErrBusy, cap(q.slots), q.room))
	}
	timer := time.NewTimer(q.wait)
	defer timer.Stop()
	select {
	case q.slots <- struct{}{}: // in the order of waiting
		return nil
	case <-timer.C:
		return fromBackend(fmt.Errorf("%w: %d questions are under way, and none ended within %v", ErrBusy, cap(q.slots), q.wait))
	case <-ctx.Done():
		return &apiError{status: statusClientGone, kind: "server_error", code: "client_gone", message: "the client went while it waited"}
	}
}

func (q *queue) leave() { <-q.slots }
