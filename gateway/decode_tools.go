package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"funai/amount"
)

// wireTool is a tool of chat completions, or with its fields at the top as /v1/responses has them.
type wireTool struct {
	Type        string          `json:"type"`
	Function    *Function       `json:"function"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      *bool           `json:"strict"`
}

type wireCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// wireFormat is response_format.
type wireFormat struct {
	Type       string      `json:"type"`
	JSONSchema *wireSchema `json:"json_schema"`
}

type wireSchema struct {
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schema"`
	Strict *bool           `json:"strict"`
}

// wireRoute is the field provider, in the shape that OpenRouter gave it.
type wireRoute struct {
	Order          []string `json:"order"`
	Only           []string `json:"only"`
	Ignore         []string `json:"ignore"`
	Sort           string   `json:"sort"`
	AllowFallbacks *bool    `json:"allow_fallbacks"`
	MaxPrice       *struct {
		Prompt     amount.Amount `json:"prompt"`
		Completion amount.Amount `json:"completion"`
	} `json:"max_price"`
	MinQuality float64 `json:"min_quality"`
}

func given(raw json.RawMessage) bool { return len(raw) > 0 && !bytes.Equal(raw, []byte("null")) }

func readCalls(at, role string, calls []wireCall) (out []ToolCall, bad *apiError) {
	if len(calls) == 0 {
		return nil, nil
	}
	if role != "assistant" {
		return nil, badRequest(at, "only an assistant's message holds tool calls, not one of %q", role)
	}
	if len(calls) > maxCalls {
		return nil, badRequest(at, "%d tool calls, more than %d", len(calls), maxCalls)
	}
	for i, c := range calls {
		if c.Type != "" && c.Type != "function" {
			return nil, unsupported(fmt.Sprintf("%s[%d].type", at, i), "tool calls of type %q are not supported; \"function\" is", clip(c.Type))
		}
		if c.ID == "" || len(c.ID) > maxName || c.Function.Name == "" || len(c.Function.Name) > maxName {
			return nil, badRequest(fmt.Sprintf("%s[%d]", at, i), "id and function.name have %d and %d bytes, not 1 to %d", len(c.ID), len(c.Function.Name), maxName)
		}
		out = append(out, ToolCall{ID: c.ID, Name: c.Function.Name, Arguments: c.Function.Arguments})
	}
	return out, nil
}

// tools reads tools, tool_choice and parallel_tool_calls.
func (c *chat) tools(w *wire) *apiError {
	if len(w.Tools) > maxTools {
		return badRequest("tools", "%d tools, more than %d", len(w.Tools), maxTools)
	}
	names := map[string]bool{}
	for i, t := range w.Tools {
		at := fmt.Sprintf("tools[%d]", i)
		if t.Type != "function" {
			return unsupported(at+".type", "tools of type %q are not supported; \"function\" is", clip(t.Type))
		}
		f := Function{t.Name, t.Description, t.Parameters, t.Strict}
		if t.Function != nil {
			f = *t.Function
		}
		switch {
		case f.Name == "" || len(f.Name) > maxName:
			return badRequest(at+".function.name", "the name has %d bytes, not 1 to %d", len(f.Name), maxName)
		case names[f.Name]:
			return badRequest(at+".function.name", "two tools are called %q", clip(f.Name))
		case given(f.Parameters) && !isObject(f.Parameters):
			return badRequest(at+".function.parameters", "parameters must be a JSON Schema, an object")
		}
		if !given(f.Parameters) {
			f.Parameters = nil
		}
		names[f.Name] = true
		c.Tools.Functions = append(c.Tools.Functions, f)
	}
	if len(w.Tools) > 0 {
		c.Tools.Parallel = w.ParallelToolCalls
	}
	return c.choice(w.ToolChoice, names)
}

// choice reads tool_choice: a word, or a function by its name, in the form of either API.
func (c *chat) choice(raw json.RawMessage, names map[string]bool) *apiError {
	if !given(raw) {
		return nil
	}
	var word string
	if json.Unmarshal(raw, &word) == nil {
		switch word {
		case "none", "auto", "required":
		default:
			return badRequest("tool_choice", "%q is not none, auto, required or a function", clip(word))
		}
		if len(names) == 0 && word == "required" {
			return badRequest("tool_choice", "tool_choice is %q and there are no tools", word)
		}
		if len(names) > 0 {
			c.Tools.Choice = word
		}
		return nil
	}
	var named struct {
		Type     string
		Name     string
		Function struct{ Name string }
	}
	if err := json.Unmarshal(raw, &named); err != nil || named.Type != "function" {
		return unsupported("tool_choice", "tool_choice must be none, auto, required or name a function; other kinds are not supported")
	}
	name := named.Function.Name
	if name == "" {
		name = named.Name
	}
	if !names[name] {
		return badRequest("tool_choice", "no tool is called %q", clip(name))
	}
	c.Tools.Choice, c.Tools.Name = "function", name
	return nil
}

// format reads response_format.
func (c *chat) format(w *wire) *apiError {
	f := w.ResponseFormat
	if f == nil {
		return nil
	}
	switch f.Type {
	case "text":
		return nil
	case "json_object":
		c.Format = &ResponseFormat{Type: f.Type}
		return nil
	case "json_schema":
	default:
		return unsupported("response_format", "response_format %q is not supported; text, json_object and json_schema are", clip(f.Type))
	}
	s := f.JSONSchema
	switch {
	case s == nil || !given(s.Schema) || !isObject(s.Schema):
		return badRequest("response_format.json_schema.schema", "a JSON Schema, an object, is missing")
	case s.Name == "" || len(s.Name) > maxName:
		return badRequest("response_format.json_schema.name", "the name has %d bytes, not 1 to %d", len(s.Name), maxName)
	}
	c.Format = &ResponseFormat{Type: f.Type, Name: s.Name, Schema: s.Schema, Strict: s.Strict}
	return nil
}

// bias reads logit_bias: token ids with what is added to their logits.
func (c *chat) bias(raw map[string]json.RawMessage) *apiError {
	if len(raw) > maxBias {
		return badRequest("logit_bias", "%d tokens, more than %d", len(raw), maxBias)
	}
	for id, v := range raw {
		var b float64
		if _, err := strconv.ParseUint(id, 10, 31); err != nil {
			return badRequest("logit_bias", "%q is no token id", clip(id))
		}
		if json.Unmarshal(v, &b) != nil || math.Abs(b) > 100 {
			return badRequest("logit_bias", "%s is not between -100 and 100", clip(string(v)))
		}
		if c.Sampling.Bias == nil {
			c.Sampling.Bias = map[string]float64{}
		}
		c.Sampling.Bias[id] = b
	}
	return nil
}

// route reads which servers may be asked.
func (c *chat) route(w *wireRoute) (bad *apiError) {
	c.Route, bad = readRoute(w)
	return bad
}

func readRoute(w *wireRoute) (r Route, bad *apiError) {
	if w == nil {
		return r, nil
	}
	for name, list := range map[string][]string{"order": w.Order, "only": w.Only, "ignore": w.Ignore} {
		if len(list) > maxServers {
			return r, badRequest("provider."+name, "%d servers, more than %d", len(list), maxServers)
		}
		for _, s := range list {
			if s == "" || len(s) > maxName {
				return r, badRequest("provider."+name, "a server's name has %d bytes, not 1 to %d", len(s), maxName)
			}
		}
	}
	switch w.Sort {
	case "", SortPrice, SortLatency, SortThroughput, SortQuality:
	default:
		return r, badRequest("provider.sort", "%q is not %s, %s, %s or %s", clip(w.Sort), SortPrice, SortLatency, SortThroughput, SortQuality)
	}
	if w.MinQuality < 0 || w.MinQuality > 1 {
		return r, badRequest("provider.min_quality", "%v is not between 0 and 1", w.MinQuality)
	}
	r = Route{Order: w.Order, Only: w.Only, Ignore: w.Ignore, Sort: w.Sort, MinJudged: w.MinQuality,
		NoOther: w.AllowFallbacks != nil && !*w.AllowFallbacks}
	if w.MaxPrice != nil {
		r.MaxIn, r.MaxOut = w.MaxPrice.Prompt, w.MaxPrice.Completion
	}
	return r, nil
}

// isObject says whether a JSON value, valid as decoding has seen to, is an object.
func isObject(raw json.RawMessage) bool {
	b := bytes.TrimSpace(raw)
	return len(b) > 0 && b[0] == '{'
}
