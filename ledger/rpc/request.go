package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// request is one call as it came.
type request struct {
	id     json.RawMessage // nil: none
	v2     bool            // JSON-RPC 2.0
	method string
	args   Args
	named  map[string]json.RawMessage // instead of args
}

// notification says whether nobody wants to know what becomes of the request, which 2.0 alone knows.
func (r *request) notification() bool { return r.v2 && r.id == nil }

// parse reads a request. What could be read of a bad one, its id above all, comes with the error.
func parse(raw json.RawMessage) (*request, *Error) {
	r := &request{}
	var fields map[string]json.RawMessage
	if !isObject(raw) || json.Unmarshal(raw, &fields) != nil {
		return r, Errorf(CodeInvalidRequest, "Invalid Request object")
	}
	r.id = fields["id"]
	if v, ok := fields["jsonrpc"]; ok {
		version, err := Decode[string](v)
		switch {
		case err != nil || string(v) == "null":
			return r, Errorf(CodeInvalidRequest, "jsonrpc field must be a string")
		case version == "2.0":
			r.v2 = true
		case version != "1.0" && version != "1.1":
			return r, Errorf(CodeInvalidRequest, "JSON-RPC version not supported")
		}
	}
	m, ok := fields["method"]
	if !ok || string(m) == "null" {
		return r, Errorf(CodeInvalidRequest, "Missing method")
	}
	if err := json.Unmarshal(m, &r.method); err != nil {
		return r, Errorf(CodeInvalidRequest, "Method must be a string")
	}
	switch p := bytes.TrimSpace(fields["params"]); {
	case len(p) == 0 || string(p) == "null":
	case p[0] == '[':
		_ = json.Unmarshal(p, &r.args) // an array of anything fits
	case p[0] == '{':
		_ = json.Unmarshal(p, &r.named) // as does an object
	default:
		return r, Errorf(CodeInvalidRequest, "Params must be an array or object")
	}
	return r, nil
}

func isObject(raw []byte) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == '{'
}

func isArray(raw []byte) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == '['
}

// reply writes the answer to a request in its version's shape.
func (r *request) reply(result json.RawMessage, e *Error) []byte {
	id := r.id
	if id == nil {
		id = json.RawMessage("null")
	}
	if e != nil {
		result, _ = marshal(e) // a number and a string
	}
	switch {
	case r.v2 && e != nil:
		return fmt.Appendf(nil, `{"jsonrpc":"2.0","error":%s,"id":%s}`, result, id)
	case r.v2:
		return fmt.Appendf(nil, `{"jsonrpc":"2.0","result":%s,"id":%s}`, result, id)
	case e != nil:
		return fmt.Appendf(nil, `{"result":null,"error":%s,"id":%s}`, result, id)
	default:
		return fmt.Appendf(nil, `{"result":%s,"error":null,"id":%s}`, result, id)
	}
}

// status is the HTTP status of an answer that is not in a batch. Version 2.0 leaves errors to the body.
func (r *request) status(e *Error) int {
	switch {
	case e == nil || r.v2:
		return http.StatusOK
	case e.Code == CodeInvalidRequest:
		return http.StatusBadRequest
	case e.Code == CodeMethodNotFound:
		return http.StatusNotFound
	default:
		return http.StatusInternalServerError
	}
}

// marshal writes JSON without the escapes that only web pages need.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// answer reads a request, makes its call, and returns the reply, nil for a notification.
func (s *Server) answer(ctx context.Context, raw json.RawMessage) (reply []byte, status int) {
	r, e := parse(raw)
	var result json.RawMessage
	if e == nil {
		result, e = s.call(ctx, r)
	}
	if r.notification() {
		return nil, http.StatusNoContent
	}
	return r.reply(result, e), r.status(e)
}

// call makes one call. A method that panics is answered for, and the server goes on.
func (s *Server) call(ctx context.Context, r *request) (result json.RawMessage, e *Error) {
	m, ok := s.methods[r.method]
	if !ok {
		return nil, Errorf(CodeMethodNotFound, "Method not found")
	}
	defer s.watch(r.method, &e)()
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("method panicked", "method", r.method, "panic", v, "stack", string(debug.Stack()))
			result, e = nil, Errorf(CodeInternal, "Internal error")
		}
	}()
	args := r.args
	if r.named != nil {
		var err error
		if args, err = m.positions(r.named); err != nil {
			return nil, asError(err, &m)
		}
	}
	if len(args) > len(m.Params) {
		return nil, asError(errUsage, &m)
	}
	v, err := m.Do(ctx, args)
	if err == nil {
		result, err = marshal(v)
	}
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = Errorf(CodeMisc, "Shutting down")
		}
		return nil, asError(err, &m)
	}
	return result, nil
}

// command is a call under way.
type command struct {
	method string
	since  time.Time
}

// watch notes that a call is under way until the function that it returns is called.
func (s *Server) watch(method string, e **Error) func() {
	c := &command{method, time.Now()}
	s.mu.Lock()
	s.active[c] = struct{}{}
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		delete(s.active, c)
		s.mu.Unlock()
		outcome := "ok"
		if *e != nil {
			outcome = "error"
		}
		s.calls.WithLabelValues(method, outcome).Inc()
		s.log.Debug("call", "method", method, "outcome", outcome, "took", time.Since(c.since))
	}
}

// place is a call's place among the workers.
type place struct{ workers chan struct{} }

type (
	placeKey  struct{}
	walletKey struct{}
)

// Idle runs f, which waits for something to happen, without holding one of the server's workers meanwhile: clients that
// wait for the next block do not keep others from being answered.
func Idle(ctx context.Context, f func()) {
	p, ok := ctx.Value(placeKey{}).(place)
	if !ok {
		f()
		return
	}
	<-p.workers
	defer func() { p.workers <- struct{}{} }()
	f()
}

// Wallet is the wallet that a call was sent to, by the path /wallet/NAME; false if it was sent to the path /.
func Wallet(ctx context.Context) (name string, ok bool) {
	name, ok = ctx.Value(walletKey{}).(string)
	return name, ok
}

// walletOf is the wallet that a path names; ok is false for paths that the server does not know.
func walletOf(path string) (name string, named, ok bool) {
	if path == "/" {
		return "", false, true
	}
	name, ok = strings.CutPrefix(path, "/wallet/")
	return name, ok, ok
}
