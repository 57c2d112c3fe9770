package node

import (
	"context"
	"errors"
	"fmt"

	"funai/amount"
	"funai/gateway"
	"funai/inference/client"
	"funai/inference/execution"
	"funai/inference/pool"
	"funai/inference/server"
	"funai/inference/task"
	"funai/key"
	"funai/model"
)

// backend answers the gateway's questions by asking the network.
type backend struct{ n *Node }

var _ gateway.Backend = backend{}

// offered is a model with the best terms at which it is offered.
type offered struct {
	ModelType
	price   amount.Amount
	context int
	servers int
}

func (n *Node) offered() []offered {
	var out []offered
	for _, m := range n.cfg.Network.Models {
		o := offered{ModelType: m}
		for _, offer := range n.board.Offers() {
			if t, ok := offer.Of(m.Type); ok {
				if o.servers == 0 || t.GasPrice < o.price {
					o.price = t.GasPrice
				}
				o.context = max(o.context, int(t.Context))
				o.servers++
			}
		}
		if o.servers > 0 {
			out = append(out, o)
		}
	}
	return out
}

// Models implements gateway.Backend.
func (b backend) Models(context.Context) ([]gateway.Model, error) {
	var out []gateway.Model
	for _, o := range b.n.offered() {
		out = append(out, gateway.Model{ID: o.Name, Context: o.context, PriceIn: o.price * execution.GasPerTokenIn,
			PriceOut: o.price * execution.GasPerTokenOut, Servers: o.servers, Logprobs: true, Can: able, Trust: []string{gateway.TrustJudge}})
	}
	return out, nil
}

// Ask implements gateway.Backend.
func (b backend) Ask(ctx context.Context, r gateway.Request, started func(gateway.Start), emit func(gateway.Delta) error) (gateway.Answer, error) {
	return b.ask(ctx, key.Hash160{}, r, started, emit)
}

// ask asks one server, or with no address any.
func (b backend) ask(ctx context.Context, at key.Hash160, r gateway.Request, started func(gateway.Start), emit func(gateway.Delta) error) (gateway.Answer, error) {
	if lacks := able.Lacks(r.Needs()); lacks != 0 {
		return gateway.Answer{}, gateway.Refuse(r.Model, lacks)
	}
	m, ok := b.n.cfg.Network.Model(r.Model)
	if !ok {
		return gateway.Answer{}, fmt.Errorf("%w: %q", gateway.ErrNoModel, r.Model)
	}
	input, err := split(plain(r.Messages))
	if err != nil {
		return gateway.Answer{}, gatewayError(err)
	}
	q := client.Request{Model: m.Type, Input: input, MaxTokens: m.MaxTokens, RepeatPenaltyMilli: m.RepeatPenalty, MaxFee: r.MaxFee, Server: at}
	if r.MaxTokens > 0 {
		q.MaxTokens = uint32(min(r.MaxTokens, execution.MaxTaskTokens))
	}
	// The seed of a sampled answer is the transaction's id, which no one can choose; nothing said is greedy.
	if r.TemperatureMilli != nil {
		q.TemperatureMilli = *r.TemperatureMilli
	}
	if r.RepeatPenaltyMilli != nil {
		q.RepeatPenaltyMilli = *r.RepeatPenaltyMilli
	}
	if r.Logprobs {
		q.Top = uint32(max(r.Top, 0))
	}
	stopped := false
	version := b.n.cfg.Network.Inference.Version
	a, err := b.n.client.Ask(ctx, q, func(s client.Started) {
		escrow := amount.Amount(0)
		if t, ok := b.n.pool.Get(s.Task); ok {
			escrow = pool.Cost(t)
		}
		started(gateway.Start{Receipt: s.Task.String(), Server: address(s.Server.Hash160(), version), Escrow: escrow})
	}, func(t server.Token) error {
		if stopped {
			return nil
		}
		d := gateway.Delta{Text: t.Text}
		if r.Logprobs {
			d.Tokens = []model.Token{token(t)}
		}
		err := emit(d)
		if errors.Is(err, gateway.ErrStop) {
			// A receipt is for a whole answer: the rest is made unseen, or the server would not be paid.
			stopped = true
			return nil
		}
		return err
	})
	if err != nil {
		return gateway.Answer{}, gatewayError(err)
	}
	return gateway.Answer{Receipt: a.Task.String(), Server: address(a.Server.Hash160(), version), Finish: a.Finish,
		PromptTokens: int(a.In), CompletionTokens: int(a.Out), Fee: a.Fee, Trust: gateway.TrustJudge, Templated: r.Raw}, nil
}

func token(t server.Token) model.Token {
	m := model.Token{Logprob: model.Logprob{ID: t.ID, Text: t.Text, Logprob: t.Logprob}}
	for _, a := range t.Top {
		m.Top = append(m.Top, model.Logprob{ID: a.ID, Text: a.Text, Logprob: a.Logprob})
	}
	return m
}

// plain leaves out what able says the network can't carry.
func plain(ms []gateway.Message) []model.Message {
	out := make([]model.Message, len(ms))
	for i, m := range ms {
		out[i] = model.Message{Role: m.Role, Content: m.Content}
	}
	return out
}

// split makes a task's input of a chat: a leading system message, the turns between, and the last message, which must be
// the user's.
func split(ms []model.Message) (in task.Input, err error) {
	if len(ms) > 0 && ms[0].Role == "system" {
		in.System, ms = ms[0].Content, ms[1:]
	}
	if len(ms) == 0 || ms[len(ms)-1].Role != "user" {
		return in, fmt.Errorf("%w: the last message must be the user's", gateway.ErrRequest)
	}
	for _, m := range ms[:len(ms)-1] {
		in.Context = append(in.Context, task.Turn{Role: m.Role, Content: m.Content})
	}
	in.Input = ms[len(ms)-1].Content
	return in, in.Check()
}

// gatewayError says what an error of asking means to an HTTP client.
func gatewayError(err error) error {
	for _, m := range []struct{ is, as error }{
		{server.ErrTooLong, gateway.ErrTooLong}, {task.ErrTooLarge, gateway.ErrTooLong},
		{execution.ErrFunds, gateway.ErrNoFunds}, {server.ErrFunds, gateway.ErrNoFunds},
		{client.ErrBroken, gateway.ErrUpstream}, {client.ErrReceipt, gateway.ErrUpstream},
		{server.ErrPrice, gateway.ErrMaxFee},
		{server.ErrBadRequest, gateway.ErrRequest}, {task.ErrContent, gateway.ErrRequest},
		{server.ErrBusy, gateway.ErrBusy}, {pool.ErrFull, gateway.ErrBusy}, {pool.ErrReplaces, gateway.ErrBusy},
		{client.ErrNobody, gateway.ErrNobody},
	} {
		if errors.Is(err, m.is) {
			return fmt.Errorf("%w: %w", m.as, err)
		}
	}
	return err
}
