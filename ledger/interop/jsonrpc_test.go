package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// client speaks JSON-RPC 1.0 over HTTP to bitcoind or to a node of ours, as their clients in the world do. It is not
// ledger/rpc's, so that one's mistakes do not hide here.
type client struct {
	url        string
	cookieFile string // read at every call: a restart makes a new one
	user, pass string // used if there is no cookie file
	timeout    time.Duration
	http       *http.Client // nil: the default one
}

// rpcError is what a server answers instead of a result.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *rpcError) Error() string { return fmt.Sprintf("RPC error %d: %s", e.Code, e.Message) }

// isRPCError says whether an error is a server's answer, and not a lack of one.
func isRPCError(err error) bool {
	var e *rpcError
	return errors.As(err, &e)
}

func (c *client) credentials() (user, pass string, err error) {
	if c.cookieFile == "" {
		return c.user, c.pass, nil
	}
	b, err := os.ReadFile(c.cookieFile)
	user, pass, _ = strings.Cut(strings.TrimSpace(string(b)), ":")
	return user, pass, err
}

// call asks and decodes the answer's result into result, unless that is nil.
func (c *client) call(ctx context.Context, result any, method string, params ...any) error {
	user, pass, err := c.credentials()
	if err != nil {
		return err
	}
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "1.0", "id": "interop", "method": method, "params": params})
	if err != nil {
		return err
	}
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth(user, pass)
	req.Header.Set("Content-Type", "application/json")
	h := c.http
	if h == nil {
		h = http.DefaultClient
	}
	res, err := h.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  *rpcError       `json:"error"`
	}
	dec := json.NewDecoder(res.Body)
	if err := dec.Decode(&answer); err != nil {
		return fmt.Errorf("%s: HTTP status %s: %w", method, res.Status, err)
	}
	if answer.Error != nil {
		return fmt.Errorf("%s: %w", method, answer.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}

// ask is call for answers that must come.
func ask[T any](t testing.TB, c *client, method string, params ...any) T {
	t.Helper()
	var v T
	if err := c.call(context.Background(), &v, method, params...); err != nil {
		t.Fatal(err)
	}
	return v
}
