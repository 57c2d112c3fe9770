package openai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/openai/openai-go/v3/option"
)

// silence ends a request whose server says nothing for so long: one that was stopped keeps its connections open. Any byte counts,
// comments of a stream too, by which llama.cpp says that it is still at work. While nobody listens nobody is silent.
func silence(longest time.Duration) option.Middleware {
	return func(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
		ctx, cancel := context.WithCancelCause(r.Context())
		timer := time.AfterFunc(longest, func() { cancel(fmt.Errorf("%w: it said nothing for %v", ErrServer, longest)) })
		end := func() { timer.Stop(); cancel(nil) }
		res, err := next(r.WithContext(ctx))
		if err != nil {
			err = because(ctx, err)
			end()
			return res, err
		}
		timer.Stop()
		res.Body = &heard{body: res.Body, ctx: ctx, listen: func() { timer.Reset(longest) }, rest: func() { timer.Stop() }, end: end}
		return res, nil
	}
}

// apart gives every request a connection of its own at a server of llama.cpp: it hangs up after a streamed answer though it says that
// it will not, and the next request on that connection would be lost.
func apart() option.Middleware {
	var hangsUp atomic.Bool
	return func(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
		r.Close = hangsUp.Load()
		res, err := next(r)
		if err == nil && HangsUp(res) {
			hangsUp.Store(true)
		}
		return res, err
	}
}

// HangsUp says that a server closes connections without saying so, so that none should be used twice.
func HangsUp(res *http.Response) bool { return res.Header.Get("Server") == "llama.cpp" }

// because is why a context ended, if it did, or else the error.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// heard is the body of an answer, which tells when it is listened to.
type heard struct {
	body   io.ReadCloser
	ctx    context.Context // the request's
	listen func()
	rest   func()
	end    func()
}

// Read implements io.Reader.
func (h *heard) Read(p []byte) (int, error) {
	h.listen()
	n, err := h.body.Read(p)
	h.rest()
	if err != nil && !errors.Is(err, io.EOF) {
		err = because(h.ctx, err)
	}
	return n, err
}

// Close implements io.Closer.
func (h *heard) Close() error {
	defer h.end()
	return h.body.Close()
}
