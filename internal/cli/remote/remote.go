// Package remote talks to a running node over HTTP: its JSON API and its OpenAI-compatible gateway. It may import
// inference/api and gateway, for the types it reads, and amount. The shapes are those of docs/api.md; server-sent events are the
// WHATWG's (HTML, section 9.2).
package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"funai/inference/api"
)

const (
	maxAnswer   = 16 << 20 // bytes of one JSON answer
	maxFailure  = 64 << 10 // bytes of an error's body
	callTimeout = 15 * time.Second
	dialTimeout = 5 * time.Second
)

var (
	// ErrNoNode says that nobody answers at the node's address.
	ErrNoNode = errors.New("no node answers")
	// ErrURL says that a text names no node.
	ErrURL = errors.New("not a node's URL")
	// ErrShape says that what answers is no node, or one of another version.
	ErrShape = errors.New("unexpected answer")
)

// Error is what a node said no with. Code is the API's or OpenAI's.
type Error struct {
	Status     int
	Code       string
	Message    string
	RetryAfter time.Duration // 0: not said
}

// Error is the node's message.
func (e *Error) Error() string { return e.Message }

// Code returns the code of a node's refusal, or "".
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Client talks to one node. It may be used by many goroutines.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// ParseURL reads a node's URL as people write it: "127.0.0.1:8324", with or without http:// and /v1.
func ParseURL(s string) (string, error) {
	text := strings.TrimSpace(s)
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("%w: %.200q, like http://127.0.0.1:8324", ErrURL, s)
	}
	path := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/v1")
	return u.Scheme + "://" + u.Host + path, nil
}

// New returns a client of the node at a URL. The token is only sent with orders to pay.
func New(base, token string) (*Client, error) {
	base, err := ParseURL(base)
	if err != nil {
		return nil, err
	}
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		t = &http.Transport{}
	}
	t = t.Clone()
	t.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	return &Client{base: base, token: token, http: &http.Client{Transport: t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// URL is the node's, without a slash at its end.
func (c *Client) URL() string { return c.base }

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// do sends a request and returns a response of status 200.
func (c *Client) do(ctx context.Context, method, path string, body any, header ...string) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		return nil, c.refusal(res)
	}
	return res, nil
}

// unreachable gives a failed connection its name.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("%w at %s: %w", ErrNoNode, c.base, err)
}

// refusal reads an error, which the gateway and the API shape alike.
func (c *Client) refusal(res *http.Response) error {
	b, err := io.ReadAll(io.LimitReader(res.Body, maxFailure))
	var f struct {
		Error *struct{ Message, Code string }
	}
	if err != nil || json.Unmarshal(b, &f) != nil || f.Error == nil || f.Error.Message == "" {
		return fmt.Errorf("%w: %s says %s: is it a node?", ErrShape, c.base, res.Status)
	}
	e := &Error{Status: res.StatusCode, Code: f.Error.Code, Message: f.Error.Message}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}

// call reads one JSON answer.
func call[T any](ctx context.Context, c *Client, method, path string, body any, header ...string) (out T, err error) {
	limited, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := c.do(limited, method, path, body, header...)
	if err != nil {
		return out, late(ctx, err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&out); err != nil {
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
		return out, fmt.Errorf("%w from %s%s: %w", ErrShape, c.base, path, err)
	}
	return out, nil
}

// late names our own limit, which only says "deadline exceeded".
func late(ctx context.Context, err error) error {
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w within %v", ErrNoNode, callTimeout)
	}
	return err
}

func get[T any](ctx context.Context, c *Client, path string) (T, error) {
	return call[T](ctx, c, http.MethodGet, path, nil)
}

// Status is GET /api/status.
func (c *Client) Status(ctx context.Context) (api.Status, error) {
	return get[api.Status](ctx, c, "/api/status")
}

// Elections is GET /api/elections.
func (c *Client) Elections(ctx context.Context, limit int) ([]api.Election, error) {
	return get[[]api.Election](ctx, c, "/api/elections?limit="+strconv.Itoa(limit))
}

// InferenceBlocks is GET /api/inference/blocks.
func (c *Client) InferenceBlocks(ctx context.Context, limit int) ([]api.InferenceBlock, error) {
	return get[[]api.InferenceBlock](ctx, c, "/api/inference/blocks?limit="+strconv.Itoa(limit))
}

// Receipts is GET /api/receipts.
func (c *Client) Receipts(ctx context.Context, limit int) ([]api.Receipt, error) {
	return get[[]api.Receipt](ctx, c, "/api/receipts?limit="+strconv.Itoa(limit))
}

// Receipt is GET /api/receipts/{id}.
func (c *Client) Receipt(ctx context.Context, id string) (api.Receipt, error) {
	return get[api.Receipt](ctx, c, "/api/receipts/"+url.PathEscape(id))
}

// Balances is GET /api/balances, of the addresses if there are any, else as `of` says.
func (c *Client) Balances(ctx context.Context, of string, addresses []string, limit int) ([]api.Balance, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if len(addresses) > 0 {
		q["address"] = addresses
	} else {
		q.Set("of", of)
	}
	return get[[]api.Balance](ctx, c, "/api/balances?"+q.Encode())
}

// Send is POST /api/wallet/send.
func (c *Client) Send(ctx context.Context, s api.Send) (api.Sent, error) {
	return call[api.Sent](ctx, c, http.MethodPost, "/api/wallet/send", s, "Authorization", "Bearer "+c.token)
}
