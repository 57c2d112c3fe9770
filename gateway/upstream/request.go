package upstream

import (
	"cmp"
	"encoding/json"

	"funai/gateway"
)

// The body of a request, for chat completions and completions alike.
type body struct {
	Model             string             `json:"model"`
	Messages          []bodyMessage      `json:"messages,omitempty"`
	Prompt            *string            `json:"prompt,omitempty"`
	Stream            bool               `json:"stream"`
	StreamOptions     map[string]bool    `json:"stream_options"`
	MaxTokens         int                `json:"max_tokens,omitempty"`
	MaxCompletion     int                `json:"max_completion_tokens,omitempty"`
	Temperature       *float64           `json:"temperature,omitempty"`
	TopP              *float64           `json:"top_p,omitempty"`
	FrequencyPenalty  float64            `json:"frequency_penalty,omitempty"`
	PresencePenalty   float64            `json:"presence_penalty,omitempty"`
	RepetitionPenalty *float64           `json:"repetition_penalty,omitempty"` // vLLM's and SGLang's word
	RepeatPenalty     *float64           `json:"repeat_penalty,omitempty"`     // llama.cpp's
	Bias              map[string]float64 `json:"logit_bias,omitempty"`
	Seed              *int64             `json:"seed,omitempty"`
	Stop              []string           `json:"stop,omitempty"`
	Logprobs          any                `json:"logprobs,omitempty"` // true, or of completions a number
	Top               int                `json:"top_logprobs,omitempty"`
	Tools             []bodyTool         `json:"tools,omitempty"`
	ToolChoice        string             `json:"tool_choice,omitempty"`
	Parallel          *bool              `json:"parallel_tool_calls,omitempty"`
	Format            *bodyFormat        `json:"response_format,omitempty"`
}

type bodyMessage struct {
	Role       string     `json:"role"`
	Content    string     `json:"content"`
	Calls      []bodyCall `json:"tool_calls,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`
}

type bodyCall struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"`
	Function bodyFunction `json:"function"`
}

type bodyFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

type bodyTool struct {
	Type     string           `json:"type"`
	Function gateway.Function `json:"function"`
}

type bodyFormat struct {
	Type   string      `json:"type"`
	Schema *bodySchema `json:"json_schema,omitempty"`
}

type bodySchema struct {
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schema"`
	Strict *bool           `json:"strict,omitempty"`
}

// bodyOf writes a request down for the server, and says where it goes.
func bodyOf(m Served, f found, r gateway.Request) (path string, b body) {
	b = body{Model: m.There, Stream: true, StreamOptions: map[string]bool{"include_usage": true}, MaxTokens: r.MaxTokens,
		Temperature: thousandths(r.TemperatureMilli), TopP: r.Sampling.TopP, FrequencyPenalty: r.Sampling.FrequencyPenalty,
		PresencePenalty: r.Sampling.PresencePenalty, RepetitionPenalty: thousandths(r.RepeatPenaltyMilli), RepeatPenalty: thousandths(r.RepeatPenaltyMilli), Bias: r.Sampling.Bias,
		Seed: r.Seed, Stop: r.Stop}
	if b.MaxTokens == 0 && (m.PriceOut > 0 || m.MaxTokens > 0) { // what is held for it has to be enough
		b.MaxTokens = cmp.Or(m.MaxTokens, defaultAnswer)
	}
	if f.newLimits {
		b.MaxTokens, b.MaxCompletion = 0, b.MaxTokens
	}
	if r.Raw && f.raw {
		b.Prompt = &r.Messages[0].Content
		if r.Logprobs {
			b.Logprobs = r.Top
		}
		return "/completions", b
	}
	if r.Logprobs {
		b.Logprobs, b.Top = true, r.Top
	}
	for _, t := range r.Messages {
		msg := bodyMessage{Role: t.Role, Content: t.Content, ToolCallID: t.CallID}
		for _, c := range t.Calls {
			msg.Calls = append(msg.Calls, bodyCall{c.ID, "function", bodyFunction{c.Name, c.Arguments}})
		}
		b.Messages = append(b.Messages, msg)
	}
	named := r.Tools.Choice == "function"
	for _, f := range r.Tools.Functions {
		if !named || f.Name == r.Tools.Name {
			b.Tools = append(b.Tools, bodyTool{"function", f})
		}
	}
	if b.ToolChoice = r.Tools.Choice; named {
		b.ToolChoice = "required" // of the one that is offered: llama.cpp overlooks a choice by name
	}
	b.Parallel = r.Tools.Parallel
	if f := r.Format; f != nil {
		b.Format = &bodyFormat{Type: f.Type}
		if f.Schema != nil {
			b.Format.Schema = &bodySchema{f.Name, f.Schema, f.Strict}
		}
	}
	return "/chat/completions", b
}

func thousandths(v *uint32) *float64 {
	if v == nil {
		return nil
	}
	f := float64(*v) / 1000
	return &f
}
