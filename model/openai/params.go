package openai

import (
	"encoding/json"
	"strconv"

	"funai/model"

	api "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"
)

// params says a request in OpenAI's words.
func (e *Engine) params(r model.Request) api.ChatCompletionNewParams {
	p := api.ChatCompletionNewParams{Model: e.name, Messages: messages(r.Messages)}
	if e.can.newLimits {
		p.MaxCompletionTokens = api.Int(int64(r.MaxTokens))
	} else {
		p.MaxTokens = api.Int(int64(r.MaxTokens))
	}
	switch c := r.Controls; {
	case c != nil:
		e.controls(&p, *c)
	default:
		if !e.can.newLimits {
			p.Temperature = api.Float(float64(r.Sampling.TemperatureMilli) / 1000)
		}
		if r.Sampling.TemperatureMilli > 0 {
			// 31 bits: some servers keep seeds in an int32. The same seed gives the same answer there, at best.
			s := r.Sampling.Seed
			p.Seed = api.Int(int64(s[0]&0x7f)<<24 | int64(s[1])<<16 | int64(s[2])<<8 | int64(s[3]))
		}
	}
	if e.can.logprobs {
		p.Logprobs = api.Bool(true)
		p.TopLogprobs = api.Int(int64(r.Top))
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

// controls says what OpenAI's API has words for; wishes says the rest.
func (e *Engine) controls(p *api.ChatCompletionNewParams, c model.Controls) {
	if !e.can.newLimits {
		p.Temperature = api.Float(c.Temperature)
	}
	if c.TopP > 0 {
		p.TopP = api.Float(c.TopP)
	}
	if c.FrequencyPenalty != 0 {
		p.FrequencyPenalty = api.Float(c.FrequencyPenalty)
	}
	if c.PresencePenalty != 0 {
		p.PresencePenalty = api.Float(c.PresencePenalty)
	}
	if c.Temperature > 0 {
		p.Seed = api.Int(int64(c.Seed & 0x7fffffff))
	}
	for t, b := range c.LogitBias {
		if p.LogitBias == nil {
			p.LogitBias = map[string]int64{}
		}
		p.LogitBias[strconv.Itoa(int(t))] = int64(b)
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
	for _, t := range r.Tools {
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
	switch r.ToolChoice {
	case "":
	case model.ToolAuto, model.ToolNone, model.ToolRequired:
		p.ToolChoice = api.ChatCompletionToolChoiceOptionUnionParam{OfAuto: param.NewOpt(r.ToolChoice)}
	default:
		p.ToolChoice = api.ToolChoiceOptionFunctionToolChoice(api.ChatCompletionNamedToolChoiceFunctionParam{Name: r.ToolChoice})
	}
}

// wishes are the fields that OpenAI's API lacks.
func (e *Engine) wishes(r model.Request) (out []option.RequestOption) {
	set := func(name string, value any) { out = append(out, option.WithJSONSet(name, value)) }
	if e.can.tokenIDs {
		set("return_token_ids", true)
	}
	repeat := float64(r.Sampling.RepeatPenaltyMilli) / 1000
	if c := r.Controls; c != nil {
		repeat = c.RepeatPenalty
		if c.TopK > 0 {
			set("top_k", c.TopK)
		}
		if c.MinP > 0 {
			set("min_p", c.MinP)
		}
	}
	if repeat != 0 && repeat != 1 {
		set("repetition_penalty", repeat) // vLLM
		set("repeat_penalty", repeat)     // llama.cpp
	}
	return out
}
