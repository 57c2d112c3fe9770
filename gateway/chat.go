package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"funai/model"
)

const (
	// maxAnswer bounds what one answer may weigh, in bytes of text with pieceWeight for each piece; MaxTokens is the real
	// limit, this one holds against a server that ignores it.
	maxAnswer   = 4 << 20
	pieceWeight = 16

	// bodyTimeout is how long a client may take to send its request.
	bodyTimeout = 30 * time.Second
)

// Response headers of the network.
const (
	headerReceipt = "X-Funai-Receipt"
	headerServer  = "X-Funai-Server"
	headerFee     = "X-Funai-Fee" // base units; a trailer when streaming
)

// errClient wraps a failure to write to the client, which nobody is there to hear about.
var errClient = errors.New("gateway: client is gone or too slow")

// chatCompletions is POST /v1/chat/completions.
func (g *gateway) chatCompletions(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		(&apiError{status: http.StatusMethodNotAllowed, kind: "invalid_request_error", code: "method_not_allowed",
			message: r.Method + " is not allowed here; POST is"}).write(w)
		return
	}
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	default:
		fromBackend(fmt.Errorf("%w: %d questions are under way", ErrBusy, cap(g.slots))).write(w)
		return
	}
	body, bad := g.body(w, r)
	if bad != nil {
		bad.write(w)
		return
	}
	c, bad := decodeChat(body)
	if bad != nil {
		bad.write(w)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	rs := &response{g: g, w: w, rc: http.NewResponseController(w), chat: c, begun: time.Now()}
	if c.stream {
		rs.sink = &streamed{response: rs}
	} else {
		rs.sink = &collected{response: rs}
	}
	rs.run(ctx)
}

// body reads a bounded JSON body. The content type is required so that a browser asks before it lets a foreign page post.
func (g *gateway) body(w http.ResponseWriter, r *http.Request) ([]byte, *apiError) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return nil, &apiError{status: http.StatusUnsupportedMediaType, kind: "invalid_request_error", code: "unsupported_media_type",
			message: fmt.Sprintf("Content-Type is %q, not application/json", clip(r.Header.Get("Content-Type")))}
	}
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Now().Add(bodyTimeout)) // a recorder in a test has none: nothing to bound there
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	rc.SetReadDeadline(time.Time{})
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

// sink writes an answer in one of the two ways a client may want it.
type sink interface {
	delta(Delta) error
	finish(Answer) error
	fail(*apiError)
}

// response is one request on its way through the Backend.
type response struct {
	g     *gateway
	w     http.ResponseWriter
	rc    *http.ResponseController
	chat  *chat
	sink  sink
	begun time.Time

	start    Start
	weight   int
	first    bool      // something of the answer came
	extended time.Time // when the write deadline was last moved
}

func (rs *response) run(ctx context.Context) {
	stop := &stopper{stops: rs.chat.stop, emit: rs.sink.delta}
	answer, err := rs.g.backend.Ask(ctx, rs.chat.Request, func(s Start) { rs.start = s }, func(d Delta) error {
		if !rs.first {
			rs.first = true
			rs.g.metrics.firstToken(time.Since(rs.begun))
		}
		if rs.weight += len(d.Text) + pieceWeight; rs.weight > maxAnswer {
			return fmt.Errorf("%w: its answer exceeds %d bytes", ErrUpstream, maxAnswer)
		}
		return stop.add(d)
	})
	if errors.Is(err, ErrStop) && stop.met { // a Backend that hands emit's error on, without the answer
		err = fmt.Errorf("%w: it did not say what the answer costs", ErrUpstream)
	}
	if err == nil {
		err = stop.flush()
	}
	if err == nil {
		if stop.met {
			answer.Finish = model.FinishStop
		}
		if answer.Receipt == "" {
			answer.Receipt, answer.Server = rs.start.Receipt, rs.start.Server
		}
		err = rs.sink.finish(answer)
	}
	switch {
	case err == nil:
		rs.g.metrics.done(http.StatusOK, answer.CompletionTokens)
	case errors.Is(err, errClient) || ctx.Err() != nil:
		rs.g.metrics.done(statusClientGone, 0)
		rs.g.log.Debug("client went during an answer", "receipt", rs.start.Receipt, "err", err)
	default:
		e := fromBackend(err)
		rs.g.metrics.done(e.status, 0)
		rs.g.log.Info("question failed", "model", rs.chat.Model, "status", e.status, "receipt", rs.start.Receipt, "err", err)
		rs.sink.fail(e)
	}
}

// statusClientGone is nginx's number for a client that closed its connection; only metrics see it.
const statusClientGone = 499

// headers sets what is known of the transaction.
func (rs *response) headers() {
	if rs.start.Receipt != "" {
		rs.w.Header().Set(headerReceipt, rs.start.Receipt)
		rs.w.Header().Set(headerServer, rs.start.Server)
	}
}

// id names the completion after its transaction.
func (rs *response) id() string {
	if rs.start.Receipt != "" {
		return "chatcmpl-" + rs.start.Receipt
	}
	var b [12]byte
	rand.Read(b[:])
	return "chatcmpl-" + hex.EncodeToString(b[:])
}

// extend lets the next write take WriteTimeout from now. Moving a deadline costs a third of writing a token, so one set
// less than an eighth of that ago is good enough.
func (rs *response) extend() {
	if now := time.Now(); now.Sub(rs.extended) > rs.g.writeTimeout/8 {
		rs.rc.SetWriteDeadline(now.Add(rs.g.writeTimeout))
		rs.extended = now
	}
}

func feeText(a Answer) string { return strconv.FormatUint(uint64(a.Fee), 10) }

// collected sends the answer whole.
type collected struct {
	*response
	text   strings.Builder
	tokens []model.Token
}

func (s *collected) delta(d Delta) error {
	s.text.WriteString(d.Text)
	if s.chat.Logprobs {
		s.tokens = append(s.tokens, d.Tokens...)
	}
	return nil
}

func (s *collected) finish(a Answer) error {
	s.headers()
	s.w.Header().Set(headerFee, feeText(a))
	s.extend()
	writeJSON(s.w, http.StatusOK, completion{
		ID: s.id(), Object: "chat.completion", Created: s.begun.Unix(), Model: s.chat.Model,
		Choices: []choice{{
			Message: message{Role: "assistant", Content: s.text.String()}, Logprobs: logprobs(s.tokens), FinishReason: a.Finish,
		}},
		Usage: usageOf(a), Funai: extraOf(a, s.chat.Request),
	})
	return nil
}

func (s *collected) fail(e *apiError) {
	s.headers()
	s.extend()
	e.write(s.w)
}
