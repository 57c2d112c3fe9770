package gateway

// replyEvent is a server-sent event of a response (OpenAI API reference, "Streaming events"). Fields that an event does
// not have stay nil.
type replyEvent struct {
	Type         string          `json:"type"`
	Sequence     int             `json:"sequence_number"`
	Response     *replyBody      `json:"response,omitempty"`
	OutputIndex  *int            `json:"output_index,omitempty"`
	ContentIndex *int            `json:"content_index,omitempty"`
	ItemID       string          `json:"item_id,omitempty"`
	Item         any             `json:"item,omitempty"`
	Part         *replyPart      `json:"part,omitempty"`
	Delta        *string         `json:"delta,omitempty"`
	Text         *string         `json:"text,omitempty"`
	Name         string          `json:"name,omitempty"`
	Arguments    *string         `json:"arguments,omitempty"`
	Logprobs     *[]tokenLogprob `json:"logprobs,omitempty"`
	Code         *string         `json:"code,omitempty"`
	Message      string          `json:"message,omitempty"`
}

// streamedReply sends a response in events. Items come in the order in which they begin.
type streamedReply struct {
	*reply
	events
	sequence int
	items    int         // begun
	texts    int         // output index of the message, from 1; 0: not begun
	calls    map[int]int // output index of each call
}

func (s *streamedReply) say(e replyEvent) error {
	e.Sequence = s.sequence
	s.sequence++
	s.buf.WriteString("event: " + e.Type + "\n")
	return s.event(e)
}

// begin sends the header and the two events that begin every stream.
func (s *streamedReply) begin() error {
	if s.opened {
		return nil
	}
	s.events.response = s.reply.response
	s.open()
	s.calls = map[int]int{}
	for _, name := range []string{"response.created", "response.in_progress"} {
		b := s.body(inProgress, []any{})
		if err := s.say(replyEvent{Type: name, Response: &b}); err != nil {
			return err
		}
	}
	return nil
}

var zero = 0

func (s *streamedReply) delta(_ int, d Delta) error {
	if err := s.begin(); err != nil {
		return err
	}
	s.part.add(d, s.reply.chat.Logprobs)
	if d.Text != "" {
		if err := s.textDelta(d); err != nil {
			return err
		}
	}
	for _, c := range d.Calls {
		if err := s.callDelta(c); err != nil {
			return err
		}
	}
	return s.send(d.More)
}

func (s *streamedReply) textDelta(d Delta) error {
	if err := s.beginText(); err != nil {
		return err
	}
	at := s.texts - 1
	p := s.textPart("", nil)
	if s.reply.chat.Logprobs {
		p = s.textPart("", d.Tokens)
	}
	return s.say(replyEvent{Type: "response.output_text.delta", ItemID: s.text, OutputIndex: &at, ContentIndex: &zero, Delta: &d.Text, Logprobs: &p.Logprobs})
}

func (s *streamedReply) beginText() error {
	if s.texts > 0 {
		return nil
	}
	s.items++
	s.texts = s.items
	at, p := s.texts-1, s.textPart("", nil)
	if err := s.say(replyEvent{Type: "response.output_item.added", OutputIndex: &at, Item: s.message(inProgress)}); err != nil {
		return err
	}
	return s.say(replyEvent{Type: "response.content_part.added", ItemID: s.text, OutputIndex: &at, ContentIndex: &zero, Part: &p})
}

func (s *streamedReply) callDelta(c ToolCallDelta) error {
	at, begun := s.calls[c.Index]
	if !begun {
		at = s.items
		s.items++
		s.calls[c.Index] = at
		if err := s.say(replyEvent{Type: "response.output_item.added", OutputIndex: &at, Item: s.call(c.Index, inProgress)}); err != nil {
			return err
		}
	}
	if c.Arguments == "" {
		return nil
	}
	return s.say(replyEvent{Type: "response.function_call_arguments.delta", ItemID: s.ids[c.Index], OutputIndex: &at, Delta: &c.Arguments})
}

func (s *streamedReply) finish(as []Answer) error {
	if err := s.begin(); err != nil {
		return err
	}
	whole := s.ended(as[0])
	if s.texts > 0 || len(s.part.calls) == 0 { // an empty answer is an empty message
		if err := s.endText(whole.Status); err != nil {
			return err
		}
	}
	for i := range s.part.calls {
		if err := s.endCall(i, whole.Status); err != nil {
			return err
		}
	}
	// The whole lists its items in the order in which they were streamed.
	ordered := make([]any, s.items)
	if s.texts > 0 {
		ordered[s.texts-1] = s.message(whole.Status)
	}
	for i, at := range s.calls {
		ordered[at] = s.call(i, whole.Status)
	}
	whole.Output = ordered
	if err := s.say(replyEvent{Type: "response." + whole.Status, Response: &whole}); err != nil {
		return err
	}
	return s.done(as)
}

func (s *streamedReply) endText(status string) error {
	if err := s.beginText(); err != nil {
		return err
	}
	at, m := s.texts-1, s.message(status)
	p := m.Content[0]
	for _, e := range []replyEvent{
		{Type: "response.output_text.done", ItemID: s.text, OutputIndex: &at, ContentIndex: &zero, Text: &p.Text, Logprobs: &p.Logprobs},
		{Type: "response.content_part.done", ItemID: s.text, OutputIndex: &at, ContentIndex: &zero, Part: &p},
		{Type: "response.output_item.done", OutputIndex: &at, Item: m},
	} {
		if err := s.say(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *streamedReply) endCall(i int, status string) error {
	at, begun := s.calls[i]
	if !begun { // a gap in the server's numbers: a call without any piece
		if err := s.callDelta(ToolCallDelta{Index: i}); err != nil {
			return err
		}
		at = s.calls[i]
	}
	c := s.call(i, status)
	if err := s.say(replyEvent{Type: "response.function_call_arguments.done", ItemID: c.ID, OutputIndex: &at, Name: c.Name, Arguments: &c.Arguments}); err != nil {
		return err
	}
	return s.say(replyEvent{Type: "response.output_item.done", OutputIndex: &at, Item: c})
}

// fail ends the stream with an event response.failed; before the first piece it is an ordinary error.
func (s *streamedReply) fail(e *apiError) {
	if !s.opened {
		s.reply.fail(e)
		return
	}
	s.events.buf.Reset()
	b := s.body("failed", []any{})
	b.Error = map[string]string{"code": e.code, "message": e.message}
	if s.say(replyEvent{Type: "response.failed", Response: &b}) == nil {
		_ = s.send(false) // the client may be gone; the answer ends either way
	}
}
