package upstream

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"funai/gateway"
	"funai/model/openai"
)

// errIdle is the cause of a request whose server stopped sending.
var errIdle = errors.New("it sends nothing")

// Ask implements route.Source.
func (s *Server) Ask(ctx context.Context, _ string, r gateway.Request, started func(gateway.Start), emit func(gateway.Delta) error) (gateway.Answer, error) {
	m, f, err := s.served(r.Model)
	if err != nil {
		return gateway.Answer{}, err
	}
	most := m.model(s.Name).Cost(r)
	if r.MaxFee > 0 && most > r.MaxFee {
		return gateway.Answer{}, fmt.Errorf("%w: up to %v at %s, your limit is %v", gateway.ErrMaxFee, most, s.Name, r.MaxFee)
	}
	leave, err := s.enter()
	if err != nil {
		return gateway.Answer{}, err
	}
	defer leave()
	a, err := s.stream(ctx, m, f, r, func() { started(gateway.Start{Server: s.Name, Escrow: most}) }, emit)
	s.suspect(err)
	a.Fee = min(a.Fee, most) // whatever the server says that it read and made
	return a, err
}

// stream asks a model and hands on its answer. It calls started before the first piece.
func (s *Server) stream(ctx context.Context, m Served, f found, r gateway.Request, started func(), emit func(gateway.Delta) error) (gateway.Answer, error) {
	path, b := bodyOf(m, f, r)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	res, err := s.post(ctx, path, b)
	if err != nil {
		return gateway.Answer{}, err
	}
	defer res.Body.Close()
	if t, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || t != "text/event-stream" {
		return gateway.Answer{}, fmt.Errorf("%w: %s answers with %.100q, not with events", gateway.ErrUpstream, s.Name, res.Header.Get("Content-Type"))
	}
	idle := time.AfterFunc(s.Idle, func() { cancel(errIdle) })
	defer idle.Stop()
	a := &answer{server: s, model: m, request: r, templated: r.Raw && !f.raw, begin: sync.OnceFunc(started)}
	a.alive = func() { idle.Reset(s.Idle) }
	a.emit = func(d gateway.Delta) error {
		idle.Stop() // while a slow client takes it, the server isn't the one that is silent
		defer a.alive()
		return emit(d)
	}
	return a.end(ctx, a.read(res.Body))
}

// post sends a request and returns a response of status 200.
func (s *Server) post(ctx context.Context, path string, v any) (*http.Response, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	if s.Key != "" {
		q.Header.Set("Authorization", "Bearer "+s.Key)
	}
	q.Close = s.single.Load()
	res, err := s.http.Do(q)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, s.broken("can't be reached", err)
	}
	if openai.HangsUp(res) {
		s.single.Store(true)
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		return nil, s.refusal(res)
	}
	return res, nil
}

// broken is a failure as clients may know it, who have the server's name. Why it failed tells addresses, so only the log says it.
func (s *Server) broken(what string, why error) error {
	s.log.Info("server failed", "server", s.Name, "what", what, "err", why)
	return fmt.Errorf("%w: %s %s", gateway.ErrUpstream, s.Name, what)
}

// says is what a server said, without the key that it may repeat.
func (s *Server) says(words string) string {
	if s.Key == "" {
		return words
	}
	return strings.ReplaceAll(words, s.Key, "(key)")
}

// refusal reads an error.
func (s *Server) refusal(res *http.Response) error {
	raw, _ := io.ReadAll(io.LimitReader(res.Body, maxFailure)) // what came of it has to do
	var f struct {
		Error   json.RawMessage
		Message string
	}
	var e struct{ Message, Code string }
	if json.Unmarshal(raw, &f) == nil {
		if json.Unmarshal(f.Error, &e) != nil { // some say {"error": "text"}, some {"message": "text"}
			_ = json.Unmarshal(f.Error, &e.Message)
		}
		if e.Message == "" {
			e.Message = f.Message
		}
	}
	if e.Message == "" {
		e.Message = res.Status
	}
	as := func(is error) error { return fmt.Errorf("%w: %s says: %s", is, s.Name, s.says(e.Message)) }
	switch c := res.StatusCode; {
	case e.Code == "context_length_exceeded" || c == http.StatusRequestEntityTooLarge ||
		c == http.StatusBadRequest && strings.Contains(strings.ToLower(e.Message), "context length"):
		return as(gateway.ErrTooLong)
	case c == http.StatusBadRequest || c == http.StatusUnprocessableEntity:
		return as(gateway.ErrRequest)
	case c == http.StatusUnauthorized || c == http.StatusForbidden: // of its own key a server may say a part
		return fmt.Errorf("%w: %s does not let this gateway ask: %s", gateway.ErrUpstream, s.Name, res.Status)
	case c == http.StatusTooManyRequests || c == http.StatusServiceUnavailable:
		busy := &gateway.BusyError{RetryAfter: time.Second}
		if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && n > 0 {
			busy.RetryAfter = time.Duration(min(n, 3600)) * time.Second
		}
		return fmt.Errorf("%w: %s says: %s", busy, s.Name, s.says(e.Message))
	}
	return as(gateway.ErrUpstream) // missing models there are the owner's fault, not the client's
}

// lines reads a body line by line. A line longer than maxEvent is an error.
func lines(body io.Reader, each func(line []byte, more bool) error) error {
	br := bufio.NewReaderSize(body, 16<<10)
	var long []byte
	for {
		part, err := br.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			if long = append(long, part...); len(long) > maxEvent {
				return fmt.Errorf("%w: an event exceeds %d bytes", gateway.ErrUpstream, maxEvent)
			}
			continue
		}
		line := part
		if len(long) > 0 {
			line, long = slices.Concat(long, part), nil
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 || err == nil {
			// Whole lines that are here already come next, without waiting.
			rest, _ := br.Peek(br.Buffered()) // of what is buffered none fails
			if each := each(line, bytes.Contains(rest, []byte("\ndata:")) || bytes.HasPrefix(rest, []byte("data:")) && bytes.IndexByte(rest, '\n') >= 0); each != nil {
				return each
			}
		}
		if err != nil {
			return err
		}
	}
}
