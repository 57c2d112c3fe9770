package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// streamed sends the answer as server-sent events, one for each piece, as OpenAI does. Its header goes with the first
// piece, so that a failure before it still has its true status.
type streamed struct {
	*response
	open   bool
	buf    bytes.Buffer
	enc    *json.Encoder
	head   []byte // of every chunk, up to the content
	tail   []byte
	name   string // id and model do not change
	usages []byte
}

// begin sends the header and the chunk that names the role.
func (s *streamed) begin() error {
	h := s.w.Header()
	s.headers()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("Trailer", headerFee)
	h.Set("X-Accel-Buffering", "no") // or nginx in front would hold events back
	s.w.WriteHeader(http.StatusOK)
	s.open = true
	s.enc = json.NewEncoder(&s.buf)
	s.enc.SetEscapeHTML(false)
	s.name = s.id()
	quoted, err := json.Marshal(s.chat.Model)
	if err != nil {
		return err
	}
	if s.chat.includeUsage {
		s.usages = []byte(`,"usage":null`)
	}
	s.head = fmt.Appendf(nil, `data: {"id":%q,"object":"chat.completion.chunk","created":%s,"model":%s,"choices":[{"index":0,"delta":{`,
		s.name, strconv.FormatInt(s.begun.Unix(), 10), quoted)
	s.tail = fmt.Appendf(nil, `,"finish_reason":null}]%s}`+"\n\n", s.usages)
	s.buf.Write(s.head)
	s.buf.WriteString(`"role":"assistant","content":""},"logprobs":null`)
	s.buf.Write(s.tail)
	return nil // goes out with what follows it
}

func (s *streamed) delta(d Delta) error {
	if !s.open {
		if err := s.begin(); err != nil {
			return err
		}
	}
	s.buf.Write(s.head)
	s.buf.WriteString(`"content":`)
	if err := s.value(d.Text); err != nil {
		return err
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
	return s.send()
}

// value appends JSON without the line end that an Encoder adds.
func (s *streamed) value(v any) error {
	if err := s.enc.Encode(v); err != nil {
		return err
	}
	s.buf.Truncate(s.buf.Len() - 1)
	return nil
}

// event appends one whole event.
func (s *streamed) event(v any) error {
	s.buf.WriteString("data: ")
	if err := s.enc.Encode(v); err != nil {
		return err
	}
	s.buf.WriteByte('\n')
	return nil
}

// send writes what the buffer holds and pushes it out.
func (s *streamed) send() error {
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

func (s *streamed) finish(a Answer) error {
	if !s.open { // an empty answer
		if err := s.begin(); err != nil {
			return err
		}
	}
	created, object := s.begun.Unix(), "chat.completion.chunk"
	last := lastChunk{ID: s.name, Object: object, Created: created, Model: s.chat.Model,
		Choices: []lastChoice{{FinishReason: a.Finish}}, Funai: extraOf(a, s.chat.Request)}
	if err := s.event(last); err != nil {
		return err
	}
	if s.chat.includeUsage {
		u := usageChunk{ID: s.name, Object: object, Created: created, Model: s.chat.Model, Choices: []choice{}, Usage: usageOf(a)}
		if err := s.event(u); err != nil {
			return err
		}
	}
	s.buf.WriteString("data: [DONE]\n\n")
	s.w.Header().Set(headerFee, feeText(a)) // the trailer
	return s.send()
}

// fail ends the stream with an error event and without [DONE]; before the first piece it is an ordinary error.
func (s *streamed) fail(e *apiError) {
	if !s.open {
		s.headers()
		s.extend()
		e.write(s.w)
		return
	}
	s.buf.Reset()
	if s.event(e) == nil {
		_ = s.send() // the client may be gone; the answer ends either way
	}
}
