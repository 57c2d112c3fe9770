package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// maxHeldBack is how much a stream gathers before it writes, while more is known to come at once.
const maxHeldBack = 16 << 10 // bytes

// events writes server-sent events. Its header goes with the first piece, so that a failure before it still has its true
// status.
type events struct {
	*response
	opened bool
	buf    bytes.Buffer
	enc    *json.Encoder
}

// open sends the header.
func (s *events) open() {
	h := s.w.Header()
	s.headers()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("Trailer", headerFee)
	h.Set("X-Accel-Buffering", "no") // or nginx in front would hold events back
	s.w.WriteHeader(http.StatusOK)
	s.opened = true
	s.enc = json.NewEncoder(&s.buf)
	s.enc.SetEscapeHTML(false)
}

// value appends JSON without the line end that an Encoder adds.
func (s *events) value(v any) error {
	if err := s.enc.Encode(v); err != nil {
		return err
	}
	s.buf.Truncate(s.buf.Len() - 1)
	return nil
}

// event appends one whole event.
func (s *events) event(v any) error {
	s.buf.WriteString("data: ")
	if err := s.enc.Encode(v); err != nil {
		return err
	}
	s.buf.WriteByte('\n')
	return nil
}

// send writes what the buffer holds and pushes it out, unless more comes at once.
func (s *events) send(more bool) error {
	if more && s.buf.Len() < maxHeldBack {
		return nil
	}
	s.extend()
	_, err := s.w.Write(s.buf.Bytes())
	s.buf.Reset()
	if err == nil {
		err = s.rc.Flush()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errClient, err)
	}
	return nil
}

// done ends a stream that went well.
func (s *events) done(as []Answer) error {
	s.w.Header().Set(headerFee, feeText(as)) // the trailer
	return s.send(false)
}

// fail ends the stream with an error event and without [DONE]; before the first piece it is an ordinary error.
func (s *events) fail(e *apiError) {
	if !s.opened {
		s.response.fail(e)
		return
	}
	if s.event(e) == nil {
		_ = s.send(false) // the client may be gone; the answer ends either way
	}
}

// streamed sends chat completions in pieces, as OpenAI does.
type streamed struct {
	events
	heads [][]byte // of every chunk of a choice, up to the content; nil before its first
	tail  []byte
	name  string // id and model do not change
	front []byte
}

// begin sends the header.
func (s *streamed) begin() error {
	s.open()
	s.name = s.id("chatcmpl-")
	quoted, err := json.Marshal(s.chat.Model)
	if err != nil {
		return err
	}
	var usages string
	if s.chat.includeUsage {
		usages = `,"usage":null`
	}
	s.front = fmt.Appendf(nil, `data: {"id":%q,"object":"chat.completion.chunk","created":%s,"model":%s,"choices":[{"index":`,
		s.name, strconv.FormatInt(s.begun.Unix(), 10), quoted)
	s.tail = fmt.Appendf(nil, `,"finish_reason":null}]%s}`+"\n\n", usages)
	s.heads = make([][]byte, s.chat.n)
	return nil
}

// head is how a choice's chunks begin; before the first of them goes the chunk that names the role.
func (s *streamed) head(i int) ([]byte, error) {
	if !s.opened {
		if err := s.begin(); err != nil {
			return nil, err
		}
	}
	if s.heads[i] == nil {
		s.heads[i] = fmt.Appendf(bytes.Clone(s.front), `%d,"delta":{`, i)
		s.buf.Write(s.heads[i])
		s.buf.WriteString(`"role":"assistant","content":""},"logprobs":null`)
		s.buf.Write(s.tail)
	}
	return s.heads[i], nil
}

func (s *streamed) delta(i int, d Delta) error {
	head, err := s.head(i)
	if err != nil {
		return err
	}
	s.buf.Write(head)
	if len(d.Calls) > 0 {
		s.buf.WriteString(`"tool_calls":`)
		if err := s.value(callChunks(d.Calls)); err != nil {
			return err
		}
		if d.Text != "" {
			s.buf.WriteByte(',')
		}
	}
	if d.Text != "" || len(d.Calls) == 0 {
		s.buf.WriteString(`"content":`)
		if err := s.value(d.Text); err != nil {
			return err
		}
	}
	s.buf.WriteString(`},"logprobs":`)
	if s.chat.Logprobs && len(d.Tokens) > 0 {
		if err := s.value(logprobs(d.Tokens)); err != nil {
			return err
		}
	} else {
		s.buf.WriteString("null")
	}
	s.buf.Write(s.tail)
	return s.send(d.More)
}

func (s *streamed) finish(as []Answer) error {
	created, object := s.begun.Unix(), "chat.completion.chunk"
	for i, a := range as {
		if _, err := s.head(i); err != nil { // an empty answer has no chunk yet
			return err
		}
		last := lastChunk{ID: s.name, Object: object, Created: created, Model: s.chat.Model,
			Choices: []lastChoice{{Index: i, FinishReason: a.Finish}}}
		if i == len(as)-1 {
			e := extraOf(as)
			last.Funai = &e
		}
		if err := s.event(last); err != nil {
			return err
		}
	}
	if s.chat.includeUsage {
		u := usageChunk{ID: s.name, Object: object, Created: created, Model: s.chat.Model, Choices: []choice{}, Usage: usageOf(as)}
		if err := s.event(u); err != nil {
			return err
		}
	}
	s.buf.WriteString("data: [DONE]\n\n")
	return s.done(as)
}
