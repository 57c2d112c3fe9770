package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"funai/model"
)

const (
	// maxAnswer bounds what the answers to one request may weigh, in bytes of text with pieceWeight for each piece;
	// MaxTokens is the real limit, this one holds against a server that ignores it.
	maxAnswer   = 4 << 20
	pieceWeight = 16
)

// errClient wraps a failure to write to the client, which nobody is there to hear about.
var errClient = errors.New("gateway: client is gone or too slow")

// endpoint is one of the ways to ask.
type endpoint struct {
	name   string // in usage records
	decode func([]byte) (*chat, *apiError)
	whole  func(*response) sink
	stream func(*response) sink
}

// sink writes the answers in one of the ways that a client may want them. Its methods are called one at a time.
type sink interface {
	delta(choice int, d Delta) error
	finish([]Answer) error
	fail(*apiError)
}

// asks makes the handler of an endpoint: who asks, what, is there room, what may it cost, and then the asking.
func (g *Gateway) asks(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, body, bad := g.take(w, r)
		if bad != nil {
			g.refused(w, bad)
			return
		}
		c, bad := e.decode(body)
		if bad != nil {
			g.refused(w, bad)
			return
		}
		if key != nil {
			c.Client = key.ID
		}
		rs := &response{g: g, w: w, rc: http.NewResponseController(w), chat: c, begun: time.Now()}
		if c.stream {
			rs.sink = e.stream(rs)
		} else {
			rs.sink = e.whole(rs)
		}
		if bad := g.queue.enter(r.Context()); bad != nil {
			g.refused(w, bad)
			return
		}
		defer g.queue.leave()
		ctx, cancel := context.WithTimeoutCause(r.Context(), g.maxDuration, errTooLate)
		defer cancel()
		if err := g.able(ctx, c.requests()); err != nil {
			g.refused(w, fromBackend(err))
			return
		}
		if rs.bill, bad = g.hold(ctx, key, e.name, c.requests()); bad != nil {
			g.refused(w, bad)
			return
		}
		rs.run(ctx)
	}
}

// errTooLate is the cause of a context whose request took all the time there is.
var errTooLate = fmt.Errorf("%w: the answer took too long", ErrUpstream)

// refused counts and writes an error as a whole response, which may come long after the question.
func (g *Gateway) refused(w http.ResponseWriter, e *apiError) {
	g.metrics.done(e.status, 0)
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(g.writeTimeout)) // a recorder in a test has none
	e.write(w)
}

// requests are the questions that a request holds, one for each choice of the answer.
func (c *chat) requests() []Request {
	texts := max(len(c.prompts), 1)
	all := make([]Request, 0, texts*c.n)
	for i := range texts {
		r := c.Request
		if len(c.prompts) > 0 {
			r.Messages = []Message{{Role: "user", Content: c.prompts[i]}}
		}
		for choice := range c.n {
			if choice > 0 && c.Seed != nil { // or all would be alike
				seed := *c.Seed + int64(choice)
				r.Seed = &seed
			}
			all = append(all, r)
		}
	}
	return all
}

// response is one request on its way through the Backend.
type response struct {
	g     *Gateway
	w     http.ResponseWriter
	rc    *http.ResponseController
	chat  *chat
	sink  sink
	bill  *bill
	begun time.Time

	mu       sync.Mutex // the sink and what follows: several answers may come at once
	start    Start      // the first one's
	weight   int
	first    time.Duration // until something of an answer came; 0: nothing did
	extended time.Time     // when the write deadline was last moved
}

func (rs *response) run(ctx context.Context) {
	answers, err := rs.askAll(ctx)
	cause := context.Cause(ctx)
	cut := errors.Is(cause, errCut) // the client's connection too
	gone := err != nil && !cut && (errors.Is(err, errClient) || ctx.Err() != nil && !errors.Is(cause, errTooLate))
	if err != nil && !gone && (cut || errors.Is(cause, errTooLate)) {
		err = cause
	}
	status := http.StatusOK
	var e *apiError
	switch {
	case gone:
		status = statusClientGone
	case err != nil:
		e = fromBackend(err)
		status = e.status
	}
	rs.bill.settle(ctx, answers, status, rs.first, e)
	if err == nil {
		rs.mu.Lock()
		err = rs.sink.finish(answers)
		rs.mu.Unlock()
		gone = err != nil
	}
	tokens := 0
	for _, a := range answers {
		tokens += a.CompletionTokens
	}
	switch {
	case gone:
		rs.g.metrics.done(statusClientGone, tokens)
		rs.g.log.Debug("client went during an answer", "receipt", rs.start.Receipt, "err", err)
	case err == nil:
		rs.g.metrics.done(http.StatusOK, tokens)
	default:
		rs.g.metrics.done(status, tokens)
		rs.g.log.Info("question failed", "model", rs.chat.Model, "status", status, "receipt", rs.start.Receipt, "err", err)
		rs.mu.Lock()
		rs.sink.fail(e)
		rs.mu.Unlock()
	}
}

// askAll asks for every choice at once. The first failure ends the others.
func (rs *response) askAll(ctx context.Context) ([]Answer, error) {
	requests := rs.chat.requests()
	answers := make([]Answer, len(requests))
	if len(requests) == 1 { // as nearly always: no goroutine
		var err error
		answers[0], err = rs.ask(ctx, 0, requests[0])
		return answers, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for i, r := range requests {
		wg.Go(func() {
			var err error
			if answers[i], err = rs.ask(ctx, i, r); err != nil {
				cancel(err) // only the first one counts
			}
		})
	}
	wg.Wait()
	return answers, context.Cause(ctx)
}

// ask asks for one choice.
func (rs *response) ask(ctx context.Context, i int, r Request) (Answer, error) {
	r.MaxFee = rs.bill.limit(i, r.MaxFee)
	if r.MaxFee == 0 {
		r.MaxFee = rs.g.maxFee
	}
	stop := &stopper{stops: rs.chat.stop, emit: func(d Delta) error {
		rs.mu.Lock()
		defer rs.mu.Unlock()
		return rs.sink.delta(i, d)
	}}
	answer, err := rs.g.backend.Ask(ctx, r, func(s Start) { rs.started(ctx, i, s) }, func(d Delta) error {
		if err := rs.came(d); err != nil {
			return err
		}
		return stop.add(d)
	})
	if errors.Is(err, ErrStop) && stop.met { // a Backend that hands emit's error on, without the answer
		err = fmt.Errorf("%w: it did not say what the answer costs", ErrUpstream)
	}
	if err == nil {
		err = stop.flush()
	}
	if err != nil {
		return answer, err
	}
	if stop.met {
		answer.Finish = model.FinishStop
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if answer.Receipt == "" && answer.Server == "" {
		answer.Receipt, answer.Server = rs.start.Receipt, rs.start.Server
	}
	if answer.Trust == "" {
		answer.Trust = TrustJudge
	}
	return answer, nil
}

// started notes that a server took a question.
func (rs *response) started(ctx context.Context, i int, s Start) {
	rs.bill.owe(ctx, i, s)
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if i == 0 || rs.start.Server == "" {
		rs.start = s
	}
}

// came counts a piece.
func (rs *response) came(d Delta) error {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.first == 0 {
		rs.first = time.Since(rs.begun)
		rs.g.metrics.firstToken(rs.first)
	}
	rs.weight += len(d.Text) + pieceWeight
	for _, c := range d.Calls {
		if c.Index < 0 || c.Index >= maxCalls {
			return fmt.Errorf("%w: tool call %d, not 0 to %d", ErrUpstream, c.Index, maxCalls-1)
		}
		rs.weight += len(c.ID) + len(c.Name) + len(c.Arguments)
	}
	if rs.weight > maxAnswer {
		return fmt.Errorf("%w: its answer exceeds %d bytes", ErrUpstream, maxAnswer)
	}
	return nil
}

// statusClientGone is nginx's number for a client that closed its connection; only metrics and usage records see it.
const statusClientGone = 499

// extend lets the next write take WriteTimeout from now. Moving a deadline costs a third of writing a token, so one set
// less than an eighth of that ago is good enough.
func (rs *response) extend() {
	if now := time.Now(); now.Sub(rs.extended) > rs.g.writeTimeout/8 {
		rs.rc.SetWriteDeadline(now.Add(rs.g.writeTimeout))
		rs.extended = now
	}
}

// able refuses what the model can't do, before anything is paid. A model that isn't listed is left to the Backend.
func (g *Gateway) able(ctx context.Context, requests []Request) error {
	const usual = CanChat | CanLogprobs | CanRepeat // every Backend takes these, or says no by itself
	need := requests[0].Needs() &^ usual
	if need == 0 {
		return nil
	}
	list, err := g.backend.Models(ctx)
	if err != nil {
		return err
	}
	for _, m := range list {
		if m.ID == requests[0].Model {
			if lacks := m.Can.Lacks(need); lacks != 0 {
				return Refuse(m.ID, lacks)
			}
			return nil
		}
	}
	return nil
}
