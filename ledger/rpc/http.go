package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// wrongPassword is how long the answer to a wrong password takes, so that guessing takes time too (Bitcoin Core's).
const wrongPassword = 250 * time.Millisecond

// ServeHTTP answers one HTTP request, a call or a batch of them, with Bitcoin Core's statuses.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, named, ok := walletOf(r.URL.Path)
	if !ok {
		http.Error(w, "", http.StatusNotFound)
		return
	}
	if r.Method != http.MethodPost {
		http.Error(w, "JSONRPC server handles only POST requests", http.StatusMethodNotAllowed)
		return
	}
	if !s.admitted(w, r) {
		return
	}
	body, err := s.read(w, r) // before it holds a worker: bytes may come slowly
	if err != nil {
		return // read has answered
	}
	release := s.work(r.Context())
	if release == nil {
		s.log.Warn("request refused: too many wait for a worker", "most", s.cfg.Queue)
		http.Error(w, "Work queue depth exceeded", http.StatusServiceUnavailable)
		return
	}
	ctx := context.WithValue(r.Context(), placeKey{}, place{s.workers})
	if named {
		ctx = context.WithValue(ctx, walletKey{}, name)
	}
	reply, status := s.handle(ctx, body)
	release() // before a slow reader takes his time
	s.write(w, reply, status)
}

// admitted says whether the client may call, and answers if not. A web page of another site, from which a browser would
// send a password that it remembers, can't send JSON by its right name without asking us first, which is refused.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request) bool {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); r.Header.Get("Origin") != "" && kind != "application/json" {
		http.Error(w, "", http.StatusForbidden)
		return false
	}
	user, password, given := r.BasicAuth()
	ok := false
	for _, c := range s.users {
		ok = c.admits(user, password) || ok // all of them, whichever it is
	}
	if ok {
		return true
	}
	if given {
		s.log.Warn("wrong RPC password", "from", r.RemoteAddr)
		select {
		case <-time.After(wrongPassword):
		case <-r.Context().Done():
		}
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="jsonrpc"`)
	http.Error(w, "", http.StatusUnauthorized)
	return false
}

// work takes a place among the workers, waiting for one if not too many wait already; nil if there is none to be had.
func (s *Server) work(ctx context.Context) (release func()) {
	select {
	case s.workers <- struct{}{}:
		return func() { <-s.workers }
	default:
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > int32(s.cfg.Queue) {
		return nil
	}
	select {
	case s.workers <- struct{}{}:
		return func() { <-s.workers }
	case <-ctx.Done():
		return nil
	}
}

// read takes in the body, within its bounds of size and time.
func (s *Server) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	c := http.NewResponseController(w)
	c.SetReadDeadline(time.Now().Add(s.cfg.Timeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.cfg.MaxBody))
	c.SetReadDeadline(time.Time{}) // a call may take long
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		http.Error(w, "", http.StatusRequestEntityTooLarge)
	case err != nil:
		http.Error(w, "", http.StatusRequestTimeout)
	}
	return body, err
}

// write hands the answer to the client, who has to take it in time.
func (s *Server) write(w http.ResponseWriter, reply []byte, status int) {
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.cfg.Timeout))
	if reply == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(reply)+1))
	w.WriteHeader(status)
	w.Write(append(reply, '\n'))
}

// handle answers a body: one request, or a batch.
func (s *Server) handle(ctx context.Context, body []byte) (reply []byte, status int) {
	switch {
	case !json.Valid(body):
		e := Errorf(CodeParse, "Parse error")
		return (&request{}).reply(nil, e), http.StatusInternalServerError
	case isArray(body):
		return s.batch(ctx, body)
	case isObject(body):
		return s.answer(ctx, body)
	default:
		e := Errorf(CodeParse, "Top-level object parse error")
		return (&request{}).reply(nil, e), http.StatusInternalServerError
	}
}

// batch answers requests one after another. A batch of notifications alone has no answer.
func (s *Server) batch(ctx context.Context, body []byte) (reply []byte, status int) {
	var raws []json.RawMessage
	if err := json.Unmarshal(body, &raws); err != nil {
		e := Errorf(CodeParse, "Parse error")
		return (&request{}).reply(nil, e), http.StatusInternalServerError
	}
	if len(raws) > s.cfg.MaxBatch {
		e := Errorf(CodeInvalidRequest, "Batch of %d requests exceeds the most, %d", len(raws), s.cfg.MaxBatch)
		return (&request{}).reply(nil, e), http.StatusBadRequest
	}
	var replies [][]byte
	size := 0
	for _, raw := range raws {
		r, _ := s.answer(ctx, raw)
		if r == nil {
			continue
		}
		if size += len(r); size > maxReply {
			e := Errorf(CodeInternal, "Answers to the batch exceed %d bytes", maxReply)
			return (&request{}).reply(nil, e), http.StatusInternalServerError
		}
		replies = append(replies, r)
	}
	if len(replies) == 0 && len(raws) > 0 {
		return nil, http.StatusNoContent
	}
	return append(append([]byte{'['}, bytes.Join(replies, []byte{','})...), ']'), http.StatusOK
}

// maxReply bounds the bytes of all answers to one batch: room for some hundred blocks.
const maxReply = 512 << 20
