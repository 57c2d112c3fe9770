package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// Client calls a node.
type Client struct {
	url, user, password string
	http                *http.Client
	id                  atomic.Int64
}

// Client errors.
var (
	// ErrPassword says that the node did not take the user and password.
	ErrPassword = errors.New("RPC server refused user and password")
	// ErrBusy says that too many wait for the node.
	ErrBusy = errors.New("RPC server is too busy")
	// ErrProtocol says that whoever answered is not a server of this kind.
	ErrProtocol = errors.New("not an answer of an RPC server")
)

// maxAnswer bounds the bytes read of an answer.
const maxAnswer = maxReply + 1<<20

// Dial makes a client of the node at a URL such as http://127.0.0.1:28443. Nothing is sent yet. Passwords go to the node and
// nowhere else: no proxy of the environment's is used, and nobody is followed to another place.
func Dial(url, user, password string) *Client {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // of the standard library
	t.Proxy = nil
	follow := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{url: strings.TrimSuffix(url, "/") + "/", user: user, password: password, http: &http.Client{Transport: t, CheckRedirect: follow}}
}

// DialCookie is Dial with the password in a node's cookie file.
func DialCookie(url, cookieFile string) (*Client, error) {
	user, password, err := readCookie(cookieFile)
	if err != nil {
		return nil, err
	}
	return Dial(url, user, password), nil
}

// Wallet is the same client for calls to one wallet.
func (c *Client) Wallet(name string) *Client {
	return &Client{url: c.url + "wallet/" + url.PathEscape(name), user: c.user, password: c.password, http: c.http}
}

// Call calls a method and decodes what it answers into result, unless that is nil. A refusal by the method is an *Error.
func (c *Client) Call(ctx context.Context, method string, result any, params ...any) error {
	if params == nil {
		params = []any{}
	}
	return c.call(ctx, method, result, params)
}

// CallNamed is Call with parameters by name.
func (c *Client) CallNamed(ctx context.Context, method string, result any, params map[string]any) error {
	return c.call(ctx, method, result, params)
}

func (c *Client) call(ctx context.Context, method string, result, params any) error {
	body, err := marshal(map[string]any{"jsonrpc": "2.0", "id": c.id.Add(1), "method": method, "params": params})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth(c.user, c.password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return ErrPassword
	case http.StatusServiceUnavailable:
		return ErrBusy
	}
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  *Error          `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&answer); err != nil {
		return fmt.Errorf("%w: status %s: %v", ErrProtocol, resp.Status, err)
	}
	if answer.Error != nil {
		return answer.Error
	}
	if result == nil || answer.Result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}
