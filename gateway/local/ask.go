package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"funai/gateway"
	"funai/model"
)

// countTime bounds counting a prompt's tokens after its client went.
const countTime = 5 * time.Second

// Ask implements route.Source.
func (s *Source) Ask(ctx context.Context, _ string, r gateway.Request, started func(gateway.Start), emit func(gateway.Delta) error) (gateway.Answer, error) {
	m, leave, err := s.enter(r.Model)
	if err != nil {
		return gateway.Answer{}, err
	}
	defer leave()
	if m.Chatter == nil {
		return gateway.Answer{}, gateway.Refuse(r.Model, gateway.CanChat)
	}
	most := m.model().Cost(r)
	if err := affordable(most, r.MaxFee); err != nil {
		return gateway.Answer{}, err
	}
	q, err := m.request(r)
	if err != nil {
		return gateway.Answer{}, err
	}
	out := gateway.Answer{Server: Name, Trust: gateway.TrustNone, Templated: r.Raw}
	begin := func() {
		if started != nil {
			started(gateway.Start{Server: Name, Escrow: most})
			started = nil
		}
	}
	var refused error // what emit returned
	got, err := m.Chatter.Generate(ctx, q, func(t model.Token) error {
		out.CompletionTokens++
		if t.Text == "" && !r.Logprobs {
			return nil
		}
		d := gateway.Delta{Text: t.Text}
		if r.Logprobs {
			d.Tokens = []model.Token{t}
		}
		begin()
		refused = emit(d)
		return refused
	})
	switch {
	case err == nil:
		out.PromptTokens, out.Finish = got.PromptTokens, got.Finish
		if len(got.ToolCalls) > 0 {
			begin()
			err = emit(calls(got.ToolCalls, r.Tools.Parallel))
		}
	case refused != nil || ctx.Err() != nil: // the client went, or has all it wants: what was made is to be paid
		if err = refused; err == nil {
			err = context.Cause(ctx)
		}
		if errors.Is(err, gateway.ErrStop) {
			out.Finish, err = model.FinishStop, nil
		}
		if out.CompletionTokens > 0 { // else nobody may have read it yet
			out.PromptTokens = m.count(ctx, q)
		}
	default:
		return gateway.Answer{}, explain(ctx, err)
	}
	if err == nil {
		begin() // an empty answer
	}
	out.Fee = min(gateway.Fee(m.PriceIn, m.PriceOut, out.PromptTokens, out.CompletionTokens), most) // templates may add more than was reckoned with
	return out, err
}

// count is how many tokens a prompt has whose answer was left.
func (m Served) count(ctx context.Context, q model.Request) int {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), countTime)
	defer cancel()
	n, err := m.Chatter.CountPrompt(ctx, q)
	if err != nil { // rather too little is paid than a question fails that was answered
		return 0
	}
	return n
}

// calls are an answer's calls in one piece; one call only if the client takes no more.
func calls(list []model.ToolCall, parallel *bool) (d gateway.Delta) {
	if parallel != nil && !*parallel {
		list = list[:1]
	}
	for i, c := range list {
		d.Calls = append(d.Calls, gateway.ToolCallDelta{Index: i, ID: c.ID, Name: c.Name, Arguments: c.Arguments})
	}
	return d
}

// request says a question in an engine's words. A temperature that isn't said is 1, as with OpenAI.
func (m Served) request(r gateway.Request) (model.Request, error) {
	c := &model.Controls{Temperature: 1, FrequencyPenalty: r.Sampling.FrequencyPenalty, PresencePenalty: r.Sampling.PresencePenalty, Seed: rand.Uint64()}
	if r.TemperatureMilli != nil {
		c.Temperature = float64(*r.TemperatureMilli) / 1000
	}
	if r.RepeatPenaltyMilli != nil {
		c.RepeatPenalty = float64(*r.RepeatPenaltyMilli) / 1000
	}
	if r.Sampling.TopP != nil {
		c.TopP = *r.Sampling.TopP
	}
	if r.Seed != nil {
		c.Seed = uint64(*r.Seed)
	}
	for id, by := range r.Sampling.Bias {
		n, err := strconv.ParseInt(id, 10, 32)
		if err != nil {
			return model.Request{}, fmt.Errorf("%w: logit_bias: %.40q is no token", gateway.ErrRequest, id)
		}
		if c.LogitBias == nil {
			c.LogitBias = map[int32]float64{}
		}
		c.LogitBias[int32(n)] = by
	}
	q := model.Request{MaxTokens: r.MaxTokens, Controls: c, Client: r.Client}
	if q.MaxTokens == 0 {
		q.MaxTokens = m.model().Longest
	}
	if r.Logprobs {
		q.Top = r.Top
	}
	for _, t := range r.Messages {
		said := model.Message{Role: t.Role, Content: t.Content, ToolCallID: t.CallID}
		for _, c := range t.Calls {
			said.ToolCalls = append(said.ToolCalls, model.ToolCall(c))
		}
		q.Messages = append(q.Messages, said)
	}
	for _, f := range r.Tools.Functions {
		q.Tools = append(q.Tools, model.Tool{Name: f.Name, Description: f.Description, Parameters: f.Parameters})
	}
	q.ToolChoice = r.Tools.Choice
	if q.ToolChoice == "function" {
		q.ToolChoice = r.Tools.Name
	}
	if f := r.Format; f != nil {
		if q.Schema = f.Schema; q.Schema == nil {
			q.Schema = json.RawMessage(`{"type":"object"}`)
		}
	}
	return q, nil
}
