package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"funai/amount"
)

// Bounds of one request. maxTop, maxStops and the temperature's range are OpenAI's.
const (
	maxBody        = 1 << 20 // bytes
	maxModel       = 256     // bytes of a model's name
	maxTop         = 20
	maxStops       = 4
	maxStop        = 1024 // bytes of one stop string
	maxTemperature = 2.0
	maxPenalty     = 2.0
	maxChoices     = 8   // n, prompts times n, too: each is a question of its own
	maxTools       = 128 // as OpenAI
	maxCalls       = 128 // in one message
	maxBias        = 300 // as OpenAI
	maxName        = 256 // bytes of a tool's, schema's or server's name
	maxServers     = 64  // in each list of a route
)

// chat is a decoded request: what the Backend gets and what the gateway itself sees to.
type chat struct {
	Request
	stream       bool
	includeUsage bool
	stop         []string
	n            int  // answers wanted, each a question of its own
	echo         bool // of /v1/completions: the prompt goes before the answer
	prompts      []string
	reply        *replyRequest // of /v1/responses
}

// wire is the request body. Fields that are only looked at to refuse them stay raw. Fields not named here are harmless
// and ignored: user, metadata, store, service_tier, reasoning_effort, prediction, ...
type wire struct {
	Model               string         `json:"model"`
	Messages            []wireMessage  `json:"messages"`
	Stream              bool           `json:"stream"`
	StreamOptions       *streamOptions `json:"stream_options"`
	MaxTokens           *int           `json:"max_tokens"`
	MaxCompletionTokens *int           `json:"max_completion_tokens"`
	Temperature         *float64       `json:"temperature"`
	TopP                *float64       `json:"top_p"`
	FrequencyPenalty    float64        `json:"frequency_penalty"`
	PresencePenalty     float64        `json:"presence_penalty"`
	RepetitionPenalty   *float64       `json:"repetition_penalty"` // as in vLLM
	Seed                *int64         `json:"seed"`
	Stop                stops          `json:"stop"`
	N                   *int           `json:"n"`
	Logprobs            bool           `json:"logprobs"`
	TopLogprobs         *int           `json:"top_logprobs"`
	Trust               string         `json:"trust"`
	MaxFee              *amount.Amount `json:"max_fee"`

	Tools             []wireTool                 `json:"tools"`
	ToolChoice        json.RawMessage            `json:"tool_choice"`
	ParallelToolCalls *bool                      `json:"parallel_tool_calls"`
	Functions         []json.RawMessage          `json:"functions"`
	ResponseFormat    *wireFormat                `json:"response_format"`
	Modalities        []string                   `json:"modalities"`
	Audio             json.RawMessage            `json:"audio"`
	LogitBias         map[string]json.RawMessage `json:"logit_bias"`
	WebSearchOptions  json.RawMessage            `json:"web_search_options"`
	Provider          *wireRoute                 `json:"provider"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

type wireMessage struct {
	Role       string     `json:"role"`
	Content    content    `json:"content"`
	ToolCalls  []wireCall `json:"tool_calls"`
	ToolCallID string     `json:"tool_call_id"`
}

// content is a message's text: a string, or an array of text parts.
type content struct {
	text  string
	set   bool
	other string // type of the first part that is not text
}

func (c *content) UnmarshalJSON(b []byte) error {
	switch b = bytes.TrimSpace(b); {
	case bytes.Equal(b, []byte("null")):
		return nil
	case len(b) > 0 && b[0] == '"':
		c.set = true
		return json.Unmarshal(b, &c.text)
	}
	var parts []struct {
		Type string  `json:"type"`
		Text *string `json:"text"`
	}
	if err := json.Unmarshal(b, &parts); err != nil {
		return errors.New("content must be a string or an array of parts")
	}
	var text strings.Builder
	for _, p := range parts {
		if p.Text == nil || p.Type != "text" && p.Type != "input_text" && p.Type != "output_text" { // the latter two of /v1/responses
			c.other = p.Type
			return nil
		}
		text.WriteString(*p.Text)
	}
	c.text, c.set = text.String(), len(parts) > 0
	return nil
}

// stops is one string or several.
type stops []string

func (s *stops) UnmarshalJSON(b []byte) error {
	var one *string
	if json.Unmarshal(b, &one) == nil {
		if one != nil {
			*s = stops{*one}
		}
		return nil
	}
	var many []string
	if json.Unmarshal(b, &many) != nil {
		return errors.New("stop must be a string or an array of strings")
	}
	*s = many
	return nil
}

// decodeChat reads the body of POST /v1/chat/completions (OpenAI API reference, "Create chat completion").
func decodeChat(body []byte) (*chat, *apiError) {
	var w wire
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, badJSON(err)
	}
	c := &chat{stream: w.Stream, n: 1}
	for _, check := range []func(*wire) *apiError{c.named, c.messages, c.sampling, c.lengths, c.tools, c.format, c.extras, refuse} {
		if err := check(&w); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func badJSON(err error) *apiError {
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) && mismatch.Field != "" {
		return badRequest(mismatch.Field, "%s can't be a JSON %s", mismatch.Field, mismatch.Value)
	}
	return badRequest("", "the request body is not valid JSON for this endpoint: %s", clip(err.Error()))
}

// named reads the model's name.
func (c *chat) named(w *wire) *apiError {
	if w.Model == "" {
		return badRequest("model", "you must provide a model parameter; GET /v1/models lists what can be asked")
	}
	if len(w.Model) > maxModel {
		return badRequest("model", "the model's name has %d bytes, more than %d", len(w.Model), maxModel)
	}
	c.Model = w.Model
	return nil
}

func (c *chat) messages(w *wire) *apiError {
	if len(w.Messages) == 0 {
		return badRequest("messages", "messages must hold at least one message")
	}
	for i, m := range w.Messages {
		at := fmt.Sprintf("messages[%d]", i)
		switch m.Role {
		case "developer": // OpenAI's newer name for it
			m.Role = "system"
		case "system", "user", "assistant":
		case "tool":
			if m.ToolCallID == "" || len(m.ToolCallID) > maxName {
				return badRequest(at+".tool_call_id", "tool_call_id has %d bytes, not 1 to %d", len(m.ToolCallID), maxName)
			}
		case "function":
			return unsupported(at+".role", "messages with role \"function\" are not supported; \"tool\" is")
		default:
			return badRequest(at+".role", "%q is not one of system, developer, user, assistant, tool", clip(m.Role))
		}
		calls, bad := readCalls(at+".tool_calls", m.Role, m.ToolCalls)
		switch {
		case bad != nil:
			return bad
		case m.Content.other != "":
			return unsupported(at+".content", "content of type %q is not supported; only text is", clip(m.Content.other))
		case !m.Content.set && len(calls) == 0:
			return badRequest(at+".content", "content is missing")
		}
		message := Message{Role: m.Role, Content: m.Content.text, Calls: calls}
		if m.Role == "tool" {
			message.CallID = m.ToolCallID
		}
		c.Messages = append(c.Messages, message)
	}
	return nil
}

func (c *chat) sampling(w *wire) *apiError {
	if t := w.Temperature; t != nil {
		if *t < 0 || *t > maxTemperature {
			return badRequest("temperature", "%v is not between 0 and %v", *t, maxTemperature)
		}
		milli := uint32(math.Round(*t * 1000))
		c.TemperatureMilli = &milli
	}
	greedy := c.TemperatureMilli != nil && *c.TemperatureMilli == 0
	if p := w.TopP; p != nil {
		if *p <= 0 || *p > 1 {
			return badRequest("top_p", "%v is not above 0 and at most 1", *p)
		}
		if *p < 1 && !greedy { // the greedy choice is in any share of the mass
			c.Sampling.TopP = p
		}
	}
	for name, p := range map[string]float64{"frequency_penalty": w.FrequencyPenalty, "presence_penalty": w.PresencePenalty} {
		if p < -maxPenalty || p > maxPenalty {
			return badRequest(name, "%v is not between %v and %v", p, -maxPenalty, maxPenalty)
		}
	}
	c.Sampling.FrequencyPenalty, c.Sampling.PresencePenalty = w.FrequencyPenalty, w.PresencePenalty
	if bad := c.bias(w.LogitBias); bad != nil {
		return bad
	}
	if p := w.RepetitionPenalty; p != nil {
		if *p < 1 || *p > 2 {
			return badRequest("repetition_penalty", "%v is not between 1 and 2", *p)
		}
		milli := uint32(math.Round(*p * 1000))
		c.RepeatPenaltyMilli = &milli
	}
	c.Seed = w.Seed
	return nil
}

func (c *chat) lengths(w *wire) *apiError {
	for name, n := range map[string]*int{"max_tokens": w.MaxTokens, "max_completion_tokens": w.MaxCompletionTokens} {
		if n != nil && (*n < 1 || *n > math.MaxInt32) {
			return badRequest(name, "%d is not between 1 and %d", *n, math.MaxInt32)
		}
	}
	switch { // the newer name wins
	case w.MaxCompletionTokens != nil:
		c.MaxTokens = *w.MaxCompletionTokens
	case w.MaxTokens != nil:
		c.MaxTokens = *w.MaxTokens
	}
	if len(w.Stop) > maxStops {
		return badRequest("stop", "%d stop strings, more than %d", len(w.Stop), maxStops)
	}
	for _, s := range w.Stop {
		if s == "" || len(s) > maxStop {
			return badRequest("stop", "a stop string has %d bytes, not 1 to %d", len(s), maxStop)
		}
	}
	c.stop, c.Stop = w.Stop, w.Stop
	if w.N != nil {
		if *w.N < 1 || *w.N > maxChoices {
			return badRequest("n", "%d is not between 1 and %d", *w.N, maxChoices)
		}
		c.n = *w.N
	}
	if w.StreamOptions != nil {
		if !w.Stream {
			return badRequest("stream_options", "stream_options needs stream to be true")
		}
		c.includeUsage = w.StreamOptions.IncludeUsage
	}
	c.Logprobs = w.Logprobs
	if top := w.TopLogprobs; top != nil && *top != 0 {
		if !w.Logprobs {
			return badRequest("top_logprobs", "top_logprobs needs logprobs to be true")
		}
		if *top < 0 || *top > maxTop {
			return badRequest("top_logprobs", "%d is not between 0 and %d", *top, maxTop)
		}
		c.Top = *top
	}
	return nil
}

// extras are the network's own fields.
func (c *chat) extras(w *wire) *apiError {
	switch w.Trust {
	case "", TrustJudge, TrustNone:
		c.Trust = w.Trust
	case "swarm", "relay", "proof":
		return unsupported("trust", "trust %q is not offered yet; %q is", w.Trust, TrustJudge)
	default:
		return badRequest("trust", "%q is no way to trust an answer; %q and %q are", clip(w.Trust), TrustJudge, TrustNone)
	}
	if w.MaxFee != nil {
		if *w.MaxFee == 0 || *w.MaxFee > amount.Max {
			return badRequest("max_fee", "%d is not between 1 and %d base units", uint64(*w.MaxFee), uint64(amount.Max))
		}
		c.MaxFee = *w.MaxFee
	}
	return c.route(w.Provider)
}

// refuse says no to what would silently be another answer than the one asked for.
func refuse(w *wire) *apiError {
	given := func(raw json.RawMessage) bool { return len(raw) > 0 && !bytes.Equal(raw, []byte("null")) }
	switch {
	case len(w.Functions) > 0:
		return unsupported("functions", "functions are not supported; tools are")
	case len(w.Modalities) > 0 && !slices.Equal(w.Modalities, []string{"text"}):
		return unsupported("modalities", "only the modality \"text\" is supported")
	case given(w.Audio):
		return unsupported("audio", "audio is not supported")
	case given(w.WebSearchOptions):
		return unsupported("web_search_options", "web search is not supported")
	}
	return nil
}
