package gateway

import (
	"encoding/json"
	"errors"
	"math"

	"funai/model"
)

// usualLength is how long an answer of /v1/completions is if the client says nothing (OpenAI API reference).
const usualLength = 16

// completionWire is the body of POST /v1/completions. Its own fields hide those of chat completions with the same name.
type completionWire struct {
	wire
	Prompt   prompts         `json:"prompt"`
	Logprobs *int            `json:"logprobs"`
	Echo     bool            `json:"echo"`
	BestOf   *int            `json:"best_of"`
	Suffix   json.RawMessage `json:"suffix"`
}

// prompts is one text or several.
type prompts []string

func (p *prompts) UnmarshalJSON(b []byte) error {
	var s stops
	if s.UnmarshalJSON(b) != nil {
		return errors.New("prompt must be a string or an array of strings; token ids are not supported")
	}
	*p = prompts(s)
	return nil
}

// decodeCompletion reads the body of POST /v1/completions.
func decodeCompletion(body []byte) (*chat, *apiError) {
	var w completionWire
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, badJSON(err)
	}
	c := &chat{stream: w.Stream, n: 1, echo: w.Echo, prompts: w.Prompt}
	c.Raw = true
	if len(w.Prompt) == 0 {
		return nil, badRequest("prompt", "prompt is missing")
	}
	w.wire.Messages = nil
	w.wire.Logprobs, w.wire.TopLogprobs = w.Logprobs != nil, w.Logprobs
	for _, check := range []func(*wire) *apiError{c.named, c.sampling, c.lengths, c.extras, refuse} {
		if err := check(&w.wire); err != nil {
			return nil, err
		}
	}
	if c.MaxTokens == 0 {
		c.MaxTokens = usualLength
	}
	switch {
	case len(w.Prompt)*c.n > maxChoices:
		return nil, badRequest("prompt", "%d prompts and n %d make %d answers, more than %d", len(w.Prompt), c.n, len(w.Prompt)*c.n, maxChoices)
	case given(w.Suffix) && string(w.Suffix) != `""`:
		return nil, unsupported("suffix", "suffix is not supported")
	case w.BestOf != nil && *w.BestOf != c.n:
		return nil, unsupported("best_of", "best_of %d other than n %d is not supported", *w.BestOf, c.n)
	case w.Echo && c.Logprobs:
		return nil, unsupported("echo", "echo with logprobs is not supported: the prompt's are not known")
	case len(w.Tools) > 0 || w.ResponseFormat != nil && w.ResponseFormat.Type != "text":
		return nil, unsupported("tools", "tools and response_format belong to /v1/chat/completions")
	}
	return c, nil
}

// The shapes of OpenAI's text completions.
type textCompletion struct {
	ID      string       `json:"id"`
	Object  string       `json:"object"`
	Created int64        `json:"created"`
	Model   string       `json:"model"`
	Choices []textChoice `json:"choices"`
	Usage   *usage       `json:"usage,omitempty"`
	Funai   *extra       `json:"funai,omitempty"`
}

type textChoice struct {
	Text         string        `json:"text"`
	Index        int           `json:"index"`
	Logprobs     *textLogprobs `json:"logprobs"`
	FinishReason *string       `json:"finish_reason"`
}

type textLogprobs struct {
	Tokens     []string             `json:"tokens"`
	Logprobs   []float64            `json:"token_logprobs"`
	Top        []map[string]float64 `json:"top_logprobs"`
	TextOffset []int                `json:"text_offset"`
}

// textLogprobsOf is nil where there are none. offset is where the first token begins, in characters.
func textLogprobsOf(ts []model.Token, offset int) *textLogprobs {
	if len(ts) == 0 {
		return nil
	}
	l := &textLogprobs{}
	for _, t := range ts {
		top := map[string]float64{}
		for _, alt := range t.Top {
			top[alt.Text] = tokenOf(alt).Logprob
		}
		l.Tokens = append(l.Tokens, t.Text)
		l.Logprobs = append(l.Logprobs, tokenOf(t.Logprob).Logprob)
		l.Top = append(l.Top, top)
		l.TextOffset = append(l.TextOffset, offset)
		offset += len([]rune(t.Text))
	}
	return l
}

func (rs *response) text(choices ...textChoice) textCompletion {
	return textCompletion{ID: rs.id("cmpl-"), Object: "text_completion", Created: rs.begun.Unix(), Model: rs.chat.Model, Choices: choices}
}

// echoed is the prompt of a choice, if the client wants it back.
func (c *chat) echoed(choice int) string {
	if !c.echo {
		return ""
	}
	return c.prompts[choice/c.n]
}

// collectedText sends text completions whole.
type collectedText struct {
	*response
	parts []part
}

func (c *collectedText) delta(i int, d Delta) error {
	gather(&c.parts, c.chat)
	c.parts[i].add(d, c.chat.Logprobs)
	return nil
}

func (c *collectedText) finish(as []Answer) error {
	gather(&c.parts, c.chat)
	out := c.response.text()
	for i, a := range as {
		out.Choices = append(out.Choices, textChoice{Text: c.chat.echoed(i) + c.parts[i].text.String(), Index: i,
			Logprobs: textLogprobsOf(c.parts[i].tokens, 0), FinishReason: &a.Finish})
	}
	u, e := usageOf(as), extraOf(as)
	out.Usage, out.Funai = &u, &e
	return c.whole(as, out)
}

// streamedText sends text completions in pieces.
type streamedText struct {
	events
	name    string
	echoes  []bool // prompts sent
	offsets []int  // characters sent
}

func (s *streamedText) chunk(choices ...textChoice) textCompletion {
	if !s.opened {
		s.open()
		s.name = s.id("cmpl-")
		s.echoes = make([]bool, len(s.chat.prompts)*s.chat.n)
		s.offsets = make([]int, len(s.echoes))
	}
	t := s.response.text(choices...)
	t.ID = s.name
	return t
}

func (s *streamedText) delta(i int, d Delta) error {
	t := s.chunk(textChoice{Text: d.Text, Index: i})
	if !s.echoes[i] {
		s.echoes[i] = true
		t.Choices[0].Text = s.chat.echoed(i) + d.Text
	}
	if s.chat.Logprobs {
		t.Choices[0].Logprobs = textLogprobsOf(d.Tokens, s.offsets[i])
		s.offsets[i] = min(s.offsets[i]+len([]rune(d.Text)), math.MaxInt32)
	}
	if err := s.event(t); err != nil {
		return err
	}
	return s.send(d.More)
}

func (s *streamedText) finish(as []Answer) error {
	for i, a := range as {
		t := s.chunk(textChoice{Index: i, FinishReason: &a.Finish})
		if !s.echoes[i] {
			t.Choices[0].Text = s.chat.echoed(i)
		}
		if i == len(as)-1 {
			e := extraOf(as)
			t.Funai = &e
		}
		if err := s.event(t); err != nil {
			return err
		}
	}
	if s.chat.includeUsage {
		t := s.chunk()
		t.Choices = []textChoice{}
		u := usageOf(as)
		t.Usage = &u
		if err := s.event(t); err != nil {
			return err
		}
	}
	s.buf.WriteString("data: [DONE]\n\n")
	return s.done(as)
}
