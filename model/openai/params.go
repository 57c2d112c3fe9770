package openai

import (
	"encoding/binary"
	"encoding/json"
	"slices"

	"funai/model"

	api "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"
)

// params says a request in OpenAI's words.
func (e *Engine) params(r model.Request) api.ChatCompletionNewParams {
	p := api.ChatCompletionNewParams{Model: e.name, Messages: messages(r.Messages)}
	if e.can.NewLimits {
		p.MaxCompletionTokens = api.Int(int64(r.MaxTokens))
	} else {
		p.MaxTokens = api.Int(int64(r.MaxTokens))
	}
	e.controls(&p, controls(r))
	if e.can.Logprobs && (len(r.Tools) == 0 || e.mind.toolLogprobs) {
		p.Logprobs = api.Bool(true)
		p.TopLogprobs = api.Int(int64(max(r.Top, 1))) // llama.cpp gives none at all, and no ids, if no alternative is asked for
	}
	if len(r.Stop) > 0 {
		p.Stop = api.ChatCompletionNewParamsStopUnion{OfStringArray: r.Stop}
	}
	if r.Schema != nil {
		p.ResponseFormat = api.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{
			JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "answer", Strict: api.Bool(true), Schema: r.Schema},
		}}
	}
	tools(&p, r)
	return p
}

// controls are a request's; those of the network's own rule are temperature, repeat penalty and a seed, which gives the same answer on
// the same server at best.
func controls(r model.Request) model.Controls {
	if r.Controls != nil {
		return *r.Controls
	}
	return model.Controls{Temperature: float64(r.Sampling.TemperatureMilli) / 1000, RepeatPenalty: float64(r.Sampling.RepeatPenaltyMilli) / 1000,
		Seed: uint64(binary.BigEndian.Uint32(r.Sampling.Seed[:]))}
}

// controls says what OpenAI's API has words for; wishes says the rest. Filters that aren't set are said to be off, because servers
// have defaults: llama.cpp keeps 40 tokens of at least a twentieth of the likeliest one's probability, vLLM what comes with the model.
func (e *Engine) controls(p *api.ChatCompletionNewParams, c model.Controls) {
	if !e.can.NewLimits {
		p.Temperature = api.Float(c.Temperature)
	}
	switch {
	case c.TopP > 0:
		p.TopP = api.Float(c.TopP)
	case c.Temperature > 0 && !e.can.NewLimits:
		p.TopP = api.Float(1)
	}
	if c.FrequencyPenalty != 0 {
		p.FrequencyPenalty = api.Float(c.FrequencyPenalty)
	}
	if c.PresencePenalty != 0 {
		p.PresencePenalty = api.Float(c.PresencePenalty)
	}
	if c.Temperature > 0 {
		p.Seed = api.Int(int64(c.Seed & 0x7fffffff)) // some servers keep seeds in an int32
	}
}

func messages(ms []model.Message) (out []api.ChatCompletionMessageParamUnion) {
	for _, m := range ms {
		switch m.Role {
		case "system":
			out = append(out, api.SystemMessage(m.Content))
		case "tool":
			out = append(out, api.ToolMessage(m.Content, m.ToolCallID))
		case "assistant":
			said := api.AssistantMessage(m.Content)
			for _, c := range m.ToolCalls {
				said.OfAssistant.ToolCalls = append(said.OfAssistant.ToolCalls, api.ChatCompletionMessageToolCallUnionParam{
					OfFunction: &api.ChatCompletionMessageFunctionToolCallParam{ID: c.ID,
						Function: api.ChatCompletionMessageFunctionToolCallFunctionParam{Name: c.Name, Arguments: c.Arguments}},
				})
			}
			out = append(out, said)
		default:
			out = append(out, api.UserMessage(m.Content))
		}
	}
	return out
}

func tools(p *api.ChatCompletionNewParams, r model.Request) {
	for _, t := range offers(r) {
		f := shared.FunctionDefinitionParam{Name: t.Name, Parameters: shared.FunctionParameters{"type": "object", "properties": map[string]any{}}}
		if t.Description != "" {
			f.Description = api.String(t.Description)
		}
		if len(t.Parameters) > 0 {
			var fields map[string]any
			if json.Unmarshal(t.Parameters, &fields) == nil { // check has found it to be an object
				f.Parameters = fields
			}
		}
		p.Tools = append(p.Tools, api.ChatCompletionFunctionTool(f))
	}
	choice := r.ToolChoice
	if named(r) {
		choice = model.ToolRequired
	}
	if choice != "" && len(r.Tools) > 0 {
		p.ToolChoice = api.ChatCompletionToolChoiceOptionUnionParam{OfAuto: param.NewOpt(choice)}
	}
}

// named says whether one tool must be called. It is then the only one offered: llama.cpp overlooks a choice by name.
func named(r model.Request) bool {
	switch r.ToolChoice {
	case "", model.ToolAuto, model.ToolNone, model.ToolRequired:
		return false
	}
	return true
}

// offers are the tools that the server is told of.
func offers(r model.Request) []model.Tool {
	if !named(r) {
		return r.Tools
	}
	return slices.DeleteFunc(slices.Clone(r.Tools), func(t model.Tool) bool { return t.Name != r.ToolChoice })
}

// wishes are the fields that OpenAI's API lacks.
func (e *Engine) wishes(r model.Request) (out []option.RequestOption) {
	set := func(name string, value any) { out = append(out, option.WithJSONSet(name, value)) }
	if e.can.TokenIDs {
		set("return_token_ids", true)
	}
	c := controls(r)
	off := c.Temperature > 0 && e.mind.filters
	if c.TopK > 0 || off {
		set("top_k", c.TopK)
	}
	if c.MinP > 0 || off {
		set("min_p", c.MinP)
	}
	if c.RepeatPenalty != 0 && c.RepeatPenalty != 1 {
		set("repetition_penalty", c.RepeatPenalty) // vLLM
		set("repeat_penalty", c.RepeatPenalty)     // llama.cpp
	}
	if c.PenaltyWindow > 0 {
		set("repeat_last_n", c.PenaltyWindow) // llama.cpp
	}
	if len(c.LogitBias) > 0 {
		set("logit_bias", c.LogitBias) // the client's own field is for whole numbers
	}
	return out
}
