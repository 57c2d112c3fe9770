package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"funai/amount"
)

// Message is one turn of a chat.
type Message struct {
	Role    string     // "system", "user", "assistant" or "tool"
	Content string     // text
	Calls   []ToolCall // of an assistant
	CallID  string     // of a tool: the call that this answers
}

// ToolCall is a function that the model wants called.
type ToolCall struct {
	ID        string
	Name      string
	Arguments string // JSON, as the model wrote it
}

// ToolCallDelta is a piece of one. ID and Name come with the first piece; Arguments add up.
type ToolCallDelta struct {
	Index     int // which call of this answer, from 0
	ID        string
	Name      string
	Arguments string
}

// Tools are the functions that a model may call.
type Tools struct {
	Functions []Function
	Choice    string // "", "none", "auto", "required", or the name of the function to call in ChoiceName
	Name      string // of the function that must be called; Choice is "function" then
	Parallel  *bool  // whether one answer may hold several calls
}

// Function is one tool.
type Function struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"` // JSON Schema
	Strict      *bool           `json:"strict,omitempty"`
}

// ResponseFormat constrains an answer to JSON.
type ResponseFormat struct {
	Type   string          // "json_object" or "json_schema"
	Name   string          // of the schema
	Schema json.RawMessage // of "json_schema"
	Strict *bool
}

// Sampling is how to choose tokens, beyond what the network's transactions can fix.
type Sampling struct {
	TopP             *float64 // (0, 1); nil is 1
	FrequencyPenalty float64  // -2 to 2
	PresencePenalty  float64  // -2 to 2
	Bias             map[string]float64
}

// Route says which servers to ask, in which order. Names are those of Offer.Server.
type Route struct {
	Order     []string // these first, in this order
	Only      []string // no others; empty: all
	Ignore    []string // never these
	Sort      string   // a Sort; "" is the gateway's balance of all
	NoOther   bool     // don't fail over to another server
	MaxIn     amount.Amount
	MaxOut    amount.Amount // base units for each token; 0 is no limit
	MinJudged float64       // least share of valid verdicts, 0 to 1
}

// What servers can be sorted by.
const (
	SortPrice      = "price"
	SortLatency    = "latency"    // time to the first token
	SortThroughput = "throughput" // tokens a second
	SortQuality    = "quality"    // share of valid verdicts
)

// Ability is a set of things that a model can do at a server.
type Ability uint16

// Abilities, each named after the field that needs it.
const (
	CanTools Ability = 1 << iota
	CanSchema
	CanTopP
	CanPenalties
	CanBias
	CanRepeat
	CanLogprobs
	CanEmbed
	CanDimensions
	CanChat
)

// ErrAbility says that a word names nothing that a model can do.
var ErrAbility = errors.New("no such ability")

type ability struct {
	is   Ability
	name string
}

// abilities have the names of the request fields that need them.
var abilities = []ability{
	{CanChat, "chat"}, {CanTools, "tools"}, {CanSchema, "response_format"}, {CanTopP, "top_p"}, {CanPenalties, "penalties"},
	{CanBias, "logit_bias"}, {CanRepeat, "repetition_penalty"}, {CanLogprobs, "logprobs"}, {CanEmbed, "embeddings"}, {CanDimensions, "dimensions"},
}

// Names lists the abilities by the fields of a request that need them.
func (a Ability) Names() []string {
	names := []string{}
	for _, n := range abilities {
		if a&n.is != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

// Lacks returns what a does not have of need.
func (a Ability) Lacks(need Ability) Ability { return need &^ a }

// MarshalJSON writes the names.
func (a Ability) MarshalJSON() ([]byte, error) { return json.Marshal(a.Names()) }

// UnmarshalJSON reads the names.
func (a *Ability) UnmarshalJSON(b []byte) error {
	var names []string
	if err := json.Unmarshal(b, &names); err != nil {
		return err
	}
	*a = 0
	for _, name := range names {
		i := slices.IndexFunc(abilities, func(n ability) bool { return n.name == name })
		if i < 0 {
			return fmt.Errorf("%w: %.100q is none of %s", ErrAbility, name, strings.Join((^Ability(0)).Names(), ", "))
		}
		*a |= abilities[i].is
	}
	return nil
}

// Needs is what a server must be able to do to answer this as it was asked.
func (r *Request) Needs() Ability {
	need := CanChat
	for _, n := range []struct {
		is bool
		a  Ability
	}{
		{len(r.Tools.Functions) > 0 || slices.ContainsFunc(r.Messages, func(m Message) bool { return m.Role == "tool" || len(m.Calls) > 0 }), CanTools},
		{r.Format != nil, CanSchema},
		{r.Sampling.TopP != nil, CanTopP},
		{r.Sampling.FrequencyPenalty != 0 || r.Sampling.PresencePenalty != 0, CanPenalties},
		{len(r.Sampling.Bias) > 0, CanBias},
		{r.RepeatPenaltyMilli != nil && *r.RepeatPenaltyMilli != 1000, CanRepeat},
		{r.Logprobs, CanLogprobs},
	} {
		if n.is {
			need |= n.a
		}
	}
	return need
}

// Refuse is the error for a request that needs more than can be had.
func Refuse(model string, lacks Ability) error {
	names := lacks.Names()
	return &UnsupportedError{Param: names[0], Why: "no server of " + model + " can do " + strings.Join(names, ", ") + " in the way asked for; GET /v1/models says what each model can"}
}

// PromptBytes bounds the tokens of the prompt: no token is shorter than a byte, and a chat template adds less than
// turnMargin to each turn.
func (r *Request) PromptBytes() int {
	const turnMargin = 64
	n := turnMargin
	for _, m := range r.Messages {
		n += len(m.Content) + len(m.CallID) + turnMargin
		for _, c := range m.Calls {
			n += len(c.ID) + len(c.Name) + len(c.Arguments) + turnMargin
		}
	}
	for _, f := range r.Tools.Functions {
		n += len(f.Name) + len(f.Description) + len(f.Parameters) + turnMargin
	}
	if r.Format != nil {
		n += len(r.Format.Schema)
	}
	return n
}

// Cost is the most that an answer may cost at a model's price: a byte of the prompt is a token at most. A sum out of range
// is amount.Max.
func (m Model) Cost(r Request) amount.Amount {
	in, out := r.PromptBytes(), r.MaxTokens
	if out == 0 {
		out = max(m.Longest, 0)
		if out == 0 {
			out = m.Context
		}
	}
	if m.Context > 0 && !r.Apart {
		in = min(in, m.Context)
	}
	return Fee(m.PriceIn, m.PriceOut, in, out)
}

// Fee is what tokens cost. A sum out of range, which no honest count makes, is amount.Max.
func Fee(priceIn, priceOut amount.Amount, in, out int) amount.Amount {
	a, err := priceIn.Mul(uint64(max(in, 0)))
	if err != nil {
		return amount.Max
	}
	b, err := priceOut.Mul(uint64(max(out, 0)))
	if err != nil {
		return amount.Max
	}
	sum, err := a.Add(b)
	if err != nil {
		return amount.Max
	}
	return min(sum, amount.Max)
}
